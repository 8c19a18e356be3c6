"""What the README says is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from controller.cli import COMMANDS
from controller.machine import mermaid

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_example_runs_as_written(tmp_path, monkeypatch) -> None:
    example = re.search(r"```python\n(.*?)```", README, re.S)[1]
    assert len([line for line in example.splitlines() if line.strip()]) <= 20
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example], capture_output=True, text=True, timeout=60, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "IONTO_RUNTIME_DIR": str(tmp_path / "rt")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "DONE 4.0" in done.stdout or "DONE 3.99" in done.stdout


def test_the_state_diagram_is_the_table() -> None:
    assert re.search(r"<!-- states -->\n```mermaid\n(.*?)\n```", README, re.S)[1] == mermaid()


def test_the_commands_named_exist() -> None:
    for name in re.findall(r"^ionto (\w+)", README, re.M):
        assert name in COMMANDS


def test_importing_the_package_costs_nothing_it_does_not_need() -> None:
    code = (
        "import sys, controller, controller.cli\n"
        "bad = {'serial', 'transitions', 'cattrs', 'hw_sim'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
