"""Recipes: what ships is whole, families inherit, every mistake is told at once."""

from __future__ import annotations

import pytest

from controller.bench import grammar
from controller.bench.errors import RecipeError
from controller.bench.procedures import PROCEDURES
from controller.bench.procedures.trips import TRIPS
from controller.bench.recipe import load_recipe, shipped
from tests.bench.benches import recipe


def test_names_of_recipes_are_those_of_procedures():
    assert set(PROCEDURES) == set(grammar.STEPS)
    assert {*TRIPS, "time_cap"} == set(grammar.TRIPS)
    assert {f"[{step}]" for step in grammar.STEPS} < set(grammar.RECIPE_TABLES)


@pytest.mark.parametrize("name", ["acceptance", "calibration", "full", "smoke"])
def test_what_ships_can_be_loaded(name):
    what = load_recipe(name)
    assert what.name == name
    assert what.family == "IONTO-4"
    assert set(shipped()) == {"acceptance", "calibration", "full", "smoke"}


def test_full_does_everything_that_acceptance_does():
    assert set(load_recipe("acceptance").steps) < set(load_recipe("full").steps)


def test_a_family_is_a_few_lines_over_its_parent(tmp_path):
    what = recipe(
        tmp_path, '[family]\nname = "IONTO-2"\nmodels = ["IONTO-2"]\n[accuracy]\nset_points_ma = [0.5, 2.0]\n'
    )
    parent = load_recipe("acceptance")
    assert what.steps == parent.steps
    assert what.models == ("IONTO-2",)
    assert what.tables["accuracy"] == {**parent.tables["accuracy"], "set_points_ma": [0.5, 2.0]}


def test_a_load_at_which_nothing_can_be_measured_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"found 50, at which no set-point has room, expected 47\.5 or less"):
        recipe(tmp_path, "[accuracy]\nset_points_ma = [1.0, 4.0]\nloads_kohm = [5.0, 50.0]\n")


def test_the_name_of_a_recipe_that_ships_is_taken(tmp_path):
    (tmp_path / "mine.toml").write_text('format = 1\nname = "acceptance"\nextends = "acceptance"\n', "utf-8")
    with pytest.raises(RecipeError, match="which is a recipe that ships, expected a name of its own"):
        load_recipe(str(tmp_path / "mine.toml"))


def test_the_hash_is_of_what_is_judged_by_and_not_of_the_file(tmp_path):
    plain, commented = recipe(tmp_path, ""), recipe(tmp_path, "# a comment\n")
    other = recipe(tmp_path, "[accuracy]\nerror_ua = 9.0\n")
    assert plain.sha256 == commented.sha256
    assert plain.sha256 != other.sha256


def test_every_mistake_is_told_at_once_with_key_and_expected(tmp_path):
    text = (
        'steps = ["self_test", "acuracy"]\n[accuracy]\nset_points_ma = [9.0]\nerror_pct = 1\nsettle_s = "1 s"\n'
        "[ramp]\nslews_ma_per_s = 0.5\n[leakage]\nload_kohm = 5000\n"
    )
    with pytest.raises(RecipeError) as caught:
        recipe(tmp_path, text)
    told = {problem.split(": ")[1]: problem for problem in caught.value.problems}
    assert set(told) == {
        "steps", "accuracy.set_points_ma", "accuracy.error_pct", "accuracy.settle_s", "ramp.slews_ma_per_s",
        "leakage.load_kohm",
    }  # fmt: skip
    assert "0.02 to 4 mA" in told["accuracy.set_points_ma"]
    assert 'did you mean "error_percent"' in told["accuracy.error_pct"]
    assert "if ohm were meant, write 5" in told["leakage.load_kohm"]
    assert "write it in brackets" in told["ramp.slews_ma_per_s"]


def test_a_step_without_its_limits_is_told(tmp_path):
    path = tmp_path / "alone.toml"
    path.write_text('format = 1\nname = "alone"\nsteps = ["ramp", "hold"]\n', "utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path))
    assert len(caught.value.problems) == 2


def test_what_two_keys_mean_together_is_told_too(tmp_path):
    with pytest.raises(RecipeError) as caught:
        recipe(tmp_path, "[hold]\nminutes = 60.0\n[trips]\nz_high_quiet_kohm = 40.0\n[calibration]\nlow_ma = 3.6\n")
    assert "write 39 or less" in caught.value.problems[0]
    assert len(caught.value.problems) == 3


def test_a_circle_of_recipes_ends(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('format = 1\nname = "a"\nextends = "a.toml"\n', "utf-8")
    with pytest.raises(RecipeError, match="circle"):
        load_recipe(str(path))


@pytest.mark.parametrize(("name", "said"), [("acceptence", "those that ship are acceptance"), ("no.toml", "no.toml")])
def test_no_such_recipe(name, said):
    with pytest.raises(RecipeError, match=said):
        load_recipe(name)


def test_a_table_that_is_none_is_told(tmp_path):
    with pytest.raises(RecipeError, match="expected a table"):
        recipe(tmp_path, "ramp = 5\n")
