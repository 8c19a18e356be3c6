"""The protocol's vocabulary: states, verbs, codes and times, with the clause of ``docs/protocol.md``."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final


class UnitState(Enum):
    """States of the unit (section 7)."""

    # Members are singletons. Enum's own hash is a Python call, and every telemetry line asks three sets.
    __hash__ = object.__hash__

    BOOT = "BOOT"
    SELFTEST = "SELFTEST"
    IDLE = "IDLE"
    STAGED = "STAGED"
    CHECK = "CHECK"
    ARMED = "ARMED"
    RAMP_UP = "RAMP_UP"
    HOLD = "HOLD"
    RAMP_DOWN = "RAMP_DOWN"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    DONE = "DONE"
    FAULT = "FAULT"


# States in which the delivery current may flow; CHECK passes only its sense current.
ENERGISED: Final = frozenset({UnitState.RAMP_UP, UnitState.HOLD, UnitState.RAMP_DOWN, UnitState.PAUSING})
# In these two the unit's lease runs and KEEP is owed.
LEASED: Final = frozenset({UnitState.RAMP_UP, UnitState.HOLD})


class Fault(IntEnum):
    """Fault codes (section 10); bit ``code - 1`` of ``fl``."""

    OPEN = 1
    Z_HIGH = 2
    Z_LOW = 3
    COMPLIANCE = 4
    CONTACT = 5
    STEP = 6
    OVERCURRENT = 7
    TRACKING = 8
    SENSOR = 9
    LEAKAGE = 10
    LINK = 11
    TIME_CAP = 12
    SUPPLY = 13
    SELFTEST = 14
    NVM = 15
    WATCHDOG = 16
    REPEAT = 17
    INTERLOCK = 18
    TEMPERATURE = 19
    ELECTRODE_SPENT = 20


# What a person at the bench should read and do, one clause each.
FAULT_TEXT: Final[dict[int, str]] = {
    1: "open circuit: a lead or an electrode came off",
    2: "impedance too high: dry electrode or poor contact",
    3: "impedance too low: electrodes or leads shorted",
    4: "voltage limit: the load does not let the current through",
    5: "contact worsened: voltage rose above its minimum, an electrode is peeling or drying",
    6: "sudden change of voltage: a contact moved or the skin broke down",
    7: "overcurrent",
    8: "current does not follow the set-point",
    9: "current sensors disagree, are stuck or out of range",
    10: "leakage: current out and current back differ",
    11: "the unit lost its host and paused",
    12: "longest on-time reached",
    13: "supply too low",
    14: "self-test failed",
    15: "non-volatile memory damaged",
    16: "watchdog reset",
    17: "the same cause paused the run three times",
    18: "interlock open",
    19: "temperature too high",
    20: "electrode spent",
}


class ErrorCode(IntEnum):
    """Refusals (section 9)."""

    DONE = 0
    UNKNOWN_VERB = 1
    BAD_VALUE = 2
    OUT_OF_RANGE = 3
    WRONG_STATE = 4
    NO_SESSION = 5
    UNKNOWN_RUN = 6
    GAP = 7
    CONFLICT = 8
    TOO_LATE = 9
    NO_COMMON_VERSION = 10
    UNKNOWN_KEY = 12
    NOT_ARMED = 13
    DIGEST_MISMATCH = 14
    RUN_USED = 15
    CONTACT_CHECK = 16
    FAULT_LATCHED = 17
    HELD = 18
    DOSE_WINDOW = 20
    LOCKED = 25
    USE_PRES_ARM_START = 90


ERROR_TEXT: Final[dict[int, str]] = {
    1: "it does not know this command",
    2: "a value is malformed",
    3: "a value is outside what it can hold",
    4: "not possible in its present state",
    5: "it has no such session",
    6: "it does not know this run",
    7: "a request number is missing",
    8: "a request number was used for something else",
    9: "the command came too late",
    10: "no common protocol version",
    12: "a key is unknown or missing",
    13: "it is not armed, or the contact check was cut short",
    14: "it holds another prescription than the one meant",
    15: "this run was started before",
    16: "contact check failed: look at electrodes and leads",
    17: "a fault is latched or its cause is still there",
    18: "a run is in progress under another host",
    20: "the dose window of 24 h would be exceeded",
    25: "locked after three equal pauses: stop this run",
    90: "current is raised by PRES, ARM and START only",
}

# Section 12, seconds. A request is sent at most SENDS times, one reply time-out apart.
REPLY_TIMEOUT_S: Final[dict[str, float]] = {"START": 0.5, "ARM": 2.5, "SELFTEST": 2.5}
REPLY_TIMEOUT_DEFAULT_S: Final = 0.25
SENDS: Final[dict[str, int]] = {"ARM": 2, "SELFTEST": 2}
SENDS_DEFAULT: Final = 4
KEEP_PERIOD_S: Final = 0.25
DEADLINE_MARGIN_MS: Final = 1000  # X is the newest unit time known plus this (section 5)
TELEMETRY_MIN_MS: Final = 20
TELEMETRY_MAX_MS: Final = 500

MAX_LINE: Final = 240  # characters with the line end (section 2); a plain reply may have MAX_PLAIN
MAX_PLAIN: Final = 500

STOP_BYTE: Final = b"\x18"
PRESCRIPTION_KEYS: Final = (
    "I", "Q", "TU", "TD", "TMAX", "ZMAX", "ZMIN", "VMAX", "POL", "LIM", "CONT", "LOSS", "BATT",
)  # fmt: skip
