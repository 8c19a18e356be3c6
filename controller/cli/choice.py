"""Which port, and what every command says first: the port it chose and the unit on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from controller.config import Config
    from controller.limits import UnitFacts

_F = TypeVar("_F", bound=Callable[..., Any])


def decimal(text: str) -> float:
    """The type of an option that is a number; a decimal comma is told from other mistakes."""
    with suppress(ValueError):
        if "_" not in text:  # for Python 2_5 is 25
            return float(text)
    dotted = text.replace(",", ".", 1)
    hint = f"write {dotted}" if dotted.replace(".", "", 1).isdecimal() else "write it as in 2.5"
    raise click.BadParameter(f"{text} is not a number with a decimal point; {hint}")


def _named(_: click.Context, __: click.Parameter, port: str | None) -> str | None:
    """An empty name comes from a script's unset variable, and is no order for the simulator."""
    if port is not None and not port.strip():
        raise click.BadParameter("it is empty; name a port, or leave --port out")
    return port


def port_option(command: _F) -> _F:
    """``--port``, the same everywhere."""
    return click.option(
        "--port",
        "-p",
        metavar="PORT",
        callback=_named,
        help="device, pySerial URL or sn:SERIAL; else IONTO_PORT, the configuration file, or the bundled simulator",
    )(command)


def json_option(command: _F) -> _F:
    """``--json``, the same everywhere."""
    return click.option("--json", "as_json", is_flag=True, help="one JSON document on standard output")(command)


def settings() -> Config:
    """What is set, by environment, file or default; a mistake in it is wrong input."""
    from controller.config import ConfigError, read_config

    try:
        return read_config()
    except ConfigError as exc:
        raise click.ClickException("\n".join(exc.problems)) from exc


def chosen(port: str | None) -> str:
    """The port to use: the one asked for, IONTO_PORT, the configuration file's, or the simulator."""
    return port or settings().port


def port_to_stop(port: str | None) -> str | None:
    """As ``chosen``; None for a simulator that nobody named. A mistake in the file keeps a stop from no unit."""
    from controller.config import ConfigError, read_config

    if port:
        return port
    try:
        config = read_config()
    except ConfigError as exc:
        config = exc.rest
    return None if config.settings["port"].source == "default" else config.port


def say_which(port: str, facts: UnitFacts) -> None:
    """The first line of a command that talks to a unit."""
    kind = "simulated unit" if facts.simulated else "unit"
    click.echo(f"{kind} {facts.serial} ({facts.model}, firmware {facts.firmware}) on {port}", err=True)


def fault_names(mask: int) -> list[dict[str, object]]:
    """Latched faults of a mask: code, name, text."""
    from controller.wire.spec import FAULT_TEXT, Fault

    return [
        {"code": int(fault), "name": fault.name, "text": FAULT_TEXT[fault]} for fault in Fault if mask >> fault - 1 & 1
    ]
