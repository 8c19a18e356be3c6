"""docs/configuration.md names every key and every variable that the programs read, and nothing else."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from controller.config import KEYS, read_config

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
VARIABLE = re.compile(r"\bIONTO_[A-Z][A-Z_]*\b")


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_a_key_stands_with_its_variable_default_and_meaning(key) -> None:
    default = "" if key.default is None else f"`{key.default}`"
    row = f"| `{key.name}` | `{key.variable}` | {default} |".replace("|  |", "| |")
    [line] = [line for line in PAGE.splitlines() if line.startswith(row)]
    assert key.meaning.partition(" or ")[0] in line


def test_every_variable_of_the_sources_is_named_and_none_that_is_not_there() -> None:
    sources = [path.read_text("utf-8") for room in ("controller", "hw_sim") for path in (ROOT / room).rglob("*.py")]
    read = {name for text in sources for name in re.findall(r"[\"'(]?(IONTO_[A-Z][A-Z_]*)\b", text)}
    assert read == set(VARIABLE.findall(PAGE))


def test_the_example_is_a_file_that_is_read(tmp_path) -> None:
    [text] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "config.toml"
    file.write_text(text)
    config = read_config({"IONTO_CONFIG": str(file)}, platform="linux", home=tmp_path)
    assert {key.name for key in KEYS} | {"format"} == set(tomllib.loads(text))
    assert (config.port, config.telemetry_hz, config.station) == ("sn:SN0042", 20, "bench 3")
    assert {setting.source for setting in config.settings.values()} == {"file"}
