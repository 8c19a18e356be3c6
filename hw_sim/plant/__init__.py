"""What the unit is connected to: source, converters, electrodes, skin."""

from .front_end import set_step
from .loads import LOADS, lift, new_plant, printed_ohm, replace, set_contact, set_load
from .noise import draw_person
from .record import PARAMETERS, Plant, restore, snapshot
from .tick import step

__all__ = [
    "LOADS",
    "PARAMETERS",
    "Plant",
    "draw_person",
    "lift",
    "new_plant",
    "printed_ohm",
    "replace",
    "restore",
    "set_contact",
    "set_load",
    "set_step",
    "snapshot",
    "step",
]
