"""Which port, and what every command says first: the port it chose and the unit on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from controller.limits import UnitFacts

SIMULATOR: Final = "sim://"
_F = TypeVar("_F", bound=Callable[..., Any])


def port_option(command: _F) -> _F:
    """``--port``, the same everywhere."""
    return click.option(
        "--port",
        "-p",
        metavar="PORT",
        help="device, pySerial URL or sn:SERIAL; else IONTO_PORT, else the bundled simulator",
    )(command)


def json_option(command: _F) -> _F:
    """``--json``, the same everywhere."""
    return click.option("--json", "as_json", is_flag=True, help="one JSON document on standard output")(command)


def chosen(port: str | None) -> str:
    """The port to use: the one asked for, IONTO_PORT, or the simulator."""
    return port or os.environ.get("IONTO_PORT") or SIMULATOR


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
