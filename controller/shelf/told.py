"""A record in lines of text, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from controller.journal import Record
from controller.shelf.entry import asked_ma_min
from controller.shelf.traces import changed_files


def lines_of(record: Record) -> Iterator[str]:
    """Everything that matters, what is out of the ordinary last but one; the folder last."""
    data, unit, host = record.data, record.data["unit"], record.data["host"]
    low, high = record.dose_interval_ma_min
    asked = sum(map(asked_ma_min, data["treatment"]["phase"]))
    yield f"{data['treatment']['name']}\n{data['started_utc']} to {data['ended_utc']}"
    yield f"run      {data['run_set']}"
    where = f"scenario {data['scenario']}, seed {data['seed']}" if unit["simulated"] else f"on {unit['port']}"
    simulated = "simulated, " if unit["simulated"] else ""
    yield f"unit     {unit['serial']} ({simulated}{unit['model']}, firmware {unit['firmware']}), {where}"
    if data["operator"] is not None or data["station"] is not None:
        yield f"operator {data['operator'] or 'not named'}" + (
            f", station {data['station']}" if data["station"] else ""
        )
    yield f"outcome  {record.outcome}"
    yield f"dose     {record.dose_ma_min:.3f} of {asked:g} mA.min (between {low:.2f} and {high:.2f})"
    yield f"peak     {data['peak_ma']:.3f} mA   duration {data['duration_s']:.1f} s"
    yield from _phases(record)
    if counted := {name: number for name, number in data["counters"].items() if number}:
        yield "line     " + ", ".join(f"{name} {number}" for name, number in counted.items())
    yield f"host     ionto {host['version']}, Python {host['python']}, {host['platform']}"
    for warning in data["warnings"]:
        yield f"warning  {warning}"
    for name in changed_files(record):
        yield f"CHANGED  {name} is not what the record says it was"
    yield f"files    {record.folder}"


def _phases(record: Record) -> Iterator[str]:
    for phase in record.runs:
        reason = f": {phase['reason']}" if phase.get("reason") else ""
        yield (
            f"phase {phase['phase']}  {phase['outcome']}, {phase['dose_ma_min']:.3f} mA.min, "
            f"peak {phase['peak_ma']:.3f} mA, {phase['duration_s']:.1f} s{reason}"
        )
