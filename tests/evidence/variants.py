"""Known-bad firmwares: is each caught by the monitor that should, and is the good one never flagged in their places?

Each is played in the situation that shows it. From FULL on in all the others too, and in a soak that knows nothing of
it: a defect that only its own stage shows would be seen by nobody who does not look for it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from hw_sim.rig.soak_episode import Shift
from hw_sim.rig.soak_plan import SHIFT
from hw_sim.variants import VARIANTS
from hw_sim.variants.table import Variant
from tests.evidence.part import Effort, Failure, Part
from tests.sim.variants.situations import SITUATIONS, play

SHIFTS: Final = 2  # of a soak, for a firmware that does not show itself sooner
REPEAT: Final = "pytest tests/sim/variants/test_variants.py"


def run(effort: Effort) -> Part:
    """Every variant in the situation that shows it, and the good firmware in all of them, at every effort."""
    failures, rows, caught, soaked, shown = [], [], 0, 0, 0
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
