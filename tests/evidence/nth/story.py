"""A short treatment by the product's own driver on a simulated bench, and what must hold of it whatever was done to it.

The shortest dose and the steepest ramps the product knows: some 9 s of unit time, 50 ms of the machine's, so that it
can be given thousands of times. ``judge`` is the same for every loop: no current when all is over, one final record,
the true charge in its interval, an outcome of the known words, and no error but the driver's own.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

from controller import IontoError, Record, RecordError, Session, Treatment, Unit
from controller.journal import recover
from controller.monitors import Watch
from controller.treatment import Prescription
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.rig.eyes import violated
from hw_sim.world import TICK_US, World
from tests.monitors import CHECKS_UC, SCHEMA, holds_what_flowed, is_zero

NAME: Final = "nth"
OUTCOME: Final = re.compile("DONE|STOPPED|ABORTED|FAULT:(0[1-9]|1[0-9]|20)|LINK|RESET|TIMEOUT|REFUSED|UNKNOWN")
STILL_US: Final = 3_200_000  # a lease of 2 s, a ramp of 1 s, and 0.2 s
FINISH_US: Final = 15_000_000  # a run that needs no host, from its first moment to its last
LONGEST_US: Final = 120_000_000  # no run here lasts longer, whatever is done to it: a driver's patience is 45 s
SLICE_S: Final = 0.5
LOOK: Final = "a look at the truth"  # on the bench's agenda


class Tale(NamedTuple):
    """What is delivered, and what happens meanwhile: (seconds from the beginning, deed)."""

    name: str
    deeds: tuple[tuple[float, str], ...] = ()
    link: str = "stop"
    phases: int = 1
    outcome: str = "DONE"  # where nothing else is done to it


TALES: Final = (
    Tale("good"),
    Tale("paused", ((4.0, "pause"), (7.0, "resume"))),
    Tale("stopped", ((5.0, "stop"),), outcome="STOPPED"),
    Tale("aborted", ((5.0, "abort"),), outcome="ABORTED"),
    Tale("peeled", ((5.0, "lift"),), outcome="FAULT:01"),
    Tale("unplugged", ((5.0, "unplug"), (5.3, "replug"))),
    Tale("reset", ((5.0, "power_cycle"),), outcome="RESET"),
    Tale("finish", (), "finish"),
    Tale("phases", (), "stop", 2),
)
GOOD: Final = TALES[0]


def treatment(tale: Tale) -> Treatment:
    phase = {"pole": "-", "current_ma": 1.0, "dose_ma_min": 0.1, "ramp_up_ma_per_s": 0.5, "ramp_down_ma_per_s": 1.0}
    phases = [phase, *({**phase, "auto": True} for _ in range(tale.phases - 1))]
    policy = {"link": tale.link}
    return Treatment.from_dict({"format": 1, "name": tale.name, "load": "bench", "policy": policy, "phase": phases})


class Truth:
    """What really flows, looked at as often as it is told to; the product's own monitors judge it."""

    def __init__(self, world: World, prescribed: Sequence[Prescription]) -> None:
        self._world = world
        self.begin(prescribed)
        self._plain = (world.power_cycle, world.act)
        world.power_cycle, world.act = self._reset, self._act  # type: ignore[method-assign]

    def _reset(self, cause: int = 0) -> None:
        """A reset lets go of everything within two ticks, and is over sooner than the next look."""
        self._plain[0](cause)
        self._world.later(self._world.now_us + 2 * TICK_US, LOOK, "")

    def _act(self, verb: str, argument: str = "") -> None:
        if verb == LOOK:
            self.look()
        else:
            self._plain[1](verb, argument)

    def begin(self, prescribed: Sequence[Prescription]) -> None:
        """From here on the charge of these runs is counted."""
        self._watch = Watch()
        self._before_uc = self._world.truth()["q_uc"]
        self._most_uc = sum(p.q_uc * 1.02 + p.i_ua * 0.2 + CHECKS_UC for p in prescribed)

    def look(self) -> bool:
        """Whether there was something to see: the tick of a reset still shows what flowed before it."""
        world = self._world
        seen = not 0 <= world.now_us - world.powered_us < TICK_US
        if seen:
            self._watch.truth(world.truth())
        return seen

    @property
    def delivered_uc(self) -> float:
        """True charge since the run was prepared, contact checks included."""
        return float(self._world.truth()["q_uc"] - self._before_uc)

    def findings(self) -> list[str]:
        """What does not hold so far."""
        told = [f"{number}: {text}" for number, text in violated(self._watch.findings()).items()]
        if self.delivered_uc > self._most_uc:
            told.append(f"{self.delivered_uc:.0f} uC flowed of at most {self._most_uc:.0f}")
        return told

    def problems(self) -> list[str]:
        self.look()
        self._watch.finish()
        return self.findings()


class UsersOwn(Exception):
    """What a caller's code raises: no error of the driver's, and none of its business but to stop."""


def _nothing() -> None:
    pass


@dataclass
class Bench:
    """A unit, its port in this process, and what became of one treatment there.

    ``user`` is the caller's code between two steps of the session.
    """

    tale: Tale = GOOD
    seed: int = 3
    world: World = field(init=False)
    eyes: Truth = field(init=False)
    session: Session | None = None
    problems: list[str] = field(default_factory=list)
    user: Callable[[], Any] = _nothing
    _telemetry_ms: int = 100

    def __post_init__(self) -> None:
        self.world = World(seed=self.seed)
        self.eyes = Truth(self.world, treatment(self.tale).prescriptions())

    def open(self) -> Unit:
        register_world(NAME, self.world)
        return Unit.open(f"sim://@{NAME}", purpose="a test")

    def close(self) -> None:
        unregister_world(NAME)

    def deliver(self, unit: Unit, out: Path) -> None:
        """To the end, through the tale's deeds."""
        begin_us, todo = self.world.now_us, list(self.tale.deeds)
        attended = self.tale.name == "paused"
        self.session = session = unit.deliver(
            treatment(self.tale), out=out, attended=attended, telemetry_ms=self._telemetry_ms
        )
        with session:
            while not session.over:
                due_us = begin_us + round(todo[0][0] * 1e6) if todo else None
                if due_us is not None and self.world.now_us >= due_us:
                    self._do(session, todo.pop(0)[1])
                    continue
                left_s = SLICE_S if due_us is None else min(SLICE_S, (due_us - self.world.now_us) / 1e6)
                session.step(unit.now + left_s)
                self.eyes.look()
                self.user()
                if self.world.now_us - begin_us > LONGEST_US:
                    raise TimeoutError(f"the driver is still in {session.state.name} after {LONGEST_US / 1e6:g} s")

    def _do(self, session: Session, deed: str) -> None:
        if deed in ("pause", "resume", "stop", "abort"):
            getattr(session, deed)("a test")
        else:
            self.world.act(deed)

    # -- judging -----------------------------------------------------------------------------------------------

    def attempt(self, what: str, act: Callable[[], Any]) -> Any:
        """Typed errors are answers; an untyped one, or a promise of the truth that is broken, is a problem."""
        try:
            return act()
        except (IontoError, UsersOwn) as exc:
            return exc
        except Exception as exc:
            last = traceback.extract_tb(exc.__traceback__)[-1]
            self.problems.append(f"{what}: {type(exc).__name__}: {exc} ({Path(last.filename).name}:{last.lineno})")
            return exc

    def settle(self) -> None:
        """Whatever the host has left behind, the unit comes to zero by itself."""
        wait_us = FINISH_US if self.tale.link == "finish" else STILL_US
        if not is_zero(self.world.truth()):
            self.world.advance_to(self.world.now_us + wait_us)
        truth = self.world.truth()
        if not is_zero(truth):
            self.problems.append(f"current after the end: {truth}")

    def judge(self, out: Path) -> Record | None:
        """One final record of what flowed; made from the log where the session could not write it."""
        self.settle()
        self.problems += self.eyes.problems()
        folders = list(out.iterdir()) if out.is_dir() else []
        if len(folders) > 1:
            self.problems.append(f"{len(folders)} folders for one treatment")
        record = self._final(folders[0]) if folders else None
        if record is None:
            if self.eyes.delivered_uc > 60:  # one contact check
                self.problems.append(f"{self.eyes.delivered_uc:.0f} uC flowed, and there is no record")
            return None
        self.judge_record(record)
        return record

    def _final(self, folder: Path) -> Record | None:
        """The record, after ``recover`` where there is none: twice, and the second time nothing changes."""
        try:
            record = recover(folder)
        except RecordError:
            return None
        before = (folder / "record.json").read_bytes()
        again = self.attempt("recover again", lambda: recover(folder))
        if not isinstance(again, Record) or (folder / "record.json").read_bytes() != before:
            self.problems.append("recovering a second time gives another record")
        return record

    def judge_record(self, record: Record) -> None:
        self.attempt("the record fits its schema", lambda: SCHEMA.validate(record.data))
        runs = record.data["runs"]
        if len({run["run"] for run in runs}) != len(runs) or len(runs) > self.tale.phases:
            self.problems.append(f"{len(runs)} runs for {self.tale.phases} phases: {[run['run'] for run in runs]}")
        for run in runs:
            if OUTCOME.fullmatch(run["outcome"]) is None:
                self.problems.append(f"the outcome {run['outcome']!r} is none of the known words")
        self.attempt(record.outcome, lambda: holds_what_flowed(record, self.eyes.delivered_uc))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for thousands of runs: in memory where the system has that, for they wait for the disk all the time.

    Their sessions are announced in it too: an `ionto stop` of this user elsewhere is none of theirs.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        with mock.patch.dict(os.environ, {"IONTO_RUNTIME_DIR": str(runtime)}):
            yield Path(folder)


def clear(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
