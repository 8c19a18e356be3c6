"""Current and charge of one run over time, in closed form.

The current rises at a constant slew, holds, and falls at a constant slew; the dose is the area under all
three, as ``docs/protocol.md`` counts it. So the hold is shorter than dose / current by half of each ramp,
and a dose smaller than the two ramps together turns round early: a triangle with a lower peak. Everything a
plan, a progress bar or a test needs follows without stepping through time.

    charge of a ramp between 0 and i:  i * i / (2 * slew)

The unit starts to fall when what remains is the charge of that fall; ``eta_s`` solves the same law from
where a run is now, with the current that really flows, so it stays right when a voltage limit stretches the
run.

Rejected: a sampled profile. It is slower, and its error has to be argued about.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final, Protocol

from controller.wire.spec import UnitState

_OVER: Final = frozenset({UnitState.DONE, UnitState.FAULT})
# Below this the unit itself forms no quotient with the current (z is 0, section 3 of the protocol).
_SMALLEST_UA: Final = 20


class Prescribed(Protocol):
    """What a profile needs of a prescription."""

    @property
    def i_ua(self) -> int: ...
    @property
    def q_uc(self) -> int: ...
    @property
    def tu_ms(self) -> int: ...
    @property
    def td_ms(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Trapezium, or triangle when ``hold_s`` is 0. Time 0 is the start of the rise."""

    set_ua: int
    q_uc: int
    peak_ua: float
    rise_s: float
    hold_s: float
    fall_s: float
    # Seconds for each uA, up and down: 1 / slew. 0 is a step.
    up_s_per_ua: float
    down_s_per_ua: float

    @classmethod
    def of(cls, prescription: Prescribed) -> Profile:
        """The profile of a prescription whose current and charge are above 0."""
        i_ua, q_uc = prescription.i_ua, prescription.q_uc
        up, down = prescription.tu_ms / 1000 / i_ua, prescription.td_ms / 1000 / i_ua
        peak_ua, hold_s = _turn(q_uc, 0.0, float(i_ua), up, down)
        return cls(
            set_ua=i_ua, q_uc=q_uc, peak_ua=peak_ua, rise_s=up * peak_ua, hold_s=hold_s,
            fall_s=down * peak_ua, up_s_per_ua=up, down_s_per_ua=down,
        )  # fmt: skip

    @property
    def duration_s(self) -> float:
        return self.rise_s + self.hold_s + self.fall_s

    @property
    def is_triangle(self) -> bool:
        """The dose is smaller than the two ramps: the set-point is never reached."""
        return self.peak_ua < self.set_ua

    def current_ua_at(self, t_s: float) -> float:
        """0 before the start and after the end."""
        left_s = self.duration_s - t_s
        if t_s <= 0 or left_s <= 0:
            return 0.0
        if t_s < self.rise_s:
            return t_s / self.up_s_per_ua
        if left_s < self.fall_s:
            return left_s / self.down_s_per_ua
        return self.peak_ua

    def charge_uc_at(self, t_s: float) -> float:
        """0 before the start, the whole dose from the end on."""
        if t_s <= 0:
            return 0.0
        left_s = self.duration_s - t_s
        if left_s <= 0:
            return float(self.q_uc)
        if t_s < self.rise_s:
            return t_s * t_s / self.up_s_per_ua / 2
        if left_s < self.fall_s:
            return self.q_uc - left_s * left_s / self.down_s_per_ua / 2
        return self.peak_ua * (t_s - self.rise_s / 2)

    def points(self) -> tuple[tuple[float, float], ...]:
        """The corners (seconds, uA), start and end included; straight lines between them are the profile."""
        fall_at_s = self.rise_s + self.hold_s
        corners = ((0.0, 0.0), (self.rise_s, self.peak_ua), (fall_at_s, self.peak_ua), (self.duration_s, 0.0))
        return corners if self.hold_s > 0 else (corners[0], *corners[2:])

    def eta_s(self, state: UnitState | str, q_uc: float, i_ua: float) -> float | None:
        """Seconds of current still to come; None when a hold passes too little current to tell.

        In a state without current it is what a run from there would take: the whole of it before the start,
        the rest of it in a pause. A stop's ramp-down is called RAMP_DOWN too and is over sooner than told
        here.

        Args:
            state: the unit's state or its name.
            q_uc: charge delivered so far.
            i_ua: current that flows now.
        """
        remaining_uc = max(0.0, self.q_uc - q_uc)
        match UnitState(state):
            case s if s in _OVER:
                return 0.0
            case UnitState.RAMP_DOWN:
                return self.down_s_per_ua * i_ua
            case UnitState.HOLD:
                if i_ua < _SMALLEST_UA:
                    return None
                return self._eta(remaining_uc, i_ua, i_ua)
            case UnitState.RAMP_UP:
                return self._eta(remaining_uc, i_ua, max(i_ua, self.set_ua))
            case _:
                return self._eta(remaining_uc, 0.0, self.set_ua)

    def _eta(self, remaining_uc: float, from_ua: float, to_ua: float) -> float:
        peak_ua, hold_s = _turn(remaining_uc, from_ua, to_ua, self.up_s_per_ua, self.down_s_per_ua)
        return self.up_s_per_ua * (peak_ua - from_ua) + hold_s + self.down_s_per_ua * peak_ua


def _turn(q_uc: float, from_ua: float, to_ua: float, up: float, down: float) -> tuple[float, float]:
    """Highest current and seconds of hold of a run that rises from ``from_ua`` and delivers ``q_uc``."""
    ramps_uc = (to_ua**2 - from_ua**2) * up / 2 + to_ua**2 * down / 2
    if q_uc >= ramps_uc:
        return to_ua, (q_uc - ramps_uc) / to_ua
    # q = (p^2 - from^2) up / 2 + p^2 down / 2, solved for p; too little left for a rise at all: fall from
    # here.
    return max(from_ua, sqrt((2 * q_uc + from_ua**2 * up) / (up + down))), 0.0
