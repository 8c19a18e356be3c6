"""I13, I14, I15."""

from __future__ import annotations

import pytest

from controller.monitors.stopping import NoAutoResume, StopSticks, StopWorks
from tests.unit.monitors.tape import DIGEST, RUN, Tape, held, unseen, violated


def _stopping(tape: Tape, after_ms: int, i: int) -> Tape:
    return tape.held().hold(200).send("\x18").later(10).state("RAMP_DOWN", "BYTE").later(after_ms).tele("RAMP_DOWN", i)


def test_a_stop_byte_that_the_unit_has() -> None:
    held(_stopping(Tape(StopWorks), 1000, 100).later(200).tele("DONE", 0))
    violated(_stopping(Tape(StopWorks), 1150, 51), "51 uA in RAMP_DOWN, 1150 ms after the unit had a STOP")


def test_a_sealed_stop_that_is_answered_but_not_obeyed() -> None:
    violated(
        Tape(StopWorks).held().hold(200).does("STOP", answer={"st": "HOLD"}).hold(1300), "after the unit had a STOP"
    )


def test_an_abort_is_quiet_in_50_ms() -> None:
    def aborted(ms: int) -> Tape:
        tape = Tape(StopWorks).held().hold(100).does("ABORT", answer={"st": "DONE"})
        return tape.later(50).tele("RAMP_DOWN", 900).later(ms).tele("RAMP_DOWN", 400)

    unseen(aborted(90), "no stop that the unit is known to have received")
    violated(aborted(91), "400 uA in RAMP_DOWN, 91 ms after the unit had an ABORT")


def test_a_stop_that_nobody_answers_may_not_have_arrived() -> None:
    unseen(Tape(StopWorks).held().hold(200).send("\x18").hold(3000), "no stop that the unit is known to have received")


def test_on_a_direct_line_it_has() -> None:
    violated(Tape(StopWorks, direct=True).held().hold(200).send("\x18").hold(3000), "after a stop was sent")


def test_in_truth() -> None:
    def stopped(ms: int, **true: object) -> Tape:
        return Tape(StopWorks, direct=True).held().send("\x03").later(ms).true("RAMP_DOWN", 0, **{"set_ua": 0, **true})

    held(stopped(31))
    violated(
        Tape(StopWorks, direct=True).held().send("\x03").later(31).true("HOLD", 1000),
        "target 1000 uA, 21 ms after a stop was sent",
    )
    held(stopped(1010, i_ua=51.0))
    violated(stopped(1011, i_ua=51.0), "truly 51 uA, 1001 ms after a stop was sent")


def test_an_abort_in_truth_opens_the_relay() -> None:
    tape = Tape(StopWorks, direct=True).held().send("\x18\x18").later(61)
    violated(tape.true("DONE", 0, relay_closed=True), "the relay closed, after an ABORT")


@pytest.mark.parametrize("word", ["STOP", "outp off", "*RST", "ABOR"])
def test_plain_words_stop_too(word: str) -> None:
    tape = Tape(StopWorks, direct=True).held().send(word).later(100)
    violated(tape.true("HOLD", 1000), "after a stop was sent")


def test_a_stop_sticks() -> None:
    stopped = Tape(StopSticks).held().send("\x18").state("RAMP_DOWN", "BYTE").later(1000).state("DONE")
    held(stopped.later(100).tele("DONE"))
    violated(stopped.later(100).state("RAMP_UP"), "RAMP_UP after DONE")


def test_a_set_point_after_a_stop() -> None:
    stopped = Tape(StopSticks).held().send("\x18").state("RAMP_DOWN", "BYTE").later(1000).state("DONE")
    violated(stopped.later(100).tele("DONE", set=500), "set-point 500 uA in DONE after a stop")


def test_a_new_arm_and_start_after_a_stop() -> None:
    stopped = Tape(StopSticks).held().send("\x18").state("RAMP_DOWN", "BYTE").later(1000).state("DONE")
    again = stopped.later(100).tele("DONE").staged().armed().started(run="SECOND").later(100)
    held(again.tele("RAMP_UP", 10))


def test_truth_after_a_stop() -> None:
    stopped = Tape(StopSticks, direct=True).held().true("HOLD", 1000).send("\x18").later(1000).state("DONE")
    violated(stopped.true("DONE").later(10).true("RAMP_UP", 10), "RAMP_UP after DONE")


def _paused(tape: Tape) -> Tape:
    return tape.held().later(10).state("PAUSING").later(1000).state("PAUSED").later(100).tele("PAUSED")


def test_resume_by_hand() -> None:
    held(_paused(Tape(NoAutoResume)).armed().ask("RESUME", run=RUN, X=99_000).state("RAMP_UP", "HOST"))


def test_resume_by_itself() -> None:
    violated(_paused(Tape(NoAutoResume)).state("RAMP_UP"), "RAMP_UP after PAUSED (pause): nobody asked for it")
    violated(_paused(Tape(NoAutoResume)).later(100).tele("RAMP_UP", 10), "nobody asked for it")


def test_resume_without_a_check() -> None:
    violated(
        _paused(Tape(NoAutoResume)).ask("RESUME", run=RUN, X=99_000).state("RAMP_UP", "HOST"), "nobody asked for it"
    )


def test_current_after_a_fault() -> None:
    tape = Tape(NoAutoResume).held().state("FAULT").later(100).tele("FAULT", fl="1")
    violated(tape.later(100).tele("HOLD", 1000), "HOLD after FAULT (fault)")


def test_truth_that_resumes_by_itself() -> None:
    tape = _paused(Tape(NoAutoResume)).true("PAUSED")
    violated(tape.later(10).true("RAMP_UP", 10), "RAMP_UP after PAUSED")


def test_truth_behind_the_back_of_a_deaf_host() -> None:
    tape = Tape(NoAutoResume).held().true("HOLD", 1000).later(3000).true("PAUSED").later(1000)
    violated(tape.true("RAMP_UP", 10), "truly RAMP_UP after PAUSED: nobody asked for it")


def test_truth_that_was_asked_for() -> None:
    tape = Tape(NoAutoResume).held().true("HOLD", 1000).later(3000).true("PAUSED").state("PAUSED").armed().true("ARMED")
    held(tape.ask("RESUME", run=RUN, X=99_000).true("RAMP_UP", 10))


def test_a_first_run_is_no_resume() -> None:
    tape = Tape(NoAutoResume).at(1000).hello().staged().armed().ask("START", run=RUN, D=DIGEST, X=2900)
    assert tape.state("RAMP_UP", "HOST").verdict().word != "violated"
