"""One run as a row: what the index holds of it, and how that is read from the run's folder.

The fields of ``Entry`` and ``Measured`` are the schema, for SQLite and for a lab's database: ``query`` makes its SQL
from them, so that there is no second list of columns to keep in step. A change of the fields is a new ``SCHEMA``. A
verification is a row too, as it stands in the same folder, and its measurements are rows of their own: yield and
capability of a family are asked over all stations of a lab, whose folders are elsewhere.

A folder without a readable record is a row too, with the reason: a run that is missing from a list is a run that
nobody looks for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import floor
from pathlib import Path
from typing import Any, Final, NamedTuple

from controller.shelf.plain import plain, real, text, whole_number, written_utc

SCHEMA: Final = 2
WIRE_LOG, RECORD, VERIFICATION_RECORD = "wire.log", "record.json", "verification.json"
# Which file a row was read from stands at the beginning of its stamp.
_OPEN, _VERIFIED = "log ", "verification "
_STAMPED: Final = ((RECORD, ""), (VERIFICATION_RECORD, _VERIFIED), (WIRE_LOG, _OPEN))
NO_RECORD: Final = "NO RECORD"
UNREADABLE: Final = "UNREADABLE"
_BEGIN: Final = b'={"kind":"verification"'  # the first note of its log
RUN: Final = "run"
VERIFICATION: Final = "verification"


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
    kind: str = RUN
    recipe: str | None = None  # of a verification, as the three below
    family: str | None = None
    failing: str | None = None  # the first measurement that failed
    measured: int = 0  # how many have a value

    def as_dict(self) -> dict[str, Any]:
        """For people and programs: without what only the index needs."""
        hidden = ("stamp", "name_key", "operator_key", "root")
        plain = {key: value for key, value in self._asdict().items() if key not in hidden}
        truths = {key: bool(plain[key]) for key in ("simulated", "complete")}
        return plain | truths | {"run_ids": self.run_ids.split()}


class Measured(NamedTuple):
    """A measurement of a verification; a limit that is None is none on that side."""

    root: str
    id: str
    place: int  # in the order of the record
    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    outcome: str


def stamp_of(folder: str) -> str | None:
    """What the files of a run or a verification looked like; None: this is neither's folder."""
    for file, mark in _STAMPED:
        try:
            found = os.stat(f"{folder}/{file}")
        except OSError:
            continue
        return f"{mark}{found.st_mtime_ns} {found.st_size}"
    return None


def read_rows(folder: Path, root: str, stamp: str) -> tuple[Entry, Sequence[Measured]]:
    """What the index holds of a folder, whatever state the folder is in."""
    from controller.errors import RecordError

    mark, file = next((mark, file) for file, mark in reversed(_STAMPED) if stamp.startswith(mark))
    again = f"`ionto runs recover {folder}` rebuilds it"
    if mark == _OPEN:
        return _bare(folder, root, stamp, NO_RECORD, f"no record: it is still open, or was cut off; {again}"), ()
    try:
        return _read(folder, root, stamp, mark)
    except RecordError as exc:
        return _bare(folder, root, stamp, UNREADABLE, str(exc)), ()
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as exc:
        what = f"{folder / file}: it is not as the schema of records says ({type(exc).__name__}: {exc})"
        return _bare(folder, root, stamp, UNREADABLE, f"{what}; {again}"), ()


def _read(folder: Path, root: str, stamp: str, mark: str) -> tuple[Entry, Sequence[Measured]]:
    if mark == _VERIFIED:
        from controller.shelf.verification import read_verification

        return read_verification(folder, root, stamp)
    from controller.journal import Record

    return _whole(Record.load(folder).data, folder, root, stamp), ()


def _whole(data: Mapping[str, Any], folder: Path, root: str, stamp: str) -> Entry:
    treatment, unit, phases = data["treatment"], data["unit"], data["treatment"]["phase"]
    low, high = data["dose_interval_ma_min"]
    name, operator = plain(treatment["name"]), text(data.get("operator"))
    return Entry(
        id=folder.name, root=root, stamp=stamp, recorded_utc=_recorded(data, folder),
        outcome=plain(data["outcome"]), problem=None,
        name=name, load=text(treatment.get("load")), phases=len(phases),
        current_ma=max((real(phase["current_ma"]) for phase in phases), default=None),
        target_ma_min=real(round(sum(map(asked_ma_min, phases)), 6)),
        dose_ma_min=real(data["dose_ma_min"]), dose_low_ma_min=real(low), dose_high_ma_min=real(high),
        peak_ma=real(data["peak_ma"]), duration_s=real(data["duration_s"]),
        fault=None if data["fault"] is None else whole_number(data["fault"]),
        warnings=len(data["warnings"]), complete=int(bool(data["complete"])),
        unit=plain(unit["serial"]), model=plain(unit["model"]), firmware=plain(unit["firmware"]),
        port=plain(unit["port"]), simulated=int(bool(unit["simulated"])),
        operator=operator, station=text(data.get("station")),
        started_utc=plain(data["started_utc"]), ended_utc=plain(data["ended_utc"]),
        run_ids="".join(f" {plain(run['run'])}" for run in data["runs"]),
        name_key=name.casefold(), operator_key="" if operator is None else operator.casefold(),
    )  # fmt: skip


def asked_ma_min(phase: Mapping[str, Any]) -> float:
    """The dose of a phase as a record has it."""
    dose = phase.get("dose_ma_min")
    if dose is not None:
        return float(dose)
    # As Phase.charge_ma_min: tenths, rounded down. The treatment's own check takes too long for thousands of records.
    return floor(round(float(phase["current_ma"]) * float(phase["duration_min"]) * 10, 5)) / 10


def _recorded(data: Mapping[str, Any], folder: Path) -> str:
    """When the run took place; in virtual time the record bears the simulation's date, so its log's is taken.

    Else every simulated run would stand at the same day of a year that the seed chose.
    """
    return plain(data["started_utc"]) if data.get("seed") is None else written_utc(folder)


def _bare(folder: Path, root: str, stamp: str, outcome: str, problem: str) -> Entry:
    head, kind = _log_header(folder)
    return Entry(
        id=folder.name, root=root, stamp=stamp, recorded_utc=written_utc(folder), outcome=outcome, problem=problem,
        name="", load=None, phases=0, current_ma=None, target_ma_min=None, dose_ma_min=None, dose_low_ma_min=None,
        dose_high_ma_min=None, peak_ma=None, duration_s=None, fault=None, warnings=0, complete=0,
        unit=head.get("unit", ""), model="", firmware="", port=head.get("port", ""),
        simulated=int(head.get("seed", "-") != "-"), operator=None, station=None, started_utc=head.get("utc"),
        ended_utc=None, run_ids="", name_key="", operator_key="", kind=kind,
    )  # fmt: skip


def _log_header(folder: Path) -> tuple[dict[str, str], str]:
    """Of a wire log: ``key=value`` pairs of its first line, and whose it is (schemas/README.md)."""
    try:
        with (folder / WIRE_LOG).open("rb") as log:
            line = log.readline(4096).decode("ascii", "replace")
            first = log.readline(256)
    except OSError:
        return {}, VERIFICATION if (folder / VERIFICATION_RECORD).exists() else RUN
    pairs = dict(pair.split("=", 1) for pair in line.split("  ")[1:] if "=" in pair.rstrip())
    return pairs, VERIFICATION if _BEGIN in first.replace(b" ", b"") else RUN
