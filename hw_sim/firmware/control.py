"""The control step: one call every 10 ms, integers only, no allocation.

Order in a tick: read the converters; count the dose; judge; move the set-point; write the DAC. Readings are
nA and mV; no product passes 2^30, so that a microcontroller whose small integers have 31 bits allocates
nothing (ratios are taken before products where needed, and only from 20 uA up).

``tgt`` is where the ramp goes, ``prog`` what the prescription's ramp says now, ``reg`` what is asked of the DAC:
it follows ``prog``, is pulled down to the current that flows when the contact opens, and is lowered while the
voltage limit holds. The regulator's trim is proportional to the set-point and freezes while pulled or limited:
nothing winds up (a plain integrator gave 2.7 mA on re-contact at 1.5 mA).
"""

from . import contact_check, detect, inputs
from .machine import (
    ARMED,
    CHECK,
    DOSE,
    EXPIRED,
    FAULT,
    HOLD,
    PAUSE,
    PAUSING,
    RAMP_UP,
    SELFTEST,
    TOP,
    ZERO,
    ZERO_FAULT,
    move,
)
from .output import (
    DONE,
    FAULTED,
    LINK,
    LINK_BIT,
    NOTE_CLOSE,
    NOTE_HOUR,
    NOTE_LINK,
    NOTE_WARN,
    TIMEOUT,
    close_run,
    count_pause,
    off,
    slope_to_zero,
    trip_now,
    trip_ramp,
    write_dac,
)
from .record import Record

TTL_TICKS = 1000
PAUSE_S = 600
RELAY_TICKS = 10
HOUR_TICKS = 360_000


def tick(s: Record) -> int:
    """Advance 10 ms. Non-zero when main has something to do: the state moved, or ``note`` or ``saving`` is set."""
    # 16 bits over 5 mA are 76.2951 nA a code, over 70 V 1.06813 mV a code; the fraction as a shift. Delivery current
    # and voltage with their calibration (calibration.py).
    c = s.adc_i
    c2 = s.adc_i2
    v = s.adc_v
    s.i_1 = s.i
    s.i2_1 = s.i2
    s.v_1 = s.v
    s.i = i = c * s.mul_i + (c * s.frac_i >> 14) - s.zero_i
    s.i2 = i2 = c2 * 76 + (c2 * 4835 >> 14) - s.zero_i2
    s.v = v = v + (v * s.frac_v >> 15) - s.zero_v
    s.t_st += 1
    if s.cmp_i:
        trip_now(s, 7)
    if s.alarm:
        inputs.act(s)
    st = s.st
    if RAMP_UP <= st <= PAUSING:
        if i > 0:
            # Dose: nA over a tick is 10 pC, 100 000 of them a uC; the rest is carried, nothing is rounded away.
            n = s.carry + i
            if n >= 100_000:
                d = n // 100_000
                s.q += d
                n -= d * 100_000
            s.carry = n
        _energised(s, st, i, i2, v)
    else:
        _at_rest(s, st, i)
    return s.note | s.saving  # type: ignore[no-any-return]


def _energised(s: Record, st: int, i: int, i2: int, v: int) -> None:
    reg = s.reg
    act = True
    if st == HOLD and reg == s.prog and reg == s.tgt:
        if detect.healthy(s, reg, i, i2, v):
            act = False
        else:
            detect.judge(s, st, i, i2, v)
    else:
        s.unsteady = 1
        detect.judge(s, st, i, i2, v)
    st = s.st
    if st < RAMP_UP or st > PAUSING:
        return
    s.b_i += i
    s.b_v += v
    s.b_reg += reg
    s.on_time = n = s.on_time + 1
    if n & 1:
        if st <= HOLD:
            detect.step(s, st)
    elif n % 10 == 0:
        block(s, st, n)
    st = s.st
    if st <= HOLD:
        if st < RAMP_UP:
            return
        s.lease = left = s.lease - 1
        if left * 2 < s.lease_full:
            _lease(s, st, left)
        if s.q + s.q_down >= s.uc and s.st == st:
            _turn_down(s)
        if n >= s.tmax and s.st <= HOLD:
            trip_ramp(s, 12)
        if s.st != st:
            act = True
    elif st > PAUSING:
        return
    if act:
        _set_point(s, s.st, i, v)


def block(s: Record, st: int, n: int) -> None:
    """Every 100 ms: the regulator's trim, the charge of a ramp-down from here; every second: contact, record."""
    mean = s.b_i // 10
    reg = s.b_reg // 10
    s.k_v += s.b_v
    s.b_i = s.b_v = s.b_reg = 0
    second = n % 100 == 0
    if second:
        s.run_s += 1
        s.saving = 1
    if st > HOLD:
        return
    ua = reg // 1000
    if ua >= 100 and not s.pulled and not s.limited:
        # A quarter of the error a block, at most 3 %.
        ppm = s.trim + (reg - mean) * 250 // ua
        s.trim = 30_000 if ppm > 30_000 else (-30_000 if ppm < -30_000 else ppm)
        write_dac(s, s.reg)
    if st == HOLD:
        _foresee(s, mean)
    if second:
        if st == HOLD:
            detect.contact(s)
        else:
            s.k_v = 0


def _foresee(s: Record, i: int) -> None:
    """Charge of the ramp-down that would start now, from min(set, i): i^2 / 2 over the slew."""
    if i > s.prog:
        i = s.prog
    ua = i // 1000 if i > 0 else 0
    s.q_down = 5 * ua * ua // s.n_dn


def _lease(s: Record, st: int, left: int) -> None:
    """Less than half is left: the ramp-up freezes; nothing is left: the session closes and, but for FINISH in HOLD,
    the run pauses within a second.
    """
    if not s.half:
        s.half = 1
        s.note |= NOTE_LINK
    if left > 0:
        return
    s.lease = 0
    if not s.lost:
        s.lost = 1
        s.note |= NOTE_CLOSE
    if st == RAMP_UP or not s.loss:
        s.fl |= LINK_BIT
        s.warn = 11
        s.note |= NOTE_WARN
        count_pause(s, 2)
        slope_to_zero(s, 98)
        move(s, PAUSE)


def keep(s: Record) -> None:
    """A KEEP that counts: the lease is full again."""
    s.lease = s.lease_full
    s.half = s.lost = 0


def _turn_down(s: Record) -> None:
    """The dose is nearly complete: ramp down from what flows, at the prescribed slew."""
    i = (s.i + s.i_1) >> 1
    if i < s.prog:
        s.prog = i if i > 0 else 0
    if s.reg > s.prog:
        s.reg = s.prog
    s.n_off = s.n_dn
    s.why = DONE
    s.tgt = 0
    move(s, DOSE)


def _set_point(s: Record, st: int, i: int, v: int) -> None:
    """Slew, pull and limit the set-point, and write the DAC."""
    prog = s.prog
    up = s.n_up
    if st <= HOLD:
        tgt = s.tgt
        if prog < tgt:
            if not s.half:
                prog += up
            if prog > tgt:
                prog = tgt
        elif prog > tgt:
            prog -= s.n_dn
            if prog < tgt:
                prog = tgt
    else:
        prog -= s.n_off
        if prog <= 0:
            if s.t_st:  # a move of this very tick is told first: zero follows in the next
                _at_zero(s)
                return
            prog = 0
    reg = s.reg
    if i * 10 < reg * 9 - 200_000:
        # The contact is opening: what is not flowing is not asked for, so nothing is stored up.
        s.pulled = 1
        reg = i + up
        if reg < 20_000:
            reg = 20_000
    else:
        reg = _limit(s, reg, up, i, v)
    if reg >= prog:
        reg = prog
        s.limited = s.pulled = 0
    s.prog = prog
    s.reg = reg
    if st == RAMP_UP:
        _foresee(s, (i + s.i_1) >> 1)
        if prog == s.tgt:
            move(s, TOP)
            detect.enter_hold(s)
    if prog == s.tgt:
        detect.set_bands(s, prog)
    write_dac(s, reg)


def _limit(s: Record, reg: int, up: int, i: int, v: int) -> int:
    """Above 0.9 VMAX the set-point is lowered to hold 0.89 to 0.90 of it; below, it rises by the slew."""
    v_max = s.vmax
    if v * 10 > v_max * 9:
        if i * 2 < reg - 10_000:
            return reg  # nothing flows: this is OPEN's to judge, not a limit
        s.limited = 1
        over = v - v_max * 179 // 200
        less = (reg >> 10) * (over * 1024 // v)
        reg -= less if less > up else up
        return reg if reg > 20_000 else 20_000
    if s.limited and v * 100 >= v_max * 89:
        return reg
    return reg + up


def _at_zero(s: Record) -> None:
    off(s)
    if s.st == PAUSING:
        s.p_at = s.run_s
        s.sec = 0
        move(s, ZERO)
        return
    why = s.why
    close_run(s, why)
    move(s, ZERO_FAULT if why >= FAULTED else ZERO)


def _at_rest(s: Record, st: int, i: int) -> None:
    if -10_000 < i - s.off_i < 10_000:
        if s.quiet < contact_check.QUIET_TICKS:
            s.quiet += 1
    else:
        s.quiet = 0
    if s.cause < 200 and not s.cmp_i:
        s.cause += 1
    if (s.relay or s.dac) and st > SELFTEST and st != CHECK:
        trip_now(s, 14)  # a state without current, and the output on: one of the two is not what this code has written
        st = s.st
    elif s.relay_fb != s.relay and st > SELFTEST:
        _relay(s)
        st = s.st
    else:
        s.c_relay = 0
    if s.t_st >= HOUR_TICKS:  # no state at rest counts as far, and the counter never leaves the small integers
        s.t_st = 0
        s.note |= NOTE_HOUR
    if s.is_open:
        s.sec += 1
        if s.sec >= 100:
            s.sec = 0
            s.run_s += 1
            if s.run_s - s.p_at >= PAUSE_S:
                off(s)
                close_run(s, LINK if s.fl & LINK_BIT else TIMEOUT)
                move(s, EXPIRED)
                return
    if st == CHECK:
        contact_check.step(s, i)
    elif st == ARMED:
        if s.t_st >= TTL_TICKS:
            contact_check.disarm(s)
    elif st == FAULT and not contact_check.rests(s):
        s.cause = 0


def _relay(s: Record) -> None:
    """A relay that does not do, or does not say, what it is told, with no current on its way: welded, stuck, a lie."""
    if s.c_relay < RELAY_TICKS:
        s.c_relay += 1
    elif not s.cmp_i:
        trip_now(s, 14)


def begin(s: Record, resumed: int) -> None:
    """From ARMED into the ramp: relay closed, everything that belongs to a ramp at zero."""
    off(s)
    s.relay = 1
    s.trim = 0
    s.quiet = 0  # the bridge's second without current begins anew when this is over
    s.tgt = s.ua * 1000
    keep(s)
    # Blocks are counted on the on-time; it starts on a whole second, rounded up so that none is lost.
    s.on_time = (s.on_time + 99) // 100 * 100 if resumed else 0
    s.b_i = s.b_v = s.b_reg = s.q_down = 0
    s.unsteady = 1
    s.fl &= ~LINK_BIT
    if not resumed:
        s.q = s.carry = s.run_s = s.sec = s.first = 0
    detect.reset(s, resumed)
