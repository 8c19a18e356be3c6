"""I10, I25, I26, I37, I38."""

from __future__ import annotations

from controller.monitors.starting import (
    Identity,
    LeastPower,
    OneController,
    StartGate,
    VersionGate,
)
from tests.unit.monitors.tape import DIGEST, RUN, Tape, held, unseen, violated


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


def test_an_answer_that_says_another_contact() -> None:
    """430 kohm in 16 bits are 36 784."""

    def armed(z: int) -> Tape:
        tape = Tape(StartGate).at(1000).hello().staged().ask("ARM", D=DIGEST).state("CHECK", "HOST")
        tape.later(500).tele("CHECK", 50, v=21_500).later(500).state("ARMED")
        return tape.answer("ARM", ttl=10_000, z=z)

    held(armed(430_000))
    violated(armed(36_784), "ARM found 37 kohm, telemetry showed 430")


def test_armed_without_a_contact_in_truth() -> None:
    def checked(v_mv: int) -> Tape:
        return Tape(StartGate).at(0).true("CHECK", 50.0, v_mv=v_mv).later(10).true("ARMED")

    held(checked(20_900))  # 418 kohm
    violated(checked(21_500), "a contact of truly 430 kohm")


def test_armed_with_what_the_self_test_has_to_find() -> None:
    def tested(what: str, *states: str) -> Tape:
        tape = Tape(StartGate).at(0)
        tape.watch.broken(0, what, blind=True)
        for state in states:
            tape.later(10).true(state)
        return tape

    unseen(tested("reference", "SELFTEST", "FAULT"), "no START")
    unseen(tested("source", "SELFTEST", "IDLE", "ARMED"), "no START")
    violated(tested("reference", "SELFTEST", "IDLE", "ARMED"), "ARMED with a reference that a self-test had to find")


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


def test_least_power() -> None:
    for by in ("PLAIN", "BYTE", "LOCAL"):
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
