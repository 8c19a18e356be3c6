"""Options and guards for every test."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# The same examples on every machine and in every run; `--hypothesis-profile=default` looks for new ones. No deadline:
# a busy machine is not a slow program.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--port", default=None, help="run the system tests on the unit on this port too (current flows: use a load box)"
    )


@pytest.fixture(autouse=True)
def _own_surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Locks, ports, settings and the working folder of this user are none of a test's business."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    for name in ("PORT", "OUT", "OPERATOR", "STATION", "TELEMETRY_HZ", "STORE", "OUTPUT_LOCKED"):
        monkeypatch.delenv(f"IONTO_{name}", raising=False)
    monkeypatch.setenv("IONTO_CONFIG", os.devnull)
