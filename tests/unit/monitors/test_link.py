"""I20, I21, I29, I31, I35. The lease is 2000 ms."""

from __future__ import annotations

from controller.monitors.link import Clocks, GapsSeen, Lease, LiveKeep, Liveness
from tests.unit.monitors.tape import RUN, Tape, held, unseen, violated


def _on(tape: Tape, **changed: str) -> Tape:
    """100 ms in HOLD, and a KEEP."""
    return tape.running(**changed).state("HOLD").hold(100).keep()


def test_a_lease_that_is_kept() -> None:
    tape = _on(Tape(Lease))
    for _ in range(30):
        tape.hold(200).keep()
    unseen(tape, "no KEEP was ever as late")


def test_a_lease_that_ends() -> None:
    # A KEEP may be 250 ms on its way, then 2000 and 50 ms.
    held(_on(Tape(Lease)).hold(2300))
    violated(_on(Tape(Lease)).hold(2400), "HOLD 2150 ms after the last KEEP, the lease is 2000")


def test_finish_goes_on() -> None:
    held(_on(Tape(Lease), LOSS="FINISH").hold(5000))


def test_nothing_rises_in_the_second_half() -> None:
    tape = Tape(Lease).running().ramp(50).keep()
    for i in (120, 121, 131):
        tape.later(650).tele("RAMP_UP", i)
    held(tape)
    violated(tape.later(50).tele("RAMP_UP", 132), "132 uA after 121")


def test_a_line_that_holds_up_is_no_evidence() -> None:
    tape = _on(Tape(Lease)).hold(200)
    watch, ms = tape.watch, tape.ms
    heard: list[str | bytes] = []
    tape.hear = lambda text: heard.append(text) or tape  # type: ignore[method-assign, func-returns-value]
    tape.hold(2400)
    for line in heard:  # all that was said in 2.4 s comes at once
        watch.received((ms + 2400) * 1000, line)
    unseen(tape, "")


def test_lease_in_truth() -> None:
    def silent(ms: int, state: str, i: float) -> Tape:
        return _on(Tape(Lease, direct=True)).later(ms).true(state, i)

    held(silent(2060, "HOLD", 1000))
    violated(silent(2061, "HOLD", 1000), "truly in HOLD 2051 ms after the last KEEP")
    held(silent(3060, "PAUSING", 51))
    violated(silent(3061, "PAUSING", 51), "truly 51 uA 3051 ms after the last KEEP")


def test_a_live_keep_fills() -> None:
    tape = _on(Tape(LiveKeep))
    for _ in range(5):
        tape.hold(200).keep()
    held(tape)


def test_an_old_number_fills() -> None:
    tape = _on(Tape(LiveKeep))
    old = f"{tape.tele_number - 1:04X}"
    held(tape.hold(1000).does("KEEP", t=old, answer={"lk": 2000}))
    violated(tape.hold(100).does("KEEP", t=old, answer={"lk": 2000}), f"KEEP t={old} filled the lease, and was 1100 ms")


def test_an_old_number_that_does_not_fill() -> None:
    tape = _on(Tape(LiveKeep))
    held(tape.hold(1500).does("KEEP", t="0000", answer={"lk": 500}))


def test_a_number_of_nobody() -> None:
    violated(_on(Tape(LiveKeep)).does("KEEP", t="7777", answer={"lk": 2000}), "no such telemetry was received")


def test_a_lease_that_fills_itself() -> None:
    tape = _on(Tape(LiveKeep)).hold(500)
    violated(tape.later(100).tele("HOLD", 1000, lk=2000), "lease 2000 ms after 1500, and no KEEP was sent")


def _phase(tape: Tape) -> Tape:
    return tape.note("phase", phase=1).held().hold(300)


def test_gaps_on_record() -> None:
    held(_phase(Tape(GapsSeen)).note("end", gaps=0))
    lost = _phase(Tape(GapsSeen))
    lost.tele_number += 3
    held(lost.hold(100).note("gap", telemetry=3).note("end", gaps=3))


def test_gaps_that_are_not() -> None:
    lost = _phase(Tape(GapsSeen))
    lost.tele_number += 3
    violated(lost.hold(100).note("end", gaps=0), "3 telemetry lines are missing, noted are 0, the end says 0")
    violated(_phase(Tape(GapsSeen)).note("gap", telemetry=1).note("end", gaps=1), "0 telemetry lines are missing")


def test_numbers_across_their_wrap() -> None:
    tape = Tape(GapsSeen).note("phase", phase=1).running()
    tape.tele_number = 0xFFFE
    tape.state("HOLD").hold(400)
    held(tape.note("end", gaps=0))


def test_a_new_number_with_an_old_time() -> None:
    violated(Tape(GapsSeen).held().hold(100).tele("HOLD", 1000), "a new number and no later time")


def test_one_number_twice() -> None:
    tape = Tape(GapsSeen).held().hold(100)
    tape.tele_number -= 1
    violated(tape.later(100).tele("HOLD", 900), "came twice with different values")


def test_wall_clock_jumps() -> None:
    def jumped(unit_ms: int) -> Tape:
        tape = Tape(Clocks).held().hold(100)
        tape.watch.story.utc_us = tape.t_us
        tape.hold(100)
        tape.watch.story.utc_us = tape.t_us + 86_400_000_000
        us = tape.t_us + 100_000
        tape.later(unit_ms)
        tape.watch.story.utc_us = us + 86_400_000_000
        return tape.tele("HOLD", 1000)

    held(jumped(100))
    unseen(Tape(Clocks).held().hold(500), "no clock jumped")


def test_the_units_clock_wraps() -> None:
    tape = Tape(Clocks).at((1 << 32) - 2100).hello().staged().armed().started().state("HOLD").hold(300)
    held(tape.hold(2000))


def test_a_dose_that_a_wrap_changes() -> None:
    tape = Tape(Clocks).at((1 << 32) - 2100).hello().staged().armed().started().state("HOLD").hold(1000)
    violated(tape.later(200).tele("HOLD", 1000, q=0), "the dose went from 1000 to 0 uC")


def test_requests_end_in_time() -> None:
    def given_up(ms: int, verb: str) -> Tape:
        """Asked again every so often, as a host that is there does."""
        tape = Tape(Liveness).held().ask(verb)
        for _ in range(6):
            tape.later(ms // 6).ask_again(verb)
        return tape.later(ms % 6).note("verdict", verb=verb, answer="Uncertain")

    held(given_up(1250, "RUN"))
    violated(given_up(1501, "RUN"), "RUN took 1501 ms")
    held(given_up(5250, "ARM"))


def test_a_host_that_was_not_there_has_no_time_to_keep() -> None:
    tape = Tape(Liveness).held().ask("KEEP").later(6000).note("verdict", verb="KEEP", answer="Uncertain")
    unseen(tape, "the host wrote nothing for more than half a second")
    tape = Tape(Liveness).held().ask("KEEP").later(1100).ask_again("KEEP").later(501)  # two naps, one behind the other
    unseen(tape.note("verdict", verb="KEEP", answer="Uncertain"), "for more than half a second")


def test_an_undisturbed_run_takes_its_time() -> None:
    # 60 000 uC at 1000 uA and ramps of 10 and 5 s: 60 + 7.5 s; 2 % and 100 ms are 1450.
    def run(ms: int) -> Tape:
        return Tape(Liveness).held().later(ms - 15_000).state("RAMP_DOWN").later(5000).state("DONE")

    held(run(68_950))
    violated(run(68_960), "the run took 68960 ms, predicted were 67500")


def test_a_small_dose_turns_round() -> None:
    # Both ramps are 7500 uC; 1875 is a quarter of it, so half of 15 s.
    tape = Tape(Liveness).running(Q=1875).later(5000).state("RAMP_DOWN").later(2500).state("DONE")
    held(tape)


def test_a_pause_is_a_disturbance() -> None:
    tape = Tape(Liveness).held().state("PAUSED").later(100_000).armed().ask("RESUME", run=RUN, X=1)
    unseen(tape.state("RAMP_UP").later(60_000).state("RAMP_DOWN").state("DONE"), "no run ended undisturbed")
