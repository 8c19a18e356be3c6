"""What each sealed request may carry: one row a key. Refusals of shape and range are decided here, in the
protocol's order: unknown verb 01, unknown or missing key 12, bad value 02, out of range 03.
"""

from . import wire

INT, HEX8, HEX4, WORD, RUN, CHOICE, SIGNED = range(7)
I_MAX_UA, Q_MAX_UC, V_COMP_MV = 4000, 4_800_000, 60_000
TMAX_MS = 43_200_000
LONGEST = 2_147_483_647

_SESSION = (
    ("vmin", True, INT, 0, 9_999_999_999),
    ("vmax", True, INT, 0, 9_999_999_999),
    ("nonce", True, HEX8, 0, 0),
    ("host", True, WORD, 12, 0),
    ("utc", False, INT, 0, 9_999_999_999),
)
_RUN_X = (("run", True, RUN, 0, 0), ("X", True, INT, 0, 4_294_967_295))
_D = ("D", True, HEX8, 0, 0)

# verb -> rows of (key, required, kind, lowest or longest, highest or choices)
KEYS = {
    "HELLO": _SESSION + (("run", False, RUN, 0, 0),),  # MicroPython has no star in a tuple
    "TAKE": _SESSION,
    "BYE": (),
    "KEEP": (("t", True, HEX4, 0, 0),),
    "PRES": (
        ("I", True, INT, 20, I_MAX_UA),
        ("Q", True, INT, 6000, Q_MAX_UC),
        ("TU", False, INT, 0, LONGEST),
        ("TD", False, INT, 0, LONGEST),
        ("TMAX", False, INT, 1000, TMAX_MS),
        ("ZMAX", False, INT, 1000, 100_000),
        ("ZMIN", False, INT, 0, 5000),
        ("VMAX", False, INT, 5000, 54_000),
        ("POL", True, CHOICE, 0, ("+", "-")),
        ("LIM", False, CHOICE, 0, ("STOP", "STRETCH")),
        ("CONT", False, CHOICE, 0, ("STOP", "PAUSE")),
        ("LOSS", False, CHOICE, 0, ("STOP", "FINISH")),
        ("BATT", False, CHOICE, 0, ("STOP", "FINISH")),
    ),
    "ARM": (_D,),
    "START": (_RUN_X[0], _D, _RUN_X[1]),
    "SET": (("I", True, INT, 20, I_MAX_UA),),
    "PAUSE": (),
    "RESUME": _RUN_X,
    "STOP": (),
    "ABORT": (),
    "CLEAR": (("id", True, INT, 1, 20),),
    "TELE": (("ms", True, INT, 0, 500),),
    "STATUS": (),
    "RUN": (("run", True, RUN, 0, 0),),
    "EVENTS": (("n", True, HEX4, 0, 0),),
    "SELFTEST": (),
    "CAL": (
        ("ch", True, CHOICE, 0, ("I", "V")),
        ("gain", True, SIGNED, -50_000, 50_000),
        ("off", True, SIGNED, -2000, 2000),
    ),
}


ROWS = {verb: {row[0]: row for row in rows} for verb, rows in KEYS.items()}


def check(verb: str, fields: list[tuple[str, str]]):  # type: ignore[no-untyped-def]
    """(0, {key: value}) with integers converted, or (error code, {})."""
    rows = KEYS.get(verb)
    if rows is None:
        return 1, {}
    known = ROWS[verb]
    got = {}  # type: ignore[var-annotated]
    seen: list[str] = []
    twice = False
    for key, text in fields:
        twice = twice or key in seen or not text or "=" in text
        seen.append(key)
        if key in known:
            got[key] = text
        elif not wire.is_optional(key):
            return 12, {}
    for row in rows:
        if row[1] and row[0] not in got:
            return 12, {}
    if twice:
        return 2, {}
    for key in got:
        value = _value(known[key], got[key], verb)
        if value is None:
            return 2, {}
        got[key] = value
    for key in got:
        row = known[key]
        if (row[2] == INT or row[2] == SIGNED) and not row[3] <= got[key] <= row[4]:  # type: ignore[operator]
            return 3, {}
    return 0, got


def _value(row, text: str, verb: str):  # type: ignore[no-untyped-def]
    kind = row[2]
    if kind == INT:
        if verb == "CLEAR":  # the id is two digits, leading zero and all
            return int(text) if len(text) == 2 and text.isdigit() else None
        return int(text) if wire.is_integer(text) else None
    if kind == SIGNED:
        digits = text[1:] if text[:1] == "-" else text
        return int(text) if wire.is_integer(digits) and text != "-0" else None
    if kind == HEX8:
        return text if wire.is_hex(text, 8) else None
    if kind == HEX4:
        return int(text, 16) if wire.is_hex(text, 4) else None
    if kind == WORD:
        return text if wire.is_word(text, row[3]) else None
    if kind == RUN:
        return text if wire.is_run_id(text) else None
    return text if text in row[4] else None
