"""The sample project's own CI, here: the commands of its ci.yml, but for pip, in a copy of its folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "examples" / "dose-diary"
RUN = re.compile(r"^ +- run: (?:\|\n(?P<many>(?: {10}.*\n)+)|(?P<one>.*)\n)", re.M)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="the commands are a shell's"),
]


def commands() -> list[str]:
    """The steps of the file that run something, in its order."""
    text = (PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    return [re.sub(r"^ {10}", "", step["many"] or step["one"], flags=re.M) for step in RUN.finditer(text)]


def shell(script: str, folder: Path) -> str:
    """Run it as CI does; whatever it leaves running in the background ends here."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTEST_ADDOPTS": "-p no:ionto -p hw_sim.rig.pytest_plugin",  # from this checkout, installed or not
    }
    process = subprocess.Popen(
        ["bash", "-e", "-c", script], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    lines = []
    try:
        for line in process.stdout or ():
            lines.append(line)
            if re.search(r"\b(passed|failed|error)\b.* in [0-9.]+s", line):
                break
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()
    return "".join(lines)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "project"))


def test_its_ci_installs_it_and_runs_its_tests_twice() -> None:
    assert [command.splitlines()[-1] for command in commands()] == [
        'pip install ".[test]" ionto',
        "pytest --junitxml=junit.xml",
        'pip install ".[test]" ionto',
        "pytest --ionto-port socket://127.0.0.1:5025",
    ]


def test_its_tests_pass_on_the_simulator(project: Path) -> None:
    said = shell(commands()[1], project)
    assert "15 passed" in said, said
    assert (project / "junit.xml").exists()


def test_its_tests_pass_on_a_unit_in_a_process_of_its_own(project: Path) -> None:
    said = shell(commands()[3].replace("5025", str(free_port())), project)
    assert "5 passed, 10 skipped" in said, said


def test_its_program_runs_as_its_page_says(project: Path) -> None:
    [command] = re.findall(r"^    (dose-diary .*)$", (project / "README.md").read_text(encoding="utf-8"), re.M)
    asked = [sys.executable, "dose_diary.py", *command.split()[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(asked, cwd=project, env=environment, capture_output=True, text=True, timeout=100)
    assert done.stdout.startswith("left-palm: DONE, 0.3"), done.stderr
    assert (project / "diary.csv").read_text().count("\n") == 1


@pytest.mark.skipif(not (ROOT / "tests" / "micropython" / "node_modules").is_dir(), reason="MicroPython is not there")
def test_its_tests_pass_on_the_firmware_under_micropython(project: Path) -> None:
    """The same option, another unit: nothing of the simulator stands behind that port."""
    port = free_port()
    served = f"node {ROOT}/tests/micropython/serve.mjs --port {port} --speed 4 & sleep 3"
    said = shell(f"{served}\npytest --ionto-port socket://127.0.0.1:{port}", project)
    assert "5 passed, 10 skipped" in said, said
