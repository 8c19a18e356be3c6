"""The sheet: where measurements are written down, one note at a time, each on the disk before the next.

A ``Sheet`` is fed notes, by the live verification and, after a crash, by what its log kept: one way to a record, so
that a recovered one cannot differ in kind. ``kind`` and facts are those of the lines ``=`` of ``wire.log``:

    verification   what is to be measured, on which unit, with what: all definitions, so nothing can go missing unsaid
    procedure      one begins                      measured     a value, or why there is none
    series         points for a chart              run          folder of a run of the unit
    procedure_end  how it ended                    warning      one sentence
    verification_end   how it all ended

A log that breaks off before ``verification_end`` is an aborted verification, whatever was measured until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from controller.bench.measurement import Measurement, Series
from controller.bench.record import Detail, Instrument, PhaseRecord, Verdict, VerificationRecord

BEGIN: Final = "verification"
END: Final = "verification_end"
NOT_REACHED: Final = "not reached"
CUT_OFF: Final = "CUT-OFF"


class Sheet:
    """Collects one verification; ``record`` is a pure function of the notes."""

    def __init__(self, begin: Mapping[str, Any]) -> None:
        self.begin = begin
        self.phases = {data["name"]: PhaseRecord.from_dict(data) for data in begin["phases"]}
        self.series: list[Series] = []
        self.warnings: list[str] = list(begin["warnings"])
        self._open: str | None = None
        self._end: Mapping[str, Any] | None = None

    @property
    def open_phase(self) -> str | None:
        """Name of the procedure under way."""
        return self._open

    def measurement(self, name: str) -> Measurement:
        """As it stands now.

        Raises:
            KeyError: no procedure has declared it.
        """
        for phase in self.phases.values():
            if name in phase.measurements:
                return phase.measurements[name]
        raise KeyError(name)

    def note(self, kind: str, facts: Mapping[str, Any], utc_ms: int) -> None:
        """Take a note; kinds that are none of the sheet's are passed over."""
        match kind:
            case "procedure":
                self._open = facts["name"]
                self._change(start_time_millis=utc_ms)
            case "measured":
                self._measured(facts)
            case "series":
                self.series.append(Series.from_dict(dict(facts)))
            case "run":
                if self._open is not None:
                    self._change(runs=(*self.phases[self._open].runs, facts["folder"]))
            case "procedure_end":
                self._close(facts, utc_ms)
            case "warning":
                self.warnings.append(facts["text"])
            case "verification_end":
                self._end = facts

    def _change(self, **fields: Any) -> None:  # noqa: ANN401 - of PhaseRecord
        if self._open is not None:
            self.phases[self._open] = replace(self.phases[self._open], **fields)

    def _measured(self, facts: Mapping[str, Any]) -> None:
        name = facts["name"]
        for key, phase in self.phases.items():
            if name in phase.measurements:
                was = phase.measurements[name]
                now = replace(was, value=facts["value"], reason=facts["reason"], calibrated=facts["calibrated"])
                self.phases[key] = replace(phase, measurements={**phase.measurements, name: now})

    def _close(self, facts: Mapping[str, Any], utc_ms: int | None) -> None:
        """What the procedure did not come to says so."""
        if self._open is None:
            return
        phase = self.phases[self._open]
        why = "the procedure ended before it" if facts["ended"] is None else "the procedure was cut short"
        measurements = {
            name: each.because(why) if each.value is None and each.reason == NOT_REACHED else each
            for name, each in phase.measurements.items()
        }
        self._change(
            end_time_millis=utc_ms,
            ended=None if facts["ended"] is None else Verdict(facts["ended"]),
            outcome_details=tuple(Detail(**each) for each in facts["details"]),
            measurements=measurements,
        )
        self._open = None

    def record(
        self, *, ended_ms: int, files: Mapping[str, str], folder: Path | None = None, complete: bool = True
    ) -> VerificationRecord:
        """The record as of now. Without ``verification_end`` it was cut off, and is ABORTED."""
        begin, end = self.begin, self._end
        if end is None:
            self._close({"ended": Verdict.ABORTED, "details": []}, None)
            text = "the verification was cut off: the program or its machine ended, or its disk could not be written"
            end = {"ended": Verdict.ABORTED, "details": [{"code": CUT_OFF, "description": text}]}
        return VerificationRecord(
            id=begin["id"], test_name=begin["test_name"], dut_id=begin["dut_id"], station_id=begin["station_id"],
            operator_id=begin["operator_id"], start_time_millis=begin["start_time_millis"], end_time_millis=ended_ms,
            attempt=begin["attempt"], phases=tuple(self.phases.values()), series=tuple(self.series),
            instruments=tuple(Instrument(**each) for each in begin["instruments"]), metadata=begin["metadata"],
            ended=None if end["ended"] is None else Verdict(end["ended"]),
            end_details=tuple(Detail(**each) for each in end["details"]), warnings=tuple(self.warnings),
            complete=complete, files=files, folder=folder,
        )  # fmt: skip
