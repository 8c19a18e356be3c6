"""Battery, boost converter and warmth: what moves too slowly to be looked at in every tick.

A 9 V block feeds a boost converter, as in ActivaDose II and Dupel. Open-circuit voltage by charge, a source resistance,
a constant power drawn: the terminal voltage is the larger root of v^2 - ocv v + r P = 0. The converter gives
`compliance_v` as long as a tenth of that is there, and sags with the battery below; under the brown-out level the unit
has no supply, until the battery has recovered by `RECOVERS_V`.

`settle` is called when charge has flowed: the ordinary tick compares its charge with a mark anyway, for the electrodes
(`q_spent_c`), so that the supply costs it nothing. The time since the last look is the charge over the mean of the
current then and now, which is exact while the current is steady or ramps; without current it is counted. A tick counter
was tried: 2 % of a tick. Charge is drawn by the joule, so that only the idle draw and the warmth hang on that time.

The converter starts with the power (and an overshooting one again with each closing of the relay): 50 ms up, then its
overshoot fades. Only those ticks are looked at one by one, by `detour.py`.
"""

from __future__ import annotations

import math
from typing import Final

from .record import Plant
from .skin import fading, polarise

NO_SENSOR: Final = -32768

# Alkaline 9 V block: open-circuit voltage at charge 0, 0.1 .. 1; 0.55 Ah; own reading of typical discharge curves.
_OCV: Final = (5.2, 6.4, 6.9, 7.2, 7.5, 7.75, 8.0, 8.25, 8.5, 8.85, 9.3)
CAPACITY_C: Final = 0.55 * 3600.0
EFFICIENCY: Final = 0.8
IDLE_W: Final = 0.05  # processor, display, converter at no load; own choice
STEP_UP: Final = 10.0  # the most the converter makes of its input: 60 V down to 6 V
RECOVERS_V: Final = 0.3

WARMS_C_W: Final = 20.0  # of a hand-held case without a fan; own choice
TAU_CASE_S: Final = 600.0

RISE_S: Final = 0.05  # physics page, section 4
OVER_TAU_S: Final = 0.02
SETTLED: Final = 1.0  # boost_s of a converter that has settled
_LEFT_V: Final = 0.01  # of an overshoot, when it is over

LOOK_S: Final = 4.0  # at a steady current; every 2 s cost 1.5 % of all ticks
REST_S: Final = 1.0
_LEAST_A: Final = 20e-6  # from nothing, the next look comes after 80 uC


def settle(p: Plant, i_now: float) -> None:
    """Charge and warmth up to now, then what follows from them; `i_now` flows at this moment."""
    moved_c = p.q_c - p.q_seen_c
    pace = p.i_seen_a + i_now
    elapsed_s = p.rest_s + (2.0 * moved_c / pace if pace > 0.0 else 0.0)
    p.q_seen_c, p.i_seen_a = p.q_c, i_now
    p.rest_s, p.rest_due_s = 0.0, REST_S if i_now == 0.0 else 0.0  # the end of a current is looked at when it comes
    joule = p.rail_full_v * moved_c / EFFICIENCY + (IDLE_W * elapsed_s if p.powered else 0.0)
    p.battery_charge = max(p.battery_charge - joule / p.battery_v / CAPACITY_C, 0.0)
    # What the load takes is not warmth in the case.
    warmth_c = WARMS_C_W * max(joule - p.v_v * moved_c, 0.0) / elapsed_s if elapsed_s > 0.0 else p.rise_c
    p.rise_c += (warmth_c - p.rise_c) * -math.expm1(-elapsed_s / TAU_CASE_S)
    look(p)


def look(p: Plant) -> None:
    """What battery, converter and thermometer say now."""
    i = p.i_seen_a
    p.battery_v = _terminal(p, p.compliance_v * i / EFFICIENCY + IDLE_W if p.powered else 0.0)
    p.rail_full_v = min(p.compliance_v, STEP_UP * p.battery_v) if p.powered else 0.0
    enough_v = p.brown_out_v if p.supplied else p.brown_out_v + RECOVERS_V
    supplied = 1 if p.powered and p.battery_v >= enough_v else 0
    if supplied != p.supplied:
        p.supplied = supplied
        p.asked_code = -1
        p.rest_due_s = REST_S  # a supervisor holds the reset that long, or the unit would buzz
    if p.boost_s >= SETTLED:
        p.rail_v = p.rail_full_v
    p.ceiling_v = min(p.rail_v, p.trip_v_v)
    p.supply_mv = math.floor(p.battery_v * 1000.0 / (1.0 + p.reference_drift) + 0.5)
    p.unit_temp_dc = NO_SENSOR if p.unit_temp_missing else math.floor((p.unit_temp_c + p.rise_c) * 10.0 + 0.5)
    p.interlock = 1 if p.interlock_defeated or not p.interlock_open else 0
    p.q_settle_c = p.q_c + max(i, _LEAST_A) * LOOK_S
    p.q_spent_c = min(p.q_worn_c, p.q_settle_c)


def due(p: Plant) -> None:
    """The charge has come at which something slow is looked at."""
    if p.q_c > p.q_worn_c:
        polarise(p)
    if p.q_c > p.q_settle_c:
        settle(p, p.source_a)
    p.q_spent_c = min(p.q_worn_c, p.q_settle_c)


def _terminal(p: Plant, watt: float) -> float:
    at = min(max(p.battery_charge, 0.0), 1.0) * (len(_OCV) - 1)
    row = min(int(at), len(_OCV) - 2)
    ocv_v = _OCV[row] + (_OCV[row + 1] - _OCV[row]) * (at - row)
    root = ocv_v * ocv_v - 4.0 * p.battery_r_ohm * watt
    return 0.5 * (ocv_v + math.sqrt(root)) if root > 0.0 else 0.5 * ocv_v


def start_boost(p: Plant) -> None:
    """The converter starts from nothing."""
    p.boost_s = 0.0
    p.over_v = p.boost_overshoot_v
    p.rail_v = p.ceiling_v = 0.0


def overshoot(p: Plant) -> None:
    """The converter starts again from light load: it is up already, and shoots over."""
    p.boost_s = RISE_S
    p.over_v = p.boost_overshoot_v


def boost(p: Plant) -> None:
    """One tick of a converter that has not settled."""
    if p.boost_s < RISE_S:
        p.boost_s += p.dt_s
        p.rail_v = p.rail_full_v * min(p.boost_s / RISE_S, 1.0)
    elif p.over_v > _LEFT_V:
        p.rail_v = p.rail_full_v + p.over_v
        p.over_v *= fading(p.dt_s / OVER_TAU_S)
    else:
        p.boost_s, p.over_v = SETTLED, 0.0
        p.rail_v = p.rail_full_v
    p.ceiling_v = min(p.rail_v, p.trip_v_v)
