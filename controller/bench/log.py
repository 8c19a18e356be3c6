"""The verification's folder: ``wire.log`` with every line of the unit and every note of the sheet, and the record.

``wire.log`` is the journal's own, with its hash chain, so that one reader and one audit know both. A run that a
procedure lets the unit do has a folder of its own beside it, made by the session that did it. Notes of the sheet are on
the disk before the verification goes on: what a person saw on the screen is there after a power cut.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.bench.record import FILE, VerificationRecord
from controller.bench.sheet import BEGIN, END, Sheet
from controller.clock import Clock
from controller.errors import RecordError
from controller.journal.journal import WIRE_LOG, new_folder, replace_file
from controller.journal.record import file_digests
from controller.journal.wire_log import Integrity, WireLog, read_wire_log
from controller.version import __version__


class VerificationLog:
    """``folder`` None keeps everything in memory."""

    def __init__(self, sheet: Sheet, clock: Clock, folder: Path | None, log: WireLog | None) -> None:
        self.sheet = sheet
        self.folder = folder
        self._clock = clock
        self._log = log

    @classmethod
    def create(cls, out: Path | None, begin: dict[str, Any], clock: Clock) -> VerificationLog:
        """Make the folder and begin its log; ``begin`` gets the folder's name as its id.

        Raises:
            RecordError: it cannot be written; nothing was sent.
        """
        if out is None:
            return cls(Sheet(begin), clock, None, None)
        folder = new_folder(out, begin["id"])
        begin["id"] = folder.name
        unit, seed = begin["metadata"]["unit"], begin["metadata"]["seed"]
        header = {
            "run-set": folder.name, "utc": begin["metadata"]["started_utc"], "host": __version__, "port": unit["port"],
            "unit": unit["serial"], "seed": "-" if seed is None else str(seed),
        }  # fmt: skip
        log = cls(Sheet(begin), clock, folder, WireLog.create(folder / WIRE_LOG, header, wall=time.monotonic))
        log._write(BEGIN, begin)
        return log

    def _times(self) -> tuple[int, int]:
        return int(self._clock.now() * 1e6), int(self._clock.utc_s() * 1e6)

    def _write(self, kind: str, facts: Mapping[str, Any]) -> None:
        if self._log is not None:
            self._log.note(*self._times(), kind, facts, durable=True)

    def sent(self, line: str | bytes) -> None:
        if self._log is not None:
            self._log.sent(*self._times(), line)

    def received(self, line: str | bytes) -> None:
        if self._log is not None:
            self._log.received(*self._times(), line)

    def flush(self) -> None:
        if self._log is not None:
            self._log.flush_if_due()

    def note(self, kind: str, facts: Mapping[str, Any]) -> None:
        """On disk, then on the sheet. Raises RecordError."""
        self._write(kind, facts)
        self.sheet.note(kind, facts, self._utc_ms())

    def _utc_ms(self) -> int:
        return self._times()[1] // 1000

    def finish(self, end: Mapping[str, Any]) -> VerificationRecord:
        """Close the log and write ``verification.json``. Raises RecordError."""
        self.note(END, end)
        if self._log is None or self.folder is None:
            return self.sheet.record(ended_ms=self._utc_ms(), files={})
        self._log.close()
        return _written(self.sheet, self.folder, self._utc_ms(), complete=True)

    def give_up(self, end: Mapping[str, Any]) -> VerificationRecord:
        """The disk refuses: the record in memory, the log as far as it is whole."""
        if self._log is not None:
            self._log.abandon()
        self.sheet.note(END, end, self._utc_ms())
        return self.sheet.record(ended_ms=self._utc_ms(), files={}, complete=False)


def _written(sheet: Sheet, folder: Path, ended_ms: int, *, complete: bool) -> VerificationRecord:
    runs = [f"{run}/{WIRE_LOG}" for phase in sheet.phases.values() for run in phase.runs]
    record = sheet.record(
        ended_ms=ended_ms, files=file_digests(folder, (WIRE_LOG, *runs)), folder=folder, complete=complete
    )
    try:
        replace_file(folder / FILE, json.dumps(record.as_dict(), indent=1) + "\n")
    except OSError as exc:
        raise RecordError(f"{folder}: the record cannot be written: {exc.strerror or exc}") from exc
    return record


def is_verification(folder: Path) -> bool:
    """Whether a folder of the shelf is a verification's, finished or cut off."""
    return (folder / FILE).exists() or bool(begun(folder))


def begun(folder: Path) -> Mapping[str, Any]:
    """The first note of a verification's log; empty where there is none."""
    with contextlib.suppress(OSError, ValueError), (folder / WIRE_LOG).open("rb") as log:
        log.readline()
        # The first note is the first line after the header, and ``kind`` its first key (schemas/README.md).
        _, mark, note = log.readline().partition(f'= {{"kind":"{BEGIN}",'.encode())
        if mark:
            facts: dict[str, Any] = json.loads(b"{" + note)
            return facts
    return {}


def recover_verification(folder: Path) -> VerificationRecord:
    """Rebuild ``verification.json`` from ``wire.log``, and the records of the runs in it; a whole one stays.

    Only what the log's chain proves counts, and its verdict only where the log was closed: else it is ABORTED.

    Raises:
        RecordError: the folder has no log, or it ends before it says what was to be measured.
    """
    with contextlib.suppress(RecordError):
        whole = VerificationRecord.load(folder)
        if whole.complete and whole.files == file_digests(folder, list(whole.files)):
            return whole
    _recover_runs(folder)
    contents = read_wire_log(folder / WIRE_LOG)
    sheet: Sheet | None = None
    utc_us = 0
    for entry in contents.entries:
        utc_us = entry.utc_us
        if contents.verdict.integrity is Integrity.ALTERED and entry.line_number > contents.verdict.proven:
            break
        if entry.mark == "=":
            facts = json.loads(entry.text)
            kind = facts.pop("kind")
            if kind == BEGIN:
                sheet = Sheet(facts)
            elif sheet is not None and (kind != END or contents.verdict.whole):
                sheet.note(kind, facts, utc_us // 1000)
    if sheet is None:
        raise RecordError(f"{folder / WIRE_LOG}: it ends before it says what was to be measured")
    sheet.warnings.append(f"recovered from the wire log ({contents.verdict})")
    return _written(sheet, folder, utc_us // 1000, complete=False)


def _recover_runs(folder: Path) -> None:
    """A run that was open when the verification was cut off: its dose is told as an interval."""
    from controller.journal import recover

    for log in sorted(folder.glob(f"*/{WIRE_LOG}")):
        with contextlib.suppress(RecordError):
            recover(log.parent)
