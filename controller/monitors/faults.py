"""Faults once they are there: latched, told, locked, never papered over: I16, I33, I36, I40."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.monitors.monitor import Monitor, Spell
from controller.monitors.story import Move, Run, Story
from controller.wire import Event, Reply, Request, Telemetry
from controller.wire.spec import LEASED, Fault

_LINK_BIT: Final = 1 << (Fault.LINK - 1)
_NVM_BIT: Final = 1 << (Fault.NVM - 1)
_RECORD_BITS: Final = 1 << (Fault.NVM - 1) | 1 << (Fault.SELFTEST - 1)
_READY: Final = frozenset({"IDLE", "STAGED", "ARMED"})
_PAUSING: Final = frozenset({Fault.OPEN, Fault.STEP, Fault.LINK})


class Latch(Monitor):
    id, title = "I16", "latch"
    property = "a fault (not LINK) clears only by CLEAR, 2 s after its cause has gone; a reset keeps it"
    source = "lasers, alarms of GRBL"
    unseen = "no fault was latched"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._faults = 0
        self._at_ms: dict[int, int] = {}
        self._cleared: set[int] = set()

    def event(self, event: Event) -> None:
        code = event.fields.get("id", "")
        if event.name == "FAULT" and code.isdecimal():
            self._at_ms[int(code)] = self.story.now_ms

    def request(self, request: Request) -> None:
        code = str(request.fields.get("id", ""))
        if request.verb == "CLEAR" and code.isdecimal():
            self._cleared.add(int(code))

    def reply(self, reply: Reply) -> None:
        if reply.verb == "STATUS" and reply.code == 0:
            self._judge(reply.fields.get("fl", ""))
        elif reply.verb == "CLEAR" and reply.code == 0:
            asked = self.story.pending.get((reply.sid, reply.number))
            code = str(asked[0].fields.get("id", "")) if asked is not None else ""
            if not code.isdecimal():
                return
            self.looked = True
            at_ms = self._at_ms.get(int(code))
            sent_ms = None if asked is None or self.story.least_us is None else (asked[1] - self.story.least_us) / 1000
            if at_ms is not None and sent_ms is not None and self.story.newest is not None:
                newest_ms = max(self.story.now_ms, sent_ms)
                if 0 <= newest_ms - at_ms < self.p.clear_ms - self.p.late_ms:
                    self.violate(f"fault {code} was cleared {newest_ms - at_ms:.0f} ms after it was latched")

    def _judge(self, fl: str) -> None:
        try:
            self._faulted(int(fl, 16))
        except ValueError:
            return

    def telemetry(self, seen: Telemetry) -> None:
        if seen.faults != self._faults:
            self._faulted(seen.faults)

    def _faulted(self, faults: int) -> None:
        gone = self._faults & ~faults & ~_LINK_BIT
        if faults & ~self._faults & _NVM_BIT:
            gone = 0  # it has lost its records, and says so: what was latched is not known any more
        self._faults = faults
        if faults & ~_LINK_BIT or gone:
            self.looked = True
        code = 0
        while gone:
            code += 1
            if gone & 1 and code not in self._cleared:
                self.violate(f"fault {code:02d} went, and no CLEAR of it was sent")
            elif gone & 1:
                self._cleared.discard(code)
            gone >>= 1


class Config(Monitor):
    id, title = "I33", "configuration"
    property = "with records or a self-test that failed nothing is staged, armed or raised; never silent defaults"
    source = "GRBL, error 7"
    needs = frozenset({"wire", "truth"})
    unseen = "no record was bad and no self-test failed"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._idle = Spell()

    def reply(self, reply: Reply) -> None:
        if self.story.faults & _RECORD_BITS and reply.verb in ("PRES", "ARM", "START", "RESUME"):
            self.looked = True
            if reply.code == 0:
                self.violate(f"{reply.verb} is confirmed with faults {self.story.faults:X} latched")

    def telemetry(self, seen: Telemetry) -> None:
        if seen.faults & _RECORD_BITS:
            self.looked = True
            if seen.state in LEASED and self.story.now_ms - self.story.state_ms > self.p.late_ms:
                self.violate(f"{seen.state.value} with faults {seen.faults:X} latched")

    def truth(self, true: Mapping[str, Any]) -> None:
        lost = self.story.to_find
        if not lost:
            return
        ready = true["state"] in _READY and not true["faults"] & _RECORD_BITS
        if self._idle.lasts(ready, true["t_us"]) > self.p.boot_ms * 1000:
            self.violate_truth(f"{true['state']} without a fault, and a self-test had to find the {', '.join(lost)}")
        self.looked = True


class RepeatLock(Monitor):
    id, title = "I36", "repeat lock"
    property = "when the same cause has paused a run three times in 10 min, RESUME is refused (25)"
    source = "risk analysis R6.5.0(18); the unit's page, 17"
    unseen = "no cause paused a run three times"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._run: Run | None = None
        self._pauses: dict[int, list[int]] = {}
        self._warned: int | None = None
        self._locked = False

    def event(self, event: Event) -> None:
        code = event.fields.get("id", "")
        if event.name == "WARN" and code.isdecimal() and int(code) in _PAUSING:
            self._paused(int(code))

    def _paused(self, code: int) -> None:
        run = self.story.run
        if run is not self._run:
            self._run, self._pauses, self._locked = run, {}, False
        now_ms = self.story.now_ms
        recent = [at_ms for at_ms in self._pauses.get(code, []) if now_ms - at_ms < self.p.repeat_ms]
        self._pauses[code] = [*recent, now_ms]
        self._locked = self._locked or len(recent) + 1 >= self.p.repeat_n

    def reply(self, reply: Reply) -> None:
        if reply.verb != "RESUME" or not self._locked or self.story.run is not self._run:
            return
        self.looked = True
        if reply.code == 0:
            counts = {code: len(times) for code, times in self._pauses.items()}
            self.violate(f"RESUME is confirmed after pauses (cause: times) {counts}")


class Alarm(Monitor):
    id, title = "I40", "alarm"
    property = "each fault raises one FAULT event within 500 ms, and there is none without a fault"
    source = "alarm standards: missed and false alarms"
    unseen = "no fault was latched"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._faults: int | None = None
        self._owed: dict[int, int] = {}
        self._told: dict[int, int] = {}

    def event(self, event: Event) -> None:
        code = event.fields.get("id", "")
        if event.name != "FAULT" or not code.isdecimal():
            return
        self.looked = True
        number = int(code)
        if number in self._owed:
            del self._owed[number]
        elif self._faults is not None and self._faults >> (number - 1) & 1:
            self.violate(f"a second FAULT event for {number:02d}")
        elif number in self._told:
            self.violate(f"a second FAULT event for {number:02d} before telemetry showed the first")
        else:
            self._told[number] = self.story.now_ms

    def telemetry(self, seen: Telemetry) -> None:
        before, self._faults = self._faults, seen.faults & ~_LINK_BIT
        if before is not None and before != self._faults and not self.story.missing:
            self._changed(self._faults & ~before)
        if self._told or self._owed:
            self._due(seen)

    def _changed(self, new: int) -> None:
        code = 0
        while new:
            code += 1
            if new & 1 and self._told.pop(code, None) is None:
                self._owed[code] = self.story.now_ms
            new >>= 1

    def _due(self, seen: Telemetry) -> None:
        if self.story.events_missing or self.story.lossy:  # one that was the last tells of no gap
            self._owed.clear()
            self._told.clear()
            return
        now_ms = self.story.now_ms
        for code, at_ms in list(self._owed.items()):
            if now_ms - at_ms > self.p.alarm_ms:
                self._owed.pop(code)
                self.violate(f"fault {code:02d} is latched, and no event told of it in {self.p.alarm_ms} ms")
        for code, at_ms in list(self._told.items()):
            if seen.faults >> (code - 1) & 1:
                self._told.pop(code)
            elif now_ms - at_ms > self.p.alarm_ms:
                self._told.pop(code)
                self.violate(f"a FAULT event told of {code:02d}, and telemetry shows no such fault")

    def moved(self, move: Move) -> None:
        if move.was is None:
            self._faults = None
            self._owed.clear()
            self._told.clear()


MONITORS: Final[tuple[type[Monitor], ...]] = (Latch, Config, RepeatLock, Alarm)
