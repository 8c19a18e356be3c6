"""The commands of ``ionto-sim``. The only room of the simulator that prints."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=None, version="0.1.0", prog_name="ionto-sim")
def cli() -> None:
    """The simulated iontophoresis unit: the unit on the desk, without the unit.

    \b
    Example:  ionto-sim serve --pty /tmp/ionto-unit
              ionto run treatment.toml --port /tmp/ionto-unit
    """


@cli.command()
@click.option("--pty", "pty_path", metavar="PATH", help="a pseudo-terminal with this name (POSIX)")
@click.option("--tcp", "tcp_at", metavar="HOST:PORT", help="listen for clients; 127.0.0.1:5025 when nothing is asked")
@click.option("--scenario", "scenario_text", default="skin", metavar="S", help="what is wired to it: `ionto-sim scenarios`")
@click.option("--speed", type=click.IntRange(1, 1000), default=1, metavar="N", help="simulated seconds a second")
@click.option("--bench-door", "door_at", metavar="HOST:PORT", help="serve truth, loads and mishaps (docs/bench-door.md)")
@click.option("--json", "as_json", is_flag=True, help="say where it is as one line of JSON")
def serve(
    pty_path: str | None, tcp_at: str | None, scenario_text: str, speed: int, door_at: str | None, as_json: bool
) -> None:
    """Serve a simulated unit on a pseudo-terminal or on TCP, until Ctrl-C.

    \b
    Example:  ionto-sim serve --pty /tmp/ionto-unit --scenario 'dry-skin?seed=3'
    """
    from hw_sim import scenario
    from hw_sim.endpoints.server import Server

    try:
        chosen = scenario.parse(scenario_text)
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc
    world = chosen.world()
    server = Server(world, speed)
    places: dict[str, str] = {"unit": world.hal.serial}
    try:
        if pty_path is not None:
            places["pty"] = _pty(server, pty_path)
        if tcp_at is not None or pty_path is None:
            from hw_sim.endpoints.tcp import TcpEndpoint, unit_client

            tcp = TcpEndpoint(server, tcp_at or "127.0.0.1:5025", unit_client)
            places["tcp"] = f"socket://{tcp.host}:{tcp.port}"
        if door_at is not None:
            places |= _door(server, door_at)
    except (ValueError, OSError) as exc:
        raise click.ClickException(_why(exc)) from exc
    _announce(places, chosen.name, speed, as_json)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    server.run()


def _pty(server: object, path: str) -> str:
    if os.name != "posix":
        raise ValueError("pseudo-terminals exist on POSIX systems only: use --tcp here")
    from hw_sim.endpoints.pty import PtyEndpoint

    return PtyEndpoint(server, path).path  # type: ignore[arg-type]


def _door(server: object, text: str) -> dict[str, str]:
    from hw_sim.endpoints.tcp import TcpEndpoint, address, door_client

    if address(text)[0] not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError(f"{text}: the bench door opens on the loopback only, for example 127.0.0.1:5026")
    token = os.environ.get("IONTO_DOOR_TOKEN") or secrets.token_hex(16)
    door = TcpEndpoint(server, text, door_client(token))  # type: ignore[arg-type]
    return {"bench_door": f"{door.host}:{door.port}", "token": token}


def _why(exc: Exception) -> str:
    if isinstance(exc, FileExistsError):
        return f"{exc.filename2 or exc.filename}: there is a file of that name; choose another --pty"
    if isinstance(exc, OSError):
        return f"cannot listen there: {exc.strerror or exc}; is another one running? choose another port"
    return str(exc)


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


@cli.command()
@click.option("--json", "as_json", is_flag=True)
def scenarios(as_json: bool) -> None:
    """List what the unit can be wired to, and what is to be expected.

    \b
    Example:  ionto run treatment.toml --port sim://lead-pulled
    """
    from hw_sim.scenario import SCENARIOS

    if as_json:
        click.echo(json.dumps([{"name": s.name, "expect": s.expect, "load": s.load} for s in SCENARIOS.values()]))
        return
    for s in SCENARIOS.values():
        click.echo(f"{s.name:16} {s.expect}")


@cli.command()
@click.option("--json", "as_json", is_flag=True)
def loads(as_json: bool) -> None:
    """List what can be wired to the unit by itself.

    \b
    Example:  ionto run --current 2 --dose 4 --pole - --port 'sim://?load=4k7'
    """
    from hw_sim.door import loads as known

    table = known()
    if as_json:
        click.echo(json.dumps([{"name": name, "what": what} for name, what in table.items()]))
        return
    for name, what in table.items():
        click.echo(f"{name:16} {what}")
