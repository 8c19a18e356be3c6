"""``ionto runs``: what is on record.

Thin: each command asks ``controller.shelf`` and prints. What it needs is imported when it runs, because a list must
not pay for plots, nor a plot for a database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from controller.cli.audit import audit
from controller.cli.choice import json_option
from controller.cli.choosing import (
    filters,
    found_of,
    of_one_kind,
    out_option,
    query_of,
    record_of,
    say,
    shelf_of,
    shelf_or_lab,
)
from controller.cli.prune import prune
from controller.cli.yields import yield_

if TYPE_CHECKING:
    from controller.bench.record import VerificationRecord
    from controller.journal import Record
    from controller.shelf.compare import Row
    from controller.shelf.entry import Entry
    from controller.shelf.index import Shelf

_FORMATS: Final = ("csv", "html", "json", "parquet")

_to = click.option("--to", metavar="FILE", help="where to write; - is standard output")


@click.group()
def runs() -> None:
    """What is on record: list, show, plot, compare, export, yield, recover, prune.

    \b
    Example:  ionto runs list --since 7d
    """


# -- list ----------------------------------------------------------------------------------------------------------


@runs.command("list")
@out_option
@filters
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="at most this many; 0: all")
@json_option
def list_(out: str | None, limit: int, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 - of filters
    """List the runs, newest first.

    \b
    Examples:  ionto runs list
               ionto runs list --outcome FAULT --since 30d
               ionto runs list --kind verification --serial SN0042
    """
    query = query_of(**asked, limit=limit or None)
    with shelf_or_lab(out) as shelf:
        entries, total = shelf.entries(query), shelf.count(query)
        if as_json:
            click.echo(json.dumps([_row(shelf, entry) for entry in entries]))
            return
        for entry in entries:
            click.echo(_line(shelf, entry))
        if not entries:
            click.echo(f"no runs in {shelf.folder}" + ("" if query.is_everything else " that are asked for"))
        elif total > len(entries):
            say(f"{len(entries)} of {total}; --limit 0 lists all")


def _row(shelf: Shelf, entry: Entry) -> dict[str, Any]:
    return {**entry.as_dict(), "folder": shelf.place_of(entry)}


def _line(shelf: Shelf, entry: Entry) -> str:
    if entry.problem is not None:
        what = entry.problem
    elif entry.kind == "verification":
        what = _verified(entry)
    else:
        dose = f"{entry.dose_ma_min:8.3f} of {entry.target_ma_min:g} mA.min"
        who = f"{entry.operator}  " if entry.operator else ""
        what = f"{dose:24}  {entry.unit:8}  {who}{entry.name}"
    elsewhere = "" if entry.root == shelf.root else f"  [{shelf.place_of(entry)}]"
    return f"{entry.id}  {entry.recorded_utc[:16].replace('T', ' ')}  {entry.outcome:10}  {what}{elsewhere}"


def _verified(entry: Entry) -> str:
    failing = f"  first to fail: {entry.failing}" if entry.failing else ""
    who = f"{entry.operator}  " if entry.operator else ""
    return f"{f'{entry.measured} measured':24}  {entry.unit:8}  {who}{entry.name}{failing}"


# -- one run -------------------------------------------------------------------------------------------------------


@runs.command()
@click.argument("run")
@out_option
@json_option
def show(run: str, out: str | None, as_json: bool) -> None:
    """Show one run: RUN is a folder, an id, its beginning, or `last`.

    \b
    Example:  ionto runs show last
    """
    with shelf_of(out) as shelf:
        _print(found_of(shelf, run), as_json)


@runs.command()
@click.argument("run")
@out_option
@json_option
def recover(run: str, out: str | None, as_json: bool) -> None:
    """Rebuild the record of a run or a verification from its wire log, after a crash or a kill.

    \b
    Example:  ionto runs recover last
    """
    from controller.bench.log import is_verification, recover_verification
    from controller.journal import recover as recover_record

    with shelf_of(out) as shelf:
        folder = shelf.find(run)
        if is_verification(folder):
            from controller.cli.verify import leave_reports, tell

            record = recover_verification(folder)
            leave_reports(record)
            tell(record, as_json=as_json)
        else:
            _print(recover_record(folder), as_json)


def _print(found: Record | VerificationRecord, as_json: bool) -> None:
    from controller.journal import Record

    if as_json:
        click.echo(json.dumps(found.data if isinstance(found, Record) else found.as_dict()))
        return
    for line in _told(found):
        click.echo(line)


def _told(found: Record | VerificationRecord) -> Iterator[str]:
    from controller.journal import Record

    if isinstance(found, Record):
        from controller.shelf.told import lines_of

        return lines_of(found)
    from controller.bench.report.told import lines_of as lines_of_verification

    return lines_of_verification(found)


# -- several runs --------------------------------------------------------------------------------------------------


@runs.command()
@click.argument("run", nargs=-1, required=True)
@out_option
@_to
@json_option
def plot(run: tuple[str, ...], out: str | None, to: str | None, as_json: bool) -> None:
    """Draw one run, or up to eight over one another, as an SVG file.

    \b
    Examples:  ionto runs plot last
               ionto runs plot 00MWV4C 00MWV5 --to both.svg
    """
    from controller.shelf.overlay import overlay

    with shelf_of(out) as shelf:
        records = [record_of(shelf, name) for name in run]
    _write([overlay(records)], _target(to, records, "svg"), as_json)


@runs.command()
@click.argument("first")
@click.argument("second")
@out_option
@json_option
def compare(first: str, second: str, out: str | None, as_json: bool) -> None:
    """Two runs, or two verifications, side by side. A * marks what differs.

    \b
    Example:  ionto runs compare 00MWV4C last
    """
    with shelf_of(out) as shelf:
        found = [found_of(shelf, name) for name in (first, second)]
    rows = _compared(*of_one_kind(found))
    ids = [_id(each) for each in found]
    if as_json:
        click.echo(
            json.dumps(
                {"first": ids[0], "second": ids[1], "rows": [{**row._asdict(), "same": row.same} for row in rows]}
            )
        )
        return
    click.echo(f"{'':28}{ids[0]:28}{ids[1]:28}difference")
    for row in rows:
        mark = " " if row.same else "*"
        change = "" if row.same or row.difference is None else f"{row.difference:+g}"
        click.echo(f"{mark} {row.what:26}{_cell(row.first):28}{_cell(row.second):28}{change}".rstrip())


def _compared(records: list[Record], verifications: list[VerificationRecord]) -> list[Row]:
    if records:
        from controller.shelf.compare import compare as compare_records

        return compare_records(*records)
    from controller.bench.report.side_by_side import compare as compare_verifications

    return compare_verifications(*verifications)


def _id(found: Record | VerificationRecord) -> str:
    from controller.journal import Record

    return str(found.data["run_set"]) if isinstance(found, Record) else found.id


def _cell(value: str | float | None) -> str:
    text = "-" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 26 else text[:25] + "…"


@runs.command()
@click.argument("run", nargs=-1, required=True)
@out_option
@click.option("--format", "form", type=click.Choice(_FORMATS), default="csv", show_default=True)
@_to
@json_option
def export(run: tuple[str, ...], out: str | None, form: str, to: str | None, as_json: bool) -> None:
    """Write runs for other programs (csv, json, parquet), or to read and print (html).

    \b
    Examples:  ionto runs export last --format html
               ionto runs export 00MWV4C 00MWV5 --format parquet --to both.parquet
    """
    with shelf_of(out) as shelf:
        records, verifications = of_one_kind([found_of(shelf, name) for name in run])
    if verifications:
        target = _named(to, verifications[0].id if len(verifications) == 1 else "verifications", form)
        _write(_text_of_verifications(form, verifications), target, as_json)
        return
    _warn_of_changes(records)
    target = _target(to, records, form)
    if form == "parquet":
        from controller.shelf.export import to_parquet

        if target is None:
            raise click.UsageError("parquet is no text: name a file with --to")
        to_parquet(records, target)
        _wrote(target, as_json)
    else:
        _write(_text(form, records), target, as_json)


def _text(form: str, records: list[Record]) -> Iterable[str]:
    from controller.shelf import export as exports
    from controller.shelf.page import page

    match form:
        case "csv":
            return exports.to_csv(records)
        case "json":
            return exports.to_json(records)
        case _:
            return [page(records)]


def _text_of_verifications(form: str, found: list[VerificationRecord]) -> Iterable[str]:
    from controller.bench.report import to_csv, to_html

    match form:
        case "csv":
            first, *rest = map(to_csv, found)
            return [first, *(text.partition("\n")[2] for text in rest)]
        case "json":
            return [json.dumps({"format": 1, "verifications": [each.as_dict() for each in found]}) + "\n"]
        case "html" if len(found) == 1:
            return [to_html(found[0])]
        case "html":
            raise click.UsageError("a page holds one verification; name one, or take --format csv")
        case _:
            raise click.UsageError("parquet holds the traces of runs, and a verification has none; take --format csv")


def _warn_of_changes(records: list[Record]) -> None:
    from controller.shelf.traces import changed_files

    for record in records:
        for name in changed_files(record):
            say(f"warning: {record.folder}: {name} is not what the record says it was")


def _target(to: str | None, records: list[Record], suffix: str) -> Path | None:
    return _named(to, str(records[0].data["run_set"]) if len(records) == 1 else "runs", suffix)


def _named(to: str | None, name: str, suffix: str) -> Path | None:
    """None: standard output."""
    return None if to == "-" else Path(f"{name}.{suffix}" if to is None else to)


def _write(pieces: Iterable[str], target: Path | None, as_json: bool) -> None:
    if target is None:
        if as_json:
            raise click.UsageError("--json and --to - both want standard output; name a file")
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    whole = list(pieces)  # a trace that is damaged leaves no half file
    try:
        with target.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(whole)
    except OSError as exc:
        raise click.UsageError(f"{target}: {exc.strerror or exc}; name another file with --to") from exc
    _wrote(target, as_json)


def _wrote(target: Path, as_json: bool) -> None:
    click.echo(json.dumps({"file": str(target)}) if as_json else f"wrote {target}")


runs.add_command(audit)
runs.add_command(prune)
runs.add_command(yield_)
