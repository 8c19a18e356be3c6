"""A check as data: its number, the clause, the sentence that is checked, what it needs, and the function that does it.

A function returns lines of evidence, or raises ``Failed`` with what the clause wants and what came, or ``NotRun`` with
the reason. Nothing is judged twice: a check that could not be made is neither passed nor failed. What was on the line
meanwhile is kept beside the result, because a firmware author mends from that.

Rejected: classes with hooks (a check is a paragraph, and reads as one), and a number a sentence (most sentences of the
page are seen only together with their neighbours).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from controller.conform.bench import Bench

Evidence: TypeAlias = list[str]


class Outcome(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"
    NOT_RUN = "NOT_RUN"


class Failed(Exception):
    """The unit does otherwise than the clause says."""

    def __init__(self, wanted: str, came: str) -> None:
        super().__init__(f"wanted {wanted}; came {came}")
        self.wanted = wanted
        self.came = came


class NotRun(Exception):
    """It could not be made here; the text says what is missing."""


class Breach(Exception):
    """More current than was allowed, or a unit that cannot be brought to rest: nothing more is begun."""


# What a check may need, and what is missing where it is not there.
NEEDS: Final = {
    "load": "it passes up to 0.1 mA: say with --load 5k which resistor is at the terminals",
    "output": "it passes more than 0.1 mA: give --allow-output",
    "door": "something has to be done to the bench: on a simulated unit --bench-door does it, on a real one a person",
    "hours": "it takes 10 min and more of the unit's time: only where that passes at once (sim://)",
    "long": "it takes 65 535 requests: give --lines 100000, the whole suite",
    "tcp": "it needs a port that several may open (socket://)",
}


@dataclass(frozen=True, slots=True)
class Check:
    """``clause`` is a section of docs/protocol.md; ``claim`` its sentence, or what of it is seen here."""

    id: str
    clause: str
    claim: str
    run: Callable[[Bench], Evidence]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One check's end. ``log`` is what was on the line, oldest first."""

    check: Check
    outcome: Outcome
    evidence: tuple[str, ...] = ()
    wanted: str = ""
    came: str = ""
    reason: str = ""
    log: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        check = self.check
        return {
            "id": check.id, "clause": check.clause, "claim": check.claim, "outcome": self.outcome.value,
            "evidence": list(self.evidence), "wanted": self.wanted, "came": self.came, "reason": self.reason,
            "log": list(self.log), "seconds": round(self.seconds, 3),
        }  # fmt: skip
