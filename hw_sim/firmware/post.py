"""Power-on and the self-test: nothing flows before it has passed.

At power-on the relay stays open: relay feedback, converters at rest, the reference, the memory that the tick works in,
the records. Asked for by SELFTEST the relay also closes, for the one tick that it takes to read it, with the DAC at 0:
only so does a source show that gives current at code 0. At power-on that would be a current nobody has asked for. Every
ARM looks at the same things again, with the relay open, and at the relay when it closes for the check.
"""

from . import calibration, contact_check, output, window
from .machine import FAILED, PASSED, POWER_ON, move
from .record import FIELDS, Record

TICKS = 20
CLOSE_AT = 5
RELAY_TICKS = 3  # a relay may take so long to close and say so
REFERENCE_MV, REFERENCE_OFF_MV = 2500, 50  # 2 %: twice the accuracy that is promised
PATTERNS = (0x15555555, 0x2AAAAAAA)

AT_POWER_ON, ASKED, FAILS = 0, 1, 2  # Firmware.trial


def boot(unit) -> None:  # type: ignore[no-untyped-def]
    s = unit.rec
    store = unit.store
    store.load()
    s.fl, s.first = store.fl, store.first
    s.cause = 0  # whatever is latched: its cause has been absent since now
    # With a slot gone the last boot may be the one that is not in the other.
    store.boot = (store.boot + (2 if store.bad else 1)) & 0xFFFF
    calibration.apply(s, store.cal)
    run, q = _close_interrupted(unit)
    window.power_on(unit)
    if unit.hal.reset_cause:
        found(unit, 16, run, q)
    if store.bad:
        found(unit, 15)
    if not store.turns[1]:
        unit.refused = not (store.save_cal(store.cal) and store.save_window() and store.save_window())
    if not store.save_system(s.fl, s.first) or unit.refused:
        found(unit, 15)
    s.busy = 0 if store.recorded() else 1
    unit.session.power_on(store.boot)
    move(s, POWER_ON)
    unit.tell_state()


def _close_interrupted(unit) -> tuple[str, int]:  # type: ignore[no-untyped-def]
    """A run that was open when the power went is RESET; what may have flowed since its last record counts."""
    store = unit.store
    if not store.runs:
        return "-", 0
    run, out, q, more, _ = store.runs[-1]
    if store.bad:  # the newer record may be the torn one: then this is a second older
        more *= 2
    unit.rec.q = q
    if out != output.RUNNING:
        return "-", 0
    unit.rec.q = q = q + more
    store.update(run, output.RESET, q, 0)
    return run, q


def found(unit, code: int, run: str = "-", q: int = 0) -> None:  # type: ignore[no-untyped-def]
    """A fault found at power-on or by the self-test: there is no current to remove."""
    s = unit.rec
    if not s.fl & (1 << (code - 1)):
        output.latch(s, code)
        s.note &= ~output.NOTE_FAULT
        unit.tell_fault(run, q)


def step(unit) -> None:  # type: ignore[no-untyped-def]
    """A tick in SELFTEST."""
    s = unit.rec
    if unit.trial == ASKED:
        _relay(unit, s)
    if s.t_st < TICKS:
        return
    good = contact_check.rests(s) and unit.trial != FAILS and reference_holds(unit) and keeps(s)
    sound = unit.store.sound()
    unit.trial = AT_POWER_ON
    unit.tested = 0 if good and sound else 1
    if not good:
        found(unit, 14)
    if not sound:
        found(unit, 15)
    move(s, FAILED if s.fl else PASSED)
    unit.session.self_tested(unit.tested)
    unit.after()


def _relay(unit, s: Record) -> None:  # type: ignore[no-untyped-def]
    n = s.t_st - CLOSE_AT
    if n == 0:
        s.relay = 1
    elif n > 0 and s.relay:
        if s.relay_fb:
            s.relay = 0
            top = contact_check.REST_CODE_MAX
            if not (0 < s.adc_i < top and 0 < s.adc_i2 < top):
                unit.trial = FAILS
        elif n > RELAY_TICKS:
            s.relay = 0
            unit.trial = FAILS


def reference_holds(unit) -> bool:  # type: ignore[no-untyped-def]
    return abs(unit.hal.reference_mv() - REFERENCE_MV) <= REFERENCE_OFF_MV  # type: ignore[no-any-return]


def keeps(s: Record) -> bool:
    """Every place of the control record holds both patterns, and then what it held."""
    good = True
    for name in FIELDS:
        held = getattr(s, name)
        for pattern in PATTERNS:
            setattr(s, name, pattern)
            good = good and getattr(s, name) == pattern
        setattr(s, name, held)
        good = good and getattr(s, name) == held
    return good
