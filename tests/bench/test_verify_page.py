"""docs/verify.md names every procedure and every error code; its examples are sound."""

from __future__ import annotations

import re
from pathlib import Path

from controller.bench.errors import RecipeError
from controller.bench.procedures import PROCEDURES
from controller.bench.recipe import load_recipe, shipped
from controller.bench.station import load_station
from controller.limits import UnitFacts

PAGE = Path("docs/verify.md").read_text("utf-8")
FACTS = UnitFacts(
    serial="SN1", model="IONTO-4", firmware="1", boot=1, lease_ms=2000, imax_ua=4000, qmax_uc=4_800_000,
    vcomp_mv=60_000, capabilities=frozenset(), rate=1,
)  # fmt: skip


def codes_on_the_page(step: str) -> set[str]:
    row = [line for line in PAGE.splitlines() if line.startswith(f"| `{step}` |")][-1]
    cell = row.split("|")[-2].strip()
    letters = cell[:3]
    numbers = [int(number) for number in re.findall(r"-(\d)", cell)]
    return {f"{letters}-{n}" for n in range(numbers[0], numbers[-1] + 1)}


def test_every_procedure_is_there_with_its_error_codes():
    full, calibration = load_recipe("full"), load_recipe("calibration")
    for name, procedure in PROCEDURES.items():
        recipe = calibration if name == "calibration" else full
        declared = {each.error_code for each in procedure.declare(recipe.tables[name], FACTS)}
        assert codes_on_the_page(name) == declared, name


def test_names_of_measurements_are_unique():
    full = load_recipe("full")
    names = [each.name for step in full.steps for each in PROCEDURES[step].declare(full.tables[step], FACTS)]
    assert len(names) == len(set(names))
    assert all(name.startswith(f"{step}.") for step in full.steps for name in _names(step, full))


def _names(step, recipe):
    return [each.name for each in PROCEDURES[step].declare(recipe.tables[step], FACTS)]


def test_every_recipe_that_ships_is_there():
    assert all(f"| `{name}` |" in PAGE for name in shipped())


def test_its_examples_can_be_used(tmp_path):
    family, station = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "family.toml").write_text(family, "utf-8")
    (tmp_path / "station.toml").write_text(station, "utf-8")
    try:
        recipe = load_recipe(str(tmp_path / "family.toml"))
    except RecipeError as exc:
        raise AssertionError("\n".join(exc.problems)) from exc
    assert recipe.models == ("IONTO-2",)
    assert load_station(tmp_path / "station.toml").meter["quantity"] == "current"
