"""What each kind of load does with a current: the one place that tells skin, resistor and R parallel C apart.

`tick.step` knows skin and resistor by itself; whatever is rarer (a limit, a contact just made or lost, the long way of
`detour.py`) asks here, with the current as a constant over the tick.

R parallel C answers a constant current and the fading swing of the source in closed form: with z = dt / RC and
a = dt / tau_source the part of the swing is R z (exp(-a) - exp(-z)) / (z - a). Its constants belong to the load and the
length of the tick and are derived with them, so that no exponential stands in the tick.
"""

from __future__ import annotations

import math

from .record import PARALLEL, SKIN, Plant
from .skin import carry, recover
from .skin import volts_at as skin_volts_at

_BISECTIONS = 34  # 4.2 mA / 2^34 is below a picoampere


def set_shunt(p: Plant) -> None:
    """Derive what a step needs of R parallel C."""
    if p.kind != PARALLEL:
        return
    z = p.dt_s / (p.load_ohm * p.shunt_f)
    p.shunt_left = math.exp(-z)
    apart = z - p.settles
    p.shunt_lag = z * (p.end_left - p.shunt_left) / apart if abs(apart) > 1e-6 else z * p.shunt_left


def shunt_volts(p: Plant, i_set: float, swing: float) -> float:
    """R parallel C after one tick, with a swing that fades."""
    static_v = i_set * p.load_ohm
    return static_v + (p.v_shunt - static_v) * p.shunt_left + swing * p.load_ohm * p.shunt_lag


def volts_at(p: Plant, i: float) -> float:
    """Voltage of the load after a tick at the constant current `i`; changes nothing."""
    if p.path == SKIN:
        return skin_volts_at(p, i)
    if p.path == PARALLEL:
        return shunt_volts(p, i, 0.0)
    return i * p.load_ohm


def take(p: Plant, i: float) -> None:
    """One tick of the load at the constant current `i`."""
    if p.path == SKIN:
        carry(p, i)
    elif p.path == PARALLEL:
        p.v_shunt = shunt_volts(p, i, 0.0)


def idle(p: Plant) -> None:
    """One tick of the load without a current."""
    if p.kind == SKIN:
        recover(p)
    elif p.kind == PARALLEL:
        p.v_shunt *= p.shunt_left


def pour(p: Plant, v_out_v: float) -> float:
    """The charge that an output capacitance at `v_out_v` puts into the contact just made."""
    if p.path == SKIN:
        c_drug = p.c_f_cm2 / p.per_drug
        c_return = p.c_f_cm2 / p.per_return
        excess_v = max(v_out_v - p.v_drug - p.v_return, 0.0)
        q = excess_v / (1.0 / p.c_out_f + 1.0 / c_drug + 1.0 / c_return)
        p.v_drug += q / c_drug
        p.v_return += q / c_return
    elif p.path == PARALLEL:
        q = max(v_out_v - p.v_shunt, 0.0) / (1.0 / p.c_out_f + 1.0 / p.shunt_f)
        p.v_shunt += q / p.shunt_f
    else:
        q = v_out_v * p.c_out_f
    return q


def yielding(p: Plant, most_a: float) -> float:
    """The current at which the load has the voltage of the rail, at most `most_a` on skin."""
    if p.path == PARALLEL:
        left = p.shunt_left
        return max(p.rail_v - p.v_shunt * left, 0.0) / (p.load_ohm * (1.0 - left))
    if p.path != SKIN:
        return p.rail_v / p.load_ohm
    low, high = 0.0, most_a
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if skin_volts_at(p, middle) > p.rail_v:
            high = middle
        else:
            low = middle
    return low
