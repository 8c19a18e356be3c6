"""Stateful properties: operator, host, line and plant as rules, the monitors as what must hold.

A story that fails is shrunk by Hypothesis and written as a scenario: ``python -m tests.evidence.stateful FILE`` plays
it again under all monitors; so does ``ionto-sim play FILE``, and every other reader of scenarios shows it.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.evidence.nth.story import scratch
from tests.evidence.part import Effort, Failure, Part
from tests.evidence.stateful.machine import Machine

_UNCOUNTED: Final = ("stories", "story", "begin", "looks", "end")
FOUND: Final = Path("build/evidence/stateful.toml")
STORIES: Final = {Effort.SHORT: 12, Effort.FULL: 300, Effort.LONG: 6000}
STEPS: Final = {Effort.SHORT: 10, Effort.FULL: 20, Effort.LONG: 40}


def profile(stories: int, steps: int, *, shrink: bool = True) -> settings:
    """The same stories every time: what is found can be found again."""
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    return settings(
        max_examples=stories, stateful_step_count=steps, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), phases=phases, print_blob=False,
    )  # fmt: skip


def search(stories: int, steps: int, *, variant: str = "", file: Path | None = None) -> tuple[Counter[str], str]:
    """What was done in how many stories, and what did not hold: empty where all did."""
    counts: Counter[str] = Counter()
    made = type("Stories", (Machine,), {"variant": variant, "file": file, "counts": counts})
    logging.getLogger("transitions").setLevel(logging.WARNING)
    try:
        with scratch():
            run_state_machine_as_test(made, settings=profile(stories, steps))
    except Exception as exc:
        found = exc.exceptions if isinstance(exc, ExceptionGroup) else (exc,)
        return counts, "; ".join(f"{type(one).__name__}: {one}" for one in found)
    return counts, ""


def run(effort: Effort) -> Part:
    FOUND.unlink(missing_ok=True)
    counts, broken = search(STORIES[effort], STEPS[effort], file=FOUND)
    failures = (Failure(what=broken, repeat=f"python -m tests.evidence.stateful {FOUND}"),) if broken else ()
    steps = sum(count for what, count in counts.items() if what not in _UNCOUNTED)
    done = " ".join(f"{what} {n}" for what, n in sorted(counts.items()) if what not in _UNCOUNTED)
    return Part(
        name="stateful properties",
        counts={"stories": counts["stories"], "steps": steps, "by rule": done},
        failures=failures,
    )
