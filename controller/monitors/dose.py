"""How much charge: I06, I07, I08, I09, I24.

The wire's own integral (readings times the unit's time) is the second opinion on what the unit counts; the truth, where
there is one, is the judge of both. Charges of contact checks belong to no run.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Final

from controller.monitors.monitor import Monitor
from controller.monitors.story import Plan, Story
from controller.wire import Reply, Request, Telemetry, UnitState
from controller.wire.spec import ENERGISED, LEASED

_FLOWING: Final = frozenset(state.value for state in ENERGISED)
_COUNTED: Final = _FLOWING | {"PAUSED", "DONE"}
_SHOWING: Final = ENERGISED | {UnitState.PAUSED, UnitState.DONE, UnitState.FAULT}
_JUMPER: Final = "more than 160 mA.min were admitted, which is right with the bench jumper fitted; no wire tells that"
_FIRST: Final = frozenset({UnitState.STAGED, UnitState.IDLE})


class TrueDose:
    """The true charge of the run under way, contact checks left out."""

    __slots__ = ("_last_uc", "_run", "_state", "known", "uc")

    def __init__(self) -> None:
        self.uc = 0.0
        self.known = False  # from before its START on
        self._state = ""
        self._last_uc: float | None = None
        self._run: object = None

    def begin(self, request: Request) -> None:
        """A START is sent: a new run, unless it is sent again."""
        if request.verb == "START" and request.fields.get("run") != self._run:
            self._run = request.fields.get("run")
            self.uc = 0.0
            self.known = self._last_uc is not None

    def add(self, true: Mapping[str, Any]) -> None:
        state, q_uc = true["state"], true["q_uc"]
        was, self._state = self._state, state
        before_uc, self._last_uc = self._last_uc, q_uc
        if state == "STAGED":
            self.uc = 0.0
        elif before_uc is not None and "CHECK" not in (state, was):
            self.uc += q_uc - before_uc


class DoseCap(Monitor):
    id, title = "I06", "dose cap"
    property = (
        "the charge of a run is at most 1.02 of the prescribed one and what flows in 0.2 s, ramps and pauses included"
    )
    source = "hazard analyses of infusion pumps (GIP)"
    needs = frozenset({"wire", "truth"})
    unseen = "no run whose prescription is known"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._true = TrueDose()

    def request(self, request: Request) -> None:
        self._true.begin(request)

    def _most_uc(self, plan: Plan) -> float:
        return plan.q_uc * (1 + self.p.dose_share) + plan.i_ua * self.p.dose_tail_s

    def telemetry(self, seen: Telemetry) -> None:
        run = self.story.run
        if run is None or run.plan is None or seen.state not in _SHOWING:
            return
        self.looked = True
        most_uc = self._most_uc(run.plan)
        if run.cut:
            most_uc += run.plan.i_ua  # unsure means more: what may have flowed since the last record
        if seen.q_uc > most_uc:
            self.violate(f"{seen.q_uc} uC reported, prescribed are {run.plan.q_uc}")
        own = self.story.own
        own_uc = own.uc - own.slack_uc
        if own_uc * (1 - self.p.told_share) > most_uc + self.p.told_uc:
            self.violate(f"{own_uc:.0f} uC by the readings, prescribed are {run.plan.q_uc}")

    def truth(self, true: Mapping[str, Any]) -> None:
        self._true.add(true)
        plan, state = self.story.plan, true["state"]
        if plan is None or not self._true.known or (state not in _FLOWING and state not in ("DONE", "PAUSED")):
            return
        self.looked = True
        if self._true.uc > self._most_uc(plan):
            self.violate_truth(f"truly {self._true.uc:.0f} uC, prescribed are {plan.q_uc}")


class DoseMonotone(Monitor):
    id, title = "I07", "dose monotone"
    property = "the reported charge never falls in a run, and never rises faster than 1.1 times the limiter's current"
    source = "a driver of an insulin pump (OmniBLE#144)"
    unseen = "no telemetry of a run"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._q_uc: int | None = None
        self._run: object = None
        self._boot: int | None = None
        self._most_ua = self.p.cap_ua * 1.1

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state not in _SHOWING:
            if seen.state in _FIRST:
                self._q_uc = None
            return
        run, boot = self.story.run, self.story.boot
        if run is not self._run or boot != self._boot:  # what a reset left is judged by what RUN says
            self._run, self._boot, self._q_uc = run, boot, None
        last_uc, self._q_uc = self._q_uc, seen.q_uc
        if run is not None and seen.q_uc > run.q_uc:
            run.q_uc = seen.q_uc
        if last_uc is None:
            return
        self.looked = True
        rise_uc = seen.q_uc - last_uc
        if rise_uc < 0:
            self.violate(f"{last_uc} uC, then {seen.q_uc}")
        elif self.story.dt_ms and rise_uc > self._most_ua * self.story.dt_ms / 1000 + 1:
            self.violate(f"{rise_uc} uC in {self.story.dt_ms} ms")

    def reply(self, reply: Reply) -> None:
        run = self.story.run
        if reply.verb not in ("RUN", "START") or "q" not in reply.fields or run is None:
            return
        asked = self.story.pending.get((reply.sid, reply.number))
        name = asked[0].fields.get("run") if asked is not None else reply.fields.get("run")
        text = reply.fields["q"]
        if name == run.id and text.isdecimal():
            self.looked = True
            # What a reset leaves is right within the accuracy of a dose (I08); any other end tells what it told before.
            reset = reply.fields.get("out") == "RESET"
            q_uc = run.q_uc if asked is None else asked.q_uc  # a stored answer is as old as its request
            slack_uc = q_uc * self.p.told_share + self.p.told_uc if reset else 0
            if int(text) < q_uc - slack_uc:
                self.violate(f"RUN says {text} uC, telemetry said {q_uc}")


class DoseTruth(Monitor):
    id, title = "I08", "dose truth"
    property = "the reported charge is what flowed within 1 % and 600 uC; after a reset never less than what flowed"
    source = "a driver of an insulin pump (Loop#1913)"
    needs = frozenset({"wire", "truth"})
    unseen = "no telemetry of a run from its start on"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._true = TrueDose()
        self._told: tuple[int, int] | None = None
        self._told_end: tuple[int, int] | None = None  # by RUN, and how much more it may be

    def request(self, request: Request) -> None:
        self._true.begin(request)

    def telemetry(self, seen: Telemetry) -> None:
        run = self.story.run
        if run is None or seen.state not in _SHOWING or run.plan is None:
            return
        self._told = seen.q_uc, self.story.sample_us()
        if run.cut:
            return  # it says what is on record, as exact as that
        self.looked = True
        # The host's integral has readings' errors of its own: twice the share, as in the host's own limits.
        own = self.story.own
        off_uc = own.uc - seen.q_uc
        most_uc = 2 * self.p.told_share * max(seen.q_uc, own.uc) + self.p.told_uc + own.slack_uc
        lost = "record" in self.story.broken  # then it counts all that it may have been
        if off_uc > most_uc or (off_uc < -most_uc and not lost):
            self.violate(f"{seen.q_uc} uC reported, {own.uc:.0f} by the readings")

    def reply(self, reply: Reply) -> None:
        """What the unit says of the run at its end, against the truth of it."""
        run = self.story.run
        text = reply.fields.get("q", "")
        if reply.verb != "RUN" or reply.code or run is None or not text.isdecimal() or not self._true.known:
            return
        out = reply.fields.get("out", "")
        if out == "RUNNING":
            return
        extra_uc = run.plan.i_ua if out == "RESET" and run.plan is not None else 0
        self._told_end = int(text), extra_uc

    def _judge_end(self, told_uc: int, extra_uc: int) -> None:
        self.looked = True
        slack_uc = self.p.told_share * self._true.uc + self.p.told_uc
        # Whoever has lost the account counts all that it may have been.
        most_uc = inf if "record" in self.story.broken else self._true.uc + slack_uc + extra_uc
        if not self._true.uc - slack_uc <= told_uc <= most_uc:
            self._violate_told(told_uc)

    def _violate_told(self, told_uc: int) -> None:
        self.violate_truth(f"{told_uc} uC reported, truly {self._true.uc:.0f}")

    def truth(self, true: Mapping[str, Any]) -> None:
        self._true.add(true)
        state, t_us = true["state"], true["t_us"]
        if self._told_end is not None and state not in _FLOWING:
            self._judge_end(*self._told_end)  # not with the truth of before the answer
            self._told_end = None
        if state not in _COUNTED:
            self._told = None
        elif self._told is not None and self._true.known and self.story.run is not None and not self.story.run.cut:
            told_uc, at_us = self._told
            # What flowed between that reading and now.
            between_uc = self.p.comparator_ua * max(0, t_us - at_us) / 1e6
            slack_uc = self.p.told_share * self._true.uc + self.p.told_uc
            self.looked = True
            if not self._true.uc - slack_uc - between_uc <= told_uc <= self._true.uc + slack_uc:
                self._violate_told(told_uc)


class DoseWindow(Monitor):
    id, title = "I09", "dose window"
    property = "what was delivered and is committed in 24 h is at most 160 mA.min at every admission"
    source = "the unit's page, section 2"
    unseen = "no START was confirmed"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self.counts: bool | None = None  # whether the unit counts: not with its bench jumper fitted
        self._runs: dict[str, tuple[int, int]] = {}  # id: (host ms, charge)

    def begin(self, t_us: int, q_uc: int) -> None:
        """What a bench knows of the hours before."""
        self.counts = True
        self._runs["before"] = t_us // 1000, q_uc

    def telemetry(self, seen: Telemetry) -> None:
        run = self.story.run
        if run is not None and seen.state in _SHOWING and run.id in self._runs:
            at_ms, q_uc = self._runs[run.id]
            if seen.q_uc > q_uc:
                self._runs[run.id] = at_ms, seen.q_uc

    def reply(self, reply: Reply) -> None:
        plan = self.story.plan
        if reply.verb != "START" or reply.code or plan is None:
            return
        now_ms = self.story.t_us // 1000
        recent_uc = sum(q for at_ms, q in self._runs.values() if now_ms - at_ms < self.p.window_ms)
        self._runs[reply.fields.get("run", "")] = now_ms, 0
        if recent_uc + plan.q_uc <= self.p.window_uc:
            self.looked = True
        elif self.counts:
            self.violate(f"{plan.q_uc} uC admitted after {recent_uc} in 24 h")
        elif self.counts is None:
            self.excuse = _JUMPER


class TimeCap(Monitor):
    id, title = "I24", "time cap"
    property = "the on-time is at most TMAX, whatever the sensors say"
    source = "hazard analyses of infusion pumps (GIP)"
    unseen = "no telemetry of a run whose prescription is known"
    needs = frozenset({"wire", "truth"})

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._on_us = 0
        self._run: object = None
        self._last_us: int | None = None

    def telemetry(self, seen: Telemetry) -> None:
        run = self.story.run
        if run is None or run.plan is None or seen.state not in LEASED:
            return
        self.looked = True
        if run.on_ms > run.plan.tmax_ms + self.p.late_ms + self.p.length_ms:
            self.violate(f"on for {run.on_ms} ms, TMAX is {run.plan.tmax_ms}")

    def request(self, request: Request) -> None:
        if request.verb == "START" and request.fields.get("run") != self._run:
            self._run = request.fields.get("run")
            self._on_us = 0

    def truth(self, true: Mapping[str, Any]) -> None:
        t_us = true["t_us"]
        last_us, self._last_us = self._last_us, t_us
        # Without power nothing is on, whatever the processor was doing when it failed.
        if true["state"] not in ("RAMP_UP", "HOLD") or not true["relay_closed"]:
            return
        if last_us is not None:
            self._on_us += t_us - last_us
        plan = self.story.plan
        if plan is not None:
            self.looked = True
            if self._on_us > (plan.tmax_ms + 2 * self.p.late_ms) * 1000:
                self.violate_truth(f"truly on for {self._on_us / 1e6:.1f} s, TMAX is {plan.tmax_ms / 1000:.1f}")


MONITORS: Final[tuple[type[Monitor], ...]] = (DoseCap, DoseMonotone, DoseTruth, DoseWindow, TimeCap)
