"""I27, I28, I39: the notes of a host against the wire."""

from __future__ import annotations

from controller.monitors.record import HostVerdict, Log, OneRecord
from tests.unit.monitors.tape import DIGEST, RUN, Tape, held, unseen, violated


def _arming(tape: Tape, *, intent: str | None = DIGEST) -> Tape:
    tape.at(0).hello().note("begin")
    if intent is not None:
        tape.note("intent", verb="ARM", D=intent)
    return tape.ask("ARM", D=DIGEST)


def test_intent_then_request_then_verdict() -> None:
    held(_arming(Tape(HostVerdict)).answer("ARM", ttl=1, z=1).note("verdict", verb="ARM", answer="Confirmed"))
    refused = _arming(Tape(HostVerdict)).answer("ARM", 16)
    held(refused.note("verdict", verb="ARM", answer="Refused", code=16))


def test_no_intent_or_another() -> None:
    violated(_arming(Tape(HostVerdict), intent=None), "ARM was sent, and no intent was on record")
    violated(_arming(Tape(HostVerdict), intent="00000000"), "ARM was sent with another D than intended")


def test_sending_again_needs_no_second_intent() -> None:
    held(_arming(Tape(HostVerdict)).later(2500).ask_again("ARM", D=DIGEST))


def test_a_verdict_that_the_wire_does_not_give() -> None:
    violated(
        _arming(Tape(HostVerdict)).note("verdict", verb="ARM", answer="Confirmed"),
        "ARM is noted as confirmed, the wire says nothing",
    )
    wrong = _arming(Tape(HostVerdict)).answer("ARM", 16).note("verdict", verb="ARM", answer="Refused", code=17)
    violated(wrong, "noted as refused with 17, the wire says 16")


def test_nothing_is_raised_in_doubt() -> None:
    doubt = (
        _arming(Tape(HostVerdict)).note("verdict", verb="ARM", answer="Uncertain").note("intent", verb="ARM", D=DIGEST)
    )
    violated(doubt.ask("ARM", D=DIGEST), "sent while nobody knew")
    asked = _arming(Tape(HostVerdict)).note("verdict", verb="ARM", answer="Uncertain")
    asked.does("STATUS", answer={"st": "STAGED"}).note("intent", verb="ARM", D=DIGEST)
    held(asked.ask("ARM", D=DIGEST))


def test_a_bare_log_has_no_host() -> None:
    unseen(Tape(HostVerdict).held(), "no notes of a host")


def _ended(tape: Tape, q_uc: int, outcome: str) -> Tape:
    tape.held().does("RUN", run=RUN, answer={"run": RUN, "st": "DONE", "q": 5000, "out": "STOPPED"})
    return tape.note("end", run=RUN, outcome=outcome, q_uc=q_uc)


def test_one_record_that_is_the_units() -> None:
    held(_ended(Tape(OneRecord), 5000, "STOPPED"))
    violated(_ended(Tape(OneRecord), 5001, "STOPPED"), "the unit says STOPPED, 5000 uC")
    violated(_ended(Tape(OneRecord), 5000, "DONE"), "is on record with DONE")
    violated(_ended(Tape(OneRecord), 5000, "STOPPED").note("end", run=RUN, outcome="DONE", q_uc=1), "ended twice")


def test_record_json_against_the_log() -> None:
    def recorded(*runs: dict[str, object]) -> Tape:
        tape = _ended(Tape(OneRecord), 5000, "STOPPED")
        tape.watch.recorded(runs)
        return tape

    row = {"run": RUN, "outcome": "STOPPED", "dose_ma_min": 0.083333}
    held(recorded(row))
    violated(recorded(row, row), "more than once")
    violated(recorded(), f"record.json lacks run {RUN}")
    violated(recorded(row | {"dose_ma_min": 0.09}), "record.json says STOPPED")
    violated(recorded(row | {"outcome": "DONE"}), "record.json says DONE")


def test_events_tell_what_was_before() -> None:
    held(Tape(Log).held())
    wrong = Tape(Log).held()
    wrong.last = "RAMP_UP"
    violated(wrong.state("RAMP_DOWN"), "RAMP_DOWN was RAMP_UP; the event before said HOLD")


def test_a_change_that_no_event_tells() -> None:
    quiet = Tape(Log).held().later(100).tele("RAMP_DOWN", 900).later(400).tele("RAMP_DOWN", 800)
    held(quiet)
    violated(quiet.later(200).tele("RAMP_DOWN", 700), "RAMP_DOWN in telemetry, the newest event said HOLD")


def test_a_damaged_line_may_have_been_the_event() -> None:
    tape = Tape(Log).held().hear(b"!4A17 0007 99 ST\xffTE").later(100).tele("RAMP_DOWN", 900)
    held(tape.later(700).tele("RAMP_DOWN", 800))


def test_the_chain() -> None:
    good = Tape(Log)
    good.watch.chained(True, 20, "cut off after line 20; lines 1 to 18 are proven")
    held(good)
    bad = Tape(Log)
    bad.watch.chained(False, 7, "damaged or altered at line 7; lines 1 to 6 are proven")
    violated(bad, "violated at line 7, 0.000 s: the log is damaged or altered at line 7")
