"""I11 and I12."""

from __future__ import annotations

from controller.monitors.orders import AtMostOnce, CorruptLine
from tests.unit.monitors.tape import DIGEST, PRES, RUN, SID, Tape, held, sealed, unseen, violated


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


def test_a_ramp_that_is_run_again() -> None:
    good = Tape(AtMostOnce).running().ramp(100)
    held(good.later(100).tele("RAMP_UP", 50))  # a contact that opened: the charge is kept
    violated(good.later(100).tele("RAMP_UP", 1, q=0), "the ramp-up begins again: 55 uC at 50 uA, then 0 at 1")


def test_a_number_used_again() -> None:
    tape = Tape(CorruptLine).at(1000).hello().staged().armed().does("STATUS", answer={"st": "ARMED"})
    tape.ask_again("START", run=RUN, D=DIGEST, X=2900)
    held(tape.answer("START", 8))
    violated(tape.answer("START", run=RUN, st="RAMP_UP"), "START is confirmed under number 0003, which STATUS has used")


def test_what_did_not_come_as_it_was_sent() -> None:
    def raised(arrived: str) -> Tape:
        tape = Tape(CorruptLine).at(1000).hello().staged().armed().true("ARMED")
        tape.ask("START", run=RUN, D=DIGEST, X=2900)
        tape.watch.arrived(tape.t_us, arrived)
        return tape.later(10).true("RAMP_UP")

    line = f">{SID} 0003 START run={RUN} D={DIGEST} X=2900"
    held(raised(sealed(line)))
    violated(raised(line + "*00000000"), "truly RAMP_UP, but no START or RESUME of this session came")
    violated(raised(sealed(line.replace("2900", "3900"))), "no START or RESUME of this session came")


def test_a_true_set_point_that_rises() -> None:
    tape = Tape(CorruptLine).held().true("HOLD", 1000).later(10).true("HOLD", 1000, set_ua=800)
    held(tape)
    violated(tape.later(10).true("HOLD", 900, set_ua=900), "truly the set-point rose from 800 to 900 uA")


def test_a_truth_that_nobody_asked_for() -> None:
    violated(Tape(CorruptLine).at(0).hello().true("IDLE").later(10).true("STAGED"), "truly STAGED, but no PRES")
    held(Tape(CorruptLine).at(0).hello().staged().armed().true("ARMED").later(10).true("STAGED"))  # an arming over


def test_lines_that_are_damaged_are_not_read() -> None:
    line = sealed(f"<{SID} 0001 00 PRES I=3000")
    unseen(Tape(CorruptLine).hear(line.replace("3000", "4000")), "nothing was staged")
