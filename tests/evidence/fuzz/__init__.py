"""Fuzzing: whatever bytes come, a parser gives a value or one of its own errors, and no current flows for them.

The targets (``targets``) say in code what must hold for each: the naive decoder agrees, what is accepted comes back
as itself, memory is bounded, and at the live unit the truth is looked at. ``corpora`` makes the seeds from sessions
that were run; ``planted`` is a target with a bug in it, which has to be found, or the fuzzer could not find one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.evidence.fuzz.fuzzing import Outcome, guided, has_atheris, mutated, replayed
from tests.evidence.fuzz.targets import PLANTED, TARGETS, Target
from tests.evidence.fuzz.texts import forget
from tests.evidence.part import Effort, Failure, Part

SECONDS = {Effort.FULL: 120, Effort.LONG: 600}
_AT_ONCE = 2


def fuzzed(target: Target, seconds: float, seed: int = 1) -> Outcome:
    """A target for so many seconds, guided by coverage where that can be."""
    if has_atheris():
        return guided(target.name, target.words, target.longest, seconds, seed)
    return mutated(target.name, target.run, target.words, target.longest, seconds, seed)


def quick(target: Target) -> Outcome:
    """The corpus and a fixed number of its mutations, in this process."""
    return replayed(target.name, target.run, target.words, target.longest, target.quick)


def run(effort: Effort) -> Part:
    """SHORT: corpus and mutations. FULL: 2 minutes a target, two at once. LONG: 10 minutes."""
    targets = [PLANTED, *TARGETS.values()]
    if effort is Effort.SHORT:
        outcomes = [quick(target) for target in targets]
        forget()
    elif has_atheris():
        with ThreadPoolExecutor(_AT_ONCE) as pool:  # each waits for a process of its own
            seconds = {PLANTED.name: 20}
            outcomes = list(pool.map(lambda t: fuzzed(t, seconds.get(t.name, SECONDS[effort])), targets))
    else:
        outcomes = [fuzzed(target, SECONDS[effort] / _AT_ONCE) for target in targets]
        forget()
    planted, *real = outcomes
    failures = [
        Failure(
            what=f"{outcome.target}: {what}, input {data[:120]!r}",
            repeat=f"python -m tests.evidence.fuzz {outcome.target}",
        )
        for outcome in real
        for what, data in outcome.crashes[:1]
    ]
    if not planted.crashes:
        failures.append(Failure(what="the planted bug was not found", repeat="python -m tests.evidence.fuzz planted"))
    counts: dict[str, int | str] = {
        "fuzz targets": len(real),
        "fuzz executions": sum(outcome.executions for outcome in real),
        "fuzz crashes": sum(len(outcome.crashes) for outcome in real),
        **{f"fuzz {outcome.target}": outcome.line().partition(": ")[2] for outcome in real},
    }
    return Part(name="fuzz", counts=counts, failures=tuple(failures))
