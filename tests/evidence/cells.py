"""Every fault of the catalogue in every state of the unit, and every two faults together.

A cell is one fault that strikes when the unit enters one state, in a short treatment by the product's own driver: the
same play as a soak's episode, with the same judge (the unit comes to rest, IDLE is reachable, the dose is within the
prescription and within what the record says, only typed errors come out). A cell counts as reached when the fault was
seen to strike while the unit was in that state. Pairs: five faults at a time, struck one after the other in HOLD,
chosen so that any two faults of the catalogue meet in one play (a covering array of strength two); one play for each
pair would take six times as long and find no more, because what five do together two of them do too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any, Final, NamedTuple

from hw_sim.faults.catalogue import CATALOGUE
from hw_sim.firmware.machine import NAMES
from hw_sim.rig.soak_episode import Find, Shift, Told
from hw_sim.rig.soak_plan import Deed, Mishap, Plan
from tests.evidence.part import Effort, Failure, Part

TOGETHER: Final = 5
STAGGER_S: Final = 0.01  # one control tick between one strike and the next: before any of them ends the run
SHORT_STRIDE: Final = 89  # prime to the number of states: all of them come
SHORT_PLAYS: Final = 3

# What brings a unit to states that a good treatment does not pass through.
_ON_THE_WAY: Final[dict[str, tuple[tuple[Mishap, ...], tuple[Deed, ...]]]] = {
    "SELFTEST": ((Mishap(0.0, "F04@state=HOLD+0.5"),), ()),
    "FAULT": ((Mishap(0.0, "E01@state=HOLD+0.5"),), ()),
    "PAUSING": ((), (Deed(7.0, "pause"),)),
    "PAUSED": ((), (Deed(7.0, "pause"),)),
}


class Cell(NamedTuple):
    fault: str
    state: str


# BOOT is left in the control tick that enters it: nothing can strike between the two.
STATES: Final = tuple(state for state in NAMES if state != "BOOT")
CELLS: Final = tuple(Cell(fault.id, state) for fault in CATALOGUE for state in STATES)


def play_cell(cell: Cell) -> Told:
    mishaps, deeds = _ON_THE_WAY.get(cell.state, ((), ()))
    # The unit is IDLE when the play begins: there the fault strikes at once.
    schedule = "" if cell.state == "IDLE" else f"@state={cell.state}"
    # Over USB the driver's ARM is there before the tick in which the unit was staged is over.
    line = "38400" if cell.state == "STAGED" else ""
    return _play(CELLS.index(cell), (Mishap(0.0, cell.fault + schedule), *mishaps), deeds, line)


def play_together(number: int, faults: Iterable[str]) -> Told:
    mishaps = tuple(Mishap(0.0, f"{fault}@state=HOLD+{n * STAGGER_S:g}") for n, fault in enumerate(faults))
    return _play(number, mishaps)


def covering(faults: tuple[str, ...], size: int = TOGETHER) -> Iterator[tuple[str, ...]]:
    """Sets of ``size`` faults, until every two have been in one: each time the fault with the most new pairs joins."""
    left = {frozenset(pair) for pair in combinations(faults, 2)}
    while left:
        chosen = list(min(tuple(sorted(pair)) for pair in left))
        while len(chosen) < size:
            new = {f: sum(frozenset((f, other)) in left for other in chosen) for f in faults if f not in chosen}
            chosen.append(max(new, key=lambda f: (new[f], f)))
        left -= {frozenset(pair) for pair in combinations(chosen, 2)}
        yield tuple(chosen)


def run(effort: Effort) -> Part:
    """The cells and the pairs; SHORT takes some of each."""
    cells, plays = CELLS, tuple(covering(tuple(fault.id for fault in CATALOGUE)))
    if effort is Effort.SHORT:
        cells = CELLS[::SHORT_STRIDE]
        plays = plays[:SHORT_PLAYS]
    reached, failures = _cells(cells)
    pairs, played, more = _pairs(plays)
    return Part(
        name="faults x states",
        counts={
            "cells played": len(cells),
            "cells reached": len(reached),
            "faults": len({cell.fault for cell in reached}),
            "states": len({cell.state for cell in reached}),
            "plays with several faults": played,
            "pairs of faults met": f"{len(pairs)} of {len(CATALOGUE) * (len(CATALOGUE) - 1) // 2}",
        },
        failures=(*failures, *more),
    )


def _play(number: int, mishaps: tuple[Mishap, ...], deeds: tuple[Deed, ...] = (), line: str = "") -> Told:
    shift = Shift(seed=number, number=0, line=line)
    try:
        return shift.play(
            Plan(
                number=number,
                load="5k" if number % 2 else "hydrated-skin",
                treatment=_TREATMENT,
                attended=True,
                keep_open=False,
                mishaps=mishaps,
                deeds=deeds,
            )
        )
    finally:
        shift.close()


_TREATMENT: Final[dict[str, Any]] = {
    "format": 1,
    "name": "a fault in a state",
    "load": "bench",
    "phase": [{"pole": "-", "current_ma": 0.8, "dose_ma_min": 0.1, "ramp_up_ma_per_s": 0.5, "ramp_down_ma_per_s": 0.5}],
    "policy": {"resistance": "stop", "contact": "stop", "link": "stop", "battery": "stop"},
}


def _cells(cells: Iterable[Cell]) -> tuple[set[Cell], list[Failure]]:
    reached, failures = set(), []
    for cell in cells:
        told = play_cell(cell)
        if tuple(cell) in zip(told.struck, told.struck_in, strict=True):
            reached.add(cell)
        else:
            failures.append(_failure(f"{cell.fault} did not strike in {cell.state}", f"cell {cell.fault} {cell.state}"))
        failures += _finds(told.finds, f"cell {cell.fault} {cell.state}")
    return reached, failures


def _pairs(plays: Iterable[tuple[str, ...]]) -> tuple[set[frozenset[str]], int, list[Failure]]:
    """Pairs that were seen to strike in one play; then those that did not meet, two by two in the other order."""
    met: set[frozenset[str]] = set()
    failures: list[Failure] = []
    wanted: set[frozenset[str]] = set()
    played = 0

    def play(faults: tuple[str, ...]) -> None:
        nonlocal played, met
        told = play_together(played, faults)
        met |= _all_pairs(set(told.struck))
        failures.extend(_finds(told.finds, f"together {played} {' '.join(faults)}"))
        played += 1

    for faults in plays:
        wanted |= _all_pairs(set(faults))
        play(faults)
    for pair in sorted(tuple(sorted(pair, reverse=True)) for pair in wanted - met):
        play(pair)
    failures += [_failure(f"{a} and {b} never met", f"together 0 {a} {b}") for a, b in map(sorted, wanted - met)]
    return met, played, failures


def _all_pairs(faults: set[str]) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in combinations(sorted(faults), 2)}


def _finds(finds: list[Find], arguments: str) -> list[Failure]:
    return [_failure(f"{find.what}: {find.seen}", arguments) for find in finds]


def _failure(what: str, arguments: str) -> Failure:
    return Failure(what=what, repeat=f"python -m tests.evidence.cells {arguments}")


def main(arguments: list[str]) -> int:
    """One cell or one play again."""
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.cells", description=main.__doc__)
    parser.add_argument("what", choices=("cell", "together"))
    parser.add_argument("words", nargs="+", help="cell: FAULT STATE; together: NUMBER FAULT FAULT ...")
    told_to = parser.parse_args(arguments)
    words = told_to.words
    told = play_cell(Cell(words[0], words[1])) if told_to.what == "cell" else play_together(int(words[0]), words[1:])
    print(f"struck {told.struck}; outcomes {told.outcomes}; {told.true_uc:.0f} uC; {told.error}")
    for find in told.finds:
        print(f"{find.what}: {find.seen}")
    return 1 if told.finds else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
