"""Host and unit over time: I20, I21, I29, I31, I35.

When a line was sent, the feed's clock says; when the unit had it, only its answers say. So a lease is judged from the
latest moment at which a KEEP can have arrived, and not at all on a line that holds lines up for longer than a host
waits for an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.monitors.monitor import Monitor
from controller.monitors.story import Move, Story
from controller.wire import Reply, Request, Telemetry, UnitState
from controller.wire.spec import LEASED

_HELD_UP: Final = "the line holds lines up for longer than a host waits for an answer"
_RAISED: Final = frozenset(state.value for state in LEASED)


class Lease(Monitor):
    id, title = "I20", "lease"
    property = (
        "half a lease after the last KEEP nothing rises, 50 ms after its end the current falls, 1 s later it is quiet"
    )
    source = "RehaStim"
    needs = frozenset({"wire", "truth"})
    unseen = "no KEEP was ever as late as half the lease"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._half_ua: int | None = None
        self._true_half_ua: float | None = None
        self._paused = False

    def request(self, request: Request) -> None:
        if request.verb in ("START", "RESUME") or (request.verb == "KEEP" and self.story.is_news(request)):
            self._half_ua = self._true_half_ua = None
            self._paused = False
        elif request.verb == "PAUSE":
            self._paused = True  # with the slew of the way down, which may be longer than a second

    def _silent_ms(self, at_us: int, slack_ms: int) -> float | None:
        """For how long no KEEP can have arrived; None where that is not known."""
        keep_us = self.story.keep_us
        return None if keep_us is None else (at_us - keep_us) / 1000 - slack_ms

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state not in LEASED:
            return
        story, p = self.story, self.p
        lease_ms = story.lease_ms
        # Nearly always a KEEP left a moment ago.
        if lease_ms is None or story.keep_us is None or story.t_us - story.keep_us < lease_ms * 500:
            return
        silent_ms = self._silent_ms(story.sample_us(), p.direct_ms if story.direct else p.line_ms)
        run = story.run
        if silent_ms is None or silent_ms <= lease_ms / 2:
            return
        self.looked = True
        i_ua = min(seen.i_ua, seen.i2_ua)
        if seen.state is UnitState.RAMP_UP:
            if self._half_ua is None:
                self._half_ua = i_ua
            elif i_ua > self._half_ua + p.reading_ua:
                self._late(f"{i_ua} uA after {self._half_ua}, {silent_ms:.0f} ms after the last KEEP")
        stops = seen.state is UnitState.RAMP_UP or (
            run is not None and run.plan is not None and run.plan.loss == "STOP"
        )
        if stops and silent_ms > lease_ms + p.lease_fall_ms:
            self._late(f"{seen.state.value} {silent_ms:.0f} ms after the last KEEP, the lease is {lease_ms}")

    def _late(self, seen: str) -> None:
        if self.story.held_up:
            self.excuse = _HELD_UP
        else:
            self.violate(seen)

    def truth(self, true: Mapping[str, Any]) -> None:
        story, p = self.story, self.p
        if story.keep_us is None or not story.direct or story.lease_ms is None:
            return
        silent_ms = self._silent_ms(true["t_us"], p.direct_ms)
        if silent_ms is None or silent_ms <= story.lease_ms / 2:
            return
        self.looked = True
        state, i_ua = true["state"], abs(true["i_ua"])
        if state == "RAMP_UP":
            if self._true_half_ua is None:
                self._true_half_ua = i_ua
            elif i_ua > self._true_half_ua + p.reading_ua:
                self.violate_truth(
                    f"truly {i_ua:.0f} uA after {self._true_half_ua:.0f}, half a lease after the last KEEP"
                )
        plan = story.plan if story.run is None else story.run.plan
        if plan is None or plan.loss != "STOP" or silent_ms <= story.lease_ms + p.lease_fall_ms:
            return
        if state in _RAISED and i_ua > p.quiet_ua:
            self.violate_truth(
                f"truly in {state} {silent_ms:.0f} ms after the last KEEP, the lease is {story.lease_ms}"
            )
        elif state == "PAUSING" and self._paused:
            return
        elif silent_ms > story.lease_ms + p.stop_ms + p.lease_fall_ms and i_ua > p.quiet_ua and state == "PAUSING":
            self.violate_truth(f"truly {i_ua:.0f} uA {silent_ms:.0f} ms after the last KEEP")


class LiveKeep(Monitor):
    id, title = "I21", "live keep"
    property = "only a KEEP that names telemetry at most 1 s old fills the lease"
    source = "a driver library of a stimulator whose keep-alive thread is blind"
    unseen = "the lease was never filled"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._lease_ms: int | None = None
        self._lease_at_ms = 0
        self._sent: dict[int, tuple[int, str]] = {}
        self._times: dict[int, int] = {}
        self._kept_us = self._filled_us = -(1 << 60)

    def request(self, request: Request) -> None:
        fills = request.verb in ("START", "RESUME", "HELLO")
        if request.verb == "KEEP" and self.story.is_news(request):
            fills = True
            named = str(request.fields.get("t", ""))
            # One that is sent again, unanswered, may have done its work the first time.
            if self._sent.get(request.number, (0, ""))[1] != named:
                self._sent[request.number] = self.story.t_us, named
            if len(self._sent) > 8:
                del self._sent[next(iter(self._sent))]
        if fills:
            self._kept_us = self.story.t_us

    def telemetry(self, seen: Telemetry) -> None:
        times, now_ms = self._times, self.story.now_ms
        times[seen.number] = now_ms
        if len(times) > 128:
            del times[next(iter(times))]
        last_ms, self._lease_ms = self._lease_ms, seen.lease_ms
        last_at_ms, self._lease_at_ms = self._lease_at_ms, now_ms
        if last_ms is None or seen.state not in LEASED:
            self._lease_ms = seen.lease_ms if seen.state in LEASED else None
            return
        expected_ms = max(0, last_ms - (now_ms - last_at_ms))
        if seen.lease_ms > expected_ms + self.p.mean_ms:
            self.looked = True
            # A KEEP may be on its way for as long as a host waits for its answer.
            if self.story.t_us - self._kept_us > (self.p.line_ms + self.story.dt_ms) * 1000 and not self.story.held_up:
                self.violate(f"lease {seen.lease_ms} ms after {last_ms}, and no KEEP was sent")

    def reply(self, reply: Reply) -> None:
        if reply.verb == "HELLO" and reply.code == 0:
            self._times.clear()  # numbers of the session before name other lines in this one
            self._sent.clear()
        if reply.verb != "KEEP" or reply.code or reply.fields.get("lk") != str(self.story.lease_ms):
            return
        asked = self._sent.get(reply.number)
        if asked is None or self.story.least_us is None:
            return
        self.looked = True
        sent_us, named = asked
        try:
            at_ms = self._times.get(int(named, 16))
        except ValueError:
            at_ms = None
        # The unit's time when it was sent, at the least; it arrived later still.
        age_ms = None if at_ms is None else (sent_us - self.story.least_us) / 1000 - at_ms
        if age_ms is None:
            if self._times and self.story.greeted:
                self.violate(f"KEEP t={named} filled the lease; no such telemetry was received in this session")
        elif age_ms > self.p.keep_age_ms + self.p.mean_ms:
            self.violate(f"KEEP t={named} filled the lease, and was {age_ms:.0f} ms old")

    def moved(self, move: Move) -> None:
        if move.now is UnitState.RAMP_UP:
            self._lease_ms = None


class GapsSeen(Monitor):
    id, title = "I29", "gaps seen"
    property = "every lost telemetry or event number is on record, and none is invented"
    source = "logs that were cut off and did not say so"
    needs = frozenset({"wire", "notes"})
    unseen = "no telemetry"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._in_run = False
        self._missing = self._noted = 0
        self._last: Telemetry | None = None
        self._greeting = False  # a HELLO is out, and what still comes belongs to a session that was given up

    def request(self, request: Request) -> None:
        self._greeting = self._greeting or request.verb == "HELLO"

    def reply(self, reply: Reply) -> None:
        if reply.verb == "HELLO" and not reply.code:
            self._greeting = False

    def telemetry(self, seen: Telemetry) -> None:
        story, last = self.story, self._last
        self.looked = True
        if self._greeting:
            return
        self._last = seen
        if last is None or last.sid != seen.sid:
            if self._in_run and last is not None:
                self._missing += seen.number
            return
        if not story.dt_ms:
            self.violate(f"line {seen.number:04X} has a new number and no later time than {last.number:04X}")
        if self._in_run:
            self._missing += story.missing

    def again(self, seen: Telemetry) -> None:
        last = self._last
        if last is not None and seen.sid == last.sid and seen.number == last.number and seen != last:
            self.violate(f"number {seen.number:04X} came twice with different values")

    def note(self, kind: str, facts: Mapping[str, Any]) -> None:
        if kind == "phase":
            self._in_run, self._missing, self._noted, self._last = True, 0, 0, None
        elif kind == "gap":
            lost = facts.get("telemetry", 0)
            self._noted += lost if isinstance(lost, int) else 0
        elif kind == "end" and self._in_run:
            self._in_run = False
            told = facts.get("gaps")
            if isinstance(told, int) and not self._missing == self._noted == told:
                self.violate(
                    f"{self._missing} telemetry lines are missing, noted are {self._noted}, the end says {told}"
                )


class Clocks(Monitor):
    id, title = "I31", "clocks"
    property = "a jump of the wall clock, or a counter that wraps, changes no dose, ramp or lease"
    source = "own"
    unseen = "no clock jumped and no counter wrapped"

    JUMP_US: Final = 1_000_000

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._utc_off_us: int | None = None
        self._last: Telemetry | None = None
        self._last_us = 0

    def telemetry(self, seen: Telemetry) -> None:
        story, last = self.story, self._last
        self._last = seen
        last_us, self._last_us = self._last_us, story.t_us
        utc_us = story.utc_us
        jumped = False
        if utc_us is not None:
            off_us = utc_us - story.t_us
            jumped = self._utc_off_us is not None and abs(off_us - self._utc_off_us) > self.JUMP_US
            self._utc_off_us = off_us
        if last is None or last.sid != seen.sid:
            return
        wrapped = seen.uptime_ms < last.uptime_ms or seen.number < last.number
        if not (jumped or wrapped):
            return
        self.looked = True
        flows = seen.state is last.state and seen.state in LEASED
        if flows and seen.q_uc < last.q_uc:
            self.violate(f"the dose went from {last.q_uc} to {seen.q_uc} uC")
        step_ms, host_ms = story.dt_ms, (story.t_us - last_us) / 1000
        if abs(step_ms - host_ms) > self.p.keep_age_ms and not story.held_up:
            self.violate(f"the unit's time went on by {step_ms} ms in {host_ms:.0f}")


class Liveness(Monitor):
    id, title = "I35", "liveness"
    property = (
        "each request ends within 1.25 s (ARM, SELFTEST 5 s; START 2.25 s); an undisturbed run takes its predicted time"
    )
    source = "own"
    needs = frozenset({"wire", "notes"})
    unseen = "no request was answered or given up, and no run ended undisturbed"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._began_us: dict[str, int] = {}
        self._last: Request | None = None
        self._hold_seen = False

    def request(self, request: Request) -> None:
        if request != self._last:
            self._last = request
            self._began_us[request.verb] = self.story.t_us

    def note(self, kind: str, facts: Mapping[str, Any]) -> None:
        if kind != "verdict":
            return
        verb = str(facts.get("verb"))
        began_us = self._began_us.pop(verb, None)
        if began_us is None:
            return
        self.looked = True
        p = self.p
        most_ms = {"ARM": p.answer_arm_ms, "SELFTEST": p.answer_arm_ms, "START": p.answer_start_ms}.get(
            verb, p.answer_ms
        )
        took_ms = (self.story.t_us - began_us) / 1000
        if took_ms <= most_ms + p.told_late_ms:
            return
        if self.story.slept_us > began_us:
            self.excuse = "the host wrote nothing for more than half a second"
        else:
            self.violate(f"{verb} took {took_ms:.0f} ms")

    def moved(self, move: Move) -> None:
        run = self.story.run
        if move.now is not UnitState.DONE or move.was is not UnitState.RAMP_DOWN or move.by is None:
            return
        if run is None or run.plan is None or not run.clean or run.stopped or self.story.faults:
            return
        plan = run.plan
        ramps_uc = plan.i_ua * (plan.tu_ms + plan.td_ms) / 2000
        if plan.q_uc >= ramps_uc:
            predicted_ms = 1000 * plan.q_uc / plan.i_ua + (plan.tu_ms + plan.td_ms) / 2
        else:
            predicted_ms = (plan.q_uc / ramps_uc) ** 0.5 * (plan.tu_ms + plan.td_ms)
        self.looked = True
        took_ms = move.at_ms - run.started_ms
        if abs(took_ms - predicted_ms) > predicted_ms * self.p.length_share + self.p.late_ms:
            self.violate(f"the run took {took_ms} ms, predicted were {predicted_ms:.0f}")


MONITORS: Final[tuple[type[Monitor], ...]] = (Lease, LiveKeep, GapsSeen, Clocks, Liveness)
