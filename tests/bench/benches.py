"""A verification in this process, on virtual time, as ``ionto verify`` does it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from controller.bench.eye import WatchedUnit
from controller.bench.instruments.fitting import Fitted, fitted
from controller.bench.measurement import Outcome
from controller.bench.recipe import Recipe, load_recipe
from controller.bench.record import VerificationRecord
from controller.bench.station import Station
from controller.bench.verify import Verification

TODAY = date(2026, 11, 23)
STATION = Station(name="bench 1")


def nobody(text: str) -> None:
    raise AssertionError(f"nobody is asked on this bench: {text}")


def recipe(folder: Path, text: str) -> Recipe:
    """``text`` over the acceptance recipe."""
    path = folder / "recipe.toml"
    path.write_text(f'format = 1\nname = "narrow"\nextends = "acceptance"\n{text}', "utf-8")
    return load_recipe(str(path))


def verified(
    port: str, what: Recipe, out: Path | None, *, instruments: Fitted | None = None, **options: object
) -> VerificationRecord:
    with WatchedUnit.open(port) as unit:
        bench = instruments or fitted(unit, STATION, today=TODAY, tell=nobody, ask=nobody)
        return Verification(unit, what, STATION, bench, out=out, **options).run()  # type: ignore[arg-type]


def values(record: VerificationRecord) -> dict[str, float | None]:
    return {each.name: each.value for each in record.measurements}


def failed(record: VerificationRecord) -> list[str]:
    return [each.name for each in record.measurements if each.outcome is Outcome.FAIL]
