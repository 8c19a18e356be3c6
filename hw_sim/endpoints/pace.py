"""Real time made simulated: where the world's time comes from for whoever does not hold it himself.

The world is brought to now whenever somebody looks, so nothing has to run in between. One pace serves every
port of a world: two of them would disagree about now.

A machine may be too slow for the speed asked for, or may have been asleep. Then a look costs at most
``AT_MOST_S`` and the world stays behind for the moment: with one unbounded step, each would take longer
than the last.
"""

from __future__ import annotations

import time

from hw_sim.world import World

AT_MOST_S = 0.1
PIECE_US = 1_000_000


class Pace:
    """``speed`` simulated seconds to one of ours, beginning now; HELLO tells the host so."""

    def __init__(self, world: World, speed: int = 1) -> None:
        self._world = world
        self._us_per_s = speed * 1e6
        self._start_us = world.now_us
        self._start_s = time.monotonic()
        world.hal.rate = speed

    def catch_up(self) -> None:
        """Advance the world to now."""
        began_s = now_s = time.monotonic()
        while True:
            world = self._world
            to_us = self._start_us + int((now_s - self._start_s) * self._us_per_s)
            if to_us < world.now_us:  # somebody else moved it on: go on from there
                self._start_us, self._start_s = world.now_us, now_s
                return
            if to_us - world.now_us <= PIECE_US:
                world.advance_to(to_us)
                return
            world.advance_to(world.now_us + PIECE_US)
            now_s = time.monotonic()
            if now_s - began_s > AT_MOST_S:
                return

    def seconds_left(self) -> float:
        """Until the world's next tick is due."""
        due_s = self._start_s + (self._world.next_tick_us - self._start_us) / self._us_per_s
        return max(0.0, due_s - time.monotonic())
