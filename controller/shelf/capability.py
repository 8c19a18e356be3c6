"""How well a family of units keeps its limits: yield, Cp and Cpk, and what fails first.

Pure functions over numbers. Cp = (high - low) / 6 s, Cpk = the nearer limit's distance from the mean / 3 s, s the
standard deviation of the sample (n - 1), as ISO 22514-2 has them for values that are near normal. A limit on one side
alone has a Cpk and no Cp.

What these figures are good for depends on n more than on anything else, so each says what it is worth: none without a
spread, flagged below 25 units, and always with the Cpk that is exceeded with 95 % confidence (Bissell 1990). With 5
units a Cpk of 1.5 may well be 0.7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum, sqrt
from typing import Final, NamedTuple

FEW: Final = 25
_Z95: Final = 1.6449  # one-sided
# A spread below this part of the values is the last digit of a number, and dividing by it says nothing.
_NO_SPREAD: Final = 1e-9


class Capability(NamedTuple):
    """Of one measurement over ``n`` units. ``note``: what keeps a figure away, or takes from its worth."""

    n: int
    mean: float | None = None
    s: float | None = None
    cp: float | None = None
    cpk: float | None = None
    cpk_at_least: float | None = None  # with 95 % confidence
    note: str = ""


def capability(values: Sequence[float], low: float | None, high: float | None) -> Capability:
    """``low`` and ``high`` None: no limit on that side."""
    n = len(values)
    if n == 0:
        return Capability(0, note="never measured")
    mean = fsum(values) / n
    if n < 2:
        return Capability(n, mean, note="one unit has no spread")
    s = sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1))
    if low is None and high is None:
        return Capability(n, mean, s, note="no limits")
    if s <= _NO_SPREAD * max(map(abs, values)):
        return Capability(n, mean, 0.0, note="all values are the same")
    cp = (high - low) / (6 * s) if low is not None and high is not None else None
    cpk = min(distance for distance in _distances(mean, low, high)) / (3 * s)
    at_least = cpk - _Z95 * sqrt(1 / (9 * n) + cpk * cpk / (2 * (n - 1)))
    return Capability(n, mean, s, cp, cpk, at_least, f"fewer than {FEW} units: a rough estimate" if n < FEW else "")


def _distances(mean: float, low: float | None, high: float | None) -> Iterable[float]:
    if low is not None:
        yield mean - low
    if high is not None:
        yield high - mean


class Attempt(NamedTuple):
    """One verification of a unit that ended with a verdict."""

    serial: str
    passed: bool
    failing: str | None  # the first measurement that failed


class Yield(NamedTuple):
    """Units with a verdict; how many passed at the first attempt, and how many at their last."""

    units: int
    first_pass: int
    final: int
    attempts: int

    @property
    def first_pass_yield(self) -> float | None:
        return self.first_pass / self.units if self.units else None

    @property
    def final_yield(self) -> float | None:
        return self.final / self.units if self.units else None


def yield_of(attempts: Sequence[Attempt]) -> Yield:
    """``attempts`` oldest first."""
    first: dict[str, bool] = {}
    last: dict[str, bool] = {}
    for attempt in attempts:
        first.setdefault(attempt.serial, attempt.passed)
        last[attempt.serial] = attempt.passed
    return Yield(len(first), sum(first.values()), sum(last.values()), len(attempts))


class Cause(NamedTuple):
    """``share`` and ``up_to_here`` of all failed attempts, 0 to 1."""

    name: str
    times: int
    share: float
    up_to_here: float


def pareto(attempts: Iterable[Attempt]) -> list[Cause]:
    """What failed first in each failed attempt, the most frequent first."""
    failed = Counter(attempt.failing or "not named" for attempt in attempts if not attempt.passed)
    total, sum_ = failed.total(), 0
    causes = []
    for name, count in sorted(failed.items(), key=lambda item: (-item[1], item[0])):
        sum_ += count
        causes.append(Cause(name, count, count / total, sum_ / total))
    return causes
