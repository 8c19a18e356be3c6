"""The program against a unit: in virtual time, in another process, and with --ionto-port on whatever is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dose_diary import DAY, Diary, Entry, TooMuch, give

from controller import Treatment

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TREATMENT = Treatment.load(Path(__file__).parents[1] / "treatment.toml")


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path / "diary.csv", day_limit_ma_min=0.5)


def test_a_day_is_24_hours_and_a_site_has_its_own(diary: Diary) -> None:
    diary.write(Entry(NOON, "left", "DONE", 0.3))
    diary.write(Entry(NOON, "right", "DONE", 0.1))
    assert diary.given_ma_min("left", NOON + timedelta(hours=23)) == 0.3
    assert diary.given_ma_min("left", NOON + DAY) == 0.0


@pytest.mark.ionto_energises
def test_a_dose_is_given_and_written_down(ionto_port: str, diary: Diary, tmp_path: Path) -> None:
    entry = give(ionto_port, TREATMENT, "left", diary, now=NOON, out=tmp_path / "runs")
    assert entry.outcome == "DONE"
    assert entry.dose_ma_min == pytest.approx(0.3, abs=0.02)
    assert diary.given_ma_min("left", NOON) == pytest.approx(entry.dose_ma_min, abs=1e-4)


@pytest.mark.ionto_energises
def test_what_would_be_too_much_is_not_begun(ionto_port: str, diary: Diary) -> None:
    diary.write(Entry(NOON, "left", "DONE", 0.3))
    with pytest.raises(TooMuch, match=r"left has had 0.3 mA.min in 24 h"):
        give(ionto_port, TREATMENT, "left", diary, now=NOON)


@pytest.mark.ionto_energises
def test_every_site_has_a_day_of_its_own(ionto_port: str, diary: Diary, tmp_path: Path) -> None:
    for site in ("left", "right"):
        assert give(ionto_port, TREATMENT, site, diary, now=NOON, out=tmp_path / "runs").outcome == "DONE"
    with pytest.raises(TooMuch):
        give(ionto_port, TREATMENT, "left", diary, now=NOON + timedelta(hours=1))
    assert [entry.site for entry in diary.entries()] == ["left", "right"]


def test_a_unit_that_waits_gives_nothing(ionto_unit) -> None:
    seen = ionto_unit.status()
    assert seen.state.name == "IDLE"
    assert seen.i_ua <= 50


@pytest.mark.ionto_needs("faults")
def test_a_lead_that_comes_off_over_a_real_line(ionto_port: str, ionto_door, diary: Diary, tmp_path: Path) -> None:
    ionto_door.inject(fault="lead-off@state=HOLD+1")
    entry = give(ionto_port, TREATMENT, "left", diary, now=NOON, out=tmp_path / "runs")
    assert entry.outcome == "FAULT:01"
    assert diary.given_ma_min("left", NOON) == pytest.approx(entry.dose_ma_min, abs=1e-4)


@pytest.mark.ionto_scenarios("skin", "dry-skin", "hydrated-skin", "bench-5k")
def test_on_every_skin(ionto_world, diary: Diary, tmp_path: Path) -> None:
    assert give(ionto_world.port, TREATMENT, "left", diary, now=NOON, out=tmp_path / "runs").outcome == "DONE"


@pytest.mark.parametrize(
    "mishap",
    [
        "lead-off@state=HOLD+1",
        "unplugged@state=HOLD+1,for=20",
        "power-off@state=HOLD+1,for=5",
        "hang@state=HOLD+1",
        "deaf@state=HOLD+1,for=20",
    ],
)
def test_the_diary_never_says_less_than_flowed(ionto_world, diary: Diary, tmp_path: Path, mishap: str) -> None:
    ionto_world.inject(mishap)
    entry = give(ionto_world.port, TREATMENT, "left", diary, now=NOON, out=tmp_path / "runs")
    ionto_world.advance(4)  # the unit's lease, and its ramp
    assert entry.outcome != "DONE"
    assert entry.dose_ma_min >= ionto_world.truth()["q_uc"] / 60_000 - 0.005  # the contact check is no dose
