"""What the room costs at import: nothing of the file reader."""

from __future__ import annotations

import subprocess
import sys


def modules_after(code: str) -> set[str]:
    asked = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_reader_is_loaded_when_a_file_is_read() -> None:
    lazy = {"cattrs", "tomllib", "difflib", "controller.treatment.model"}
    assert lazy & modules_after("import controller.treatment") == {"controller.treatment.model"}
    read = "from controller.treatment import Treatment; Treatment.load('preset:bench-5k')"
    assert lazy & modules_after(read) == {"controller.treatment.model", "tomllib"}


def test_what_finds_fault_is_loaded_when_there_is_one() -> None:
    read = """
from controller.errors import TreatmentError
from controller.treatment import Treatment
try:
    Treatment.from_dict({"format": 1})
except TreatmentError:
    pass"""
    assert "cattrs" in modules_after(read)
