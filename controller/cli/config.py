"""``ionto config``: the values in force, and where each comes from."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from controller.cli import exits
from controller.cli.choice import json_option
from controller.config import KEYS, Config, ConfigError, config_file, masked, read_config


@click.group()
def config() -> None:
    """What is set, by option, environment, file or default, in this order.

    \b
    Example:  ionto config show
    """


@config.command()
@json_option
def show(as_json: bool) -> int:
    """Show each value in force and where it comes from.

    \b
    Example:  ionto config show
    """
    try:
        in_force = read_config()
    except ConfigError as exc:
        if as_json:
            click.echo(json.dumps({"file": str(_file()), "values": None, "problems": list(exc.problems)}))
        for problem in exc.problems:
            click.echo(problem, err=True)
        return exits.USAGE
    if as_json:
        click.echo(json.dumps(_document(in_force)))
        return exits.DONE
    there = "" if in_force.file.exists() else " (not there: all is as the environment and the defaults say)"
    click.echo(f"{'file':13} {in_force.file}{there}")
    for key in KEYS:
        setting = in_force.settings[key.name]
        origin = setting.source if not setting.where else f"{setting.source}: {setting.where}"
        click.echo(f"{key.name:13} {_shown(key.name, in_force) or '-':24} {origin}")
    return exits.DONE


@config.command()
@json_option
def path(as_json: bool) -> None:
    """Print where the configuration file is looked for; it need not exist.

    \b
    Example:  $EDITOR "$(ionto config path)"
    """
    file = _file()
    click.echo(json.dumps({"file": str(file), "exists": file.exists()}) if as_json else str(file))


def _file() -> Path:
    return config_file(os.environ, sys.platform, Path.home())


def _shown(name: str, in_force: Config) -> str:
    value = in_force.settings[name].value
    if value is None:
        return ""
    return masked(str(value)) if name == "store" else str(value)


def _document(in_force: Config) -> dict[str, Any]:
    values = {}
    for key in KEYS:
        setting = in_force.settings[key.name]
        value = setting.value if key.name != "store" or setting.value is None else masked(str(setting.value))
        values[key.name] = {
            "value": value, "source": setting.source, "where": setting.where or None,
            "variable": key.variable, "meaning": key.meaning,
        }  # fmt: skip
    return {"file": str(in_force.file), "exists": in_force.file.exists(), "values": values, "problems": []}
