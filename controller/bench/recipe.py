"""A recipe: what is measured, in which order, between which limits. From TOML, with every mistake told at once.

``extends`` names a recipe that ships or a file beside this one; its tables are taken key by key, so a unit family is a
few lines over its parent. What comes of it, with everything inherited written out, is the *resolved* recipe: it is in
the record, and its SHA-256 says whether two units were judged by the same rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from controller.bench.errors import RecipeError
from controller.bench.grammar import RECIPE_TABLES, RecipeTable
from controller.errors import TreatmentError
from controller.treatment.grammar import FORMAT
from controller.treatment.reading import Problem, parsed, walked

MOST_MV: Final = 0.88 * 54_000  # of the highest voltage limit: above 0.9 the unit limits, and means to
LONGEST_MA_MIN: Final = 80.0  # the unit's highest dose of one run
DEEPEST: Final = 8  # of inheritance; deeper is a circle or nobody's intention
_OWN: Final = ("format", "name", "description", "extends")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """``steps`` in their order, ``tables`` the values of each."""

    name: str
    description: str
    family: str | None
    models: tuple[str, ...]  # empty: any
    steps: tuple[str, ...]
    tables: Mapping[str, Mapping[str, Any]]

    def resolved(self) -> dict[str, Any]:
        """As a file that extends nothing; tables of steps that are not done left out."""
        family = {} if self.family is None else {"family": {"name": self.family, "models": list(self.models)}}
        return {
            "format": FORMAT, "name": self.name, "description": self.description, **family, "steps": list(self.steps),
            **{step: dict(self.tables[step]) for step in self.steps},
        }  # fmt: skip

    @property
    def sha256(self) -> str:
        """Of the resolved recipe as canonical JSON."""
        return sha256(json.dumps(self.resolved(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def shipped() -> dict[str, str]:
    """Names and texts of the recipes that ship."""
    folder = files("controller.bench") / "recipes"
    return {
        entry.name.removesuffix(".toml"): entry.read_text("utf-8")
        for entry in sorted(folder.iterdir(), key=lambda each: each.name)
        if entry.name.endswith(".toml")
    }


def load_recipe(where: str) -> Recipe:
    """A recipe that ships, by its name, or a file.

    Raises:
        RecipeError: no such recipe, or one sentence for each mistake in it.
    """
    raw = _inherited(where, Path(), 0)
    if where not in shipped() and raw.get("name") in shipped():
        text = f'found "{raw["name"]}", which is a recipe that ships, expected a name of its own: attempts count by it'
        _refuse([Problem(("name",), text)], where)
    return _recipe(raw, where)


def _text_of(where: str, beside: Path) -> tuple[str, Path]:
    known = shipped()
    if where in known:
        return known[where], Path()
    path = beside / where
    try:
        return path.read_text("utf-8"), path.parent
    except (OSError, UnicodeDecodeError) as exc:
        if where.endswith(".toml") or path.exists():
            raise RecipeError([f"{path}: {exc}"]) from exc
        raise RecipeError(
            [f"no recipe {where!r}; those that ship are {', '.join(known)}, or name a file, as in bench/mine.toml"]
        ) from exc


def _inherited(where: str, beside: Path, depth: int) -> dict[str, Any]:
    """The file's values over those that it extends, each file checked for itself first."""
    text, folder = _text_of(where, beside)
    try:
        raw = parsed(text, where)
    except TreatmentError as exc:
        raise RecipeError(list(exc.problems)) from exc
    parent: dict[str, Any] = {}
    if isinstance(raw.get("extends"), str):
        if depth >= DEEPEST:
            raise RecipeError([f"{where}: extends: {DEEPEST} recipes deep, expected an end; is it a circle?"])
        parent = _inherited(raw["extends"], folder, depth + 1)
    merged = _over(parent, raw)
    _refuse(walked(merged, RecipeTable, RECIPE_TABLES), where)
    return merged


def _over(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: value for key, value in parent.items() if key not in _OWN} | dict(child)
    for key, value in child.items():
        if isinstance(value, dict) and isinstance(parent.get(key), dict):
            merged[key] = {**parent[key], **value}
    return merged


def _refuse(problems: list[Problem], where: str) -> None:
    if problems:
        raise RecipeError([problem.sentence(where) for problem in problems])


def _together(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """What two keys mean together."""
    hold = raw.get("hold")
    if hold is not None and hold["current_ma"] * (hold["minutes"] + 1) > LONGEST_MA_MIN:
        found = f"{hold['minutes']:g} min at {hold['current_ma']:g} mA"
        most = LONGEST_MA_MIN / hold["current_ma"] - 1
        yield Problem(("hold", "minutes"), f"found {found}, expected what one run can give; write {most:.0f} or less")
    trips = raw.get("trips")
    if trips is not None and trips["z_high_quiet_kohm"] >= trips["z_high_trip_kohm"]:
        text = "found no room below z_high_trip_kohm, expected a smaller load, that does not trip"
        yield Problem(("trips", "z_high_quiet_kohm"), text)
    accuracy = raw.get("accuracy")
    if accuracy is not None:
        kohm, least_ma = max(accuracy["loads_kohm"]), min(accuracy["set_points_ma"])
        if least_ma * 1000 * kohm > MOST_MV:
            text = f"found {kohm:g}, at which no set-point has room, expected {MOST_MV / 1000 / least_ma:.3g} or less"
            yield Problem(("accuracy", "loads_kohm"), text)
    calibration = raw.get("calibration")
    if calibration is not None and calibration["low_ma"] >= calibration["high_ma"]:
        yield Problem(("calibration", "low_ma"), "found no less than high_ma, expected the lower of two points")


def _recipe(raw: Mapping[str, Any], where: str) -> Recipe:
    steps = raw.get("steps")
    if not steps:
        text = 'missing, expected the procedures in their order; add steps = ["self_test"], or extends = "acceptance"'
        raise RecipeError([Problem(("steps",), text).sentence(where)])
    _refuse(
        [
            Problem((step,), f'missing, though steps names it; add [{step}] with its limits, or extends = "acceptance"')
            for step in steps
            if step not in raw
        ],
        where,
    )
    _refuse(list(_together(raw)), where)
    family = raw.get("family")
    return Recipe(
        name=raw["name"],
        description=raw.get("description", ""),
        family=None if family is None else family["name"],
        models=() if family is None else tuple(family["models"]),
        steps=tuple(steps),
        tables={step: raw[step] for step in steps},
    )
