"""Stop bytes: wherever they stand, whatever stands before them, and how soon the current is gone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from hw_sim.world import World
from tests.sim.firmware.bench import Bench, seal

At = Callable[..., Bench]
STOP_BYTES = (b"\x18", b"\x03")


@pytest.mark.parametrize("stop", STOP_BYTES)
def test_at_every_offset_of_a_line_it_stops_and_the_line_is_gone(at: At, stop: bytes) -> None:
    bench = at("HOLD")
    line = b"\n" + seal(f">{bench.sid:04X} {bench.number + 1:04X} SET I=500")
    saved = bench.world.snapshot()
    for offset in range(2, len(line) + 1):  # from inside the line to behind its end
        bench.world.restore(saved)
        bench.put(line[:offset] + stop + line[offset:])
        assert bench.state == "RAMP_DOWN", offset
        # What is left of the line is a plain fragment at most, and can raise nothing.
        assert bench.world.firmware.session.last == bench.number, offset
        assert bench.query("SYST:PROT?") == "IONTO/1", offset


@pytest.mark.parametrize("stop", STOP_BYTES)
def test_in_pieces_of_one_byte_too(at: At, stop: bytes) -> None:
    bench = at("HOLD")
    line = seal(f">{bench.sid:04X} {bench.number + 1:04X} SET I=500")
    for byte in line[:20] + stop + line[20:]:
        bench.put(bytes([byte]))
    assert bench.state == "RAMP_DOWN"
    assert bench.world.firmware.session.last == bench.number


def test_no_single_flipped_bit_starts_a_run_and_those_that_make_a_stop_byte_stop(at: At) -> None:
    bench = at("ARMED")
    line = seal(f">{bench.sid:04X} {bench.number + 1:04X} START run=R1 D={bench.digest} X={bench.now_ms + 900}")
    saved = bench.world.snapshot()
    states = {"ARMED": 0, "IDLE": 0}
    for bit in range(8 * len(line)):
        bench.world.restore(saved)
        damaged = bytearray(line)
        damaged[bit // 8] ^= 1 << (bit % 8)
        bench.put(bytes(damaged))
        states[bench.state] += 1  # and no other state
        stops = damaged[bit // 8] in (0x18, 0x03)
        assert bench.state == ("IDLE" if stops else "ARMED")
    assert states["IDLE"] > 0
    bench.world.restore(saved)
    bench.put(line)
    assert bench.state == "RAMP_UP"


def test_behind_a_thousand_lines_it_is_first_and_none_of_them_is_executed(at: At) -> None:
    bench = at("HOLD")
    backlog = b"".join(seal(f">{bench.sid:04X} {bench.number + n:04X} SET I=500") for n in range(1, 1001))
    before = len(bench.replies)
    bench.put(backlog + b"\x18")
    assert bench.state == "RAMP_DOWN"
    assert bench.replies[before:] == []
    assert bench.code("STATUS") == "00"


def test_behind_a_thousand_plain_lines_and_a_full_line_buffer(at: At) -> None:
    bench = at("HOLD")
    said = bench.put(b"*IDN?\n" * 1000 + b"x" * 300 + b"\x03")
    assert [line[:1] for line in said] == ["!"]  # the change of state, and no answer
    assert bench.state == "RAMP_DOWN"


def test_on_a_line_of_115200_baud_a_stop_byte_waits_for_the_bytes_before_it_only(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    slow = bench.world.connect("115200")
    bench.world.put(slow, b"*IDN?\n" * 100 + b"\x18")
    bench.world.advance_to(bench.world.now_us + 601 * 86 - 200)
    assert bench.state == "HOLD"
    bench.world.advance_to(bench.world.now_us + 1000)
    assert bench.state == "RAMP_DOWN"


def test_it_is_not_answered_and_counts_as_no_damage(bench: Bench) -> None:
    assert bench.put(b"\x18\x03*ID\x03") == []
    assert bench.query("*IDN?") == "IONTO,IONTO-4,SN0001,1.0.0"
    assert bench.query("SYST:COUN?") == "0,0,0,1"
    assert bench.query("SYST:ERR?") == '0,"No error"'


def test_the_byte_after_it_begins_a_new_line_even_in_a_poisoned_or_over_long_one(bench: Bench) -> None:
    assert bench.put(b"\xff\xfe\x03*OPC?\n") == ["1"]
    assert bench.put(b"y" * 500 + b"\x18*OPC?\n") == ["1"]
    assert bench.query("SYST:COUN?") == "0,0,0,1"


def test_it_discards_nothing_of_another_connection(bench: Bench) -> None:
    other = bench.world.connect("direct")
    bench.put(b"*OP", other)
    bench.put(b"\x03")
    assert bench.put(b"C?\n", other) == ["1"]


def test_a_break_discards_the_line_begun(bench: Bench) -> None:
    bench.put(b"MEAS:")
    bench.world.act("break")
    assert bench.query("*OPC?") == "1"


@pytest.mark.parametrize(("apart_ms", "state"), [(0, "DONE"), (10, "DONE"), (500, "DONE"), (510, "RAMP_DOWN")])
def test_two_0x18_within_500_ms_are_an_abort(at: At, apart_ms: int, state: str) -> None:
    bench = at("HOLD")
    bench.put(b"\x18")
    bench.ticks(apart_ms // 10)
    bench.put(b"\x18")
    assert bench.state == state


def test_the_500_ms_are_counted_from_one_0x18_to_the_next(at: At) -> None:
    bench = at("HOLD")
    bench.put(b"\x18")
    bench.ticks(60)
    bench.put(b"\x18")  # too late to be the second, and the first of the next two
    assert bench.state == "RAMP_DOWN"
    bench.ticks(20)
    bench.put(b"\x18")
    assert bench.state == "DONE"


@pytest.mark.parametrize("bytes_", [b"\x03\x03", b"\x18\x03", b"\x03\x18", b"\x03\x03\x03\x03"])
def test_0x03_is_never_half_an_abort(at: At, bytes_: bytes) -> None:
    bench = at("HOLD")
    bench.put(bytes_)
    assert bench.state == "RAMP_DOWN"


def test_other_bytes_between_two_0x18_do_not_matter(at: At) -> None:
    bench = at("HOLD")
    bench.put(b"\x18\n\n*IDN?\nxyz\x18")
    assert bench.state == "DONE"


# -- how soon ----------------------------------------------------------------------------------------------------


def full_current(load: str = "5k") -> Bench:
    bench = Bench(load).to("HOLD", I=4000, Q=240_000, TU=8000, TD=40_000)
    bench.advance(1)
    assert bench.true_ua > 3990
    return bench


@pytest.mark.parametrize("load", ["5k", "skin"])
@pytest.mark.parametrize("stop", STOP_BYTES)
def test_target_zero_within_20_ms_and_quiet_within_1_s(load: str, stop: bytes) -> None:
    bench = full_current(load)
    bench.put(stop)
    assert bench.world.truth()["set_ua"] == 0  # at once
    currents = bench.trace(1.0, keep=False)
    assert currents[1] < currents[0] < 4000
    assert all(b <= a + 1 for a, b in pairwise(currents))
    assert [n for n, i in enumerate(currents) if i > 50][-1] < 99
    bench.ticks(2)
    assert bench.state == "DONE"
    assert bench.true_ua == 0


def test_abort_opens_the_relay_within_50_ms() -> None:
    bench = full_current()
    bench.put(b"\x18\x18")
    assert bench.state == "DONE"
    bench.world.advance_to(bench.world.now_us + 50_000)
    assert not bench.world.truth()["relay_closed"]
    assert bench.true_ua == 0


def test_a_stop_in_a_line_that_never_ends_is_obeyed() -> None:
    world = World(load="5k")
    bench = Bench(world=world).to("HOLD")
    for _ in range(50):
        bench.put(b">" * 100)
    bench.put(b"\x03")
    assert bench.state == "RAMP_DOWN"
