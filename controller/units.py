"""Quantities. Wire and engine use integers of base units; what people read is mA, mA.min, V and kohm.

Current uA, charge uC, voltage mV, resistance ohm, time ms; 1 mA.min = 60 mC = 60 000 uC.
Conversion happens here and nowhere else.
"""

from __future__ import annotations

from typing import Final, NewType

Microamps = NewType("Microamps", int)
Microcoulombs = NewType("Microcoulombs", int)
Millivolts = NewType("Millivolts", int)
Ohms = NewType("Ohms", int)
Millis = NewType("Millis", int)

UC_PER_MA_MIN: Final = 60_000


def ua_from_ma(current_ma: float) -> Microamps:
    """Microamps of a current in mA, to the nearest whole one."""
    return Microamps(round(current_ma * 1000))


def ma_from_ua(current_ua: float) -> float:
    return current_ua / 1000


def uc_from_ma_min(dose_ma_min: float) -> Microcoulombs:
    """Microcoulombs of a dose in mA.min, to the nearest whole one."""
    return Microcoulombs(round(dose_ma_min * UC_PER_MA_MIN))


def ma_min_from_uc(charge_uc: float) -> float:
    return charge_uc / UC_PER_MA_MIN
