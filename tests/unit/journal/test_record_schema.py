"""record.schema.json: a record made by the program fits, a wrong one does not."""

from __future__ import annotations

import copy
import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from controller.effects import RunResult
from controller.journal.record import Recorder

SCHEMA = json.loads(files("controller").joinpath("schemas/record.schema.json").read_text("utf-8"))
BEGIN = {
    "treatment": {
        "format": 1, "name": "Bench load", "load": "bench",
        "phase": [{"pole": "-", "current_ma": 2.0, "dose_ma_min": 40.0}],
    },
    "target_ma_min": 40.0,
    "unit": {
        "serial": "SN0042", "model": "IONTO-4", "firmware": "1.0.0", "boot": 163, "port": "sim://", "simulated": True,
        "lease_ms": 2000,
    },
    "operator": None,
    "host": {"version": "0.1.0", "python": "3.11.7", "platform": "Linux"},
    "scenario": "sim://",
    "seed": 0,
    "warnings": [],
    "started_utc": "2026-11-23T20:00:00.000Z",
}  # fmt: skip


def a_record() -> dict:
    recorder = Recorder("01J8ZK6Q3V9T5W0X2Y4A6B8C0D", BEGIN)
    recorder.end(
        1,
        RunResult(
            run="01J8ZK6Q3V9T5W0X2Y4A6B8C0E", outcome="FAULT:02", q_uc=87_160, low_uc=85_000, high_uc=88_000,
            peak_ua=1500, duration_s=63.0, fault=2, cause="unit",
        ),
    )  # fmt: skip
    data = recorder.data(
        ended_utc="2026-11-23T20:01:03.000Z", counters={"bad_crc": 1}, files={"wire.log": "ab" * 32}, complete=True
    )
    return json.loads(json.dumps(data))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_record_of_the_program_fits_and_all_its_keys_are_described() -> None:
    record = a_record()
    Draft202012Validator(SCHEMA).validate(record)
    assert set(record) <= set(SCHEMA["properties"])
    assert set(record["runs"][0]) <= set(SCHEMA["$defs"]["run"]["properties"])
    assert set(record["unit"]) <= set(SCHEMA["properties"]["unit"]["properties"])


def test_a_record_without_a_run_fits() -> None:
    record = a_record() | {"runs": [], "outcome": "REFUSED", "seed": None, "scenario": None, "complete": False}
    Draft202012Validator(SCHEMA).validate(record)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 2),
        (("outcome",), "OK"),
        (("outcome",), "FAULT"),
        (("runs", 0, "outcome"), "FAULT:002"),
        (("runs", 0, "run"), "lower"),
        (("runs", 0, "phase"), 0),
        (("runs", 0, "dose_interval_ma_min"), [1.0]),
        (("dose_interval_ma_min",), [0.0, 1.0, 2.0]),
        (("dose_ma_min",), "40"),
        (("peak_ma",), -0.1),
        (("fault",), 0),
        (("unit", "simulated"), 1),
        (("counters",), {"gaps": 1.5}),
        (("started_utc",), "2026-11-23 20:00"),
        (("files",), {"wire.log": "AB" * 32}),
        (("complete",), None),
    ],
)
def test_what_is_wrong_does_not_fit(path: tuple[str | int, ...], value: object) -> None:
    record = copy.deepcopy(a_record())
    *way, last = path
    place = record
    for step in way:
        place = place[step]
    place[last] = value
    assert not Draft202012Validator(SCHEMA).is_valid(record)


@pytest.mark.parametrize("key", SCHEMA["required"])
def test_no_key_may_be_missing(key: str) -> None:
    record = a_record()
    del record[key]
    assert not Draft202012Validator(SCHEMA).is_valid(record)
