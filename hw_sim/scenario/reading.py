"""A scenario's file, read: TOML, every key judged, an error is one sentence with the file and the key.

Hand-written, because a converter library would be the only one in this package, and its messages are not for a bench.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hw_sim import plant
from hw_sim.faults.when import LONGEST_S, number
from hw_sim.line import Line
from hw_sim.scenario import recorded
from hw_sim.scenario.model import HOST_ACTIONS, OUTCOMES, Expected, HostAction, Scenario, Treatment
from hw_sim.scenario.options import load_named, serial_number, variant_named

FORMAT: Final = 1

_BARE: Final = ("hang", "power_cycle", "power_off", "power_on", "unplug", "replug", "nvm_full", "nvm_free", "break",
                "local_stop")  # fmt: skip
_WITH: Final = ("load", "lift", "replace", "contact", "jumper", "inject", "lift_fault")

Row = dict[str, Callable[[Any], Any]]


class _Wrong(ValueError):
    """What is wrong, and the path of keys to it, which grows on the way up."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path.lstrip('.')}: {what}")
        self.path = path
        self.what = what


def from_toml(text: str, source: str, home: Path | None = None) -> Scenario:
    """A scenario from a file's text; ``source`` is what its errors begin with, ``home`` where its own files are.

    Raises:
        ValueError: one sentence with source and key.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ValueError(f"{source}: is no TOML: {exc}") from exc
    load = table.get("load")
    if home is not None and isinstance(load, str) and load.startswith(recorded.PREFIX):
        table["load"] = recorded.PREFIX + str(home / load.removeprefix(recorded.PREFIX))
    try:
        return _scenario(table)
    except ValueError as exc:
        raise ValueError(f"{source}: {exc}") from exc


@contextmanager
def _at(key: str) -> Iterator[None]:
    try:
        yield
    except _Wrong as exc:
        raise _Wrong(key + exc.path, exc.what) from exc
    except ValueError as exc:
        raise _Wrong(key, str(exc)) from exc


def _taken(table: object, row: Row, required: tuple[str, ...]) -> dict[str, Any]:
    """The keys of a table, judged by ``row``; unknown and missing ones are errors."""
    if not isinstance(table, dict):
        raise ValueError("expected a table")
    for key in required:
        if key not in table:
            raise ValueError(f"{key} is missing")
    found = {}
    for key, value in table.items():
        if key not in row:
            raise ValueError(f"unknown key {key:.40}; known: {', '.join(row)}")
        with _at(f".{key}"):
            found[key] = row[key](value)
    return found


def _many(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def tables(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("expected a list; tables of it are written [[...]]")
        found = []
        for n, entry in enumerate(value):
            with _at(f"[{n + 1}]"):
                found.append(read(entry))
        return tuple(found)

    return tables


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or "\n" in value or len(value) > 400:
        raise ValueError("expected text, on one line")
    return value


def _word(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"{value!s:.40} is not one of {', '.join(words)}")
        return str(value)

    return read


def _between(low: float, high: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        if isinstance(value, str):
            raise ValueError(f"{value:.40} is text; expected a number from {low:g} to {high:g}")
        try:
            return number("", value, low, high)
        except ValueError as exc:
            raise ValueError(str(exc).removeprefix("=")) from exc

    return read


def _whole(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{value!s:.40}: expected a whole number from {low} to {high}")
        return value

    return read


def _range(value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("expected two numbers, lowest and highest")
    low, high = (_between(0, 1000)(v) for v in value)
    if low > high:
        raise ValueError("the lowest stands first")
    return low, high


_SECONDS: Final = _between(0, LONGEST_S)


def _outcome(value: object) -> str:
    kind, _, code = str(value).partition(":")
    if value not in OUTCOMES and not (kind in ("FAULT", "REFUSED") and len(code) == 2 and code.isdecimal()):
        raise ValueError(f"{value!s:.40} is not one of {', '.join(OUTCOMES)}, FAULT:01, REFUSED:16")
    return str(value)


_EVENT: Final[Row] = {"at": _SECONDS, "do": _word(*_BARE, *_WITH), "what": _text}
_HOST: Final[Row] = {"at": _SECONDS, "do": _word(*HOST_ACTIONS), "for": _SECONDS}
_TREATMENT: Final[Row] = {
    "current_ma": _between(0.02, 4),
    "dose_ma_min": _between(0.1, 80),
    "pole": _word("+", "-"),
    "ramp_up_ma_per_s": _between(0.02, 0.5),
    "ramp_down_ma_per_s": _between(0.05, 1),
    "impedance_max_ohm": _whole(1000, 100_000),
    "impedance_min_ohm": _whole(0, 5000),
    "voltage_max_v": _between(5, 54),
    "on_time_max_s": _between(1, 43_200),
    "resistance": _word("stop", "stretch"),
    "contact": _word("stop", "pause"),
    "link": _word("stop", "finish"),
    "battery": _word("stop", "finish"),
}
_EXPECTED: Final[Row] = {
    "outcome": _outcome,
    "events": _many(_text),
    "within_ms": _whole(0, 10_000_000),
    "dose_ma_min": _range,
    "peak_ma": _between(0, 1000),
}


def _event(table: object) -> tuple[float, str, str]:
    found = _taken(table, _EVENT, ("at", "do"))
    verb, what = found["do"], found.get("what", "")
    if verb in _BARE and what:
        raise ValueError(f"{verb} takes no what")
    if verb in _WITH:
        _judge(verb, what)
    return found["at"], verb, what


def _judge(verb: str, what: str) -> None:
    """Whether `World.act` will take it: it would be late to say so in the middle of a run."""
    try:
        match verb:
            case "load":
                if what.startswith(recorded.PREFIX):
                    raise ValueError("a recorded trace is a scenario's load, not an event's")
                load_named(what)
            case "lift" | "replace":
                _word("drug", "return", "both")(what)
            case "contact":
                lead, _, share = what.partition(":")
                _word("drug", "return", "both")(lead)
                number("share", share, 0, 1)
            case "jumper":
                _word("0", "1")(what)
            case "inject":
                _fault_text(what)
            case _:
                if not what:
                    raise ValueError("give a fault's number, id or name")
    except ValueError as exc:
        raise ValueError(f"{verb} {what!r:.60}: {exc}") from exc


def _fault_text(text: str) -> str:
    from hw_sim.faults.spec import from_text

    return from_text(text).text()


def _fault(table: object) -> str:
    from hw_sim.faults.spec import from_table

    if not isinstance(table, dict):
        raise ValueError("expected a table")
    return from_table(table).text()


def _host(table: object) -> HostAction:
    found = _taken(table, _HOST, ("at", "do"))
    return HostAction(at_s=found["at"], do=found["do"], for_s=found.get("for", 0.0))


def _treatment(table: object) -> Treatment:
    return Treatment(**_taken(table, _TREATMENT, ("current_ma", "dose_ma_min")))


def _expected(table: object) -> Expected:
    return Expected(**_taken(table, _EXPECTED, ("outcome",)))


def _parameters(table: object) -> dict[str, float]:
    if not isinstance(table, dict):
        raise ValueError("expected a table")
    found = {key: _between(-1e12, 1e12)(value) for key, value in table.items()}
    plant.new_plant(**found)  # type: ignore[arg-type] # judges every name and range
    return found


def _format(value: object) -> None:
    if value != FORMAT or isinstance(value, bool):
        raise ValueError(f"{value!s:.40}: this version reads format {FORMAT}")


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!s:.40}: expected true or false")
    return value


def _line(value: object) -> str:
    Line(_text(value))
    return _text(value)


_SCENARIO: Final[Row] = {
    "format": _format,
    "name": _text,
    "expect": _text,
    "load": lambda value: load_named(_text(value)),
    "seed": _whole(0, 2**63 - 1),
    "person": _whole(0, 2**31 - 1),
    "serial": lambda value: serial_number(_text(value)),
    "variant": lambda value: variant_named(_text(value)),
    "line": _line,
    "dtr_resets": _yes_or_no,
    "parameters": _parameters,
    "event": _many(_event),
    "fault": _many(_fault),
    "host": _many(_host),
    "treatment": _treatment,
    "expected": _expected,
}


def _scenario(table: dict[str, Any]) -> Scenario:
    if "format" in table:
        with _at("format"):  # before all else: keys of a later format are no mistakes
            _format(table["format"])
    found = _taken(table, _SCENARIO, ("format", "name", "expect"))
    del found["format"]
    found["agenda"] = found.pop("event", ())
    found["faults"] = found.pop("fault", ())
    return Scenario(**found)
