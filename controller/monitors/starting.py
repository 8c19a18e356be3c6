"""What has to be so before current flows: I10, I25, I26, I37, I38."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.monitors.monitor import Monitor
from controller.monitors.story import OUTSIDE, RAISING, WRAP, Move, Story
from controller.wire import Event, Plain, Reply, Request, Telemetry, UnitState
from controller.wire.spec import LEASED

_UPWARD: Final = frozenset({UnitState.STAGED, UnitState.CHECK, UnitState.ARMED, UnitState.RAMP_UP, UnitState.HOLD})
_RAISED: Final = frozenset(state.value for state in LEASED)


class StartGate(Monitor):
    id, title = "I10", "start gate"
    property = "RAMP_UP is entered only from ARMED: same session and digest, in time, before the deadline, contact good"
    source = "select before operate"
    needs = frozenset({"wire", "truth"})
    unseen = "no START or RESUME was answered"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._true_state = ""
        self._true_ohm = 0.0
        self._seen_ohm: float | None = None
        self._ttl_ms: int | None = None
        self._armed_ms: int | None = None
        self._armed_sid: int | None = None
        self._contact: Telemetry | None = None

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state is UnitState.CHECK:
            self._contact = seen

    def event(self, event: Event) -> None:
        was = event.fields.get("was", "ARMED")
        if event.name == "STATE" and event.fields.get("st") == "RAMP_UP" and was != "ARMED":
            self.violate(f"RAMP_UP from {was}")

    def reply(self, reply: Reply) -> None:
        if reply.verb == "ARM" and reply.code == 0:
            ttl = reply.fields.get("ttl", "")
            self._ttl_ms = int(ttl) if ttl.isdecimal() else None
            self._armed_sid = reply.sid
            self._said(reply.fields.get("z", ""))
        elif reply.verb == "START" and reply.code == 0:
            self._started(reply)

    def _started(self, reply: Reply) -> None:
        self.looked = True
        story = self.story
        asked = story.pending.get((reply.sid, reply.number))
        if asked is None:
            return
        digest = asked[0].fields.get("D")
        if story.plan is not None and digest != story.plan.digest:
            self.violate(f"START with D={digest} is confirmed, the unit holds {story.plan.digest}")
        if self._armed_sid is not None and reply.sid != self._armed_sid:
            self.violate(f"START is confirmed in session {reply.sid:04X}, armed was {self._armed_sid:04X}")

    def moved(self, move: Move) -> None:
        if move.now is UnitState.ARMED:
            self._armed_ms = move.at_ms
            self._check_contact()
        elif move.now is UnitState.CHECK:
            self._contact = self._seen_ohm = None
        elif move.now is UnitState.RAMP_UP and self.story.greeted and move.by is not None:
            self._raised(move)

    def _raised(self, move: Move) -> None:
        story, p = self.story, self.p
        self.looked = True
        if move.was is UnitState.ARMED and self._armed_ms is not None and self._ttl_ms is not None:
            after_ms = move.at_ms - self._armed_ms
            if after_ms > self._ttl_ms + p.start_ms:
                self.violate(f"RAMP_UP {after_ms} ms after ARMED, which lasts {self._ttl_ms}")
        raiser = story.raiser
        if raiser is not None and str(raiser.fields.get("X", "")).isdecimal():
            late_ms = (move.at_ms - int(raiser.fields["X"])) % WRAP
            if p.start_ms < late_ms < WRAP - p.deadline_ms - p.start_ms:
                self.violate(f"RAMP_UP outside of the deadline X={raiser.fields['X']}")

    def _check_contact(self) -> None:
        seen, p = self._contact, self.p
        plan = self.story.plan
        if seen is None or plan is None or (seen.v_mv < 1000 and seen.i_ua < p.quiet_ua // 2):
            return  # the look was before the sense current flowed
        self.looked = True
        self._seen_ohm = z_ohm = seen.v_mv * 1000 / max(1, min(seen.i_ua, seen.i2_ua))
        if z_ohm > p.contact_ohm * (1 + p.contact_share):
            self.violate(f"ARMED with a contact of {z_ohm / 1000:.0f} kohm: {seen.v_mv} mV at {seen.i_ua} uA")

    def _said(self, z: str) -> None:
        """What ARM's answer says of the contact, against what its telemetry showed."""
        if "contact" in self.story.broken or self._seen_ohm is None or not z.isdecimal():
            return
        if abs(int(z) - self._seen_ohm) < self.p.contact_slack_ohm:
            return
        if not 0.5 <= int(z) / max(1, self._seen_ohm) <= 2:
            self.violate(f"ARM found {int(z) / 1000:.0f} kohm, telemetry showed {self._seen_ohm / 1000:.0f}")

    def truth(self, true: Mapping[str, Any]) -> None:
        was, state = self._true_state, true["state"]
        self._true_state = state
        i_ua, p = abs(true["i_ua"]), self.p
        if state == "CHECK":
            if was != state:
                self._true_ohm = 0.0
            if i_ua > p.check_ua // 2:
                self._true_ohm = abs(true["v_mv"]) * 1000 / i_ua
        elif state == "ARMED" and was == "CHECK":
            self.looked = True
            if self._true_ohm > p.contact_ohm * (1 + p.contact_true_share):
                self.violate_truth(f"ARMED with a contact of truly {self._true_ohm / 1000:.0f} kohm")
        if state == "ARMED" or state in _RAISED:
            lost = self.story.to_find
            if lost:
                self.violate_truth(f"{state} with a {' and a '.join(sorted(lost))} that a self-test had to find")


class OneController(Monitor):
    id, title = "I25", "one controller"
    property = "one session may raise; a HELLO without the run in progress is refused; the button on the unit wins"
    source = "labgrid's lock"
    unseen = "no HELLO fell into a run, and the button was not used"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._flowing = False
        self._local = False

    def request(self, request: Request) -> None:
        story = self.story
        if request.verb == "HELLO":
            seen = story.newest
            # The unit must be in it still when the request comes: the dose of a run does not end in half a second.
            fresh = seen is not None and story.t_us - story.newest_us < self.p.alarm_ms * 1000
            self._flowing = bool(fresh and seen is not None and seen.state is UnitState.HOLD and story.stop_us is None)
        elif request.verb in ("START", "RESUME"):
            self._local = False

    def moved(self, move: Move) -> None:
        if move.by == "LOCAL":
            self._local = self.looked = True
        elif move.now in LEASED and move.was not in LEASED and self._local:
            self.violate(f"{move.now.value} after the button on the unit was pressed")

    def reply(self, reply: Reply) -> None:
        if reply.verb != "HELLO" or not self._flowing:
            return
        asked = self.story.pending.get((reply.sid, reply.number))
        run = self.story.run
        if asked is None or run is None:
            return
        self.looked = True
        if reply.code == 0 and asked[0].fields.get("run") != run.id and run.open:
            self.violate(
                f"HELLO without the run in progress is accepted in {self.story.state and self.story.state.value}"
            )


class VersionGate(Monitor):
    id, title = "I26", "version gate"
    property = "nothing is raised before a HELLO with a common version"
    source = "RehaStim, error -5"
    unseen = "no HELLO in the log"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._opened: set[int] = set()
        self._asked = False

    def request(self, request: Request) -> None:
        if request.verb in ("HELLO", "TAKE"):
            self._asked = True

    def reply(self, reply: Reply) -> None:
        if reply.verb in ("HELLO", "TAKE") and reply.code == 0:
            self._hello(reply)
        elif reply.verb in RAISING and reply.code == 0 and self._asked:
            self.looked = True
            if reply.sid not in self._opened:
                self.violate(f"{reply.verb} is confirmed in session {reply.sid:04X}, which no HELLO opened")

    def _hello(self, reply: Reply) -> None:
        self.looked = True
        try:
            self._opened.add(int(reply.fields.get("sid", ""), 16))
            version = int(reply.fields.get("v", ""))
        except ValueError:
            self.violate("HELLO is confirmed without session or version")
            return
        asked = self.story.pending.get((reply.sid, reply.number))
        if asked is not None:
            low, high = asked[0].fields.get("vmin", "0"), asked[0].fields.get("vmax", "0")
            asked_for = [int(text) for text in (str(low), str(high)) if text.isdecimal()]
            if len(asked_for) == 2 and not asked_for[0] <= version <= asked_for[1]:
                self.violate(f"HELLO is confirmed with version {version}, asked were {low} to {high}")


class LeastPower(Monitor):
    id, title = "I37", "least power"
    property = "plain lines, stop bytes and the button can do nothing but read and lower"
    source = "own"
    unseen = "nothing but sealed requests was sent, and no state was changed otherwise"

    def plain(self, line: Plain) -> None:
        self.looked = True

    def moved(self, move: Move) -> None:
        if move.by in OUTSIDE:
            self.looked = True
            if move.now in _UPWARD:
                self.violate(f"{move.now.value} by {move.by}")


class Identity(Monitor):
    id, title = "I38", "identity"
    property = "a run goes on only on the same unit and boot, or is closed; another unit never receives a raise"
    source = "AAPS, verifyPumpIdentification"
    unseen = "no HELLO was answered a second time"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._serial: str | None = None
        self._boot: str | None = None
        self._stranger = self._reset = False

    def reply(self, reply: Reply) -> None:
        if reply.verb not in ("HELLO", "TAKE") or reply.code:
            return
        serial, boot = reply.fields.get("sn"), reply.fields.get("boot")
        run = self.story.run
        if self._serial is not None:
            self.looked = True
            self._stranger = serial != self._serial
            self._reset = self._reset or (boot != self._boot and run is not None and run.open)
        else:
            self._serial = serial
        self._boot = boot

    def request(self, request: Request) -> None:
        if request.verb not in RAISING:
            return
        if self._stranger:
            self.violate(f"{request.verb} goes to another unit than {self._serial}")
        elif request.verb == "RESUME" and self._reset:
            self.violate("RESUME of a run that a reset of the unit has ended")
        elif request.verb == "PRES":
            self._reset = False


MONITORS: Final[tuple[type[Monitor], ...]] = (
    StartGate, OneController, VersionGate, LeastPower, Identity,
)  # fmt: skip
