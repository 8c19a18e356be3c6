"""A verification as rows of the index, out of ``verification.json``.

Its text is the contract between index, reports and other programs, so the index reads the text and knows nothing of the
room that wrote it: a list must not import the bench.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from controller.errors import RecordError
from controller.shelf.entry import VERIFICATION, Entry, Measured
from controller.shelf.plain import plain, real, text, whole_number, written_utc

FORMAT: Final = 1
FILE: Final = "verification.json"


def read_verification(folder: Path, root: str, stamp: str) -> tuple[Entry, list[Measured]]:
    """The rows of a verification's folder.

    Raises:
        RecordError: it cannot be read, or is newer than this program.
        KeyError: as all below, it is not as its schema says.
        TypeError, ValueError, OverflowError, AttributeError: see above.
    """
    data = _load(folder / FILE)
    measured = _measured(data, folder.name, root)
    return _entry(data, folder, root, stamp, sum(row.value is not None for row in measured)), measured


def _load(file: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise RecordError(f"{file}: not a readable verification: {exc}") from exc
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise RecordError(f"{file}: not a verification of this program")
    if data["format"] > FORMAT:
        raise RecordError(f"{file}: format {data['format']} is newer than this program knows; upgrade ionto")
    return data


def _entry(data: Mapping[str, Any], folder: Path, root: str, stamp: str, measured: int) -> Entry:
    about = data["metadata"]
    unit, recipe = about["unit"], about["recipe"]
    name, operator = plain(data["test_name"]), text(data["operator_id"])
    began, ended = (_utc(data[key]) for key in ("start_time_millis", "end_time_millis"))
    return Entry(
        id=folder.name, root=root, stamp=stamp,
        recorded_utc=began if about.get("seed") is None else written_utc(folder),
        outcome=plain(data["outcome"]), problem=None, name=name, load=None, phases=len(data["phases"]),
        current_ma=None, target_ma_min=None, dose_ma_min=None, dose_low_ma_min=None, dose_high_ma_min=None,
        peak_ma=None, duration_s=(data["end_time_millis"] - data["start_time_millis"]) / 1000, fault=None,
        warnings=len(data["warnings"]), complete=int(bool(data["complete"])), unit=plain(data["dut_id"]),
        model=plain(unit["model"]), firmware=plain(unit["firmware"]), port=plain(unit["port"]),
        simulated=int(bool(unit["simulated"])), operator=operator, station=text(data["station_id"]),
        started_utc=began, ended_utc=ended,
        run_ids="".join(f" {plain(Path(run).name)}" for phase in data["phases"] for run in phase["runs"]),
        name_key=name.casefold(), operator_key="" if operator is None else operator.casefold(),
        kind=VERIFICATION, recipe=name, family=text(recipe.get("family")),
        failing=text(data["first_failing"]), measured=measured,
    )  # fmt: skip


def _utc(millis: object) -> str:
    moment = datetime.fromtimestamp(whole_number(millis, 1 << 53) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _measured(data: Mapping[str, Any], name: str, root: str) -> list[Measured]:
    found = [each for phase in data["phases"] for each in phase["measurements"].values()]
    return [
        Measured(
            root, name, place, plain(each["name"]), plain(each["units"]), _maybe(each["measured_value"]),
            _maybe(each["limits"]["low"]), _maybe(each["limits"]["high"]), plain(each["outcome"]),
        )
        for place, each in enumerate(found)
    ]  # fmt: skip


def _maybe(value: object) -> float | None:
    return None if value is None else real(value)
