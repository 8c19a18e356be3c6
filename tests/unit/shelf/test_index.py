"""The index follows the folders: what is new, changed, gone, damaged; and what is asked of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.errors import RecordError
from controller.journal import recover
from controller.shelf.entry import Entry
from controller.shelf.index import INDEX, Shelf
from controller.shelf.query import Query, moment
from tests.synthetic_runs import FIRST_S, make_many, make_run


def listed(folder: Path, **query) -> list[str]:
    with Shelf.open(folder) as shelf:
        entries = shelf.entries(Query(**query))
        assert shelf.count(Query(**query)) >= len(entries)
        return [entry.id for entry in entries]


def one(folder: Path) -> Entry:
    with Shelf.open(folder) as shelf:
        [entry] = shelf.entries(Query())
        return entry


def test_the_newest_comes_first(tmp_path) -> None:
    made = [make_run(tmp_path, n).name for n in (2, 0, 1)]
    assert listed(tmp_path) == [made[0], made[2], made[1]]
    assert listed(tmp_path, limit=1) == [made[0]]


def test_a_row_says_what_the_record_says(tmp_path) -> None:
    make_run(
        tmp_path, outcome="FAULT:02", dose_ma_min=1.5, peak_ma=2.004, duration_s=60.0, operator="Anna",
        station="bench 3",
    )  # fmt: skip
    entry = one(tmp_path)
    assert (entry.outcome, entry.fault, entry.operator, entry.station) == ("FAULT:02", 2, "Anna", "bench 3")
    assert (entry.dose_ma_min, entry.dose_low_ma_min, entry.dose_high_ma_min) == (1.5, 1.49, 1.51)
    assert (entry.target_ma_min, entry.current_ma, entry.peak_ma, entry.duration_s) == (40.0, 2.0, 2.004, 60.0)
    assert (entry.unit, entry.recorded_utc) == ("SN0042", "2026-09-21T14:13:20.000Z")
    assert (entry.as_dict()["simulated"], entry.as_dict()["complete"]) == (False, True)
    assert len(entry.as_dict()["run_ids"]) == 1


def test_a_dose_by_time_is_rounded_down_as_the_treatment_does(tmp_path) -> None:
    make_run(tmp_path, treatment__phase=[{"pole": "-", "current_ma": 1.1, "duration_min": 3.05}])
    assert one(tmp_path).target_ma_min == 3.3  # 3.355


def test_new_changed_and_deleted_runs_are_seen(tmp_path) -> None:
    first = make_run(tmp_path, 1)
    assert listed(tmp_path) == [first.name]
    second = make_run(tmp_path, 2)
    assert listed(tmp_path) == [second.name, first.name]
    record = first / "record.json"
    record.write_text(record.read_text().replace('"DONE"', '"STOPPED"'))
    assert listed(tmp_path, outcome=("STOPPED",)) == [first.name]
    shutil.rmtree(second)
    assert listed(tmp_path) == [first.name]


def test_what_did_not_change_is_not_read_again(tmp_path, monkeypatch) -> None:
    make_run(tmp_path)
    assert len(listed(tmp_path)) == 1
    monkeypatch.setattr("controller.shelf.index.read_rows", None)
    assert len(listed(tmp_path)) == 1


def test_a_run_that_was_cut_off_is_listed_with_the_remedy(tmp_path) -> None:
    folder = make_run(tmp_path, recorded=False, unit__serial="SN0007")
    entry = one(tmp_path)
    assert (entry.outcome, entry.unit, entry.started_utc) == ("NO RECORD", "SN0007", "2026-09-21T14:13:20.000Z")
    assert f"ionto runs recover {folder}" in entry.problem
    recover(folder)
    assert one(tmp_path).outcome == "REFUSED"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a readable record"),
        ("[]", "not a record of this program"),
        ('{"format": 99}', "newer than this program knows; upgrade ionto"),
        ('{"format": 1}', "`ionto runs recover"),
    ],
)
def test_a_record_that_cannot_be_read_is_listed_too(tmp_path, text, said) -> None:
    (make_run(tmp_path) / "record.json").write_text(text)
    entry = one(tmp_path)
    assert entry.outcome == "UNREADABLE"
    assert said in entry.problem


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ('"operator": null', r'"operator": "\ud800\u0000x"', "DONE"),
        ('"name": "Dexamethasone, lateral epicondylitis"', '"name": 5', "DONE"),
        ('"peak_ma": 2.0,\n "duration_s"', '"peak_ma": NaN,\n "duration_s"', "UNREADABLE"),
        ('"current_ma": 2.0', '"current_ma": 1e999', "UNREADABLE"),
        ('"fault": null,\n "unit"', '"fault": 99999999999999999999,\n "unit"', "UNREADABLE"),
        ('"warnings": []', '"warnings": null', "UNREADABLE"),
    ],
)
def test_what_no_database_takes_stops_no_list(tmp_path, old, new, outcome) -> None:
    record = make_run(tmp_path) / "record.json"
    text = record.read_text()
    assert old in text
    record.write_text(text.replace(old, new))
    entry = one(tmp_path)
    assert (entry.id, entry.outcome) == (record.parent.name, outcome)
    assert outcome == "DONE" or "it is not as the schema of records says (" in entry.problem


def test_a_run_in_virtual_time_stands_where_it_was_made_not_where_it_says(tmp_path) -> None:
    real = make_run(tmp_path, 0)
    simulated = make_run(tmp_path, 400, seed=1, scenario="sim://", unit__simulated=True)
    os.utime(simulated / "wire.log", (FIRST_S - 60, FIRST_S - 60))
    assert listed(tmp_path) == [real.name, simulated.name]
    os.utime(simulated / "wire.log", (FIRST_S + 60, FIRST_S + 60))
    (simulated / "record.json").touch()
    assert listed(tmp_path) == [simulated.name, real.name]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"this is no database, and it is long enough to be told from one" * 20),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        lambda file: file.unlink(),
        lambda file: sqlite3.connect(file).executescript(
            "DROP TABLE ionto_runs_2; CREATE TABLE ionto_runs_2 (id TEXT, root TEXT, stamp TEXT);"
        ),
    ],
    ids=["foreign", "empty", "torn", "gone", "other-columns"],
)
def test_a_damaged_index_is_made_anew(tmp_path, damage) -> None:
    ids = [make_run(tmp_path, n).name for n in (2, 1, 0)]
    assert listed(tmp_path) == ids
    damage(tmp_path / INDEX)
    assert listed(tmp_path) == ids
    assert listed(tmp_path, outcome=("DONE",)) == ids
    base = sqlite3.connect(tmp_path / INDEX)
    assert base.execute("SELECT COUNT(*) FROM ionto_runs_2").fetchone() == (3,)
    base.close()


def test_an_index_of_another_version_is_left_alone(tmp_path) -> None:
    base = sqlite3.connect(tmp_path / INDEX)
    base.executescript("CREATE TABLE ionto_runs_0 (id TEXT); INSERT INTO ionto_runs_0 VALUES ('old');")
    base.close()
    ids = [make_run(tmp_path).name]
    assert listed(tmp_path) == ids
    base = sqlite3.connect(tmp_path / INDEX)
    assert base.execute("SELECT id FROM ionto_runs_0").fetchall() == [("old",)]
    assert base.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    base.close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_is_listed_all_the_same(tmp_path) -> None:
    ids = [make_run(tmp_path).name]
    tmp_path.chmod(0o500)
    try:
        assert listed(tmp_path) == ids
    finally:
        tmp_path.chmod(0o700)


def test_an_index_that_cannot_be_made_is_done_without(tmp_path) -> None:
    ids = [make_run(tmp_path).name]
    (tmp_path / INDEX).mkdir()
    assert listed(tmp_path) == ids
    assert (tmp_path / INDEX).is_dir()


def test_a_locked_index_is_done_without(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("controller.shelf.store._PATIENCE_S", 0.0)
    ids = [make_run(tmp_path).name]
    assert listed(tmp_path) == ids
    base = sqlite3.connect(tmp_path / INDEX, isolation_level=None)
    base.execute("BEGIN IMMEDIATE")
    second = make_run(tmp_path, 1).name
    assert listed(tmp_path) == [second, *ids]
    base.execute("ROLLBACK")
    base.close()


def test_no_index_is_left_where_there_is_no_run(tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    assert listed(tmp_path) == []
    assert listed(tmp_path / "nowhere") == []
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_moved_folder_keeps_its_index(tmp_path, monkeypatch) -> None:
    make_run(tmp_path / "a")
    assert len(listed(tmp_path / "a")) == 1
    (tmp_path / "a").rename(tmp_path / "b")
    monkeypatch.setattr("controller.shelf.index.read_rows", None)
    assert len(listed(tmp_path / "b")) == 1


# -- questions -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("crowd")
    make_many(folder, 300)
    return folder


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({}, 300),
        ({"outcome": ("DONE",)}, 255),
        ({"outcome": ("FAULT",)}, 15),
        ({"outcome": ("FAULT:01",)}, 15),
        ({"outcome": ("FAULT:02",)}, 0),
        ({"outcome": ("FAULT", "REFUSED")}, 30),
        ({"unit": "sn0007"}, 6),
        ({"unit": "SN000"}, 0),
        ({"operator": "ANNA"}, 100),
        ({"operator": ""}, 100),
        ({"treatment": "EPICONDYL"}, 300),
        ({"treatment": "epi%yl"}, 0),
        ({"treatment": "_pi"}, 0),
        ({"since": "2026-09-22T00:00:00.000Z"}, 290),
        ({"until": "2026-09-22T00:00:00.000Z"}, 10),
        ({"since": "2026-09-22T00:00:00.000Z", "until": "2026-09-23T00:00:00.000Z", "operator": "ben"}, 8),
    ],
)
def test_a_filter_finds(crowd, query, number) -> None:
    assert len(listed(crowd, **query)) == number


def test_letters_beyond_ascii_are_found_in_either_case(tmp_path) -> None:
    make_run(tmp_path, operator="Jürgen Ä", treatment__name="Größe 100% (a_b)")
    assert len(listed(tmp_path, operator="JÜRGEN ä")) == 1
    assert len(listed(tmp_path, treatment="GRÖSSE 100%")) == 1
    assert len(listed(tmp_path, treatment="a_b")) == 1


def test_a_run_is_found_by_id_beginning_phase_path_and_last(tmp_path) -> None:
    tmp_path /= "runs"
    first, second = make_run(tmp_path, 0), make_run(tmp_path, 1)
    again = tmp_path / f"{first.name}-2"
    shutil.copytree(first, again)
    with Shelf.open(tmp_path) as shelf:
        assert shelf.find(second.name) == second
        assert shelf.find(second.name[:8]) == second
        assert shelf.find(second.name[:8].lower()) == second
        assert shelf.find("last") == second
        assert shelf.find(str(second)) == second
        assert shelf.find(first.name) == first, "an id that is whole is itself, though another begins like it"
        phase = next(e for e in shelf.entries(Query()) if e.id == second.name).run_ids.split()[0]
        assert phase != second.name
        assert shelf.find(phase) == second


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("00MU", "2 runs begin like this (00MU"),
        ("zzz", "zzz: no such run in"),
        ("", "no such run"),
        ("%", "no such run"),
    ],
)
def test_a_run_that_is_not_there_or_not_alone(tmp_path, name, said) -> None:
    make_run(tmp_path, 0)
    make_run(tmp_path, 1)
    with Shelf.open(tmp_path) as shelf, pytest.raises(RecordError) as caught:
        shelf.find(name)
    assert said in str(caught.value)


def test_last_of_nothing(tmp_path) -> None:
    with Shelf.open(tmp_path) as shelf, pytest.raises(RecordError, match="last: no such run"):
        shelf.find("last")


@pytest.mark.parametrize(
    ("text", "whole_day", "expected"),
    [
        ("2026-10-01", False, "2026-10-01T00:00:00.000Z"),
        ("2026-10-01", True, "2026-10-02T00:00:00.000Z"),
        ("2026-10-01T14:30", True, "2026-10-01T14:30:00.000Z"),
        ("2026-10-01T14:30+02:00", False, "2026-10-01T12:30:00.000Z"),
        ("2026-10-01T14:30:00.500Z", False, "2026-10-01T14:30:00.500Z"),
        ("30d", False, "2026-10-24T12:00:00.000Z"),
        ("12h", True, "2026-11-23T00:00:00.000Z"),
        ("0d", False, "2026-11-23T12:00:00.000Z"),
    ],
)
def test_a_time_may_be_a_day_a_time_or_an_age(text, whole_day, expected) -> None:
    assert moment(text, datetime(2026, 11, 23, 12, tzinfo=UTC), whole_day=whole_day) == expected


@pytest.mark.parametrize("text", ["", "d", "yesterday", "2026-13-01", "1.10.2026", "99999999999d", "-3d"])
def test_what_is_no_time(text) -> None:
    with pytest.raises(ValueError, match="is no time; write a day as 2026-10-01"):
        moment(text, datetime(2026, 11, 23, 12, tzinfo=UTC))
