"""The eyes of a system test: the product's own monitors over a run's log, with the truth of the bench beside it.

`Eyes.look` keeps what the bench door says; `Eyes.end` puts it where it belongs between the lines of the log and asks
`controller.monitors` for its verdicts. What no monitor sees stands here: that the record is whole, and that its dose
interval holds what flowed, which is a promise of the record and of no line.

A test that lets somebody lie on the line names the invariants that are broken by it: those, and no others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from controller import Record
from controller.journal.record import file_digests
from controller.journal.wire_log import Entry, Integrity, read_wire_log
from controller.monitors import PROMISES, Finding, Promises, Violated, Watch, replay
from controller.wire import Event, Reply, Telemetry, parse

SCHEMA = Draft202012Validator(json.loads(files("controller").joinpath("schemas/record.schema.json").read_text("utf-8")))

ZERO_UA = 10
CHECKS_UC = 200  # contact checks are no part of a dose: 50 uA for a second, four of them


def served(speed: int) -> Promises:
    """Where a second of the unit's is a part of a host's, the host's own delays weigh as much more."""
    return replace(PROMISES, line_ms=PROMISES.line_ms * speed, told_late_ms=PROMISES.told_late_ms * speed)


class Eyes:
    """Of one run, from before it is begun. ``truth``: the bench door's call; None where there is none.

    ``apart_us``: host time less bench time, where that is known (0 in virtual time); else it is read off the log.
    """

    def __init__(
        self, truth: Callable[[], dict[str, Any]] | None, *, speed: int = 1, apart_us: int | None = None
    ) -> None:
        self._truth = truth
        self._apart_us = apart_us
        self._promises = PROMISES if speed == 1 else served(speed)
        self._broken: list[tuple[int, str, bool]] = []
        self.truths: list[dict[str, Any]] = []
        self._before_uc = 0.0 if truth is None else self.look()["q_uc"]

    @property
    def states(self) -> set[str]:
        return {true["state"] for true in self.truths}

    def look(self) -> dict[str, Any]:
        """One look at the bench; what it showed."""
        assert self._truth is not None
        true = self._truth()
        self.truths.append(true)
        return true

    def broken(self, what: str, *, blind: bool = False) -> None:
        """Something of the unit itself is broken now (``Watch.broken``)."""
        assert self._truth is not None
        self._broken.append((self._truth()["t_us"], what, blind))

    @property
    def delivered_uc(self) -> float:
        """True charge since the run was prepared, contact checks included."""
        assert self._truth is not None
        return self._truth()["q_uc"] - self._before_uc

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

    def findings(self, folder: Path, runs: Sequence[Any] | None = None) -> list[Finding]:
        """The verdict on every invariant."""
        contents = read_wire_log(folder / "wire.log")
        watch = Watch(promises=self._promises)
        off_us = apart_us(contents.entries) if self._apart_us is None else self._apart_us
        for t_us, what, blind in self._broken:
            watch.broken(t_us + (off_us or 0), what, blind=blind)
        if off_us is None:
            # Nobody knows which moment of the log is which of the bench: what needs no line is judged before any.
            for true in self.truths:
                watch.truth(true)
            replay(watch, contents.entries)
        else:
            self._side_by_side(watch, contents.entries, off_us)
        whole = contents.verdict.integrity in (Integrity.WHOLE, Integrity.CUT_OFF)
        watch.chained(whole, contents.verdict.line, str(contents.verdict))
        if runs is not None:
            watch.recorded(runs)
        return watch.finish()

    def _side_by_side(self, watch: Watch, entries: Sequence[Entry], off_us: int) -> None:
        n = 0
        for true in self.truths:
            at_us = true["t_us"] + off_us
            first = n
            while n < len(entries) and entries[n].mono_us <= at_us:
                n += 1
            replay(watch, entries[first:n])
            watch.truth({**true, "t_us": at_us})
        replay(watch, entries[n:])


def violated(findings: Sequence[Finding]) -> dict[str, str]:
    """By number, in words."""
    return {one.id: f"{one.title}: {one.verdict}" for one in findings if isinstance(one.verdict, Violated)}


def apart_us(entries: Sequence[Entry]) -> int | None:
    """Host time less bench time: a unit that was never reset says the bench's time in its lines, a little late."""
    apart = list(_apart(entries))
    return min(apart) if apart else None


def _apart(entries: Sequence[Entry]) -> Iterator[int]:
    for entry in entries:
        if entry.mark != "<":
            continue
        match parse(entry.raw.decode("latin-1")):
            case Reply(verb="HELLO", fields=fields) if fields.get("boot", "1") != "1":
                return
            case Reply(verb="STATUS", fields=fields) if fields.get("now", "").isdecimal():
                yield entry.mono_us - int(fields["now"]) * 1000
            case Telemetry(uptime_ms=ms) | Event(uptime_ms=ms):
                yield entry.mono_us - ms * 1000


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
