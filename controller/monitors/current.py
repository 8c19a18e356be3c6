"""How much current, and when: I01, I02, I03, I05.

On the wire a current is a reading, so it is believed only where both channels say it: a sensor that is off by 0.1 mA
is the business of the fault table, not of "current at rest". The truth needs no second channel. Where something of
the unit itself was broken (a source, a sensor), excess counts from when the unit has to have found out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.monitors.monitor import TICK_US, Monitor, Spell
from controller.monitors.promises import Promises
from controller.monitors.story import Run, Story
from controller.wire import Reply, Telemetry, UnitState
from controller.wire.spec import ENERGISED

_CHECK: Final = UnitState.CHECK
_FLOWING: Final = frozenset(state.value for state in ENERGISED)
_BOOTED: Final = frozenset({"IDLE", "FAULT"})
# A self-test takes 20 ticks, the first of which is under way: between two looks that are nearer there was no reset.
_TEST_US: Final = 200_000 - TICK_US
_TESTING: Final = frozenset({"BOOT", "SELFTEST"})  # the self-test moves the relay


class Rest(Monitor):
    id, title = "I01", "rest"
    property = (
        "outside CHECK, RAMP_UP, HOLD, RAMP_DOWN and PAUSING the current is zero 50 ms after entry; CHECK <= 60 uA"
    )
    source = "source-measure units, tDCS"
    needs = frozenset({"wire", "truth"})
    unseen = "no telemetry in a state without current"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._true_state = ""
        self._true_since_us = 0
        self._checked = Spell()
        self._true_checked = Spell()

    def _lasts(self, spell: Spell, i_ua: float, most_ua: int) -> bool:
        """Too much for a check, and for longer than a source that is broken has to be found out."""
        p = self.p
        grace_us = (p.cap_ms + p.late_ms) * 1000 if "source" in self.story.broken else 0
        over = i_ua > most_ua
        lasting_us = spell.lasts(over, self.story.t_us)
        return over and lasting_us >= grace_us

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state in ENERGISED:
            return
        self.looked = True
        if "sensor" in self.story.broken:
            return  # it says anything, and the truth is another matter
        i_ua = seen.i_ua if seen.i_ua < seen.i2_ua else seen.i2_ua
        p = self.p
        if seen.state is _CHECK:
            if self._lasts(self._checked, i_ua, p.check_ua + p.reading_ua):
                self.violate(f"{i_ua} uA in CHECK")
            return
        self._checked.since = None
        if i_ua <= p.quiet_ua:
            return
        if self.story.now_ms - self.story.state_ms > p.rest_after_ms + p.mean_ms:
            self.violate(f"{i_ua} uA in {seen.state.value}")

    def truth(self, true: Mapping[str, Any]) -> None:
        state, t_us = true["state"], true["t_us"]
        if state != self._true_state:
            self._true_state, self._true_since_us = state, t_us
            self._true_checked.since = None
            return
        if state in _FLOWING:
            return
        self.looked = True
        i_ua = abs(true["i_ua"])
        if state == "CHECK":
            if self._lasts(self._true_checked, i_ua, self.p.check_ua):
                self.violate_truth(f"truly {i_ua:.0f} uA in CHECK")
        elif t_us - self._true_since_us >= self.p.rest_after_ms * 1000:
            if i_ua > self.p.zero_ua:
                self.violate_truth(f"truly {i_ua:.0f} uA in {state}")
            elif true["relay_closed"] and state not in _TESTING and "relay" not in self.story.broken:
                self.violate_truth(f"the relay is closed in {state}")


class HardCap(Monitor):
    id, title = "I02", "hard cap"
    property = (
        "the current stays below 4.2 mA, a new contact gets 1 uC at most, the set-point is within prescription and unit"
    )
    source = "Open PCA F-max; the unit's hardware limiter"
    needs = frozenset({"wire", "truth"})
    unseen = "no telemetry"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._over = Spell()
        self._over_true = Spell()
        self._surge_uc: float | None = None
        self._surge_us = 0

    def reply(self, reply: Reply) -> None:
        limit_ua = self.story.imax_ua
        if reply.verb in ("PRES", "SET") and reply.code == 0 and limit_ua is not None:
            i_ua = reply.fields.get("I", "")
            if i_ua.isdecimal() and int(i_ua) > limit_ua:
                self.violate(f"{reply.verb} is confirmed with {i_ua} uA, the unit's limit is {limit_ua}")

    def telemetry(self, seen: Telemetry) -> None:
        self.looked = True
        p = self.p
        i_ua = seen.i_ua if seen.i_ua < seen.i2_ua else seen.i2_ua
        over = i_ua > p.cap_ua * (1 + p.reading_share) + p.reading_ua and "sensor" not in self.story.broken
        if self._over.lasts(over, self.story.now_ms) > p.cap_ms + p.late_ms:
            self.violate(f"{i_ua} uA for more than {p.cap_ms + p.late_ms} ms")
        set_ua, run = seen.set_ua, self.story.run
        if set_ua and run is not None and run.plan is not None and set_ua > run.plan.i_ua:
            self.violate(f"set-point {set_ua} uA, prescribed are {run.plan.i_ua}")
        limit_ua = self.story.imax_ua
        if limit_ua is not None and set_ua > limit_ua:
            self.violate(f"set-point {set_ua} uA, the unit's limit is {limit_ua}")

    def truth(self, true: Mapping[str, Any]) -> None:
        self.looked = True
        p = self.p
        i_ua, t_us = abs(true["i_ua"]), true["t_us"]
        # A source that is broken may pass what the comparator lets pass, until it has been found out.
        grace_us = (p.cap_ms + p.late_ms) * 1000 if self.story.broken else 0
        over = i_ua > p.cap_ua
        lasting_us = self._over_true.lasts(over, t_us)
        if over and (not grace_us or lasting_us > grace_us):
            self.violate_truth(f"truly {i_ua:.0f} uA")
        surge_uc = true.get("q_surge_uc")
        if surge_uc is None:
            return
        if self._surge_uc is not None:
            contacts = 1 + (t_us - self._surge_us) * p.contacts_hz // 1_000_000
            if surge_uc - self._surge_uc > p.surge_uc * contacts:
                self.violate_truth(f"{surge_uc - self._surge_uc:.2f} uC into a contact that was made")
        self._surge_uc, self._surge_us = surge_uc, t_us


class Ceiling:
    """The highest set-point that may still be flowing: SET lowers it at the slew of the way down."""

    __slots__ = ("_next_ua", "_p", "_until_ms", "ua")

    def __init__(self, promises: Promises) -> None:
        self._p = promises
        self.ua = self._next_ua = 0
        self._until_ms = 0

    def of(self, set_ua: int, now_ms: int, run: Run | None) -> int:
        """``set_ua`` 0: on the way to zero, where the ceiling stays what it was."""
        if set_ua == self.ua or not set_ua:
            return self.ua
        if set_ua > self.ua:
            self.ua = self._next_ua = set_ua
        elif set_ua != self._next_ua:
            slew = run.plan.down_ua_per_ms if run is not None and run.plan is not None else 0.05
            p = self._p
            ramp_ms = (self.ua - set_ua) / slew * (1 + p.length_share) + p.length_ms + p.mean_ms
            self._next_ua, self._until_ms = set_ua, now_ms + round(ramp_ms)
        elif now_ms >= self._until_ms:
            self.ua = self._next_ua
        return self.ua

    def forget(self) -> None:
        self.ua = self._next_ua = 0


class NoExcess(Monitor):
    id, title = "I03", "no excess"
    property = "the current is at most the set-point and 5 % or 20 uA"
    source = "risk analysis R6.4.0(2)"
    needs = frozenset({"wire", "truth"})
    unseen = "no telemetry of a run"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._ceiling, self._true_ceiling = Ceiling(self.p), Ceiling(self.p)
        self._over, self._over_true = Spell(), Spell()

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state not in ENERGISED:
            self._ceiling.forget()
            return
        now_ms = self.story.now_ms
        ceiling_ua = self._ceiling.of(seen.set_ua, now_ms, self.story.run)
        if not ceiling_ua:
            return  # the log began on the way down
        self.looked = True
        p = self.p
        i_ua = seen.i_ua if seen.i_ua < seen.i2_ua else seen.i2_ua
        over = i_ua > ceiling_ua * (1 + p.excess_share) + p.excess_ua
        if over and self._over.lasts(over, now_ms) > p.over_ms + p.late_ms:
            self.violate(f"{i_ua} uA at a set-point of {ceiling_ua} for more than {p.over_ms + p.late_ms} ms")
        elif not over:
            self._over.since = None

    def truth(self, true: Mapping[str, Any]) -> None:
        if true["state"] not in _FLOWING:
            self._true_ceiling.forget()
            return
        t_us = true["t_us"]
        ceiling_ua = self._true_ceiling.of(true["set_ua"], t_us // 1000, self.story.run)
        if not ceiling_ua:
            return
        self.looked = True
        p = self.p
        i_ua = abs(true["i_ua"])
        over = i_ua > ceiling_ua + max(ceiling_ua * p.excess_share, p.excess_ua)
        lasting_us = self._over_true.lasts(over, t_us)
        if over and (not self.story.broken or lasting_us > (p.over_ms + p.late_ms) * 1000):
            self.violate_truth(f"truly {i_ua:.0f} uA at a set-point of {ceiling_ua}")


class Polarity(Monitor):
    id, title = "I05", "polarity"
    property = "the current's sign is constant in a run; the bridge moves only with no run open and no current for 1 s"
    source = "an Arduino iontophoresis unit with an H-bridge"
    needs = frozenset({"truth"})
    unseen = "the wire tells magnitudes; it needs the truth of a bench"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._sign = 0
        self._bridge: int | None = None
        self._looked_us = 0
        self._flowed_us: int | None = None
        self._open = False

    def truth(self, true: Mapping[str, Any]) -> None:
        self.looked = True
        state, i_ua, t_us, p = true["state"], true["i_ua"], true["t_us"], self.p
        was_open = self._open
        if state in _FLOWING or state == "PAUSED":
            self._open = True
        elif state not in ("CHECK", "ARMED"):  # these two are of a run that resumes, or of none
            self._open, self._sign = False, 0
        if state in _FLOWING and abs(i_ua) > p.zero_ua:
            sign = 1 if i_ua > 0 else -1
            if self._sign and sign != self._sign:
                self.violate_truth(f"the current turned round within a run: {i_ua:.0f} uA")
            self._sign = sign
        bridge = true["bridge"]
        # A reset lets go of the bridge with everything else; that nothing flows then is another's business (I23).
        reset = state in _TESTING or (state in _BOOTED and t_us - self._looked_us >= _TEST_US)
        self._looked_us = t_us
        if self._bridge is not None and bridge != self._bridge and not reset:
            if self._open and was_open:
                self.violate_truth(f"the bridge moved in {state}, with a run open")
            elif self._flowed_us is not None and t_us - self._flowed_us < p.bridge_ms * 1000 - TICK_US:
                after_s = (t_us - self._flowed_us) / 1e6
                self.violate_truth(f"the bridge moved {after_s:.2f} s after the last current")
        self._bridge = bridge
        if abs(i_ua) >= p.zero_ua:
            self._flowed_us = t_us


MONITORS: Final[tuple[type[Monitor], ...]] = (Rest, HardCap, NoExcess, Polarity)
