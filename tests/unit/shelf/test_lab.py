"""The same rows in a lab's database, through SQLAlchemy; here SQLite's, which takes the same SQL as PostgreSQL."""

from __future__ import annotations

import sys

import pytest

from controller.errors import RecordError
from controller.shelf.index import Shelf
from controller.shelf.query import CREATE, PUT, Query
from tests.synthetic_runs import make_run

pytest.importorskip("sqlalchemy")


def test_two_stations_meet_in_one_store(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'lab.sqlite'}"
    mine, theirs = make_run(tmp_path / "mine", 0, operator="Anna"), make_run(tmp_path / "theirs", 1, operator="Ben")
    with Shelf.lab(tmp_path / "theirs", url, "bench 2") as shelf:
        assert [entry.id for entry in shelf.entries(Query())] == [theirs.name]
    with Shelf.lab(tmp_path / "mine", url, "bench 1") as shelf:
        entries = shelf.entries(Query())
        assert [entry.id for entry in entries] == [theirs.name, mine.name]
        assert [shelf.place_of(entry) for entry in entries] == [f"bench 2:{theirs}", str(mine)]
        assert shelf.count(Query(operator="ben")) == 1
        assert shelf.find("last") == mine, "what lies elsewhere cannot be opened here"


def test_a_run_that_went_leaves_the_store_and_a_changed_one_is_read_again(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'lab.sqlite'}"
    folder = make_run(tmp_path / "runs", 0)
    gone = make_run(tmp_path / "runs", 1)
    with Shelf.lab(tmp_path / "runs", url, "bench 1") as shelf:
        assert shelf.count(Query()) == 2
    record = folder / "record.json"
    record.write_text(record.read_text().replace('"DONE"', '"STOPPED"'))
    gone.rename(tmp_path / "elsewhere")
    with Shelf.lab(tmp_path / "runs", url, "bench 1") as shelf:
        assert [entry.outcome for entry in shelf.entries(Query())] == ["STOPPED"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////nowhere/at/all/lab.sqlite", "unable to open database file"),
        ("nosuch://u:secret@host/base", "nosuch"),
        ("postgresql+psycopg://u:secret@host:port/base", "correct IONTO_STORE"),
        ("postgresql+nosuchdriver://u:secret@host/base", "nosuchdriver"),
    ],
)
def test_a_store_that_cannot_be_used_is_one_sentence_without_the_password(tmp_path, url, said) -> None:
    with pytest.raises(RecordError) as caught:
        Shelf.lab(tmp_path, url, "bench 1")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_sqlalchemy_it_is_said_how_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(RecordError, match=r"python -m pip install 'ionto\[lab\]'"):
        Shelf.lab(tmp_path, "sqlite://", "bench 1")


def test_the_schema_keeps_to_what_both_databases_know() -> None:
    table, index, _ = CREATE
    assert table.startswith("CREATE TABLE IF NOT EXISTS ionto_runs_2 (id TEXT NOT NULL, root TEXT NOT NULL, stamp TEXT")
    assert "dose_ma_min DOUBLE PRECISION, " in table
    assert "fault BIGINT, " in table
    assert table.endswith("PRIMARY KEY (root, id))")
    assert "ON CONFLICT (root, id) DO UPDATE SET stamp = excluded.stamp" in PUT
    assert index == "CREATE INDEX IF NOT EXISTS ionto_runs_2_recorded ON ionto_runs_2 (root, recorded_utc)"
