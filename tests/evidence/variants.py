"""Known-bad firmwares: is each caught by the monitor that should, and is the good one never flagged in their places?"""

from __future__ import annotations

from hw_sim.variants import VARIANTS
from tests.evidence.part import Effort, Failure, Part
from tests.sim.variants.situations import SITUATIONS, play


def run(effort: Effort) -> Part:
    """Every variant in the situation that shows it, and the good firmware in all of them, at every effort."""
    failures, rows, caught = [], [], 0
    repeat = "pytest tests/sim/variants/test_variants.py"
    for variant in VARIANTS:
        broken = set(play(variant.situation, variant.firmware()))
        missed = set(variant.invariants) - broken
        caught += not missed
        rows.append(f"| `{variant.name}` | {variant.what} | {variant.origin} | {' '.join(sorted(broken))} |")
        if missed:
            failures.append(Failure(what=f"{variant.name} was not seen by {', '.join(sorted(missed))}", repeat=repeat))
    alarms = {situation: broken for situation in SITUATIONS if (broken := play(situation))}
    failures += [
        Failure(what=f"the good firmware was flagged in {situation}: {', '.join(sorted(broken))}", repeat=repeat)
        for situation, broken in alarms.items()
    ]
    return Part(
        name="known-bad firmwares",
        counts={
            "caught by the monitor that should": f"{caught} of {len(VARIANTS)}",
            "situations of the good firmware": len(SITUATIONS),
            "false alarms": len(alarms),
        },
        failures=tuple(failures),
        lines=("| firmware | defect | origin | seen by |", "| --- | --- | --- | --- |", *rows),
    )
