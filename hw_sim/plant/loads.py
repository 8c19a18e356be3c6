"""What the two leads are connected to, and what can be done to it while the unit runs.

A load is named by a string, as a user types it: a preset of the skin, `open`, `short`, or a resistor as it is
printed on one (`5k`, `4k7`, `10000`, `1M`), a capacitor beside it (`5k||100n`), a decade box (`decade:4700`).
Connecting skin means fresh skin under new electrodes; what stays with the plant is the patch (areas), the person
(factors) and the temperature. Only `tap-water` and `child-patch` bring their own electrodes. Turning a decade box is no
new contact: it makes before it breaks.

`lift` and `replace` take a lead off and put it back: on the same skin, which meanwhile recovers with
`tau_off_s`. `set_trace` connects a resistance that was recorded; whoever calls it has read the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from .detour import contact, review
from .kinds import set_shunt
from .parameters import CHILD, TRAYS, fit, judged, start
from .record import NOTHING, PARALLEL, RESISTOR, SKIN, Plant
from .skin import polarise, prepare
from .traces import kept, ohm_at

SHORT_OHM: Final = 1.5
# About 1 ohm of clips touching and 0.5 ohm of lead; own choice.

LOADS: Final[dict[str, str]] = {
    "skin": "prepared skin under a 10 cm2 drug patch and a 25 cm2 return patch",
    "dry-skin": "the same, a third of the conductance at the start",
    "hydrated-skin": "the same, stripped or soaked: four times the conductance at the start",
    "membrane": "human epidermal membrane in a cell: twenty times the conductance at the start",
    "tap-water": "hands in tap water over two 150 cm2 electrodes, 1.5 kohm in series",
    "child-patch": "prepared skin under two pads of 7.1 cm2, as a sweat test of children has them",
    "spent-electrode": "prepared skin, the drug patch worn but for 3 mA.min: 5 V more after that",
    "open": "nothing connected",
    "short": "the clips touching: 1.5 ohm",
    "5k": "any resistor, as printed on one: 5k, 4k7, 10000, 220R, 1M",
    "5k||100n": "a resistor and a capacitor side by side, to 1000u",
    "decade:4700": "a decade box, 0 to 999999 ohm: turning it is no new contact",
}
_EXAMPLES: Final = frozenset({"5k", "5k||100n", "decade:4700"})

# physics.md section 1: g0 / 3 dry, x4 stripped or wet; section 2, target 5: x20.
_G0_SCALE: Final = {
    "skin": 1.0,
    "dry-skin": 1.0 / 3.0,
    "hydrated-skin": 4.0,
    "membrane": 20.0,
    "tap-water": 1.0,
    "child-patch": 1.0,
    "spent-electrode": 1.0,
}

_BRINGS: Final = {"tap-water": TRAYS, "child-patch": CHILD}
_PATCH: Final = {"tap-water": ("drug_cm2", "return_cm2", "r_s_ohm"), "child-patch": ("drug_cm2", "return_cm2")}

# The smaller rating seen on patches, 40 mA.min, unless the patch has its own; own choice of what is left.
_RATED_C: Final = 2.4
_LEFT_C: Final = 0.18

_DECADE: Final = "decade:"
_DECADE_MOST_OHM: Final = 999_999.0
_SHUNT: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([pnu])F?")
_FARAD: Final = {"p": 1e-12, "n": 1e-9, "u": 1e-6}
_SHUNT_MOST_F: Final = 1e-3

_PRINTED: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([RkKM]?)([0-9]*)")
_TIMES: Final = {"": 1.0, "R": 1.0, "k": 1e3, "K": 1e3, "M": 1e6}


def new_plant(*, load: str = "skin", seed: int = 1, **parameters: float) -> Plant:
    """A plant at rest with `load` connected; `parameters` are those of `record.PARAMETERS`.

    Raises:
        ValueError: an unknown load, or a parameter that is unknown or outside its range.
    """
    p = Plant()
    for name, value in parameters.items():
        setattr(p, name, judged(name, value))
    clash = [name for name in _PATCH.get(load, ()) if name in parameters]
    if clash:
        *names, last = _PATCH[load]
        raise ValueError(f"{load} brings its own electrodes: leave out {', '.join(names)} and {last}.")
    p.broken, p.dried = p.breakdown, p.dry_r_s
    start(p, seed)
    set_load(p, load)
    return p


def set_load(p: Plant, spec: str) -> None:
    """Connect another load between two ticks, with both leads on; an unknown one changes nothing.

    Raises:
        ValueError: `spec` is neither a load's name nor a resistor.
    """
    if spec in _G0_SCALE:
        p.g0_scale = _G0_SCALE[spec]
        p.brought = _BRINGS.get(spec, 0)
        _connect(p, SKIN)
        if spec == "spent-electrode":
            _wear(p)
    elif spec == "open":
        _connect(p, NOTHING)
    elif spec == "short":
        _resistor(p, SHORT_OHM)
    elif spec.startswith(_DECADE):
        _decade(p, _decade_ohm(spec))
    elif "||" in spec:
        _parallel(p, spec)
    else:
        _resistor(p, printed_ohm(spec))


def set_trace(p: Plant, rows: Sequence[tuple[float, float]]) -> None:
    """Connect a recorded resistance: rows of (time in s, ohm), straight between them, from this moment on.

    Before the first row it is the first one's, behind the last one the last one's.

    Raises:
        ValueError: the rows are no trace; nothing was changed.
    """
    number = kept(rows)
    _resistor(p, 0.0)
    p.trace, p.trace_s, p.trace_row = number, 0.0, 0
    p.load_ohm = ohm_at(p)
    review(p)


def printed_ohm(text: str) -> float:
    """A resistance as printed on a resistor: `4k7` is 4700.

    Raises:
        ValueError: it is not one.
    """
    found = _PRINTED.fullmatch(text)
    if found is None or (found[3] and (not found[2] or "." in found[1])):
        named = ", ".join(name for name in LOADS if name not in _EXAMPLES)
        raise ValueError(f"{text!r} is no load: use {named} or a resistor like 4k7.")
    return float(f"{found[1]}.{found[3]}" if found[3] else found[1]) * _TIMES[found[2]]


def lift(p: Plant, lead: str) -> None:
    """Take a lead off: no contact, no current."""
    set_contact(p, lead, 0.0)


def replace(p: Plant, lead: str) -> None:
    """Put a lead back with its whole area."""
    set_contact(p, lead, 1.0)


def set_contact(p: Plant, lead: str, alpha: float) -> None:
    """Let the share `alpha` of an electrode touch; 0 lifts it. On a resistor every share but 0 is a contact.

    Raises:
        ValueError: `alpha` is outside 0..1, or there is no such lead.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"A contact of {alpha} is not a share of the electrode: give 0 (lifted) to 1.")
    if lead not in ("drug", "return", "both"):
        raise ValueError(f"There is no lead {lead!r}: use drug, return or both.")
    if lead != "return":
        p.alpha_drug = float(alpha)
    if lead != "drug":
        p.alpha_return = float(alpha)
    prepare(p)
    contact(p)


def press(p: Plant, seconds: float = 0.1) -> None:
    """Press the unit's stop button, for a moment or as long as told.

    Raises:
        ValueError: that is no time.
    """
    if not 0.0 < seconds < math.inf:
        raise ValueError(f"A button pressed for {seconds} s: give a time above 0.")
    p.local_stop = 1
    p.press_s = seconds
    review(p)


def _decade_ohm(spec: str) -> float:
    ohm = printed_ohm(spec.removeprefix(_DECADE))
    if ohm > _DECADE_MOST_OHM or ohm != int(ohm):
        raise ValueError(f"{spec!r} is no setting of a decade box: use whole ohms to {_DECADE_MOST_OHM:.0f}.")
    return ohm


def _decade(p: Plant, ohm: float) -> None:
    if p.decade:
        p.load_ohm = ohm
        return
    _resistor(p, ohm)
    p.decade = 1


def _resistor(p: Plant, ohm: float) -> None:
    p.load_ohm = ohm
    _connect(p, RESISTOR)


def _parallel(p: Plant, spec: str) -> None:
    resistor, _, capacitor = spec.partition("||")
    ohm = printed_ohm(resistor)
    found = _SHUNT.fullmatch(capacitor)
    farad = float(found[1]) * _FARAD[found[2]] if found else 0.0
    if ohm == 0.0 or not 1e-12 <= farad <= _SHUNT_MOST_F:
        raise ValueError(f"{spec!r} is no load: write a resistor and a capacitor like 5k||100n, up to 1000u.")
    p.load_ohm, p.shunt_f = ohm, farad
    _connect(p, PARALLEL)


def _wear(p: Plant) -> None:
    """The drug electrode has carried all of its rating but `_LEFT_C`."""
    if p.rated_drug_c == math.inf:
        p.rated_drug_c = _RATED_C
    p.q_fitted_c = p.q_c - max(p.rated_drug_c - _LEFT_C, 0.0)
    polarise(p)


def _connect(p: Plant, kind: int) -> None:
    """New electrodes in full contact, skin that has not carried current."""
    p.kind = kind
    if kind != SKIN:
        p.brought = 0
    p.decade = p.trace = 0
    p.alpha_drug = p.alpha_return = 1.0
    p.rated_drug_c, p.rated_return_c = p.drug_rating_c, p.return_rating_c
    fit(p)
    prepare(p)
    p.g_drug, p.g_return = p.g0_drug, p.g0_return
    p.v_drug = p.v_return = p.v_shunt = 0.0
    p.q_fitted_c = p.q_c
    polarise(p)
    set_shunt(p)
    if p.odd:
        p.way = -kind
    else:
        p.path = -kind
    review(p)
