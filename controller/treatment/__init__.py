"""The treatment room: from a TOML file to the prescriptions that the unit is told, with every mistake
named; pure.

``grammar`` what may stand in a file · ``reading`` the file's tables · ``rules`` what they mean together ·
``parts`` and ``model`` the values · ``drugs`` the table · ``prescription`` what goes to the wire ·
``catalogue`` what ships.
"""

from __future__ import annotations

from controller.treatment.catalogue import Preset, new_file_text, preset_text, presets
from controller.treatment.drugs import Drug, DrugEstimate, drugs
from controller.treatment.model import Treatment
from controller.treatment.parts import Limits, Patch, Phase, Policy, Screening
from controller.treatment.prescription import Pole, Prescription, check_against_unit

__all__ = [
    "Drug",
    "DrugEstimate",
    "Limits",
    "Patch",
    "Phase",
    "Pole",
    "Policy",
    "Prescription",
    "Preset",
    "Screening",
    "Treatment",
    "check_against_unit",
    "drugs",
    "new_file_text",
    "preset_text",
    "presets",
]
