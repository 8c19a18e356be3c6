"""A treatment on a bench that is open to every hand: what an operator, a host, a line and a plant may do to it.

Each thing done is kept as a scenario keeps it (an event of the bench, an action of the host), with its time, so that a
story can be written down as a file and played again. Two things no scenario can say: a host that is killed, and a
second program on the port; a story with one of them is written all the same and marked as not the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from controller import CommandRefused, IontoError, Record, RecordError, Session, Unit
from controller.journal import recover
from hw_sim.door import Door
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.rig.play import treatment_of
from hw_sim.scenario import HostAction, Scenario, Treatment
from tests.evidence.nth.story import OUTCOME, Truth
from tests.evidence.nth.taps import wall_of
from tests.monitors import CHECKS_UC, Eyes, holds_what_flowed, is_zero

NAME: Final = "stateful"
SLICE_S: Final = 0.1
REST_US: Final = 4_000_000  # a lease of 2 s, a ramp of 1 s, and a second
LONGEST_US: Final = 900_000_000  # a pause of ten minutes, twice, is the longest that a story waits
SHORT: Final = Treatment(current_ma=1.0, dose_ma_min=0.3, ramp_up_ma_per_s=0.5, ramp_down_ma_per_s=1.0)


class Stage:
    """One unit and the runs that are begun on it. What does not hold is an AssertionError."""

    def __init__(self, scenario: Scenario, out: Path) -> None:
        self.scenario = scenario
        self.world = scenario.world()
        self.door = Door(self.world)
        self.host: list[HostAction] = []
        self.is_whole = True  # a scenario can say all that happened
        self._out = out
        self._runs = 0
        self.unit: Unit | None = None
        self.session: Session | None = None
        self._eyes = Eyes(self.world.truth)
        self._truth = Truth(self.world, ())
        register_world(NAME, self.world, scenario.line)
        self._stack = ExitStack()
        self._stack.callback(unregister_world, NAME)
        self._stack.enter_context(wall_of(self.world))

    # -- the run -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open the unit and begin to deliver, as ``ionto-sim play`` does; refusals are answers."""
        self._runs += 1
        treatment = treatment_of(self.scenario)
        self._eyes = Eyes(self.world.truth)
        self._truth.begin(treatment.prescriptions())
        with suppress(IontoError):
            self.unit = Unit.open(f"sim://@{NAME}", purpose="a test")
            self._clear_up(self.unit)
            self.session = self.unit.deliver(treatment, out=self._folder, attended=True)

    @property
    def _folder(self) -> Path:
        return self._out / f"{self._runs}"

    def _clear_up(self, unit: Unit) -> None:
        """What a run before this one has left: nothing of the sort on a new unit."""
        if self._runs == 1:
            return
        unit.stop()
        for code in range(1, 21):
            if unit.status().faults >> (code - 1) & 1:
                with suppress(CommandRefused):
                    unit.clear(code)

    def go(self, seconds: float) -> None:
        """Let time pass, with the host at work if there is one."""
        until_us = self.world.now_us + round(seconds * 1e6)
        while self.world.now_us < until_us:
            slice_s = min(SLICE_S, (until_us - self.world.now_us) / 1e6)
            if self.session is None or self.session.over:
                self.world.advance_to(self.world.now_us + max(1, round(slice_s * 1e6)))
            else:
                self.session.step(self.session.unit.now + slice_s)
            self.look()

    def look(self) -> None:
        if self._truth.look():
            self._eyes.look()

    # -- hands -------------------------------------------------------------------------------------------------

    def act(self, act: Callable[[], object]) -> None:
        """By the bench door; what it keeps is the scenario's agenda."""
        act()
        self.look()

    def order(self, do: str) -> None:
        """By the operator at the host."""
        if self.session is not None and not self.session.over:
            self.host.append(HostAction(at_s=self.world.now_us / 1e6, do=do))
            getattr(self.session, do)("the scenario")

    def sleep(self, seconds: float) -> None:
        """The host stands still; nobody reads or writes."""
        self.host.append(HostAction(at_s=self.world.now_us / 1e6, do="sleep", for_s=seconds))
        until_us = self.world.now_us + round(seconds * 1e6)
        while self.world.now_us < until_us:
            self.world.advance_to(min(until_us, self.world.now_us + round(SLICE_S * 1e6)))
            self.look()

    def second_host(self) -> None:
        self.is_whole = False
        with suppress(IontoError), Unit.open(f"sim://@{NAME}", purpose="another program") as other:
            other.status()
        self.look()

    def kill(self) -> None:
        """The host dies: no farewell, and the port is closed by the system. Another one begins anew."""
        self.is_whole = False
        was_on = self.session is not None and not self.session.over
        for conn in list(self.world.to_unit):
            self.world.disconnect(conn)
        self._let_go()
        if was_on:
            self.go(REST_US / 1e6)
            self._judge_left()

    def _let_go(self) -> None:
        """What the system takes back from a process that is gone."""
        if self.unit is not None:
            self.unit.link.close()
        if self.session is not None:
            self.session.journal.give_up()
        self.unit = self.session = None

    def _judge_left(self) -> None:
        """What the dead host left on the disk."""
        assert is_zero(self.world.truth()), ("killed, and current goes on", self.world.truth())
        [folder] = self._folder.iterdir()
        try:
            record = recover(folder)
        except RecordError:
            assert self._eyes.delivered_uc <= CHECKS_UC, "current flowed, and no record can be had"
            return
        holds_what_flowed(record, self._eyes.delivered_uc)

    # -- the end -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """The monitors that need nothing but the truth, as far as it goes."""
        problems = self._truth.findings()
        assert not problems, problems

    def end(self) -> None:
        """Stop, come to rest, and judge the run by its record and all monitors."""
        session = self.session
        if session is not None:
            began_us = self.world.now_us
            self.order("stop")
            while not session.over:
                self.go(1.0)
                assert self.world.now_us - began_us < LONGEST_US, f"the driver is still in {session.state.name}"
        self.go(REST_US / 1e6)
        assert is_zero(self.world.truth()), ("current after the end", self.world.truth())
        self.check()
        if session is not None:
            assert OUTCOME.fullmatch(session.record.outcome) is not None, session.record.outcome
            self._judge(session.record)

    def _judge(self, record: Record) -> None:
        try:
            self._eyes.end(record)
        except AssertionError:
            # A trip whose warning was lost with the cable looks, on the line, like a fall without a reason.
            if record.folder is None or not self._warned_unheard(record.folder):
                raise
            self._eyes.judge(record.folder, ("I04",), record.runs)
            holds_what_flowed(record, self._eyes.delivered_uc)

    def _warned_unheard(self, folder: Path) -> bool:
        """The unit made a warning or a fault known that is not in the log."""
        log = (folder / "wire.log").read_text()
        told = (text for _, _, text in self.world.firmware.events if text.startswith(("WARN ", "FAULT ")))
        return any(f" {text}" not in log for text in told)

    def close(self) -> None:
        with self._stack:
            self._let_go()

    # -- as a file ---------------------------------------------------------------------------------------------

    def told(self) -> Scenario:
        """What was done, as a scenario."""
        done = tuple((at_us / 1e6, verb, argument) for at_us, verb, argument in self.world.done)
        return replace(self.scenario, agenda=done, host=tuple(self.host))


def replay(scenario: Scenario, out: Path) -> str:
    """Play it under the eyes of all monitors; what does not hold, empty where all does."""
    stage = Stage(replace(scenario, host=()), out)
    try:
        stage.begin()
        for action in sorted(scenario.host, key=lambda one: one.at_s):
            stage.go(max(0.0, action.at_s - stage.world.now_us / 1e6))
            if action.do == "sleep":
                stage.sleep(action.for_s)
            else:
                stage.order(action.do)
        last_s = max((at_s for at_s, _, _ in scenario.agenda), default=0.0)
        stage.go(max(0.0, last_s - stage.world.now_us / 1e6))
        stage.check()
        stage.end()
    except AssertionError as exc:
        return str(exc)
    finally:
        stage.close()
    return ""
