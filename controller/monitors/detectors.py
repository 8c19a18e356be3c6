"""The detectors of the fault table, seen from outside: I17, I18, I19.

Every row is judged a little wider than the unit judges it: telemetry shows one reading in ten, and the unit's page says
when a row has to have tripped, not when it may. What is found here is a unit that did not trip, or did not do what it
said, never one that tripped a moment early.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.monitors.monitor import Monitor, Spell
from controller.monitors.promises import Promises
from controller.monitors.story import Plan, Run, Story
from controller.wire import Event, Telemetry, UnitState
from controller.wire.spec import ENERGISED, LEASED

_HOLD: Final = UnitState.HOLD
# The fault table, column "action".
_AT_ONCE: Final = frozenset({1, 6, 7, 8, 9, 10, 18, 19})
_IN_A_SECOND: Final = frozenset({2, 3, 5})


class _Row:
    """One row of the table: a condition that may not last for longer than it takes to trip."""

    __slots__ = ("code", "most_ms", "spell")

    def __init__(self, code: int, most_ms: int) -> None:
        self.code = code
        self.most_ms = most_ms
        self.spell = Spell()


class Impedance(Monitor):
    id, title = "I17", "impedance"
    property = "each of the faults 01 to 06 trips within its time and 100 ms, and does what its row says"
    source = "requirement; the unit's page, section 4"
    unseen = "no telemetry of a run whose prescription is known"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        late_ms = self.p.late_ms
        self._open = _Row(1, self.p.open_ticks_ms + late_ms)
        self._high = _Row(2, self.p.z_ms + late_ms)
        self._low = _Row(3, self.p.z_ms + late_ms)
        self._free = _Row(4, self.p.z_ms + late_ms)
        self._suspicious = False
        self._limited_ms = 0
        self._limited_run: Run | None = None
        self._rise = Rise(self.p)
        self._last: Telemetry | None = None
        self._step_ms: int | None = None
        self._tripped: tuple[int, int] | None = None

    def telemetry(self, seen: Telemetry) -> None:
        if self._tripped is not None:
            self._acts(seen, *self._tripped)
        last, self._last = self._last, seen
        run = self.story.run
        if seen.state not in LEASED or run is None or run.plan is None:
            self._step_ms = None
            return
        self.looked = True
        plan, v_mv = run.plan, seen.v_mv
        high_v = v_mv > 0.95 * plan.vmax_mv
        # 5 mV and 1 uA are what is left after the zero (the unit's page, section 1).
        low = v_mv + 10 < plan.zmin_ohm * seen.i_ua * 0.98 / 1000
        over = v_mv * 1000 > seen.i_ua * plan.zmax_ohm * 1.02
        if high_v or low or over or self._suspicious:
            self._suspicious = high_v or low or over
            self._windows(seen, high_v, low, over)
        if seen.limited:
            self._compliance(seen, run, plan)
        if self._rise.judge(seen, self.story, run) and not seen.limited:
            self.violate(f"the voltage rose to {self._rise.seen}, and nothing tripped")
        if last is not None:
            self._step(last, seen)

    def _windows(self, seen: Telemetry, high_v: bool, low: bool, over: bool) -> None:
        """The rows that look at voltage and current of the moment."""
        p, i_ua, set_ua = self.p, seen.i_ua, seen.set_ua
        steady = seen.state is _HOLD
        stuck = high_v and not seen.limited and steady
        self._lasts(self._open, stuck and i_ua < set_ua / 2 - 5, seen)
        self._lasts(self._free, stuck and i_ua * 2 > set_ua, seen)
        late = steady and self.story.now_ms - self.story.state_ms > p.z_after_ms
        self._lasts(self._high, over and late and i_ua >= p.z_high_ua, seen)
        self._lasts(self._low, low and set_ua >= p.z_low_set_ua and i_ua * 2 > set_ua, seen)

    def _lasts(self, row: _Row, is_so: bool, seen: Telemetry) -> None:
        if is_so:
            if row.spell.lasts(True, self.story.now_ms) > row.most_ms:
                self.violate(
                    f"fault {row.code:02d} ought to have tripped: {seen.i_ua} uA, {seen.v_mv} mV in {seen.state.value} "
                    f"for more than {row.most_ms} ms"
                )
        else:
            row.spell.since = None

    def _compliance(self, seen: Telemetry, run: Run, plan: Plan) -> None:
        if run is not self._limited_run:
            self._limited_run, self._limited_ms = run, 0
        if self.story.dt_ms <= 2 * self.p.late_ms:
            self._limited_ms += self.story.dt_ms
        # Telemetry counts whole periods: one too many at the ends of each spell, so half a second is let pass.
        if plan.lim == "STOP" and self._limited_ms > self.p.limited_ms + self.p.late_ms + 400:
            self.violate(f"limited for {self._limited_ms} ms in all with LIM=STOP")

    def _step(self, last: Telemetry, seen: Telemetry) -> None:
        p, story = self.p, self.story
        if self._step_ms is not None and story.now_ms - self._step_ms > 2 * p.late_ms:
            self._step_ms = None
            self.violate(f"fault 06 ought to have tripped: {seen.v_mv} mV, {seen.state.value} goes on")
        moved_mv = abs(seen.v_mv - last.v_mv)
        if moved_mv <= last.v_mv * p.step_share:
            return
        from_ua = max(p.step_from_ua, seen.set_ua // 2)
        same = seen.state is last.state is _HOLD and last.set_ua == seen.set_ua and not (last.limited or seen.limited)
        if not same or min(last.i_ua, seen.i_ua) < from_ua or not 0 < story.dt_ms <= 100 or story.missing:
            return
        most_mv = last.v_mv * (p.step_share + abs(seen.i_ua - last.i_ua) / last.i_ua) + p.step_mv
        if moved_mv > most_mv and self._step_ms is None:
            self._step_ms = story.now_ms

    def event(self, event: Event) -> None:
        if event.name == "FAULT":
            code = event.fields.get("id", "")
            if code.isdecimal() and self._tripped is None:
                self._tripped = int(code), self.story.now_ms

    def _acts(self, seen: Telemetry, code: int, at_ms: int) -> None:
        """The action of a fault: at once, or to zero in a second."""
        p = self.p
        most_ms = p.abort_ms if code in _AT_ONCE else p.stop_ms if code in _IN_A_SECOND else None
        after_ms = self.story.now_ms - at_ms
        i_ua = 0 if "sensor" in self.story.broken else min(seen.i_ua, seen.i2_ua)
        if most_ms is not None and after_ms > most_ms + p.late_ms and (i_ua > p.quiet_ua or seen.state in ENERGISED):
            self.violate(f"{i_ua} uA in {seen.state.value}, {after_ms} ms after fault {code:02d}")
        if most_ms is None or (seen.state not in ENERGISED and after_ms > most_ms + p.late_ms):
            self._tripped = None


class Rise:
    """Voltage at a steady current against its running minimum, 10 s means (fault 05)."""

    __slots__ = ("_minimum", "_n", "_p", "_set_ua", "_start_ms", "_sum", "seen")

    def __init__(self, promises: Promises) -> None:
        self._p = promises
        self._minimum = 0.0
        self._sum = self._n = self._start_ms = self._set_ua = 0
        self.seen = ""

    def judge(self, seen: Telemetry, story: Story, run: Run) -> bool:
        p, now_ms = self._p, story.now_ms
        if seen.state is not _HOLD:
            self._n = 0
            if seen.state is UnitState.RAMP_UP and run.on_ms < p.late_ms:
                self._minimum = 0.0
            return False
        if now_ms - story.state_ms < p.z_after_ms or seen.set_ua < p.rise_set_ua:
            return False
        steady = not seen.limited and abs(seen.i_ua - seen.set_ua) * 20 < seen.set_ua
        if seen.set_ua != self._set_ua:
            self._set_ua, self._minimum = seen.set_ua, 0.0
        if not steady or not self._n:
            self._n, self._sum, self._start_ms = (1, seen.v_mv, now_ms) if steady else (0, 0, now_ms)
            return False
        self._n += 1
        self._sum += seen.v_mv
        if now_ms - self._start_ms < p.rise_window_ms:
            return False
        mean = self._sum / self._n
        self._n = 0
        if not self._minimum or mean < self._minimum:
            self._minimum = mean
        elif mean > self._minimum * p.rise_share:
            self.seen = f"{mean / 1000:.2f} V after {self._minimum / 1000:.2f} V"
            return True
        return False


class Tracking(Monitor):
    id, title = "I18", "tracking"
    property = "a current off the set-point by 5 % or 30 uA (below 60 by half of it) for 100 ms in HOLD is a fault"
    source = "PCA pumps; the unit's page, section 4, 08"
    unseen = "the current was never steady in HOLD"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._off = Spell()
        self._on_the_way = True  # to the set-point: pulled, limited, or lowered by SET
        self._set_ua = 0

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state is not _HOLD:
            self._set_ua, self._on_the_way, self._off.since = 0, False, None
            return
        p, set_ua, i_ua = self.p, seen.set_ua, seen.i_ua
        off_ua = i_ua - set_ua if i_ua > set_ua else set_ua - i_ua
        if off_ua * 20 <= set_ua or (off_ua <= p.tracking_ua and off_ua * 2 <= set_ua):
            self._set_ua, self._on_the_way, self._off.since = set_ua, False, None
            self.looked = True
            return
        before_ua, self._set_ua = self._set_ua or set_ua, set_ua
        if seen.limited or i_ua < 0.9 * set_ua - 20 or set_ua != before_ua:
            self._on_the_way, self._off.since = True, None
        elif not self._on_the_way and self._off.lasts(True, self.story.now_ms) > p.tracking_ms + p.late_ms:
            self.violate(f"{i_ua} uA at a set-point of {set_ua} for more than {p.tracking_ms + p.late_ms} ms")


class TwoEyes(Monitor):
    id, title = "I19", "two eyes"
    property = "current channels that differ by 5 % and 20 uA for 100 ms trip; so does one that does not tell the truth"
    source = "risk analysis R7.1.0"
    needs = frozenset({"wire", "truth"})
    unseen = "no telemetry of a run"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._differ = Spell()
        self._lies = Spell()

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state not in LEASED:
            self._differ.since = None
            return
        self.looked = True
        i_ua, i2_ua = seen.i_ua, seen.i2_ua
        off_ua, most_ua = (i_ua - i2_ua, i_ua) if i_ua > i2_ua else (i2_ua - i_ua, i2_ua)
        p = self.p
        if off_ua <= p.differ_ua:
            self._differ.since = None
            return
        differ = off_ua > most_ua * p.differ_share + p.differ_ua + 2  # both are rounded
        if self._differ.lasts(differ, self.story.now_ms) > p.differ_ms + p.late_ms:
            self.violate(f"{i_ua} and {i2_ua} uA for more than {p.differ_ms + p.late_ms} ms, and nothing tripped")

    def truth(self, true: Mapping[str, Any]) -> None:
        seen = self.story.newest
        if seen is None or seen.state is not _HOLD or true["state"] != "HOLD":
            self._lies.since = None
            return
        t_us, p = true["t_us"], self.p
        if t_us - self.story.newest_us > p.line_ms * 1000:
            self._lies.since = None  # nothing is said, so nothing is wrongly said
            return
        self.looked = True
        i_ua = abs(true["i_ua"])
        off_ua = abs(seen.i_ua - i_ua)
        lies = off_ua > max(i_ua, seen.i_ua) * p.differ_share + p.differ_ua
        if self._lies.lasts(lies, t_us) > (p.frozen_ms + p.differ_ms + p.late_ms) * 1000:
            self.violate_truth(f"{seen.i_ua} uA reported, truly {i_ua:.0f}, for more than a second")


MONITORS: Final[tuple[type[Monitor], ...]] = (Impedance, Tracking, TwoEyes)
