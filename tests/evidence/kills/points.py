"""A host that is killed at a call: what it left on the disk, what the unit does without it, and the record of the two.

A killed process does nothing more: no handler, no ``finally``, no flush. So what a kill leaves is what lies on the disk
and on the line at that moment, and the run itself need not be repeated for each: at every call the disk is copied and
judged with the bench as it stood, then bench and host go on to the next call. ``real`` does the same with processes
and SIGKILL, and shows that nothing is different there.

Three ways to die. ``closed``: the system closes the port, and the unit notices. ``open``: it does not (a bridge, a
computer that stands still), and the lease alone acts. ``power``: the computer's supply is cut too, and only what was
synced is there; what was not, a new file under an old name too, is empty.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from controller import Record, RecordError
from controller.journal import recover
from controller.journal.wire_log import Integrity, read_wire_log
from controller.monitors import Held
from hw_sim.rig.eyes import Eyes, violated
from tests.evidence.nth.story import FINISH_US, STILL_US, Bench, Tale, clear
from tests.evidence.nth.taps import First, Rest, tapped
from tests.monitors import CHECKS_UC, is_zero

WAYS: Final = ("closed", "open", "power")


@dataclass
class Killed:
    """What came of the points so far."""

    points: int = 0  # moments at which the host was killed
    deaths: int = 0  # the same times the ways to die
    records: int = 0
    before_begin: int = 0  # killed before there was anything to record, and nothing flowed
    cut: int = 0  # logs whose chain says where they were cut off
    held: int = 0  # verdicts of the monitors over what a killed host left
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[int, str]] = field(default_factory=list)


class Reaper:
    """The hand that kills at every ``stride``-th call, counted from ``first``."""

    def __init__(self, bench: Bench, out: Path, *, first: int = 1, stride: int = 1, most: int = 1 << 30) -> None:
        self.killed = Killed()
        self._bench = bench
        self._out = out
        self._next, self._stride, self._most = first, stride, most
        self._calls = 0
        self._synced: dict[int, int] = {}  # inode: how much of it is surely on the disk

    def hand(self, kind: str, first: First, rest: Rest) -> Any:
        self.moment(f"before {kind}")
        if first is not None:
            first()
            self.moment(f"in the middle of {kind}")
        return rest()

    def synced(self, fd: int) -> None:
        seen = os.fstat(fd)
        self._synced[seen.st_ino] = seen.st_size

    def moment(self, where: str) -> None:
        """A place where the host can be killed."""
        self._calls += 1
        if self._calls != self._next or self.killed.points >= self._most:
            return
        self._next += self._stride
        self.killed.points += 1
        true_uc = {way: self._left_alone(way, where) for way in ("closed", "open")}
        for power in (False, True):
            self._on_disk(where, true_uc.values(), power=power)

    # -- the unit ----------------------------------------------------------------------------------------------

    def _left_alone(self, way: str, where: str) -> float:
        """The unit without its host, to rest; what flowed in all. Then everything is put back."""
        self.killed.deaths += 1
        bench = self._bench
        world, before = bench.world, bench.world.snapshot()
        if way == "closed":
            for conn in list(world.to_unit):
                world.disconnect(conn)
        world.advance_to(world.now_us + (FINISH_US if bench.tale.link == "finish" else STILL_US))
        truth, true_uc = world.truth(), bench.eyes.delivered_uc
        world.restore(before)
        if not is_zero(truth):
            self._problem(where, f"killed, port {way}: current goes on: {truth}")
        return true_uc

    # -- the disk ----------------------------------------------------------------------------------------------

    def _on_disk(self, where: str, true_uc: Any, *, power: bool) -> None:
        killed = self.killed
        killed.deaths += power
        left = self._copy(power=power)
        where += ", power cut" if power else ""
        try:
            record = None if left is None else self._record(left, where)
            if record is None:
                killed.before_begin += 1
                if max(true_uc) > CHECKS_UC:
                    self._problem(where, f"{max(true_uc):.0f} uC flowed, and no record can be had")
                return
            killed.records += 1
            killed.outcomes[record.outcome] += 1
            self._judge(record, where, true_uc)
        finally:
            if left is not None:
                clear(left)

    def _copy(self, *, power: bool) -> Path | None:
        folders = list(self._out.iterdir()) if self._out.is_dir() else []
        if not folders:
            return None
        left = self._out.with_name("left") / folders[0].name
        left.mkdir(parents=True)
        for file in folders[0].iterdir():
            shutil.copyfile(file, left / file.name)
            if power:
                os.truncate(left / file.name, self._synced.get(file.stat().st_ino, 0))
        return left

    def _record(self, left: Path, where: str) -> Record | None:
        log = left / "wire.log"
        whole = log.read_bytes().count(b"\n") if log.exists() else 0
        try:
            verdict = read_wire_log(log).verdict if log.exists() else None
            record = recover(left)
        except RecordError:
            return None
        if verdict is not None and verdict.integrity is Integrity.CUT_OFF:
            self.killed.cut += 1
            if verdict.line != whole or not any(str(verdict) in text for text in record.data["warnings"]):
                self._problem(where, f"the log has {whole} lines, the chain says {verdict}: {record.data['warnings']}")
        elif verdict is None or not verdict.whole:
            self._problem(where, f"the log of a killed host is {verdict}")
        self._once(left, where)
        self._watched(left, record, where)
        return record

    def _watched(self, left: Path, record: Record, where: str) -> None:
        """What the log shows, up to where it was cut off, is judged as that of any run."""
        findings = Eyes(None).findings(left, record.runs)
        self.killed.held += sum(isinstance(found.verdict, Held) for found in findings)
        for number, what in violated(findings).items():
            self._problem(where, f"{number} {what}")

    def _once(self, left: Path, where: str) -> None:
        """Recovering again changes nothing, and leaves nothing lying about."""
        before = {file.name: file.read_bytes() for file in left.iterdir()}
        recover(left)
        after = {file.name: file.read_bytes() for file in left.iterdir()}
        if before != after:
            self._problem(where, "recovering a second time gives other files")
        if set(after) - {"record.json.part", "plot.svg.part"} != {"wire.log", "trace.csv", "plot.svg", "record.json"}:
            self._problem(where, f"the folder holds {sorted(after)}")

    def _judge(self, record: Record, where: str, true_uc: Any) -> None:
        runs = [run["run"] for run in record.runs]
        if len(set(runs)) != len(runs) or len(runs) > self._bench.tale.phases:
            self._problem(where, f"runs {runs} in one record")
        low_uc, high_uc = (end * 60_000 for end in record.dose_interval_ma_min)
        if not low_uc <= min(true_uc) + 1 or not max(true_uc) - CHECKS_UC <= high_uc:
            flowed = f"{min(true_uc):.0f} to {max(true_uc):.0f} uC"
            self._problem(where, f"{flowed} flowed, the record says {low_uc:.0f} to {high_uc:.0f} ({record.outcome})")

    def _problem(self, where: str, what: str) -> None:
        self.killed.problems.append((self._calls, f"{where}: {what}"))


def kill(
    tale: Tale,
    out: Path,
    *,
    telemetry_ms: int = 100,
    first: int = 1,
    stride: int = 1,
    most: int = 1 << 30,
) -> Killed:
    """One treatment, the host killed at every ``stride``-th of its calls; it goes on to its end all the same."""
    bench = Bench(tale, _telemetry_ms=telemetry_ms)
    reaper = Reaper(bench, out / "kept", first=first, stride=stride, most=most)
    try:
        with bench.open() as unit:
            with tapped(bench.world, reaper.hand, reaper.synced):
                ended = bench.attempt("deliver", lambda: bench.deliver(unit, out / "kept"))
            reaper.moment("after the end")
        seen = ended or bench.session is None or bench.session.error or bench.session.record.outcome
        if seen != tale.outcome or bench.problems:
            reaper.killed.problems.append((0, f"the run that was looked at failed: {seen} {bench.problems}"))
    finally:
        bench.close()
        clear(out / "kept")
    return reaper.killed
