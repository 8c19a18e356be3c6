"""The watch: all monitors over one stream of facts, live or replayed.

Live, whoever logs the lines of a session feeds it, and ``truth`` what the bench door says; the times of both are of one
clock. Replayed, ``replay`` feeds it a wire log's entries. The same monitors, the same facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from controller.monitors.catalogue import MONITORS, UNJUDGED
from controller.monitors.dose import DoseWindow
from controller.monitors.monitor import Monitor
from controller.monitors.promises import PROMISES, Promises
from controller.monitors.record import Log, OneRecord
from controller.monitors.story import Move, Story
from controller.monitors.verdict import Finding, NotObservable
from controller.wire import Event, Message, Noise, Plain, Reply, Request, Telemetry, parse

_HOOKS: Final = (
    "telemetry", "again", "event", "reply", "repeat", "request", "stop", "plain", "noise", "moved", "note", "arrived",
    "truth",
)  # fmt: skip
_ASLEEP_US: Final = 500_000  # own: two reply times; a host that is there writes something, if only a request again
_STOP_BYTES: Final = frozenset("\x18\x03")
_PLAIN_STOPS: Final = frozenset({"STOP", "OUTP OFF", "OUTPUT OFF", "*RST"})
_PLAIN_ABORTS: Final = frozenset({"ABOR", "ABORT"})


class Watch:
    """``direct``: the line between host and unit loses and holds up nothing, so that what was sent has arrived."""

    def __init__(
        self,
        monitors: Iterable[type[Monitor]] = MONITORS,
        *,
        promises: Promises = PROMISES,
        direct: bool = False,
    ) -> None:
        self.story = Story(promises, direct=direct)
        self.monitors = [make(self.story) for make in monitors]
        self._hooks = {name: self._overriding(name) for name in _HOOKS}
        self._heard_us = 0
        self._telemetry = self._hooks["telemetry"]
        self._truth = self._hooks["truth"]
        self.story.moved = self._moved

    def _overriding(self, hook: str) -> list[Callable[..., None]]:
        """Those that have something to say to it: a hook that nobody overrides costs nothing."""
        plain = getattr(Monitor, hook)
        return [getattr(one, hook) for one in self.monitors if getattr(type(one), hook) is not plain]

    def _call(self, hook: str, *facts: object) -> None:
        for call in self._hooks[hook]:
            call(*facts)

    def _moved(self, move: Move) -> None:
        self._call("moved", move)

    def _at(self, t_us: int, line: int | None) -> Story:
        story = self.story
        if t_us - self._heard_us > _ASLEEP_US:
            story.slept_us = t_us
        self._heard_us = story.t_us = t_us
        story.line = story.line + 1 if line is None else line
        return story

    # -- facts ---------------------------------------------------------------------------------------------------

    def sent(self, t_us: int, text: str | bytes, line: int | None = None) -> None:
        """A line to the unit, without its line ends; stop bytes come as a line of their own."""
        story = self._at(t_us, line)
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        text = text.strip("\n")
        if text and _STOP_BYTES.issuperset(text):
            self._stopped(abort="\x18\x18" in text)
            return
        message = parse(text)
        if isinstance(message, Request):
            story.request(message)
            self._call("request", message)
            if message.verb in ("STOP", "ABORT", "TAKE", "BYE"):
                self._call("stop", message.verb == "ABORT")
        elif isinstance(message, Plain):
            self._plain(message)

    def _plain(self, line: Plain) -> None:
        word = line.text.strip().rstrip(";").upper()
        if word in _PLAIN_STOPS or word in _PLAIN_ABORTS:
            self._stopped(abort=word in _PLAIN_ABORTS)
        self._call("plain", line)

    def _stopped(self, *, abort: bool) -> None:
        self.story.stop()
        self._call("stop", abort)

    def received(self, t_us: int, text: str | bytes, line: int | None = None) -> None:
        """A line from the unit; bytes where it was not a clean one."""
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        self.heard(t_us, parse(text), line)

    def heard(self, t_us: int, message: Message, line: int | None = None) -> None:
        """The same, read already."""
        story = self._at(t_us, line)
        match message:
            case Telemetry() if story.telemetry(message):
                for call in self._telemetry:
                    call(message)
            case Telemetry():
                self._call("again", message)
            case Reply() if story.is_answer(message):
                self._call("reply", message)
                story.reply(message)
            case Reply():
                self._call("repeat", message)
            case Event():
                if story.event(message):
                    self._call("event", message)
            case Noise():
                story.lossy = True
                self._call("noise", message)
            case Request() | Plain():
                pass

    def note(self, t_us: int, kind: str, facts: Mapping[str, Any], line: int | None = None) -> None:
        """The host's own: a ``=`` line of its log."""
        self._at(t_us, line)
        self._call("note", kind, facts)

    def truth(self, true: Mapping[str, Any], line: int | None = None) -> None:
        """What the bench door says; to be fed after the lines of the same moment."""
        story = self.story
        story.t_us = true["t_us"]
        story.line = story.line + 1 if line is None else line
        story.truth(true)
        for call in self._truth:
            call(true)

    def arrived(self, t_us: int, text: str | bytes, line: int | None = None) -> None:
        """What came to the unit's end of the line, where a bench taps it there; once told, it has to tell all."""
        self._at(t_us, line)
        self._call("arrived", parse(text.decode("latin-1") if isinstance(text, bytes) else text))

    def counted(self, t_us: int, q_uc: int) -> None:
        """The unit counts doses (its bench jumper is not fitted), and had so much in its window before this log."""
        for one in self.monitors:
            if isinstance(one, DoseWindow):
                one.begin(t_us, q_uc)

    def broken(self, t_us: int, what: str, *, blind: bool = False) -> None:
        """Something of the unit itself was broken: what follows from it is judged from when it has to be found out.

        ``what``: source, sensor, relay, supply, processor, record, reference. ``blind``: no channel of the unit can see
        it, once a self-test has passed; the next one has to find a record, a relay or a reference.
        """
        self.story.broken[what] = t_us
        self.story.mended.discard(what)
        if blind:
            self.story.blind = what

    def pressed(self) -> None:
        """The unit's own stop: on the way down already, no event tells of it."""
        self.story.stop()

    def mended(self, t_us: int, what: str) -> None:
        """It is whole again: the next self-test has nothing to find."""
        self.story.mended.add(what)
        self.story.to_find -= {what}

    def chained(self, proven: bool, line: int, text: str) -> None:
        """What the log's own chain says. A log that was cut off proves what it has; an altered one does not."""
        self.story.line = line
        for one in self.monitors:
            if isinstance(one, Log):
                one.chained(proven, text)

    def recorded(self, runs: Sequence[Mapping[str, Any]]) -> None:
        """The runs of the record that was made of this log."""
        for one in self.monitors:
            if isinstance(one, OneRecord):
                one.recorded(runs)

    # -- the end -------------------------------------------------------------------------------------------------

    def finish(self) -> list[Finding]:
        """Every invariant and its verdict, in the order of their numbers."""
        for one in self.monitors:
            one.finish()
        return self.findings()

    def findings(self) -> list[Finding]:
        """The same as far as it goes."""
        judged = [one.finding() for one in self.monitors]
        others = [
            Finding(row.id, row.title, row.property, NotObservable(row.reason))
            for row in UNJUDGED
            if row.id not in {one.id for one in judged}
        ]
        return sorted(judged + others, key=lambda finding: finding.id)


class LogEntry(Protocol):
    """A line of a wire log as ``controller.journal`` reads it."""

    @property
    def line_number(self) -> int: ...
    @property
    def mono_us(self) -> int: ...
    @property
    def utc_us(self) -> int: ...
    @property
    def mark(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def raw(self) -> bytes: ...


def replay(watch: Watch, entries: Sequence[LogEntry]) -> None:
    """Feed a wire log, line by line."""
    for entry in entries:
        if entry.mark == "<":
            raw = entry.raw if "\\" in entry.text else entry.text
            watch.story.utc_us = entry.utc_us
            watch.received(entry.mono_us, raw, entry.line_number)
        elif entry.mark == ">":
            watch.sent(entry.mono_us, entry.raw, entry.line_number)
        elif entry.mark == "=":
            facts = _facts(entry.text)
            if facts is not None:
                watch.note(entry.mono_us, facts.pop("kind"), facts, entry.line_number)


def _facts(text: str) -> dict[str, Any] | None:
    try:
        facts = json.loads(text)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and isinstance(facts.get("kind"), str) else None
