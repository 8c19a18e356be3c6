"""The station: where it is, and with what it measures; from a TOML file.

An instrument whose calibration is overdue is refused, and where the operator insists (``--allow-overdue``) the record
says so in its first lines. Without a file the station is this machine; a simulated unit on ``sim://`` then brings its
own bench, and a real one is measured by a person with resistors, and without a meter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from controller.bench.errors import RecipeError, Refusal
from controller.bench.grammar import STATION_TABLES, StationFile
from controller.bench.record import Instrument
from controller.errors import TreatmentError
from controller.treatment.reading import Problem, parsed, walked


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """``meter`` and ``load`` as in the file; None: none is named."""

    name: str
    location: str | None = None
    time_zone: str | None = None
    meter: Mapping[str, Any] | None = None
    load: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "location": self.location, "time_zone": self.time_zone}


def load_station(path: Path) -> Station:
    """Read a station file.

    Raises:
        RecipeError: it cannot be read, or one sentence for each mistake in it.
    """
    try:
        raw = parsed(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as exc:
        raise RecipeError([f"{path}: {exc}"]) from exc
    except TreatmentError as exc:
        raise RecipeError(list(exc.problems)) from exc
    problems = _problems(raw)
    if problems:
        raise RecipeError([problem.sentence(str(path)) for problem in problems])
    station = raw["station"]
    return Station(
        name=station["name"], location=station.get("location"), time_zone=station.get("time_zone"),
        meter=_dated(raw.get("meter")), load=_dated(raw.get("load")),
    )  # fmt: skip


def _problems(raw: Mapping[str, Any]) -> list[Problem]:
    """All at once; of one key, what is said with its role in mind."""
    wrong = walked(raw, StationFile, STATION_TABLES)
    if not all(isinstance(raw.get(name, {}), dict) for name in ("station", "meter", "load")):
        return wrong
    missing = _missing(raw)
    told = {problem.path for problem in missing}
    return [problem for problem in wrong if problem.path not in told] + missing


def _missing(raw: Mapping[str, Any]) -> list[Problem]:
    problems = []
    if "name" not in raw.get("station", {}):
        problems.append(Problem(("station", "name"), 'missing, expected which bench this is; add name = "bench 1"'))
    zone = raw.get("station", {}).get("time_zone")
    if isinstance(zone, str) and not _is_zone(zone):
        text = f'found the text "{zone}", expected a name of the tz database; write one such as "Europe/Berlin"'
        problems.append(Problem(("station", "time_zone"), text))
    for role, drivers in (("meter", ("scpi", "door")), ("load", ("decade", "door", "prompts"))):
        table = raw.get(role)
        if table is None:
            continue
        driver = table.get("driver")
        if driver not in drivers:
            found = "missing" if driver is None else f'found the text "{driver}"'
            problems.append(Problem((role, "driver"), f"{found}, expected {' or '.join(drivers)} for a {role}"))
        elif driver in ("scpi", "decade") and "address" not in table:
            problems.append(Problem((role, "address"), 'missing; add address = "USB0::...::INSTR"'))
        if (role, driver) == ("meter", "scpi") and "calibration_due" not in table:
            text = "missing, expected the day on its calibration label; add calibration_due = 2026-10-01"
            problems.append(Problem((role, "calibration_due"), text))
        calibrated, due = table.get("calibrated"), table.get("calibration_due")
        if isinstance(calibrated, date) and isinstance(due, date) and due < calibrated:
            text = f"found {due}, expected a day after it was calibrated, which was on {calibrated}"
            problems.append(Problem((role, "calibration_due"), text))
    return problems


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True


def _dated(table: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """TOML's days as text, so that they can stand in a record."""
    if table is None:
        return None
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in table.items()}


def described(role: str, table: Mapping[str, Any], name: str, driver: str, today: date) -> Instrument:
    """The instrument as it stands in the record."""
    due = table.get("calibration_due")
    return Instrument(
        role=role, name=name, driver=driver, serial=table.get("serial"), calibrated=table.get("calibrated"), due=due,
        overdue=due is not None and date.fromisoformat(due) < today,
    )  # fmt: skip


def refuse_overdue(station: Station, today: date, *, allow: bool) -> list[str]:
    """Warnings for the record where ``allow`` overrides it.

    Raises:
        Refusal: an instrument is overdue.
    """
    warnings = []
    for role in ("meter", "load"):
        table = getattr(station, role) or {}
        due, calibrated = table.get("calibration_due"), table.get("calibrated")
        which = f"the {role} of {station.name}" + (f" ({table['serial']})" if "serial" in table else "")
        if calibrated is not None and date.fromisoformat(calibrated) > today:
            raise Refusal(f"{which} was calibrated on {calibrated}, which is still to come: correct the station file")
        if due is None or date.fromisoformat(due) >= today:
            continue
        if not allow:
            raise Refusal(
                f"{which} was due for calibration on {due}: have it calibrated, or use --allow-overdue, which the "
                "record then says"
            )
        warnings.append(f"{which} was due for calibration on {due}; used all the same, by --allow-overdue")
    return warnings
