"""What ends a verification early, and what keeps it from beginning; the tree's root is the package's own."""

from __future__ import annotations

from controller.errors import IontoError


class BenchError(IontoError):
    """The bench, not the unit: nothing is said of the unit. The text names the remedy."""


class InstrumentError(BenchError):
    """An instrument does not answer, or not with a number."""


class RecipeError(BenchError, ValueError):
    """A recipe or station file cannot be used as written. ``problems`` has one sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Refusal(BenchError):
    """The verification may not begin here: overdue instrument, wrong unit. Nothing was sent that raises a current."""


class NotInTime(BenchError):
    """Something did not happen in the time it had."""


class UnitFailed(BenchError):
    """The unit did not do what every unit does: it refused, it faulted in a good run, it did not become ready."""


class NotReady(UnitFailed):
    """And nothing more can be asked of it."""


class Aborted(BenchError):
    """A person ended the verification; the output was told to stop first."""
