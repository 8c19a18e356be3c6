"""Where a value comes from, and what is said of one that cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from controller.config import KEYS, ConfigError, config_file, masked, read_config

HOME = Path("/home/anna")
SCHEMA = json.loads(files("controller").joinpath("schemas/config.schema.json").read_text("utf-8"))


def written(folder: Path, text: str) -> dict[str, str]:
    """The environment in which this file is the one that counts."""
    file = folder / "config.toml"
    file.write_text(text, "utf-8")
    return {"IONTO_CONFIG": str(file)}


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read_config(environ)
    return caught.value.problems


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", "/home/anna/.config/ionto/config.toml"),
        ({"XDG_CONFIG_HOME": "/etc/xdg"}, "linux", "/etc/xdg/ionto/config.toml"),
        ({"XDG_CONFIG_HOME": "conf"}, "linux", "/home/anna/.config/ionto/config.toml"),
        ({"XDG_CONFIG_HOME": ""}, "freebsd14", "/home/anna/.config/ionto/config.toml"),
        ({"XDG_CONFIG_HOME": "/etc/xdg"}, "darwin", "/home/anna/Library/Application Support/ionto/config.toml"),
        ({}, "win32", "/home/anna/AppData/Roaming/ionto/config.toml"),
        ({"APPDATA": "/roaming"}, "win32", "/roaming/ionto/config.toml"),
        ({"IONTO_CONFIG": "/mine.toml", "XDG_CONFIG_HOME": "/etc/xdg"}, "linux", "/mine.toml"),
        ({"IONTO_CONFIG": ""}, "linux", "/home/anna/.config/ionto/config.toml"),
    ],
)
def test_the_file_lies_where_the_platform_keeps_such_files(environ, platform, expected) -> None:
    assert config_file(environ, platform, HOME) == Path(expected)


def test_without_a_file_the_defaults_hold(tmp_path) -> None:
    config = read_config({}, platform="linux", home=tmp_path)
    assert (config.port, config.out, config.telemetry_hz) == ("sim://", Path("runs"), 10)
    assert (config.operator, config.station, config.store) == (None, None, None)
    assert {setting.source for setting in config.settings.values()} == {"default"}


def test_environment_goes_before_file_and_file_before_default(tmp_path) -> None:
    environ = written(tmp_path, 'port = "sn:SN0042"\noperator = "Anna"\ntelemetry_hz = 20\n')
    config = read_config({**environ, "IONTO_OPERATOR": "Ben", "IONTO_STATION": ""})
    assert (config.port, config.operator, config.telemetry_hz, config.station) == ("sn:SN0042", "Ben", 20, None)
    settings = config.settings
    assert (settings["port"].source, settings["port"].where) == ("file", str(tmp_path / "config.toml"))
    assert (settings["operator"].source, settings["operator"].where) == ("environment", "IONTO_OPERATOR")
    assert settings["out"].source == "default"


def test_a_home_folder_and_a_byte_order_mark_are_understood(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv("USERPROFILE", "/home/anna")
    assert read_config(written(tmp_path, '\ufeffformat = 1\nout = "~/runs"\n')).out == Path("/home/anna/runs")


def test_every_mistake_is_told_with_file_key_and_remedy(tmp_path) -> None:
    environ = written(tmp_path, 'prot = "COM5"\nout = 5\ntelemetry_hz = 60\nstation = "  "\nzzz = 1\n')
    file = tmp_path / "config.toml"
    assert problems({**environ, "IONTO_STORE": "lab"}) == (
        f"{file}: prot: unknown key; did you mean port?",
        f"{file}: zzz: unknown key; the keys are port, out, operator, station, telemetry_hz, store; remove it",
        f"{file}: out: found 5, expected a text; write it in double quotes",
        f"{file}: station: found an empty text, expected a name; write one, or remove it",
        f"{file}: telemetry_hz: found 60, expected a whole number from 2 to 50 lines a second; write one of those",
        'IONTO_STORE: found "lab", expected a database URL; write postgresql+psycopg://user@host/database',
    )


def test_a_mistake_leaves_the_rest_usable(tmp_path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(written(tmp_path, 'port = "COM5"\noperatr = "Anna"\nstation = 5\n'))
    assert (caught.value.rest.port, caught.value.rest.station) == ("COM5", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = COM5\n", 'line 1: not TOML: invalid value in `port = COM5`; write port = "..."'),
        ("format = 2\nnew = 1\n", "format: found 2, expected 1; it is for a newer ionto: update it"),
        ('format = "1"\n', 'format: found the text "1", expected 1; write format = 1'),
        ("format = true\n", "format: found true, expected 1; write format = 1"),
        ("format = 0\n", "format: found 0, expected 1; write format = 1"),
        ('telemetry_hz = "10 Hz"\n', "telemetry_hz: found the text"),
        ("telemetry_hz = true\n", "telemetry_hz: found true, expected a whole number from 2 to 50; write 10"),
        ("telemetry_hz = 10.0\n", "telemetry_hz: found 10.0, expected a whole number from 2 to 50; write 10"),
        ('[port]\nname = "x"\n', "port: found a table, expected a text"),
        ('operator = "a\\u0007b"\n', "operator: found a text with a control character"),
    ],
)
def test_a_mistake_in_the_file(tmp_path, text, said) -> None:
    [problem] = problems(written(tmp_path, text))
    assert problem.startswith(f"{tmp_path / 'config.toml'}: {said}")


@pytest.mark.parametrize(("text", "hz"), [("2", 2), ("50", 50)])
def test_the_rate_from_the_environment_is_text(tmp_path, text, hz) -> None:
    assert read_config({"IONTO_TELEMETRY_HZ": text}, home=tmp_path).telemetry_hz == hz


@pytest.mark.parametrize("text", ["1", "51", "1_0", "-5", "ten", "10.5"])
def test_a_rate_that_is_none(tmp_path, text) -> None:
    with pytest.raises(ConfigError, match="IONTO_TELEMETRY_HZ: found"):
        read_config({"IONTO_TELEMETRY_HZ": text}, home=tmp_path)


def test_a_file_that_cannot_be_read(tmp_path) -> None:
    gone = {"IONTO_CONFIG": str(tmp_path / "gone.toml")}
    assert problems(gone) == (
        f"{tmp_path / 'gone.toml'}: no such file; correct IONTO_CONFIG, which names it, or unset it",
    )
    (tmp_path / "latin.toml").write_bytes(b'operator = "J\xfcrg"\n')
    [problem] = problems({"IONTO_CONFIG": str(tmp_path / "latin.toml")})
    assert problem == f"{tmp_path / 'latin.toml'}: byte 14 is not UTF-8 text; save the file as UTF-8"
    [problem] = problems({"IONTO_CONFIG": str(tmp_path)})
    assert problem.startswith(f"{tmp_path}: cannot be read (")
    [problem] = problems(written(tmp_path, "#" * 100_001))
    assert "too large for a configuration" in problem


def test_a_password_is_not_shown(tmp_path) -> None:
    url = "postgresql+psycopg://anna:se:cret@db.lab/ionto"
    assert read_config({"IONTO_STORE": url}, home=tmp_path).store == url
    assert masked(url) == "postgresql+psycopg://anna:***@db.lab/ionto"
    assert masked("sqlite:///lab.sqlite") == "sqlite:///lab.sqlite"
    [problem] = problems(written(tmp_path, 'store = "postgresql://anna:secret@db.lab/ion to"'))
    assert "secret" not in problem
    [problem] = problems(written(tmp_path, "store = postgresql://anna:secret@db.lab/ionto"))
    assert "secret" not in problem


def test_the_schema_names_the_same_keys() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == {"format", *(key.name for key in KEYS)}
    valid = Draft202012Validator(SCHEMA)
    valid.validate({"format": 1, "port": "COM5", "telemetry_hz": 50, "store": "postgresql+psycopg://a@b/c"})
    for wrong in ({"prot": "COM5"}, {"telemetry_hz": 51}, {"telemetry_hz": 1}, {"store": "lab"}, {"operator": ""}):
        assert not valid.is_valid(wrong)


def test_the_version_costs_no_configuration(tmp_path) -> None:
    code = (
        "import sys; from controller.cli import run_command; run_command(['--version'])\n"
        "sys.exit(str({'controller.config', 'tomllib', 'sqlite3'} & set(sys.modules) or ''))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
