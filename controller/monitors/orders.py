"""Requests and what they did: I11 and I12.

Both are about one thing, that nothing happens to a unit but what this session asked for, once and in order. A log has
what the host sent; what of it came, only a bench that taps the unit's end of the line can say (``Watch.arrived``).
Where it does, a line counts as sent only if it came as it was sent, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.monitors.monitor import Monitor
from controller.monitors.story import RAISING, UNNUMBERED, Move, Story
from controller.wire import Message, Reply, Request, Telemetry, UnitState
from controller.wire.spec import LEASED, PRESCRIPTION_KEYS

_RAISED: Final = frozenset(state.value for state in LEASED)
_TRUE_ASKS: Final = {
    "STAGED": ("PRES",), "CHECK": ("ARM",), "RAMP_UP": ("START", "RESUME"), "HOLD": ("START", "RESUME"),
}  # fmt: skip
_ASKS: Final = {UnitState.STAGED: ("PRES",), UnitState.CHECK: ("ARM",), UnitState.RAMP_UP: ("START", "RESUME")}


class AtMostOnce(Monitor):
    id, title = "I11", "at most once"
    property = "a run starts at most once, RESUME goes on with the same run, a repeat gets the stored answer"
    source = "OpenAPS, TigerBeetle"
    unseen = "no request was answered"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._started: dict[str, tuple[int, int]] = {}
        self._answers: dict[tuple[int, int, str], tuple[int, Mapping[str, str]]] = {}
        self._ramp: tuple[int, int] | None = None  # charge and current of the ramp-up under way

    def moved(self, move: Move) -> None:
        self._ramp = None

    def telemetry(self, seen: Telemetry) -> None:
        """A ramp that is run a second time begins at zero again, its dose and its current."""
        if seen.state is not UnitState.RAMP_UP:
            return
        before, self._ramp = self._ramp, (seen.q_uc, seen.i_ua)
        if before is not None and seen.q_uc < before[0] and seen.i_ua < before[1]:
            self.violate(f"the ramp-up begins again: {before[0]} uC at {before[1]} uA, then {seen.q_uc} at {seen.i_ua}")

    def reply(self, reply: Reply) -> None:
        self._answered(reply, again=False)

    def repeat(self, reply: Reply) -> None:
        self._answered(reply, again=True)

    def _answered(self, reply: Reply, *, again: bool) -> None:
        if reply.verb in ("HELLO", "TAKE") and not (reply.code or again):
            self._answers.clear()  # numbers begin anew; a unit that lost its records may use a session number again
        if reply.sid == 0 or reply.code in UNNUMBERED:
            return
        self.looked = True
        key = reply.sid, reply.number, reply.verb
        answer = reply.code, reply.fields
        before = self._answers.setdefault(key, answer)
        if len(self._answers) > 16:
            del self._answers[next(iter(self._answers))]
        if before != answer and reply.verb not in ("HELLO", "TAKE"):
            self.violate(
                f"{reply.verb} {reply.number:04X} is answered {reply.code:02d} after {before[0]:02d}, or otherwise"
            )
        if reply.code or again:
            return
        if reply.verb == "START":
            run = reply.fields.get("run", "")
            first = self._started.setdefault(run, (reply.sid, reply.number))
            if first != (reply.sid, reply.number):
                self.violate(f"run {run} is started a second time")
        elif reply.verb == "RESUME":
            self._resumed(reply)

    def _resumed(self, reply: Reply) -> None:
        run = self.story.run
        if run is not None and run.id and reply.fields.get("run") != run.id:
            self.violate(f"RESUME goes on with {reply.fields.get('run')}, the run is {run.id}")


class CorruptLine(Monitor):
    id, title = "I12", "corrupt line"
    property = "set-point, limits and arming move upward only by a request that this session sent"
    source = "requirement: no damaged line may raise"
    needs = frozenset({"wire", "truth"})
    unseen = "nothing was staged, armed or raised"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._sent: set[str] = set()
        self._came: set[str] = set()  # and what of it came to the unit, as far as anybody knows
        self._tapped = False
        self._used: dict[tuple[int, int], Request] = {}
        self._most_ua: int | None = None
        self._true_state = ""
        self._true_most_ua: int | None = None

    def request(self, request: Request) -> None:
        self._sent.add(request.verb)
        if not self._tapped:
            self._came.add(request.verb)

    def arrived(self, message: Message) -> None:
        if not self._tapped:
            self._tapped = True
            self._came.clear()
        if isinstance(message, Request):
            sent = self.story.pending.get((message.sid, message.number))
            if sent is not None and sent[0] == message:
                self._came.add(message.verb)

    def moved(self, move: Move) -> None:
        asks = _ASKS.get(move.now)
        if asks is None or move.by is None or not self.story.greeted or move.was in (UnitState.CHECK, UnitState.ARMED):
            if move.now is not UnitState.RAMP_UP or not self.story.greeted or move.by is None:
                return
            asks = _ASKS[UnitState.RAMP_UP]
        self.looked = True
        if not self._sent.intersection(asks):
            self.violate(f"{move.now.value}, but no {' or '.join(asks)} was sent")
        self._sent.difference_update(asks)

    def truth(self, true: Mapping[str, Any]) -> None:
        was, state = self._true_state, true["state"]
        self._true_state = state
        if state not in _RAISED:
            self._true_most_ua = None
        elif self._true_most_ua is not None and true["set_ua"] > self._true_most_ua:
            self.violate_truth(f"truly the set-point rose from {self._true_most_ua} to {true['set_ua']} uA")
        else:
            self._true_most_ua = true["set_ua"] or None
        asks = _TRUE_ASKS.get(state)
        if asks is None or state == was:
            return
        raised = state in _RAISED
        back = was in ("CHECK", "ARMED") and not raised  # a check that failed, an arming that is over
        if was and was not in _RAISED and not back and self.story.greeted:
            self._asked_truth(state, asks)
        self._came.difference_update(asks)

    def _asked_truth(self, state: str, asks: tuple[str, ...]) -> None:
        self.looked = True
        if not self._came.intersection(asks):
            self.violate_truth(f"truly {state}, but no {' or '.join(asks)} of this session came to the unit")

    def reply(self, reply: Reply) -> None:
        if reply.verb in ("HELLO", "TAKE") and not reply.code:
            self._used.clear()
        asked = self.story.pending.get((reply.sid, reply.number))
        if asked is None or reply.code in UNNUMBERED or reply.sid == 0:
            return
        request = asked[0]
        if reply.verb == request.verb:
            self._in_order(request, reply.code)
        if reply.verb == request.verb == "PRES" and not reply.code:
            self._holds(request, reply)

    def _in_order(self, request: Request, code: int) -> None:
        first = self._used.setdefault((request.sid, request.number), request)
        if len(self._used) > 64:
            del self._used[next(iter(self._used))]
        if first != request and request.verb in RAISING and not code:
            self.violate(f"{request.verb} is confirmed under number {request.number:04X}, which {first.verb} has used")

    def _holds(self, request: Request, reply: Reply) -> None:
        self.looked = True
        sent = request.fields
        other = [key for key in PRESCRIPTION_KEYS if key in sent and sent[key] != reply.fields.get(key)]
        if other:
            self.violate("the unit holds " + ", ".join(f"{k}={reply.fields.get(k)} for {sent[k]}" for k in other))

    def telemetry(self, seen: Telemetry) -> None:
        run = self.story.run
        if not seen.set_ua or run is None or run.plan is None or seen.state not in LEASED:
            self._most_ua = None
            return
        self.looked = True
        if self._most_ua is not None and seen.set_ua > self._most_ua:
            self.violate(f"the set-point rose from {self._most_ua} to {seen.set_ua} uA")
        self._most_ua = seen.set_ua


MONITORS: Final[tuple[type[Monitor], ...]] = (AtMostOnce, CorruptLine)
