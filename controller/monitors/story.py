"""What is known so far, told once for all monitors: session, state, prescription, run, clocks.

Every fact passes through here first. The monitors read and judge; none of them works out for itself which run is
open, or what a telemetry line's time is. The story believes the wire as far as the wire goes, so it is told what the
unit says of itself; where truth is fed too, the monitors compare.

Times: ``t_us`` is the feed's clock (the host's, in virtual time also the world's). ``now_ms`` is the unit's uptime,
unwrapped, so that differences are plain; it starts anew with every boot. ``least_us`` is the smallest host time less
unit time seen: nearest to what the clocks really differ by. A line that comes much later than that was held up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Self

from controller.monitors.own_dose import OwnDose
from controller.monitors.promises import PROMISES, Promises
from controller.wire import Event, Reply, Request, Telemetry, UnitState
from controller.wire.spec import ENERGISED, LEASED

WRAP: Final = 1 << 32
HALF: Final = WRAP >> 1
CARRYING: Final = ENERGISED | {UnitState.CHECK}
RAISING: Final = frozenset({"PRES", "ARM", "START", "RESUME"})
UNNUMBERED: Final = frozenset({5, 7, 8})  # wire 4.2: these use no number and are not cached
OUTSIDE: Final = frozenset({"BYTE", "PLAIN", "LOCAL"})  # causes that need no session, and can only lower
STATES: Final = {state.value: state for state in UnitState}
TESTING: Final = frozenset({"BOOT", "SELFTEST"})
_LOOKING: Final = TESTING | {"CHECK"}  # every ARM looks at the same things again
_SELF_TESTED: Final = frozenset({"record", "reference", "relay"})  # the unit's page, section 4, 14 and 15
_NUMBERS: Final = ("I", "Q", "TU", "TD", "TMAX", "ZMAX", "ZMIN", "VMAX")
_CLOSED: Final = frozenset({UnitState.DONE, UnitState.FAULT, UnitState.IDLE, UnitState.STAGED})


class Plan(NamedTuple):
    """A prescription, from the fields of PRES."""

    i_ua: int
    q_uc: int
    tu_ms: int
    td_ms: int
    tmax_ms: int
    zmax_ohm: int
    zmin_ohm: int
    vmax_mv: int
    lim: str
    cont: str
    loss: str
    digest: str

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self | None:
        """None where the fields are not those of a prescription."""
        try:
            i, q, tu, td, tmax, zmax, zmin, vmax = (int(fields[key]) for key in _NUMBERS)
            words = fields["LIM"], fields["CONT"], fields["LOSS"], fields.get("D", "")
            return cls(i, q, tu, td, tmax, zmax, zmin, vmax, *words)
        except (KeyError, ValueError):
            return None

    @property
    def up_ua_per_ms(self) -> float:
        return self.i_ua / self.tu_ms if self.tu_ms else float("inf")

    @property
    def down_ua_per_ms(self) -> float:
        return self.i_ua / self.td_ms if self.td_ms else float("inf")


class Asked(NamedTuple):
    """A request that was sent: first at ``t_us``, when the run's telemetry said ``q_uc``."""

    request: Request
    t_us: int
    q_uc: int
    times: int = 1
    answer: Reply | None = None


class Run:
    """A run as the wire tells it.

    ``clean``: nothing has prolonged it (a limit, a pause, a SET, a lease half gone). ``cut``: by a reset of the unit.
    """

    __slots__ = ("clean", "cut", "id", "on_ms", "open", "peak_ua", "plan", "q_uc", "started_ms", "stopped")

    def __init__(self, run: str, plan: Plan | None, started_ms: int) -> None:
        self.id = run
        self.plan = plan
        self.started_ms = started_ms
        self.open = True
        self.on_ms = self.peak_ua = 0
        self.q_uc = 0
        self.clean = True
        self.stopped = False
        self.cut = False


class Move(NamedTuple):
    """A change of the unit's state. ``by`` is the event's word, or None where telemetry alone shows it."""

    was: UnitState | None
    now: UnitState
    by: str | None
    at_ms: int


class Story:
    """``direct``: nothing is lost or held up between host and unit, so that what was sent has arrived."""

    def __init__(self, promises: Promises = PROMISES, *, direct: bool = False) -> None:
        self.promises = promises
        self.direct = direct
        self.line = 0
        self.t_us = 0
        self.utc_us: int | None = None  # of the line being told, where the feed knows it
        self.moved: Callable[[Move], None] = lambda move: None
        # the unit
        self.greeted = False
        self.serial: str | None = None
        self.boot: int | None = None
        self.sid: int | None = None
        self.lease_ms: int | None = None
        self.imax_ua: int | None = None
        self.state: UnitState | None = None
        self.state_ms = 0
        self.now_ms = 0
        self.faults = 0
        # telemetry and events
        self.newest: Telemetry | None = None
        self.newest_us = 0
        self.dt_ms = 0  # since the telemetry line before; 0 for the first of a session or boot
        self.missing = 0  # numbers missing before this line
        self.event_number: int | None = None
        self.events_missing = False
        self.slept_us = -1  # when the host had last written nothing for half a second: it was not there
        self.lossy = False  # something was lost or damaged
        self.least_us: int | None = None
        self.held_up = False
        self._last_ms: int | None = None
        self._seen_ms: int | None = None  # of the newest telemetry of this boot
        # requests
        self.pending: dict[tuple[int, int], Asked] = {}
        self.asked: Request | None = None  # the newest request sent
        self.raiser: Request | None = None  # the newest START or RESUME sent
        self.armed_since_rest = self.raised_since_rest = False
        self.rest_cause: str | None = None  # why the current ended last: stop fault pause link reset done
        self.stop_us: int | None = None  # the newest stop sent and not yet followed by a raise
        self.raised_us: int | None = None  # the newest START or RESUME sent
        self.keep_us: int | None = None  # the newest START, RESUME or KEEP sent that was not answered before
        self._kept: tuple[int, int] | None = None  # session and number of the newest KEEP that was answered
        # the run
        self.plan: Plan | None = None  # what the unit holds
        self.run: Run | None = None
        self.own = OwnDose()
        # truth
        self.broken: dict[str, int] = {}  # what was broken, and when
        self.mended: set[str] = set()  # of those: nothing is found of them any more, what came of them stays
        self.blind: str | None = None  # a fault that no channel of the unit can see
        self.to_find: frozenset[str] = frozenset()  # what was broken before the newest self-test, which looks at it
        self._began_us = 0  # the last look before that self-test

    # -- sent ----------------------------------------------------------------------------------------------------

    def request(self, request: Request) -> None:
        key = request.sid, request.number
        before = self.pending.get(key)
        if before is not None and before.request == request:
            self.pending[key] = before._replace(times=before.times + 1)
        else:
            self.pending[key] = Asked(request, self.t_us, 0 if self.run is None else self.run.q_uc)
        if len(self.pending) > 64:
            del self.pending[next(iter(self.pending))]
        self.asked = request
        verb = request.verb
        if verb == "ARM":
            self.armed_since_rest = True
        elif verb in ("START", "RESUME"):
            self.raiser, self.raised_since_rest = request, True
            self.keep_us = self.raised_us = self.t_us
            self.stop_us = None
        elif verb == "KEEP" and self.is_news(request):
            self.keep_us = self.t_us
        elif verb == "SET" and self.run is not None:
            self.run.clean = False
        elif verb in ("STOP", "ABORT", "TAKE", "BYE"):
            self.stop()

    def is_news(self, keep: Request) -> bool:
        """Whether this KEEP may fill the lease: one that was answered gets its stored answer, and nothing else."""
        return (keep.sid, keep.number) != self._kept

    def stop(self) -> None:
        """Something that takes the current away was sent."""
        self.rest_cause = "stop"
        self.armed_since_rest = self.raised_since_rest = False
        if self.stop_us is None:
            self.stop_us = self.t_us
        if self.run is not None:
            self.run.stopped, self.run.clean = True, False

    # -- received ------------------------------------------------------------------------------------------------

    def telemetry(self, seen: Telemetry) -> bool:
        """Whether it is news: not of another session, not an old line again."""
        last = self.newest
        if self.sid is None:
            self.sid = seen.sid
        elif seen.sid != self.sid:
            return False
        if last is not None and last.sid == seen.sid:
            ahead = (seen.number - last.number) & 0xFFFF
            if not ahead or ahead >= 0x8000:
                return False
            self.missing = ahead - 1
            self.lossy = self.lossy or ahead > 1
        else:
            # A new session: what was not heard between the two is missing, whatever its number.
            self.missing = 0 if last is None else seen.number + 1
        before_ms = self._seen_ms
        moved = self._tick(seen.uptime_ms)
        self.dt_ms = self.now_ms - before_ms if moved and before_ms is not None else 0
        self._seen_ms = self.now_ms
        self.newest, self.newest_us = seen, self.t_us
        offset_us = self.t_us - self.now_ms * 1000
        if self.least_us is None or offset_us < self.least_us:
            self.least_us = offset_us
        elif offset_us - self.least_us > self.promises.line_ms * 1000:
            self.held_up = True
        run = self.run
        if run is not None and run.open and seen.state in LEASED:
            self._go_on(run, seen)
        self.faults = seen.faults
        if run is not None and self.missing:
            run.clean = False  # it may have stood still meanwhile
        if seen.state is not self.state:
            self._move(seen.state, None, self.now_ms)
        self.own.add(seen, self.run, self.dt_ms, self.missing)
        return True

    def _go_on(self, run: Run, seen: Telemetry) -> None:
        if self.state in LEASED:
            run.on_ms += self.dt_ms
        i_ua = seen.i_ua
        if i_ua > run.peak_ua:
            run.peak_ua = i_ua
        # Below nine tenths a contact opened, and the current comes back with the slew.
        elif seen.limited or i_ua < 0.9 * run.peak_ua - 20 or seen.lease_ms * 2 < (self.lease_ms or 0):
            run.clean = False

    def _tick(self, uptime_ms: int) -> bool:
        """The unit's time moves to ``uptime_ms``; False where that is earlier than what it said before."""
        last = self._last_ms
        if last is None:
            self.now_ms = uptime_ms
        else:
            step = (uptime_ms - last) & (WRAP - 1)
            if step >= HALF:
                return False
            self.now_ms += step
        self._last_ms = uptime_ms
        return True

    def event(self, event: Event) -> bool:
        """Whether it is news: not one that was sent again."""
        if self.sid is not None and event.sid != self.sid:
            return False
        number = self.event_number
        if number is not None:
            ahead = (event.number - number) & 0xFFFF
            if not ahead or ahead >= 0x8000:
                return False
            if ahead > 1:
                self.events_missing = True
        self.event_number = event.number
        self._tick(event.uptime_ms)
        if event.name == "STATE":
            state = STATES.get(event.fields.get("st", ""))
            if state is not None:
                self._move(state, event.fields.get("by"), self.now_ms)
        elif event.name in ("LINK_WARN", "WARN") and self.run is not None:
            self.run.clean = False
        return True

    def _move(self, now: UnitState, by: str | None, at_ms: int) -> None:
        was = self.state
        if now is was:
            return
        run = self.run
        if by in OUTSIDE:
            self.stop()
        if now is UnitState.RAMP_UP:
            self._raised(at_ms)
        elif run is not None and run.open:
            if now in _CLOSED:
                run.open = False
            elif now in (UnitState.PAUSING, UnitState.PAUSED):
                run.clean = False
        if now not in CARRYING and (was is None or was in ENERGISED or now is UnitState.FAULT):
            self._rested(now)
        self.moved(Move(was, now, by, at_ms))
        self.state, self.state_ms = now, at_ms

    def _raised(self, at_ms: int) -> None:
        raiser = self.raiser
        if raiser is None:
            self.run = None  # the log began within it
        elif raiser.verb == "START":
            self.run = Run(str(raiser.fields.get("run", "")), self.plan, at_ms)
        elif self.run is not None:
            self.run.open, self.run.clean = True, False

    def _rested(self, now: UnitState) -> None:
        if now is UnitState.FAULT:
            self.rest_cause = "fault"
        elif self.rest_cause != "stop":
            self.rest_cause = "pause" if now is UnitState.PAUSED else "end"
        self.armed_since_rest = self.raised_since_rest = False

    def is_answer(self, reply: Reply) -> bool:
        """Whether it is news: not an answer that was given before, nor one to another HELLO. Marks it as given."""
        key = reply.sid, reply.number
        asked = self.pending.get(key)
        if asked is None:
            return not self.greeted  # of a log that began later; or of a session before, said again
        if reply.fields.get("nonce", "") != asked.request.fields.get("nonce", "") and not reply.code:
            return False
        if asked.answer is not None and reply.fields.get("sid") == asked.answer.fields.get("sid"):
            return False
        if reply.code not in UNNUMBERED:
            self.pending[key] = asked._replace(answer=reply)
        return True

    def reply(self, reply: Reply) -> None:
        if reply.code or reply.verb not in _TELLING:
            return
        fields = reply.fields
        if reply.verb == "PRES":
            self.plan = Plan.of(fields)
        elif reply.verb in ("HELLO", "TAKE"):
            self._hello(fields)
        elif reply.verb == "KEEP":
            self._kept = reply.sid, reply.number
        elif reply.verb in ("STATUS", "RUN"):
            state = STATES.get(fields.get("st", ""))
            asked = self.pending.get((reply.sid, reply.number))
            if asked is not None and asked.times > 1:
                return  # what was so when it was asked first
            if reply.verb == "STATUS" and fields.get("now", "").isdecimal():
                self._tick(int(fields["now"]))
            if state is not None and state is not self.state:
                self._move(state, None, self.now_ms)

    def _hello(self, fields: Mapping[str, str]) -> None:
        boot, sid = _integer(fields.get("boot")), fields.get("sid", "")
        if boot != self.boot and self.boot is not None:
            self._rebooted()
        self.greeted = True
        self.boot = boot
        self.serial = fields.get("sn", self.serial)
        self.lease_ms, self.imax_ua = _integer(fields.get("lease")), _integer(fields.get("imax"))
        try:
            self.sid = int(sid, 16)
        except ValueError:
            self.sid = None

    def _rebooted(self) -> None:
        self._last_ms = self._seen_ms = self.event_number = self.least_us = None
        self.now_ms = 0
        self.plan = None
        self.state = None
        self.rest_cause = "reset"
        self.armed_since_rest = self.raised_since_rest = False
        if self.run is not None:
            self.run.cut = self.run.cut or self.run.open
            self.run.open = False

    # -- truth ---------------------------------------------------------------------------------------------------

    def truth(self, true: Mapping[str, Any]) -> None:
        """A self-test sees what no channel sees later: what is broken before it has to be found."""
        if true.get("state") not in _LOOKING:
            self._began_us = true["t_us"]
            return
        before = {what for what, t_us in self.broken.items() if t_us <= self._began_us} - self.mended
        if not self.to_find.issuperset(before):
            self.to_find = _SELF_TESTED.intersection(before)
            if self.blind in self.to_find:
                self.blind = None

    def sample_us(self) -> int:
        """When the newest telemetry was measured, by the feed's clock: at the earliest."""
        return self.t_us if self.least_us is None else self.now_ms * 1000 + self.least_us


_TELLING: Final = frozenset({"KEEP", "PRES", "HELLO", "TAKE", "STATUS", "RUN"})


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
