"""The record: its verdict, its JSON and its schema; a sheet that broke off is an aborted verification."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from controller.bench.measurement import Outcome
from controller.bench.record import Verdict, VerificationRecord, judged
from controller.errors import RecordError
from tests.bench.benches import recipe, verified
from tests.bench.test_verify_measurement import definition

SCHEMA = json.loads(Path("controller/schemas/verification.schema.json").read_text("utf-8"))
GOOD, BAD, NONE = definition(0, 1).measured(0.5), definition(0, 1).measured(2), definition(0, 1).unmeasured("no meter")


@pytest.mark.parametrize(
    ("measurements", "ended", "verdict"),
    [
        ([GOOD], None, Verdict.PASS),
        ([GOOD, NONE], None, Verdict.PASS),
        ([NONE], None, None),
        ([GOOD, BAD], None, Verdict.FAIL),
        ([GOOD], Verdict.TIMEOUT, Verdict.TIMEOUT),
        ([GOOD], Verdict.ABORTED, Verdict.ABORTED),
        ([GOOD, BAD], Verdict.ERROR, Verdict.FAIL),  # no later error takes a failure back
        ([GOOD, BAD], Verdict.ABORTED, Verdict.ABORTED),
    ],
)
def test_the_verdict_follows_from_what_was_measured_and_how_it_ended(measurements, ended, verdict):
    assert judged(measurements, ended) is verdict


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> VerificationRecord:
    folder = tmp_path_factory.mktemp("record")
    what = recipe(folder, 'steps = ["self_test", "ramp"]\n[ramp]\nslews_ma_per_s = [0.5]\n')
    return verified("sim://bench-5k", what, folder / "runs", operator="Mia")


def test_it_keeps_to_its_schema_and_comes_back_whole(record):
    data = json.loads((record.folder / "verification.json").read_text("utf-8"))
    jsonschema.validate(data, SCHEMA)
    assert VerificationRecord.load(record.folder) == record
    assert data["outcome"] == "PASS"
    assert data["metadata"]["unit"]["serial"] == data["dut_id"] == "SN0001"
    assert data["operator_id"] == "Mia"
    assert data["attempt"] == 1


def test_every_run_of_the_unit_has_its_own_record_beside_it(record):
    (run,) = record.phases[1].runs
    assert json.loads((record.folder / run / "record.json").read_text("utf-8"))["treatment"]["load"] == "bench"
    assert set(record.files) == {"wire.log", f"{run}/wire.log"}


def test_series_for_plots_are_part_of_it(record):
    (ramp,) = record.series
    assert (ramp.chart.value, ramp.group, ramp.y_unit) == ("ramp", "0.5 mA/s", "mA")
    assert max(point.y for point in ramp.points) == pytest.approx(2.0, abs=0.03)


def test_nothing_measured_is_no_pass(record):
    nothing = [replace(p, measurements=dict.fromkeys(p.measurements, NONE)) for p in record.phases]
    assert replace(record, phases=tuple(nothing)).outcome is Verdict.ERROR


def test_first_failing_is_the_first_in_the_order_of_the_recipe(record):
    late, early = record.phases[1], record.phases[0]
    bad = {name: replace(BAD, definition=each.definition) for name, each in late.measurements.items()}
    failing = replace(record, phases=(early, replace(late, measurements=bad)))
    assert failing.outcome is Verdict.FAIL
    assert failing.first_failing is not None
    assert failing.first_failing.name == next(iter(bad))
    assert failing.outcome_details[0].code == "RMP-1"
    assert failing.first_failing.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a readable verification"), ('{"format": 99}', "newer than this program"), ("[]", "not a"),
        ('{"format": 1}', "not as its schema says"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_told(tmp_path, text, said):
    (tmp_path / "verification.json").write_text(text, "utf-8")
    with pytest.raises(RecordError, match=said):
        VerificationRecord.load(tmp_path)
