"""I10, I11, I12, I25, I26, I37, I38."""

from __future__ import annotations

import pytest

from controller.monitors.starting import (
    AtMostOnce,
    CorruptLine,
    Identity,
    LeastPower,
    OneController,
    StartGate,
    VersionGate,
)
from tests.unit.monitors.tape import DIGEST, PRES, RUN, SID, Tape, held, sealed, unseen, violated


def test_a_gate_that_was_passed() -> None:
    held(Tape(StartGate).running())


def test_ramp_up_from_elsewhere() -> None:
    tape = Tape(StartGate).at(1000).hello().staged().ask("START", run=RUN, D=DIGEST, X=1900)
    violated(tape.state("RAMP_UP", "HOST"), "RAMP_UP from STAGED")


def test_another_digest() -> None:
    tape = Tape(StartGate).at(1000).hello().staged().armed().ask("START", run=RUN, D="00000000", X=2900)
    tape.state("RAMP_UP", "HOST")
    violated(tape.answer("START", run=RUN, st="RAMP_UP"), "START with D=00000000 is confirmed")


def test_armed_for_too_long() -> None:
    held(Tape(StartGate).at(1000).hello().staged().armed().later(10_000).started())
    violated(Tape(StartGate).at(1000).hello().staged().armed().later(10_300).started(), "10300 ms after ARMED")


def test_a_deadline_that_has_passed() -> None:
    def late(ms: int) -> Tape:
        tape = Tape(StartGate).at(1000).hello().staged().armed().ask("START", run=RUN, D=DIGEST, X=2900)
        return tape.later(900 + ms).state("RAMP_UP", "HOST")

    held(late(250))
    violated(late(251), "outside of the deadline X=2900")


def test_a_deadline_across_the_wrap_of_the_clock() -> None:
    tape = Tape(StartGate).at((1 << 32) - 1200).hello().staged().armed()
    held(tape.ask("START", run=RUN, D=DIGEST, X=700).state("RAMP_UP", "HOST").answer("START", run=RUN, st="RAMP_UP"))


def test_armed_in_another_session() -> None:
    tape = Tape(StartGate).at(1000).hello().staged().armed()
    violated(tape.hello(sid="4A18").started(), "START is confirmed in session 4A18, armed was 4A17")


def test_armed_without_a_contact() -> None:
    def checked(i: int, v: int) -> Tape:
        tape = Tape(StartGate).at(1000).hello().staged().ask("ARM", D=DIGEST).state("CHECK", "HOST")
        return tape.later(500).tele("CHECK", i, v=v).later(500).state("ARMED")

    held(checked(50, 15_000))  # 300 kohm
    violated(checked(50, 23_000), "ARMED with a contact of 460 kohm")
    violated(checked(0, 54_000), "54000 mV at 0 uA")


def test_each_run_once() -> None:
    held(Tape(AtMostOnce).running())
    again = Tape(AtMostOnce).running().later(100).state("RAMP_DOWN").state("DONE").staged().armed()
    violated(again.started(), f"run {RUN} is started a second time")


def test_a_repeat_gets_the_stored_answer() -> None:
    held(Tape(AtMostOnce).running().answer("START", run=RUN, st="RAMP_UP"))
    violated(Tape(AtMostOnce).running().answer("START", 15, run=RUN, st="RAMP_UP", q=0, out="RUNNING"), "15 after 00")
    held(Tape(AtMostOnce).running().answer("START", 5))  # 05, 07 and 08 use no number


def test_resume_of_another_run() -> None:
    tape = Tape(AtMostOnce).held().state("PAUSED").armed()
    violated(tape.does("RESUME", run="OTHER", X=1, answer={"run": "OTHER", "st": "RAMP_UP"}), "goes on with OTHER")


def test_only_what_was_sent_raises() -> None:
    held(Tape(CorruptLine).held().hold(100))
    violated(Tape(CorruptLine).at(0).hello().state("STAGED", "HOST"), "STAGED, but no PRES was sent")
    violated(Tape(CorruptLine).at(0).hello().staged().state("CHECK", "HOST"), "CHECK, but no ARM was sent")
    violated(Tape(CorruptLine).at(0).hello().staged().armed().state("RAMP_UP", "HOST"), "no START or RESUME was sent")


def test_a_prescription_that_was_not_sent() -> None:
    tape = Tape(CorruptLine).at(0).hello().ask("PRES", **PRES)
    violated(tape.answer("PRES", **(PRES | {"I": 3000}), D=DIGEST), "the unit holds I=3000 for 1000")


def test_a_set_point_that_rises() -> None:
    held(Tape(CorruptLine).held().hold(100, set=800).hold(100, set=700))
    violated(Tape(CorruptLine).held().hold(100, set=800).hold(100, set=900), "rose from 800 to 900 uA")


def test_a_hello_into_a_run() -> None:
    tape = Tape(OneController).held().hold(300)
    run = tape.watch.story.run
    assert run is not None
    held(tape.hello(sid="4A18", run=RUN))
    violated(Tape(OneController).held().hold(300).hello(sid="4A18"), "HELLO without the run in progress")


def test_the_button_on_the_unit_wins() -> None:
    stopped = Tape(OneController).held().state("RAMP_DOWN", "LOCAL").later(1000).state("DONE")
    held(stopped)
    violated(stopped.later(100).state("RAMP_UP"), "after the button on the unit was pressed")


def test_version_gate() -> None:
    held(Tape(VersionGate).running())
    violated(Tape(VersionGate).at(0).hello(v=2), "version 2, asked were 1 to 1")
    other = Tape(VersionGate).at(0).hello()
    other.sid = "4A99"
    violated(other.does("ARM", D=DIGEST, answer={"ttl": 1, "z": 1}), "session 4A99, which no HELLO opened")
    unseen(Tape(VersionGate).does("ARM", D=DIGEST, answer={"ttl": 1, "z": 1}), "no HELLO in the log")


@pytest.mark.parametrize("by", ["PLAIN", "BYTE", "LOCAL"])
def test_least_power(by: str) -> None:
    held(Tape(LeastPower).held().state("RAMP_DOWN", by))
    violated(Tape(LeastPower).held().state("RAMP_DOWN").state("HOLD", by), f"HOLD by {by}")


def test_plain_questions_are_power_enough() -> None:
    held(Tape(LeastPower).send("MEAS:ALL?"))
    unseen(Tape(LeastPower).running(), "nothing but sealed requests")


def test_identity() -> None:
    held(Tape(Identity).running().hello(sid="4A18", run=RUN).staged())
    violated(Tape(Identity).running().hello(sid="4A18", sn="SN0043").staged(), "PRES goes to another unit than SN0042")


def test_a_run_that_a_reset_ended() -> None:
    tape = Tape(Identity).held().later(1000).hello(boot=164, sid="5A00").armed()
    violated(tape.ask("RESUME", run=RUN, X=1), "RESUME of a run that a reset of the unit has ended")


def test_lines_that_are_damaged_are_not_read() -> None:
    line = sealed(f"<{SID} 0001 00 PRES I=3000")
    unseen(Tape(CorruptLine).hear(line.replace("3000", "4000")), "nothing was staged")
