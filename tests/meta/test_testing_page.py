"""docs/testing-your-application.md as written: its test files run, and the one that fails says what the page says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.meta.test_sample_project import free_port, shell
from tests.rig.test_pytest_plugin import PLUGIN

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "testing-your-application.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    for block in blocks("python"):
        name = block.partition("\n")[0].removeprefix("# ")
        (pytester.path / name).write_text(block, encoding="utf-8")
    return pytester


def test_every_block_is_run_here() -> None:
    assert [len(blocks(language)) for language in ("python", "text", "bash")] == [4, 1, 1]
    assert PAGE.count("\n```") == 2 * 6


@pytest.mark.slow
def test_the_python_of_the_page(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(*PLUGIN)
    result.assert_outcomes(passed=10, errors=1)
    (text,) = blocks("text")
    result.stdout.fnmatch_lines([f"*{line.replace('-1999', '-199?')}*" for line in text.splitlines()])


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the commands are a shell's")
def test_the_commands_of_the_page(project: pytest.Pytester) -> None:
    (script,) = blocks("bash")
    (project.path / "test_left_on.py").unlink()
    said = shell(script.replace("5025", str(free_port())), project.path)
    assert "1 passed, 8 skipped" in said, said
