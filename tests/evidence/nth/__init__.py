"""n-th failures: the n-th read, write, sync, byte, line, tick or look at the clock fails, for every n there is.

Each loop ends by itself, when a treatment passes untouched. SHORT looks at a few places of every loop, FULL strides
through the long ones (bytes, ticks), LONG takes every n.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.evidence.nth.loops import LOOPS, Loop, Struck, strike
from tests.evidence.nth.story import clear, scratch
from tests.evidence.part import Effort, Failure, Part

SHORT_N: Final = 20  # strides into every loop, besides its first: under current, where there is so much of it
HOPELESS: Final = 20  # failures of one loop; the rest would say the same


def run(effort: Effort) -> Part:
    outcomes: Counter[str] = Counter()
    counts: dict[str, int | str] = {}
    failures: list[Failure] = []
    with scratch() as folder:
        for loop in LOOPS:
            found, touched = len(failures), 0
            for n, struck in _go(loop, effort, folder / "out"):
                touched += struck.touched
                outcomes[struck.outcome] += 1
                failures += [
                    Failure(what=f"{loop.name} {n}: {problem}", repeat=f"python -m tests.evidence.nth {loop.name} {n}")
                    for problem in struck.problems
                ]
                if len(failures) - found >= HOPELESS:
                    break
            step = _step(loop, effort)
            counts[loop.name] = touched if step == 1 or not touched else f"{touched}, 1 in {step}"
    told = " ".join(f"{key} {count}" for key, count in sorted(outcomes.items()))
    return Part(name="n-th failures", counts={**counts, "outcomes": told}, failures=tuple(failures))


def _step(loop: Loop, effort: Effort) -> int:
    return loop.stride if effort is not Effort.LONG else 1


def _go(loop: Loop, effort: Effort, out: Path) -> Iterator[tuple[int, Struck]]:
    """(n, what came of it), until a treatment passes untouched."""
    step = _step(loop, effort)
    last = SHORT_N * step
    n = 1
    while effort is not Effort.SHORT or n <= last:
        struck = strike(loop, n, out)
        clear(out)
        yield n, struck
        if not struck.touched:
            return
        n = n + step if effort is not Effort.SHORT else last + (n == last)
