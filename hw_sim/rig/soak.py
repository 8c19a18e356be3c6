"""Hours of treatments, one after the other, with whatever the catalogue has going wrong; what did not hold, and leaks.

An episode repeats by its number: its shift is played up to it. A fresh world for every episode would repeat sooner and
find nothing that builds up in a unit; one world for all of them would repeat a failure in as long as it took to come.
What builds up in the process is seen between shifts, when a unit and its bench are gone.
"""

from __future__ import annotations

import gc
import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hw_sim.rig.soak_episode import Find, Shift, Told
from hw_sim.rig.soak_plan import SHIFT


class Sample(NamedTuple):
    """What the process holds after a shift, when its garbage is gone."""

    objects: int
    blocks: int  # of memory, as the interpreter counts them


LEAK_SHIFTS: Final = 6
# A session left behind is hundreds of objects. A class is kept for each new pair of defects: some two an episode.
LEAK_AN_EPISODE: Final = Sample(objects=20, blocks=60)


@dataclass
class Sum:
    """A soak so far."""

    seed: int
    episodes: int = 0
    lasted_s: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    finds: list[Find] = field(default_factory=list)
    held: list[Sample] = field(default_factory=list)

    def add(self, told: Told) -> None:
        self.episodes += 1
        self.lasted_s += told.lasted_s
        self.outcomes.update(told.outcomes)
        if told.error:
            self.errors[told.error.partition(":")[0]] += 1
        self.struck.update(told.struck)
        self.finds += told.finds

    def leak(self) -> str:
        """What the last half of the shifts has left behind; empty where that is nothing to speak of."""
        half = self.held[len(self.held) // 2 :]
        if len(half) < LEAK_SHIFTS:
            return ""
        # Between the least of its first and of its last third: what comes and goes is not a leak.
        third = len(half) // 3
        episodes = (len(half) - third) * SHIFT
        grown = []
        for n, name in enumerate(Sample._fields):
            first, last = min(s[n] for s in half[:third]), min(s[n] for s in half[-third:])
            if last - first > LEAK_AN_EPISODE[n] * episodes:
                grown.append(f"{name} from {first} to {last} in {episodes} episodes")
        return "; ".join(grown)


def soak(seed: int, hours: float = math.inf, episodes: int | None = None) -> Iterator[tuple[Told, Sum]]:
    """Shifts until so many hours of virtual time are full, or so many episodes played, the last shift cut short.

    The sum belongs to the caller when it is over.
    """
    total = Sum(seed)
    while total.lasted_s < hours * 3600 and (episodes is None or total.episodes < episodes):
        shift = Shift(seed, total.episodes // SHIFT)
        try:
            for _ in range(SHIFT if episodes is None else min(SHIFT, episodes - total.episodes)):
                told = shift.episode(total.episodes)
                total.add(told)
                yield told, total
        finally:
            shift.close()
        del shift, told
        gc.collect()
        total.held.append(Sample(len(gc.get_objects()), sys.getallocatedblocks()))


def repeat(seed: int, number: int) -> Told:
    """One episode again, after those of its shift before it."""
    shift = Shift(seed, number // SHIFT)
    try:
        for before in range(number - number % SHIFT, number):
            shift.episode(before)
        return shift.episode(number)
    finally:
        shift.close()
