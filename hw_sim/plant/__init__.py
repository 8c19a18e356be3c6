"""What the unit is connected to: source, converters, electrodes, skin."""

from .front_end import set_step
from .loads import LOADS, lift, new_plant, press, printed_ohm, replace, set_contact, set_load, set_trace
from .noise import draw_person
from .parameters import set_parameter
from .power import power_off, power_on, reset
from .record import PARAMETERS, Plant, restore, snapshot
from .supply import NO_SENSOR
from .tick import step

__all__ = [
    "LOADS",
    "NO_SENSOR",
    "PARAMETERS",
    "Plant",
    "draw_person",
    "lift",
    "new_plant",
    "power_off",
    "power_on",
    "press",
    "printed_ohm",
    "replace",
    "reset",
    "restore",
    "set_contact",
    "set_load",
    "set_parameter",
    "set_step",
    "set_trace",
    "snapshot",
    "step",
]
