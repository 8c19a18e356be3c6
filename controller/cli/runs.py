"""``ionto runs``: what is on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from controller.cli.choice import json_option
from controller.errors import RecordError
from controller.journal import Record
from controller.journal import recover as recover_record

_out = click.option("--out", metavar="DIR", default="runs", show_default=True, help="where the records are")


@click.group()
def runs() -> None:
    """What is on record: list, show, recover."""


@runs.command("list")
@_out
@json_option
def list_(out: str, as_json: bool) -> None:
    """List the runs, newest first.

    \b
    Example:  ionto runs list
    """
    rows = [_row(folder) for folder in _folders(Path(out))]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        dose = "" if row["dose_ma_min"] is None else f"{row['dose_ma_min']:8.3f} mA.min"
        click.echo(f"{row['id']}  {row['started_utc'] or '':24}  {row['outcome']:10} {dose:16} {row['name'] or ''}")
    if not rows:
        click.echo(f"no runs in {out}")


def _folders(out: Path) -> list[Path]:
    """Run ids begin with the time, so that names sort by age."""
    if not out.is_dir():
        return []
    return sorted((p for p in out.iterdir() if (p / "wire.log").exists()), key=lambda p: p.name, reverse=True)


def _row(folder: Path) -> dict[str, Any]:
    try:
        data = Record.load(folder).data
    except RecordError:
        return {"id": folder.name, "started_utc": None, "outcome": "CUT OFF", "dose_ma_min": None,
                "name": f"no record: `ionto runs recover {folder}`"}  # fmt: skip
    return {"id": folder.name, "started_utc": data["started_utc"], "outcome": data["outcome"],
            "dose_ma_min": data["dose_ma_min"], "name": data["treatment"]["name"]}  # fmt: skip


def _find(run: str, out: str) -> Path:
    """A run by its path, its id, the beginning of its id, or ``last``."""
    if (Path(run) / "wire.log").exists():
        return Path(run)
    folders = _folders(Path(out))
    found = folders[:1] if run == "last" else [p for p in folders if p.name.startswith(run)]
    if len(found) != 1:
        raise click.UsageError(
            f"{run}: {'no such run' if not found else 'several runs begin like this'} in {out}; `ionto runs list`"
        )
    return found[0]


@runs.command()
@click.argument("run")
@_out
@json_option
def show(run: str, out: str, as_json: bool) -> None:
    """Show one run: RUN is a folder, an id, its beginning, or `last`.

    \b
    Example:  ionto runs show last
    """
    _print(Record.load(_find(run, out)), as_json)


@runs.command()
@click.argument("run")
@_out
@json_option
def recover(run: str, out: str, as_json: bool) -> None:
    """Rebuild record, trace and plot of a run from its wire log, after a crash or a kill.

    \b
    Example:  ionto runs recover last
    """
    _print(recover_record(_find(run, out)), as_json)


def _print(record: Record, as_json: bool) -> None:
    data = record.data
    if as_json:
        click.echo(json.dumps(data))
        return
    low, high = record.dose_interval_ma_min
    unit = data["unit"]
    click.echo(f"{data['treatment']['name']}\n{data['started_utc']} to {data['ended_utc']}")
    click.echo(f"unit     {unit['serial']} on {unit['port']}{' (simulated)' if unit['simulated'] else ''}")
    click.echo(f"outcome  {record.outcome}")
    click.echo(f"dose     {record.dose_ma_min:.3f} mA.min (between {low:.2f} and {high:.2f})")
    for number, phase in enumerate(record.runs, 1):
        reason = f": {phase['reason']}" if phase["reason"] else ""
        click.echo(f"phase {number}  {phase['outcome']}, {phase['dose_ma_min']:.3f} mA.min, "
                   f"peak {phase['peak_ma']:.3f} mA, {phase['duration_s']:.1f} s{reason}")  # fmt: skip
    for warning in data["warnings"]:
        click.echo(f"warning  {warning}")
    click.echo(f"files    {record.folder}")
