"""``ionto info``: what a unit says of itself, by the plain door, so that it works beside a running session too."""

from __future__ import annotations

import json
from typing import Any

import click

from controller.cli.choice import chosen, fault_names, json_option, port_option, say_which
from controller.unit import Status, Unit

_COUNTERS = ("bad_crc", "poisoned", "overlong", "resets")


@click.command()
@port_option
@json_option
def info(port: str | None, as_json: bool) -> None:
    """Show identity, limits, faults and counters of a unit.

    \b
    Example:  ionto info --port /dev/ttyACM0
    """
    name = chosen(port)
    with Unit.open(name, purpose="ionto info") as unit:
        facts, status = unit.facts, unit.status()
        counters = dict(zip(_COUNTERS, map(int, unit.query("SYST:COUN?").split(",")), strict=True))
        say_which(name, facts)
    data: dict[str, Any] = {
        "unit": {"serial": facts.serial, "model": facts.model, "firmware": facts.firmware, "boot": facts.boot},
        "port": name,
        "simulated": facts.simulated,
        "limits": {
            "current_ma": facts.imax_ua / 1000,
            "dose_ma_min": facts.qmax_uc / 60_000,
            "compliance_v": facts.vcomp_mv / 1000,
            "lease_s": facts.lease_ms / 1000,
        },
        "capabilities": sorted(facts.capabilities),
        "state": status.state.value,
        "run": status.run,
        "faults": fault_names(status.faults),
        "counters": counters,
    }
    if as_json:
        click.echo(json.dumps(data))
        return
    for line in _lines(data, status):
        click.echo(line)


def _lines(data: dict[str, Any], status: Status) -> list[str]:
    limits = data["limits"]
    faults = [f"fault    {f['code']:02d} {f['name']}: {f['text']}" for f in data["faults"]]
    return [
        f"state    {data['state']}, {status.i_ua / 1000:.3f} mA, {status.v_mv / 1000:.2f} V",
        f"limits   {limits['current_ma']:g} mA, {limits['dose_ma_min']:g} mA.min, {limits['compliance_v']:g} V, "
        f"lease {limits['lease_s']:g} s",
        f"can      {', '.join(data['capabilities'])}",
        f"boot     {data['unit']['boot']}",
        f"line     {', '.join(f'{key} {value}' for key, value in data['counters'].items())}",
        *(faults or ["faults   none"]),
    ]
