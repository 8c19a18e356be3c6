"""The lab's store: one body over SQLite and over a PostgreSQL server, and what only a server can do: vanish."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from controller.errors import RecordError
from controller.shelf.entry import Entry
from controller.shelf.index import Shelf
from controller.shelf.query import PUT, Query
from controller.shelf.store import LabStore
from controller.shelf.yields import yields
from tests.synthetic_runs import FIRST_S, make_many, make_run
from tests.synthetic_verifications import put, verification


def ids(shelf: Shelf, **asked: object) -> list[str]:
    return [entry.id for entry in shelf.entries(Query(**asked))]


def pushed(folder: Path, lab: str, station: str = "bench 1") -> list[Entry]:
    with Shelf.lab(folder, lab, station) as shelf:
        return shelf.entries(Query())


def test_what_is_pushed_is_what_the_folders_say(lab, tmp_path) -> None:
    make_run(tmp_path / "runs", 0, outcome="FAULT:02", dose_ma_min=1.5, operator="Jürgen Ä", station="bench 3")
    make_run(tmp_path / "runs", 1, recorded=False)
    make_run(tmp_path / "runs", 2, treatment__name="100% 'quoted' \\ :name")
    with Shelf.open(tmp_path / "runs") as shelf:
        here = shelf.entries(Query())
    there = pushed(tmp_path / "runs", lab)
    assert {entry.outcome for entry in there} == {"DONE", "NO RECORD", "FAULT:02"}
    assert [entry._replace(root=".") for entry in there] == here


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({}, 60),
        ({"outcome": ("FAULT", "REFUSED")}, 6),
        ({"outcome": ("FAULT:01",)}, 3),
        ({"unit": "sn0007"}, 2),
        ({"operator": "ANNA"}, 20),
        ({"treatment": "EPICONDYL"}, 60),
        ({"treatment": "epi%yl"}, 0),
        ({"since": "2026-09-22T00:00:00.000Z", "until": "2026-09-23T00:00:00.000Z"}, 24),
    ],
)
def test_a_filter_finds_the_same_everywhere(crowded, asked, number) -> None:
    assert crowded.count(Query(**asked)) == number
    assert len(ids(crowded, **asked)) == number
    assert len(ids(crowded, **asked, limit=5)) == min(5, number)


@pytest.fixture
def crowded(lab, tmp_path) -> Iterator[Shelf]:
    (tmp_path / "runs").mkdir()
    make_many(tmp_path / "runs", 60)
    with Shelf.lab(tmp_path / "runs", lab, "bench 1") as shelf:
        yield shelf


def test_the_order_is_that_of_the_bytes_whatever_the_language_of_the_database(lab, tmp_path) -> None:
    first = make_run(tmp_path / "runs", 0)
    names = [first.name, f"{first.name}-2", f"{first.name}1", f"{first.name.lower()}"]
    for name in names[1:]:
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "record.json").write_bytes((first / "record.json").read_bytes())
    with Shelf.lab(tmp_path / "runs", lab, "bench 1") as shelf:
        assert ids(shelf) == sorted(names, reverse=True)


def test_two_stations_push_at_once_into_an_empty_database(new_lab, tmp_path) -> None:
    lab, failures, start = new_lab(), [], threading.Barrier(4)

    def station(number: int) -> None:
        start.wait()
        try:
            pushed(tmp_path / f"runs{number // 2}", lab, f"bench {number // 2}")
        except RecordError as exc:
            failures.append(exc)

    for number in range(2):
        (tmp_path / f"runs{number}").mkdir()
        make_many(tmp_path / f"runs{number}", 50)
    threads = [threading.Thread(target=station, args=(number,)) for number in range(4)]  # each shelf twice
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = pushed(tmp_path / "runs0", lab, "bench 0")
    assert len(found) == len({(entry.root, entry.id) for entry in found}) == 100
    assert {entry.root.partition(":")[0] for entry in found} == {"bench 0", "bench 1"}


def test_what_went_and_what_changed_follows_and_another_station_is_left_alone(lab, tmp_path) -> None:
    mine, gone = make_run(tmp_path / "mine", 0), make_run(tmp_path / "mine", 1)
    theirs = make_run(tmp_path / "theirs", 0)
    pushed(tmp_path / "theirs", lab, "bench 2")
    assert len(pushed(tmp_path / "mine", lab)) == 3
    record = mine / "record.json"
    record.write_text(record.read_text().replace('"DONE"', '"STOPPED"'))
    gone.rename(tmp_path / "elsewhere")
    assert {(entry.root, entry.id, entry.outcome) for entry in pushed(tmp_path / "mine", lab)} == {
        (f"bench 1:{tmp_path / 'mine'}", mine.name, "STOPPED"),
        (f"bench 2:{tmp_path / 'theirs'}", theirs.name, "DONE"),
    }


def test_a_second_push_changes_nothing(lab, tmp_path) -> None:
    make_run(tmp_path / "runs", 0)
    first = pushed(tmp_path / "runs", lab)
    assert pushed(tmp_path / "runs", lab) == first
    with Shelf.lab(tmp_path / "runs", lab, "bench 1") as shelf:
        shelf._store.change([(PUT, [entry._asdict() for entry in first])])
        assert shelf.entries(Query()) == first


# -- verifications ----------------------------------------------------------------------------------------------------


def test_verifications_of_two_stations_are_one_yield(lab, tmp_path) -> None:
    for number, (station, serial, gain) in enumerate([("a", "A", 1.0), ("b", "B", 1.03), ("b", "C", 1.002)]):
        put(tmp_path / station, verification(serial=serial, gain=gain, number=number, samples=2))
    with Shelf.lab(tmp_path / "a", lab, "bench 1") as shelf:
        assert shelf.count(Query(kind="verification")) == 1
    with Shelf.lab(tmp_path / "b", lab, "bench 2") as shelf:
        assert [entry.unit for entry in shelf.entries(Query(kind="verification", outcome=("FAIL",)))] == ["B"]
        [found] = yields(shelf, Query(recipe="acceptance", family="IONTO-4"))
        rows = shelf.measured(Query())
    assert found.found == (3, 2, 2, 3)
    assert {len(each) for each in rows.values()} == {24}
    assert next(each for each in found.quantities if each.name == "accuracy.1mA.1kohm").capability.n == 3


# -- a server that goes away ---------------------------------------------------------------------------------------


class _Cut(Sequence):
    """Rows that the server is cut off from while they are being sent."""

    def __init__(self, rows: list, cut: object) -> None:
        self._rows, self._cut = rows, cut

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> object:
        if place == 1:
            self._cut()
        return self._rows[place]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.postgres
def test_a_server_that_vanishes_in_the_middle_is_one_sentence_and_costs_nothing(server, tmp_path) -> None:
    pytest.importorskip("psycopg")
    lab = server.new_base("vanishing")
    runs = tmp_path / "runs"
    for number in range(3):
        make_run(runs, number)
    with Shelf.open(runs) as shelf:
        rows = shelf.entries(Query())
    before = content(runs)
    store = LabStore(lab)
    try:
        half = [entry._replace(root="bench 1:half")._asdict() for entry in rows]
        with pytest.raises(RecordError, match=r"the lab's store postgresql\+psycopg://postgres@/vanishing\?.* answer"):
            store.change([(PUT, half[:1]), (PUT, _Cut(half, server.vanish))])
        with pytest.raises(RecordError, match=r"does not answer"):
            Shelf.lab(runs, lab, "bench 1")
        assert content(runs) == before
    finally:
        server.start()
    assert store.rows("SELECT id FROM ionto_runs_2", {}) == [], "all or nothing; and an old connection is made anew"
    store.close()
    first = pushed(runs, lab)
    assert [entry.id for entry in first] == [entry.id for entry in rows]
    assert pushed(runs, lab) == first
    assert content(runs) == before


@pytest.mark.postgres
def test_a_server_that_vanishes_between_two_questions_is_found_again(server, tmp_path) -> None:
    pytest.importorskip("psycopg")
    make_run(tmp_path / "runs", 0, started_s=FIRST_S)
    with Shelf.lab(tmp_path / "runs", server.new_base("between"), "bench 1") as shelf:
        assert shelf.count(Query()) == 1
        server.vanish()
        try:
            with pytest.raises(RecordError, match="does not answer"):
                shelf.count(Query())
        finally:
            server.start()
        assert shelf.count(Query()) == 1


@pytest.mark.postgres
def test_the_short_name_of_the_driver_is_ours_and_a_wrong_base_is_told(server, tmp_path) -> None:
    pytest.importorskip("psycopg")
    server.new_base("short")
    with Shelf.lab(tmp_path, server.url("short", driver=""), "bench 1") as shelf:
        assert shelf.count(Query()) == 0
    with pytest.raises(RecordError, match='database "nowhere" does not exist'):
        Shelf.lab(tmp_path, server.url("nowhere"), "bench 1")
