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
    assert {"cattrs", "tomllib"} <= modules_after(read)


def test_a_good_file_loads_no_hints() -> None:
    read = "from controller.treatment import Treatment; Treatment.load('preset:bench-5k')"
    assert "difflib" not in modules_after(read)
