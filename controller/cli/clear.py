"""``ionto clear``: latched faults, one by one, by hand."""

from __future__ import annotations

import json

import click

from controller.cli import exits
from controller.cli.choice import chosen, fault_names, json_option, port_option, say_which
from controller.errors import CommandRefused
from controller.unit import Unit


@click.command()
@port_option
@json_option
def clear(port: str | None, as_json: bool) -> int:
    """Clear latched faults whose cause has been gone for 2 s.

    \b
    Example:  ionto clear --port /dev/ttyACM0
    """
    name = chosen(port)
    with Unit.open(name, purpose="ionto clear") as unit:
        say_which(name, unit.facts)
        faults = fault_names(unit.status().faults)
        rows = [_clear(unit, fault) for fault in faults]
    if as_json:
        click.echo(json.dumps(rows))
    else:
        for row in rows:
            click.echo(f"{row['code']:02d} {row['name']}: {row['result']}")
        if not rows:
            click.echo("no fault is latched")
    return exits.DONE if all(row["cleared"] for row in rows) else exits.REFUSED


def _clear(unit: Unit, fault: dict[str, object]) -> dict[str, object]:
    try:
        unit.clear(int(str(fault["code"])))
    except CommandRefused as exc:
        why = "its cause is still there, or was until less than 2 s ago" if exc.code == 17 else str(exc)
        return {**fault, "cleared": False, "result": f"not cleared: {why}"}
    return {**fault, "cleared": True, "result": "cleared"}
