"""What a monitor says at the end: held, violated, or not observable. A closed union; three answers, not two.

A monitor that saw nothing must not say "held": most of what goes wrong with monitors is that they looked away. So
``Held`` is said only where there was something to judge, and ``NotObservable`` always says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Held:
    word = "held"

    def __str__(self) -> str:
        return "held"


@dataclass(frozen=True, slots=True)
class Violated:
    """``line`` and ``t_us`` are those of the first fact that showed it, ``times`` how many did."""

    line: int
    t_us: int
    seen: str
    times: int = 1

    word = "violated"

    def __str__(self) -> str:
        more = f" (and {self.times - 1} times more)" if self.times > 1 else ""
        return f"violated at line {self.line}, {self.t_us / 1e6:.3f} s: {self.seen}{more}"


@dataclass(frozen=True, slots=True)
class NotObservable:
    reason: str

    word = "not observable"

    def __str__(self) -> str:
        return f"not observable: {self.reason}"


Verdict: TypeAlias = Held | Violated | NotObservable


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant and what became of it."""

    id: str
    title: str
    property: str
    verdict: Verdict
