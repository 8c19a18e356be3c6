"""The live record of a treatment: a folder with the wire log, the trace, and at the end the record and the plot.

The wire log comes first: every line in and out goes there before anything is made of it, and the intent of a raising
command is on disk before its first byte leaves. Trace, record and plot can be rebuilt from it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.clock import Clock
from controller.effects import RunResult
from controller.errors import RecordError
from controller.journal.record import Record, Recorder, file_digests, host_facts
from controller.journal.trace import TraceWriter
from controller.journal.wire_log import WireLog
from controller.limits import UnitFacts
from controller.sample import Sample
from controller.treatment import Prescription, Treatment
from controller.version import __version__
from controller.wire import Event

WIRE_LOG, TRACE, RECORD, PLOT = "wire.log", "trace.csv", "record.json", "plot.svg"


def utc_text(utc_s: float) -> str:
    """ISO 8601 with milliseconds, UTC."""
    return datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Journal:
    """Everything that is written while a treatment runs; ``folder`` None keeps it in memory only."""

    def __init__(self, folder: Path | None, recorder: Recorder, clock: Clock, log: WireLog | None) -> None:
        self.folder = folder
        self.recorder = recorder
        self._clock = clock
        self._log = log
        self._trace = None if folder is None else TraceWriter(folder / TRACE)

    @classmethod
    def create(
        cls,
        out: Path | str | None,
        run_set: str,
        *,
        treatment: Treatment,
        facts: UnitFacts,
        port: str,
        clock: Clock,
        operator: str | None,
        station: str | None = None,
    ) -> Journal:
        """Make the folder ``out/run_set`` and begin its wire log.

        Raises:
            RecordError: it cannot be written; nothing was sent.
        """
        started_utc = utc_text(clock.utc_s())
        seed = getattr(clock, "seed", None)
        begin: dict[str, Any] = {
            "treatment": treatment.as_dict(),
            "unit": {
                "serial": facts.serial, "model": facts.model, "firmware": facts.firmware, "boot": facts.boot,
                "port": port, "simulated": facts.simulated, "lease_ms": facts.lease_ms,
            },
            "operator": operator,
            "host": host_facts(),
            "scenario": port if seed is not None else None,
            "seed": seed,
            "target_ma_min": treatment.dose_ma_min,
            "warnings": list(treatment.warnings()),
            "started_utc": started_utc,
        }  # fmt: skip
        if station is not None:
            begin["station"] = station
        recorder = Recorder(run_set, begin)
        if out is None:
            return cls(None, recorder, clock, None)
        folder = new_folder(Path(out), run_set)
        log = WireLog.create(
            folder / WIRE_LOG,
            {
                "run-set": run_set, "utc": started_utc, "host": __version__, "port": port,
                "unit": facts.serial, "seed": "-" if seed is None else str(seed),
            },
            wall=time.monotonic,
        )  # fmt: skip
        journal = cls(folder, recorder, clock, log)
        journal.note("begin", begin)
        return journal

    def _times(self) -> tuple[int, int]:
        return int(self._clock.now() * 1e6), int(self._clock.utc_s() * 1e6)

    # -- the line ----------------------------------------------------------------------------------------------

    def sent(self, line: str | bytes) -> None:
        if self._log is not None:
            self._log.sent(*self._times(), line)

    def received(self, line: str | bytes) -> None:
        if self._log is not None:
            clock = self._clock
            self._log.received(int(clock.now() * 1e6), int(clock.utc_s() * 1e6), line)

    # -- what was made of it -----------------------------------------------------------------------------------

    def intent(self, verb: str, fields: Mapping[str, object]) -> None:
        """On disk before it returns: what is about to be asked of the unit.

        Raises:
            RecordError: it is not on disk; the command must not be sent.
        """
        if self._log is not None:
            self._log.note(*self._times(), "intent", {"verb": verb, **fields}, durable=True)

    def note(self, kind: str, facts: Mapping[str, object]) -> None:
        if self._log is not None:
            self._log.note(*self._times(), kind, facts)
        self.recorder.note(kind, facts)

    def sample(self, sample: Sample) -> None:
        self.recorder.sample(sample)
        if self._trace is not None:
            self._trace.sample(sample)

    def flush(self) -> None:
        """Hand over what is due, for the loop to call in every turn."""
        if self._log is not None:
            self._log.flush_if_due()

    def event(self, event: Event) -> None:
        self.recorder.event(event.name, event.fields)
        if self._log is not None:
            self._log.checkpoint()

    def phase(self, number: int, run: str, prescription: Prescription) -> None:
        self.note("phase", {"phase": number, "run": run, **prescription.fields()})

    def end(self, number: int, result: RunResult, *, gaps: int) -> None:
        """How a phase ended."""
        self.recorder.end(number, result)
        facts = {
            "phase": number, "run": result.run, "outcome": result.outcome, "q_uc": result.q_uc,
            "low_uc": result.low_uc, "high_uc": result.high_uc, "peak_ua": result.peak_ua,
            "duration_s": result.duration_s, "fault": result.fault, "refused": result.refused,
            "cause": result.cause, "reason": result.reason, "gaps": gaps,
        }  # fmt: skip
        with contextlib.suppress(RecordError):
            self.note("end", facts)

    # -- the end -----------------------------------------------------------------------------------------------

    def give_up(self) -> None:
        """The disk refused: keep what is whole, write no more."""
        if self._log is not None:
            self._log.abandon()
            self._log = None
        if self._trace is not None:
            with contextlib.suppress(RecordError):
                self._trace.close()
            self._trace = None

    def finish(self, counters: Mapping[str, int]) -> Record:
        """Close the log, write the record and the plot.

        Raises:
            RecordError: what cannot be written; the log is kept, and ``ionto runs recover`` rebuilds the rest.
        """
        if self._trace is not None:
            self._trace.close()
        if self._log is None or self.folder is None:
            return self.unwritten(counters)
        self._log.note(*self._times(), "counters", counters)
        self._log.close()
        return write_record(self.folder, self.recorder, utc_text(self._clock.utc_s()), counters, complete=True)

    def unwritten(self, counters: Mapping[str, int]) -> Record:
        """The record in memory, where there is no disk to hold it."""
        return Record(
            self.recorder.data(
                ended_utc=utc_text(self._clock.utc_s()), counters=counters, files={}, complete=self.folder is None
            ),
            None,
        )


def new_folder(out: Path, name: str) -> Path:
    """A folder of its own. In virtual time the same seed gives the same id: the second run of it is ``id-2``."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for n in range(1, 10_000):
            folder = out / (name if n == 1 else f"{name}-{n}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as exc:
        raise RecordError(
            f"{out}: the record cannot be written there: {exc.strerror or exc}; choose another folder with --out"
        ) from exc
    raise RecordError(f"{out}: it holds too many runs of the id {name}; choose another folder with --out")


def write_record(
    folder: Path, recorder: Recorder, ended_utc: str, counters: Mapping[str, int], *, complete: bool
) -> Record:
    """``plot.svg`` and ``record.json``, each whole or not at all."""
    import json

    try:
        replace_file(folder / PLOT, recorder.plot())
        data = recorder.data(
            ended_utc=ended_utc,
            counters=counters,
            files=file_digests(folder, (WIRE_LOG, TRACE, PLOT)),
            complete=complete,
        )
        replace_file(folder / RECORD, json.dumps(data, indent=1) + "\n")
    except OSError as exc:
        raise RecordError(f"{folder}: the record cannot be written: {exc.strerror or exc}") from exc
    return Record(data, folder)


def replace_file(path: Path, text: str) -> None:
    """``text`` under this name, whole or not at all."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(text, "utf-8")
    part.replace(path)
