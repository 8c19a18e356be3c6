"""The host's own record against the wire: I27, I28, I39. They need the notes of our host; a bare log has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from controller.monitors.monitor import Monitor
from controller.monitors.story import RAISING, Story
from controller.wire import Event, Reply, Request, Telemetry

_NO_NOTES: Final = "the log has no notes of a host"


class HostVerdict(Monitor):
    id, title = "I27", "host verdict"
    property = "a raising request has its intent on record before its first byte, and the verdict noted is the wire's"
    source = "Loop, AAPS"
    needs = frozenset({"wire", "notes"})
    unseen = _NO_NOTES

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._notes = False
        self._intent: Mapping[str, Any] | None = None
        self._first: dict[str, tuple[int, int]] = {}
        self._codes: dict[tuple[int, int], int] = {}
        self._uncertain = False

    def request(self, request: Request) -> None:
        key = request.sid, request.number
        verb = request.verb
        again = self._first.get(verb) == key
        self._first[verb] = key
        if verb not in RAISING or again or not self._notes:
            return
        self.looked = True
        intent, self._intent = self._intent, None
        if intent is None or intent.get("verb") != verb:
            self.violate(f"{verb} was sent, and no intent was on record")
        else:
            other = [k for k, v in request.fields.items() if str(intent.get(k)) != str(v)]
            if other:
                self.violate(f"{verb} was sent with another {', '.join(other)} than intended")
        if self._uncertain:
            self.violate(f"{verb} was sent while nobody knew what the unit does")

    def reply(self, reply: Reply) -> None:
        self._codes[reply.sid, reply.number] = reply.code
        if len(self._codes) > 64:
            del self._codes[next(iter(self._codes))]
        if reply.verb in ("RUN", "STATUS"):
            self._uncertain = False

    def note(self, kind: str, facts: Mapping[str, Any]) -> None:
        self._notes = True
        if kind == "intent":
            self._intent = facts
        elif kind == "verdict":
            self._verdict(str(facts.get("verb")), facts)

    def _verdict(self, verb: str, facts: Mapping[str, Any]) -> None:
        key = self._first.get(verb)
        if key is None:
            return
        code, answer = self._codes.get(key), facts.get("answer")
        if verb in RAISING:
            self.looked = True
            if answer == "Uncertain":
                self._uncertain = True
        # The reply to a HELLO comes in session 0000, with its own number: the same key.
        if answer == "Confirmed" and code != 0:
            self.violate(f"{verb} is noted as confirmed, the wire says {_said(code)}")
        elif answer == "Refused" and code != facts.get("code"):
            self.violate(f"{verb} is noted as refused with {facts.get('code')}, the wire says {_said(code)}")


def _said(code: int | None) -> str:
    return "nothing" if code is None else f"{code:02d}"


class OneRecord(Monitor):
    id, title = "I28", "one record"
    property = "each run has one final record, and its charge is the unit's"
    source = "crash loops"
    needs = frozenset({"wire", "notes"})
    unseen = "the log has no end of a run"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._told: dict[str, tuple[int, str]] = {}
        self._ended: dict[str, tuple[str, int]] = {}

    def reply(self, reply: Reply) -> None:
        asked = self.story.pending.get((reply.sid, reply.number))
        if reply.verb != "RUN" or reply.code or asked is None:
            return
        q_uc = reply.fields.get("q", "")
        if q_uc.isdecimal():
            self._told[str(asked[0].fields.get("run"))] = int(q_uc), reply.fields.get("out", "")

    def note(self, kind: str, facts: Mapping[str, Any]) -> None:
        if kind != "end":
            return
        self.looked = True
        run, outcome, q_uc = str(facts.get("run")), str(facts.get("outcome")), facts.get("q_uc")
        if not isinstance(q_uc, int):
            return
        if run in self._ended:
            self.violate(f"run {run} ended twice: {self._ended[run][0]}, then {outcome}")
        self._ended[run] = outcome, q_uc
        told = self._told.get(run)
        if told is not None and outcome not in ("UNKNOWN", "REFUSED") and told != (q_uc, outcome):
            self.violate(f"run {run} is on record with {outcome}, {q_uc} uC; the unit says {told[1]}, {told[0]} uC")

    def recorded(self, runs: Sequence[Mapping[str, Any]]) -> None:
        """The runs of ``record.json``, against the ends in the log."""
        self.looked = True
        named = [str(run.get("run")) for run in runs]
        for run in named:
            if named.count(run) > 1:
                self.violate(f"record.json has run {run} more than once")
        for row in runs:
            ended = self._ended.get(str(row.get("run")))
            # Doses are written with 6 decimals of a mA.min.
            if ended is not None and (
                row.get("outcome") != ended[0] or abs(float(row.get("dose_ma_min", -1)) - ended[1] / 60_000) > 1e-5
            ):
                self.violate(f"record.json says {row.get('outcome')} of run {row.get('run')}, the log {ended[0]}")
        if missing := set(self._ended) - set(named):
            self.violate(f"record.json lacks run {', '.join(sorted(missing))}")


class Log(Monitor):
    id, title = "I39", "log"
    property = "every change of state has one event that says what it was before; the log's chain is whole"
    source = "risk analyses R6.6.0, R7.4.0(5)"
    unseen = "no change of state, and no chain"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._state: str | None = None
        self._number: int | None = None
        self._owed_ms: int | None = None
        self._suspected = ""  # until the next event's number says that none was lost

    def event(self, event: Event) -> None:
        number, self._number = self._number, event.number
        if number is not None and event.number != (number + 1) & 0xFFFF:
            self._state = None  # some are missing: what was before is not known
            self._suspected = ""
        elif self._suspected:
            self.violate(self._suspected)
            self._suspected = ""
        if event.name != "STATE":
            return
        self.looked = True
        was, now = event.fields.get("was"), event.fields.get("st")
        if self._state is not None and was != self._state:
            self.violate(f"event {event.number:04X}: {now} was {was}; the event before said {self._state}")
        self._state, self._owed_ms = now, None

    def telemetry(self, seen: Telemetry) -> None:
        if self._state is None or seen.state.value == self._state:
            self._owed_ms = None
        elif self._owed_ms is None:
            self._owed_ms = self.story.now_ms
        elif self.story.now_ms - self._owed_ms > self.p.alarm_ms:
            if not self.story.lossy and not self.story.events_missing:
                self._suspected = f"{seen.state.value} in telemetry, the newest event said {self._state}"
            self._state = self._owed_ms = None

    def reply(self, reply: Reply) -> None:
        # A new session tells nothing of what came before it.
        if reply.verb in ("HELLO", "TAKE") and reply.code == 0:
            self._state = self._number = self._owed_ms = None
            self._suspected = ""

    def finish(self) -> None:
        if self._suspected and not self.story.lossy and not self.story.events_missing:
            self.violate(self._suspected)

    def chained(self, ok: bool, text: str) -> None:
        """What the log's own chain says; a log that was cut off is no violation, one that was altered is."""
        self.looked = self.looked or self.story.line > 0
        if not ok:
            self.violate(f"the log is {text}")


MONITORS: Final[tuple[type[Monitor], ...]] = (HostVerdict, OneRecord, Log)
