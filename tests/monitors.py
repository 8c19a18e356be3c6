"""What must hold of every run, whatever the wire says: of the true current, by the bench door, and of its record.

``look`` is called at every sample of a run and ``end`` with its record. A figure here is the unit's promise
(docs/protocol.md, sections 7 and 12), not what a simulator happens to do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from controller import Record
from controller.journal.record import file_digests
from controller.journal.wire_log import read_wire_log

SCHEMA = Draft202012Validator(json.loads(files("controller").joinpath("schemas/record.schema.json").read_text("utf-8")))

ENERGISED = frozenset({"RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING"})
ZERO_UA = 10
CHECK_UA = 60
CAP_UA = 4200
COMPARATOR_UA = 4400
ENTRY_US = 50_000  # how long a state without current may take to have none
CHECKS_UC = 200  # contact checks are no part of a dose: 50 uA for a second, four of them


class TruthMonitor:
    """Watches one run of one phase. ``truth`` is the bench door's call."""

    def __init__(self, truth: Callable[[], dict[str, Any]], i_ua: int, q_uc: int) -> None:
        self._truth = truth
        self._i_ua = i_ua
        self._q_uc = q_uc
        self._before_uc = truth()["q_uc"]
        self._rest_since: tuple[str, int] | None = None
        self._sign = 0
        self.looks = 0
        self.states: set[str] = set()

    def look(self) -> dict[str, Any]:
        """One look at the bench; what it showed."""
        truth = self._truth()
        self.looks += 1
        state, i_ua = truth["state"], truth["i_ua"]
        self.states.add(state)
        assert abs(i_ua) <= CAP_UA, ("hard cap", truth)
        assert truth["peak_ua"] <= COMPARATOR_UA, ("hard cap", truth)
        if state in ENERGISED:
            assert abs(i_ua) <= self._i_ua + max(self._i_ua * 0.05, 20), ("more than was set", truth)
            if state == "HOLD":
                assert abs(i_ua) <= truth["set_ua"] + max(truth["set_ua"] * 0.05, 20), ("more than was set", truth)
            self._one_sign(truth)
        elif state == "CHECK":
            assert abs(i_ua) <= CHECK_UA, ("current at rest", truth)
        else:
            self._rest(truth)
        return truth

    def _one_sign(self, truth: dict[str, Any]) -> None:
        if abs(truth["i_ua"]) > ZERO_UA:
            sign = 1 if truth["i_ua"] > 0 else -1
            assert self._sign in (0, sign), ("polarity", truth)
            self._sign = sign

    def _rest(self, truth: dict[str, Any]) -> None:
        """Zero at the latest 50 ms after the state was entered: judged from the second look in it."""
        state, t_us = truth["state"], truth["t_us"]
        if self._rest_since is None or self._rest_since[0] != state:
            self._rest_since = (state, t_us)
        elif t_us - self._rest_since[1] >= ENTRY_US:
            assert is_zero(truth), ("current at rest", truth)

    @property
    def delivered_uc(self) -> float:
        """True charge since the run was prepared, contact checks included."""
        return self._truth()["q_uc"] - self._before_uc

    def end(self, record: Record) -> None:
        """The dose, when the current is off."""
        true_uc = self.delivered_uc
        assert true_uc <= self._q_uc * 1.02 + self._i_ua * 0.2 + CHECKS_UC, ("dose cap", true_uc)
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
