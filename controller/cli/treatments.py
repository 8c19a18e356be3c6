"""``ionto treatments``: presets, and a file to start from."""

from __future__ import annotations

import json
from pathlib import Path

import click

from controller.cli.choice import json_option


@click.group()
def treatments() -> None:
    """Presets of known treatments, and a commented file to start from."""


@treatments.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the presets.

    \b
    Example:  ionto treatments list
    """
    from controller.treatment import presets

    if as_json:
        click.echo(json.dumps([{"name": p.name, "title": p.title, "summary": p.summary} for p in presets()]))
        return
    for preset in presets():
        click.echo(f"preset:{preset.name:20} {preset.title}\n{'':28}{preset.summary}")


@treatments.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a preset as it is, to read or to copy.

    \b
    Example:  ionto treatments show lidosite > mine.toml
    """
    from controller.treatment import preset_text

    click.echo(preset_text(name.removeprefix("preset:")), nl=False)


@treatments.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def new(file: Path) -> None:
    """Write a commented treatment file to start from.

    \b
    Example:  ionto treatments new mine.toml
    """
    from controller.treatment import new_file_text

    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(new_file_text())
    except FileExistsError as exc:
        raise click.UsageError(f"{file} exists already; choose another name") from exc
    except OSError as exc:
        raise click.UsageError(f"{file}: {exc.strerror}") from exc
    click.echo(f"wrote {file}; `ionto plan {file}` tells what is still missing")
