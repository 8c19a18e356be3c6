"""Station files: instruments with their calibration; an overdue one is refused, or shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.bench.errors import RecipeError, Refusal
from controller.bench.station import load_station, refuse_overdue
from tests.bench.benches import TODAY

WHOLE = """format = 1
[station]
name = "bench 1"
location = "room 204"
time_zone = "Europe/Berlin"
[meter]
driver = "scpi"
address = "GPIB0::22::INSTR"
serial = "MY123"
calibrated = 2025-11-01
calibration_due = 2026-11-22
[load]
driver = "prompts"
"""


def station(folder: Path, text: str):
    path = folder / "station.toml"
    path.write_text(text, "utf-8")
    return load_station(path)


def test_a_station_is_read(tmp_path):
    found = station(tmp_path, WHOLE)
    assert found.as_dict() == {"name": "bench 1", "location": "room 204", "time_zone": "Europe/Berlin"}
    assert found.meter["calibration_due"] == "2026-11-22"


def test_an_overdue_meter_is_refused(tmp_path):
    with pytest.raises(Refusal, match=r"meter of bench 1 \(MY123\) was due for calibration on 2026-11-22"):
        refuse_overdue(station(tmp_path, WHOLE), TODAY, allow=False)


def test_overridden_it_is_shown(tmp_path):
    (warning,) = refuse_overdue(station(tmp_path, WHOLE), TODAY, allow=True)
    assert "--allow-overdue" in warning


def test_on_the_day_it_is_due_it_may_still_be_used(tmp_path):
    assert refuse_overdue(station(tmp_path, WHOLE.replace("11-22", "11-23")), TODAY, allow=False) == []


def test_every_mistake_is_told(tmp_path):
    text = '[station]\nname = 5\n[meter]\ndriver = "scpy"\ncalibration_due = "soon"\nadress = "x"\n'
    with pytest.raises(RecipeError) as caught:
        station(tmp_path, text)
    assert {problem.split(": ")[1] for problem in caught.value.problems} == {
        "station.name", "meter.driver", "meter.calibration_due", "meter.adress",
    }  # fmt: skip


def test_mistakes_of_both_kinds_come_at_once_and_with_the_role_in_mind(tmp_path):
    text = '[station]\nnam = "b"\ntime_zone = "Mars"\n[meter]\ndriver = "scpo"\n'
    with pytest.raises(RecipeError) as caught:
        station(tmp_path, text)
    told = {problem.split(": ")[1]: problem for problem in caught.value.problems}
    assert set(told) == {"station.nam", "station.name", "station.time_zone", "meter.driver"}
    assert told["meter.driver"].endswith('found the text "scpo", expected scpi or door for a meter')


def test_days_that_cannot_be(tmp_path):
    with pytest.raises(RecipeError, match="expected a day after it was calibrated, which was on 2025-11-01"):
        station(tmp_path, WHOLE.replace("2026-11-22", "2025-10-01"))
    later = WHOLE.replace("2025-11-01", "2031-01-01").replace("2026-11-22", "2032-01-01")
    with pytest.raises(Refusal, match="was calibrated on 2031-01-01, which is still to come"):
        refuse_overdue(station(tmp_path, later), TODAY, allow=True)


def test_what_belongs_together_is_asked_for_together(tmp_path):
    text = '[station]\ntime_zone = "Berlin"\n[meter]\ndriver = "scpi"\n[load]\ndriver = "scpi"\n'
    with pytest.raises(RecipeError) as caught:
        station(tmp_path, text)
    assert {problem.split(": ")[1] for problem in caught.value.problems} == {
        "station.name", "station.time_zone", "meter.address", "meter.calibration_due", "load.driver",
    }  # fmt: skip
