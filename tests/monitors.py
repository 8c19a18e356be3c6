"""The eyes of a system test: the product's own monitors over a run's log, with the truth of the bench beside it.

`Eyes.look` keeps what the bench door says; `Eyes.end` puts it where it belongs between the lines of the log and asks
`controller.monitors` for its verdicts. What no monitor sees stands here: that the record is whole, and that its dose
interval holds what flowed, which is a promise of the record and of no line.

A test that lets somebody lie on the line names the invariants that are broken by it: those, and no others.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import hw_sim.rig.eyes
from controller import Record
from controller.journal.record import file_digests
from controller.journal.wire_log import read_wire_log
from hw_sim.rig.eyes import violated

SCHEMA = Draft202012Validator(json.loads(files("controller").joinpath("schemas/record.schema.json").read_text("utf-8")))

ZERO_UA = 10
CHECKS_UC = 200  # contact checks are no part of a dose: 50 uA for a second, four of them


class Eyes(hw_sim.rig.eyes.Eyes):
    """As of a soak, and at the end a test fails."""

    def end(self, record: Record, breaks: Collection[str] = ()) -> None:
        """The record, when the current is off: its dose, and every invariant over its log."""
        if self._truth is not None:
            self.look()
            holds_what_flowed(record, self.delivered_uc)
        if record.folder is not None:
            self.judge(record.folder, breaks, record.runs)

    def judge(self, folder: Path, breaks: Collection[str] = (), runs: Sequence[Any] | None = None) -> None:
        """Every invariant over the log in ``folder``; exactly ``breaks`` are violated."""
        broken = violated(self.findings(folder, runs))
        assert broken.keys() == set(breaks), broken


def holds_what_flowed(record: Record, true_uc: float) -> None:
    """The interval of the record holds the true charge; a run that was refused had none."""
    low_uc, high_uc = (end * 60_000 for end in record.dose_interval_ma_min)
    assert low_uc <= true_uc + 1, ("interval", low_uc, true_uc)
    assert true_uc - CHECKS_UC <= high_uc, ("interval", true_uc, high_uc)
    told_uc = record.dose_ma_min * 60_000
    slack_uc = told_uc * 0.01 + 600
    match record.outcome:
        case "REFUSED":
            assert true_uc <= CHECKS_UC, ("refused, and yet delivered", true_uc)
        case "RESET" | "UNKNOWN":
            assert true_uc - CHECKS_UC <= told_uc + slack_uc, ("a dose that counts too little", told_uc, true_uc)
        case _:
            assert true_uc - CHECKS_UC - slack_uc <= told_uc <= true_uc + slack_uc, ("dose", told_uc, true_uc)


def one_whole_record(out: Path) -> Record:
    """Exactly one record under ``out``, closed by its session, fit for its schema, with its files as it says."""
    [folder] = out.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["plot.svg", "record.json", "trace.csv", "wire.log"]
    record = Record.load(folder)
    SCHEMA.validate(record.data)
    assert record.data["complete"] is True
    assert record.data["files"] == file_digests(folder, ("wire.log", "trace.csv", "plot.svg"))
    verdict = read_wire_log(folder / "wire.log").verdict
    assert verdict.whole, str(verdict)
    low, high = record.dose_interval_ma_min
    assert low <= record.dose_ma_min <= high
    return record


def is_zero(truth: dict[str, Any]) -> bool:
    """No current, and nothing through which one could come."""
    return abs(truth["i_ua"]) <= ZERO_UA and not truth["relay_closed"]


def lines_of(data: bytes) -> list[bytes]:
    """What a wire log has of bytes that were written: its lines, and stop bytes as lines of their own."""
    for stop in (b"\x18", b"\x03"):
        data = data.replace(stop, b"\n" + stop + b"\n")
    return [line for line in data.split(b"\n") if line]
