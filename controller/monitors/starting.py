"""What has to be so before current flows: I10, I11, I12, I25, I26, I37, I38."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from controller.monitors.monitor import Monitor
from controller.monitors.story import OUTSIDE, RAISING, WRAP, Move, Story
from controller.wire import Plain, Reply, Request, Telemetry, UnitState
from controller.wire.spec import LEASED, PRESCRIPTION_KEYS

_UNNUMBERED: Final = frozenset({5, 7, 8})  # wire 4.2: these use no number and are not cached
_UPWARD: Final = frozenset({UnitState.STAGED, UnitState.CHECK, UnitState.ARMED, UnitState.RAMP_UP, UnitState.HOLD})
_ASKS: Final = {UnitState.STAGED: ("PRES",), UnitState.CHECK: ("ARM",), UnitState.RAMP_UP: ("START", "RESUME")}


class StartGate(Monitor):
    id, title = "I10", "start gate"
    property = "RAMP_UP is entered only from ARMED: same session and digest, in time, before the deadline, contact good"
    source = "select before operate"
    unseen = "no START or RESUME was answered"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._ttl_ms: int | None = None
        self._armed_ms: int | None = None
        self._armed_sid: int | None = None
        self._contact: Telemetry | None = None

    def telemetry(self, seen: Telemetry) -> None:
        if seen.state is UnitState.CHECK:
            self._contact = seen

    def reply(self, reply: Reply) -> None:
        if reply.verb == "ARM" and reply.code == 0:
            ttl = reply.fields.get("ttl", "")
            self._ttl_ms = int(ttl) if ttl.isdecimal() else None
            self._armed_sid = reply.sid
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
            self._contact = None
        elif move.now is UnitState.RAMP_UP and self.story.greeted and move.by is not None:
            self._raised(move)

    def _raised(self, move: Move) -> None:
        story, p = self.story, self.p
        self.looked = True
        if move.was is not None and move.was is not UnitState.ARMED and not story.events_missing:
            self.violate(f"RAMP_UP from {move.was.value}")
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
        z_ohm = seen.v_mv * 1000 / max(1, min(seen.i_ua, seen.i2_ua))
        if z_ohm > p.contact_ohm * (1 + p.contact_share):
            self.violate(f"ARMED with a contact of {z_ohm / 1000:.0f} kohm: {seen.v_mv} mV at {seen.i_ua} uA")


class AtMostOnce(Monitor):
    id, title = "I11", "at most once"
    property = "a run starts at most once, RESUME goes on with the same run, a repeat gets the stored answer"
    source = "OpenAPS, TigerBeetle"
    unseen = "no request was answered"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._started: dict[str, tuple[int, int]] = {}
        self._answers: dict[tuple[int, int, str], tuple[int, Mapping[str, str]]] = {}

    def reply(self, reply: Reply) -> None:
        if reply.sid == 0 or reply.code in _UNNUMBERED:
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
        if reply.code:
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
    unseen = "nothing was staged, armed or raised"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._sent: set[str] = set()
        self._pres: Request | None = None
        self._most_ua: int | None = None

    def request(self, request: Request) -> None:
        self._sent.add(request.verb)
        if request.verb == "PRES":
            self._pres = request

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

    def reply(self, reply: Reply) -> None:
        if reply.verb != "PRES" or reply.code:
            return
        asked = self.story.pending.get((reply.sid, reply.number))
        if asked is None or asked[0].verb != "PRES":
            return
        self.looked = True
        sent = asked[0].fields
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
    StartGate, AtMostOnce, CorruptLine, OneController, VersionGate, LeastPower, Identity,
)  # fmt: skip
