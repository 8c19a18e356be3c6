"""The contact check of ARM: the zero of the converters, the bridge, then 50 uA for a second.

Before it takes the zero as one it looks whether it can be: with the relay open a channel that reads more than rest, or
nothing at all, is no offset but a defect (fault 14).

It finds an open lead, not a partial contact: dry skin reaches 300 kohm, so only more than 400 kohm, or less than
the prescription's ZMIN, refuses. The charge of it is no part of the dose.
"""

from .machine import CHECKED, UNARM, UNARM_OPEN, move
from .output import NOTE_CHECK, NOTE_WARN, off, trip_now, write_dac
from .record import Record

ZERO_TICKS = 16  # offsets are means over 160 ms with the relay open
CHECK_TICKS = 100  # 50 uA for 1 s, the last half of it measured
CHECK_NA = 50_000
CHECK_MAX_OHM, CHECK_WARN_OHM = 400_000, 150_000
QUIET_TICKS = 100  # the bridge moves after 1 s below 10 uA
REST_MAX_NA, REST_MAX_MV = 30_000, 430
REST_CODE_MAX = 400  # a current channel at rest reads below 30 uA, the voltage channel below 0.43 V


def rests(s: Record) -> bool:
    """The relay says it is open, and every converter reads rest."""
    return (
        not s.relay_fb and 0 < s.adc_i < REST_CODE_MAX and 0 < s.adc_i2 < REST_CODE_MAX and 0 < s.adc_v < REST_CODE_MAX
    )


def disarm(s: Record) -> None:
    """CHECK or ARMED back to where ARM came from."""
    off(s)
    move(s, UNARM_OPEN if s.is_open else UNARM)


def begin(s: Record) -> None:
    """Begin the contact check."""
    s.chk_n = s.chk_i = s.chk_i2 = s.chk_v = s.chk_res = s.c_over = 0


def step(s: Record, i: int) -> None:
    """Zero the converters with the relay open, turn the bridge if it must, then 50 uA for a second."""
    n = s.chk_n = s.chk_n + 1
    if n <= ZERO_TICKS:
        s.chk_i += i + s.zero_i
        s.chk_i2 += s.i2 + s.zero_i2
        s.chk_v += s.v + s.zero_v
        if n == ZERO_TICKS:
            _zero(s)
    elif not s.relay:
        if s.bridge != s.pol and not s.is_open and s.quiet < QUIET_TICKS:
            s.chk_n = ZERO_TICKS
            return
        if not s.is_open:
            s.bridge = s.pol
        s.relay = 1
        s.trim = 0
        write_dac(s, CHECK_NA)
    else:
        _sense(s, n, i)


def _zero(s: Record) -> None:
    zero = s.chk_i // ZERO_TICKS
    zero2 = s.chk_i2 // ZERO_TICKS
    mv = s.chk_v // ZERO_TICKS
    s.chk_i = s.chk_v = 0
    if s.relay_fb or not 0 < zero < REST_MAX_NA or not 0 < zero2 < REST_MAX_NA or not 0 < mv < REST_MAX_MV:
        trip_now(s, 14)
        return
    s.zero_i = zero - s.off_i
    s.zero_i2 = zero2
    s.zero_v = mv - s.off_v


def _sense(s: Record, n: int, i: int) -> None:
    if i > 2 * CHECK_NA:
        s.c_over += 1
        if s.c_over >= 5:
            trip_now(s, 7)
            return
    if n > ZERO_TICKS + CHECK_TICKS // 2 + 1:
        s.chk_i += i
        s.chk_v += s.v
    if n <= ZERO_TICKS + CHECK_TICKS:
        return
    half = CHECK_TICKS // 2
    ua = s.chk_i // half // 1000
    off(s)
    s.quiet = 0
    v = s.chk_v // half
    s.chk_z = v * 1000 // ua if ua >= 20 and v > 0 else 0  # the noise of a short circuit goes below zero
    s.note |= NOTE_CHECK
    if ua < 20 or s.chk_z > CHECK_MAX_OHM or s.chk_z < s.zmin:
        s.chk_res = 16
        disarm(s)
        return
    if s.chk_z > CHECK_WARN_OHM:
        s.warn = 2
        s.note |= NOTE_WARN
    move(s, CHECKED)
