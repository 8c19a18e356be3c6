"""What a user sets once: port, runs folder, operator, station, telemetry rate, store; and where each value comes from.

Four places, asked in this order: an option of the command, an environment variable, ``config.toml``, the default.
The file lies where the platform keeps such files, or where ``IONTO_CONFIG`` says (``/dev/null``: nowhere). It is read
whole and strictly: a key that is misspelt would otherwise be a default that nobody chose, on a device that drives
current. Every mistake is told, each as one sentence with the file, the key and what to write instead.

There is no global configuration object: ``read_config`` is a function of the environment that it is given, and each
command asks for it when it needs a value. cattrs and pydantic were left out: seven flat keys do not earn their start.
A merged file (system, user, folder) was rejected too, because nobody could say any more where a port came from.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from controller.errors import IontoError

FORMAT: Final = 1
SIMULATOR: Final = "sim://"
FILE_VARIABLE: Final = "IONTO_CONFIG"
# What the command and the unit's telemetry take (protocol, section 5, TELE: 20 to 500 ms).
LOWEST_HZ, HIGHEST_HZ = 2, 50
_LARGEST: Final = 100_000  # characters; the file has seven lines, a wrong one may have any number

Source = Literal["option", "environment", "file", "default"]


class ConfigError(IontoError, ValueError):
    """A value that is set cannot be used. Nothing was sent; ``problems`` has one sentence for each mistake.

    ``rest`` is what can be used all the same: a misspelt operator keeps nobody from stopping the unit on ``port``.
    """

    def __init__(self, problems: list[str], rest: Config) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
        self.rest = rest


class _Wrong(ValueError):
    """One value breaks its rule; collected, no caller meets it."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"found {_shown(value)}, expected a text; write it in double quotes")
    if not value.strip():
        raise _Wrong("found an empty text, expected a name; write one, or remove it")
    if not value.isprintable():
        raise _Wrong("found a text with a control character, expected one line; write it in double quotes, in one line")
    return value


def _folder(value: object) -> str:
    return os.path.expanduser(_text(value))


def _store(value: object) -> str:
    """A database URL as SQLAlchemy has them: ``dialect+driver://user@host/database``."""
    if re.fullmatch(r"[a-z][a-z0-9]*(\+[a-z0-9_]+)?://\S+", text := _text(value)) is None:
        raise _Wrong(f'found "{masked(text)}", expected a database URL; write postgresql+psycopg://user@host/database')
    return text


def _rate(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{1,4}", value):  # from the environment all is text
        value = int(value)
    expected = f"expected a whole number from {LOWEST_HZ} to {HIGHEST_HZ}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Wrong(f"found {_shown(value)}, {expected}; write 10, without quotes or unit")
    if not LOWEST_HZ <= value <= HIGHEST_HZ:
        raise _Wrong(f"found {value}, {expected} lines a second; write one of those")
    return value


class Key(NamedTuple):
    """A value that can be set; ``default`` None: nothing is set."""

    name: str
    variable: str
    check: Callable[[object], Any]
    default: str | int | None
    meaning: str


KEYS: Final = (
    Key("port", "IONTO_PORT", _text, SIMULATOR, "device, pySerial URL or sn:SERIAL of the unit"),
    Key("out", "IONTO_OUT", _folder, "runs", "folder of the records; a relative one is below the working folder"),
    Key("operator", "IONTO_OPERATOR", _text, None, "who delivers; goes into the record"),
    Key("station", "IONTO_STATION", _text, None, "which bench this is; goes into the record"),
    Key("telemetry_hz", "IONTO_TELEMETRY_HZ", _rate, 10, "lines of telemetry a second"),
    Key("store", "IONTO_STORE", _store, None, "database of the lab, with the runs of all stations"),
)
_NAMES: Final = tuple(key.name for key in KEYS)


@dataclass(frozen=True, slots=True)
class Setting:
    """A value in force. ``where``: the variable, or the file; empty for a default."""

    value: str | int | None
    source: Source
    where: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """Values in force, without options of a command. ``file`` is where the file is looked for; it need not exist."""

    file: Path
    settings: Mapping[str, Setting]

    @property
    def port(self) -> str:
        return str(self.settings["port"].value)

    @property
    def out(self) -> Path:
        return Path(str(self.settings["out"].value))

    @property
    def operator(self) -> str | None:
        return self._maybe("operator")

    @property
    def station(self) -> str | None:
        return self._maybe("station")

    @property
    def store(self) -> str | None:
        """Holds a password as it was written; ``masked`` before it is shown."""
        return self._maybe("store")

    @property
    def telemetry_hz(self) -> int:
        return int(self.settings["telemetry_hz"].value or 0)

    def _maybe(self, name: str) -> str | None:
        value = self.settings[name].value
        return None if value is None else str(value)


def config_file(environ: Mapping[str, str], platform: str, home: Path) -> Path:
    """Where the platform keeps it: XDG base directory on Linux and the like, Application Support, or Roaming."""
    if environ.get(FILE_VARIABLE):
        return Path(environ[FILE_VARIABLE]).expanduser()
    if platform == "win32":
        roaming = environ.get("APPDATA")
        return (Path(roaming) if roaming else home / "AppData" / "Roaming") / "ionto" / "config.toml"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "ionto" / "config.toml"
    base = environ.get("XDG_CONFIG_HOME", "")
    # The specification: a path that is not absolute is to be ignored.
    return (Path(base) if base.startswith("/") else home / ".config") / "ionto" / "config.toml"


def read_config(
    environ: Mapping[str, str] = os.environ, *, platform: str = sys.platform, home: Path | None = None
) -> Config:
    """The values in force.

    Raises:
        ConfigError: one sentence for each mistake in the file and in the environment.
    """
    file = config_file(environ, platform, Path.home() if home is None else home)
    problems: list[str] = []
    written = _from_file(file, problems, must_exist=bool(environ.get(FILE_VARIABLE)))
    settings = {}
    for key in KEYS:
        from_file = written.get(key.name)  # judged even where the environment has another value
        from_environment = _checked(key, environ.get(key.variable) or None, key.variable, problems)
        if from_environment is not None:
            settings[key.name] = Setting(from_environment, "environment", key.variable)
        elif from_file is not None:
            settings[key.name] = Setting(from_file, "file", str(file))
        else:
            settings[key.name] = Setting(key.default, "default")
    config = Config(file, settings)
    if problems:
        raise ConfigError(problems, config)
    return config


def masked(url: str) -> str:
    """A database URL without its password, to show."""
    return re.sub(r"(?<=://)([^/@:]*):[^/]*@", r"\1:***@", url)


# -- the file ------------------------------------------------------------------------------------------------------


def _from_file(file: Path, problems: list[str], *, must_exist: bool) -> dict[str, str | int]:
    text = _read(file, problems, must_exist=must_exist)
    if not text:
        return {}
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        problems.append(_syntax(file, text, str(exc)))
        return {}
    version = table.pop("format", FORMAT)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        problems.append(f"{file}: format: found {_shown(version)}, expected {FORMAT}; write format = {FORMAT}")
    elif version > FORMAT:  # nothing else that could be said of it would be true
        problems.append(f"{file}: format: found {version}, expected {FORMAT}; it is for a newer ionto: update it")
        return {}
    problems += _unknown(file, table)
    found = {key.name: _checked(key, table.get(key.name), f"{file}: {key.name}", problems) for key in KEYS}
    return {name: value for name, value in found.items() if value is not None}


def _read(file: Path, problems: list[str], *, must_exist: bool) -> str:
    try:
        with file.open(encoding="utf-8-sig") as stream:  # editors on Windows write a byte order mark
            text = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        if must_exist:
            problems.append(f"{file}: no such file; correct {FILE_VARIABLE}, which names it, or unset it")
        return ""
    except UnicodeDecodeError as exc:
        problems.append(f"{file}: byte {exc.start + 1} is not UTF-8 text; save the file as UTF-8")
        return ""
    except OSError as exc:
        problems.append(f"{file}: cannot be read ({(exc.strerror or str(exc)).lower()}); mend that, or remove it")
        return ""
    if len(text) > _LARGEST:
        problems.append(f"{file}: too large for a configuration; put a file there with the keys {', '.join(_NAMES)}")
        return ""
    return text


def _syntax(file: Path, text: str, complaint: str) -> str:
    at = re.search(r" *\(at (?:line (\d+), column \d+|end of document)\)", complaint)
    lines = text.splitlines()
    number = int(at[1]) if at is not None and at[1] else len(lines)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    key = re.match(r"([\w-]+)\s*=", line)
    remedy = f'write {key[1]} = "..."' if key is not None and key[1] != "telemetry_hz" else 'write key = "value"'
    what = complaint[: at.start()] if at is not None else complaint
    return f"{file}: line {number}: not TOML: {what[:1].lower()}{what[1:]} in `{masked(line)}`; {remedy}"


def _unknown(file: Path, table: Mapping[str, object]) -> Iterator[str]:
    for name in table:
        if name in _NAMES:
            continue
        from difflib import get_close_matches

        near = get_close_matches(name, _NAMES, 1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(_NAMES)}; remove it"
        yield f"{file}: {name}: unknown key; {remedy}"


def _checked(key: Key, value: object, place: str, problems: list[str]) -> str | int | None:
    if value is None:
        return None
    try:
        checked: str | int = key.check(value)
    except _Wrong as exc:
        problems.append(f"{place}: {exc}")
        return None
    return checked


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'the text "{value}"'
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return str(value)
