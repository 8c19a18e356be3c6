"""``load=trace:FILE.csv``: a recorded resistance as a load, from an address and from a scenario's file."""

from __future__ import annotations

import pytest

from hw_sim.scenario import parse
from hw_sim.scenario.recorded import rows_of


@pytest.fixture
def csv(tmp_path):
    file = tmp_path / "falling.csv"
    file.write_text("time_s,ohm,note\n1,10000,dry\n\n11,5000,wet\n")
    return file


def ohm_at(world, seconds: float) -> float:
    world.advance_to(round(seconds * 1e6))
    return world.plant.load_ohm


def test_it_runs_straight_between_its_rows_from_power_on(csv) -> None:
    world = parse(f"?load=trace:{csv}").world()
    world.plant.relay = 1
    assert ohm_at(world, 0.6) == 10_000
    assert ohm_at(world, 6.0) == pytest.approx(7500, abs=10)
    assert ohm_at(world, 20.0) == 5000


def test_a_scenarios_file_names_it_beside_itself(csv) -> None:
    mine = csv.parent / "mine.toml"
    mine.write_text('format = 1\nname = "mine"\nexpect = "it falls"\nload = "trace:falling.csv"\n')
    scenario = parse(str(mine))
    assert scenario.load == f"trace:{csv}"
    assert ohm_at(scenario.world(), 0.6) == 10_000


def test_the_first_line_may_hold_names(tmp_path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("0,1\n1,2\n")
    assert rows_of(file) == [(0.0, 1.0), (1.0, 2.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time_s,ohm\n1,2\noops\n", r"t\.csv: line 3 is 'oops': expected time_s,ohm"),
        ("time_s,ohm\n", r"t\.csv: has no row of time_s,ohm"),
        ("1,5\n1,6\n", "rise from row to row"),
        ("1,-5\n", "-5 ohm"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, text: str, said: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=said):
        parse(f"?load=trace:{file}").world()


def test_a_missing_file_is_one_sentence_and_an_event_may_not_name_one(tmp_path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file or directory; check the path"):
        parse(f"?load=trace:{tmp_path}/none.csv")
    mine = tmp_path / "mine.toml"
    mine.write_text('format = 1\nname = "mine"\nexpect = "x"\n[[event]]\nat = 1\ndo = "load"\nwhat = "trace:a.csv"\n')
    with pytest.raises(ValueError, match="a recorded trace is a scenario's load, not an event's"):
        parse(str(mine))
