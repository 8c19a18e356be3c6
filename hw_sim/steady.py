"""Ticks of a HOLD in which nothing happens, several in one go: the fast lane of the simulator.

Most of a treatment is a steady hold: the set-point stands, no detector has anything to say, and of the hundreds of
fields that a tick may touch some twenty change. Here plant and control step stand once more, written for that case
alone, their state in locals: a third of the time of the ordinary tick. Whatever is not exactly steady ends the lane
*before* its tick has changed anything, and the ordinary tick does it. So the lane decides nothing; it must only be the
same to the last bit, which a test over whole worlds holds it to. A unit on a desk has no use for it and has it not.

Tried and rejected: generating it from the two functions by their syntax trees (15 ms of every start, and nobody could
read what runs); running the plant ahead for ten ticks and rolling back on a trip (two loads and stores of the
record instead of one).
"""

from __future__ import annotations

from math import floor, log1p, sqrt

from hw_sim.firmware.control import block
from hw_sim.firmware.detect import STUCK_CONVERSIONS, half_second
from hw_sim.firmware.machine import HOLD
from hw_sim.firmware.record import Record
from hw_sim.plant.front_end import ask
from hw_sim.plant.noise import LOW22, NORMALS
from hw_sim.plant.record import NOTHING, SKIN, Plant
from hw_sim.plant.skin import POLARISED_A, faded

FULL_NA = 4_999_999  # the return channel at the end of its scale: 65535 codes, as control.tick has them


def is_steady(p: Plant, s: Record) -> bool:
    """Whether the next tick may be one of the lane's."""
    reg = s.reg
    return bool(
        s.st == HOLD
        and reg == s.prog == s.tgt == s.s_a == s.s_b == s.s_c == s.s_d == s.s_e
        and s.step_n == 5
        and not (s.dirty or s.hot or s.unsteady or s.limited or s.pulled or s.half)
        and not (s.cmp_i or s.alarm or s.note or s.saving or s.busy)
        and p.path > NOTHING
        and p.relay
    )


def hold(p: Plant, s: Record, most: int) -> int:
    """Up to ``most`` ticks, to be called when ``is_steady``; how many it made, which may be none."""
    reg, band, band_e, v_lo, v_hi, prog = s.reg, s.band, s.band_e, s.v_lo, s.v_hi, s.prog
    zero_i, zero_i2, zero_v = s.zero_i, s.zero_i2, s.zero_v
    mul_i, frac_i, frac_v = s.mul_i, s.frac_i, s.frac_v
    c_code_i, c_code_i2, on_time = s.c_code_i, s.c_code_i2, s.on_time
    # Blocks of a second, the lease's half, the longest on-time and a stuck converter are the ordinary tick's.
    most = min(
        most, 99 - on_time % 100, s.lease - (s.lease_full + 1) // 2, s.tmax - on_time - 1,
        STUCK_CONVERSIONS - 1 - c_code_i, STUCK_CONVERSIONS - 1 - c_code_i2,
    )  # fmt: skip
    # Readings in their bands mean codes off the ends of their scales: asked here once, and not in every tick.
    low, high, low_e = reg - band, reg + band, -band_e
    if (
        most <= 0 or low <= 0
        or not -zero_i < low < high < 65535 * mul_i + (65535 * frac_i >> 14) - zero_i
        or not -zero_i2 < low - band_e < high + band_e < FULL_NA - zero_i2
        or v_hi >= 65535 + (65535 * frac_v >> 15) - zero_v
    ):  # fmt: skip
        return 0
    i, i2, v_mv, i_1, i2_1, v_1 = s.i, s.i2, s.v, s.i_1, s.i2_1, s.v_1
    code_i, code_i2 = s.code_i, s.code_i2
    v_a, v_b, v_c, v_d, v_e = s.v_a, s.v_b, s.v_c, s.v_d, s.v_e
    m_0, m_max, m_n = s.m_0, s.m_max, s.m_n
    b_v = s.b_v
    ua = prog // 1000
    # The dose and its carry as one number, of 10 pC; the most that a block may foresee of the ramp-down is held back.
    q = s.q * 100_000 + s.carry
    q_last = (s.uc - 5 * ua * ua // s.n_dn) * 100_000
    q_block, block_on = q - s.b_i, on_time  # the sums of a block are differences
    b_reg = s.b_reg
    least = max(188_000, (prog + 1) >> 1)
    is_low = low < least or i < least

    is_skin = p.path == SKIN
    asked_a, g_out, mean_left, end_left = p.asked_a, p.g_out_s, p.mean_left, p.end_left
    v0, k, swift, on_share, off_share = p.v0_v, p.k_per_v, p.swift_s_cm2, p.on_share, p.off_share
    per_drug, per_return, g0_drug, g0_return = p.per_drug, p.per_return, p.g0_drug, p.g0_return
    series, e_now, ceiling, trip_a, dt_s = p.series_ohm, p.e_now_v, p.ceiling_v, p.trip_i_a, p.dt_s
    per_a_i, per_a_i2, per_v = p.per_a_i, p.per_a_i2, p.per_v
    bias_i, bias_i2, bias_v = p.bias_i, p.bias_i2, p.bias_v
    noise_i, noise_i2, noise_v = p.noise_i, p.noise_i2, p.noise_v
    g_drug, g_return, v_drug, v_return = p.g_drug, p.g_return, p.v_drug, p.v_return
    source_a, v, q_c, q_spent_c, peak_a = p.source_a, p.v_v, p.q_c, p.q_spent_c, p.peak_i_a
    rng_x, rng_y = p.rng_x, p.rng_y
    if p.dac_code != p.asked_code:
        ask(p)
        asked_a = p.asked_a
    load_ohm, i_mean = p.load_ohm, 0.0
    c_v = made = 0
    while made < most:
        # -- the plant: tick.step
        i_set = asked_a - v * g_out
        if i_set < 0.0:
            break
        swing = source_a - i_set
        mean_a = i_set + swing * mean_left
        i_end = i_set + swing * end_left
        if is_skin:
            rise = g0_drug + k * (mean_a * per_drug) - g_drug
            new_g_drug = g_drug + rise * (on_share if rise > 0.0 else off_share)
            x = i_end * per_drug / (new_g_drug * v0)
            slope = sqrt(x * x + 1.0)
            new_v_drug = v0 * log1p(x + (slope - 1.0))
            slope *= new_g_drug
            if slope < swift:
                new_v_drug = faded(p, new_v_drug, v_drug, slope, swing * per_drug)
            rise = g0_return + k * (mean_a * per_return) - g_return
            new_g_return = g_return + rise * (on_share if rise > 0.0 else off_share)
            x = i_end * per_return / (new_g_return * v0)
            slope = sqrt(x * x + 1.0)
            new_v_return = v0 * log1p(x + (slope - 1.0))
            slope *= new_g_return
            if slope < swift:
                new_v_return = faded(p, new_v_return, v_return, slope, swing * per_return)
            new_v = new_v_drug + new_v_return + i_end * (series + e_now / (i_end + POLARISED_A))
        else:
            new_g_drug, new_g_return = g_drug, g_return
            new_v_drug, new_v_return = v_drug, v_return
            new_v = i_end * load_ohm
        new_q_c = q_c + mean_a * dt_s
        if new_v > ceiling or i_end > trip_a or new_q_c > q_spent_c:
            break
        rng = rng_x ^ (rng_x & LOW22) * 256
        rng ^= (rng >> 11) ^ rng_y ^ (rng_y >> 17)
        new_c = floor(mean_a * per_a_i + bias_i + noise_i * NORMALS[rng & 1023])
        new_c2 = floor(mean_a * per_a_i2 + bias_i2 + noise_i2 * NORMALS[rng >> 10 & 1023])
        new_c_v = floor(new_v * per_v + bias_v + noise_v * NORMALS[rng >> 20])
        # -- control.tick and detect.healthy
        new_i = new_c * mul_i + (new_c * frac_i >> 14) - zero_i
        new_i2 = new_c2 * 76 + (new_c2 * 4835 >> 14) - zero_i2
        mv = new_c_v + (new_c_v * frac_v >> 15) - zero_v
        if not (low <= new_i <= high and low_e <= new_i - new_i2 <= band_e and v_lo <= mv <= v_hi) or new_c_v < 0:
            break
        new_q = q + new_i
        if new_q >= q_last:
            break
        if not on_time & 1:
            # -- detect.step and its fall
            v_20 = (mv + v_mv) >> 1
            near = v_a >> 5
            if not -near <= v_20 - v_a <= near or (is_low and (new_i < least or i < least)):
                break
            if v_20 > m_0:
                m_0 = v_20
                if v_20 > m_max:
                    m_max = v_20
            elif v_20 * 5 + 500 < m_max * 3:
                break
            v_e = v_d
            v_d = v_c
            v_c = v_b
            v_b = v_a
            v_a = v_20
            m_n += 1
            if m_n >= 25:
                s.m_0 = m_0
                half_second(s, v_20)
                m_0, m_max, m_n = s.m_0, s.m_max, 0
        # -- nothing happened: it is so
        made += 1
        on_time += 1
        source_a = i_end
        v = new_v
        q_c = new_q_c
        i_mean = mean_a
        g_drug, g_return = new_g_drug, new_g_return
        v_drug, v_return = new_v_drug, new_v_return
        if i_end > peak_a:
            peak_a = i_end
        rng_x = rng_y
        rng_y = rng
        c_v = new_c_v
        i_1, i2_1, v_1 = i, i2, v_mv
        i, i2, v_mv = new_i, new_i2, mv
        if new_c == code_i:
            c_code_i += 1
        else:
            code_i = new_c
            c_code_i = 0
        if new_c2 == code_i2:
            c_code_i2 += 1
        else:
            code_i2 = new_c2
            c_code_i2 = 0
        q = new_q
        b_v += mv
        if not on_time % 10:
            s.b_i, s.b_v, s.b_reg = q - q_block, b_v, b_reg + (on_time - block_on) * reg
            block(s, HOLD, on_time)
            q_block, block_on = q, on_time
            b_v = b_reg = 0
            p.dac_code = s.dac
            if p.dac_code != p.asked_code and made < most:  # the source hears of it in the next tick
                ask(p)
                asked_a = p.asked_a
    if not made:
        return 0
    s.i, s.i2, s.v, s.i_1, s.i2_1, s.v_1 = i, i2, v_mv, i_1, i2_1, v_1
    s.code_i, s.code_i2, s.c_code_i, s.c_code_i2 = code_i, code_i2, c_code_i, c_code_i2
    s.v_a, s.v_b, s.v_c, s.v_d, s.v_e = v_a, v_b, v_c, v_d, v_e
    s.m_0, s.m_max, s.m_n = m_0, m_max, m_n
    s.q, s.carry = divmod(q, 100_000)
    s.b_i, s.b_v, s.b_reg = q - q_block, b_v, b_reg + (on_time - block_on) * reg
    s.on_time = on_time
    s.t_st += made
    s.lease -= made
    s.adc_i, s.adc_i2, s.adc_v = code_i, code_i2, c_v
    p.adc_i, p.adc_i2, p.adc_v = code_i, code_i2, c_v
    p.g_drug, p.g_return, p.v_drug, p.v_return = g_drug, g_return, v_drug, v_return
    p.source_a, p.v_v, p.q_c, p.peak_i_a = source_a, v, q_c, peak_a
    p.rng_x, p.rng_y = rng_x, rng_y
    p.i_a = i_mean if p.bridge > 0 else -i_mean
    return made
