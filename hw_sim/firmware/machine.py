"""The unit's state machine: one table of legal moves, compiled into rows of bytes.

The table is section 7 of the protocol. Where a cause leads to different places ("STOP with a run open and no
current"), it is two causes here, and the caller says which; the table itself decides nothing else. A lookup
allocates nothing, so that the tick may use it.
"""

from .record import Record

(BOOT, SELFTEST, IDLE, STAGED, CHECK, ARMED, RAMP_UP, HOLD, RAMP_DOWN, PAUSING, PAUSED, DONE, FAULT) = range(13)
NAMES = (
    "BOOT", "SELFTEST", "IDLE", "STAGED", "CHECK", "ARMED", "RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING",
    "PAUSED", "DONE", "FAULT",
)  # fmt: skip

# Causes.
(
    POWER_ON, PASSED, FAILED, TEST, PRES, ARM, CHECKED, UNARM, UNARM_OPEN, START, TOP, DOSE, ZERO, ZERO_FAULT,
    PAUSE, DROP, STOP, STOP_OPEN, STOP_IDLE, CUT_OPEN, TRIP, TRIP_RAMP, CLEARED, EXPIRED,
) = range(24)  # fmt: skip

ENERGISED = (RAMP_UP, HOLD, RAMP_DOWN, PAUSING)
EVERY = tuple(range(13))
NOT_HERE = 255

TABLE = (
    (POWER_ON, (BOOT,), SELFTEST),
    (PASSED, (SELFTEST,), IDLE),
    (FAILED, (SELFTEST,), FAULT),
    (TEST, (IDLE,), SELFTEST),
    (PRES, (IDLE, STAGED, DONE), STAGED),
    (ARM, (STAGED, PAUSED), CHECK),
    (CHECKED, (CHECK,), ARMED),
    (UNARM, (CHECK, ARMED), STAGED),  # check failed, ttl over, HELLO, session closed
    (UNARM_OPEN, (CHECK, ARMED), PAUSED),  # the same, for an arming that came from PAUSED
    (START, (ARMED,), RAMP_UP),  # RESUME too
    (TOP, (RAMP_UP,), HOLD),
    (DOSE, (RAMP_UP, HOLD), RAMP_DOWN),
    (ZERO, (RAMP_DOWN,), DONE),
    (ZERO, (PAUSING,), PAUSED),
    (ZERO_FAULT, (RAMP_DOWN,), FAULT),
    (PAUSE, (RAMP_UP, HOLD), PAUSING),
    (DROP, (RAMP_UP, HOLD), PAUSED),  # OPEN with CONT=PAUSE, first rise of STEP
    (STOP, ENERGISED, RAMP_DOWN),
    (STOP_OPEN, (CHECK, ARMED, PAUSED), DONE),
    (STOP_IDLE, (STAGED, CHECK, ARMED, DONE), IDLE),
    (CUT_OPEN, (RAMP_UP, HOLD, RAMP_DOWN, PAUSING, CHECK, ARMED, PAUSED), DONE),  # ABORT of an open run
    (TRIP, EVERY, FAULT),
    (TRIP_RAMP, (RAMP_UP, HOLD), RAMP_DOWN),
    (CLEARED, (FAULT,), IDLE),
    (EXPIRED, (PAUSED, CHECK, ARMED), DONE),
)


def _compile():  # type: ignore[no-untyped-def]
    rows = [bytearray([NOT_HERE] * len(NAMES)) for _ in range(24)]
    for cause, sources, to in TABLE:
        for state in sources:
            rows[cause][state] = to
    return tuple([bytes(row) for row in rows])


_ROWS = _compile()

# Who moved it, as told in the event STATE.
BY_UNIT, BY_HOST, BY_PLAIN, BY_BYTE, BY_LOCAL = range(5)
BY_NAMES = ("UNIT", "HOST", "PLAIN", "BYTE", "LOCAL")


def move(s: Record, cause: int, by: int = BY_UNIT) -> bool:
    """Make the move that the table has for ``cause``; False, and nothing changed, where it has none."""
    to = _ROWS[cause][s.st]
    if to == NOT_HERE:
        return False
    s.st = to
    s.t_st = 0
    s.by = by
    s.saving = 1
    return True


def can(s: Record, cause: int) -> bool:
    """Whether the table has a move for ``cause`` from the present state."""
    return _ROWS[cause][s.st] != NOT_HERE
