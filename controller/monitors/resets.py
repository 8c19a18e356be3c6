"""Power and processor: I22 and I23."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.monitors.monitor import TICK_US, Monitor, Spell
from controller.monitors.story import Story
from controller.wire import Reply, UnitState
from controller.wire.spec import ENERGISED

_FLOWING: Final = frozenset(state.value for state in ENERGISED)


class Watchdog(Monitor):
    id, title = "I22", "watchdog"
    property = (
        "a late control loop has its relay opened within 250 ms; the next boot begins at zero, its run is closed RESET"
    )
    source = "Klipper"
    needs = frozenset({"wire", "truth"})
    unseen = "the unit was not reset within a run, and no processor was broken"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._boot: str | None = None
        self._lost: str | None = None  # the run that was open when the unit was reset
        self._lost_uc = 0

    def reply(self, reply: Reply) -> None:
        if reply.code:
            return
        fields = reply.fields
        if reply.verb in ("HELLO", "TAKE"):
            self._greeted(fields.get("boot"))
        elif self._lost is not None and reply.verb == "STATUS":
            self.looked = True
            if fields.get("st") in _FLOWING:
                self.violate(f"{fields['st']} after a reset")
            if fields.get("run") == self._lost:
                self.violate(f"run {self._lost} is open after a reset")
        elif self._lost is not None and reply.verb == "RUN":
            self._told(reply)

    def _greeted(self, boot: str | None) -> None:
        before, self._boot = self._boot, boot
        run = self.story.run
        if before is None or boot == before:
            return
        if run is not None and run.open:
            self._lost = run.id

    def _told(self, reply: Reply) -> None:
        asked = self.story.pending.get((reply.sid, reply.number))
        if asked is None or asked[0].fields.get("run") != self._lost:
            return
        self.looked = True
        out = reply.fields.get("out", "")
        # A run that ended on its own in the moment before the reset keeps that outcome.
        if out == "RUNNING":
            self.violate(f"run {self._lost} is RUNNING after a reset")

    def truth(self, true: Mapping[str, Any]) -> None:
        hung_us = self.story.broken.get("processor")
        if hung_us is None:
            return
        late_us = true["t_us"] - hung_us
        if late_us > self.p.watchdog_ms * 1000:
            self.looked = True
            # Only until it is told to flow again.
            again = self.story.raised_us is not None and self.story.raised_us > hung_us
            if not again and (true["relay_closed"] or abs(true["i_ua"]) > self.p.zero_ua):
                self.violate_truth(f"truly {true['i_ua']:.0f} uA, {late_us / 1000:.0f} ms after the processor stopped")


class PowerUp(Monitor):
    id, title = "I23", "power-up"
    property = "from no power to the end of the self-test, and down again, no current flows"
    source = "opentdcs, risk analysis R7.4.0(1)"
    needs = frozenset({"wire", "truth"})
    unseen = "the unit was not seen to start"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._off = Spell()
        self._boot: str | None = None
        self._fresh = False

    def reply(self, reply: Reply) -> None:
        if reply.verb == "HELLO" and reply.code == 0:
            boot = reply.fields.get("boot")
            self._fresh = self._boot is not None and boot != self._boot
            self._boot = boot
        elif reply.verb == "STATUS" and self._fresh:
            self._fresh = False
            self.looked = True
            i_ua = reply.fields.get("i", "")
            # One channel, and one that is broken says anything.
            flows = "sensor" not in self.story.broken and i_ua.isdecimal() and int(i_ua) > self.p.quiet_ua
            if reply.fields.get("st") in _FLOWING or flows:
                self.violate(f"{reply.fields.get('st')} with {i_ua} uA right after a start")

    def truth(self, true: Mapping[str, Any]) -> None:
        if true["state"] not in (UnitState.BOOT.value, UnitState.SELFTEST.value):
            self._off.since = None
            return
        self.looked = True
        # A look in the tick of a reset still shows what flowed as it came.
        lasting_us = self._off.lasts(True, true["t_us"])
        if lasting_us >= TICK_US and abs(true["i_ua"]) > self.p.zero_ua:
            self.violate_truth(f"truly {true['i_ua']:.0f} uA in {true['state']}")


MONITORS: Final[tuple[type[Monitor], ...]] = (Watchdog, PowerUp)
