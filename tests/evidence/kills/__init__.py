"""The host killed at every call of a run: no record lost, none doubled, and the true charge in its interval.

SHORT: some tens of points of two tales. FULL: every point of every tale, and 200 real `kill -9`. LONG: the same with
telemetry at three rates, ten thousand points and more, and 1000 real ones.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from tests.evidence.kills.points import Killed, kill
from tests.evidence.kills.real import real
from tests.evidence.nth.story import TALES, Tale, scratch
from tests.evidence.part import Effort, Failure, Part

COMMAND: Final = "python -m tests.evidence.kills"
RATES_MS: Final = {Effort.SHORT: (100,), Effort.FULL: (100,), Effort.LONG: (100, 50, 20)}
REAL: Final = {Effort.SHORT: 0, Effort.FULL: 200, Effort.LONG: 1000}
SHORT_TALES: Final = 2
SHORT_STRIDE: Final = 41


def run(effort: Effort) -> Part:
    with scratch() as out:
        told, failures = _in_process(effort, out)
        killers = real(REAL[effort], out) if REAL[effort] else []
    failures += [
        Failure(what=f"kill -9 number {number}: {what}", repeat=f"{COMMAND} --real {number}")
        for killed in killers
        for number, what in killed.problems
    ]
    failures += [
        Failure(what="records, and no monitor that held anything over them", repeat=COMMAND)
        for killed in (*told, *killers)
        if killed.records and not killed.held
    ]
    counts: dict[str, int | str] = _counted("", told)
    if killers:
        counts |= _counted("kill -9: ", killers)
    return Part(name="kills of the host", counts=counts, failures=tuple(failures))


def _in_process(effort: Effort, out: Path) -> tuple[list[Killed], list[Failure]]:
    short = effort is Effort.SHORT
    told, failures = [], []
    for rate_ms in RATES_MS[effort]:
        for tale in TALES[: SHORT_TALES if short else None]:
            killed = kill(tale, out, telemetry_ms=rate_ms, stride=SHORT_STRIDE if short else 1)
            told.append(killed)
            failures += _failures(tale, rate_ms, killed)
    return told, failures


def _failures(tale: Tale, rate_ms: int, killed: Killed) -> list[Failure]:
    return [
        Failure(what=f"{tale.name}, call {at}, {what}", repeat=f"{COMMAND} {tale.name} {at} --telemetry-ms {rate_ms}")
        for at, what in killed.problems
    ]


def _counted(before: str, told: list[Killed]) -> dict[str, int | str]:
    outcomes: Counter[str] = Counter()
    for killed in told:
        outcomes += killed.outcomes
    return {
        f"{before}kill points": sum(k.points for k in told),
        f"{before}deaths": sum(k.deaths for k in told),
        f"{before}records": sum(k.records for k in told),
        f"{before}nothing begun": sum(k.before_begin for k in told),
        f"{before}logs cut off": sum(k.cut for k in told),
        f"{before}verdicts of monitors held": sum(k.held for k in told),
        f"{before}lost, doubled or wrong": sum(len(k.problems) for k in told),
        f"{before}outcomes": " ".join(f"{key} {n}" for key, n in sorted(outcomes.items())),
    }
