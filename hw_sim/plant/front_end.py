"""The analog front end: what of it is constant, and what it does in the rare ticks.

The current source settles with `tau_source_s`: i(t) = set + (before - set) exp(-t / tau). A tick uses the
mean of that for charge and current converters, and its end for the voltage; both are exact. The hardware
limiter clamps the request at 4.2 mA, the source gives way at what the boost converter gives (`rail_v`, see
supply.py), its output resistance takes v / r_out. One reference serves DAC and converters: when it drifts the current
drifts, and the converters read what was asked for. Limiter and comparators have their own.

Contact events happen between ticks. While nothing can flow the source charges the output capacitance towards
the compliance voltage, and the contact made next takes that charge in microseconds (R_s times 10 nF). The
surge is in `q_c` and `q_surge_c`, not in `i_a`, `peak_i_a` or the converters: it is over long before a
conversion, or a comparator behind its filter, sees it.

The comparators act within 1 ms: above 4.4 mA the relay opens and stays open until the firmware commands it
open; above 62 V the DAC is zero for the rest of the tick. With a sound source (4.2 mA, 60 V) neither ever
acts.

`tick.step` calls what stands here for a tick without a path for the current, for the first tick of a contact,
for a new DAC code and at the limits.
"""

from __future__ import annotations

import math
from typing import Final

from .kinds import idle, pour, set_shunt, take, yielding
from .record import NOTHING, Plant
from .skin import SWIFT, fading
from .supply import settle

CODES: Final = 65535
FULL_SCALE_A: Final = 5e-3
FULL_SCALE_V: Final = 70.0
TRIP_TIME_S: Final = 1e-3
# unit.md section 1: comparators, "4.4 mA opens the relay within 1 ms".


def set_step(p: Plant, dt_s: float) -> None:
    """Derive the constants of a step of `dt_s` (0.01 is the control tick; 0.005 serves the halving test)."""
    p.dt_s = dt_s
    a = dt_s / p.tau_source_s
    p.end_left = math.exp(-a)
    p.mean_left = (1.0 - p.end_left) / a
    p.on_share = -math.expm1(-dt_s / p.tau_on_s)
    p.off_share = -math.expm1(-dt_s / p.tau_off_s)
    p.dt_per_c = dt_s / p.c_f_cm2
    p.swift_s_cm2 = SWIFT / p.dt_per_c
    p.settles = a
    p.swing_left = fading(a)
    p.out_left = math.exp(-dt_s / (p.r_out_ohm * p.c_out_f))
    set_shunt(p)


def calibrate(p: Plant) -> None:
    """Derive what the step needs from the parameters of the front end; call it after changing one."""
    p.asked_code = -1
    drift = p.drift = 1.0 + p.reference_drift
    p.per_a_i = CODES / FULL_SCALE_A * p.gain_i / drift
    p.per_a_i2 = CODES / FULL_SCALE_A * p.gain_i2 / drift
    p.per_v = CODES / FULL_SCALE_V * p.gain_v / drift
    # The step takes the floor: half a code more makes it round.
    p.bias_i = p.offset_i + 0.5
    p.bias_i2 = p.offset_i2 + 0.5
    p.bias_v = p.offset_v + 0.5
    p.g_out_s = 1.0 / p.r_out_ohm
    p.ceiling_v = min(p.rail_v, p.trip_v_v)


def ask(p: Plant) -> None:
    """What the DAC's code asks of the source: gain error included, behind the hardware limiter."""
    code = p.asked_code = p.dac_code
    code = code & p.dac_and | p.dac_or
    a = code * p.a_per_code * p.drift
    if code and p.source_offset_a:
        a = max(a + p.source_offset_a, 0.0)
    if p.source_stuck_a >= 0.0:
        a = p.source_stuck_a
    if not p.supplied:
        a = 0.0
    p.asked_a = a if a < p.limiter_a else p.limiter_a


def closes(p: Plant) -> int:
    """Whether the output relay is closed now: commanded and held, or welded."""
    if p.relay_welded:
        return 1
    return 1 if p.relay != 0 and p.cmp_i == 0 and p.supplied and not p.relay_stuck else 0


def rest(p: Plant) -> int:
    """A tick that begins without a contact; returns the path there is now, NOTHING if there is none."""
    p.rest_s += p.dt_s
    if p.rest_s >= p.rest_due_s:
        settle(p, 0.0)
    if p.closed == 1:
        p.v_out_v = p.v_v
    p.cmp_v = 0
    if p.relay == 0:
        p.cmp_i = 0
    p.closed = p.relay_fb = closes(p)
    if p.closed == 0 or p.path == NOTHING:
        _open_circuit(p)
        return NOTHING
    p.path = abs(p.path)
    p.rest_due_s = 0.0
    _surge(p)
    return p.path


def _open_circuit(p: Plant) -> None:
    """Nothing flows: the output capacitance charges, the skin recovers, the next contact is a new one."""
    p.path = -abs(p.path)
    p.source_a = 0.0
    ask(p)
    end_v = p.asked_a * p.r_out_ohm
    p.v_out_v = min(end_v + (p.v_out_v - end_v) * p.out_left, p.rail_v)
    if p.v_out_v > p.trip_v_v and p.closed == 1:
        p.cmp_v = 1
        p.v_out_v = p.trip_v_v
    p.v_v = p.v_out_v if p.closed == 1 else 0.0
    idle(p)


def _surge(p: Plant) -> None:
    """The output capacitance empties into the contact just made."""
    q = pour(p, p.v_out_v)
    p.q_c += q
    p.q_surge_c += q


def strain(p: Plant, i_mean: float, i_end: float) -> float:
    """A tick at a limit: above 4.4 mA, or at more voltage than the source has; returns the mean current."""
    if i_end > p.trip_i_a:
        p.cmp_i = 1
        if not p.relay_welded:
            return _cut(p, i_mean, i_end)
    if p.rail_v > p.trip_v_v:
        p.cmp_v = 1
        return _cut(p, i_mean, i_end)
    i = yielding(p, i_end)
    take(p, i)
    p.source_a = i
    p.v_v = p.rail_v
    return min(i_mean, i)


def _cut(p: Plant, i_mean: float, i_end: float) -> float:
    """A comparator ends the current within `TRIP_TIME_S`; the next tick begins without a contact."""
    i = i_mean * min(TRIP_TIME_S / p.dt_s, 1.0)
    take(p, i)
    p.peak_i_a = max(p.peak_i_a, i_end)
    p.source_a = 0.0
    p.v_v = p.v_out_v = 0.0
    p.closed = p.relay_fb = closes(p)
    p.path = -abs(p.path)
    return i
