"""One run as a row: what the index holds of it, and how that is read from the run's folder.

The fields of ``Entry`` are the schema, for SQLite and for a lab's database: ``query`` makes its SQL from them, so
that there is no second list of columns to keep in step. A change of the fields is a new ``SCHEMA``.

A folder without a readable record is a row too, with the reason: a run that is missing from a list is a run that
nobody looks for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from math import floor, isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple

SCHEMA: Final = 1
WIRE_LOG, RECORD = "wire.log", "record.json"
NO_RECORD: Final = "NO RECORD"
UNREADABLE: Final = "UNREADABLE"


class Entry(NamedTuple):
    """A run in the index. ``id`` is the folder's name, ``root`` which shelf it stands on."""

    id: str
    root: str
    stamp: str  # size and time of the file that it was read from
    recorded_utc: str  # what lists are ordered by: see ``_recorded``
    outcome: str
    problem: str | None  # why there is no readable record, and the remedy
    name: str  # of the treatment
    load: str | None
    phases: int
    current_ma: float | None  # highest asked for
    target_ma_min: float | None
    dose_ma_min: float | None
    dose_low_ma_min: float | None
    dose_high_ma_min: float | None
    peak_ma: float | None
    duration_s: float | None
    fault: int | None
    warnings: int
    complete: int
    unit: str
    model: str
    firmware: str
    port: str
    simulated: int
    operator: str | None
    station: str | None
    started_utc: str | None
    ended_utc: str | None
    run_ids: str  # of the phases, as the unit knows them, each after a blank
    name_key: str  # casefolded, to search in: databases differ in what they take for a capital
    operator_key: str

    def as_dict(self) -> dict[str, Any]:
        """For people and programs: without what only the index needs."""
        hidden = ("stamp", "name_key", "operator_key", "root")
        plain = {key: value for key, value in self._asdict().items() if key not in hidden}
        truths = {key: bool(plain[key]) for key in ("simulated", "complete")}
        return plain | truths | {"run_ids": self.run_ids.split()}


def stamp_of(folder: str) -> str | None:
    """What the files of a run looked like; None: this is no run's folder."""
    try:
        found = os.stat(f"{folder}/{RECORD}")
    except OSError:
        try:
            found = os.stat(f"{folder}/{WIRE_LOG}")
        except OSError:
            return None
        return f"log {found.st_mtime_ns} {found.st_size}"
    return f"{found.st_mtime_ns} {found.st_size}"


def read_entry(folder: Path, root: str, stamp: str) -> Entry:
    """The row of a run's folder, whatever state the folder is in."""
    from controller.errors import RecordError
    from controller.journal import Record

    if stamp.startswith("log"):
        remedy = f"no record: the run is still open, or was cut off; `ionto runs recover {folder}` rebuilds it"
        return _bare(folder, root, stamp, NO_RECORD, remedy)
    try:
        return _whole(Record.load(folder).data, folder, root, stamp)
    except RecordError as exc:
        return _bare(folder, root, stamp, UNREADABLE, str(exc))
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as exc:
        what = f"{folder / RECORD}: it is not as the schema of records says ({type(exc).__name__}: {exc})"
        return _bare(folder, root, stamp, UNREADABLE, f"{what}; `ionto runs recover {folder}` rebuilds it")


def _whole(data: Mapping[str, Any], folder: Path, root: str, stamp: str) -> Entry:
    treatment, unit, phases = data["treatment"], data["unit"], data["treatment"]["phase"]
    low, high = data["dose_interval_ma_min"]
    name, operator = _plain(treatment["name"]), _text(data.get("operator"))
    return Entry(
        id=folder.name, root=root, stamp=stamp, recorded_utc=_recorded(data, folder),
        outcome=_plain(data["outcome"]), problem=None,
        name=name, load=_text(treatment.get("load")), phases=len(phases),
        current_ma=max((_real(phase["current_ma"]) for phase in phases), default=None),
        target_ma_min=_real(round(sum(map(asked_ma_min, phases)), 6)),
        dose_ma_min=_real(data["dose_ma_min"]), dose_low_ma_min=_real(low), dose_high_ma_min=_real(high),
        peak_ma=_real(data["peak_ma"]), duration_s=_real(data["duration_s"]),
        fault=None if data["fault"] is None else _whole_number(data["fault"]),
        warnings=len(data["warnings"]), complete=int(bool(data["complete"])),
        unit=_plain(unit["serial"]), model=_plain(unit["model"]), firmware=_plain(unit["firmware"]),
        port=_plain(unit["port"]), simulated=int(bool(unit["simulated"])),
        operator=operator, station=_text(data.get("station")),
        started_utc=_plain(data["started_utc"]), ended_utc=_plain(data["ended_utc"]),
        run_ids="".join(f" {_plain(run['run'])}" for run in data["runs"]),
        name_key=name.casefold(), operator_key="" if operator is None else operator.casefold(),
    )  # fmt: skip


def _real(value: object) -> float:
    """JSON as Python reads it has NaN; a database has not."""
    number = float(value)  # type: ignore[arg-type]  # what is no number raises, and is told
    if not isfinite(number):
        raise ValueError(f"{value} is no quantity")
    return number


def _whole_number(value: object) -> int:
    number = int(value)  # type: ignore[call-overload]  # as above
    if not 0 <= number < 1 << 31:
        raise ValueError(f"{value} is no code")
    return int(number)


def _plain(value: object) -> str:
    """Text that every database takes: no lone surrogates, no NUL."""
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def asked_ma_min(phase: Mapping[str, Any]) -> float:
    """The dose of a phase as a record has it."""
    dose = phase.get("dose_ma_min")
    if dose is not None:
        return float(dose)
    # As Phase.charge_ma_min: tenths, rounded down. The treatment's own check takes too long for thousands of records.
    return floor(round(float(phase["current_ma"]) * float(phase["duration_min"]) * 10, 5)) / 10


def _text(value: object) -> str | None:
    """A station may be a text, or a table of its own."""
    return None if value is None else _plain(value)


def _recorded(data: Mapping[str, Any], folder: Path) -> str:
    """When the run took place; in virtual time the record bears the simulation's date, so its log's is taken.

    Else every simulated run would stand at the same day of a year that the seed chose.
    """
    return _plain(data["started_utc"]) if data.get("seed") is None else _written_utc(folder)


def _written_utc(folder: Path) -> str:
    for name in (WIRE_LOG, RECORD):
        try:
            written = datetime.fromtimestamp((folder / name).stat().st_mtime, UTC)
        except OSError:
            continue
        return written.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ""


def _bare(folder: Path, root: str, stamp: str, outcome: str, problem: str) -> Entry:
    head = _log_header(folder)
    return Entry(
        id=folder.name, root=root, stamp=stamp, recorded_utc=_written_utc(folder), outcome=outcome, problem=problem,
        name="", load=None, phases=0, current_ma=None, target_ma_min=None, dose_ma_min=None, dose_low_ma_min=None,
        dose_high_ma_min=None, peak_ma=None, duration_s=None, fault=None, warnings=0, complete=0,
        unit=head.get("unit", ""), model="", firmware="", port=head.get("port", ""),
        simulated=int(head.get("seed", "-") != "-"), operator=None, station=None, started_utc=head.get("utc"),
        ended_utc=None, run_ids="", name_key="", operator_key="",
    )  # fmt: skip


def _log_header(folder: Path) -> dict[str, str]:
    """Of a wire log: ``key=value`` pairs of its first line (schemas/README.md)."""
    try:
        with (folder / WIRE_LOG).open("rb") as log:
            line = log.readline(4096).decode("ascii", "replace")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in line.split("  ")[1:] if "=" in pair.rstrip())
