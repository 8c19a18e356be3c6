"""How fast the current may change: I04 and I32.

A rise is judged over every window at once: what is left of the current after the slew has been taken off may not
grow by more than the first step. A reading within a tenth of what was reached already is no rise, because the unit
itself pulls its set-point down only below 0.9 of it (the unit's page, section 2).

A fall is the unit's doing only where the voltage falls too; a lead that comes off makes it rise.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Final

from controller.monitors.monitor import TICK_US, Monitor
from controller.monitors.story import Move, Plan, Story
from controller.wire import Event, Telemetry, UnitState
from controller.wire.spec import ENERGISED, LEASED

_RISING: Final = frozenset(state.value for state in LEASED)
_FLOWING: Final = frozenset(state.value for state in ENERGISED)
_UNHEARD: Final = "a fall into PAUSED, and the event that would say why was not heard"
_DOWN: Final = frozenset({UnitState.RAMP_DOWN, UnitState.PAUSING})


class Climb:
    """One stream of currents with their times in ms; ``rise`` is how much of it the slew does not explain."""

    __slots__ = ("_below", "_low", "_peak")

    def __init__(self) -> None:
        self._low = inf
        self._peak = 0.0
        self._below = False

    def begin(self, now_ms: float, slew: float) -> None:
        """From zero."""
        self._low, self._peak, self._below = -slew * now_ms, 0.0, False

    def rise(self, i_ua: float, now_ms: float, slew: float) -> float:
        off = slew * now_ms
        peak = self._peak
        if i_ua < 0.9 * peak - 20:
            self._below = True
            level = i_ua - off
        elif self._below:
            # Back in the band: what is above the slew and the band is a jump.
            self._below = False
            jump = i_ua - off - self._low - (0.1 * peak + 20)
            self._low = max(i_ua, peak) - off
            self._peak = max(i_ua, peak)
            return jump
        else:
            self._peak = max(i_ua, peak)
            level = self._peak - off
        if level < self._low:
            self._low = level
        return level - self._low


class Descent:
    """The same the other way: how much of a fall the slew does not explain, where the voltage fell with it."""

    __slots__ = ("_high", "_slew", "_v_mv")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._high = -inf
        self._slew = self._v_mv = 0.0

    def fall(self, i_ua: float, v_mv: float, now_ms: float, slew: float, *, counts: bool) -> float:
        if slew != self._slew:
            self.forget()  # of another prescription
            self._slew = slew
        level = i_ua + slew * now_ms
        before_mv, self._v_mv = self._v_mv, v_mv
        # A lead that comes off makes the voltage rise; what has fallen for another reason is forgotten.
        if level > self._high or v_mv > before_mv or not counts:
            self._high = level
            return 0.0
        return self._high - level


class Slew(Monitor):
    id, title = "I04", "slew"
    property = "the current rises at most 1.1 times as fast as prescribed, and falls so but for STOP, ABORT and trips"
    source = "ActivaDose: shocks from steep ramps"
    needs = frozenset({"wire", "truth"})
    unseen = "no telemetry of a run whose prescription is known"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._up, self._true_up = Climb(), Climb()
        self._true_state = ""
        self._true_down = Descent()
        self._flowed_us = 0
        self._true_ms: float | None = None
        self._high: float | None = None
        self._last: Telemetry | None = None
        self._v_mv = 0
        self._warned = self._aborted = self._tripped = False
        self._warned_ms = -inf
        self._fell = ""  # into PAUSED, and the unit's reason may still be on its way

    def event(self, event: Event) -> None:
        if event.name in ("WARN", "FAULT"):
            self._warned = True
            self._warned_ms = self.story.now_ms

    def moved(self, move: Move) -> None:
        if move.now is UnitState.PAUSED:
            self._tripped = move.at_ms - self._warned_ms <= TICK_US / 1000  # what pauses is told just before
            if self._fell and not self._tripped and move.by is not None and not self.story.events_missing:
                self.violate_truth(self._fell)
            elif self._fell and not self._tripped:
                self.excuse = _UNHEARD
            self._fell = ""
        if move.now is UnitState.RAMP_UP:
            self._warned = self._aborted = self._tripped = False
            plan = self._plan()
            if plan is not None:
                self._up.begin(self._earliest_ms(move), plan.up_ua_per_ms * self.p.slew_share)
        self._high = None

    def _earliest_ms(self, move: Move) -> int:
        """Where no event tells, a ramp began at any time since the line before."""
        if move.by is not None:
            return move.at_ms
        return move.at_ms - (self.story.dt_ms or self.p.start_ms)

    def _plan(self) -> Plan | None:
        run = self.story.run
        return None if run is None else run.plan

    def telemetry(self, seen: Telemetry) -> None:
        last, self._last = self._last, seen
        plan = self._plan()
        if plan is None:
            return
        if seen.state in LEASED:
            self.looked = True
            i_ua = seen.i_ua if seen.i_ua < seen.i2_ua else seen.i2_ua
            slew = plan.up_ua_per_ms * self.p.slew_share
            rise_ua = self._up.rise(i_ua, self.story.now_ms, slew)
            most_ua = self.p.step_ua + self.p.reading_ua + i_ua * self.p.reading_share
            if rise_ua > most_ua and not self.story.broken:
                self.violate(f"{i_ua} uA: {rise_ua:.0f} uA more than the slew allows")
        elif last is not None and last.state in ENERGISED and last.sid == seen.sid:
            self._falling(last, seen, plan)

    def _falling(self, last: Telemetry, seen: Telemetry, plan: Plan) -> None:
        run = self.story.run
        if run is None or run.stopped or seen.faults or self._warned or self.story.missing or self.story.broken:
            return
        slew = plan.down_ua_per_ms * self.p.slew_share
        if seen.state is UnitState.PAUSED or seen.state is UnitState.PAUSING:
            slew = max(slew, plan.i_ua * self.p.slew_share / self.p.stop_ms)  # a lost lease takes 1 s
        i_ua = max(seen.i_ua, seen.i2_ua)
        level = i_ua + slew * self.story.now_ms
        if last.state in _DOWN and self._high is not None:
            pass
        else:
            self._high, self._v_mv = (
                max(last.i_ua, last.i2_ua) + slew * (self.story.now_ms - self.story.dt_ms),
                last.v_mv,
            )
        if level > self._high:
            self._high = level
        off_ua = self._high - level
        if off_ua > self.p.step_ua + self.p.reading_ua + i_ua * self.p.reading_share and (
            seen.v_mv <= self._v_mv * 1.1 + 500
        ):
            self.violate(f"{i_ua} uA in {seen.state.value}: it fell {off_ua:.0f} uA faster than the slew")

    def truth(self, true: Mapping[str, Any]) -> None:
        state = true["state"]
        was, self._true_state = self._true_state, state
        now_ms, before_ms = true["t_us"] / 1000, self._true_ms
        self._true_ms = now_ms
        run = self.story.run
        if not self.story.broken:
            self._falls(true, self.story.plan if run is None else run.plan)
        if state not in _RISING:
            return
        plan = self.story.plan if run is None or not run.open else run.plan
        if plan is None:
            return
        slew = plan.up_ua_per_ms * self.p.slew_share
        if was not in _RISING and before_ms is not None:
            self._true_up.begin(before_ms, slew)  # at any time since the look before
        self.looked = True
        rise_ua = self._true_up.rise(abs(true["i_ua"]), now_ms, slew)
        if rise_ua > self.p.step_ua + self.p.zero_ua and not self.story.broken:
            self.violate_truth(f"truly {abs(true['i_ua']):.0f} uA: {rise_ua:.0f} uA more than the slew allows")

    def _falls(self, true: Mapping[str, Any], plan: Plan | None) -> None:
        """On the way down, and to its end: what is cut off is a fall as well."""
        state, down = true["state"], self._true_down
        if state in _FLOWING:
            self._flowed_us = true["t_us"]
        after_us = true["t_us"] - self._flowed_us
        ended = state in ("DONE", "PAUSED") and not self._aborted and after_us <= 2 * self.p.rest_after_ms * 1000
        if plan is None or not (state in _FLOWING or ended):
            down.forget()
            return
        slew = max(plan.down_ua_per_ms, plan.i_ua / self.p.stop_ms) * self.p.slew_share
        by_relay = not true["relay_closed"] and not ended
        fell_ua = down.fall(abs(true["i_ua"]), abs(true["v_mv"]), true["t_us"] / 1000, slew, counts=not by_relay)
        # The last of it may go at once: "quiet" at the end of a second.
        if fell_ua <= self.p.step_ua + self.p.zero_ua + plan.i_ua * self.p.excess_share:
            return
        seen = f"truly {abs(true['i_ua']):.0f} uA in {state}: it fell {fell_ua:.0f} uA at once"
        if state != "PAUSED":
            self.violate_truth(seen)
        elif self.story.state is not UnitState.PAUSED:
            self._fell = self._fell or seen
        elif not self._tripped:
            self.violate_truth(seen)

    def finish(self) -> None:
        if self._fell:
            self.excuse = _UNHEARD

    def stop(self, abort: bool) -> None:
        self._aborted = self._aborted or abort


class Ramp(Monitor):
    id, title = "I32", "ramp"
    property = "a ramp is monotone, its first step is 50 uA at most, its length is right within 2 % and 50 ms"
    source = "the unit's page, section 2"
    unseen = "no whole ramp of a run whose prescription is known"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._began_ms: int | None = None
        self._from: UnitState | None = None
        self._peak_ua = self._top_ua = 0
        self._clean = False

    def moved(self, move: Move) -> None:
        run = self.story.run
        began_ms, self._began_ms = self._began_ms, None
        if run is None or run.plan is None:
            return
        if move.was is UnitState.RAMP_UP and began_ms is not None:
            if move.now is UnitState.HOLD and move.by is not None:
                self._length("up", move.at_ms - began_ms, run.plan.tu_ms, run.clean)
        elif (
            move.was is UnitState.RAMP_DOWN and began_ms is not None and self._from is UnitState.HOLD
            and move.now is UnitState.DONE and move.by is not None
        ):  # fmt: skip
            clean = run.clean and not self.story.faults
            self._length("down", move.at_ms - began_ms, run.plan.td_ms, clean)
        if move.now in (UnitState.RAMP_UP, UnitState.RAMP_DOWN) and move.by is not None:
            self._began_ms, self._from = move.at_ms, move.was
            self._peak_ua, self._clean = 0, True

    def _length(self, way: str, took_ms: int, full_ms: int, clean: bool) -> None:
        """``clean``: of the prescribed length, neither cut short nor prolonged."""
        if not clean:
            return
        self.looked = True
        slack_ms = full_ms * self.p.length_share + self.p.length_ms
        if abs(took_ms - full_ms) > slack_ms:
            self.violate(f"the ramp {way} took {took_ms} ms, prescribed are {full_ms}")

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state is not UnitState.RAMP_UP or self._began_ms is None:
            return
        run = self.story.run
        if run is None or run.plan is None or self.story.broken:
            return
        if seen.limited or seen.faults:
            self._clean = False
        i_ua = seen.i_ua if seen.i_ua > seen.i2_ua else seen.i2_ua
        after_ms = self.story.now_ms - self._began_ms
        if after_ms < self.p.mean_ms:
            return  # there is something of the contact check in it
        if after_ms <= self.p.length_ms + 50:
            most_ua = run.plan.up_ua_per_ms * after_ms + self.p.step_ua + self.p.reading_ua
            if min(seen.i_ua, seen.i2_ua) > most_ua:
                self.violate(f"{i_ua} uA, {after_ms} ms after the ramp began")
        # A dip below nine tenths is a contact's; a smaller one under a steady contact would be the ramp's own.
        band_ua = max(self._peak_ua * 0.9 - 20, 0)
        if self._clean and band_ua <= i_ua < self._peak_ua * 0.97 - self.p.reading_ua and seen.v_mv < self._v_mv:
            self.violate(f"{i_ua} uA after {self._peak_ua} in RAMP_UP")
        elif i_ua < band_ua:
            self._clean = False
        if i_ua > self._peak_ua:
            self._peak_ua, self._v_mv = i_ua, seen.v_mv

    _v_mv = 0


MONITORS: Final[tuple[type[Monitor], ...]] = (Slew, Ramp)
