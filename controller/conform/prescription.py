"""Chapter 6: what the unit can hold, and that it rounds nothing. Nothing here passes current but where it says so."""

from __future__ import annotations

from typing import Final

from controller.conform.bench import Bench
from controller.conform.check import Check, Evidence, Failed
from controller.wire import digest
from controller.wire.spec import PRESCRIPTION_KEYS

DAY_HALF_MS: Final = 43_200_000
DEFAULTS: Final = {
    "ZMAX": "30000", "ZMIN": "200", "VMAX": "54000", "LIM": "STOP", "CONT": "STOP", "LOSS": "STOP", "BATT": "STOP",
}  # fmt: skip
WORDS: Final = {"POL": "+-", "LIM": "STRETCH", "CONT": "PAUSE", "LOSS": "FINISH", "BATT": "FINISH"}


def longest_ms(ua: int, uc: int, tu_ms: int, td_ms: int) -> int:
    """TMAX where none is given (6, rule 2)."""
    return 3 * (1000 * uc // ua + (tu_ms + td_ms) // 2) // 2


def defaults(b: Bench) -> Evidence:
    evidence = []
    for ua, uc in ((1500, 2_400_000), (20, 6000), (4000, 4_800_000), (30, 12_000)):
        if ua > b.facts.imax_ua or uc > b.facts.qmax_uc:
            continue
        reply = b.done(f"PRES I={ua} Q={uc} POL=-")
        tu_ms, td_ms = 10 * ua, 5 * ua
        wanted = {"I": str(ua), "Q": str(uc), "TU": str(tu_ms), "TD": str(td_ms)}
        wanted |= {"TMAX": str(longest_ms(ua, uc, tu_ms, td_ms)), "POL": "-"} | DEFAULTS
        wanted = {key: wanted[key] for key in PRESCRIPTION_KEYS}
        wanted["D"] = f"{digest(wanted):08X}"
        if list(reply.fields.items())[:14] != list(wanted.items()):
            raise Failed(_text(wanted), _text(reply.fields))
        evidence.append(_text(wanted))
    return evidence


def _text(fields: object) -> str:
    return " ".join(f"{key}={value}" for key, value in dict(fields).items())  # type: ignore[call-overload]


def given(b: Bench) -> Evidence:
    """Every field given, in another order than the table's."""
    held = {
        "I": 100, "Q": 12_000, "TU": 777, "TD": 333, "TMAX": 654_320, "ZMAX": 99_999, "ZMIN": 4999, "VMAX": 5001,
        "POL": "+", "LIM": "STRETCH", "CONT": "PAUSE", "LOSS": "FINISH", "BATT": "FINISH",
    }  # fmt: skip
    wanted = {key: str(held[key]) for key in PRESCRIPTION_KEYS}
    wanted["D"] = f"{digest(wanted):08X}"
    reply = b.done("PRES " + " ".join(f"{key}={held[key]}" for key in reversed(held)))
    if list(reply.fields.items())[:14] != list(wanted.items()):
        raise Failed(_text(wanted), _text(reply.fields))
    return [_text(wanted)]


def ranges(b: Bench) -> Evidence:
    """Both ends of every range, and one step beyond each."""
    imax, qmax = min(4000, b.facts.imax_ua), b.facts.qmax_uc // 6000 * 6000
    rows: tuple[tuple[str, int, int, int, str], ...] = (
        ("I", 20, imax, 10, "Q=6000"), ("Q", 6000, qmax, 6000, f"I={imax}"), ("TU", 200, 5000, 1, "I=100 Q=6000"),
        ("TD", 100, 2000, 1, "I=100 Q=6000"), ("TMAX", 1000, DAY_HALF_MS, 1, "I=100 Q=6000"),
        ("ZMAX", 1000, 100_000, 1, "I=100 Q=6000"), ("ZMIN", 0, 5000, 1, "I=100 Q=6000"),
        ("VMAX", 5000, 54_000, 1, "I=100 Q=6000"),
    )  # fmt: skip
    evidence = []
    for key, low, high, step, rest in rows:
        for value, code in ((low, 0), (high, 0), (high + step, 3), (low - step, 3)):
            if value < 0:
                continue
            came = b.say(f"PRES {rest} {key}={value} POL=+")
            if came.code != code or (code == 0 and came.fields.get(key) != str(value)):
                raise Failed(f"PRES {rest} {key}={value}: {code:02d}", f"{came.code:02d} {_text(came.fields)}")
        evidence.append(f"{key}: {low} and {high} are held, beyond them 03")
    for text in ("I=105 Q=6000", "I=100 Q=6001", "I=100 Q=9000", "I=6000 Q=60000"):
        evidence.append(b.refused(f"PRES {text} POL=+", 3))
    return evidence


def too_long(b: Bench) -> Evidence:
    uc = min(b.facts.qmax_uc, 4_800_000) // 6000 * 6000
    if longest_ms(20, uc, 200, 100) <= DAY_HALF_MS:
        return ["the largest charge at the lowest current takes less than 12 h: nothing to refuse"]
    evidence = [b.refused(f"PRES I=20 Q={uc} POL=+", 3)]
    b.done(f"PRES I=20 Q={uc} POL=+ TMAX={DAY_HALF_MS}")
    return [*evidence, f"PRES I=20 Q={uc} POL=+ TMAX={DAY_HALF_MS}: 00"]


def words(b: Bench) -> Evidence:
    evidence = []
    for key in WORDS:
        others = "I=100 Q=6000" + ("" if key == "POL" else " POL=+")
        evidence += [b.refused(f"PRES {others} {key}={word}", 2) for word in ("GO", "stop", "0")]
    for missing in ("Q=6000 POL=+", "I=100 POL=+", "I=100 Q=6000"):
        evidence.append(b.refused(f"PRES {missing}", 12))
    evidence.append(b.refused("PRES I=100 Q=6000 POL=+ GAIN=1", 12))
    return evidence


def refused_leaves(b: Bench) -> Evidence:
    b.stage(100)
    for text in ("I=105 Q=6000 POL=+", "I=x Q=6000 POL=+", "I=100 Q=6000"):
        b.say(f"PRES {text}")
    b.is_in("STAGED", "a refused PRES leaves what was staged")
    b.refused("ARM D=00000000", 14)
    b.arm()
    b.is_in("ARMED", "the prescription staged before is the one that arms")
    return ["three refused PRES; ARM by the digest of the one before them: 00"]


CHECKS: Final = (
    Check("PRES-01", "6",
          "the reply shows all thirteen fields in the table's order, with their defaults, then D", defaults),
    Check("PRES-02", "6",
          "the unit rounds nothing: every field comes back as given; D is the CRC-32 of the canonical text", given),
    Check("PRES-03", "6", "each field has its range and step; what is beyond is 03", ranges),
    Check("PRES-04", "6", "a default TMAX above 12 h is refused (03)", too_long),
    Check("PRES-05", "6",
          "a word that is none of the two is 02; a required field missing or an unknown one is 12", words),
    Check("PRES-06", "6", "a refused PRES leaves what was staged before", refused_leaves, ("load",)),
)  # fmt: skip
