"""I16, I33, I36, I40, I22, I23."""

from __future__ import annotations

from controller.monitors.faults import Alarm, Config, Latch, RepeatLock
from controller.monitors.resets import PowerUp, Watchdog
from tests.unit.monitors.tape import DIGEST, RUN, Tape, held, unseen, violated


def _faulted(tape: Tape, code: str = "07", fl: str = "40") -> Tape:
    tape.held().hold(100).event("FAULT", id=code, name="X").state("FAULT")
    return tape.later(100).tele("FAULT", fl=fl)


def test_a_fault_that_is_cleared() -> None:
    held(_faulted(Tape(Latch)).later(3000).does("CLEAR", id="07", answer={"fl": "0"}).later(100).tele("IDLE"))


def test_a_fault_that_goes_by_itself() -> None:
    violated(_faulted(Tape(Latch)).later(3000).tele("IDLE"), "fault 07 went, and no CLEAR of it was sent")


def test_another_fault_was_cleared() -> None:
    tape = _faulted(Tape(Latch), fl="41").later(3000).does("CLEAR", id="01", answer={"fl": "40"})
    violated(tape.later(100).tele("IDLE"), "fault 07 went")


def test_a_reset_keeps_it() -> None:
    status = {"st": "IDLE", "set": 0, "i": 0, "i2": 0, "v": 0, "z": 0, "q": 0, "lk": 0, "lim": 0, "rl": 0, "fl": "0"}
    tape = _faulted(Tape(Latch)).later(1000).hello(boot=164, sid="5A00")
    violated(tape.does("STATUS", answer={**status, "run": "-", "boot": 164, "now": 500}), "fault 07 went")


def test_a_fault_that_is_cleared_too_soon() -> None:
    violated(_faulted(Tape(Latch)).later(1000).does("CLEAR", id="07", answer={"fl": "0"}), "was cleared 11")


def test_link_does_not_latch() -> None:
    tape = Tape(Latch).held().hold(100).state("PAUSED").later(100).tele("PAUSED", fl="400")
    assert tape.later(100).tele("DONE").verdict().word != "violated"


def test_bad_records_raise_nothing() -> None:
    tape = Tape(Config).at(0).hello().tele("FAULT", fl="4000")
    held(tape.does("PRES", 17, I=1000))
    violated(tape.staged(), "PRES is confirmed with faults 4000 latched")


def test_a_record_that_was_broken_and_not_found() -> None:
    def booted(**true: object) -> Tape:
        tape = Tape(Config)
        tape.watch.broken(0, "record")
        tape.true("SELFTEST")
        for _ in range(30):
            tape.later(100).true("IDLE", 0, **true)
        return tape

    held(booted(faults=0x4000))
    violated(booted(), "IDLE without a fault, and a self-test had to find the record")


def _pauses(tape: Tape, causes: str, apart_ms: int = 1000) -> Tape:
    tape.held()
    for cause in causes:
        tape.later(apart_ms).event("WARN", id=f"0{cause}").state("PAUSED")
        tape.armed().ask("RESUME", run=RUN, X=1)
        if cause != causes[-1]:
            tape.state("RAMP_UP", "HOST").answer("RESUME", run=RUN, st="RAMP_UP")
    return tape


def test_three_equal_pauses_lock() -> None:
    held(_pauses(Tape(RepeatLock), "111").answer("RESUME", 25))
    violated(_pauses(Tape(RepeatLock), "666").answer("RESUME", run=RUN, st="RAMP_UP"), "{6: 3}")


def test_unequal_or_rare_pauses_do_not() -> None:
    unseen(_pauses(Tape(RepeatLock), "116").answer("RESUME", run=RUN, st="RAMP_UP"), "no cause paused")
    unseen(_pauses(Tape(RepeatLock), "111", 301_000).answer("RESUME", run=RUN, st="RAMP_UP"), "no cause paused")


def test_one_alarm_a_fault() -> None:
    held(_faulted(Tape(Alarm)).later(1000).tele("FAULT", fl="40"))
    violated(_faulted(Tape(Alarm)).event("FAULT", id="07", name="X"), "a second FAULT event for 07")


def test_a_fault_that_nobody_told() -> None:
    tape = Tape(Alarm).held().hold(100).later(100).tele("FAULT", fl="40")
    violated(tape.later(501).tele("FAULT", fl="40"), "fault 07 is latched, and no event told of it in 500 ms")
    tape = Tape(Alarm).held().hold(100).later(100).hear("!4A17 0007 10200 FAULT id=0?*00000000")  # it was, but damaged
    unseen(tape.tele("FAULT", fl="40").later(501).tele("FAULT", fl="40"), "no fault was latched")


def test_an_alarm_without_a_fault() -> None:
    tape = Tape(Alarm).held().hold(100).event("FAULT", id="07", name="X").hold(500)
    violated(tape.hold(100), "told of 07, and telemetry shows no such fault")


def test_an_event_that_was_lost_is_no_missing_alarm() -> None:
    tape = Tape(Alarm).held().hold(100)
    tape.event_number += 1
    tape.state("FAULT").later(100).tele("FAULT", fl="40").later(600).tele("FAULT", fl="40")
    assert tape.verdict().word != "violated"


def _reset(tape: Tape, st: str = "IDLE", run: str = "-", i: int = 0) -> Tape:
    tape.held().hold(200).later(500).hello(boot=164, sid="5A00", run=RUN)
    status = {"st": st, "set": 0, "i": i, "i2": i, "v": 0, "z": 0, "q": 0, "lk": 0, "lim": 0, "rl": 0, "fl": "0"}
    return tape.does("STATUS", answer={**status, "run": run, "boot": 164, "now": 700})


def test_a_reset_ends_the_run() -> None:
    held(_reset(Tape(Watchdog)).does("RUN", run=RUN, answer={"run": RUN, "st": "IDLE", "q": 5400, "out": "RESET"}))
    violated(_reset(Tape(Watchdog), st="HOLD"), "HOLD after a reset")
    violated(_reset(Tape(Watchdog), run=RUN), f"run {RUN} is open after a reset")
    running = {"run": RUN, "st": "IDLE", "q": 5400, "out": "RUNNING"}
    violated(_reset(Tape(Watchdog)).does("RUN", run=RUN, answer=running), "is RUNNING after a reset")


def test_a_processor_that_stops() -> None:
    def hung(ms: int, i: float) -> Tape:
        tape = Tape(Watchdog).held().at(20_000)
        tape.watch.broken(tape.t_us, "processor")
        return tape.later(ms).true("HOLD", i)

    held(hung(251, 0))
    violated(hung(251, 1000), "truly 1000 uA, 251 ms after the processor stopped")
    unseen(hung(250, 1000), "no processor was broken")
    violated(hung(200, 1000).keep().later(100).true("HOLD", 1000), "after the processor stopped")


def test_power_up() -> None:
    held(_reset(Tape(PowerUp)))
    violated(_reset(Tape(PowerUp), i=400), "IDLE with 400 uA right after a start")
    held(Tape(PowerUp).true("BOOT").later(10).true("SELFTEST"))
    violated(Tape(PowerUp).true("BOOT").later(10).true("BOOT", 11), "truly 11 uA in BOOT")


def test_nothing_broken_nothing_said() -> None:
    unseen(Tape(Watchdog).held().does("ARM", D=DIGEST, answer={"ttl": 1, "z": 1}), "not reset within a run")


def test_a_unit_that_says_it_lost_its_records() -> None:
    tape = Tape(Latch).at(1000).hello().tele("FAULT", fl="8000")
    held(tape.later(100).tele("FAULT", fl="4000"))
    violated(Tape(Latch).at(1000).hello().tele("FAULT", fl="8000").later(100).tele("IDLE"), "fault 16 went")
