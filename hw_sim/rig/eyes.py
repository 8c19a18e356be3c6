"""The eyes of a run on a bench: the product's own monitors over its log, with the truth of the bench beside it.

`Eyes.look` keeps what the bench says is so; `Eyes.findings` puts it where it belongs between the lines of the log and
asks `controller.monitors` for its verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from controller.journal.wire_log import Entry, Integrity, read_wire_log
from controller.monitors import PROMISES, Finding, Promises, Violated, Watch, replay
from controller.wire import Event, Reply, Telemetry, parse


def served(speed: int) -> Promises:
    """Where a second of the unit's is a part of a host's, the host's own delays weigh as much more."""
    return replace(PROMISES, line_ms=PROMISES.line_ms * speed, told_late_ms=PROMISES.told_late_ms * speed)


class _Fact(NamedTuple):
    t_us: int
    tell: Callable[[Watch], None]


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
        self._mended: list[tuple[int, str]] = []
        self._pressed: list[int] = []
        self.truths: list[dict[str, Any]] = []
        self._before_uc = 0.0 if truth is None else self.look()["q_uc"]

    @property
    def states(self) -> set[str]:
        return {true["state"] for true in self.truths}

    def _true(self) -> dict[str, Any]:
        if self._truth is None:
            raise RuntimeError("there is no bench to look at")
        return self._truth()

    def look(self) -> dict[str, Any]:
        """One look at the bench; what it showed."""
        return self.saw(self._true())

    def saw(self, true: dict[str, Any]) -> dict[str, Any]:
        """The same where somebody has just looked."""
        self.truths.append(true)
        return true

    def broken(self, what: str, *, blind: bool = False) -> None:
        """Something of the unit itself is broken now (``Watch.broken``)."""
        self.broke(self._true()["t_us"], what, blind=blind)

    def broke(self, t_us: int, what: str, *, blind: bool = False) -> None:
        """The same of another moment, of the bench's time."""
        self._broken.append((t_us, what, blind))

    def pressed(self, t_us: int | None = None) -> None:
        """Somebody pressed the unit's own stop, now or at another moment of the bench's time."""
        self._pressed.append(self._true()["t_us"] if t_us is None else t_us)

    def mended(self, t_us: int, what: str) -> None:
        """It was whole again (``Watch.mended``)."""
        self._mended.append((t_us, what))

    @property
    def delivered_uc(self) -> float:
        """True charge since the run was prepared, contact checks included."""
        return float(self._true()["q_uc"]) - self._before_uc

    def findings(self, folder: Path, runs: Sequence[Any] | None = None) -> list[Finding]:
        """The verdict on every invariant, over the log in ``folder``."""
        contents = read_wire_log(folder / "wire.log")
        watch = Watch(promises=self._promises)
        off_us = apart_us(contents.entries) if self._apart_us is None else self._apart_us
        if off_us is None:
            # Nobody knows which moment of the log is which of the bench: what needs no line is judged before any.
            for fact in self._facts(0):
                fact.tell(watch)
            replay(watch, contents.entries)
        else:
            n = 0
            for fact in self._facts(off_us):
                first = n
                while n < len(contents.entries) and contents.entries[n].mono_us <= fact.t_us:
                    n += 1
                replay(watch, contents.entries[first:n])
                fact.tell(watch)
            replay(watch, contents.entries[n:])
        whole = contents.verdict.integrity in (Integrity.WHOLE, Integrity.CUT_OFF)
        watch.chained(whole, contents.verdict.line, str(contents.verdict))
        if runs is not None:
            watch.recorded(runs)
        return watch.finish()

    def _facts(self, off_us: int) -> list[_Fact]:
        """What the bench knows, by the host's time."""
        broken = [
            _Fact(t_us + off_us, partial(Watch.broken, t_us=t_us + off_us, what=what, blind=blind))
            for t_us, what, blind in self._broken
        ]
        mended = [
            _Fact(t_us + off_us, partial(Watch.mended, t_us=t_us + off_us, what=what)) for t_us, what in self._mended
        ]
        pressed = [_Fact(t_us + off_us, Watch.pressed) for t_us in self._pressed]
        truths = [
            _Fact(true["t_us"] + off_us, partial(Watch.truth, true={**true, "t_us": true["t_us"] + off_us}))
            for true in self.truths
        ]
        return sorted(
            broken + mended + pressed + truths, key=attrgetter("t_us")
        )  # of one moment: what broke, then what was so


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
