"""I06, I07, I08, I09, I24. The prescription is 60 000 uC at 1000 uA."""

from __future__ import annotations

from controller.monitors.dose import DoseCap, DoseMonotone, DoseTruth, DoseWindow, TimeCap
from tests.unit.monitors.tape import DIGEST, RUN, Tape, held, unseen, violated


def test_dose_cap_as_reported() -> None:
    # 60 000 * 1.02 + 1000 * 0.2 = 61 400
    held(Tape(DoseCap).held().later(100).tele("HOLD", 1000, q=61_400))
    violated(Tape(DoseCap).held().later(100).tele("HOLD", 1000, q=61_401), "61401 uC reported, prescribed are 60000")


def test_dose_cap_by_the_readings() -> None:
    tape = Tape(DoseCap).held()
    for _ in range(570):
        tape.later(100).tele("HOLD", 1000, q=0)
    held(tape)
    for _ in range(20):
        tape.later(100).tele("HOLD", 1000, q=0)
    violated(tape, "by the readings, prescribed are 60000")


def test_dose_cap_in_truth_leaves_contact_checks_out() -> None:
    tape = Tape(DoseCap).at(0).hello().staged().true("CHECK", 50, q_uc=0.0)
    tape.ask("START", run=RUN, D=DIGEST, X=900).later(10).true("CHECK", 50, q_uc=5000.0)
    tape.later(10).true("ARMED", q_uc=5000.0)
    held(tape.later(10).true("HOLD", 1000, q_uc=66_400.0))
    violated(tape.later(10).true("HOLD", 1000, q_uc=66_401.0), "truly 61401 uC")


def test_dose_monotone() -> None:
    held(Tape(DoseMonotone).held().hold(500))
    violated(Tape(DoseMonotone).held().later(100).tele("HOLD", 1000, q=4000), "uC, then 4000")
    violated(Tape(DoseMonotone).held().later(100).tele("HOLD", 1000, q=6000), "uC in 100 ms")


def test_dose_monotone_through_a_pause() -> None:
    tape = Tape(DoseMonotone).held().hold(300).state("PAUSING", "HOST").later(100).tele("PAUSING", 900)
    tape.later(5000).state("PAUSED").tele("PAUSED").armed().ask("RESUME", run=RUN, X=99_000)
    tape.state("RAMP_UP", "HOST").later(100)
    held(tape.tele("RAMP_UP", 10))
    violated(tape.later(100).tele("RAMP_UP", 20, q=20), "uC, then 20")


def test_a_new_run_begins_at_zero() -> None:
    tape = Tape(DoseMonotone).held().hold(300).state("RAMP_DOWN").later(5000).state("DONE").tele("DONE")
    tape.staged().armed().started(run="SECOND").later(100)
    held(tape.tele("RAMP_UP", 10, q=1))


def test_run_must_not_say_less_than_telemetry() -> None:
    tape = Tape(DoseMonotone).held().hold(300)
    q_uc = tape.q_uc
    held(tape.does("RUN", run=RUN, answer={"run": RUN, "st": "DONE", "q": q_uc, "out": "STOPPED"}))
    violated(
        tape.does("RUN", run=RUN, answer={"run": RUN, "st": "DONE", "q": q_uc - 1, "out": "STOPPED"}),
        f"RUN says {q_uc - 1} uC",
    )


def test_after_a_reset_run_is_as_exact_as_a_dose() -> None:
    def reset(less_uc: int) -> Tape:
        tape = Tape(DoseMonotone).held().later(100).tele("HOLD", 1000, q=5300)
        return tape.does("RUN", run=RUN, answer={"run": RUN, "st": "IDLE", "q": 5300 - less_uc, "out": "RESET"})

    held(reset(653))
    violated(reset(654), "RUN says 4646 uC")


def test_dose_by_the_readings() -> None:
    held(Tape(DoseTruth).held().hold(5000))
    wrong = Tape(DoseTruth).held()
    for n in range(60):
        wrong.later(100).tele("HOLD", 500, q=5050 + 100 * n)
    violated(wrong, "by the readings")


def test_a_reset_is_no_step_in_time() -> None:
    tape = Tape(DoseMonotone).held().hold(300).hello(boot=164, sid="5A00", run=RUN).at(500)
    tape.does("STATUS", answer={"st": "DONE", "now": 480}).does("RUN", run=RUN, answer={"q": 5360, "out": "RESET"})
    held(tape.tele("DONE", q=5360).later(100).tele("DONE", q=5360))


def test_a_new_session_within_a_run_loses_no_dose() -> None:
    tape = Tape(DoseTruth).running().state("HOLD").hold(1000).later(3000)
    tape.hello(sid="4A18", run=RUN)
    tape.q_uc += 3000
    held(tape.hold(1000))


def _started_in_truth() -> Tape:
    return Tape(DoseTruth).at(1000).hello().staged().armed().true("ARMED").started()


def _true_run(told: float) -> Tape:
    """100 s at 1000 uA in truth; the unit reports ``told`` of it, and reads so much."""
    tape = _started_in_truth().state("HOLD").true("HOLD", 1000, q_uc=0.0)
    for n in range(1, 1001):
        tape.later(100).tele("HOLD", round(1000 * told), q=round(100 * n * told)).true("HOLD", 1000, q_uc=100.0 * n)
    return tape


def test_dose_in_truth() -> None:
    held(_true_run(1.01))  # 1 % and 600 uC of 100 000 uC are 1600
    violated(_true_run(0.98), "uC reported, truly")


def test_dose_in_truth_that_is_not_told() -> None:
    tape = _started_in_truth().true("RAMP_UP", 0, q_uc=0.0).later(100).tele("RAMP_UP", 0)
    held(tape.true("RAMP_UP", 500, q_uc=606.0))
    violated(tape.true("RAMP_UP", 500, q_uc=607.0), "0 uC reported, truly 607")


def test_after_a_reset_never_less() -> None:
    def told(q_uc: int, out: str) -> Tape:
        tape = _started_in_truth().true("RAMP_UP", 0, q_uc=0.0)
        tape.later(100).true("HOLD", 1000, q_uc=50_000.0)
        tape.does("RUN", run=RUN, answer={"run": RUN, "st": "DONE", "q": q_uc, "out": out})
        return tape.true("DONE", q_uc=50_000.0)  # what is asked of the unit is judged by the look after it

    held(told(51_100, "STOPPED"))
    violated(told(51_101, "STOPPED"), "51101 uC reported, truly 50000")
    held(told(52_100, "RESET"))  # a second more
    violated(told(48_899, "RESET"), "48899 uC reported")


def test_dose_window() -> None:
    def third(q_uc: int) -> Tape:
        tape = Tape(DoseWindow).at(0).hello()
        for n, delivered in enumerate((4_500_000, 4_500_000, 0)):
            tape.staged(Q=4_500_000 if n < 2 else q_uc).armed().started(run=f"RUN{n}")
            tape.later(100).tele("HOLD", 1000, q=delivered).state("RAMP_DOWN").state("DONE").later(100)
        return tape

    held(third(600_000))
    unseen(third(606_000), "bench jumper")
    counting = third(600_000)
    counting.watch.monitors[0].counts = True  # type: ignore[attr-defined]
    held(counting)
    violated(counting.staged(Q=606_000).armed().started(run="RUN4"), "606000 uC admitted after 9000000")


def test_time_cap() -> None:
    held(Tape(TimeCap).held().hold(89_000, q=0))
    violated(Tape(TimeCap).held().hold(91_000, q=0), "TMAX is 100000")


def test_time_cap_in_truth() -> None:
    tape = Tape(TimeCap).at(0).hello().staged().ask("START", run=RUN, D=DIGEST, X=900).true("ARMED")
    for _ in range(1001):
        tape.later(100).true("HOLD", 0, relay_closed=True)
    held(tape)
    violated(tape.later(200).true("HOLD", 0, relay_closed=True), "truly on for 100.3 s, TMAX is 100.0")


def test_a_window_that_a_bench_has_counted() -> None:
    tape = Tape(DoseWindow).at(0).hello()
    tape.watch.counted(0, 9_000_000)
    held(tape.staged(Q=600_000).armed().started(run="RUN1"))
    violated(tape.staged(Q=606_000).armed().started(run="RUN2"), "606000 uC admitted after 9000000")


def test_what_is_told_when_it_is_over() -> None:
    def over(q_uc: int) -> Tape:
        tape = Tape(DoseTruth).held().hold(20_000).state("RAMP_DOWN").later(100).state("DONE")
        return tape.later(100).tele("DONE", q=q_uc)

    held(over(24_900))
    violated(over(0), "0 uC reported, 2")
