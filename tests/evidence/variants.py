"""Known-bad firmwares: is each caught by the monitor that should, and is the good one never flagged in their places?

Each is played in the situation that shows it. From FULL on in all the others too, and in a soak that knows nothing of
it: a defect that only its own stage shows would be seen by nobody who does not look for it. The long form has the
product's own driver play every scenario that ships on each, as `ionto-sim play` does.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final, NamedTuple

from controller import IontoError
from hw_sim.rig.play import play as play_scenario
from hw_sim.rig.soak_episode import Shift
from hw_sim.rig.soak_plan import SHIFT
from hw_sim.scenario import SCENARIOS
from hw_sim.variants import VARIANTS
from hw_sim.variants.table import Variant
from tests.evidence.part import Effort, Failure, Part
from tests.sim.variants.situations import SITUATIONS, play

SHIFTS: Final = 2  # of a soak, for a firmware that does not show itself sooner
REPEAT: Final = "pytest tests/sim/variants/test_variants.py"


class Scenarios(NamedTuple):
    """In how many of those that ship a defect shows: at all, and to a monitor."""

    seen: int
    by_monitors: int


def run(effort: Effort) -> Part:
    """Every variant in the situation that shows it, and the good firmware in all of them, at every effort."""
    failures, rows, caught, soaked, shown, met = [], [], 0, 0, 0, 0
    for variant in VARIANTS:
        broken = set(play(variant.situation, variant.firmware()))
        missed = set(variant.invariants) - broken
        caught += not missed
        if missed:
            failures.append(Failure(what=f"{variant.name} was not seen by {', '.join(sorted(missed))}", repeat=REPEAT))
        row = f"| `{variant.name}` | {variant.what} | {variant.origin} | {' '.join(sorted(broken))} |"
        if effort > Effort.SHORT:
            situations, soak = _situations(variant), _in_a_soak(variant)
            shown += situations
            soaked += bool(soak)
            row += f" {situations} | {soak} |"
        if effort is Effort.LONG:
            scenarios = _in_scenarios(variant.name)
            met += scenarios.seen > 0
            row += f" {scenarios.seen}, {scenarios.by_monitors} by monitors |"
        rows.append(row)
    alarms = {situation: broken for situation in SITUATIONS if (broken := play(situation))}
    failures += [
        Failure(what=f"the good firmware was flagged in {situation}: {', '.join(sorted(broken))}", repeat=REPEAT)
        for situation, broken in alarms.items()
    ]
    counts: dict[str, int | str] = {
        "caught by the monitor that should": f"{caught} of {len(VARIANTS)}",
        "situations of the good firmware": len(SITUATIONS),
        "false alarms": len(alarms),
    }
    head = ["| firmware | defect | origin | seen by |", "| --- | --- | --- | --- |"]
    if effort > Effort.SHORT:
        counts["situations x firmwares that show a defect"] = f"{shown} of {len(VARIANTS) * len(SITUATIONS)}"
        counts[f"found by a soak of {SHIFTS * SHIFT} episodes"] = f"{soaked} of {len(VARIANTS)}"
        head = [f"{head[0]} in situations of {len(SITUATIONS)} | in a soak |", f"{head[1]} --- | --- |"]
    if effort is Effort.LONG:
        alarmed = _in_scenarios("").seen
        if alarmed:
            failures.append(Failure(what=f"the good firmware is flagged in {alarmed}", repeat="ionto-sim play --all"))
        counts["found by the scenarios that ship"] = f"{met} of {len(VARIANTS)}"
        counts["scenarios that ship, and flag the good firmware"] = f"{alarmed} of {len(SCENARIOS)}"
        head = [f"{head[0]} in scenarios of {len(SCENARIOS)} |", f"{head[1]} --- |"]
    return Part(name="known-bad firmwares", counts=counts, failures=tuple(failures), lines=(*head, *rows))


def _situations(variant: Variant) -> int:
    """In how many the monitors see it; one that cannot be played to its end with it does not count."""
    shown = 0
    for situation in SITUATIONS:
        with suppress(AssertionError):
            shown += bool(play(situation, variant.firmware()))
    return shown


def _in_a_soak(variant: Variant) -> str:
    """What gives it away first, and in which episode of seed 1; nothing where nothing does."""
    for number in range(SHIFTS):
        shift = Shift(1, number, variant.name)
        try:
            for episode in range(number * SHIFT, (number + 1) * SHIFT):
                finds = shift.episode(episode).finds
                if finds:
                    return f"{finds[0].what}, episode {episode}"
        finally:
            shift.close()
    return ""


def _in_scenarios(variant: str) -> Scenarios:
    """By the product's own driver. One that will not have the unit has seen it."""
    seen = by_monitors = 0
    for scenario in SCENARIOS.values():
        try:
            played = play_scenario(replace(scenario, variant=variant))
        except IontoError:
            seen += 1
            continue
        seen += not played.held
        by_monitors += bool(played.broken)
    return Scenarios(seen, by_monitors)
