"""The world around the firmware: the same calls give the same bytes, a snapshot is everything, the truth is true."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hw_sim.world import World
from tests.sim.firmware.bench import Bench, seal

At = Callable[..., Bench]
STATES = ("IDLE", "STAGED", "CHECK", "ARMED", "RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING", "PAUSED", "DONE", "FAULT")


def go_on(bench: Bench) -> tuple[bytes, object]:
    """What the unit says, and what is true, over twelve seconds of everything."""
    world, conn = bench.world, bench.conn
    sid, number = bench.sid, bench.number
    said = b""
    for n in range(40):
        number += 1
        text = ("STATUS", "KEEP t=0000", "EVENTS n=0002", "PAUSE", "RUN run=R1", "TELE ms=50", "SET I=500")[n % 7]
        world.put(conn, seal(f">{sid:04X} {number:04X} {text}")[: 400 if n % 5 else 9])
        if n == 20:
            world.act("lift", "drug")
        if n == 30:
            world.put(conn, b"\x18*ESR?\nFOO\nSYST:ERR?\nSYST:COUN?\n")
        world.advance_to(world.now_us + 303_001)
        said += world.take(conn)
    return said, (world.snapshot(), sorted(world.truth().items()))


@pytest.mark.parametrize("state", STATES)
def test_a_snapshot_restored_goes_on_byte_for_byte(at: At, state: str) -> None:
    bench = at(state)
    bench.put(b"half a li")
    saved = bench.world.snapshot()
    first = go_on(bench)
    bench.world.restore(saved)
    assert bench.world.snapshot() == saved
    assert go_on(bench) == first
    assert len(first[0]) > 1500


def test_a_snapshot_goes_into_another_world_of_the_same_serial_number(at: At) -> None:
    bench = at("HOLD")
    saved = bench.world.snapshot()
    first = go_on(bench)
    other = World(load="open", seed=99)
    other.restore(saved)
    bench.world = other
    assert go_on(bench) == first


def test_a_snapshot_holds_bytes_still_under_way() -> None:
    world = World(load="5k")
    slow, fast = world.connect("9600"), world.connect("usb")
    world.put(slow, b"*IDN?\n")
    world.put(fast, b"*OPC?\n")
    saved = world.snapshot()
    said = []
    for _ in range(2):
        world.advance_to(world.now_us + 500_000)
        said.append((world.take(slow), world.take(fast)))
        world.restore(saved)
    assert said == [(b"IONTO,IONTO-4,SN0001,1.0.0\n", b"1\n")] * 2


def test_a_snapshot_survives_a_power_cycle_in_between(at: At) -> None:
    bench = at("HOLD")
    saved = bench.world.snapshot()
    first = go_on(bench)
    bench.world.act("power_cycle")
    bench.world.act("hang")
    bench.world.restore(saved)
    assert go_on(bench) == first


def test_the_same_seed_says_the_same_bytes_and_another_does_not() -> None:
    def said(seed: int) -> bytes:
        return go_on(Bench("skin", seed=seed).to("HOLD", Q=60_000))[0]

    assert said(3) == said(3)
    assert said(3) != said(4)


def test_how_far_one_advances_at_a_time_changes_nothing() -> None:
    def run(stride_us: int) -> bytes:
        bench = Bench("skin").to("RAMP_DOWN")
        start = bench.world.now_us
        said = b""
        while bench.world.now_us < start + 8_000_000:
            bench.world.advance_to(min(bench.world.now_us + stride_us, start + 8_000_000))
            said += bench.world.take(bench.conn)
        return said

    whole = run(8_000_000)
    assert whole.count(b"\n") > 80
    assert run(10_000) == run(7_919) == run(1_000_003) == whole


def test_advance_with_a_connection_stops_where_there_is_something_to_read(bench: Bench) -> None:
    bench.hello()
    start = bench.world.now_us
    bench.world.advance_to(start + 5_000_000, bench.conn)
    assert bench.world.now_us == start + 100_000
    assert bench.world.take(bench.conn).startswith(b"~")


def test_truth_is_what_the_plant_does(at: At) -> None:
    bench = at("HOLD", POL="-")
    bench.advance(1)
    truth = bench.world.truth()
    assert (truth["state"], truth["relay_closed"], truth["bridge"], truth["set_ua"]) == ("HOLD", True, -1, 1000)
    assert truth["t_us"] == bench.world.now_us
    assert -1010 < truth["i_ua"] < -990
    assert abs(truth["v_mv"] - abs(truth["i_ua"]) * 5) < 5
    assert (truth["contact_drug"], truth["contact_return"], truth["faults"]) == (1.0, 1.0, 0)
    before = truth["q_uc"]
    bench.ticks(100)
    assert abs(bench.world.truth()["q_uc"] - before - 1000) < 10
    bench.world.act("contact", "drug:0.25")
    assert bench.world.truth()["contact_drug"] == 0.25
    bench.world.act("lift", "both")
    bench.ticks(10)
    truth = bench.world.truth()
    assert (truth["state"], truth["faults"], truth["dac_code"], truth["i_ua"]) == ("FAULT", 1, 0, 0)


def test_unplugging_loses_every_connection_and_the_unit_pauses_alone(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.world.act("unplug")
    assert bench.world.to_unit == bench.world.to_host == {}
    bench.world.advance_to(bench.world.now_us + 1_020_000)
    assert bench.state == "PAUSING"
    bench.world.act("replug")
    bench.conn = bench.world.connect("direct")
    assert bench.hello(" run=R1")["code"] == "00"


def test_what_nobody_can_do_to_a_bench_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="explode: nothing of that name"):
        bench.world.act("explode")


# -- a host that does not read -----------------------------------------------------------------------------------


def test_a_full_buffer_drops_telemetry_first_and_whole_and_the_gap_shows(bench: Bench) -> None:
    bench.hello()
    bench.ask("TELE ms=20")
    world = bench.world
    world.advance_to(world.now_us + 10_000_000)  # 500 lines of about 100 bytes, and nobody reads
    world.put(bench.conn, seal(f">{bench.sid:04X} 0002 STATUS"))
    bench.number = 2
    lines = bench.hear()
    assert sum(map(len, lines)) < 16_384
    assert all(line.count("*") == 1 for line in lines)
    assert lines[-1].startswith(f"<{bench.sid:04X} 0002 00 STATUS")
    assert [int(line[6:10], 16) for line in lines if line[0] == "~"] == list(range(len(lines) - 1))
    bench.ticks(2)
    assert int(bench.newest, 16) >= 499  # what was dropped has used its number


def test_a_run_is_not_held_up_by_a_host_that_does_not_read(at: At) -> None:
    bench = at("HOLD", LOSS="FINISH")
    bench.ask("TELE ms=20")
    bench.world.advance_to(bench.world.now_us + 10_000_000)
    assert bench.world.truth()["state"] == "DONE"
    assert bench.query("*OPC?") == "1"
