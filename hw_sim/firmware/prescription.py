"""The prescription (section 6 of the protocol): defaults, ranges that hang together, the canonical text, the record.

The unit rounds nothing: what it cannot hold exactly is refused.
"""

from binascii import crc32

from . import admission, verbs
from .machine import BY_HOST, PRES, can, move

PRES_KEYS = ("I", "Q", "TU", "TD", "TMAX", "ZMAX", "ZMIN", "VMAX", "POL", "LIM", "CONT", "LOSS", "BATT")


def stage(unit, args):  # type: ignore[no-untyped-def]
    """Hold it, or refuse it and leave what was staged before: (error code, fields of the reply)."""
    s = unit.rec
    ua, uc = args["I"], args["Q"]
    tu = args.get("TU", 10 * ua)
    td = args.get("TD", 5 * ua)
    tmax = args.get("TMAX", 3 * (1000 * uc // ua + (tu + td) // 2) // 2)
    held = ua % 10 == 0 and uc % 6000 == 0 and 2 * ua <= tu <= 50 * ua and ua <= td <= 20 * ua
    if not held or not 1000 <= tmax <= verbs.TMAX_MS:
        return 3, ""
    if admission.refuses(s):
        return 17, ""
    if not can(s, PRES):
        return 4, ""
    fields = {"I": ua, "Q": uc, "TU": tu, "TD": td, "TMAX": tmax, "ZMAX": args.get("ZMAX", 30_000)}
    fields["ZMIN"] = args.get("ZMIN", 200)
    fields["VMAX"] = args.get("VMAX", 54_000)
    fields["POL"] = args["POL"]
    for key in ("LIM", "CONT", "LOSS", "BATT"):
        fields[key] = args.get(key, "STOP")
    unit.canon = " ".join(["%s=%s" % (key, fields[key]) for key in PRES_KEYS])
    unit.digest = "%08X" % crc32(unit.canon.encode())
    s.ua, s.uc = ua, uc
    s.n_up, s.n_dn = 10_000 * ua // tu, 10_000 * ua // td
    s.tmax = tmax // 10
    s.zmax, s.zmin, s.vmax = fields["ZMAX"], fields["ZMIN"], fields["VMAX"]
    s.pol = 1 if fields["POL"] == "+" else -1
    s.lim, s.cont = int(fields["LIM"] != "STOP"), int(fields["CONT"] != "STOP")
    s.loss, s.batt = int(fields["LOSS"] != "STOP"), int(fields["BATT"] != "STOP")
    s.q = s.carry = 0
    move(s, PRES, BY_HOST)
    unit.after()
    return 0, unit.canon + " D=" + unit.digest
