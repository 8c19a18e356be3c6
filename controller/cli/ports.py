"""``ionto ports``: what is plugged in, and who holds it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from controller.cli.choice import json_option


@click.command()
@json_option
def ports(as_json: bool) -> None:
    """List ports with VID:PID, serial number and who holds them.

    \b
    Example:  ionto ports
    """
    from controller.serial_link import list_ports

    found = list_ports()
    if as_json:
        click.echo(json.dumps([asdict(port) for port in found]))
        return
    for port in found:
        ids = "         " if port.vid is None or port.pid is None else f"{port.vid:04X}:{port.pid:04X}"
        held = f"  held by {port.holder.purpose} (pid {port.holder.pid})" if port.holder is not None else ""
        click.echo(f"{port.device:20} {ids}  {port.serial_number or '-':16} {port.description or ''}{held}")
    if not found:
        click.echo("no serial port found; sim:// is always there (the bundled simulator)")
