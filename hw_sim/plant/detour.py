"""The long way of a tick: everything that is wrong, rare, or moves by itself.

A good tick pays nothing for what can go wrong. `review` looks after every change, by hand or by the supply, whether
the plant still is what `tick.step` knows by heart (skin or a resistor, a sound front end, nothing moving), and if not
takes its path away: the test that finds a tick without a contact finds this one too, and comes here. The path waits in
`way`. With nothing wrong the long way gives the same record to the last bit, which a test holds it to; it takes
about four times as long.

Edges of a chattering lead fall between ticks: such a tick is made of parts with their own length, each with the whole
physics, so that every re-contact takes the charge that the output capacitance has gathered by then. A bounce lasts
half a period, 0.5 to 1.5 times, drawn from the one generator; after the tick's own draw everything here that needs
chance draws again.

A leak takes its share of the source's current past load and return channel. The load's share is found by false
position, because the load is not linear; the source's settling within the tick is left out of it.
"""

from __future__ import annotations

from math import floor
from operator import attrgetter
from typing import Final

from .front_end import ask, closes, rest, set_step, strain
from .kinds import shunt_volts, take, volts_at
from .noise import NORMALS, WORD, draw
from .record import NOTHING, PARALLEL, SKIN, Plant
from .skin import flow, prepare
from .supply import SETTLED, boost, due, overshoot
from .traces import ohm_at

BREAKS_S: Final = 1.0
_LEAST_PART_S: Final = 1e-6
_ROUNDS: Final = 60
_CLOSE_A: Final = 1e-12

_MARKS: Final = (
    *("relay_welded", "relay_stuck", "relay_fb_lies", "bridge_stuck", "leads_swapped", "leak_s", "chatter_hz"),
    *("source_noise_a", "boost_overshoot_v", "boost_s", "supplied", "unit_temp_missing", "interlock", "local_stop"),
    *("frozen_i", "frozen_i2", "frozen_v", "code_stuck_i", "code_stuck_i2", "code_stuck_v", "sense_open", "spikes"),
    *("mains_a", "mains_v", "esd", "trace", "news"),
)
_SOUND: Final = attrgetter(*_MARKS)(Plant())
_marks: Final = attrgetter(*_MARKS)


def review(p: Plant) -> None:
    """Send the next tick the long way if it needs it, and the short way if not."""
    wrong = (
        _marks(p) != _SOUND
        or p.kind == PARALLEL
        or p.broken != p.breakdown
        or p.dried != p.dry_r_s
    )  # fmt: skip
    if wrong and not p.odd:
        p.odd = 1
        p.way, p.path = p.path, NOTHING
    elif p.odd and not wrong:
        p.odd = 0
        p.path, p.way = p.way, NOTHING


def contact(p: Plant) -> None:
    """Whether there is a path now, by both shares and a chattering lead; a new one is made by the next tick."""
    path = p.way if p.odd else p.path
    if p.alpha_drug == 0.0 or p.alpha_return == 0.0 or not p.touching:
        path = NOTHING
    elif path == NOTHING:
        path = -p.kind
    if p.odd:
        p.way = path
    else:
        p.path = path


def detour(p: Plant) -> None:
    """Advance by `p.dt_s`, as `tick.step` does."""
    p.odd = 0
    p.path, p.way = p.way, NOTHING
    p.news = 0
    _move(p)
    before = p.closed
    if p.chatter_hz > 0.0:
        out_a, p.leak_a = _chattering(p)
    else:
        out_a, p.leak_a = _part(p)
    if p.boost_overshoot_v > 0.0 and p.closed and not before:
        overshoot(p)
    if p.q_c > p.q_spent_c:
        due(p)
    sign = p.bridge_stuck or (1 if p.bridge > 0 else -1)
    p.i_a = out_a if (sign > 0) is not bool(p.leads_swapped) else -out_a
    if p.relay_fb_lies >= 0:
        p.relay_fb = p.relay_fb_lies
    else:
        p.relay_fb = p.closed
    _convert(p, out_a, out_a - p.leak_a)
    review(p)


# -- what moves by itself ------------------------------------------------------------------------------------


def _move(p: Plant) -> None:
    if p.local_stop:
        if p.press_s <= 0.0:
            p.local_stop = 0
        p.press_s -= p.dt_s
    if p.broken != p.breakdown:
        _break(p)
    if p.dried != p.dry_r_s:
        p.dried = min(p.dried + p.dry_per_s * p.dt_s, p.dry_r_s)
        prepare(p)
    if p.boost_s < SETTLED:
        boost(p)
    if p.trace:
        p.trace_s += p.dt_s
        p.load_ohm = ohm_at(p)


def _break(p: Plant) -> None:
    """The barrier gives way evenly within `BREAKS_S`; what has given way conducts at once."""
    before = p.broken
    p.broken = min(before + (p.breakdown - 1.0) * p.dt_s / BREAKS_S, p.breakdown)
    more = p.broken / before
    p.g_drug *= more
    p.g_return *= more
    prepare(p)


# -- current -------------------------------------------------------------------------------------------------


def _chattering(p: Plant) -> tuple[float, float]:
    """A tick in parts, from edge to edge; mean currents."""
    whole_s = left_s = p.dt_s
    out_c = leak_c = 0.0
    while left_s > _LEAST_PART_S:
        if p.edge_s <= _LEAST_PART_S:
            p.touching = 1 - p.touching
            p.edge_s = (0.5 + (draw(p) & 1023) / 1024.0) * 0.5 / p.chatter_hz
            contact(p)
        part_s = min(p.edge_s, left_s)
        set_step(p, part_s)
        out_a, leak_a = _part(p)
        out_c += out_a * part_s
        leak_c += leak_a * part_s
        left_s -= part_s
        p.edge_s -= part_s
    set_step(p, whole_s)
    return out_c / whole_s, leak_c / whole_s


def _part(p: Plant) -> tuple[float, float]:
    """One tick, or a part of it: mean current of the source, and of the leak."""
    if p.relay == 0:
        p.cmp_i = 0
    if (p.path <= 0 or not closes(p)) and rest(p) == NOTHING:
        return _leak_alone(p) if p.leak_s > 0.0 and p.closed else (0.0, 0.0)
    if p.dac_code != p.asked_code:
        ask(p)
    i_set = p.asked_a - p.v_v * p.g_out_s
    if p.source_noise_a > 0.0 and p.supplied:
        i_set += p.source_noise_a * NORMALS[draw(p) & 1023]
    if i_set < 0.0:
        i_set = 0.0
    swing = p.source_a - i_set
    i_mean = i_set + swing * p.mean_left
    i_end = i_set + swing * p.end_left
    leak_a = 0.0
    if p.leak_s > 0.0:
        i_mean, leak_a = _leaking(p, i_mean, i_end)
    else:
        i_mean = _through(p, i_mean, i_end, swing, i_set)
    p.peak_i_a = max(p.peak_i_a, p.source_a)
    p.q_c += i_mean * p.dt_s
    return i_mean, leak_a


def _through(p: Plant, i_mean: float, i_end: float, swing: float, i_set: float) -> float:
    """The load alone takes it."""
    held = p.g_drug, p.g_return, p.v_drug, p.v_return
    if p.path == SKIN:
        v = flow(p, i_mean, i_end, swing)
    elif p.path == PARALLEL:
        v = shunt_volts(p, i_set, swing)
    else:
        v = i_end * p.load_ohm
    if v > p.ceiling_v or (i_end > p.trip_i_a and not p.relay_welded):
        p.g_drug, p.g_return, p.v_drug, p.v_return = held
        return strain(p, i_mean, i_end)
    if i_end > p.trip_i_a:
        p.cmp_i = 1
    if p.path == PARALLEL:
        p.v_shunt = v
    p.source_a = i_end
    p.v_v = v
    return i_mean


def _leaking(p: Plant, i_mean: float, i_end: float) -> tuple[float, float]:
    """Load and leak share it; mean currents of both together and of the leak."""
    through_a = _share(p, i_end)
    v = volts_at(p, through_a)
    if v > p.ceiling_v or (i_end > p.trip_i_a and not p.relay_welded):
        leak_a = p.ceiling_v * p.leak_s
        limited = strain(p, max(i_mean - leak_a, 0.0), i_end)
        if not p.closed or p.cmp_v:
            return limited, 0.0
        p.source_a += leak_a
        return limited + leak_a, leak_a
    if i_end > p.trip_i_a:
        p.cmp_i = 1
    take(p, through_a)
    p.source_a = i_end
    p.v_v = v
    return i_mean, min(v * p.leak_s, i_mean)


def _share(p: Plant, i: float) -> float:
    """The load's share of `i`: x + leak * v(x) = i, by false position (Illinois)."""
    low, high = 0.0, i
    at_low = p.leak_s * volts_at(p, 0.0) - i
    at_high = p.leak_s * volts_at(p, i)
    if at_low >= 0.0 or at_high <= 0.0:
        return 0.0 if at_low >= 0.0 else i
    x, side = i, 0
    for _ in range(_ROUNDS):
        x = (low * at_high - high * at_low) / (at_high - at_low)
        at_x = x + p.leak_s * volts_at(p, x) - i
        if -_CLOSE_A < at_x < _CLOSE_A:
            break
        if at_x > 0.0:
            high, at_high = x, at_x
            if side > 0:
                at_low *= 0.5
            side = 1
        else:
            low, at_low = x, at_x
            if side < 0:
                at_high *= 0.5
            side = -1
    return x


def _leak_alone(p: Plant) -> tuple[float, float]:
    """The load is off, the leak is not."""
    v = min(p.asked_a / p.leak_s, p.ceiling_v)
    i = v * p.leak_s
    p.v_v = p.v_out_v = v
    p.peak_i_a = max(p.peak_i_a, i)
    p.q_c += i * p.dt_s
    return i, i


# -- converters ----------------------------------------------------------------------------------------------


def _convert(p: Plant, out_a: float, back_a: float) -> None:
    rng = draw(p)
    v = p.v_v
    if p.mains_a > 0.0 or p.mains_v > 0.0:
        hum = sine(p.hum)
        p.hum = (p.hum + p.mains_hz * p.dt_s) % 1.0
        out_a += p.mains_a * hum
        back_a += p.mains_a * hum
        v += p.mains_v * hum
    code_i = _ended(out_a * p.per_a_i + p.bias_i + p.noise_i * NORMALS[rng & 1023])
    code_i2 = _ended(back_a * p.per_a_i2 + p.bias_i2 + p.noise_i2 * NORMALS[rng >> 10 & 1023])
    code_v = 0 if p.sense_open else _ended(v * p.per_v + p.bias_v + p.noise_v * NORMALS[rng >> 20])
    if p.spikes > 0.0:
        code_i, code_i2, code_v = _spiked(p, code_i, code_i2, code_v)
    if p.esd:
        p.esd = 0
        code_i, code_i2, code_v = draw(p) & 65535, draw(p) & 65535, draw(p) & 65535
    if not p.frozen_i:
        p.adc_i = code_i if p.code_stuck_i < 0 else p.code_stuck_i
    if not p.frozen_i2:
        p.adc_i2 = code_i2 if p.code_stuck_i2 < 0 else p.code_stuck_i2
    if not p.frozen_v:
        p.adc_v = code_v if p.code_stuck_v < 0 else p.code_stuck_v


def _ended(code: float) -> int:
    """Rounded (the half is in the bias) and within the scale."""
    return min(max(floor(code), 0), 65535)


def _spiked(p: Plant, code_i: int, code_i2: int, code_v: int) -> tuple[int, int, int]:
    """By chance, one of the three samples is at full scale."""
    if draw(p) >= p.spikes * (WORD + 1):
        return code_i, code_i2, code_v
    which = draw(p) % 3
    return (
        65535 if which == 0 else code_i,
        65535 if which == 1 else code_i2,
        65535 if which == 2 else code_v,
    )


def sine(phase: float) -> float:
    """sin(2 pi phase) for a phase of 0 to 1, to 4e-6, without the C library."""
    x = phase - 0.5  # sin(2 pi phase) = -sin(2 pi x)
    if x > 0.25:
        x = 0.5 - x
    elif x < -0.25:
        x = -0.5 - x
    y = 6.283185307179586 * x
    z = y * y
    return -y * (1.0 - z / 6.0 * (1.0 - z / 20.0 * (1.0 - z / 42.0 * (1.0 - z / 72.0))))
