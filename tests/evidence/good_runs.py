"""Good runs, and no monitor that cries wolf.

A short treatment by the product's own driver on a sound simulated unit, everything about it drawn from one seed: the
load, the seed of its noise, current, dose, ramps, pole, policies, how often telemetry comes, how fast the unit's clock
runs, how it is wired, and what the operator does (nothing; pauses and resumes; stops; aborts). All of it is allowed, so
every monitor has to say "held" or "not observable", over the host's log and the truth of the bench at every sample. A
monitor that held nothing in all runs has been asleep: that is a failure of this part too.

    python -m tests.evidence.good_runs SEED [SEED]     the same runs again, with every verdict
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from controller import Sample, Session, Treatment, Unit
from controller.monitors import Finding
from hw_sim.door import Door
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.rig.eyes import Eyes, violated
from hw_sim.world import TICK_US, World
from tests.evidence.part import Effort, Failure, Part

NAME: Final = "good"
SHORT_RUNS, LONG_RUNS = 10, 1000
FULL_S: Final = 110.0
LOADS: Final = ("5k", "1k", "10k", "skin", "dry-skin", "hydrated-skin", "membrane")
LINES: Final = ("usb", "direct", "115200", "57600")
DEEDS: Final = ("", "", "", "pause", "stop", "abort")
CLOCK_US: Final = 10  # of a tick of 10 ms: a quartz is better
_ALL: Final = "python -m tests.evidence --effort full --only good_runs"
# What no good run shows: somebody has to break something, pull something, be late, or take a second host.
NEEDS_MISHAPS: Final = frozenset(["I16", "I20", "I22", "I23", "I25", "I30", "I31", "I33", "I34", "I36", "I38", "I40"])


class Plan(NamedTuple):
    seed: int
    load: str
    line: str
    telemetry_ms: int
    tick_us: int
    treatment: dict[str, Any]
    deed: str
    after_s: float


def drawn(seed: int) -> Plan:
    """One run. Ten seconds or so: a dose as small as the ramps."""
    dice = Random(seed)
    load = dice.choice(LOADS)
    most_ua = 4000 if load in ("5k", "1k", "10k") else 1500
    i_ua = 10 * dice.randint(10, most_ua // 10)
    # 0.1 mA.min is the least step of a dose.
    least = max(1, round(i_ua * 4 / 6000))
    phase = {
        "pole": dice.choice("+-"),
        "current_ma": i_ua / 1000,
        "dose_ma_min": dice.randint(least, least + 3) / 10,
        "ramp_up_ma_per_s": dice.choice((0.2, 0.35, 0.5)),
        "ramp_down_ma_per_s": dice.choice((0.3, 0.5, 1.0)),
    }
    policy = {
        "resistance": dice.choice(("stop", "stretch")),
        "contact": dice.choice(("stop", "pause")),
        "link": dice.choice(("stop", "finish")),
    }
    treatment = {"format": 1, "name": f"good run {seed}", "load": "bench", "policy": policy, "phase": [phase]}
    telemetry_ms = dice.choice((50, 100, 100, 200, 500))
    tick_us = TICK_US + dice.randint(-CLOCK_US, CLOCK_US)
    deed, after_s = dice.choice(DEEDS), dice.uniform(0.2, 3.0)
    return Plan(seed, load, dice.choice(LINES), telemetry_ms, tick_us, treatment, deed, after_s)


class Operator:
    """Does its one deed, so many seconds into the run; resumes what it has paused."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._began_s: float | None = None
        self._done = not plan.deed
        self._resumes = plan.deed == "pause"

    def sees(self, run: Session, sample: Sample) -> None:
        state = sample.state.name
        if self._began_s is None and state in ("RAMP_UP", "HOLD"):
            self._began_s = sample.t_s
        late = self._began_s is not None and sample.t_s - self._began_s >= self._plan.after_s
        if late and not self._done and (self._plan.deed in ("stop", "abort") or state == "HOLD"):
            self._done = True
            self._acts(run)
        elif self._done and self._resumes and state == "PAUSED" and run.is_quiet:
            self._resumes = not run.resume("the operator")

    def _acts(self, run: Session) -> None:
        match self._plan.deed:
            case "stop":
                run.stop("the operator")
            case "abort":
                run.abort("the operator")
            case "pause":
                run.pause("the operator")


def deliver(plan: Plan, world: World | None = None) -> list[Finding]:
    """One run, and every verdict on it."""
    world = World(load=plan.load, seed=plan.seed) if world is None else world
    world.tick_us = plan.tick_us
    register_world(NAME, world, plan.line)
    eyes, operator = Eyes(Door(world).truth, apart_us=0), Operator(plan)
    try:
        with tempfile.TemporaryDirectory() as folder, Unit.open(f"sim://@{NAME}") as unit:
            treatment = Treatment.from_dict(plan.treatment)
            options = {"attended": True, "telemetry_ms": plan.telemetry_ms}
            with unit.deliver(treatment, out=Path(folder), **options) as run:
                for sample in run:
                    eyes.look()
                    operator.sees(run, sample)
            eyes.look()
            return eyes.findings(run.record.folder, run.record.runs)
    finally:
        unregister_world(NAME)


def run(effort: Effort) -> Part:
    runs = {Effort.SHORT: SHORT_RUNS, Effort.FULL: LONG_RUNS, Effort.LONG: LONG_RUNS}[effort]
    give_up = time.monotonic() + FULL_S if effort is Effort.FULL else None
    verdicts: Counter[str] = Counter()
    held: Counter[str] = Counter()
    failures: list[Failure] = []
    done = 0
    for seed in range(1, runs + 1):
        if give_up is not None and time.monotonic() > give_up:
            break
        findings = deliver(drawn(seed))
        done += 1
        verdicts.update(finding.verdict.word for finding in findings)
        held.update(finding.id for finding in findings if finding.verdict.word == "held")
        failures += [
            Failure(what=f"{number} {what}", repeat=f"python -m tests.evidence.good_runs {seed}")
            for number, what in violated(findings).items()
        ]
    asleep = sorted({f"I{n:02d}" for n in range(1, 41)} - set(held) - NEEDS_MISHAPS)
    if asleep and effort is not Effort.SHORT:
        failures.append(Failure(what=f"{', '.join(asleep)} held in no run: nothing was judged", repeat=_ALL))
    counts: dict[str, int | str] = {
        "good runs": done, "verdicts held": verdicts["held"], "not observable": verdicts["not observable"],
        "monitors that held something": len(held), "false alarms": verdicts["violated"],
    }  # fmt: skip
    return Part(name="good runs", counts=counts, failures=tuple(failures))


def main(seeds: Iterable[str]) -> None:
    for seed in seeds:
        plan = drawn(int(seed))
        print(plan)
        for finding in deliver(plan):
            print(f"  {finding.id}  {finding.title:22} {finding.verdict}")


if __name__ == "__main__":
    main(sys.argv[1:])
