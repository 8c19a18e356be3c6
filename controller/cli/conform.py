"""``ionto conform``: does a unit do what the protocol's page says?"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import click

from controller.cli import exits
from controller.cli.choice import chosen, json_option, port_option

if TYPE_CHECKING:
    from controller.conform import Check, Options, Report, Result
    from controller.conform.bench import DoorCall, Facts
    from controller.serial_link.line import SerialLink

_COLOURS: Final = {"PASS": "green", "FAIL": "red", "NOT_RUN": None}
_LOG_SHOWN: Final = 12
_MULTIPLES: Final = {"": 1, "R": 1, "K": 1000, "M": 1_000_000}


def ohms(text: str) -> int:
    """``5k``, ``4k7``, ``4700``, ``1M``: a resistor as it is printed on one."""
    found = re.fullmatch(r"(\d{1,6})(?:[.](\d{1,3}))?([rRkKmM]?)(\d{0,3})", text.strip())
    if found is None or (found[2] and found[4]):
        raise click.BadParameter(f"{text} is no resistor; write it as in 5k, 4k7 or 4700")
    whole, decimals, unit = found[1], found[2] or found[4] or "0", found[3].upper()
    value: float = _MULTIPLES[unit] * (int(whole) + int(decimals) / 10 ** len(decimals))
    if not 1 <= value <= 1_000_000:
        raise click.BadParameter(f"{text}: a bench load has 1 ohm to 1 Mohm")
    return round(value)


def _load(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    return None if text is None else ohms(text)


@click.command()
@port_option
@click.option("--load", "load_ohm", metavar="OHM", callback=_load, help="the resistor at the terminals, as in 5k")
@click.option("--allow-output", is_flag=True, help="let more than 0.1 mA flow, up to 4 mA: bench loads only")
@click.option("--bench-door", "door", metavar="HOST:PORT", help="of `ionto-sim serve`; token in IONTO_DOOR_TOKEN")
@click.option(
    "--lines",
    metavar="N",
    type=click.IntRange(1, 10_000_000),
    default=2000,
    show_default=True,
    help="random lines; 100000 is the whole suite",
)
@click.option("--seed", metavar="N", type=click.IntRange(0), default=1, show_default=True, help="of the random lines")
@click.option("--only", metavar="ID", multiple=True, help="this check, or a whole chapter (SEAL); may be repeated")
@click.option("--strict", is_flag=True, help="a check that was not run counts as one that failed")
@click.option("--junit", metavar="FILE", help="write the report as JUnit XML")
@click.option("--html", metavar="FILE", help="write the report as one HTML page")
@click.option("--list", "only_list", is_flag=True, help="name the checks; open no port")
@json_option
def conform(
    port: str | None,
    load_ohm: int | None,
    allow_output: bool,
    door: str | None,
    lines: int,
    seed: int,
    only: tuple[str, ...],
    strict: bool,
    junit: str | None,
    html: str | None,
    only_list: bool,
    as_json: bool,
) -> int:
    """Check a unit, sentence by sentence, against docs/protocol.md.

    \b
    Examples:  ionto conform --port /dev/ttyACM0
               ionto conform --port socket://host:5025 --load 5k --allow-output --html report.html
               ionto conform --port sim:// --only STOP --only LEASE-09
    Without --load nothing flows on a real unit; without --allow-output no more than 0.1 mA.
    """  # fmt: skip
    from controller.conform import Options
    from controller.conform import chosen as checks_of
    from controller.conform.report import as_json as document
    from controller.conform.report import remedies, verdict

    try:
        checks = checks_of(only)
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc
    if only_list:
        for check in checks:
            click.echo(f"{check.id:<9} {check.clause:<5} {check.claim}")
        return exits.DONE
    options = Options(load_ohm=load_ohm, allow_output=allow_output, lines=lines, seed=seed)
    quiet = as_json
    report = _run(
        chosen(port), options, door, checks, told=_silent if quiet else _show, begun=_silent if quiet else _head
    )
    _write(report, junit, html)
    if as_json:
        click.echo(json.dumps(document(report)))
    else:
        for line in (*remedies(report), *([f"the rest was not run: {report.ended_by}"] if report.ended_by else ())):
            click.echo(line)
        click.echo(verdict(report))
    return exits.DONE if report.unfailed and not (strict and report.unrun) else exits.VIOLATED


def _run(
    port: str,
    options: Options,
    door: str | None,
    checks: Sequence[Check],
    *,
    told: Callable[[Result], None],
    begun: Callable[[Facts], None],
) -> Report:
    from controller.bench.errors import InstrumentError
    from controller.conform import Suite
    from controller.serial_link import open_link

    link = open_link(port, purpose="ionto conform")
    try:
        with _ended_by_signals():
            return Suite(link, options, door=_door(link, door), told=told, begun=begun).run(checks)
    except InstrumentError as exc:
        raise click.ClickException(str(exc)) from exc
    finally:
        link.close()


def _door(link: SerialLink, address: str | None) -> DoorCall | None:
    from controller.bench.instruments import door

    if address is not None:
        return door.of_address(address, None).call
    own = link.bench_door
    return None if own is None else door.of_port(own).call


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the suite as Ctrl-C does: by way of its STOP."""

    def heard(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    kept = {number: signal.signal(number, heard) for number in numbers}
    try:
        yield
    except KeyboardInterrupt as exc:
        raise click.Abort from exc
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _write(report: Report, junit: str | None, html: str | None) -> None:
    from controller.conform.report import as_junit

    try:
        if junit is not None:
            Path(junit).write_bytes(as_junit(report))
        if html is not None:
            from controller.conform.page import page

            Path(html).write_text(page(report, datetime.now(UTC).isoformat(timespec="seconds")), "utf-8")
    except OSError as exc:
        raise click.UsageError(f"{exc.filename}: {exc.strerror or exc}; name another file") from exc


# -- what is shown -------------------------------------------------------------------------------------------------


def _silent(_: object) -> None: ...


def _head(facts: Facts) -> None:
    kind = "simulated unit" if facts.simulated else "unit"
    click.echo(f"{kind} {facts.serial} ({facts.model}, firmware {facts.firmware})", err=True)


def _show(result: Result) -> None:
    """One line as it comes; a failure with what a firmware author needs."""
    outcome, check = result.outcome.value, result.check
    mark = click.style(f"{outcome.replace('_', ' '):<7}", fg=_COLOURS[outcome])
    click.echo(f"{mark} {check.id:<9} {check.clause:<5} {check.claim}")
    if result.reason:
        click.echo(f"{'':18}{result.reason}")
    if outcome == "FAIL":
        click.echo(f"{'':18}wanted  {result.wanted}\n{'':18}came    {result.came}")
        for line in result.log[-_LOG_SHOWN:]:
            click.echo(f"{'':18}{line}")
