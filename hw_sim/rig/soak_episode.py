"""One episode of a soak: a treatment by the product's own driver in virtual time, mishaps and all, and what must hold.

When the driver is through with it everything is lifted, and the unit must come to rest: no true current, IDLE
reachable by STOP and CLEAR, the dose within the prescription and within what the record says. Errors of the driver's
own tree are answers; any other exception is a find. A unit lives through a shift of twelve episodes with its memory,
its latched faults and what it knows of its host; the port is kept open between episodes or not.
"""

from __future__ import annotations

import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from controller import CommandRefused, IontoError, Session, Treatment, Unit
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.rig.blame import spoilt, tell
from hw_sim.rig.eyes import Eyes, violated
from hw_sim.rig.soak_plan import Deed, Dice, Plan, plan
from hw_sim.scenario import parse
from hw_sim.world import World

NAME: Final = "soak"
SLICE_S: Final = 0.5
SLEEP_US: Final = 100_000
ZERO_UA: Final = 10.0
REST_US: Final = 5_000_000  # a lease of 2 s, a ramp of 1 s, and some
CHECK_UC: Final = 100.0  # of one contact check: 50 uA for a second, and as it ends
TRIP_UC: Final = 530.0  # what a source gone wild gives until the unit trips: 4.4 mA for 120 ms
TRIES: Final = 4
HELD: Final = 18  # the protocol's code for a run in progress under another host
SPARE_S: Final = 120.0  # for pauses and the rest, beyond twice the planned time
PAUSED_S: Final = 8.0  # how long the operator looks at a pause that nobody planned


class Find(NamedTuple):
    """Something that did not hold."""

    episode: int
    what: str
    seen: str


@dataclass
class Told:
    """What came of one episode."""

    plan: Plan
    outcomes: list[str] = field(default_factory=list)
    error: str = ""  # the driver's own, where one ended it
    true_uc: float = 0.0
    struck: list[str] = field(default_factory=list)
    struck_in: list[str] = field(default_factory=list)  # the unit's state at each of them
    finds: list[Find] = field(default_factory=list)
    lasted_s: float = 0.0
    notes: list[str] = field(default_factory=list)

    def find(self, what: str, seen: str) -> None:
        self.finds.append(Find(self.plan.number, what, seen))


class _Raised(Exception):
    """The program's own error, thrown in the block."""


class Shift:
    """A unit on its bench, and the episodes that it lives through."""

    def __init__(self, seed: int, number: int, variant: str = "", line: str = "") -> None:
        dice = Dice(seed, number, 0x5417F7)
        drawn = dice.pick(("", "", "115200", "38400"))
        line = f"&line={line or drawn}" if line or drawn else ""
        bad = f"&variant={variant}" if variant else ""
        scenario = parse(f"skin?seed={1 + dice.below(1_000_000)}&person={dice.below(50)}{line}{bad}")
        self.seed = seed
        self.world = scenario.world()
        self.line = scenario.line or "usb"
        self.unit: Unit | None = None
        register_world(NAME, self.world, self.line)

    def close(self) -> None:
        if self.unit is not None:
            self.unit.close()
        unregister_world(NAME)

    def episode(self, number: int) -> Told:
        return self.play(plan(self.seed, number))

    def play(self, planned: Plan) -> Told:
        """An episode that was not drawn."""
        return _Episode(self, planned).play()


class _Episode:
    def __init__(self, shift: Shift, planned: Plan) -> None:
        self._shift = shift
        self._world: World = shift.world
        self._plan = planned
        self._told = Told(planned)
        self._checks = 0
        self._state = ""
        self._begin_us = 0
        self._todo = list(planned.deeds)
        self._session: Session | None = None
        self._eyes = Eyes(shift.world.truth, apart_us=0)

    def play(self) -> Told:
        world, told = self._world, self._told
        world.act("load", self._plan.load)
        self._begin_us, begin_uc = world.now_us, world.plant.q_c * 1e6
        struck = 0 if world.board is None else len(world.board.struck)
        with tempfile.TemporaryDirectory() as folder:
            self._folder = Path(folder)
            self._play(struck)
        told.true_uc = world.plant.q_c * 1e6 - begin_uc
        told.lasted_s = (world.now_us - self._begin_us) / 1e6
        self._judge()
        return told

    def _play(self, struck: int) -> None:
        world, told = self._world, self._told
        try:
            self._prepare()
            self._deliver()
        except IontoError as exc:
            told.error = f"{type(exc).__name__}: {exc}"
        except _Raised:
            told.error = "the program's own"
        except Exception as exc:
            told.find("only errors of the driver's own tree come out", _trace(exc))
        if world.board is not None:
            tell(self._eyes, world.board.struck[struck:], world.board.lifted)
            told.struck = [strike.fault for strike in world.board.struck[struck:]]
            told.struck_in = [strike.state for strike in world.board.struck[struck:]]
        self._judge_line()
        try:
            self._lift()
            self._come_to_rest()
        except Exception as exc:
            told.find("the unit is brought to rest without an error", _trace(exc))

    # -- the treatment -----------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        for after_s, text in self._plan.mishaps:
            if after_s:
                self._world.later(self._begin_us + round(after_s * 1e6), "inject", text)
            else:
                self._world.act("inject", text)

    def _deliver(self) -> None:
        shift = self._shift
        if shift.unit is None:
            shift.unit = Unit.open(f"sim://@{NAME}", purpose="ionto-sim soak")
        treatment = Treatment.from_dict(self._plan.treatment)
        limit_us = self._begin_us + round((2 * treatment.planned_s + SPARE_S) * 1e6)
        session = self._session = shift.unit.deliver(treatment, out=self._folder, attended=self._plan.attended)
        with session:
            self._go_through(session, limit_us)

    def _go_through(self, session: Session, limit_us: int) -> None:
        world, paused_us = self._world, None
        while not session.over and world.now_us < limit_us:
            due_us = self._begin_us + round(self._todo[0].after_s * 1e6) if self._todo else None
            if due_us is not None and world.now_us >= due_us:
                if self._do(session, self._todo.pop(0)):
                    return
                continue
            slice_s = SLICE_S if due_us is None else min(SLICE_S, (due_us - world.now_us) / 1e6)
            session.step(session.unit.now + slice_s)
            self._look()
            if session.state.name != "PAUSED":
                paused_us = None
            elif paused_us is None:
                paused_us = world.now_us
            elif world.now_us - paused_us > PAUSED_S * 1e6:
                session.resume("the operator")
                paused_us = None

    def _do(self, session: Session, deed: Deed) -> bool:
        """One deed; whether the block is left."""
        match deed.what:
            case "pause":
                session.pause("the operator")
            case "resume":
                session.resume("the operator")
            case "stop":
                session.stop("the operator")
            case "abort":
                session.abort("the operator")
            case "request":
                session.request_stop("another thread")
            case "button":
                self._eyes.pressed()
                self._world.act("local_stop")
            case "sleep":
                until_us = self._world.now_us + round(deed.for_s * 1e6)
                while self._world.now_us < until_us:
                    self._world.advance_to(min(until_us, self._world.now_us + SLEEP_US))
                    self._look()
            case "second":
                self._second_host()
            case "close":
                session.unit.close()
                return True
            case "raise":
                raise _Raised
            case _:
                return True
        return False

    def _second_host(self) -> None:
        """Another program opens the same port."""
        try:
            with Unit.open(f"sim://@{NAME}", purpose="another program") as other:
                other.status()
        except IontoError as exc:
            self._told.notes.append(f"a second host: {type(exc).__name__}")

    def _look(self) -> None:
        """Count contact checks: their charge is no part of a dose."""
        state = self._eyes.look()["state"]
        if state != self._state:
            self._checks += state == "CHECK"
            self._state = state

    # -- everything lifted -------------------------------------------------------------------------------------

    def _lift(self) -> None:
        world = self._world
        ours = ("inject", "local_stop")
        world.agenda = tuple(entry for entry in world.agenda if entry[1] not in ours)
        for entry in world.faults().listed():
            world.act("lift_fault", str(entry["number"]))
        world.act("replace", "both")
        world.act("nvm_free")
        world.act("replug")

    def _come_to_rest(self) -> None:
        """The unit by itself where it ought to, then with STOP and CLEAR, and a new start where only that mends."""
        world, told = self._world, self._told
        session = self._session
        if session is not None and not session.over:
            told.find("leaving the block ends the treatment", f"still {session.state.name}")
        if self._plan.treatment["policy"]["link"] == "stop":
            world.advance_to(world.now_us + REST_US)
            if self._flows():
                told.find("left alone, the unit comes to rest", self._truth())
        if not self._reach_idle() or self._flows():
            told.find("IDLE is reachable and nothing flows in it", self._truth())
            world.act("power_cycle")
            self._drop()
        if not self._plan.keep_open:
            self._drop()

    def _flows(self) -> bool:
        truth = self._world.truth()
        return abs(truth["i_ua"]) > ZERO_UA or bool(truth["relay_closed"])

    def _truth(self) -> str:
        truth = self._world.truth()
        shown = ("state", "i_ua", "relay_closed", "dac_code", "set_ua", "faults")
        return " ".join(f"{key}={truth[key]}" for key in shown) + f"; latched {self._latched()}"

    def _latched(self) -> str:
        mask = self._world.firmware.rec.fl
        return " ".join(f"{n + 1:02d}" for n in range(20) if mask >> n & 1) or "none"

    def _drop(self) -> None:
        if self._shift.unit is not None:
            self._shift.unit.close()
            self._shift.unit = None

    def _reach_idle(self) -> bool:
        """As an operator would; the reasons of what did not work go to the notes."""
        for attempt in range(TRIES):
            try:
                if self._clear_up():
                    return True
            except IontoError as exc:
                self._told.notes.append(f"to rest, attempt {attempt + 1}: {type(exc).__name__}: {exc}")
                self._drop()
                if isinstance(exc, CommandRefused) and exc.code == HELD:
                    self._stop_by_hand()
            if self._world.firmware.rec.fl & 0x2000 or self._world.hung:
                self._told.notes.append("a new start")
                self._world.act("power_cycle")
                self._drop()
            self._world.advance_to(self._world.now_us + REST_US)
        return False

    def _stop_by_hand(self) -> None:
        """A run goes on under a host that is gone (LOSS=FINISH): a person with a terminal stops it, with one byte."""
        world = self._world
        conn = world.connect(self._shift.line)
        world.put(conn, b"\x18")
        world.advance_to(world.now_us + SLEEP_US)
        world.disconnect(conn)

    def _clear_up(self) -> bool:
        shift = self._shift
        if shift.unit is None:
            shift.unit = Unit.open(f"sim://@{NAME}", purpose="ionto-sim soak")
        unit = shift.unit
        unit.greet()
        unit.stop()
        seen = unit.status()
        for code in range(1, 21):
            if seen.faults >> (code - 1) & 1:
                unit.clear(code)
        seen = unit.status()
        if seen.state.value == "DONE":
            unit.stop()
            seen = unit.status()
        return seen.state.value == "IDLE"

    # -- what must have held -----------------------------------------------------------------------------------

    def _judge_line(self) -> None:
        """Every invariant over the log and the truth, as long as the treatment's own driver was at it."""
        session = self._session
        folder = None if session is None or not session.over else session.record.folder
        if session is None or folder is None:
            return
        blind = spoilt(self._told.struck)
        for number, seen in violated(self._eyes.findings(folder, session.record.runs)).items():
            if number not in blind:
                self._told.find(f"{number} {seen.partition(':')[0]}", seen.partition(": ")[2])

    def _judge(self) -> None:
        told, session = self._told, self._session
        results = [] if session is None else session.results
        told.outcomes = [result.outcome for result in results]
        blind = spoilt(told.struck)
        prescribed = Treatment.from_dict(self._plan.treatment).prescriptions()
        most_uc = low_uc = high_uc = 0.0
        for result, p in zip(results, prescribed, strict=False):
            own_uc = p.q_uc * 1.02 + p.i_ua * 0.2
            most_uc += max(own_uc, result.high_uc) if result.outcome == "UNKNOWN" else own_uc
            low_uc += result.low_uc
            high_uc += result.high_uc
        checks_uc = CHECK_UC * (self._checks + 1) + (TRIP_UC if told.struck else 0)
        true = f"{told.true_uc:.0f} uC flowed"
        if "dose" not in blind and told.true_uc > most_uc + checks_uc:
            told.find("the dose is at most the prescription", f"{true}, at most {most_uc:.0f}; {told.outcomes}")
        if "interval" not in blind and not low_uc <= told.true_uc + 1:
            told.find("the record's interval holds the dose", f"{true}, record from {low_uc:.0f}; {told.outcomes}")
        if "interval" not in blind and told.true_uc > high_uc + checks_uc:
            told.find("the record's interval holds the dose", f"{true}, record to {high_uc:.0f}; {told.outcomes}")
        if self._plan.in_peace and (told.error or set(told.outcomes) != {"DONE"}):
            reasons = [result.reason for result in results]
            told.find("what is left in peace goes to its dose", f"{told.outcomes} {told.error} {reasons}")


def _trace(exc: BaseException) -> str:
    """The error, and the innermost places that it came through."""
    frames = traceback.extract_tb(exc.__traceback__)[-4:]
    places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(exc).__name__}: {exc} ({places})"
