"""Numbers of requests, and what arrives while one is being executed (section 4.2 of the page)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sim.firmware.bench import Bench, seal

At = Callable[..., Bench]


def said(bench: Bench, data: bytes) -> list[str]:
    """Only the replies among what the unit says to these bytes."""
    return [line for line in bench.put(data) if line[0] == "<"]


# -- numbers -----------------------------------------------------------------------------------------------------


def test_a_repeat_gets_the_cached_reply_byte_for_byte_and_is_not_executed(bench: Bench) -> None:
    bench.hello()
    bench.prescribe()
    line = seal(f">{bench.sid:04X} 0002 TELE ms=50")
    first = said(bench, line)
    bench.number = 2
    bench.world.firmware.session.tele_ms = 70  # whatever executes it again would set 50
    assert said(bench, line) == first
    assert bench.world.firmware.session.tele_ms == 70
    assert bench.code("STATUS") == "00"


def test_a_status_repeated_later_tells_the_old_time(bench: Bench) -> None:
    bench.hello()
    line = seal(f">{bench.sid:04X} 0001 STATUS")
    first = said(bench, line)
    bench.ticks(50)
    assert said(bench, line) == first


def test_a_refusal_uses_its_number_and_is_cached(bench: Bench) -> None:
    bench.hello()
    line = seal(f">{bench.sid:04X} 0001 ARM D=00000000")
    first = said(bench, line)
    assert "04 ARM" in first[0]
    bench.send(bench.sid, 2, "PRES I=1000 Q=6000 POL=+")
    assert bench.send(bench.sid, 1, "ARM D=00000000")["code"] == "07"
    assert bench.send(bench.sid, 3, "FLY")["code"] == "01"
    assert bench.send(bench.sid, 3, "FLY")["code"] == "01"
    assert bench.send(bench.sid, 4, "STATUS")["code"] == "00"


def test_bytes_after_the_line_end_are_not_part_of_the_same_bytes(bench: Bench) -> None:
    bench.hello()
    body = seal(f">{bench.sid:04X} 0001 TELE ms=20")[:-1]
    first = said(bench, b"\n" + body + b"\r\n")
    assert said(bench, b"\n\n" + body + b"\n") == first


def test_the_number_used_for_other_bytes_is_08_and_closes_the_session(at: At) -> None:
    bench = at("ARMED")
    assert bench.send(bench.sid, bench.number, "STATUS")["code"] == "08"
    assert bench.state == "STAGED"
    assert bench.send(bench.sid, bench.number, "STATUS")["code"] == "05"
    bench.telemetry.clear()
    bench.ticks(50)
    assert bench.telemetry == []


def test_in_a_new_session_0000_is_hellos_number_and_its_use_for_other_bytes_is_08(bench: Bench) -> None:
    bench.hello()
    assert bench.send(bench.sid, 0, "STATUS")["code"] == "08"
    assert bench.send(bench.sid, 1, "STATUS")["code"] == "05"


@pytest.mark.parametrize("ahead", [2, 3, 0x8000, -1])
def test_any_other_number_is_07_and_uses_none(bench: Bench, ahead: int) -> None:
    bench.hello()
    bench.code("STATUS")
    assert bench.send(bench.sid, (bench.number + ahead) & 0xFFFF, "TELE ms=20")["code"] == "07"
    assert bench.world.firmware.session.tele_ms == 100
    assert bench.code("STATUS") == "00"


def test_08_leaves_a_run_on_what_is_left_of_its_lease(at: At) -> None:
    bench = at("HOLD")
    bench.keep()
    assert bench.send(bench.sid, bench.number, "TELE ms=20")["code"] == "08"
    assert bench.state == "HOLD"
    bench.ticks(199)
    assert bench.state == "HOLD"
    bench.ticks(2)
    assert bench.state == "PAUSING"


def test_after_ffff_there_is_no_next_number(bench: Bench) -> None:
    bench.hello()
    bench.number = bench.world.firmware.session.last = 0xFFFE
    line = seal(f">{bench.sid:04X} FFFF STATUS")
    first = said(bench, line)
    assert said(bench, line) == first
    assert bench.send(bench.sid, 0, "STATUS")["code"] == "07"
    assert bench.send(bench.sid, 1, "STATUS")["code"] == "07"


def test_stop_is_obeyed_whatever_its_session_and_number_each_time_it_arrives(at: At) -> None:
    for sid, number, code in ((0, 9, "05"), (0xDEAD, 9, "05"), (None, 0x7FFF, "07")):
        bench = at("HOLD")
        assert bench.send(bench.sid if sid is None else sid, number, "STOP")["code"] == code
        assert bench.state == "RAMP_DOWN"
    bench = at("HOLD")
    line = seal(f">{bench.sid:04X} {bench.number + 1:04X} STOP")
    first = said(bench, line)
    bench.until("DONE")
    assert said(bench, line) == first  # st=RAMP_DOWN, as it was
    assert bench.state == "IDLE"  # and yet obeyed again


@pytest.mark.parametrize("code", ["08", "07", "05"])
def test_abort_out_of_order_is_obeyed_before_it_is_refused(at: At, code: str) -> None:
    bench = at("HOLD")
    number = {"08": bench.number, "07": bench.number + 5, "05": 1}[code]
    reply = bench.send(0 if code == "05" else bench.sid, number, "ABORT")
    assert (reply["code"], bench.state) == (code, "DONE")


# -- while a request is being executed ------------------------------------------------------------------------------


def test_while_arm_is_executed_its_repeat_and_other_next_numbers_are_ignored(at: At) -> None:
    bench = at("CHECK")
    bench.silent(bench.sid, bench.number, f"ARM D={bench.digest}")
    bench.silent(bench.sid, bench.number + 1, "STATUS")
    bench.silent(bench.sid, bench.number + 1, "TELE ms=20")
    assert bench.send(bench.sid, bench.number + 2, "STATUS")["code"] == "07"
    bench.until("ARMED")
    assert [(r["number"], r["code"]) for r in bench.replies if r["verb"] == "ARM"] == [("0002", "00")]
    arm = bench.replies[-1]["line"]
    assert said(bench, seal(f">{bench.sid:04X} 0002 ARM D={bench.digest}")) == [arm]
    assert bench.code("STATUS") == "00"


@pytest.mark.parametrize("verb", ["STOP", "ABORT", "BYE"])
def test_stop_abort_and_bye_cut_an_arm_short_which_is_answered_13_first(at: At, verb: str) -> None:
    bench = at("CHECK")
    lines = said(bench, seal(f">{bench.sid:04X} {bench.number + 1:04X} {verb}"))
    assert [line[6:-9].split(" ")[:3] for line in lines] == [["0002", "13", "ARM"], ["0003", "00", verb]]
    bench.ticks(150)
    assert bench.state == "IDLE"
    assert [reply["code"] for reply in bench.replies if reply["verb"] == "ARM"] == ["13"]


@pytest.mark.parametrize("verb", ["STOP", "ABORT", "BYE"])
def test_they_cut_a_selftest_short_too(bench: Bench, verb: str) -> None:
    bench.hello()
    bench.silent(bench.sid, 1, "SELFTEST")
    bench.silent(bench.sid, 2, "STATUS")
    lines = said(bench, seal(f">{bench.sid:04X} 0002 {verb}"))
    assert [line[6:-9].split(" ")[:3] for line in lines] == [["0001", "13", "SELFTEST"], ["0002", "00", verb]]
    bench.ticks(50)
    assert [reply["verb"] for reply in bench.replies].count("SELFTEST") == 1
    assert bench.state == "IDLE"


@pytest.mark.parametrize("stop", [b"\x18", b"\x03", b"STOP\n", b"OUTP OFF\n"])
def test_a_stop_from_outside_the_session_cuts_the_arm_short(at: At, stop: bytes) -> None:
    bench = at("CHECK")
    bench.put(stop, bench.world.connect("direct"))
    bench.hear()
    assert [(reply["verb"], reply["code"]) for reply in bench.replies[-1:]] == [("ARM", "13")]
    assert bench.state == "IDLE"


def test_other_bytes_under_the_number_of_a_pending_arm_close_the_session(at: At) -> None:
    bench = at("CHECK")
    assert bench.send(bench.sid, bench.number, "STATUS")["code"] == "08"
    bench.ticks(200)
    assert bench.state == "STAGED"
    assert [reply["verb"] for reply in bench.replies].count("ARM") == 0
