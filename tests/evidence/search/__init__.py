"""A search over what host and unit can come to together, with the objects that are shipped, not a model of them.

Where a test plays one story, this plays all of them up to a bound: every frame lost, doubled or held up, the program
killed, the unit reset, at every point of a run; and in every state that comes of it host and unit are compared, and
asked whether they can still end. What was searched, what was taken out of the states, and what it does not show is in
the README beside this.
"""

from __future__ import annotations

from typing import Final

from tests.evidence.part import Effort, Failure, Part
from tests.evidence.search.bench import Bench
from tests.evidence.search.planted import PLANTED, Planted
from tests.evidence.search.story import written
from tests.evidence.search.walk import Found, Path, Walk

_COMMAND: Final = "python -m tests.evidence.search"
# Of the mishaps those that lead to few new states, so that a quick check still walks whole runs.
_QUICK: Final = ("lost to unit", "lost to host", "reset", "stop button", "pause")
ONE_STATE_IN: Final = {Effort.FULL: 8000, Effort.LONG: 200}  # from which a second mishap is tried
_PLANTED_QUICK: Final = 5  # the first ones take a second each


def search(effort: Effort) -> Found:
    """Of the pair that is shipped."""
    if effort is Effort.SHORT:
        return Walk(Bench(), (8,), held=1, only=_QUICK).run()
    return Walk(Bench(), (1, ONE_STATE_IN[effort])).run()


def run(effort: Effort) -> Part:
    """Search the good pair, then every planted error."""
    found = search(effort)
    failures = [] if found.wrong is None else [_failure(*found.wrong)]
    tried = PLANTED[:_PLANTED_QUICK] if effort is Effort.SHORT else PLANTED
    caught = 0
    for planted in tried:
        if planted.search().wrong is None:
            failures.append(Failure(what=f"not found: {planted.name}", repeat=f'{_COMMAND} "{planted.name}"'))
        else:
            caught += 1
    return Part(
        name="state search",
        counts={**_counts(found), **_bound(effort), "planted errors": len(tried), "of these found": caught},
        failures=tuple(failures),
    )


def _counts(found: Found) -> dict[str, int | str]:
    return {
        "states": found.states,
        "transitions": found.transitions,
        "longest shortest path, moves": found.depth,
        "states by mishaps needed": ", ".join(map(str, found.layers)),
        "every path walked with at most so many mishaps": found.complete,
        "pairs of host state and unit state": len(found.pairs),
        "states that end with nobody's help": found.unaided,
    }


def _bound(effort: Effort) -> dict[str, int | str]:
    """How small the searched part is: a figure of states says nothing without it."""
    if effort is Effort.SHORT:
        return {"bound": f"one prescription; of the mishaps only {', '.join(_QUICK)}, from one state in 8"}
    return {"bound": f"one prescription; one mishap from every state, a second one from one in {ONE_STATE_IN[effort]}"}


def _failure(what: str, path: Path) -> Failure:
    return Failure(what=what, repeat=f'{_COMMAND} "{written(path)}"')


__all__ = ["PLANTED", "Planted", "run", "search"]
