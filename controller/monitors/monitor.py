"""A monitor: one invariant, fed with facts, asked for a verdict at the end.

A monitor overrides the hooks it needs; the watch calls no others, so that a telemetry line costs what is judged of it.
``look`` marks that there was something to judge, ``violate`` that it was broken. Hooks come after the story has been
told the same fact, but for ``moved``, which comes within it, while ``story.state`` still is the state before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from controller.monitors.promises import Promises
from controller.monitors.story import Move, Story
from controller.monitors.verdict import Finding, Held, NotObservable, Verdict, Violated
from controller.wire import Event, Message, Noise, Plain, Reply, Request, Telemetry

TICK_US: Final = 10_000  # of the unit, and so of what a bench knows of its current


class Monitor:
    """``unseen`` says why there was nothing to judge, where there was nothing."""

    id: ClassVar[str]
    title: ClassVar[str]
    property: ClassVar[str]
    source: ClassVar[str]
    needs: ClassVar[frozenset[str]] = frozenset({"wire"})
    unseen: ClassVar[str]

    def __init__(self, story: Story) -> None:
        self.story = story
        self.p: Promises = story.promises
        self.looked = False
        self.excuse: str | None = None
        self.first: Violated | None = None
        self.times = 0

    def violate(self, seen: str) -> None:
        self.looked = True
        self.times += 1
        if self.first is None:
            self.first = Violated(self.story.line, self.story.t_us, seen)

    def violate_truth(self, seen: str) -> None:
        """The same for what only the truth shows: not where a fault blinds every channel that could see it."""
        if self.story.blind is None:
            self.violate(seen)
        else:
            self.excuse = f"the {self.story.blind} blinds every channel of the unit that could see it"

    def verdict(self) -> Verdict:
        if self.first is not None:
            return Violated(self.first.line, self.first.t_us, self.first.seen, self.times)
        if self.excuse is not None:
            return NotObservable(self.excuse)
        return Held() if self.looked else NotObservable(self.unseen)

    def finding(self) -> Finding:
        return Finding(self.id, self.title, self.property, self.verdict())

    # -- hooks ---------------------------------------------------------------------------------------------------

    def telemetry(self, seen: Telemetry) -> None:
        """A telemetry line that is news."""

    def again(self, seen: Telemetry) -> None:
        """A telemetry line that is none."""

    def event(self, event: Event) -> None:
        """An event that is news."""

    def reply(self, reply: Reply) -> None: ...

    def repeat(self, reply: Reply) -> None:
        """A reply to what was answered before, or to another HELLO."""

    def request(self, request: Request) -> None: ...

    def stop(self, abort: bool) -> None:
        """A stop was sent: a byte, a sealed one, or a plain word."""

    def plain(self, line: Plain) -> None:
        """A plain line was sent."""

    def noise(self, noise: Noise) -> None:
        """A damaged line was received."""

    def moved(self, move: Move) -> None: ...

    def note(self, kind: str, facts: Mapping[str, Any]) -> None: ...

    def arrived(self, message: Message) -> None:
        """A line came to the unit's end, as a bench that taps it there says."""

    def truth(self, true: Mapping[str, Any]) -> None: ...

    def finish(self) -> None:
        """There is no more."""


class Spell:
    """For how long something has been so without a break; times in whatever unit they are given in."""

    __slots__ = ("since",)

    def __init__(self) -> None:
        self.since: int | None = None

    def lasts(self, is_so: bool, now: int) -> int:
        """0 where it is not so, and when it begins."""
        if not is_so:
            self.since = None
            return 0
        if self.since is None:
            self.since = now
            return 0
        return now - self.since
