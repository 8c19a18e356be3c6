"""Fault 16: a dead processor, the hardware that cuts it off, and what is found after the reset."""

from __future__ import annotations

from collections.abc import Callable

from tests.sim.firmware.bench import Bench

At = Callable[..., Bench]


def test_a_dead_processor_is_cut_off_within_150_ms_and_found_set_after_the_reset(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.ask("STATUS")
    boot = int(bench.status()["boot"])
    bench.world.act("hang")
    bench.ticks(9)
    assert bench.true_ua > 900  # nobody has noticed
    bench.ticks(6)
    assert (bench.true_ua, bench.world.truth()["relay_closed"]) == (0, False)
    bench.ticks(30)
    assert bench.state == "FAULT"
    bench.hello()
    status = bench.status()
    assert (status["fl"], int(status["boot"]), status["run"]) == ("8000", boot + 1, "-")
    facts = bench.ask("RUN run=R1")["fields"]
    assert facts["out"] == "RESET"
    assert bench.true_uc <= int(facts["q"]) <= bench.true_uc + 1300
    bench.events.clear()
    bench.ask("EVENTS n=0001")
    assert bench.events[0]["number"] == "0001"
    assert bench.named("FAULT") == [
        {"id": "16", "name": "WATCHDOG", "z": "0", "i": "0", "v": "0", "q": facts["q"], "run": "R1"}
    ]
    assert bench.code("CLEAR id=16") == "17"
    bench.ticks(170)
    assert bench.code("CLEAR id=16") == "00"
    bench.world.act("power_cycle")
    bench.ticks(30)
    assert bench.state == "IDLE"


def test_a_dead_processor_at_rest_says_the_golden_line(bench: Bench) -> None:
    bench.ticks(10)
    bench.world.act("hang")
    bench.ticks(40)
    bench.hello()
    bench.ask("EVENTS n=0001")
    first = bench.events[0]
    assert (first["number"], first["name"], first["fields"]["run"]) == ("0001", "FAULT", "-")
    assert (first["fields"]["id"], first["fields"]["q"]) == ("16", "0")
    bench.world.act("power_cycle")
    bench.ticks(30)
    assert bench.state == "FAULT"


def test_what_is_written_to_a_dead_processor_is_lost_and_time_goes_on(bench: Bench) -> None:
    bench.world.act("hang")
    bench.put(b"*IDN?\n")
    bench.ticks(5)
    bench.put(b"*OPC?\n")
    bench.ticks(60)
    assert bench.plain == []
    assert bench.query("*OPC?") == "1"


def test_nothing_from_outside_keeps_a_dead_processor_from_its_reset(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.world.act("hang")
    for _ in range(15):
        bench.put(b"\x18MEAS:ALL?\n")
        bench.world.act("break")
        bench.world.disconnect(bench.conn)
        bench.conn = bench.world.connect("direct")
        bench.ticks(1)
    assert (bench.true_ua, bench.world.truth()["relay_closed"]) == (0, False)
    bench.ticks(30)
    assert bench.state == "FAULT"


def test_a_processor_late_by_less_than_100_ms_is_no_watchdog(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.world.hung = True
    bench.ticks(9)
    bench.world.hung = False
    bench.ticks(100)
    assert (bench.state, bench.status()["fl"]) == ("HOLD", "0")
