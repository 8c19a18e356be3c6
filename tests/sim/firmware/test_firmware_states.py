"""The table of section 7: every cause in every state, the legal ones and all the others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from hw_sim.firmware import machine
from hw_sim.firmware.record import Record
from tests.sim.firmware.bench import ENERGISED, Bench, seal

At = Callable[..., Bench]

STATES = (
    "SELFTEST", "IDLE", "STAGED", "CHECK", "ARMED", "RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING", "PAUSED", "DONE",
    "FAULT",
)  # fmt: skip


# -- the table itself --------------------------------------------------------------------------------------------


def test_no_cause_leads_from_a_state_to_two() -> None:
    pairs = [(cause, state) for cause, sources, _ in machine.TABLE for state in sources]
    assert len(pairs) == len(set(pairs))


def test_every_cause_and_every_state_is_in_it() -> None:
    assert {cause for cause, _, _ in machine.TABLE} == set(range(24))
    assert {to for _, _, to in machine.TABLE} == set(range(13)) - {machine.BOOT}


def test_a_cause_without_a_row_changes_nothing() -> None:
    moves = {(cause, state): to for cause, sources, to in machine.TABLE for state in sources}
    for cause, state in product(range(24), range(13)):
        s = Record()
        s.st, s.t_st, s.by = state, 77, machine.BY_LOCAL
        assert machine.can(s, cause) == ((cause, state) in moves)
        assert machine.move(s, cause, machine.BY_HOST) == ((cause, state) in moves)
        if (cause, state) in moves:
            assert (s.st, s.t_st, s.by, s.saving) == (moves[cause, state], 0, machine.BY_HOST, 1)
        else:
            assert (s.st, s.t_st, s.by, s.saving) == (state, 77, machine.BY_LOCAL, 0)


def test_what_removes_energy_has_a_row_from_every_energised_state() -> None:
    for cause in (machine.STOP, machine.CUT_OPEN, machine.TRIP):
        assert {machine.RAMP_UP, machine.HOLD, machine.RAMP_DOWN, machine.PAUSING} <= {
            state for c, sources, _ in machine.TABLE for state in sources if c == cause
        }


# -- requests in every state -------------------------------------------------------------------------------------

#            PRES  ARM   START RESUME SET   PAUSE CLEAR SELFTEST
ANSWERS = {
    "SELFTEST": "04 04 13 13 04 04 04 04",
    "IDLE":     "00 04 13 13 04 04 04 ..",
    "STAGED":   "00 .. 13 13 04 04 04 04",
    "ARMED":    "04 04 00 13 04 04 04 04",
    "RAMP_UP":  "04 04 13 13 00 00 04 04",
    "HOLD":     "04 04 13 13 00 00 04 04",
    "RAMP_DOWN": "04 04 13 13 04 04 04 04",
    "PAUSING":  "04 04 13 13 04 04 04 04",
    "PAUSED":   "04 .. 13 13 04 04 04 04",
    "DONE":     "00 04 13 13 04 04 04 04",
    "FAULT":    "17 17 17 17 04 04 17 17",
}  # fmt: skip
REQUESTS = ("PRES", "ARM", "START", "RESUME", "SET", "PAUSE", "CLEAR", "SELFTEST")
MOVES = {
    ("PRES", "IDLE"): "STAGED", ("PRES", "DONE"): "STAGED", ("START", "ARMED"): "RAMP_UP",
    ("PAUSE", "RAMP_UP"): "PAUSING", ("PAUSE", "HOLD"): "PAUSING", ("ARM", "STAGED"): "CHECK",
    ("ARM", "PAUSED"): "CHECK", ("SELFTEST", "IDLE"): "SELFTEST",
}  # fmt: skip


def text(bench: Bench, verb: str) -> str:
    late = (bench.now_ms + 100) % 2**32
    return {
        "PRES": "PRES I=500 Q=6000 POL=+",
        "ARM": f"ARM D={bench.digest or '00000000'}",
        "START": f"START run=R2 D={bench.digest or '00000000'} X={late}",
        "RESUME": f"RESUME run=R1 X={late}",
        "SET": "SET I=500",
        "PAUSE": "PAUSE",
        "CLEAR": "CLEAR id=01",
        "SELFTEST": "SELFTEST",
    }[verb]


@pytest.mark.parametrize("state", ANSWERS)
@pytest.mark.parametrize("verb", REQUESTS)
def test_a_request_in_a_state(at: At, state: str, verb: str) -> None:
    bench = at(state)
    code = ANSWERS[state].split(" ")[REQUESTS.index(verb)]
    if code == "..":  # answered when it is over
        bench.silent(bench.sid, bench.number + 1, text(bench, verb))
    else:
        assert bench.code(text(bench, verb)) == code
    assert bench.state == MOVES.get((verb, state), state)


@pytest.mark.parametrize("verb", REQUESTS)
def test_during_a_check_requests_are_ignored(at: At, verb: str) -> None:
    bench = at("CHECK")
    bench.silent(bench.sid, bench.number + 1, text(bench, verb))
    assert bench.state == "CHECK"


@pytest.mark.parametrize("state", ANSWERS)
def test_questions_are_answered_in_every_state_and_change_none(at: At, state: str) -> None:
    bench = at(state)
    for question in ("STATUS", "RUN run=R0", "EVENTS n=0001", "TELE ms=200", f"KEEP t={bench.newest}"):
        assert bench.code(question) in ("00", "06")
    assert bench.state == state


# -- stops -------------------------------------------------------------------------------------------------------

AFTER_STOP = {
    "SELFTEST": "SELFTEST", "IDLE": "IDLE", "STAGED": "IDLE", "CHECK": "IDLE", "ARMED": "IDLE", "RAMP_UP": "RAMP_DOWN",
    "HOLD": "RAMP_DOWN", "RAMP_DOWN": "RAMP_DOWN", "PAUSING": "RAMP_DOWN", "PAUSED": "DONE", "DONE": "IDLE",
    "FAULT": "FAULT",
}  # fmt: skip
AFTER_ABORT = AFTER_STOP | dict.fromkeys(ENERGISED, "DONE")


def sealed(verb: str) -> Callable[[Bench], None]:
    def stop(bench: Bench) -> None:
        bench.put(seal(f">{bench.sid:04X} {bench.number + 1:04X} {verb}"))

    stop.__name__ = verb
    return stop


def byte_18(bench: Bench) -> None:
    bench.put(b"\x18")


def byte_03(bench: Bench) -> None:
    bench.put(b"\x03")


def line_break(bench: Bench) -> None:
    bench.world.act("break")
    bench.hear()


def take(bench: Bench) -> None:
    bench.put(seal(">0000 0001 TAKE vmin=1 vmax=1 nonce=00000001 host=b"))


def plain(line: str) -> Callable[[Bench], None]:
    def stop(bench: Bench) -> None:
        assert bench.query(line) is None

    stop.__name__ = line
    return stop


STOPS: dict[Callable[[Bench], None], str] = {
    sealed("STOP"): "HOST", sealed("BYE"): "HOST", take: "HOST", byte_18: "BYTE", byte_03: "BYTE", line_break: "BYTE",
    plain("STOP"): "PLAIN", plain("OUTP OFF"): "PLAIN", plain("OUTPUT 0"): "PLAIN", plain("*RST"): "PLAIN",
}  # fmt: skip


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.__name__)
@pytest.mark.parametrize("state", STATES)
def test_a_stop_from_every_state_by_every_way(at: At, state: str, stop: Callable[[Bench], None]) -> None:
    bench = at(state)
    stop(bench)
    assert bench.state == AFTER_STOP[state]
    if AFTER_STOP[state] != state:
        bench.hello(" run=R1")
        bench.ask("EVENTS n=0001")
        bench.ask("EVENTS n=0009")
        assert bench.named("STATE")[-1] == {"st": AFTER_STOP[state], "was": state, "by": STOPS[stop]}
    if state in ENERGISED:
        assert bench.until("DONE") <= 100
    if state in (*ENERGISED, "PAUSED"):
        bench.hello()
        assert bench.ask("RUN run=R1")["fields"]["out"] == "STOPPED"
    bench.ticks(1)
    assert abs(bench.true_ua) < 1
    assert not bench.world.truth()["relay_closed"]


def two_bytes(bench: Bench) -> None:
    bench.put(b"\x18\x18")


def two_bytes_apart(bench: Bench) -> None:
    bench.put(b"\x18")
    bench.ticks(3)
    bench.put(b"*IDN?\x18")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("abort", [sealed("ABORT"), plain("ABOR")], ids=lambda abort: abort.__name__)
def test_an_abort_from_every_state(at: At, state: str, abort: Callable[[Bench], None]) -> None:
    bench = at(state)
    abort(bench)
    assert bench.state == AFTER_ABORT[state]
    bench.ticks(2)
    assert abs(bench.true_ua) < 1
    assert not bench.world.truth()["relay_closed"]
    if state in (*ENERGISED, "PAUSED"):
        bench.hello()
        assert bench.ask("RUN run=R1")["fields"]["out"] == "ABORTED"


@pytest.mark.parametrize("abort", [two_bytes, two_bytes_apart])
@pytest.mark.parametrize("state", ENERGISED)
def test_a_second_0x18_aborts_an_energised_run(at: At, state: str, abort: Callable[[Bench], None]) -> None:
    bench = at(state)
    abort(bench)
    assert bench.state == "DONE"
    bench.ticks(2)
    assert not bench.world.truth()["relay_closed"]
    assert bench.ask("RUN run=R1")["fields"]["out"] == "ABORTED"
    assert bench.named("STATE")[-1] == {"st": "DONE", "was": "RAMP_DOWN", "by": "BYTE"}


@pytest.mark.parametrize("state", ["CHECK", "ARMED"])
@pytest.mark.parametrize(("stop", "out"), [("STOP", "STOPPED"), ("ABORT", "ABORTED")])
def test_a_stop_while_rearming_an_open_run_closes_it(at: At, state: str, stop: str, out: str) -> None:
    bench = at("PAUSED")
    if state == "ARMED":
        bench.arm()
    else:
        bench.silent(bench.sid, bench.number + 1, f"ARM D={bench.digest}")
        bench.number += 1
        bench.ticks(30)
    bench.put(seal(f">{bench.sid:04X} {bench.number + 1:04X} {stop}"))
    assert bench.state == "DONE"
    bench.hello()
    assert bench.ask("RUN run=R1")["fields"]["out"] == out


def test_a_stop_shortens_the_normal_ramp_down_and_makes_it_stopped(at: At) -> None:
    bench = at("RAMP_DOWN")
    before = bench.true_ua
    bench.ask("STOP")
    assert before > 900
    assert bench.until("DONE") < 100  # 4 s otherwise
    assert bench.ask("RUN run=R1")["fields"]["out"] == "STOPPED"


def test_a_stop_that_comes_late_in_a_ramp_down_does_not_slow_it(at: At) -> None:
    bench = at("RAMP_DOWN", TD=1000, Q=6000)
    bench.ticks(40)
    bench.ask("STOP")
    assert bench.until("DONE") <= 65  # 1000 uA in 1 s: 60 ticks are left


def test_a_stop_does_not_change_the_outcome_of_a_faulted_ramp_down() -> None:
    for stop in ("STOP", "ABORT"):
        bench = Bench().to("HOLD", TMAX=2500)
        bench.until("RAMP_DOWN", within_s=2)
        assert bench.named("FAULT")[-1]["name"] == "TIME_CAP"
        bench.ask(stop)
        bench.until("FAULT", within_s=1.1)
        assert bench.ask("RUN run=R1")["fields"]["out"] == "FAULT:12"
        assert bench.status()["fl"] == "800"
        assert len(bench.named("FAULT")) == 1


def test_a_stop_to_idle_unstages_and_clears_the_charge(at: At) -> None:
    bench = at("DONE")
    assert int(bench.status()["q"]) > 5000
    digest = bench.digest
    bench.ask("STOP")
    assert bench.status()["q"] == "0"
    bench.prescribe(I=500)
    bench.ask("STOP")
    bench.ask("PRES I=510 Q=6000 POL=+")
    assert bench.code(f"ARM D={digest}") == "14"


# -- moves of its own --------------------------------------------------------------------------------------------


def told(bench: Bench) -> list[tuple[str, str, str]]:
    return [(e["was"], e["st"], e["by"]) for e in bench.named("STATE")]


def test_a_whole_run_tells_every_change(at: At) -> None:
    bench = at("DONE")
    assert told(bench) == [
        ("IDLE", "STAGED", "HOST"), ("STAGED", "CHECK", "HOST"), ("CHECK", "ARMED", "UNIT"),
        ("ARMED", "RAMP_UP", "HOST"), ("RAMP_UP", "HOLD", "UNIT"), ("HOLD", "RAMP_DOWN", "UNIT"),
        ("RAMP_DOWN", "DONE", "UNIT"),
    ]  # fmt: skip


def test_a_pause_and_its_resume_tell_every_change(at: At) -> None:
    bench = at("PAUSED")
    bench.arm()
    bench.resume()
    bench.until("DONE")
    assert told(bench)[5:] == [
        ("HOLD", "PAUSING", "HOST"), ("PAUSING", "PAUSED", "UNIT"), ("PAUSED", "CHECK", "HOST"),
        ("CHECK", "ARMED", "UNIT"), ("ARMED", "RAMP_UP", "HOST"), ("RAMP_UP", "HOLD", "UNIT"),
        ("HOLD", "RAMP_DOWN", "UNIT"), ("RAMP_DOWN", "DONE", "UNIT"),
    ]  # fmt: skip


def test_a_resume_with_the_dose_complete_goes_through_ramp_down_and_tells_it(at: At) -> None:
    """The ramp-down of a PAUSE can complete the dose; what is left is nothing, and nothing is what flows."""
    bench = at("HOLD")
    bench.until(lambda: int(bench.world.firmware.rec.q) >= 3900)
    bench.ask("PAUSE")
    bench.until("PAUSED")
    bench.world.firmware.rec.q = 6000
    bench.arm()
    bench.resume()
    bench.until("DONE", within_s=1)
    assert told(bench)[-2:] == [("RAMP_UP", "RAMP_DOWN", "UNIT"), ("RAMP_DOWN", "DONE", "UNIT")]
    assert max(bench.trace(0.1)) < 1


def test_a_failed_check_goes_back_to_where_arm_came_from(at: At) -> None:
    bench = at("STAGED")
    bench.world.act("load", "open")
    assert bench.arm()["code"] == "16"
    assert bench.state == "STAGED"
    bench.world.act("load", "5k")
    assert bench.arm()["code"] == "00"
    bench = at("PAUSED")
    bench.world.act("load", "short")
    assert bench.arm()["code"] == "16"
    assert bench.state == "PAUSED"
    bench.world.act("load", "5k")
    assert bench.arm()["code"] == "00"
    assert bench.resume()["code"] == "00"


@pytest.mark.parametrize("came_from", ["STAGED", "PAUSED"])
def test_an_arming_lasts_ten_seconds(at: At, came_from: str) -> None:
    bench = at(came_from)
    reply = bench.arm()
    assert reply["fields"]["ttl"] == "10000"
    bench.ticks(998)
    assert bench.state == "ARMED"
    bench.ticks(3)
    assert bench.state == came_from
    assert told(bench)[-1] == ("ARMED", came_from, "UNIT")
    assert (bench.start("R2") if came_from == "STAGED" else bench.resume())["code"] == "13"


def test_pause_without_resume_ends_after_ten_minutes_timeout(at: At) -> None:
    bench = at("PAUSED")
    bench.ticks(59_999)
    assert bench.state == "PAUSED"
    bench.ticks(1)
    assert bench.state == "DONE"
    assert bench.ask("RUN run=R1")["fields"]["out"] == "TIMEOUT"


@pytest.mark.parametrize("state", ["CHECK", "ARMED"])
def test_the_ten_minutes_go_on_through_check_and_armed(at: At, state: str) -> None:
    bench = at("PAUSED")
    bench.ticks(59_900 - (0 if state == "CHECK" else 200))
    bench.number += 1
    bench.put(seal(f">{bench.sid:04X} {bench.number:04X} ARM D={bench.digest}"))
    bench.until(state, within_s=1.5)
    bench.until("DONE", within_s=3)
    assert told(bench)[-1] == (state, "DONE", "UNIT")
    assert [r["code"] for r in bench.replies if r["verb"] == "ARM"][1:] == (["13"] if state == "CHECK" else ["00"])
    assert bench.ask("RUN run=R1")["fields"]["out"] == "TIMEOUT"


def test_power_on_tests_itself_and_is_idle_within_a_second() -> None:
    bench = Bench()
    bench.world.act("power_cycle")
    assert bench.state == "SELFTEST"
    bench.ticks(30)
    assert bench.state == "IDLE"
    bench.hello()
    bench.ask("EVENTS n=0001")
    assert told(bench) == [("BOOT", "SELFTEST", "UNIT"), ("SELFTEST", "IDLE", "UNIT")]


def test_selftest_is_answered_within_2_s_and_ends_in_idle(bench: Bench) -> None:
    bench.hello()
    bench.silent(bench.sid, 1, "SELFTEST")
    bench.until(lambda: bench.replies[-1]["verb"] == "SELFTEST", within_s=2)
    assert (bench.replies[-1]["code"], bench.replies[-1]["fields"]) == ("00", {"res": "0"})
    assert bench.state == "IDLE"
    assert told(bench) == [("IDLE", "SELFTEST", "HOST"), ("SELFTEST", "IDLE", "UNIT")]
