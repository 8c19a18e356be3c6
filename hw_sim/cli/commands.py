"""The commands of ``ionto-sim``. What one needs is imported when it runs: ``--help`` costs click alone."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from hw_sim.cli.credibility import credibility
from hw_sim.cli.play import play
from hw_sim.cli.soak import soak

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
        "ionto-sim serve --rfc2217 127.0.0.1:2217 --scenario 'skin?line=115200&dtr_resets=1'",
        "ionto-sim serve --units 64 --tcp 127.0.0.1:5100 --json",
    )
)
@click.option("--pty", "pty_path", metavar="PATH", help="Serve on a pseudo-terminal with this name (POSIX).")
@click.option("--tcp", "tcp_at", metavar="HOST:PORT", help="Serve on TCP; without any port, 127.0.0.1:5025.")
@click.option("--rfc2217", "rfc2217_at", metavar="HOST:PORT", help="Serve on an access server's port: rfc2217://.")
@click.option("--scenario", "text", default="skin", metavar="S", help="See `ionto-sim scenarios`; with options.")
@click.option("--speed", type=click.IntRange(1, 1000), metavar="N", help="Simulated seconds a second [1].")
@click.option("--units", type=click.IntRange(1, 256), metavar="N", help="Serve N units, each on ports of its own.")
@click.option("--bench-door", "door_at", metavar="HOST:PORT", help="Serve truth, loads and mishaps there.")
@click.option("--json", "as_json", is_flag=True, help="Say where it is in one line of JSON.")
def serve(
    pty_path: str | None,
    tcp_at: str | None,
    rfc2217_at: str | None,
    text: str,
    speed: int | None,
    units: int | None,
    door_at: str | None,
    as_json: bool,
) -> None:
    """Serve a simulated unit on a pseudo-terminal, TCP or RFC 2217, until Ctrl-C.

    With --units N, unit n is at PORT+n-1 of each HOST:PORT (port 0: any free one), and at PATH-n; serial numbers
    and seeds count up from the scenario's. The bench door's token, the same for all, is printed, or taken from
    IONTO_DOOR_TOKEN.

    dtr_resets=1 in the scenario resets the board when DTR rises: over RFC 2217 when the client sets it. A
    pseudo-terminal and TCP have no DTR, and there it has no effect.
    """
    from hw_sim import scenario
    from hw_sim.endpoints.fleet import Wanted, numbered, open_units
    from hw_sim.endpoints.server import Server

    try:
        chosen = scenario.parse(text)
        fleet = numbered(chosen, units or 1)
    except ValueError as exc:
        raise click.UsageError(f"--scenario: {exc}") from exc
    speed = _speed(speed, chosen)
    token = _token() if door_at is not None else ""
    server = Server(speed)
    _end_on_signals(server)
    try:
        wanted = Wanted(pty=pty_path, tcp=tcp_at, rfc2217=rfc2217_at, door=door_at, token=token)
        places = open_units(server, fleet, wanted)
        facts = {"token": token} if token else {}
        if units is None:
            _announce({**places[0], **facts, "scenario": chosen.name, "speed": speed}, places, as_json)
        else:
            _announce({"units": places, **facts, "scenario": chosen.name, "speed": speed}, places, as_json)
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


def _token() -> str:
    import secrets

    return os.environ.get("IONTO_DOOR_TOKEN") or secrets.token_hex(16)


def _end_on_signals(server: Server) -> None:
    """Before there is anything to leave behind. A signal that is ignored (nohup) stays so."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: server.stop())


def _why(exc: OSError) -> str:
    import errno

    if isinstance(exc, FileExistsError) and exc.filename is None:
        return str(exc)
    if exc.filename is not None:
        return f"--pty: cannot make {exc.filename2 or exc.filename}: {exc.strerror}; choose another name"
    if exc.errno == errno.EMFILE:
        return "too many open files: serve fewer units, or raise the limit (`ulimit -n`)"
    if exc.errno == errno.EADDRINUSE:
        return "that port is in use: is another ionto-sim there? choose another, or 0 for any free one"
    return f"cannot listen there: {exc.strerror or exc}; choose another HOST:PORT"


def _announce(facts: dict[str, object], places: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts))
    else:
        for place in places:
            click.echo(f"unit {place['unit']}, {facts['scenario']}, {facts['speed']} x real time")
            for kind in ("pty", "tcp", "rfc2217"):
                if kind in place:
                    click.echo(f"  ionto run TREATMENT.toml --port {place[kind]}")
            if "bench_door" in place:
                click.echo(f"  bench door {place['bench_door']}  token {facts['token']}")
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
    line=115200, sn=SN0042, speed=N, fault=E01@at=60, variant=NAME. FILE.toml in place of a name is a scenario of your
    own.
    """
    from hw_sim.scenario import SCENARIOS

    if as_json:
        click.echo(json.dumps([{"name": s.name, "expect": s.expect, "load": s.load} for s in SCENARIOS.values()]))
        return
    for s in SCENARIOS.values():
        click.echo(f"{s.name:22} {s.expect}")


@cli.command(
    epilog=_example(
        "ionto run treatment.toml --port 'sim://?fault=lead-off@state=HOLD+5,for=2'",
        "ionto-sim serve --scenario 'skin?fault=E03:hz=20@at=60&fault=mains'",
    )
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def faults(as_json: bool) -> None:
    """List what can go wrong: id, name, arguments with their defaults.

    An address takes any number of fault=NAME[:ARGUMENTS][@SCHEDULE]. The schedule is one of at=60, state=HOLD+5,
    event=3, byte=120, p=0.01 (a second), and for=2: lifted after 2 s.
    """
    from hw_sim.faults.catalogue import CATALOGUE

    if as_json:
        rows = [{"id": f.id, "name": f.name, "what": f.what, "arguments": [a._asdict() for a in f.arguments]}
                for f in CATALOGUE]  # fmt: skip
        click.echo(json.dumps(rows))
        return
    for f in CATALOGUE:
        given = ",".join(f"{a.name}={a.default}" for a in f.arguments)
        click.echo(f"{f.id} {f.name:18} {f.what}" + (f"  [{given}]" if given else ""))


@cli.command(
    epilog=_example(
        "ionto run --current 2 --dose 4 --pole - --port 'sim://?variant=output-left-on'",
        "ionto runs audit last          what of it shows, without the truth of the bench",
        "ionto-sim play 'lead-pulled?variant=slow-disable'     what shows with it",
    )
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def variants(as_json: bool) -> None:
    """List the known-bad firmwares: what is wrong, where it comes from, which invariants it breaks and when.

    An address takes one as variant=NAME. The unit says nothing of it; the bench door's truth does.
    """
    from hw_sim.variants import VARIANTS

    if as_json:
        rows = [{"name": v.name, "what": v.what, "origin": v.origin, "invariants": v.invariants,
                 "situation": v.situation} for v in VARIANTS]  # fmt: skip
        click.echo(json.dumps(rows))
        return
    for v in VARIANTS:
        click.echo(f"{v.name:28} {v.what}  [{' '.join(v.invariants)}: {v.situation}]")
        click.echo(f"{'':28} origin: {v.origin}")


cli.add_command(play)
cli.add_command(credibility)
cli.add_command(soak)


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
