"""The parts of a treatment, and how a phase becomes a prescription.

A part holds what the file says, in the units people write; integers of base units appear in
``Phase.prescription`` alone. Parts check nothing: a Treatment does, whole, when it is made.

**A phase by time.** Clinics and unit displays know one relation, dose = current x minutes. So
``duration_min`` is a dose in other words: current x duration, rounded *down* to the 0.1 mA.min that units
deliver, and this charge includes both ramps as every dose does. The current then flows half of both ramps
longer than the minutes written. The other reading, minutes of hold with the ramps on top, was rejected: it
delivers more than the product that the prescriber had in mind, and two ways of counting would give two
doses for one line of a chart.

**Ramps.** Times are rounded up to whole milliseconds, so the slew is never above the one asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Final, Literal

from controller.treatment.prescription import VMAX_MV, ZMAX_OHM, ZMIN_OHM, Pole, Prescription
from controller.units import ua_from_ma, uc_from_ma_min

RAMP_UP_MA_PER_S: Final = 0.1  # 20 s to 2 mA; Soterix IontoDC takes 30 s, Macroduct about 20 s
RAMP_DOWN_MA_PER_S: Final = 0.2
DOSE_STEP_MA_MIN: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """The electrodes, as far as they are known."""

    drug_area_cm2: float | None = None
    return_area_cm2: float | None = None
    fill_ml: float | None = None
    rated_ma_min: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits that the unit watches; None is the unit's standard (``docs/protocol.md`` section 6)."""

    impedance_max_kohm: float | None = None
    impedance_min_kohm: float | None = None
    voltage_max_v: float | None = None
    on_time_max_min: float | None = None

    @property
    def zmax_ohm(self) -> int:
        return ZMAX_OHM if self.impedance_max_kohm is None else round(self.impedance_max_kohm * 1000)

    @property
    def zmin_ohm(self) -> int:
        return ZMIN_OHM if self.impedance_min_kohm is None else round(self.impedance_min_kohm * 1000)

    @property
    def vmax_mv(self) -> int:
        return VMAX_MV if self.voltage_max_v is None else round(self.voltage_max_v * 1000)

    @property
    def tmax_ms(self) -> int | None:
        return None if self.on_time_max_min is None else round(self.on_time_max_min * 60_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the unit does where makers disagree; the stricter choice is the default."""

    resistance: Literal["stop", "stretch"] = "stop"
    contact: Literal["stop", "pause"] = "stop"
    link: Literal["stop", "finish"] = "stop"
    battery: Literal["stop", "finish"] = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """Answers of the person to be treated; None is unanswered, and only false lets a treatment pass."""

    pacemaker_or_implant: bool | None = None
    pregnancy: bool | None = None
    drug_hypersensitivity: bool | None = None
    damaged_skin: bool | None = None
    metal_in_current_path: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One run of the unit. Either ``dose_ma_min`` or ``duration_min`` is given, the other is None.

    ``auto`` starts it without asking the operator; the first phase always starts by hand.
    """

    pole: Pole
    current_ma: float
    dose_ma_min: float | None = None
    duration_min: float | None = None
    ramp_up_ma_per_s: float = RAMP_UP_MA_PER_S
    ramp_down_ma_per_s: float = RAMP_DOWN_MA_PER_S
    auto: bool = False

    @property
    def charge_ma_min(self) -> float:
        """The dose that is delivered, both ramps included."""
        if self.dose_ma_min is not None:
            return self.dose_ma_min
        product = self.current_ma * (0.0 if self.duration_min is None else self.duration_min)
        # The inner rounding takes off what binary fractions add: 1.1 x 3 is 3.3000000000000003.
        return round(floor(round(product / DOSE_STEP_MA_MIN, 6)) * DOSE_STEP_MA_MIN, 1)

    def prescription(self, limits: Limits, policy: Policy) -> Prescription:
        """This phase as the unit is told it."""
        i_ua = ua_from_ma(self.current_ma)
        times: dict[str, int] = {} if limits.tmax_ms is None else {"tmax_ms": limits.tmax_ms}
        return Prescription(
            i_ua=i_ua,
            q_uc=uc_from_ma_min(self.charge_ma_min),
            pole=self.pole,
            tu_ms=_ramp_ms(i_ua, self.ramp_up_ma_per_s),
            td_ms=_ramp_ms(i_ua, self.ramp_down_ma_per_s),
            zmax_ohm=limits.zmax_ohm,
            zmin_ohm=limits.zmin_ohm,
            vmax_mv=limits.vmax_mv,
            lim="STOP" if policy.resistance == "stop" else "STRETCH",
            cont="STOP" if policy.contact == "stop" else "PAUSE",
            loss="STOP" if policy.link == "stop" else "FINISH",
            batt="STOP" if policy.battery == "stop" else "FINISH",
            **times,
        )


def _ramp_ms(i_ua: int, slew_ma_per_s: float) -> int:
    """mA/s is uA/ms. Binary fractions must not add a millisecond: 1.4 / 0.1 is 13.999999999999998."""
    return ceil(round(i_ua / slew_ma_per_s, 6))
