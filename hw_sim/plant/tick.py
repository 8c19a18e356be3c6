"""One tick of the plant: the hot path of every simulation.

One plain function over the flat record, attributes in locals, two contacts written out: under CPython a call
and a tuple per contact cost more than the arithmetic in them. So `skin.volts` and `skin.aged` stand here a
second time, inlined; a test holds the two to each other. What is rare is called: a tick without a path
(`rest`), a new code (`ask`), a limit (`strain`), charge on a slow contact (`faded`), charge that makes something slow
due (`due`), anything wrong or rare (`detour`, behind the test that finds a tick without a path: while `odd` there is
none here). Three habits here are measured, not taste: `floor` instead of `int` (a tenth of the time), `*
256` instead of `<< 8` (a third), literals instead of named constants in the tail.
"""

from __future__ import annotations

from math import floor, log1p, sqrt

from .detour import detour, review
from .front_end import ask, rest, strain
from .noise import LOW22, NORMALS
from .record import SKIN, Plant
from .skin import POLARISED_A, faded
from .supply import due


def step(p: Plant) -> None:
    """Advance by `p.dt_s` under the commands in the record; see `record.Plant` for what is written."""
    path = p.path
    if path <= 0 or p.relay == 0:
        if p.odd:
            detour(p)
            return
        path = rest(p)
    if path > 0:
        code = p.dac_code
        if code != p.asked_code:
            ask(p)
        i_set = p.asked_a - p.v_v * p.g_out_s
        if i_set < 0.0:
            i_set = 0.0
        swing = p.source_a - i_set
        i_mean = i_set + swing * p.mean_left
        i_end = i_set + swing * p.end_left
        if path == SKIN:
            v0 = p.v0_v
            k = p.k_per_v
            swift = p.swift_s_cm2

            per = p.per_drug
            g_drug = p.g_drug
            rise = p.g0_drug + k * (i_mean * per) - g_drug
            g_drug += rise * (p.on_share if rise > 0.0 else p.off_share)
            x = i_end * per / (g_drug * v0)
            s = sqrt(x * x + 1.0)
            v_drug = v0 * log1p(x + (s - 1.0))
            s *= g_drug
            if s < swift:
                v_drug = faded(p, v_drug, p.v_drug, s, swing * per)

            per = p.per_return
            g_return = p.g_return
            rise = p.g0_return + k * (i_mean * per) - g_return
            g_return += rise * (p.on_share if rise > 0.0 else p.off_share)
            x = i_end * per / (g_return * v0)
            s = sqrt(x * x + 1.0)
            v_return = v0 * log1p(x + (s - 1.0))
            s *= g_return
            if s < swift:
                v_return = faded(p, v_return, p.v_return, s, swing * per)

            v = v_drug + v_return + i_end * (p.series_ohm + p.e_now_v / (i_end + POLARISED_A))
            if v > p.ceiling_v or i_end > p.trip_i_a:
                i_mean = strain(p, i_mean, i_end)
                i_end = p.source_a
                v = p.v_v
            else:
                p.g_drug = g_drug
                p.g_return = g_return
                p.v_drug = v_drug
                p.v_return = v_return
                p.source_a = i_end
                p.v_v = v
        else:
            v = i_end * p.load_ohm
            if v > p.ceiling_v or i_end > p.trip_i_a:
                i_mean = strain(p, i_mean, i_end)
                i_end = p.source_a
                v = p.v_v
            else:
                p.source_a = i_end
                p.v_v = v
        if i_end > p.peak_i_a:
            p.peak_i_a = i_end
        q = p.q_c + i_mean * p.dt_s
        p.q_c = q
        if q > p.q_spent_c:
            due(p)
            if not p.supplied:
                review(p)
        p.i_a = i_mean if p.bridge > 0 else -i_mean
    else:
        i_mean = p.i_a = 0.0
        v = p.v_v

    # Noise: one draw, three fields of 10 bits (noise.py).
    rng = p.rng_x
    rng ^= (rng & LOW22) * 256
    last = p.rng_y
    p.rng_x = last
    rng ^= (rng >> 11) ^ last ^ (last >> 17)
    p.rng_y = rng

    # The converters: slope, offset, noise, rounding (the 0.5 is in the bias), end of scale.
    code = floor(i_mean * p.per_a_i + p.bias_i + p.noise_i * NORMALS[rng & 1023])
    if code < 0:
        code = 0
    elif code > 65535:
        code = 65535
    p.adc_i = code
    code = floor(i_mean * p.per_a_i2 + p.bias_i2 + p.noise_i2 * NORMALS[rng >> 10 & 1023])
    if code < 0:
        code = 0
    elif code > 65535:
        code = 65535
    p.adc_i2 = code
    code = floor(v * p.per_v + p.bias_v + p.noise_v * NORMALS[rng >> 20])
    if code < 0:
        code = 0
    elif code > 65535:
        code = 65535
    p.adc_v = code
