"""``ionto runs prune``: deletes what nobody needs, and says why the rest stays."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli import exits
from controller.cli.choice import json_option
from controller.cli.choosing import filters, out_option, query_of, say, shelf_of

if TYPE_CHECKING:
    from controller.shelf.prune import Candidate


@click.command()
@out_option
@filters
@click.option("--keep", type=click.IntRange(1), metavar="N", help="keep the N newest of these runs")
@click.option("--reports", metavar="DIR", multiple=True, help="another folder whose reports may name runs")
@click.option("--force", is_flag=True, help="evidence too: faults, people, what a report names")
@click.option("--dry-run", is_flag=True, help="say what would go, delete nothing")
@click.option("--yes", is_flag=True, help="do not ask")
@json_option
def prune(
    out: str | None, keep: int | None, reports: tuple[str, ...], force: bool, dry_run: bool, yes: bool, as_json: bool,
    **asked: Any,  # noqa: ANN401 - of filters
) -> int:  # fmt: skip
    """Delete runs that nobody needs; evidence stays, and it asks first.

    \b
    Examples:  ionto runs prune --until 180d
               ionto runs prune --treatment "Bench load" --keep 20
    """
    from controller.shelf.prune import candidates, named_in, remove, sweep

    query = query_of(**asked, limit=None)
    if keep is None and query.is_everything:
        raise click.UsageError("which runs? Name some with --until, --treatment, --outcome and the like, or --keep N")
    with shelf_of(out) as shelf:
        folders = [shelf.folder / entry.id for entry in shelf.entries(query)][keep or 0 :]
        found = candidates(folders, named_in([shelf.folder, *map(Path, reports)]))
    going = [each for each in found if each.reason is None or (force and not each.is_open)]
    staying = [each for each in found if each not in going]
    if not as_json:
        _tell(going, staying)
    if going and not dry_run:
        _ask(len(going), yes, as_json)
        sweep(shelf.folder)
        for each in going:
            remove(each.folder)
    say(f"{len(going)} of {len(found)} runs {'would be deleted' if dry_run else 'deleted'}")
    if as_json:
        kept = {each.folder.name: each.reason for each in staying}
        click.echo(json.dumps({"deleted": [each.folder.name for each in going], "kept": kept, "dry_run": dry_run}))
    return exits.DONE


def _tell(going: list[Candidate], staying: list[Candidate]) -> None:
    for each in staying:
        click.echo(f"keep    {each.folder.name}  {each.reason}")
    for each in going:
        click.echo(f"delete  {each.folder.name}" + (f"  although {each.reason}" if each.reason else ""))


def _ask(number: int, yes: bool, as_json: bool) -> None:
    if yes:
        return
    what = "1 run" if number == 1 else f"{number} runs"
    if as_json or not sys.stdin.isatty():
        raise click.UsageError(f"{what} to delete: add --yes, or --dry-run to look first")
    click.confirm(f"delete {what} for good?", abort=True, err=True)
