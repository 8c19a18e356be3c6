"""Both ends in one process: the driver gives a treatment on a scenario's bench, in virtual time, and both are watched.

The host's and the operator's own mishaps (asleep, stop, pause) are the scenario's too and happen here. The run counts
as attended, so that a pause waits for the scenario's next action instead of being ended for want of a person; a run
that is paused, with nobody left to do anything, is judged as it stands and then stopped.

Whatever a scenario expects, the invariants hold: all monitors judge the log and the truth of every play.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from controller import IontoError, Record, RecordError, Sample, Session, Treatment, Unit
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.rig.blame import spoilt, tell
from hw_sim.rig.eyes import Eyes, violated
from hw_sim.rig.verdict import Happened, Point, judge
from hw_sim.rig.witness import Witness
from hw_sim.scenario import HostAction, Scenario
from hw_sim.world import World

NAME: Final = "played"
AFTER_US: Final = 3_000_000  # how long the bench is watched when the run is over
SLICE_S: Final = 0.5
SLEEP_US: Final = 100_000
# What an event of the agenda breaks, as the fault of the same name does.
_BREAKS: Final = {"lift": "contact", "contact": "contact", "load": "contact", "hang": "processor"}


@dataclass
class Play:
    """What a play left behind. ``points`` is empty where the treatment was not the scenario's own.

    ``broken``: invariants that did not hold, by number, in words. ``record``: where one was asked for.
    """

    scenario: Scenario
    treatment: Treatment
    happened: Happened
    points: list[Point]
    broken: dict[str, str]
    witness: Witness
    samples: list[tuple[int, Sample]] = field(default_factory=list)  # world time in us, what the unit reported then
    record: Record | None = None

    @property
    def held(self) -> bool:
        return all(point.held for point in self.points) and not self.broken


def treatment_of(scenario: Scenario) -> Treatment:
    """The scenario's own treatment, as the driver has it.

    Raises:
        ValueError: it has none.
        TreatmentError: the driver would not deliver it.
    """
    t = scenario.treatment
    if t is None:
        raise ValueError(f"{scenario.name} has no [treatment]: give a treatment file beside it")
    phase = {
        "pole": t.pole, "current_ma": t.current_ma, "dose_ma_min": t.dose_ma_min,
        "ramp_up_ma_per_s": t.ramp_up_ma_per_s, "ramp_down_ma_per_s": t.ramp_down_ma_per_s,
    }  # fmt: skip
    limits = {
        "impedance_max_ohm": t.impedance_max_ohm, "impedance_min_ohm": t.impedance_min_ohm,
        "voltage_max_v": t.voltage_max_v,
        "on_time_max_min": None if t.on_time_max_s is None else t.on_time_max_s / 60,
    }  # fmt: skip
    policy = {"resistance": t.resistance, "contact": t.contact, "link": t.link, "battery": t.battery}
    whole: dict[str, Any] = {
        "format": 1, "name": scenario.name, "load": "bench", "phase": [phase], "policy": policy,
        "limits": {key: value for key, value in limits.items() if value is not None},
    }  # fmt: skip
    return Treatment.from_dict(whole, scenario.name)


def play(scenario: Scenario, treatment: Treatment | None = None, *, out: Path | str | None = None) -> Play:
    """Give ``treatment``, or the scenario's own, and judge by what the scenario expects of that.

    Raises:
        ValueError: there is no treatment to give.
        IontoError: the unit could not be reached, or would not begin.
    """
    given = treatment_of(scenario) if treatment is None else treatment
    world = scenario.world()
    register_world(NAME, world, scenario.line)
    try:
        stage = _Stage(scenario, world)
        with tempfile.TemporaryDirectory() if out is None else nullcontext(out) as folder:
            with Unit.open(f"sim://@{NAME}", purpose="ionto-sim play") as unit:
                session = unit.deliver(given, out=folder, attended=True)
                with session:
                    stage.go_through(session)
            happened = stage.happened(session)
            broken = stage.broken(session)
    finally:
        unregister_world(NAME)
    expected = scenario.expected if treatment is None else None
    return Play(
        scenario, given, happened, [] if expected is None else judge(expected, happened), broken, stage.witness,
        stage.samples, None if out is None else session.record,
    )  # fmt: skip


class _Stage:
    def __init__(self, scenario: Scenario, world: World) -> None:
        self._scenario, self._world = scenario, world
        self._waiting = sorted(scenario.host, key=lambda action: action.at_s)
        self._caused = [round(at_s * 1e6) for at_s, _, _ in scenario.agenda]
        self._caused += [round(action.at_s * 1e6) for action in scenario.host]
        self._left_paused = False
        self._end_us = 0
        self._eyes = Eyes(world.truth, apart_us=0)
        self.witness = Witness(world)
        self.samples: list[tuple[int, Sample]] = []

    def go_through(self, session: Session) -> None:
        while not session.over:
            now_us = self._world.now_us
            due_us = round(self._waiting[0].at_s * 1e6) if self._waiting else None
            if due_us is not None and now_us >= due_us:
                self._act(session, self._waiting.pop(0))
                continue
            slice_s = SLICE_S if due_us is None else min(SLICE_S, (due_us - now_us) / 1e6)
            for sample in session.step(session.unit.now + slice_s):
                self.samples.append((self._world.now_us, sample))
            truth = self._look()
            if truth["state"] == "PAUSED" and due_us is None and session.state.name == "PAUSED":
                self._left_paused = True
                break
        self._end_us = self._world.now_us

    def _look(self) -> dict[str, Any]:
        return self._eyes.saw(self.witness.look())

    def _act(self, session: Session, action: HostAction) -> None:
        match action.do:
            case "sleep":
                until_us = self._world.now_us + round(action.for_s * 1e6)
                while self._world.now_us < until_us:
                    self._world.advance_to(min(until_us, self._world.now_us + SLEEP_US))
                    self._look()
            case "stop":
                session.stop("the scenario")
            case "abort":
                session.abort("the scenario")
            case "pause":
                session.pause("the scenario")
            case "resume":
                session.resume("the scenario")

    def happened(self, session: Session) -> Happened:
        """What the unit says of the run, what it really did, and what still flows when it is over."""
        world, firmware = self._world, self._world.firmware
        end_us = self._end_us
        while world.now_us < end_us + AFTER_US:
            world.advance_to(world.now_us + SLEEP_US)
            self._look()
        result = session.results[0] if session.results else None
        facts = None if result is None else firmware.run_facts(result.run)
        if result is not None and result.refused is not None:
            outcome = f"REFUSED:{result.refused:02d}"
        elif self._left_paused:
            outcome = "RUNNING"
        else:
            outcome = facts[2] if facts is not None else "UNKNOWN"  # the unit has lost its record
        # What leaving brings (BYE: DONE becomes IDLE; a STOP of what was left paused) is no part of the story.
        events = self.witness.told(end_us, later=not self._left_paused)
        struck = [strike.at_us for strike in world.board.struck] if world.board is not None else []
        causes = [at for at in self._caused + struck if at <= end_us]
        truth = world.truth()
        return Happened(
            outcome=outcome,
            events=tuple(events),
            dose_ma_min=(facts[1] if facts is not None else 0) / 60_000,
            true_dose_ma_min=self.witness.dose_ma_min[-1] if self.witness.dose_ma_min else 0.0,
            peak_ma=truth["peak_ua"] / 1000,
            cause_us=max(causes, default=None),
            left_ma=abs(truth["i_ua"]) / 1000,
        )

    def broken(self, session: Session) -> dict[str, str]:
        """What did not hold of the invariants, but for those that what was on the bench spoils."""
        eyes, board = self._eyes, self._world.board
        for at_s, verb, _ in self._scenario.agenda:
            if verb in _BREAKS:
                eyes.broke(round(at_s * 1e6), _BREAKS[verb])
            elif verb == "local_stop":
                eyes.pressed(round(at_s * 1e6))
        struck = () if board is None else board.struck
        tell(eyes, struck, () if board is None else board.lifted)
        record = session.record
        if record.folder is None:
            raise RecordError("there is no log, so nothing could be judged")
        found = violated(eyes.findings(record.folder, record.runs))
        blind = spoilt(strike.fault for strike in struck)
        return {number: said for number, said in found.items() if number not in blind}


def every(scenarios: Iterator[Scenario]) -> Iterator[Play | tuple[Scenario, Exception]]:
    """Play one after the other; what could not be played comes with the reason."""
    for scenario in scenarios:
        try:
            yield play(scenario)
        except (IontoError, ValueError) as exc:
            yield scenario, exc
