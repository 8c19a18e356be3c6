"""The detectors of the fault table (faults 01 to 10), called from the tick.

A healthy tick costs eight comparisons: ``healthy`` is deliberately stricter than every detector, so that a
tick which passes it cannot count towards any of them. Everything else goes through ``judge``.

Voltage over current of skin is not a resistance: it falls threefold in a good start, so a fixed ohm limit
either trips on good skin or sleeps. The detectors that matter are the rise above the running minimum of a
long mean (``contact``) and the sudden move (``step``). A peel in the first two minutes, or a very slow one,
hides behind the healthy fall; a detector that extrapolates the fall would trip on 5 % of healthy skins.
"""

from .machine import DROP, HOLD, RAMP_UP, move
from .output import NOTE_WARN, count_pause, off, trip_now, trip_ramp
from .record import Record

OPEN_TICKS, GOOD_TICKS = 5, 50
TICKS_50_MS, TICKS_100_MS, TICKS_500_MS = 5, 10, 50
STUCK_CONVERSIONS = 100
LIMIT_WARN_TICKS, LIMIT_TRIP_TICKS = 100, 1000
HOLD_TICKS_Z_HIGH = 3000
MAX_NA = 4_200_000


def reset(s: Record, resumed: int) -> None:
    """At START and RESUME. A short pause keeps the contact minimum: a peeled electrode must not look new."""
    s.c_open = s.c_good = s.c_zhi = s.c_zlo = s.c_over = s.c_track = 0
    s.c_chan = s.c_leak = s.c_rail = s.c_code_i = s.c_code_i2 = s.dirty = 0
    s.c_lim = s.step_n = s.hot = s.k_count = s.k_v = 0
    if not resumed:
        s.lim_total = s.rises = 0
        s.p_open1 = s.p_open2 = s.p_step1 = s.p_step2 = s.p_link1 = s.p_link2 = s.locked = 0
    if resumed and s.k_min and s.run_s - s.p_at < 120:
        s.k_wait = 0
    else:
        s.k_min = s.k_warned = 0
        s.k_wait = 30


def enter_hold(s: Record) -> None:
    s.m_0 = s.m_1 = s.m_2 = s.m_3 = s.m_max = s.m_n = 0
    s.k_count = 0


def set_bands(s: Record, na: int) -> None:
    """The bands of ``healthy`` for this set-point, each inside the narrowest detector it stands for."""
    low = na >> 1
    if low > 30_000:
        low = 30_000
    part = na // 20
    band = part if part > low else low
    if band > part + 20_000:
        band = part + 20_000
    s.band = band
    s.band_e = (na - band) // 20 + 20_000
    s.v_lo = s.zmin * ((na + band) // 1000) // 1000
    v_hi = s.vmax * 9 // 10
    if na + band >= 1_000_000:
        v = s.zmax * ((na - band) // 1000) // 1000
        if v < v_hi:
            v_hi = v
    s.v_hi = v_hi


def healthy(s: Record, na: int, i: int, i2: int, v: int) -> bool:
    """A tick at a steady set-point ``na`` that no detector could object to, with no counter pending."""
    b = s.band
    e = s.band_e
    if not -b <= i - na <= b or not -e <= i - i2 <= e or not s.v_lo <= v <= s.v_hi or s.dirty:
        return False
    c = s.adc_i
    if c == s.code_i:
        s.c_code_i += 1
        if s.c_code_i >= STUCK_CONVERSIONS:
            return False
    else:
        s.code_i = c
        s.c_code_i = 0
    c = s.adc_i2
    if c == s.code_i2:
        s.c_code_i2 += 1
        if s.c_code_i2 >= STUCK_CONVERSIONS:
            return False
    else:
        s.code_i2 = c
        s.c_code_i2 = 0
    return True


def judge(s: Record, st: int, i: int, i2: int, v: int) -> None:
    """Every per-tick detector, each with its counter; at most one of them trips."""
    if _open(s, st, i, v):
        return
    if st <= HOLD and _impedance(s, st, i, v):
        return
    prog = s.prog
    if i > MAX_NA or i > prog + prog // 20 + 20_000:
        s.c_over += 1
        if s.c_over >= TICKS_50_MS or i > MAX_NA:
            trip_now(s, 7)
            return
    else:
        s.c_over = 0
    if _tracking(s, st, i):
        trip_now(s, 8)
        return
    if s.c_open and s.c_good < TICKS_100_MS:
        s.c_chan = s.c_leak = 0  # OPEN is being judged and wins
    elif _sensors(s, i, i2):
        return
    s.dirty = s.c_open | s.c_zhi | s.c_zlo | s.c_over | s.c_track | s.c_chan | s.c_rail


def _open(s: Record, st: int, i: int, v: int) -> bool:
    ref = s.reg if s.limited else s.prog
    if i * 2 < ref - 10_000 and v * 100 > s.vmax * 95:
        s.c_good = 0
        s.c_open += 1
        if s.c_open >= OPEN_TICKS:
            if s.cont and st <= HOLD:
                drop(s, 0)
            else:
                trip_now(s, 1)
            return True
    elif s.c_open:
        s.c_good += 1
        if s.c_good >= GOOD_TICKS:
            s.c_good = 0
            s.c_open -= 1
    return False


def drop(s: Record, cause: int) -> None:
    """PAUSED at once without a fault (0 OPEN, 1 STEP), told as a warning; only a hand resumes."""
    off(s)
    count_pause(s, cause)
    s.warn = 6 if cause else 1
    s.note |= NOTE_WARN
    move(s, DROP)


def _impedance(s: Record, st: int, i: int, v: int) -> bool:
    ua = i // 1000
    if st == HOLD and s.t_st >= HOLD_TICKS_Z_HIGH and ua >= 1000 and v * 1000 > s.zmax * ua:
        s.c_zhi += 1
        if s.c_zhi >= TICKS_500_MS:
            trip_ramp(s, 2)
            return True
    else:
        s.c_zhi = 0
    if s.prog >= 100_000 and ua > 0 and 0 < s.zmin and v * 1000 < s.zmin * ua:
        s.c_zlo += 1
        if s.c_zlo >= TICKS_500_MS:
            trip_ramp(s, 3)
            return True
    else:
        s.c_zlo = 0
    if s.limited:
        s.c_lim += 1
        s.lim_total += 1
        if s.c_lim == LIMIT_WARN_TICKS:
            s.warn = 4
            s.note |= NOTE_WARN
        if s.lim_total >= LIMIT_TRIP_TICKS and not s.lim:
            trip_ramp(s, 4)
            return True
    else:
        s.c_lim = 0
    return False


def _tracking(s: Record, st: int, i: int) -> bool:
    """The current follows what is asked; while pulled, what is asked is the pulled set-point (a dead source
    must not hide behind the pull).
    """
    ref = s.reg if s.pulled else s.prog
    if s.limited or st > HOLD or (st == RAMP_UP and s.prog < 100_000):
        s.c_track = 0
        return False
    low = ref >> 1
    if low > 30_000:
        low = 30_000
    part = ref // 20
    if part > low:
        low = part
    if -low <= i - ref <= low:
        s.c_track = 0
        return False
    s.c_track += 1
    return s.c_track >= TICKS_100_MS


def _sensors(s: Record, i: int, i2: int) -> bool:
    d = i - i2
    part = (i if i > 0 else 0) // 20
    if -part - 20_000 <= d <= part + 20_000:
        s.c_chan = s.c_leak = 0
    else:
        s.c_chan += 1
        # Current that goes out and does not come back is leakage; any other difference is a sensor's.
        s.c_leak = s.c_leak + 1 if d > part + 50_000 else 0
        if s.c_chan >= TICKS_100_MS:
            trip_now(s, 10 if s.c_leak >= TICKS_100_MS else 9)
            return True
    c, c2 = s.adc_i, s.adc_i2
    s.c_code_i = s.c_code_i + 1 if c == s.code_i else 0
    s.c_code_i2 = s.c_code_i2 + 1 if c2 == s.code_i2 else 0
    s.code_i, s.code_i2 = c, c2
    rail = c <= 0 or c >= 65535 or c2 <= 0 or c2 >= 65535 or s.adc_v >= 65535
    s.c_rail = s.c_rail + 1 if rail else 0
    stuck = s.c_code_i >= STUCK_CONVERSIONS or s.c_code_i2 >= STUCK_CONVERSIONS
    if (stuck and s.dac > 0) or s.c_rail >= TICKS_100_MS:
        trip_now(s, 9)
        return True
    return False


def step(s: Record, st: int) -> None:
    """Every 20 ms, in RAMP_UP and HOLD: sudden moves of the voltage between 20 ms means."""
    v = (s.v + s.v_1) >> 1
    reg = s.reg
    i = s.i if s.i < s.i_1 else s.i_1  # both samples of the mean count
    if i < 188_000 or i * 2 < s.prog or (s.c_open and s.c_good < TICKS_100_MS):
        s.step_n = 0  # a voltage without its current says nothing, of a step or of a fall
        return
    a = s.v_a
    near = a >> 5
    # A move over 25 % within five means has a neighbouring pair that moved by more than 3 %.
    if not -near <= v - a <= near:
        s.hot = 5
    if s.hot:
        s.hot -= 1
        n = s.step_n
        k = 0
        if n > 0:
            k = _moved(v, reg, a, s.s_a)
        if n > 1 and not k:
            k = _moved(v, reg, s.v_b, s.s_b)
        if n > 2 and not k:
            k = _moved(v, reg, s.v_c, s.s_c)
        if n > 3 and not k:
            k = _moved(v, reg, s.v_d, s.s_d)
        if n > 4 and not k:
            k = _moved(v, reg, s.v_e, s.s_e)
        if k:
            _stepped(s, k)
            return
    if s.step_n < 5:
        s.step_n += 1
    # One by one: MicroPython makes a tuple on the heap of an assignment to more than two.
    s.v_e = s.v_d
    s.v_d = s.v_c
    s.v_c = s.v_b
    s.v_b = s.v_a
    s.v_a = v
    s.s_e = s.s_d
    s.s_d = s.s_c
    s.s_c = s.s_b
    s.s_b = s.s_a
    s.s_a = reg
    if st == HOLD:
        _fall(s, v)


def _moved(v: int, reg: int, old: int, old_reg: int) -> int:
    """1 for a rise, 2 for a fall by more than 25 % + the relative change of set + 100 mV; else 0."""
    change = reg - old_reg if reg > old_reg else old_reg - reg
    parts = change // ((old_reg >> 10) + 1)
    if parts > 4096:
        return 0
    allowed = (old >> 2) + (old * parts >> 10) + 100
    if v > old + allowed:
        return 1
    return 2 if v < old - allowed else 0


def _stepped(s: Record, direction: int) -> None:
    if direction == 1 and not s.rises:
        s.rises = 1
        drop(s, 1)
    else:
        trip_now(s, 6)


def _fall(s: Record, v: int) -> None:
    """More than 40 % + 100 mV down within 2 s of a steady HOLD (four maxima of half a second each). Without the
    100 mV of a step the noise of a voltage of a few mV (a shorted bench, ZMIN=0) is such a fall.
    """
    if s.unsteady or s.limited:
        s.m_0 = s.m_1 = s.m_2 = s.m_3 = s.m_max = v
        s.m_n = 0
        return
    if v > s.m_0:
        s.m_0 = v
        if v > s.m_max:
            s.m_max = v
    elif v * 5 + 500 < s.m_max * 3:
        trip_now(s, 6)
        return
    s.m_n += 1
    if s.m_n >= 25:
        half_second(s, v)


def half_second(s: Record, v: int) -> None:
    """A block of ``_fall`` is over; the next begins with ``v``."""
    s.m_n = 0
    s.m_3 = s.m_2
    s.m_2 = s.m_1
    s.m_1 = s.m_0
    s.m_0 = v
    top = v
    if s.m_1 > top:
        top = s.m_1
    if s.m_2 > top:
        top = s.m_2
    if s.m_3 > top:
        top = s.m_3
    s.m_max = top


def contact(s: Record) -> None:
    """Once a second of HOLD: the 10 s mean of the voltage against its running minimum."""
    v = s.k_v // 100
    s.k_v = 0
    if s.unsteady or s.tgt < 50_000 or s.t_st < s.k_wait * 100:
        s.unsteady = 0
        s.k_count = 0
        return
    s.k_9 = s.k_8
    s.k_8 = s.k_7
    s.k_7 = s.k_6
    s.k_6 = s.k_5
    s.k_5 = s.k_4
    s.k_4 = s.k_3
    s.k_3 = s.k_2
    s.k_2 = s.k_1
    s.k_1 = s.k_0
    s.k_0 = v
    s.k_count += 1
    if s.k_count < 10:
        return
    mean = (s.k_0 + s.k_1 + s.k_2 + s.k_3 + s.k_4 + s.k_5 + s.k_6 + s.k_7 + s.k_8 + s.k_9) // 10
    low = s.k_min
    if not low or mean < low:
        s.k_min = mean
    elif mean * 100 > low * 112:
        trip_ramp(s, 5)
    elif mean * 100 > low * 106 and not s.k_warned:
        s.k_warned = 1
        s.warn = 5
        s.note |= NOTE_WARN
