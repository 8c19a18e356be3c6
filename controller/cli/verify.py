"""``ionto verify``: bench acceptance of a unit."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import click

from controller.bench.errors import Aborted, RecipeError, Refusal
from controller.bench.eye import WatchedUnit
from controller.bench.instruments.fitting import fitted
from controller.bench.measurement import Measurement, Outcome
from controller.bench.recipe import load_recipe
from controller.bench.record import Verdict, VerificationRecord
from controller.bench.station import Station, load_station, refuse_overdue
from controller.bench.verify import LINK, UNCERTAIN, Verification
from controller.cli import exits
from controller.cli.choice import json_option, port_option, say_which, settings
from controller.cli.run import ask_before_current

if TYPE_CHECKING:
    from controller.bench.procedures.procedure import Procedure

_ENDING: Final = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_COLOURS: Final = {
    Outcome.PASS: "green", Outcome.MARGINAL: "yellow", Outcome.FAIL: "red", Outcome.NOT_MEASURED: None,
}  # fmt: skip
_EXITS: Final = {Verdict.PASS: exits.DONE, Verdict.FAIL: exits.VIOLATED, Verdict.ABORTED: exits.STOPPED}
_OF_DETAIL: Final = {LINK: exits.LINK, UNCERTAIN: exits.UNCERTAIN}


@click.command()
@click.argument("recipe", metavar="RECIPE")
@port_option
@click.option("--station", "station_file", metavar="FILE", type=click.Path(dir_okay=False), help="station file (TOML)")
@click.option("--operator", metavar="NAME", help="who measures; else IONTO_OPERATOR")
@click.option("--serial", metavar="SN", help="the unit that is meant, as its label says; another one is refused")
@click.option("--out", metavar="DIR", help="where the record goes; else IONTO_OUT, or runs")
@click.option(
    "--allow-overdue", is_flag=True, help="use an instrument whose calibration is overdue; the record says so"
)
@click.option("--yes", is_flag=True, help="do not ask before current flows")
@json_option
def verify(
    recipe: str,
    port: str | None,
    station_file: str | None,
    operator: str | None,
    serial: str | None,
    out: str | None,
    allow_overdue: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Measure a unit against a recipe, judge every measurement, and keep the record.

    \b
    Examples:  ionto verify smoke
               ionto verify acceptance --port /dev/ttyACM0 --station bench1.toml --serial SN0042
               ionto verify bench/my-family.toml --port socket://host:5025 --operator Mia
    RECIPE is smoke, acceptance, full, calibration, or a file. Only bench loads are driven. Ctrl-C stops.
    """
    usual = settings()
    try:
        what = load_recipe(recipe)
        station = load_station(Path(station_file)) if station_file else Station(name=usual.station or "no station file")
        today = _today(station)
        warnings = refuse_overdue(station, today, allow=allow_overdue)
    except (RecipeError, Refusal) as exc:
        raise click.ClickException(str(exc)) from exc
    attended = sys.stdin.isatty() and not as_json
    name = port or usual.port
    with WatchedUnit.open(name, purpose=f"ionto verify {what.name}") as unit, ExitStack() as stack:
        say_which(name, unit.facts)
        if not unit.facts.simulated:
            serial = _scanned(serial, attended=attended and not yes)
            if not yes:
                ask_before_current(attended)
        instruments = stack.enter_context(
            fitted(unit, station, today=today, tell=_tell, ask=_ask if attended else _nobody)
        )
        if instruments.load.identity.driver == "prompts" and not attended:
            raise click.UsageError("resistors are fitted by hand here: run it at a terminal, or name a [load]")
        try:
            verification = Verification(
                unit, what, station, instruments, out=usual.out if out is None else Path(out),
                operator=operator or usual.operator, serial=serial, warnings=tuple(warnings),
                shown=_show_json if as_json else _show, begun=None if as_json else _head,
            )  # fmt: skip
        except Refusal as exc:
            raise click.ClickException(str(exc)) from exc
        with _Signals(verification):
            record = verification.run()
    leave_reports(record)
    tell(record, as_json=as_json)
    return exit_code(record)


def leave_reports(record: VerificationRecord) -> None:
    """Beside the record; one that cannot be written is told, and `ionto report` makes it another time."""
    if record.folder is None:
        return
    from controller.bench.report import write_all
    from controller.errors import RecordError

    try:
        write_all(record, record.folder)
    except RecordError as exc:
        click.echo(str(exc), err=True)


def _today(station: Station) -> date:
    """The day at the station, by which calibrations are due."""
    return datetime.now(UTC if station.time_zone is None else ZoneInfo(station.time_zone)).date()


def _scanned(serial: str | None, *, attended: bool) -> str | None:
    """A scanner types as a keyboard does, and ends with Enter."""
    if serial is not None or not attended:
        return serial
    return str(click.prompt("serial number on the unit's label", err=True)).strip()


def _tell(text: str) -> None:
    click.secho(f"  >> {text}", bold=True, err=True)


def _ask(text: str) -> None:
    """Nothing flows while a person is asked, so Ctrl-C, Ctrl-D and a signal to end are a plain no."""
    _forget_typed()
    kept = {number: signal.signal(number, signal.default_int_handler) for number in _ENDING}
    click.secho(f"  >> {text} ", bold=True, nl=False, err=True)
    try:
        if not sys.stdin.readline():
            raise Aborted("ended by the operator, who was asked for something")
    except KeyboardInterrupt as exc:
        raise Aborted("ended by the operator, who was asked for something") from exc
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _forget_typed() -> None:
    """An Enter that was typed ahead, or a scanner's second one, fits no resistor."""
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios

        with suppress(termios.error, ValueError, OSError):  # no terminal, and nothing to forget
            termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _nobody(text: str) -> None:
    raise Aborted(f"somebody is needed ({text}), and this is no terminal")


class _Signals:
    """Ctrl-C once is STOP, twice is ABORT; SIGTERM and SIGHUP are STOP. The verification ends ABORTED."""

    def __init__(self, verification: Verification) -> None:
        self._stand = verification.stand
        self._saved: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in _ENDING:
            self._saved[number] = signal.signal(number, self._heard)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._saved.items():
            signal.signal(number, handler)

    def _heard(self, number: int, _: object) -> None:
        stand, drive = self._stand, self._stand.drive
        if number == signal.SIGINT and stand.stop_wanted is not None and drive is not None:
            drive.session.request_abort("Ctrl-C twice")
        stand.stop_wanted = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        stand.unit.link.wake()


# -- what is shown -------------------------------------------------------------------------------------------------


def _head(procedure: Procedure) -> None:
    click.secho(procedure.title, bold=True)


def _show(m: Measurement) -> None:
    """One line of the table, as it comes."""
    d = m.definition
    mark = click.style(f"{m.outcome.value.replace('_', ' '):<12}", fg=_COLOURS[m.outcome])
    if m.value is None:
        click.echo(f"  {mark} {d.name:<36} {m.reason}")
    else:
        click.echo(f"  {mark} {d.name:<36} {m.value:>12.5g} {d.unit:<5} {d.limits.text}")


def _show_json(m: Measurement) -> None:
    click.echo(json.dumps(m.as_dict()))


def tell(record: VerificationRecord, *, as_json: bool) -> None:
    """How it ended, and where the record is."""
    say: Callable[[str], None] = (lambda _: None) if as_json else click.echo
    if as_json:
        click.echo(json.dumps(summary(record)))
    found = list(record.measurements)
    tally = ", ".join(
        f"{count} {outcome.value.lower().replace('_', ' ')}"
        for outcome in Outcome
        if (count := sum(each.outcome is outcome for each in found))
    )
    say(f"{record.outcome.value}  {record.test_name}, unit {record.dut_id}, attempt {record.attempt}: {tally}")
    for detail in record.outcome_details:
        say(f"  {detail.code}  {detail.description}")
    for warning in record.warnings:
        say(f"  warning  {warning}")
    if record.folder is not None:
        say(f"record   {record.folder}")


def summary(record: VerificationRecord) -> dict[str, Any]:
    """The last JSON document."""
    whole = record.as_dict()
    keys = ("outcome", "outcome_details", "first_failing", "test_name", "dut_id", "station_id", "attempt", "warnings")
    return {key: whole[key] for key in keys} | {"record": None if record.folder is None else str(record.folder)}


def exit_code(record: VerificationRecord) -> int:
    """0 passed, 8 failed, 6 ended by a person; else by what was wrong with the bench."""
    code = _EXITS.get(record.outcome)
    if code is not None:
        return code
    return next((_OF_DETAIL[each.code] for each in record.outcome_details if each.code in _OF_DETAIL), exits.FAULT)
