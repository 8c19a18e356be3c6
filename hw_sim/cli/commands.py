"""The commands of ``ionto-sim``. What one needs is imported when it runs: ``--help`` costs click alone."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hw_sim.endpoints.server import Server
    from hw_sim.scenario import Scenario

UNAVAILABLE = 3


class Unavailable(click.ClickException):
    """A port or a device cannot be had."""

    exit_code = UNAVAILABLE


def _example(*lines: str) -> str:
    """An epilog that is not wrapped: click's mark for that is a backspace."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_example("ionto-sim serve --pty /tmp/ionto-unit", "ionto run treatment.toml --port /tmp/ionto-unit"),
)
@click.version_option(package_name="ionto", prog_name="ionto-sim")
def cli() -> None:
    """The simulated iontophoresis unit: the unit on the desk, without the unit."""


@cli.command(
    epilog=_example(
        "ionto-sim serve --pty /tmp/ionto-unit --scenario 'dry-skin?seed=3'",
        "ionto-sim serve --tcp 127.0.0.1:0 --bench-door 127.0.0.1:0 --json",
    )
)
@click.option("--pty", "pty_path", metavar="PATH", help="Serve on a pseudo-terminal with this name (POSIX).")
@click.option("--tcp", "tcp_at", metavar="HOST:PORT", help="Serve on TCP; without --pty 127.0.0.1:5025.")
@click.option("--scenario", "text", default="skin", metavar="S", help="See `ionto-sim scenarios`; with options.")
@click.option("--speed", type=click.IntRange(1, 1000), metavar="N", help="Simulated seconds a second [1].")
@click.option("--bench-door", "door_at", metavar="HOST:PORT", help="Serve truth, loads and mishaps there.")
@click.option("--json", "as_json", is_flag=True, help="Say where it is in one line of JSON.")
def serve(
    pty_path: str | None, tcp_at: str | None, text: str, speed: int | None, door_at: str | None, as_json: bool
) -> None:
    """Serve a simulated unit on a pseudo-terminal or on TCP, until Ctrl-C.

    The bench door's token is printed, or taken from IONTO_DOOR_TOKEN.
    """
    from hw_sim import scenario
    from hw_sim.endpoints.server import Server

    try:
        chosen = scenario.parse(text)
    except ValueError as exc:
        raise click.UsageError(f"--scenario: {exc}") from exc
    speed = _speed(speed, chosen)
    server = Server(chosen.world(), speed, chosen.line)
    _end_on_signals(server)
    try:
        places = _open(server, pty_path, tcp_at, door_at)
        _announce({"unit": chosen.serial, **places}, chosen.name, speed, as_json)
    except ValueError as exc:
        server.close()
        raise click.UsageError(str(exc)) from exc
    except OSError as exc:
        server.close()
        raise Unavailable(_why(exc)) from exc
    server.run()


def _speed(asked: int | None, chosen: Scenario) -> int:
    if asked is not None:
        return asked
    if chosen.speed == 0:
        raise click.UsageError("speed=max is for sim:// only: what is served lives in real time, or N times it")
    return chosen.speed or 1


def _end_on_signals(server: Server) -> None:
    """Before there is anything to leave behind. A signal that is ignored (nohup) stays so."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: server.stop())


def _open(server: Server, pty_path: str | None, tcp_at: str | None, door_at: str | None) -> dict[str, str]:
    """Everything that was asked for; what it is called."""
    places = {}
    if pty_path is not None:
        if os.name != "posix":
            raise ValueError("--pty: pseudo-terminals exist on POSIX systems only; use --tcp here")
        from hw_sim.endpoints.pty import PtyEndpoint

        PtyEndpoint(server, pty_path)
        places["pty"] = pty_path
    if tcp_at is not None or pty_path is None:
        from hw_sim.endpoints.tcp import TcpEndpoint

        places["tcp"] = f"socket://{TcpEndpoint(server, tcp_at or '127.0.0.1:5025').place}"
    if door_at is not None:
        import secrets

        from hw_sim.endpoints.tcp import DoorEndpoint

        token = os.environ.get("IONTO_DOOR_TOKEN") or secrets.token_hex(16)
        places |= {"bench_door": DoorEndpoint(server, door_at, token).place, "token": token}
    return places


def _why(exc: OSError) -> str:
    import errno

    if isinstance(exc, FileExistsError) and exc.filename is None:
        return str(exc)
    if exc.filename is not None:
        return f"--pty: cannot make {exc.filename2 or exc.filename}: {exc.strerror}; choose another name"
    if exc.errno == errno.EADDRINUSE:
        return "that port is in use: is another ionto-sim there? choose another, or 0 for any free one"
    return f"cannot listen there: {exc.strerror or exc}; choose another HOST:PORT"


def _announce(places: dict[str, str], name: str, speed: int, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**places, "scenario": name, "speed": speed}))
    else:
        click.echo(f"unit {places['unit']}, {name}, {speed} x real time")
        for kind in ("pty", "tcp"):
            if kind in places:
                click.echo(f"  ionto run TREATMENT.toml --port {places[kind]}")
        if "bench_door" in places:
            click.echo(f"  bench door {places['bench_door']}  token {places['token']}")
        click.echo("Ctrl-C ends it.", err=True)
    sys.stdout.flush()


@cli.command(
    epilog=_example(
        "ionto run treatment.toml --port sim://lead-pulled",
        "ionto-sim serve --scenario 'peeling?seed=3&line=115200'",
    )
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def scenarios(as_json: bool) -> None:
    """List what the unit can be wired to, what happens to it, and what is to be expected.

    Times are counted from power-on. Options behind a name, as in an address: seed=N, person=N, load=5k,
    line=115200, sn=SN0042, speed=N.
    """
    from hw_sim.scenario import SCENARIOS

    if as_json:
        click.echo(json.dumps([{"name": s.name, "expect": s.expect, "load": s.load} for s in SCENARIOS.values()]))
        return
    for s in SCENARIOS.values():
        click.echo(f"{s.name:16} {s.expect}")


@cli.command(epilog=_example("ionto run --current 2 --dose 4 --pole - --port 'sim://?load=4k7'"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def loads(as_json: bool) -> None:
    """List what can be wired to the unit by itself."""
    from hw_sim.door import loads as known

    table = known()
    if as_json:
        click.echo(json.dumps([{"name": name, "what": what} for name, what in table.items()]))
        return
    for name, what in table.items():
        click.echo(f"{name:16} {what}")
