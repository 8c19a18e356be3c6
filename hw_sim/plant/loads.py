"""What the two leads are connected to, and what can be done to it while the unit runs.

A load is named by a string, as a user types it: a preset of the skin, `open`, `short`, or a resistor as it is
printed on one (`5k`, `4k7`, `10000`, `1M`). Connecting skin means fresh skin under new electrodes; what stays
with the plant is the patch (areas), the person (factors) and the temperature. Only `tap-water` brings its own
electrodes.

`lift` and `replace` take a lead off and put it back: on the same skin, which meanwhile recovers with
`tau_off_s`.
"""

from __future__ import annotations

import math
import re
from typing import Final

from .front_end import calibrate, set_step
from .noise import seeded_words
from .record import NOTHING, PARAMETERS, RESISTOR, SKIN, Plant
from .skin import polarise, prepare

SHORT_OHM: Final = 1.5
# About 1 ohm of clips touching and 0.5 ohm of lead; own choice.

LOADS: Final[dict[str, str]] = {
    "skin": "prepared skin under a 10 cm2 drug patch and a 25 cm2 return patch",
    "dry-skin": "the same, a third of the conductance at the start",
    "hydrated-skin": "the same, stripped or soaked: four times the conductance at the start",
    "membrane": "human epidermal membrane in a cell: twenty times the conductance at the start",
    "tap-water": "hands in tap water over two 150 cm2 electrodes, 1.5 kohm in series",
    "open": "nothing connected",
    "short": "the clips touching: 1.5 ohm",
    "5k": "any resistor, as printed on one: 5k, 4k7, 10000, 220R, 1M",
}

# physics.md section 1: g0 / 3 dry, x4 stripped or wet; section 2, target 5: x20.
_G0_SCALE: Final = {
    "skin": 1.0,
    "dry-skin": 1.0 / 3.0,
    "hydrated-skin": 4.0,
    "membrane": 20.0,
    "tap-water": 1.0,
}

# physics.md section 2, target 8. The trays replace the patches while this load is connected.
_TRAY_CM2: Final = 150.0
_TRAY_OHM: Final = 1500.0
_PATCH: Final = frozenset({"drug_cm2", "return_cm2", "r_s_ohm"})

_PRINTED: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([RkKM]?)([0-9]*)")
_TIMES: Final = {"": 1.0, "R": 1.0, "k": 1e3, "K": 1e3, "M": 1e6}

_SIGNED: Final = frozenset({"temperature_c", "offset_i", "offset_i2", "offset_v"})
_FROM_ZERO: Final = frozenset(
    {"r_s_ohm", "k_per_v", "e_pol_v", "spent_v", "noise_i", "noise_i2", "noise_v", "a_per_code", "limiter_a"}
)
_MAY_BE_ENDLESS: Final = frozenset({"drug_rating_c", "return_rating_c"})


def new_plant(*, load: str = "skin", seed: int = 1, **parameters: float) -> Plant:
    """A plant at rest with `load` connected; `parameters` are those of `record.PARAMETERS`.

    Raises:
        ValueError: an unknown load, or a parameter that is unknown or outside its range.
    """
    p = Plant()
    for name, value in parameters.items():
        _check_parameter(name, value)
        setattr(p, name, float(value))
    if load == "tap-water" and not _PATCH.isdisjoint(parameters):
        raise ValueError("tap-water brings its own electrodes: leave out drug_cm2, return_cm2 and r_s_ohm.")
    p.rng_x, p.rng_y = seeded_words(seed)
    calibrate(p)
    set_step(p, p.dt_s)
    set_load(p, load)
    return p


def set_load(p: Plant, spec: str) -> None:
    """Connect another load between two ticks, with both leads on; an unknown one changes nothing.

    Raises:
        ValueError: `spec` is neither a load's name nor a resistor.
    """
    if spec in _G0_SCALE:
        p.kind = SKIN
        p.g0_scale = _G0_SCALE[spec]
        trays = spec == "tap-water"
        p.area_drug_cm2 = _TRAY_CM2 if trays else p.drug_cm2
        p.area_return_cm2 = _TRAY_CM2 if trays else p.return_cm2
        p.series_ohm = _TRAY_OHM if trays else p.r_s_ohm
    elif spec == "open":
        p.kind = NOTHING
    else:
        p.load_ohm = SHORT_OHM if spec == "short" else printed_ohm(spec)
        p.kind = RESISTOR
    _freshen(p)


def printed_ohm(text: str) -> float:
    """A resistance as printed on a resistor: `4k7` is 4700.

    Raises:
        ValueError: it is not one.
    """
    found = _PRINTED.fullmatch(text)
    if found is None or (found[3] and (not found[2] or "." in found[1])):
        named = ", ".join(name for name in LOADS if name != "5k")
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
    touching = p.alpha_drug > 0.0 and p.alpha_return > 0.0
    if not touching:
        p.path = NOTHING
    elif p.path == NOTHING:
        p.path = -p.kind


def _check_parameter(name: str, value: float) -> None:
    if name not in PARAMETERS:
        raise ValueError(f"The plant has no parameter {name!r}: use one of {', '.join(PARAMETERS)}.")
    if not math.isfinite(value) and not (value == math.inf and name in _MAY_BE_ENDLESS):
        raise ValueError(f"{name} = {value} is no quantity: give a finite number.")
    if value < 0.0 and name not in _SIGNED:
        raise ValueError(f"{name} = {value} is negative: give a positive number.")
    if value == 0.0 and name not in _SIGNED | _FROM_ZERO:
        raise ValueError(f"{name} = 0 leaves nothing to simulate: give a positive number.")


def _freshen(p: Plant) -> None:
    """New electrodes in full contact, skin that has not carried current."""
    p.alpha_drug = p.alpha_return = 1.0
    prepare(p)
    p.g_drug, p.g_return = p.g0_drug, p.g0_return
    p.v_drug = p.v_return = 0.0
    p.q_fitted_c = p.q_c
    polarise(p)
    p.path = -p.kind
