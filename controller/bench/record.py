"""The verification record: everything a report may say, as one frozen value, and its form as ``verification.json``.

Names are those of OpenHTF's test record where it has one (``dut_id``, ``start_time_millis``, ``phases``,
``measurements``, ``outcome_details``), so that what reads those reads these. The outcome follows from what was
measured and from how the run ended, never from what somebody wrote down: see ``judged``.

Times are milliseconds since 1970, UTC. On ``sim://`` they are the simulation's, and the same run has the same record.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from controller.bench.measurement import Measurement, Outcome, Series
from controller.errors import RecordError

FORMAT: Final = 1
FILE: Final = "verification.json"
DISCLAIMER: Final = (
    "Engineering tool, not a medical device; not for use on people without a cleared device and a clinician."
)


class Verdict(StrEnum):
    """Of a procedure, and of the whole verification. Only PASS and FAIL are judgements of the unit."""

    PASS = "PASS"
    FAIL = "FAIL"
    ERROR = "ERROR"  # bench, line or program failed: nothing is said of the unit
    TIMEOUT = "TIMEOUT"  # something did not happen in the time it had
    ABORTED = "ABORTED"  # a person or a power cut ended it


class Detail(NamedTuple):
    """Why an outcome is what it is: an error code and one sentence."""

    code: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRecord:
    """One procedure. ``end_time_millis`` None: it was not finished, or (with ``start_time_millis`` None) not begun."""

    name: str
    title: str
    measurements: Mapping[str, Measurement]
    start_time_millis: int | None = None
    end_time_millis: int | None = None
    outcome_details: tuple[Detail, ...] = ()
    ended: Verdict | None = None  # ERROR, TIMEOUT or ABORTED where it ended so
    runs: tuple[str, ...] = ()  # of the unit, as folders beside the record

    @property
    def outcome(self) -> Verdict | None:
        """None: nothing of it was measured, and nothing ended it: it was left out or not reached."""
        return judged(self.measurements.values(), self.ended)

    def as_dict(self) -> dict[str, Any]:
        outcome = self.outcome
        return {
            "name": self.name, "docstring": self.title, "start_time_millis": self.start_time_millis,
            "end_time_millis": self.end_time_millis, "outcome": None if outcome is None else outcome.value,
            "ended": None if self.ended is None else self.ended.value,
            "outcome_details": [detail._asdict() for detail in self.outcome_details],
            "measurements": {name: each.as_dict() for name, each in self.measurements.items()},
            "runs": list(self.runs),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            name=data["name"], title=data["docstring"], start_time_millis=data["start_time_millis"],
            end_time_millis=data["end_time_millis"],
            ended=None if data["ended"] is None else Verdict(data["ended"]),
            outcome_details=tuple(Detail(**each) for each in data["outcome_details"]),
            measurements={name: Measurement.from_dict(each) for name, each in data["measurements"].items()},
            runs=tuple(data["runs"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What measured (``role`` "meter") or was measured on ("load"). Dates are ISO; None: not said."""

    role: str
    name: str
    driver: str
    serial: str | None = None
    calibrated: str | None = None
    due: str | None = None
    overdue: bool = False
    note: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRecord:
    """``complete``: closed by the verification itself, not recovered from its log. ``folder`` None: not on disk.

    ``metadata`` has recipe {name, description, family, sha256, resolved}, unit {serial, model, firmware, boot, port,
    simulated}, station {name, location, time_zone}, host {version, python, platform}, seed.
    """

    id: str
    test_name: str  # of the recipe
    dut_id: str  # serial number of the unit
    station_id: str
    operator_id: str | None
    start_time_millis: int
    end_time_millis: int
    attempt: int  # of this unit by this recipe on this shelf, from 1
    phases: tuple[PhaseRecord, ...]
    series: tuple[Series, ...]
    instruments: tuple[Instrument, ...]
    metadata: Mapping[str, Any]
    ended: Verdict | None = None  # ERROR, TIMEOUT or ABORTED where it ended so
    end_details: tuple[Detail, ...] = ()
    warnings: tuple[str, ...] = ()
    complete: bool = True
    files: Mapping[str, str] = field(default_factory=dict)  # name: SHA-256
    folder: Path | None = field(default=None, compare=False)

    @property
    def measurements(self) -> Iterator[Measurement]:
        """All, in the order in which they were declared."""
        return (each for phase in self.phases for each in phase.measurements.values())

    @property
    def outcome(self) -> Verdict:
        """A recovered record is ABORTED; where nothing at all was measured it is ERROR."""
        ended = self.ended or next((phase.ended for phase in self.phases if phase.ended is not None), None)
        return judged(self.measurements, ended) or Verdict.ERROR

    @property
    def first_failing(self) -> Measurement | None:
        return next((each for each in self.measurements if each.outcome is Outcome.FAIL), None)

    @property
    def outcome_details(self) -> tuple[Detail, ...]:
        """What failed, in its order, then what ended the verification early."""
        failed = [
            Detail(m.definition.error_code, f"{m.name}: {m.value:g} {m.definition.unit}, {m.definition.limits.text}")
            for m in self.measurements
            if m.outcome is Outcome.FAIL
        ]
        return (*failed, *(detail for phase in self.phases for detail in phase.outcome_details), *self.end_details)

    def as_dict(self) -> dict[str, Any]:
        """``verification.json``."""
        first = self.first_failing
        return {
            "format": FORMAT, "id": self.id, "complete": self.complete, "test_name": self.test_name,
            "dut_id": self.dut_id, "station_id": self.station_id, "operator_id": self.operator_id,
            "start_time_millis": self.start_time_millis, "end_time_millis": self.end_time_millis,
            "outcome": self.outcome.value, "ended": None if self.ended is None else self.ended.value,
            "outcome_details": [detail._asdict() for detail in self.outcome_details],
            "end_details": [detail._asdict() for detail in self.end_details],
            "first_failing": None if first is None else first.name, "attempt": self.attempt,
            "phases": [phase.as_dict() for phase in self.phases],
            "series": [series.as_dict() for series in self.series],
            "instruments": [each.as_dict() for each in self.instruments],
            "metadata": {"test_name": self.test_name, **self.metadata},
            "warnings": list(self.warnings), "files": dict(self.files), "note": DISCLAIMER,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: Path | None = None) -> Self:
        """The inverse of ``as_dict``."""
        return cls(
            id=data["id"], test_name=data["test_name"], dut_id=data["dut_id"], station_id=data["station_id"],
            operator_id=data["operator_id"], start_time_millis=data["start_time_millis"],
            end_time_millis=data["end_time_millis"], attempt=data["attempt"],
            phases=tuple(map(PhaseRecord.from_dict, data["phases"])),
            series=tuple(map(Series.from_dict, data["series"])),
            instruments=tuple(Instrument(**each) for each in data["instruments"]),
            metadata={key: value for key, value in data["metadata"].items() if key != "test_name"},
            ended=None if data["ended"] is None else Verdict(data["ended"]),
            end_details=tuple(Detail(**each) for each in data["end_details"]), warnings=tuple(data["warnings"]),
            complete=data["complete"], files=data["files"], folder=folder,
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a verification's folder, or its ``verification.json``.

        Raises:
            RecordError: there is none, or it is not of a format known here.
        """
        path = Path(path)
        file = path / FILE if path.is_dir() else path
        try:
            data = json.loads(file.read_text("utf-8"))
        except FileNotFoundError as exc:
            raise RecordError(f"{file}: no verification there; `ionto runs recover` rebuilds one from its log") from exc
        except (OSError, ValueError) as exc:
            raise RecordError(f"{file}: not a readable verification: {exc}") from exc
        if not isinstance(data, dict) or not isinstance(data.get("format"), int):
            raise RecordError(f"{file}: not a verification of this program")
        if data["format"] > FORMAT:
            raise RecordError(f"{file}: format {data['format']} is newer than this program knows; upgrade ionto")
        try:
            return cls.from_dict(data, file.parent)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise RecordError(
                f"{file}: not as its schema says ({type(exc).__name__}: {exc}); `ionto runs recover` rebuilds it"
            ) from exc


def judged(measurements: Iterable[Measurement], ended: Verdict | None) -> Verdict | None:
    """ABORTED first: nobody finished. Then a failure, which no later error takes back. None: nothing was measured."""
    outcomes = {each.outcome for each in measurements} - {Outcome.NOT_MEASURED}
    if ended is not Verdict.ABORTED and Outcome.FAIL in outcomes:
        return Verdict.FAIL
    if ended is not None:
        return ended
    return Verdict.PASS if outcomes else None
