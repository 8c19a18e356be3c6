"""What acts on the output and on the open run: switching off, ramping down, tripping, closing, the DAC's code.

Everything here but ``write_dac`` removes energy, works from any state and asks for no condition.
"""

from .machine import RAMP_DOWN, TRIP, TRIP_RAMP, move
from .record import Record

# Outcomes of a run, in the order of the protocol's section 7; FAULTED + code is FAULT:code.
RUNNING, DONE, STOPPED, ABORTED, LINK, RESET, TIMEOUT = range(7)
FAULTED = 100

# What the tick found and main has to tell: bits of ``note``.
NOTE_FAULT, NOTE_WARN, NOTE_LINK, NOTE_CLOSE, NOTE_CHECK, NOTE_LOCAL, NOTE_HOUR = 1, 2, 4, 8, 16, 32, 64

LINK_BIT = 1 << 10
STOP_TICKS = 95  # "within 1 s": the current is down 50 ms before the second is over


def off(s: Record) -> None:
    """No current, and no path for it."""
    s.dac = 0
    s.relay = 0
    s.tgt = s.prog = s.reg = 0
    s.pulled = s.limited = 0


def close_run(s: Record, outcome: int) -> None:
    """The open run gets its outcome. LINK goes with the run, other faults stay latched."""
    if s.is_open:
        s.is_open = 0
        s.why = outcome
        s.saving = 1
    s.fl &= ~LINK_BIT


def slope_to_zero(s: Record, ticks: int) -> None:
    """Ramp from the present set-point to zero in at most ``ticks``; never slower than already under way."""
    n = (s.prog + ticks - 1) // ticks + 1
    if s.st != RAMP_DOWN or n > s.n_off:
        s.n_off = n
    s.tgt = 0


def latch(s: Record, code: int) -> None:
    """Set the bit, keep the values of the moment; main tells and records it."""
    s.fl |= 1 << (code - 1)
    if not s.first:
        s.first = code
    i = (s.i + s.i_1) >> 1
    ua = i // 1000 if i > 0 else 0
    s.f_id = code
    s.f_i = ua
    s.f_v = s.v if s.v > 0 else 0
    s.f_z = (s.f_v * 1000 + ua // 2) // ua if ua >= 20 else 0
    s.f_open = s.is_open
    s.f_q = s.q if s.is_open else 0
    s.cause = 0
    s.saving = 1
    s.note |= NOTE_FAULT


def trip_now(s: Record, code: int) -> None:
    """The output relay opens at once and the fault latches; repeated while the cause stays, it is told once."""
    known = s.fl & (1 << (code - 1))
    s.cause = 0
    off(s)
    if not known:
        latch(s, code)
    close_run(s, FAULTED + s.first)
    if s.st != 12:
        move(s, TRIP)


def trip_ramp(s: Record, code: int) -> None:
    """The fault latches and the current ramps down in a second; FAULT follows at zero."""
    if not s.fl & (1 << (code - 1)):
        latch(s, code)
    s.why = FAULTED + s.first
    slope_to_zero(s, STOP_TICKS)
    move(s, TRIP_RAMP)


def count_pause(s: Record, cause: int) -> None:
    """Three pauses of one cause (0 OPEN, 1 STEP, 2 LINK) in 10 min lock the run: RESUME is refused, 25."""
    now = s.run_s + 1
    s.p_at = s.run_s
    s.sec = 0
    if cause == 0:
        before, last = s.p_open2, s.p_open1
        s.p_open2, s.p_open1 = last, now
    elif cause == 1:
        before, last = s.p_step2, s.p_step1
        s.p_step2, s.p_step1 = last, now
    else:
        before, last = s.p_link2, s.p_link1
        s.p_link2, s.p_link1 = last, now
    if before and now - before <= 600:
        s.locked = 1


def write_dac(s: Record, na: int) -> None:
    """4095 codes over 4.2 mA are exactly 39 codes in 40 uA."""
    na += na // 1000 * s.trim // 1000
    code = (na * 39 + 20_000) // 40_000
    s.dac = 4095 if code > 4095 else code
