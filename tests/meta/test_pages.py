"""The pages as a reader uses them: every file saved, every command typed, every line of Python run, in their order.

A fenced block whose first line is ``# name.ext`` is a file of that name. In a ``console`` block a line with ``$`` is a
command, the lines below it are what has to come in that order, among other lines perhaps; ``...`` stands for anything.
A block of ``python`` without a name is run. ``toml`` has to be TOML. What is in ``text`` or in no language is not run:
hardware, lines of the wire, or a list of ways to say a command. Of those every ``ionto`` line has to name a command and
options that there are.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from controller.cli import cli as ionto
from hw_sim.cli.commands import cli as ionto_sim

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if re.search(r"^ *```(console|python|toml)$", path.read_text("utf-8"), re.M)
)
OWN_TESTS = {  # pages whose blocks have a test of their own, because there is more to see in them than an exit code
    "README.md": "tests/meta/test_readme.py",
    "docs/extending-the-simulator.md": "tests/meta/test_extending_page.py",
    "docs/testing-your-application.md": "tests/meta/test_testing_page.py",
}


class Block(NamedTuple):
    language: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    text = (ROOT / page).read_text("utf-8")
    for indent, language, body in re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.M | re.S):
        yield Block(language, "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True)))


def surroundings(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("IONTO_", "PYTEST", "COLUMNS"))}
    scripts = str(Path(sys.executable).parent)
    return {
        **kept, "PATH": scripts + os.pathsep + kept["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"), "IONTO_RUNTIME_DIR": str(folder / "runtime"), "NO_COLOR": "1",
    }  # fmt: skip


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    command, shown = "", []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        else:
            shown.append(line)
    yield command, shown


def type_in(command: str, folder: Path) -> str:
    with (folder / "said").open("w+") as said:  # a file: what is left in the background holds no pipe open
        subprocess.run(
            ["bash", "-c", command], cwd=folder, env=surroundings(folder), stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, timeout=100, check=False,
        )  # fmt: skip
        said.seek(0)
        return said.read()


def comes(shown: list[str], output: str) -> bool:
    """Whether the lines shown are in the output, in that order."""
    lines = iter(output.splitlines())
    patterns = [line.replace("[", "[[]").replace("?", "[?]").replace("...", "*") for line in shown if line != "..."]
    return all(any(fnmatchcase(line, pattern) for line in lines) for pattern in patterns)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page not in OWN_TESTS])
def test_what_the_page_shows_is_so(page: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "neighbours", tmp_path / "examples" / "neighbours")
    for block in blocks(page):
        named = re.match(r"# ([\w.-]+\.\w+)\n", block.text)
        if named:
            (tmp_path / named[1]).write_text(block.text, "utf-8")
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "python" and not named:
            (tmp_path / "block").write_text(block.text, "utf-8")
            typed = ["-m", "doctest", "-o", "ELLIPSIS"] if block.text.startswith(">>>") else []
            done = subprocess.run(
                [sys.executable, "-W", "error", *typed, "block"], cwd=tmp_path, env=surroundings(tmp_path),
                capture_output=True, text=True, timeout=100, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
        elif block.language == "console":
            for command, shown in commands(block.text):
                output = type_in(command, tmp_path)
                assert comes(shown, output), f"$ {command}\n{output}\n--- shown:\n" + "\n".join(shown)


NOT_RUN = sorted(
    (path.relative_to(ROOT).as_posix(), line)
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    for block in blocks(path.relative_to(ROOT).as_posix())
    if block.language in ("", "bash")
    for line in block.text.splitlines()
    if line.startswith(("ionto ", "ionto-sim "))
)


@pytest.mark.parametrize(("page", "line"), NOT_RUN)
def test_a_command_that_is_not_run_is_one_that_there_is(page: str, line: str) -> None:
    program, *words = shlex.split(line.removesuffix("&"), comments=True)
    command: click.Command | None = ionto if program == "ionto" else ionto_sim
    context = click.Context(command)
    while isinstance(command, click.Group):
        command = command.get_command(context, words.pop(0))
        assert command is not None, (page, line)
        context = click.Context(command)
    command.make_parser(context).parse_args(words)


def test_no_link_of_a_page_leads_nowhere() -> None:
    """The site is built of ``docs/`` alone, so its links stay there too; to the headings, mkdocs looks itself."""
    dead = []
    for page in (ROOT / "docs").rglob("*.md"):
        text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.M | re.S)
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
            target = (page.parent / link).resolve()
            if not target.exists() or ROOT / "docs" not in target.parents:
                dead.append(f"{page.relative_to(ROOT)}: {link}")
    assert dead == []


def test_pages_left_to_other_tests_have_them() -> None:
    assert [test for test in OWN_TESTS.values() if not (ROOT / test).exists()] == []


def test_every_language_is_one_that_is_run_or_said_not_to_be() -> None:
    known = {"", "bash", "console", "csv", "json", "mermaid", "python", "text", "toml"}
    for page in PAGES:
        assert {block.language for block in blocks(page)} <= known, page


def test_lines_shown_have_to_come_in_their_order() -> None:
    assert comes(["a...", "...", "c"], "ab\nx\nc\n")
    assert not comes(["c", "a"], "a\nc\n")
    assert comes(["[?] a"], "[?] a")
