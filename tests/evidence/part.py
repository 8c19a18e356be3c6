"""What each part of the evidence says when it has run: counts for the page, and what broke with how to repeat it.

A part is a module of this folder with ``run(effort) -> Part``. ``make evidence`` calls them all and prints the page;
pytest calls the same functions at the effort "short". A part that found nothing to do is a failure of the part: a
count of zero proves nothing, so ``held`` is false for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Effort(IntEnum):
    """How much time a part may take, on two busy cores."""

    SHORT = 0  # seconds: inside `make test`
    FULL = 1  # minutes: `make evidence`, thirty for all parts together
    LONG = 2  # hours: `make evidence-long`, overnight


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that did not hold: a sentence, and the one command that shows it again."""

    what: str
    repeat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The result of one part. ``counts`` are printed in their order; each is a figure that was counted in this run.

    ``lines`` are for the page in docs/ alone: Markdown, such as a table of what noticed what.
    """

    name: str
    counts: dict[str, int | str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        return not self.failures and any(isinstance(count, int) and count for count in self.counts.values())
