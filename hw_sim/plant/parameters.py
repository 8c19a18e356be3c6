"""The parameters of a plant: what each may be, and what the step needs derived from it.

One way in, `set_parameter`, for a scenario, a fault and a person at the bench alike. It derives everything anew: a
table of what depends on what would save microseconds that nobody waits for, and be wrong one day. A ramp (drying,
breakdown) begins here and is walked by `detour.py`; back to sound goes at once: new gel, and skin that recovers with
its own time constant.
"""

from __future__ import annotations

import math
from typing import Final

from .detour import contact, review
from .front_end import calibrate, set_step
from .noise import seeded_words
from .record import PARAMETERS, Plant
from .skin import polarise, prepare
from .supply import look

_SIGNED: Final = frozenset({"temperature_c", "offset_i", "offset_i2", "offset_v", "source_offset_a"})
_FROM_ZERO: Final = frozenset(
    {"r_s_ohm", "k_per_v", "e_pol_v", "spent_v", "noise_i", "noise_i2", "noise_v", "a_per_code", "limiter_a",
     "gain_i", "gain_i2", "gain_v", "dry_over_s", "leak_s", "source_noise_a", "boost_overshoot_v", "battery_r_ohm",
     "brown_out_v", "mains_a", "mains_v"}
)  # fmt: skip
_MAY_BE_ENDLESS: Final = frozenset({"drug_rating_c", "return_rating_c"})

# Lowest and highest, where "positive" is not all there is to say. A whole number where the field is one.
_FLAG: Final = (0, 1)
_CODE: Final = (-1, 65535)
_BETWEEN: Final[dict[str, tuple[float, float]]] = {
    "breakdown": (1, 1e6),
    "dry_r_s": (1, 1e6),
    "chatter_hz": (0, 50),
    "leads_swapped": _FLAG,
    "source_stuck_a": (-1, 1),
    "dac_or": (0, 4095),
    "dac_and": (0, 4095),
    "dac_at_power_on": (0, 4095),
    "reference_drift": (-0.9, 9),
    "relay_welded": _FLAG,
    "relay_stuck": _FLAG,
    "relay_fb_lies": (-1, 1),
    "bridge_stuck": (-1, 1),
    "battery_charge": (0, 1),
    "unit_temp_c": (-60, 200),
    "unit_temp_missing": _FLAG,
    "interlock_open": _FLAG,
    "interlock_defeated": _FLAG,
    "frozen_i": _FLAG,
    "frozen_i2": _FLAG,
    "frozen_v": _FLAG,
    "code_stuck_i": _CODE,
    "code_stuck_i2": _CODE,
    "code_stuck_v": _CODE,
    "sense_open": _FLAG,
    "spikes": (0, 1),
    "mains_hz": (0, 1e4),
    "esd": _FLAG,
}

# Electrodes that come with a load: cm2 of both, ohm in series (None: the patch's). Trays: physics page, section 2,
# target 8. Child: the pads of a sweat test, 0.5-1.5 mA at 0.07-0.21 mA/cm2.
TRAYS: Final = 1
CHILD: Final = 2
_BROUGHT: Final[dict[int, tuple[float, float, float | None]]] = {TRAYS: (150.0, 150.0, 1500.0), CHILD: (7.1, 7.1, None)}

HUM_BEGINS: Final = 0.25
# Of a cycle: 50 Hz against a tick of 10 ms then shows its whole amplitude, with alternating sign.


def judged(name: str, value: float) -> float:
    """The value of a parameter, as the record keeps it.

    Raises:
        ValueError: there is no such parameter, or it cannot have that value.
    """
    if name not in PARAMETERS:
        raise ValueError(f"The plant has no parameter {name!r}: use one of {', '.join(PARAMETERS)}.")
    if not math.isfinite(value) and not (value == math.inf and name in _MAY_BE_ENDLESS):
        raise ValueError(f"{name} = {value} is no quantity: give a finite number.")
    if name in _BETWEEN:
        low, high = _BETWEEN[name]
        whole = type(getattr(_SOUND, name)) is int
        if not low <= value <= high or (whole and value != int(value)):
            raise ValueError(f"{name} = {value:g}: give a {'whole ' if whole else ''}number from {low:g} to {high:g}.")
        return int(value) if whole else float(value)
    if value < 0.0 and name not in _SIGNED:
        raise ValueError(f"{name} = {value} is negative: give a positive number.")
    if value == 0.0 and name not in _SIGNED | _FROM_ZERO:
        raise ValueError(f"{name} = 0 leaves nothing to simulate: give a positive number.")
    return float(value)


_SOUND: Final = Plant()


def set_parameter(p: Plant, name: str, value: float) -> None:
    """Change one parameter between two ticks, and what follows from it.

    Raises:
        ValueError: there is no such parameter, or it cannot have that value; nothing was changed.
    """
    setattr(p, name, judged(name, value))
    match name:
        case "breakdown":
            p.broken = min(p.broken, p.breakdown)
        case "dry_r_s" | "dry_over_s":
            _dry(p)
        case "drug_rating_c":
            p.rated_drug_c = p.drug_rating_c
        case "return_rating_c":
            p.rated_return_c = p.return_rating_c
        case "chatter_hz":
            _bounce(p)
        case "mains_hz":
            p.hum = HUM_BEGINS
    derive(p)


def derive(p: Plant) -> None:
    """Everything the step needs, from the parameters."""
    fit(p)
    prepare(p)
    polarise(p)
    look(p)
    calibrate(p)
    set_step(p, p.dt_s)
    p.news = 1
    review(p)


def fit(p: Plant) -> None:
    """The electrodes in use: the patch's, or what the load brings."""
    brought = _BROUGHT.get(p.brought)
    p.area_drug_cm2, p.area_return_cm2, ohm = brought or (p.drug_cm2, p.return_cm2, None)
    p.base_ohm = p.r_s_ohm if ohm is None else ohm


def start(p: Plant, seed: int) -> None:
    """The constants and the generator of a plant whose parameters have been set."""
    p.rng_x, p.rng_y = seeded_words(seed)
    derive(p)
    p.news = 0
    review(p)


def _dry(p: Plant) -> None:
    """From now on the gel dries, or it is new gel."""
    left = p.dry_r_s - p.dried
    if left <= 0.0 or p.dry_over_s == 0.0:
        p.dried = p.dry_r_s
        p.dry_per_s = 0.0
    else:
        p.dry_per_s = left / p.dry_over_s


def _bounce(p: Plant) -> None:
    """A lead begins to bounce with the next tick, or lies still."""
    p.touching = 1
    p.edge_s = 0.0
    contact(p)
