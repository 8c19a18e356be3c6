"""Skin under two electrodes: conductance of the barrier, its non-linearity, its capacitance.

Per contact, with J the current density under the part of the electrode that touches:

    J  = g V0 sinh(V / V0)          so  V = V0 asinh(J / (g V0))
    dg/dt = (g_ss - g) / tau        g_ss = g0 + k J, tau_on upwards, tau_off downwards
    c dV/dt + g V0 sinh(V / V0) = J

Everything is per cm2, so a peeling electrode changes J and nothing else: its capacitance goes with its area.
The conductance is advanced by the exact exponential for the mean J of the tick.

The capacitance is no implicit Euler step: at the start of 4 mA in 30 s on dry skin (RC 18 ms) that is 35 mV
off, and moves by 17 mV when the tick is halved, where less than 1 mV is asked for. The contact relaxes
towards its static voltage with the slope it has there, g sqrt(1 + x^2), so a linear contact is right at any
tick. exp(-z) is a rational function (`fading`), because two C libraries may round theirs differently. From z
= `SWIFT` upwards (a contact at more than about 0.08 mA/cm2) less than 0.3 % of a change is left after a tick;
it is left out, which saves the time where it counts. Measured: halving the tick moves V by 0.4 mV in a ramp
of 4 mA in 30 s, by 0.9 mV at the steepest ramp a unit offers, 0.5 mA/s; on dry skin there 1.4 mV, of which
the larger part is the output resistance, which takes the voltage of the tick before. A large step down is a
little slow, because the slope is taken at its end.

The source settles within the tick, so J is a constant plus a fading swing. A linear contact answers with z
(exp(-a) - exp(-z)) / (z - a) of it, a = dt / tau_source; `faded` adds that. Left out, halving moves V by 4
mV.

asinh(x) is log1p(x + (s - 1)) with s = sqrt(x^2 + 1), which the slope needs anyway: the same number as log(x
+ s), without its cancellation at small x, and in a quarter of the time (CPython's `log` takes an optional
base and pays for it). `volts` is the one place where it is written to be called; `tick.step` has the same
lines inlined, twice, because two calls a tick were too dear.
"""

from __future__ import annotations

import math
from math import log1p, sqrt
from typing import Final

from .record import Plant

SWIFT: Final = 6.0

# Half-saturation of the electrodes' polarisation: without current they have no 0.5 V, and a jump of 0.5 V at
# the first DAC code would be a load like none there is. Own choice; at 50 uA 71 % of the voltage is there.
POLARISED_A: Final = 20e-6

EMPTY_V: Final = 1e-6  # ends the decay of a contact's voltage before it wastes time in denormal numbers

# 3.4 kcal/mol, Oh et al. 1993: x1.20 per 10 degC, skin at 32 degC.
PER_10_C: Final = 1.2
NOMINAL_C: Final = 32.0

SPENT_WITHIN: Final = 0.05  # share of the rating over which the rise of `spent_v` happens; own choice


def fading(z: float) -> float:
    """exp(-z) for z >= 0 to 0.0016, without the C library: (1 + y + y^2/2 + y^3/6)^-4 at y = z / 4."""
    y = 0.25 * z
    y = 1.0 + y * (1.0 + y * (0.5 + y * (1.0 / 6.0)))
    y *= y
    return 1.0 / (y * y)


def faded(p: Plant, v_static: float, v_before: float, slope: float, swing: float) -> float:
    """Voltage of a contact after one tick: `slope` in S/cm2, `swing` the fading part of J as it begins."""
    z = slope * p.dt_per_c
    y = 0.25 * z  # `fading`, inlined: a contact at a low density comes here every tick
    y = 1.0 + y * (1.0 + y * (0.5 + y * (1.0 / 6.0)))
    y *= y
    e = 1.0 / (y * y)
    apart = z - p.settles
    lag = z * (p.swing_left - e) / apart if apart > 1e-4 or apart < -1e-4 else z * e
    return v_static + (v_before - v_static) * e + swing / slope * (lag - p.end_left * (1.0 - e))


def aged(p: Plant, g: float, g0: float, j: float) -> float:
    """Conductance after one tick at the mean density `j`."""
    rise = g0 + p.k_per_v * j - g
    return g + rise * (p.on_share if rise > 0.0 else p.off_share)


def volts(p: Plant, g: float, j: float, v_before: float, swing: float = 0.0) -> float:
    """Voltage of a contact after one tick at the density `j`, and a `swing` of it that fades."""
    x = j / (g * p.v0_v)
    s = sqrt(x * x + 1.0)
    v = p.v0_v * log1p(x + (s - 1.0))
    s *= g
    return faded(p, v, v_before, s, swing) if s < p.swift_s_cm2 else v


def volts_at(p: Plant, i: float) -> float:
    """Voltage of the skin load after a tick at the constant current `i`; changes nothing."""
    j_drug = i * p.per_drug
    j_return = i * p.per_return
    drug = volts(p, aged(p, p.g_drug, p.g0_drug, j_drug), j_drug, p.v_drug)
    ret = volts(p, aged(p, p.g_return, p.g0_return, j_return), j_return, p.v_return)
    return drug + ret + i * (p.series_ohm + p.e_now_v / (i + POLARISED_A))


def flow(p: Plant, i_mean: float, i_end: float, swing: float) -> float:
    """One tick of the skin load as `tick.step` does it; returns the voltage of load and electrodes."""
    j_drug = i_end * p.per_drug
    j_return = i_end * p.per_return
    p.g_drug = aged(p, p.g_drug, p.g0_drug, i_mean * p.per_drug)
    p.g_return = aged(p, p.g_return, p.g0_return, i_mean * p.per_return)
    p.v_drug = volts(p, p.g_drug, j_drug, p.v_drug, swing * p.per_drug)
    p.v_return = volts(p, p.g_return, j_return, p.v_return, swing * p.per_return)
    return p.v_drug + p.v_return + i_end * (p.series_ohm + p.e_now_v / (i_end + POLARISED_A))


def carry(p: Plant, i: float) -> None:
    """One tick of the skin load at the constant current `i`."""
    j_drug = i * p.per_drug
    j_return = i * p.per_return
    p.g_drug = aged(p, p.g_drug, p.g0_drug, j_drug)
    p.g_return = aged(p, p.g_return, p.g0_return, j_return)
    p.v_drug = volts(p, p.g_drug, j_drug, p.v_drug)
    p.v_return = volts(p, p.g_return, j_return, p.v_return)


def recover(p: Plant) -> None:
    """One tick of skin without current: the barrier closes, the capacitance empties through it."""
    p.g_drug = aged(p, p.g_drug, p.g0_drug, 0.0)
    p.g_return = aged(p, p.g_return, p.g0_return, 0.0)
    p.v_drug = faded(p, 0.0, p.v_drug, p.g_drug, 0.0) if p.v_drug > EMPTY_V else 0.0
    p.v_return = faded(p, 0.0, p.v_return, p.g_return, 0.0) if p.v_return > EMPTY_V else 0.0


def polarise(p: Plant) -> None:
    """E_pol by the charge the electrodes have carried; sets the charge from which it moves again."""
    used = p.q_c - p.q_fitted_c
    p.e_now_v = p.e_pol_v
    next_c = math.inf
    for rating in (p.rated_drug_c, p.rated_return_c):
        if used > rating:
            p.e_now_v += p.spent_v * min((used / rating - 1.0) / SPENT_WITHIN, 1.0)
        if used < rating * (1.0 + SPENT_WITHIN):
            next_c = min(next_c, max(rating, used))
    p.q_worn_c = p.q_fitted_c + next_c


def prepare(p: Plant) -> None:
    """Derive what the step needs from the parameters of the skin and the shares in contact."""
    warmth = math.pow(PER_10_C, (p.temperature_c - NOMINAL_C) / 10.0)
    p.g0_drug = p.g0_s_cm2 * p.g0_scale * warmth * p.person_drug * p.broken
    p.g0_return = p.g0_s_cm2 * p.g0_scale * warmth * p.person_return * p.broken
    p.series_ohm = p.base_ohm * p.dried
    # A lifted contact has no density: 0 here, and no path (loads.py) anywhere else.
    p.per_drug = 1.0 / (p.area_drug_cm2 * p.alpha_drug) if p.alpha_drug > 0.0 else 0.0
    p.per_return = 1.0 / (p.area_return_cm2 * p.alpha_return) if p.alpha_return > 0.0 else 0.0
