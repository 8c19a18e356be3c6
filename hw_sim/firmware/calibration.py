"""Calibration: shown = raw (1 + gain) + offset, for the delivery current and for the voltage.

The gain goes into the factor from code to nA or mV, the offset into the zero that is subtracted anyway, so that the
tick does nothing more for it. Factors are an integer and a fraction of 14 bits (mV: 15), the most that keeps a full
scale code times the fraction below 2^30. The return channel is never calibrated: it is the second eye on the same
current, and a wrong calibration of the first shows as a difference between the two (fault 09).
"""

from .machine import IDLE
from .record import Record

# 5 mA and 70 V over 65536 codes: 76.2951 nA and 1.06813 mV a code, as the bare tick has them.
NA_14 = 76 * 16384 + 4835
MV_15 = 32768 + 2233


def apply(s: Record, cal: tuple[int, int, int, int]) -> None:
    """From (gain, offset) of I and of V, in ppm, uA and mV; the zero taken last stays."""
    gain_i, off_ua, gain_v, off_mv = cal
    na = NA_14 + (NA_14 * gain_i + 500_000) // 1_000_000
    s.mul_i = na >> 14
    s.frac_i = na & 16383
    s.frac_v = MV_15 + (MV_15 * gain_v + 500_000) // 1_000_000 - 32768
    s.zero_i += s.off_i - off_ua * 1000
    s.zero_v += s.off_v - off_mv
    s.off_i = off_ua * 1000
    s.off_v = off_mv


def change(unit, args):  # type: ignore[no-untyped-def]
    """CAL: recorded twice before it holds, told with what was before, which undoes it: (error code, fields)."""
    s = unit.rec
    store = unit.store
    if s.st != IDLE or not unit.hal.jumper:
        return 4, ""
    before = store.cal
    at = 0 if args["ch"] == "I" else 2
    now = (args["gain"], args["off"])
    held = store.save_cal(before[:at] + now + before[at + 2 :])
    if not held:
        store.cal = before
    unit.written(held)
    if not held:
        return 17, ""
    apply(s, store.cal)
    fields = "ch=%s gain=%d off=%d" % (args["ch"], now[0], now[1])
    unit.event("CAL %s wasgain=%d wasoff=%d" % (fields, before[at], before[at + 1]))
    unit.after()
    return 0, fields
