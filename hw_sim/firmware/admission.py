"""What leads to current: ARM, START and RESUME, each with everything that can refuse it, in the protocol's order.

START raises only once its run is in the memory. One that takes its time is waited for in ARMED: what stops in between
stops the run too, its id used.
"""

from . import contact_check, control, inputs, machine, output, post, window
from .machine import ARM, ARMED, BY_HOST, NAMES, PAUSED, STAGED, can, move
from .record import Record

DEADLINE_MS = 1000


def refuses(s: Record) -> bool:
    """A fault is latched, or its cause is present."""
    return bool(s.fl & ~output.LINK_BIT or s.alarm & inputs.CAUSES)


def arm(unit, args):  # type: ignore[no-untyped-def]
    s = unit.rec
    if refuses(s):
        return 17, ""
    if s.locked and s.st == PAUSED:
        return 25, ""
    if s.alarm & inputs.PRESSED or not can(s, ARM):
        return 4, ""
    if args["D"] != unit.digest:
        return 14, ""
    if s.st == STAGED and not window.admits(unit, s.uc + window.CHECK_UC):
        return 20, ""
    if not post.reference_holds(unit):
        return _broken(unit, 14)
    unit.written(window.checked(unit))
    if refuses(s):
        return 17, ""
    move(s, ARM, BY_HOST)
    contact_check.begin(s)
    unit.tell_state()
    return -1, ""


def _broken(unit, code: int):  # type: ignore[no-untyped-def]
    output.trip_now(unit.rec, code)
    unit.after()
    return 17, ""


def _too_late(unit, x: int) -> bool:  # type: ignore[no-untyped-def]
    return (x - unit.now()) & 0xFFFFFFFF > DEADLINE_MS  # type: ignore[no-any-return]


def start(unit, args):  # type: ignore[no-untyped-def]
    s = unit.rec
    store = unit.store
    run = args["run"]
    facts = unit.run_facts(run)
    if facts is not None:
        return 15, "run=%s st=%s q=%d out=%s" % (run, facts[0], facts[1], facts[2])
    if refuses(s):
        return 17, ""
    if s.st != ARMED or s.is_open:
        return 13, ""
    if args["D"] != unit.digest:
        return 14, ""
    if not window.admits(unit, s.uc):
        return 20, ""
    if _too_late(unit, args["X"]):
        return 9, ""
    if not store.add(run, s.ua, 0 if unit.hal.jumper else 1):
        return _broken(unit, 15)
    unit.run = run
    if store.recorded():
        return _begin(unit)
    s.why = output.STOPPED  # what it will be unless it begins
    s.busy = 1
    return -1, ""


def _begin(unit):  # type: ignore[no-untyped-def]
    s = unit.rec
    s.is_open = 1
    control.begin(s, 0)
    move(s, machine.START, BY_HOST)
    unit.after()
    return 0, "run=%s st=%s" % (unit.run, NAMES[s.st])


def recorded(unit):  # type: ignore[no-untyped-def]
    """The run of a START that waited is in the memory; it begins if the unit is still armed for it."""
    if unit.rec.st == ARMED and not refuses(unit.rec):
        return _begin(unit)
    store = unit.store
    unit.written(store.update(unit.run, output.STOPPED, 0, 0) and window.settle(unit))
    return (17 if refuses(unit.rec) else 13), ""


def resume(unit, args):  # type: ignore[no-untyped-def]
    s = unit.rec
    if refuses(s):
        return 17, ""
    if s.locked and s.is_open:
        return 25, ""
    if s.st != ARMED or not s.is_open:
        return 13, ""
    if args["run"] != unit.run:
        return 6, ""
    if _too_late(unit, args["X"]):
        return 9, ""
    control.begin(s, 1)
    move(s, machine.START, BY_HOST)
    unit.after()
    return 0, "run=%s st=%s" % (unit.run, NAMES[s.st])
