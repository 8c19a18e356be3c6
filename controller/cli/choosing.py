"""Which runs a command is about: where the records are, filters, and one run by its id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from controller.cli.choice import settings

if TYPE_CHECKING:
    from controller.bench.record import VerificationRecord
    from controller.journal import Record
    from controller.shelf.index import Shelf
    from controller.shelf.query import Query

_F = TypeVar("_F", bound=Callable[..., Any])
_OUTCOMES: Final = (
    "DONE", "STOPPED", "ABORTED", "FAULT", "LINK", "RESET", "TIMEOUT", "REFUSED", "UNKNOWN", "NO RECORD", "UNREADABLE",
    "PASS", "MARGINAL", "FAIL", "ERROR",
)  # fmt: skip

out_option = click.option(
    "--out", metavar="DIR", help="where the records are; else IONTO_OUT, the configuration, or runs"
)


def filters(command: _F) -> _F:
    """Which runs: the same for ``list`` and ``prune``."""
    for option in (
        click.option("--until", metavar="WHEN", help="up to this day, time, or age"),
        click.option("--since", metavar="WHEN", help="from this day (2026-10-01), time (UTC), or age (30d, 12h) on"),
        click.option("--treatment", metavar="TEXT", help="a part of the treatment's name"),
        click.option("--operator", metavar="NAME"),
        click.option("--unit", "--serial", metavar="SERIAL"),
        click.option("--recipe", metavar="NAME", help="verifications by this recipe"),
        click.option("--kind", type=click.Choice(["run", "verification"]), help="runs or verifications alone"),
        click.option("--outcome", metavar="WORD", multiple=True, help=f"{', '.join(_OUTCOMES)}, or FAULT:02"),
    ):
        command = option(command)
    return command


def query_of(
    outcome: tuple[str, ...], unit: str | None, operator: str | None, treatment: str | None,
    since: str | None, until: str | None, limit: int | None, kind: str | None = None, recipe: str | None = None,
    family: str | None = None,
) -> Query:  # fmt: skip
    from controller.shelf.query import Query, moment

    now = datetime.now(UTC)
    try:
        return Query(
            outcome=tuple(map(_outcome, outcome)), unit=unit, operator=operator, treatment=treatment, limit=limit,
            kind=kind, recipe=recipe, family=family,
            since=None if since is None else moment(since, now),
            until=None if until is None else moment(until, now, whole_day=True),
        )  # fmt: skip
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc


def _outcome(word: str) -> str:
    upper = word.upper().replace("-", " ")
    kind, colon, code = upper.partition(":")
    if kind == "FAULT" and colon and code.isdecimal():
        return f"FAULT:{int(code):02d}"
    if upper not in _OUTCOMES:
        raise ValueError(f"{word} is no outcome; write one of {', '.join(_OUTCOMES)}, or a fault as FAULT:02")
    return upper


def shelf_of(out: str | None) -> Shelf:
    from controller.shelf.index import Shelf

    return Shelf.open(settings().out if out is None else Path(out), say)


def say(text: str) -> None:
    click.echo(text, err=True)


def found_of(shelf: Shelf, run: str) -> Record | VerificationRecord:
    """A run, or a verification."""
    folder = shelf.find(run)
    if (folder / "verification.json").exists():
        from controller.bench.record import VerificationRecord

        return VerificationRecord.load(folder)
    from controller.journal import Record

    return Record.load(folder)


def record_of(shelf: Shelf, run: str) -> Record:
    """A run alone."""
    from controller.errors import RecordError
    from controller.journal import Record

    found = found_of(shelf, run)
    if not isinstance(found, Record):
        raise RecordError(f"{run}: this is a verification, and no run; `ionto report {run}` makes its page")
    return found


def of_one_kind(found: list[Record | VerificationRecord]) -> tuple[list[Record], list[VerificationRecord]]:
    """Runs or verifications; both at once have nothing in common."""
    from controller.errors import RecordError
    from controller.journal import Record

    runs = [each for each in found if isinstance(each, Record)]
    others = [each for each in found if not isinstance(each, Record)]
    if runs and others:
        raise RecordError("these are runs and verifications; name one kind")
    return runs, others


def shelf_or_lab(out: str | None) -> Shelf:
    """The lab's database where one is set. A network that is down hides nobody's own runs."""
    from controller.errors import RecordError
    from controller.shelf.index import Shelf

    config = settings()
    folder = config.out if out is None else Path(out)
    if config.store is not None:
        import platform

        try:
            return Shelf.lab(folder, config.store, config.station or platform.node(), say)
        except RecordError as exc:
            say(f"{exc}. Listed are the runs in {folder} alone")
    return Shelf.open(folder, say)
