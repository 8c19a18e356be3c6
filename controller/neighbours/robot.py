"""Keywords for Robot Framework.

*** Settings ***
Library    controller.neighbours.robot.Ionto    sim://?load=5k

*** Test Cases ***
A dose arrives
    ${record} =    Deliver    bench.toml
    Outcome Should Be    ${record}    DONE
    Dose Should Be    ${record}    1.0
    Output Should Be Off
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from robot.api.deco import keyword, library

from controller.errors import IontoError
from controller.journal import Record
from controller.treatment import Treatment
from controller.unit import QUIET_UA, Unit


@library(scope="TEST", auto_keywords=False)
class Ionto:
    """One unit for each test, left without current at its end. ``port`` and ``out`` as for ``ionto run``."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, port: str = "sim://", out: str | None = None) -> None:
        self.ROBOT_LIBRARY_LISTENER = self
        self._port, self._out = port, None if out is None else Path(out)
        self._opened: Unit | None = None

    def end_test(self, data: object, result: object) -> None:
        if self._opened is not None:
            with suppress(IontoError):  # a unit that does not answer has its lease
                self._opened.brake()
                self._opened.stop()
            self._opened.close()
            self._opened = None

    @property
    def _unit(self) -> Unit:
        if self._opened is None:
            self._opened = Unit.open(self._port, purpose="Robot Framework")
        return self._opened

    @keyword
    def deliver(self, treatment: str) -> Record:
        """Deliver the treatment of a file to its end; the record, whatever the outcome."""
        with self._unit.deliver(Treatment.load(treatment), out=self._out) as run:
            for _ in run:
                pass
        return run.record

    @keyword
    def outcome_should_be(self, record: Record, outcome: str) -> None:
        if record.outcome != outcome:
            raise AssertionError(f"the outcome is {record.outcome}, not {outcome}")

    @keyword
    def dose_should_be(self, record: Record, dose_ma_min: float, tolerance_percent: float = 1.0) -> None:
        if abs(record.dose_ma_min - dose_ma_min) > dose_ma_min * tolerance_percent / 100:
            raise AssertionError(f"the dose is {record.dose_ma_min} mA.min, not {dose_ma_min}")

    @keyword
    def output_should_be_off(self) -> None:
        if (i_ua := self._unit.status().i_ua) > QUIET_UA:
            raise AssertionError(f"{i_ua} uA flow")

    @keyword
    def stop_unit(self) -> None:
        self._unit.stop()
