"""What the engine wants done, and how a run ended: the values between the brain and whoever holds the link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from controller.limits import Breach

RAISING: Final = frozenset({"PRES", "ARM", "START", "RESUME"})


class Ask(NamedTuple):
    """Send this request when the line is free."""

    verb: str
    fields: Mapping[str, str | int] = {}

    @property
    def raising(self) -> bool:
        """Whether its intent must be on disk before its first byte."""
        return self.verb in RAISING


class Brake(NamedTuple):
    """Send stop bytes at once, whatever else is under way."""

    abort: bool = False


class Note(NamedTuple):
    """Write this into the record."""

    kind: str
    facts: Mapping[str, object]


Effect: TypeAlias = Brake | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended.

    ``outcome`` is the unit's own word (DONE, STOPPED, ABORTED, FAULT:nn, LINK, RESET, TIMEOUT), or REFUSED where
    nothing was delivered, or UNKNOWN where the unit never answered again. Charge in uC; ``low_uc`` to ``high_uc``
    holds what was really delivered. ``cause`` says who ended it early: operator, limit, link, contact or nobody.
    """

    run: str
    outcome: str
    q_uc: int
    low_uc: int
    high_uc: int
    peak_ua: int
    duration_s: float
    fault: int | None = None
    refused: int | None = None
    breach: Breach | None = None
    cause: str = ""
    reason: str = ""
