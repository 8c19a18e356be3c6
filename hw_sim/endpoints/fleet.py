"""What ``ionto-sim serve`` was asked for, opened: one unit or many, each with its own ports.

Unit n of N has the n-th port: PORT+n-1 of ``--tcp``, ``--rfc2217`` and ``--bench-door`` (a free one each for port
0), PATH-n of ``--pty``; the n-th serial number from the scenario's, and the n-th seed. One bench door with an
argument that names the unit was rejected: a client of one door would have to know that there are others, and
one mistaken name would pull somebody else's cable.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from hw_sim.endpoints.server import Server, Station

if TYPE_CHECKING:
    from hw_sim.scenario import Scenario

UNITS_MOST = 256
_DEFAULT_TCP = "127.0.0.1:5025"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Where to serve, as on the command line; without any port for the unit, TCP."""

    pty: str | None = None
    tcp: str | None = None
    rfc2217: str | None = None
    door: str | None = None
    token: str = ""


def numbered(chosen: Scenario, count: int) -> list[Scenario]:
    """``count`` units: serial numbers and seeds from the scenario's on. ValueError says what is in the way."""
    if count == 1:
        return [chosen]
    stem = chosen.serial.rstrip("0123456789")
    digits = chosen.serial[len(stem) :]
    last = f"{int(digits or 0) + count - 1:0{len(digits)}}"
    if not digits or len(last) > len(digits):
        raise ValueError(f"sn={chosen.serial}: {count} serial numbers are counted up from it; end it in enough digits")
    return [
        replace(chosen, serial=f"{stem}{int(digits) + n:0{len(digits)}}", seed=chosen.seed + n) for n in range(count)
    ]


def open_units(server: Server, units: Sequence[Scenario], wanted: Wanted) -> list[dict[str, str]]:
    """Everything that was asked for; what each unit's ports are called. ValueError or OSError: what cannot be had."""
    if wanted.pty is None and wanted.rfc2217 is None:
        wanted = replace(wanted, tcp=wanted.tcp or _DEFAULT_TCP)
    _refuse_overlap(wanted, len(units))
    places = []
    for n, unit in enumerate(units):
        station = server.station(unit.world, unit.line, dtr_resets=unit.dtr_resets)
        if n == 0:
            station.pace.catch_up()  # made now, so that what it cannot be made from is said before anything is served
        places.append({"unit": unit.serial, **_open(station, wanted, n, many=len(units) > 1)})
    return places


def _open(station: Station, wanted: Wanted, n: int, *, many: bool) -> dict[str, str]:
    places = {}
    if wanted.pty is not None:
        if os.name != "posix":
            raise ValueError("--pty: pseudo-terminals exist on POSIX systems only; use --tcp here")
        from hw_sim.endpoints.pty import PtyEndpoint

        places["pty"] = f"{wanted.pty}-{n + 1}" if many else wanted.pty
        PtyEndpoint(station, places["pty"])
    if wanted.tcp is not None:
        from hw_sim.endpoints.tcp import TcpEndpoint

        places["tcp"] = f"socket://{TcpEndpoint(station, _nth(wanted.tcp, n)).place}"
    if wanted.rfc2217 is not None:
        from hw_sim.endpoints.rfc2217 import Rfc2217Endpoint

        places["rfc2217"] = f"rfc2217://{Rfc2217Endpoint(station, _nth(wanted.rfc2217, n)).place}"
    if wanted.door is not None:
        from hw_sim.endpoints.tcp import DoorEndpoint

        places["bench_door"] = DoorEndpoint(station, _nth(wanted.door, n), wanted.token).place
    return places


def _nth(text: str, n: int) -> str:
    """The n-th address from ``text`` on, counted from 0; port 0 is any free one for each."""
    from hw_sim.endpoints.tcp import address

    port = address(text)[1]
    if port == 0 or n == 0:
        return text
    if port + n > 65_535:
        raise ValueError(f"{text}: there are no {n + 1} ports from there on; begin lower, or choose port 0")
    return f"{text.removesuffix(text.rpartition(':')[2])}{port + n}"


def _refuse_overlap(wanted: Wanted, count: int) -> None:
    """Ports of one kind that would run into those of another, said before the system says "in use"."""
    from hw_sim.endpoints.tcp import address

    options = {"--tcp": wanted.tcp, "--rfc2217": wanted.rfc2217, "--bench-door": wanted.door}
    first = {option: address(text)[1] for option, text in options.items() if text is not None}
    taken = sorted((port, option) for option, port in first.items() if port)
    for (port, option), (next_port, next_option) in pairwise(taken):
        if next_port < port + count:
            raise ValueError(f"{next_option}: its ports run into those of {option}; begin at {port + count} or above")
