"""What the host knows of the unit, and its own eye on every telemetry line.

The unit guards itself; this is the second pair of eyes, with limits a little wider than the unit's own, so that it
speaks only when the unit failed to. It integrates the dose itself, from the reported current, and compares.
Pure: time is what the unit's telemetry says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from controller.units import ma_from_ua, ma_min_from_uc
from controller.wire import Reply, Telemetry
from controller.wire.spec import ENERGISED, LEASED, UnitState

STALE_S: Final = 1.0  # telemetry older than this while energised: the host is blind and stops
RISE_TRIP: Final = 1.25  # the unit trips at 1.12 of the running minimum; beyond this it has not
RISE_WINDOW_MS: Final = 10_000
RISE_FROM_MS: Final = 30_000
FORGET_MS: Final = 120_000  # after a pause as long as this the skin has recovered, and the unit forgets its minimum
REST_UA: Final = 50
CHECK_UA: Final = 60
SETTLE_MS: Final = 250  # telemetry is a 20 ms mean: a reading this long after a change belongs to the new state
DOSE_TOLERANCE: Final = 0.02
DOSE_FLOOR_UC: Final = 600
_SPAN_MS: Final = 1 << 32
_PAUSE: Final = frozenset({UnitState.PAUSING, UnitState.PAUSED})

# The unit's reading is within 1 % + 600 uC of the truth (docs/protocol.md): the interval of a known dose.
ACCURACY: Final = 0.01
ACCURACY_FLOOR_UC: Final = 600
# A unit that was reset counts up to this much more than flowed: the second to its next record and a quarter, and twice
# that where the record is torn.
RESET_EXTRA_S: Final = 2.5


def known_interval_uc(q_uc: int, outcome: str, i_ua: int) -> tuple[int, int]:
    """What was really delivered, lowest and highest, when the unit has told its dose."""
    off_uc = round(q_uc * ACCURACY) + ACCURACY_FLOOR_UC if q_uc else 0
    extra_uc = round(i_ua * RESET_EXTRA_S) if outcome == "RESET" else 0
    return max(0, q_uc - off_uc - extra_uc), q_uc + off_uc


def unknown_interval_uc(heard_uc: int, i_ua: int, q_uc: int, loss: str, lease_ms: int) -> tuple[int, int]:
    """The same when the unit fell silent after ``heard_uc`` of ``q_uc``: unsure is counted as delivered.

    Without a host the unit stops within its lease and a second (LOSS=STOP), or finishes the dose.
    """
    off_uc = round(heard_uc * ACCURACY) + ACCURACY_FLOOR_UC
    low_uc = max(0, heard_uc - off_uc)
    most_uc = round(q_uc * 1.02) + i_ua // 5
    if loss == "STOP":
        most_uc = min(most_uc, heard_uc + off_uc + round(i_ua * (lease_ms / 1000 + STALE_S + 1)))
    return low_uc, most_uc


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """What a unit says of itself in HELLO."""

    serial: str
    model: str
    firmware: str
    boot: int
    lease_ms: int
    imax_ua: int
    qmax_uc: int
    vcomp_mv: int
    capabilities: frozenset[str]
    rate: int

    @property
    def simulated(self) -> bool:
        return "SIM" in self.capabilities

    @classmethod
    def of(cls, hello: Reply) -> UnitFacts:
        """Read a confirmed HELLO or TAKE.

        Raises:
            ProtocolViolation: a promised field is missing or malformed.
        """
        return cls(
            serial=hello.word("sn"),
            model=hello.word("model"),
            firmware=hello.word("fw"),
            boot=hello.integer("boot"),
            lease_ms=hello.integer("lease"),
            imax_ua=hello.integer("imax"),
            qmax_uc=hello.integer("qmax"),
            vcomp_mv=hello.integer("vcomp"),
            capabilities=frozenset(hello.word("cap").split(",")) - {"-"},
            rate=hello.integer("rate"),
        )


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that did not hold, and what was seen."""

    limit: str
    observed: str


class SafetyMonitor:
    """Judges every telemetry line of one run. ``own_uc`` is the host's own dose integral."""

    def __init__(self, i_ua: int, q_uc: int) -> None:
        self._i_ua = i_ua
        self._cap_ua = i_ua + i_ua // 20 + 25
        self._q_cap_uc = q_uc + q_uc // 50 + i_ua // 5
        self.own_uc = 0.0
        self.peak_ua = 0
        self._slack_uc = 0.0
        self._last: Telemetry | None = None
        self._state: UnitState | None = None
        self._since_ms = self._paused_ms = 0
        self._flowed = False
        self._heard_uc = 0
        self._over = 0
        self._rise_sum = self._rise_n = 0
        self._rise_start_ms = 0
        self._rise_set = 0
        self._minimum_mv = 0.0

    @property
    def heard_uc(self) -> int:
        """The highest dose reported while current flowed; elsewhere the unit may show another run's, or none."""
        return max(self._heard_uc, self._last.q_uc) if self._flowed and self._last is not None else self._heard_uc

    def judge(self, seen: Telemetry) -> Breach | None:
        """The first limit that this line breaks, if any."""
        last, self._last = self._last, seen
        i_ua, state = seen.i_ua, seen.state
        flows, flowed = state in ENERGISED, self._flowed
        self._flowed = flows
        if i_ua > self.peak_ua:
            self.peak_ua = i_ua
        if state is not self._state:
            if flowed and last is not None and last.q_uc > self._heard_uc:
                self._heard_uc = last.q_uc
            self._enter(state, seen.uptime_ms)
        if last is not None:
            dt_ms = (seen.uptime_ms - last.uptime_ms) % _SPAN_MS
            if flows or flowed:  # a reading of 1 uA at rest is no dose: 10 min of pause would add 600 uC
                moved_uc = (i_ua + last.i_ua) * dt_ms / 2000
                self.own_uc += moved_uc
                if flows is not flowed:  # an end "at once" lies anywhere between two lines
                    self._slack_uc += moved_uc
            if (seen.number - last.number) & 0xFFFF != 1 or seen.sid != last.sid:
                self._slack_uc += self._i_ua * dt_ms / 1000
            if seen.q_uc < last.q_uc and flows:
                return Breach("the reported dose never falls", f"{last.q_uc} uC, then {seen.q_uc} uC")
        if not flows:
            return self._at_rest(seen)
        if i_ua > self._cap_ua:
            self._over += 1
            if self._over >= 3:
                return Breach("current at most the set-point", f"{ma_from_ua(i_ua)} mA")
        else:
            self._over = 0
        if seen.q_uc > self._q_cap_uc:
            return Breach("dose at most the prescribed one", f"{ma_min_from_uc(seen.q_uc):.3f} mA.min")
        off_uc = self.own_uc - seen.q_uc
        allowed_uc = DOSE_TOLERANCE * seen.q_uc + DOSE_FLOOR_UC + self._slack_uc
        if not -allowed_uc <= off_uc <= allowed_uc:
            return Breach(
                "the unit's dose agrees with the host's own integral",
                f"unit {ma_min_from_uc(seen.q_uc):.3f}, host {ma_min_from_uc(self.own_uc):.3f} mA.min",
            )
        if state is UnitState.HOLD:
            return self._rise(seen)
        return None

    def _enter(self, state: UnitState, uptime_ms: int) -> None:
        if state in _PAUSE and self._state in LEASED:
            self._paused_ms = uptime_ms
        elif state is UnitState.RAMP_UP and (uptime_ms - self._paused_ms) % _SPAN_MS >= FORGET_MS:
            self._minimum_mv = 0.0
        self._state, self._since_ms = state, uptime_ms
        self._rise_n = 0

    def _at_rest(self, seen: Telemetry) -> Breach | None:
        """States that may not occur together with a current."""
        limit_ua = CHECK_UA if seen.state is UnitState.CHECK else REST_UA
        settled = (seen.uptime_ms - self._since_ms) % _SPAN_MS > SETTLE_MS
        if seen.i_ua > limit_ua and settled:
            return Breach("no current outside a run", f"{seen.i_ua} uA in {seen.state.name}")
        if seen.set_ua and settled:
            return Breach("no set-point outside a run", f"{seen.set_ua} uA in {seen.state.name}")
        return None

    def _rise(self, seen: Telemetry) -> Breach | None:
        """10 s means of the voltage at a steady set-point against their running minimum."""
        if (seen.uptime_ms - self._since_ms) % _SPAN_MS < RISE_FROM_MS:
            return None
        if seen.i_ua * 20 < seen.set_ua * 19:
            # A contact opened for a moment and the current comes back with the slew: its voltage is no minimum.
            self._rise_n = 0
            return None
        if seen.set_ua != self._rise_set or seen.limited or not self._rise_n:
            if seen.set_ua != self._rise_set:
                self._minimum_mv = 0.0
            self._rise_set, self._rise_sum, self._rise_n = seen.set_ua, seen.v_mv, 1
            self._rise_start_ms = seen.uptime_ms
            return None
        self._rise_sum += seen.v_mv
        self._rise_n += 1
        if (seen.uptime_ms - self._rise_start_ms) % _SPAN_MS < RISE_WINDOW_MS:
            return None
        mean_mv = self._rise_sum / self._rise_n
        self._rise_n = 0
        if not self._minimum_mv or mean_mv < self._minimum_mv:
            self._minimum_mv = mean_mv
        elif mean_mv > RISE_TRIP * self._minimum_mv:
            return Breach(
                "voltage at most 1.25 of its minimum",
                f"{mean_mv / 1000:.2f} V after {self._minimum_mv / 1000:.2f} V",
            )
        return None
