"""``ionto report``: a verification as a page, as JUnit XML for a build server, as CSV, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from controller.cli.choice import json_option
from controller.cli.choosing import out_option, shelf_of
from controller.errors import RecordError

_SUFFIX: Final = {"html": "html", "json": "json", "junit": "xml", "csv": "csv"}


@click.command()
@click.argument("path", metavar="PATH", default="last")
@click.option("--format", "form", type=click.Choice(list(_SUFFIX)), default="html", show_default=True)
@click.option("-o", "--to", metavar="FILE", help="where to write; - is standard output")
@out_option
@json_option
def report(path: str, form: str, to: str | None, out: str | None, as_json: bool) -> None:
    """Report a verification: PATH is its folder, its id, the beginning of it, or `last`.

    \b
    Examples:  ionto report last
               ionto report 00MWV4C --format junit -o junit.xml
    """
    from controller.bench.record import VerificationRecord
    from controller.bench.report import FORMATS, log_of, to_html

    if to == "-" and as_json:
        raise click.UsageError("--json and -o - both want standard output; name a file")
    folder = _folder(path, out)
    record = VerificationRecord.load(folder)
    text = to_html(record, log_of(folder)) if form == "html" else FORMATS[form](record)
    if to == "-":
        click.echo(text, nl=False)
        return
    target = Path(f"{record.id}.{_SUFFIX[form]}" if to is None else to)
    try:
        target.write_text(text, "utf-8", newline="")
    except OSError as exc:
        raise click.UsageError(f"{target}: {exc.strerror or exc}; name another file with -o") from exc
    click.echo(json.dumps({"file": str(target)}) if as_json else f"wrote {target}")


def _folder(path: str, out: str | None) -> Path:
    from controller.shelf.entry import VERIFICATION
    from controller.shelf.query import Query

    if Path(path).is_file():
        return Path(path)
    with shelf_of(out) as shelf:
        if path != "last":
            return shelf.find(path)
        newest = shelf.entries(Query(kind=VERIFICATION, limit=1))
        if not newest:
            raise RecordError(f"no verification in {shelf.folder}; `ionto verify` makes one")
        return shelf.folder / newest[0].id
