"""Verifications on the shelf: rows, measurements, and the yield of a family."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from math import isclose
from pathlib import Path

import pytest

from controller.bench.record import FILE, FORMAT, Verdict, VerificationRecord
from controller.shelf import verification as shelved
from controller.shelf.entry import VERIFICATION, VERIFICATION_RECORD
from controller.shelf.index import Shelf
from controller.shelf.prune import candidates
from controller.shelf.query import Query
from controller.shelf.yields import yields
from tests.synthetic_runs import FIRST_S, make_run
from tests.synthetic_verifications import put, verification


def shelve(shelf: Path, number: int, serial: str, **more) -> VerificationRecord:
    record = verification(serial=serial, number=number, started_s=FIRST_S + 3600 * number, samples=2, **more)
    put(shelf, record)
    return record


def test_the_shelf_and_the_bench_mean_the_same_file_and_format() -> None:
    assert shelved.FILE == FILE == VERIFICATION_RECORD
    assert shelved.FORMAT == FORMAT


def test_a_verification_is_a_row_beside_the_runs(tmp_path) -> None:
    tmp_path /= "runs"
    run = make_run(tmp_path, 0)
    record = shelve(tmp_path, 1, "SN0007", gain=1.03)
    with Shelf.open(tmp_path) as shelf:
        assert [entry.id for entry in shelf.entries(Query())] == [record.id, run.name]
        [entry] = shelf.entries(Query(kind=VERIFICATION))
        assert [each.id for each in shelf.entries(Query(kind="run"))] == [run.name]
        assert shelf.find(record.id) == tmp_path / record.id
    assert (entry.outcome, entry.recipe, entry.family, entry.unit) == ("FAIL", "acceptance", "IONTO-4", "SN0007")
    assert (entry.failing, entry.measured, entry.operator, entry.station) == (
        "accuracy.1mA.1kohm", 23, "Anna", "bench 3",
    )  # fmt: skip
    assert (entry.recorded_utc, entry.duration_s) == ("2026-09-21T15:13:20.000Z", 754.0)
    assert (entry.dose_ma_min, entry.problem) == (None, None)


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"outcome": ("FAIL",)}, 1), ({"outcome": ("PASS",)}, 2), ({"unit": "sn1"}, 2), ({"recipe": "full"}, 1),
        ({"recipe": "nothing"}, 0), ({"family": "IONTO-4"}, 2), ({"kind": "run"}, 0), ({"treatment": "ACCEPT"}, 2),
    ],
)  # fmt: skip
def test_filters_know_verifications(tmp_path, asked, number) -> None:
    shelve(tmp_path, 0, "SN1", gain=1.03)
    shelve(tmp_path, 1, "SN1")
    shelve(tmp_path, 2, "SN2", recipe="full", family=None)
    with Shelf.open(tmp_path) as shelf:
        assert shelf.count(Query(**asked)) == number


def test_measurements_follow_their_record(tmp_path) -> None:
    record = shelve(tmp_path, 0, "SN1")
    key = (".", record.id)
    with Shelf.open(tmp_path) as shelf:
        rows = shelf.measured(Query())[key]
    assert [row.name for row in rows] == [each.name for each in record.measurements]
    assert (rows[0].unit, rows[0].low, rows[0].high, rows[0].outcome) == ("uA", -7.0, 7.0, "PASS")
    assert (rows[-1].name, rows[-1].value, rows[-1].outcome) == ("dose.full", None, "NOT_MEASURED")
    shorter = replace(record, phases=record.phases[:1], warnings=("changed",))
    (tmp_path / record.id / FILE).write_text(json.dumps(shorter.as_dict()))
    with Shelf.open(tmp_path) as shelf:
        assert len(shelf.measured(Query())[key]) == 18
    (tmp_path / record.id).rename(tmp_path / ".gone")
    with Shelf.open(tmp_path) as shelf:
        assert shelf.measured(Query()) == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"format": 1', '"format": 99', "newer than this program knows; upgrade ionto"),
        ('"first_failing": null,', "", "it is not as the schema of records says (KeyError: 'first_failing')"),
        ('"measured_value": 12.0', '"measured_value": NaN', "nan is no quantity"),
        ("{", "", "not a readable verification"),
    ],
)
def test_what_cannot_be_read_is_listed_with_the_reason(tmp_path, old, new, said) -> None:
    file = put(tmp_path, verification(samples=2)) / FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with Shelf.open(tmp_path) as shelf:
        [entry] = shelf.entries(Query())
    assert entry.outcome == "UNREADABLE"
    assert said in entry.problem


def test_one_that_was_cut_off_is_known_for_what_it_is(tmp_path) -> None:
    folder = put(tmp_path, verification(samples=2))
    (folder / FILE).unlink()
    (folder / "wire.log").write_text(
        '# ionto wire log 1  run-set=X  utc=-\n1 1 = {"kind": "verification", "id": "X"}\n'
    )
    with Shelf.open(tmp_path) as shelf:
        [entry] = shelf.entries(Query())
    assert (entry.kind, entry.outcome) == (VERIFICATION, "NO RECORD")
    assert f"`ionto runs recover {folder}` rebuilds it" in entry.problem


def test_in_virtual_time_it_stands_where_it_was_made(tmp_path) -> None:
    record = verification(samples=2)
    folder = put(tmp_path, replace(record, metadata={**record.metadata, "seed": 1}))
    os.utime(folder / "wire.log", (FIRST_S + 60, FIRST_S + 60))
    with Shelf.open(tmp_path) as shelf:
        [entry] = shelf.entries(Query())
    assert entry.recorded_utc == "2026-09-21T14:14:20.000Z"


def test_a_verification_is_evidence_whatever_its_outcome(tmp_path) -> None:
    folder = put(tmp_path, verification(samples=2))
    [candidate] = candidates([folder], ())
    assert (candidate.reason, candidate.is_open) == ("it is a verification", False)


def test_one_that_was_cut_off_is_evidence_too(tmp_path) -> None:
    folder = put(tmp_path, verification(samples=2))
    (folder / FILE).unlink()
    os.utime(folder / "wire.log", (1_000_000_000, 1_000_000_000))
    [candidate] = candidates([folder], ())
    assert candidate.reason == "it has no readable record"


# -- yield ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def family(tmp_path) -> Path:
    shelve(tmp_path, 0, "A", gain=1.000)
    shelve(tmp_path, 1, "B", gain=1.030)  # fails, and passes later
    shelve(tmp_path, 2, "C", ended=Verdict.TIMEOUT)
    shelve(tmp_path, 3, "B", gain=1.002)
    shelve(tmp_path, 4, "C", gain=1.004, simulated=True)
    shelve(tmp_path, 5, "D", late_ms=40.0)  # fails
    shelve(tmp_path, 6, "E", recipe="full", family="IONTO-4-LOW")
    make_run(tmp_path, 7)
    return tmp_path


def test_yield_counts_units_and_no_attempt_without_a_verdict(family) -> None:
    with Shelf.open(family) as shelf:
        first, second = yields(shelf, Query())
    assert (first.recipe, first.family, second.recipe, second.family) == (
        "acceptance", "IONTO-4", "full", "IONTO-4-LOW",
    )  # fmt: skip
    assert first.found == (4, 2, 3, 5), "units, at first, in the end, attempts"
    assert (first.without_verdict, first.simulated) == (1, 1)
    assert [(cause.name, cause.times) for cause in first.causes] == [
        ("accuracy.1mA.1kohm", 1), ("trip.open_lead.time", 1),
    ]  # fmt: skip
    assert second.found == (1, 1, 1, 1)


def test_capability_is_of_the_first_attempts(family) -> None:
    with Shelf.open(family) as shelf:
        [found] = yields(shelf, Query(recipe="acceptance"))
    quantities = {quantity.name: quantity for quantity in found.quantities}
    trip = quantities["trip.open_lead.time"]
    assert trip.values == (84.0, 84.0, 84.0, 124.0)  # A, B, C, D; B's second attempt is not in it
    figures = trip.capability
    assert (figures.n, figures.mean, figures.s, figures.cp) == (4, 94.0, 20.0, None)
    assert isclose(figures.cpk or 0, (100 - 94) / 60)
    assert figures.note == "fewer than 25 units: a rough estimate"
    assert quantities["dose.full"].capability.note == "never measured"
    assert quantities["trip.lease.time"].capability.note == "all values are the same"


def test_other_limits_of_older_verifications_are_told(tmp_path) -> None:
    shelve(tmp_path, 0, "A")
    record = verification(serial="B", number=1, started_s=FIRST_S + 3600, samples=2)
    text = json.dumps(record.as_dict())
    assert '"high": 100.0' in text
    (put(tmp_path, record) / FILE).write_text(text.replace('"high": 100.0', '"high": 90.0'))
    with Shelf.open(tmp_path) as shelf:
        [found] = yields(shelf, Query())
    trip = next(each for each in found.quantities if each.name == "trip.open_lead.time")
    assert trip.high == 90.0
    assert trip.capability.note == "all values are the same; older verifications had other limits"


def test_no_verification_has_no_yield(tmp_path) -> None:
    make_run(tmp_path, 0)
    with Shelf.open(tmp_path) as shelf:
        assert yields(shelf, Query()) == []
