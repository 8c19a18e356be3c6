"""A record from a wire log alone: after a crash, a kill, a power cut of the host.

The log is read as far as it is whole. What it says is fed to the same Recorder that a live session feeds; a run whose
end is not in it gets outcome UNKNOWN and a dose from what was heard to what the unit could still have delivered.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from controller.effects import RunResult
from controller.errors import RecordError
from controller.journal.journal import PLOT, TRACE, WIRE_LOG, utc_text, write_record
from controller.journal.record import Record, Recorder, file_digests
from controller.journal.trace import TraceWriter
from controller.journal.wire_log import read_wire_log
from controller.limits import unknown_interval_uc
from controller.sample import Sample, TimeAxis
from controller.wire import Event, Telemetry, UnitState, parse
from controller.wire.spec import ENERGISED

_OPENED: Final = frozenset({"START", "RESUME"})
_DELIVERING: Final = ENERGISED | {UnitState.PAUSED}


def recover(folder: Path) -> Record:
    """Rebuild ``trace.csv``, ``plot.svg`` and ``record.json`` of a run's folder from its ``wire.log``.

    Doing it twice gives the same record. One that the session itself closed, and whose files are as it says, stays.

    Raises:
        RecordError: the folder has no wire log, or the log does not say what was being delivered.
    """
    finished = _finished(folder)
    if finished is not None:
        return finished
    contents = read_wire_log(folder / WIRE_LOG)
    replay = _Replay(folder, str(contents.header.get("run-set", folder.name)))
    utc_us = 0
    for entry in contents.entries:
        utc_us = entry.utc_us
        replay.feed(entry.mark, entry.raw.decode("latin-1") if entry.mark == "<" else entry.text, entry.mono_us / 1e6)
    return replay.finish(utc_text(utc_us / 1e6), str(contents.verdict))


def _finished(folder: Path) -> Record | None:
    with contextlib.suppress(RecordError):
        record = Record.load(folder)
        files = file_digests(folder, (WIRE_LOG, TRACE, PLOT))
        if record.data.get("complete") is True and record.data.get("files") == files:
            return record
    return None


class _Replay:
    def __init__(self, folder: Path, run_set: str) -> None:
        self._folder = folder
        self._run_set = run_set
        self._recorder: Recorder | None = None
        part = folder / (TRACE + ".part")
        part.unlink(missing_ok=True)
        self._trace = TraceWriter(part)
        self._axis = TimeAxis()
        self._phase: Mapping[str, Any] | None = None
        self._opened_s: float | None = None
        self._peak_ua = 0
        self._heard_uc = 0
        self._last_s = 0.0
        self._counters: Counter[str] = Counter()

    def feed(self, mark: str, text: str, host_s: float) -> None:
        if mark == "=":
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._note(json.loads(text), host_s)
        elif mark == "<" and self._recorder is not None:
            message = parse(text)
            if isinstance(message, Telemetry):
                self._telemetry(message, host_s)
            elif isinstance(message, Event):
                self._recorder.event(message.name, message.fields)

    def _telemetry(self, seen: Telemetry, host_s: float) -> None:
        if self._recorder is None or self._phase is None:
            return
        sample = Sample(self._axis.at(seen.uptime_ms, host_s), int(self._phase["phase"]), seen)
        self._recorder.sample(sample)
        self._trace.sample(sample)
        self._last_s = host_s
        if self._opened_s is not None and seen.state in _DELIVERING:  # elsewhere q may be of another run, or none's
            self._heard_uc = max(self._heard_uc, seen.q_uc)
            self._peak_ua = max(self._peak_ua, seen.i_ua)

    def _note(self, facts: dict[str, Any], host_s: float) -> None:
        kind = facts.pop("kind")
        if kind == "begin":
            self._recorder = Recorder(self._run_set, facts)
        elif self._recorder is None:
            return
        elif kind == "phase":
            self._phase, self._opened_s, self._heard_uc, self._peak_ua = facts, None, 0, 0
        elif kind == "intent" and facts["verb"] in _OPENED:
            self._opened_s = host_s if self._opened_s is None else self._opened_s
        elif kind == "end":
            self._phase = None
            phase = facts.pop("phase")
            facts.pop("gaps", None)
            self._recorder.end(phase, RunResult(**facts))
        elif kind == "counters":
            self._counters.update(facts)
        else:
            self._recorder.note(kind, facts)

    def finish(self, ended_utc: str, verdict: str) -> Record:
        recorder = self._recorder
        self._trace.close()
        part = self._folder / (TRACE + ".part")
        if recorder is None:
            part.unlink(missing_ok=True)
            raise RecordError(f"{self._folder / WIRE_LOG}: it ends before it says what was to be delivered")
        part.replace(self._folder / TRACE)
        if self._phase is not None:
            self._end_open(recorder, self._phase)
        recorder.warnings.append(f"recovered from the wire log ({verdict})")
        return write_record(self._folder, recorder, ended_utc, self._counters, complete=False)

    def _end_open(self, recorder: Recorder, phase: Mapping[str, Any]) -> None:
        """The log was cut off in this phase."""
        if self._opened_s is None:
            recorder.end(
                int(phase["phase"]),
                RunResult(
                    run=phase["run"], outcome="REFUSED", q_uc=0, low_uc=0, high_uc=0, peak_ua=0, duration_s=0.0,
                    reason="the host ended before START was sent; nothing was delivered",
                ),
            )  # fmt: skip
            return
        low_uc, high_uc = unknown_interval_uc(
            self._heard_uc, int(phase["I"]), int(phase["Q"]), phase["LOSS"], recorder.begin["unit"]["lease_ms"]
        )
        recorder.end(
            int(phase["phase"]),
            RunResult(
                run=phase["run"], outcome="UNKNOWN", q_uc=high_uc, low_uc=low_uc, high_uc=high_uc,
                peak_ua=self._peak_ua, duration_s=max(0.0, self._last_s - self._opened_s), cause="host",
                reason="the host ended while the run was open; `ionto info` asks the unit what it recorded",
            ),
        )  # fmt: skip
