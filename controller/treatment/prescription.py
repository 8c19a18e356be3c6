"""What one run is told: the thirteen fields of PRES (``docs/protocol.md`` section 6), as integers.

A prescription is exact. It is made once, from a phase of a treatment, with every default filled in by the
host, so that nothing is left to the unit's own idea of a default: the host sends all fields, the unit says
back what it holds, and the two are compared integer by integer before anything is armed.

It checks no range. What a treatment may ask is judged where the treatment is read, what a unit can do is
told by the unit (``check_against_unit``), and a bench must be able to send a unit what it has to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, cast

from controller.errors import TreatmentError
from controller.units import ma_from_ua, ma_min_from_uc
from controller.wire.spec import PRESCRIPTION_KEYS

# Section 6, from the unit's fault table: a healthy skin at 30 s into HOLD is far below 30 kohm, a short is
# below 200 ohm, and 54 V is 0.9 of the 60 V source.
ZMAX_OHM: Final = 30_000
ZMIN_OHM: Final = 200
VMAX_MV: Final = 54_000

# Stands for a time that follows from the others; replaced while the value is made, so no reader ever meets
# it.
_BY_RULE: Final = cast("int", None)


class Pole(Enum):
    """Pole of the drug electrode."""

    POSITIVE = "+"
    NEGATIVE = "-"

    @property
    def other(self) -> Pole:
        return Pole.NEGATIVE if self is Pole.POSITIVE else Pole.POSITIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """One run of the unit. Times left out follow the protocol: TU = 10 I, TD = 5 I, TMAX = 1.5 times the
    plan.

    Raises:
        TreatmentError: no longest on-time was given and none follows, because current or charge are not
        above 0.
    """

    i_ua: int
    q_uc: int
    pole: Pole
    tu_ms: int = _BY_RULE
    td_ms: int = _BY_RULE
    tmax_ms: int = _BY_RULE
    zmax_ohm: int = ZMAX_OHM
    zmin_ohm: int = ZMIN_OHM
    vmax_mv: int = VMAX_MV
    lim: Literal["STOP", "STRETCH"] = "STOP"
    cont: Literal["STOP", "PAUSE"] = "STOP"
    loss: Literal["STOP", "FINISH"] = "STOP"
    batt: Literal["STOP", "FINISH"] = "STOP"

    def __post_init__(self) -> None:
        if self.tu_ms is None:
            object.__setattr__(self, "tu_ms", 10 * self.i_ua)
        if self.td_ms is None:
            object.__setattr__(self, "td_ms", 5 * self.i_ua)
        if self.tmax_ms is None:
            object.__setattr__(self, "tmax_ms", self._longest_ms())

    def _longest_ms(self) -> int:
        """TMAX of section 6; each division is rounded down on its own."""
        if self.i_ua <= 0 or self.q_uc <= 0:
            found = f"{self.i_ua} uA and {self.q_uc} uC give no longest on-time"
            raise TreatmentError([f"prescription: {found}; both must be above 0"])
        return 3 * (1000 * self.q_uc // self.i_ua + (self.tu_ms + self.td_ms) // 2) // 2

    def fields(self) -> dict[str, str]:
        """The fields as they stand on the wire, in the order of section 6."""
        values = (
            self.i_ua, self.q_uc, self.tu_ms, self.td_ms, self.tmax_ms, self.zmax_ohm, self.zmin_ohm,
            self.vmax_mv, self.pole.value, self.lim, self.cont, self.loss, self.batt,
        )  # fmt: skip
        return dict(zip(PRESCRIPTION_KEYS, map(str, values), strict=True))


def check_against_unit(prescription: Prescription, *, imax_ua: int, qmax_uc: int, vcomp_mv: int) -> list[str]:
    """One sentence for each limit of the unit, as told in HELLO, that is exceeded; empty when it fits."""
    p = prescription
    problems = []
    if p.i_ua > imax_ua:
        problems.append(
            f"current: {ma_from_ua(p.i_ua):g} mA is more than the {ma_from_ua(imax_ua):g} mA of this unit; "
            "lower current_ma (at the same dose the run takes longer) or use another unit"
        )
    if p.q_uc > qmax_uc:
        problems.append(
            f"dose: {ma_min_from_uc(p.q_uc):g} mA.min is more than the {ma_min_from_uc(qmax_uc):g} mA.min "
            "that this unit delivers in one run; lower dose_ma_min or divide it among two phases"
        )
    if p.vmax_mv > vcomp_mv:
        problems.append(
            f"voltage limit: {p.vmax_mv / 1000:g} V is more than the {vcomp_mv / 1000:g} V of this unit's "
            "source, so it would never act; set voltage_max_v in [limits] to at most that"
        )
    return problems
