"""What takes the current away, and that it stays away: I13, I14, I15.

Whether a stop has arrived, a wire log alone cannot always say: a byte may be lost on the way. It has arrived when the
unit says so (the event that names the cause, the answer to a sealed STOP), and from there the unit's own time
counts. On a direct line it has arrived when it was sent, and then the truth is held to it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.monitors.monitor import Monitor
from controller.monitors.story import OUTSIDE, Move, Story
from controller.wire import Event, Reply, Telemetry, UnitState
from controller.wire.spec import ENERGISED, LEASED

_RAISED: Final = frozenset(state.value for state in LEASED)
_FLOWING: Final = frozenset(state.value for state in ENERGISED)
_INTERLOCK: Final = 18


class StopWorks(Monitor):
    id, title = "I13", "stop works"
    property = "a STOP from anywhere: target zero in 20 ms, quiet in 1.0 s; ABORT and interlock: zero in 50 ms"
    source = "real-time commands of GRBL"
    needs = frozenset({"wire", "truth"})
    unseen = "no stop that the unit is known to have received while current flowed"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._stop_ms: int | None = None  # unit time at which a stop had arrived
        self._answered = self._answered_abort = False  # since the last line with a time
        self._abort_ms: int | None = None
        self._sent_us: int | None = None
        self._abort_us: int | None = None

    def stop(self, abort: bool) -> None:
        t_us = self.story.t_us
        if self.story.direct:
            if self._sent_us is None:
                self._sent_us = t_us
            if abort and self._abort_us is None:
                self._abort_us = t_us

    def moved(self, move: Move) -> None:
        if move.by in OUTSIDE and move.now is UnitState.RAMP_DOWN:
            self._arrived(move.at_ms)
        elif move.now is UnitState.RAMP_UP:
            self._forget()

    def event(self, event: Event) -> None:
        if event.name == "FAULT" and event.fields.get("id") == f"{_INTERLOCK:02d}":
            self._abort_ms = self.story.now_ms

    def reply(self, reply: Reply) -> None:
        if reply.verb in ("STOP", "BYE", "TAKE") and self.story.state in ENERGISED:
            self._answered = True  # an answer has no time: it had arrived by the next line that has one
        elif reply.verb == "ABORT" and self.story.state in ENERGISED:
            self._answered_abort = True

    def _arrived(self, at_ms: int) -> None:
        if self._stop_ms is None:
            self._stop_ms = at_ms

    def _forget(self) -> None:
        self._stop_ms = self._abort_ms = self._sent_us = self._abort_us = None
        self._answered = self._answered_abort = False

    def telemetry(self, seen: Telemetry) -> None:
        p, now_ms = self.p, self.story.now_ms
        if self._answered or self._answered_abort:
            self._date(now_ms)
        if self._stop_ms is None and self._abort_ms is None and self._sent_us is None:
            return
        i_ua = seen.i_ua if seen.i_ua < seen.i2_ua else seen.i2_ua
        flows = i_ua > p.quiet_ua
        slack_ms = p.mean_ms + p.target_ms
        for since_ms, after_ms, word in (
            (self._stop_ms, p.stop_ms, "a STOP"), (self._abort_ms, p.abort_ms, "an ABORT"),
        ):  # fmt: skip
            if since_ms is not None and now_ms - since_ms > after_ms + slack_ms:
                self.looked = True
                if flows:
                    self.violate(f"{i_ua} uA in {seen.state.value}, {now_ms - since_ms} ms after the unit had {word}")
        if self._sent_us is not None:
            late_ms = (self.story.sample_us() - self._sent_us) / 1000
            if seen.set_ua and late_ms > p.target_ms + p.direct_ms + p.mean_ms:
                self.violate(
                    f"set-point {seen.set_ua} uA in {seen.state.value}, {late_ms:.0f} ms after a stop was sent"
                )
        if seen.state not in ENERGISED and not flows:
            self.looked = True
            self._forget()

    def _date(self, now_ms: int) -> None:
        if self._answered:
            self._arrived(now_ms)
        if self._answered_abort and self._abort_ms is None:
            self._abort_ms = now_ms
        self._answered = self._answered_abort = False

    def truth(self, true: Mapping[str, Any]) -> None:
        sent_us = self._sent_us
        if sent_us is None:
            return
        p = self.p
        late_ms = (true["t_us"] - sent_us) / 1000 - p.direct_ms
        i_ua, state = abs(true["i_ua"]), true["state"]
        if late_ms > p.target_ms:
            self.looked = True
            if true["set_ua"] and state in _FLOWING:
                self.violate_truth(f"target {true['set_ua']} uA, {late_ms:.0f} ms after a stop was sent")
        if late_ms > p.stop_ms and i_ua > p.quiet_ua:
            self.violate_truth(f"truly {i_ua:.0f} uA, {late_ms:.0f} ms after a stop was sent")
        aborted = self._abort_us is not None and true["t_us"] - self._abort_us > (p.abort_ms + p.direct_ms) * 1000
        if aborted and (i_ua > p.zero_ua or true["relay_closed"]):
            relay = "closed" if true["relay_closed"] else "open"
            self.violate_truth(f"truly {i_ua:.0f} uA, the relay {relay}, after an ABORT")
        if late_ms > p.stop_ms + 100 and i_ua <= p.zero_ua:
            self._forget()


class _Raises(Monitor):
    """Looks at every way into RAMP_UP or HOLD: what was sent before it?"""

    needs = frozenset({"wire", "truth"})

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._true_state = ""
        self._rested_us: int | None = None  # when, in truth, the current had ended

    def moved(self, move: Move) -> None:
        was, now = move.was, move.now
        if now not in LEASED or was in LEASED or was is None or not self.story.greeted:
            return
        self._judge(was.value, now.value)

    def truth(self, true: Mapping[str, Any]) -> None:
        was, state = self._true_state, true["state"]
        self._true_state = state
        if was in _FLOWING and state not in _FLOWING:
            self._rested_us = true["t_us"]
        elif state in _RAISED and was not in _RAISED and was:
            self._judge_truth(was, state)

    def _judge(self, was: str, now: str) -> None:
        raise NotImplementedError

    def _judge_truth(self, was: str, now: str) -> None:
        self._judge(was, now)

    def _asked(self) -> bool:
        return self.story.armed_since_rest and self.story.raised_since_rest


class StopSticks(_Raises):
    id, title = "I14", "stop sticks"
    property = "after a STOP nothing raises the current until a new ARM and START or RESUME"
    source = "select before operate"
    unseen = "no stop was followed by telemetry"

    def telemetry(self, seen: Telemetry) -> None:
        story = self.story
        if story.stop_us is None or seen.state in ENERGISED:
            return
        self.looked = True
        if seen.set_ua and not story.raised_since_rest:
            self.violate(f"set-point {seen.set_ua} uA in {seen.state.value} after a stop")

    def _judge(self, was: str, now: str) -> None:
        # A stop that crosses the unit's answer to START has not arrived yet: only out of a rest that came after it.
        if self.story.rest_cause == "stop" and was not in ("CHECK", "ARMED") and not self._asked():
            self.violate(f"{now} after {was}: nothing was armed and started since the stop")


class NoAutoResume(_Raises):
    id, title = "I15", "no automatic resume"
    property = (
        "after a fault, a pause, a lost link, a reset: no current until a new check and an explicit start or resume"
    )
    source = "ScienceMode3"
    unseen = "no current followed one that had ended"

    def _judge_truth(self, was: str, now: str) -> None:
        """The host may be deaf: what counts is whether it has asked since the current ended in truth."""
        asked_us, rested_us = self.story.raised_us, self._rested_us
        if rested_us is None:
            self._judge(was, now)
            return
        self.looked = True
        if asked_us is None or asked_us < rested_us:
            self.violate_truth(f"truly {now} after {was}: nobody asked for it")

    def _judge(self, was: str, now: str) -> None:
        if self.story.rest_cause is None:
            return
        self.looked = True
        if was == "RAMP_DOWN" or (self.story.rest_cause != "stop" and not self._asked() and was != "ARMED"):
            self.violate(f"{now} after {was} ({self.story.rest_cause}): nobody asked for it")


MONITORS: Final[tuple[type[Monitor], ...]] = (StopWorks, StopSticks, NoAutoResume)
