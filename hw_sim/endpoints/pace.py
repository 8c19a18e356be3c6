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
    """``speed`` simulated seconds to one of ours, beginning now or at ``start_s``; HELLO tells the host so.

    Worlds that began together tick together: one awakening serves them all. ``at_most_s`` is what a look may
    cost; who looks at many divides it among them.
    """

    def __init__(self, world: World, speed: int = 1, start_s: float | None = None) -> None:
        self.at_most_s = AT_MOST_S
        self._world = world
        self._us_per_s = speed * 1e6
        self._start_us = world.now_us
        self._jumps = world.jumps
        self._start_s = time.monotonic() if start_s is None else start_s
        world.hal.rate = speed

    def catch_up(self) -> None:
        """Advance the world to now."""
        began_s = now_s = time.monotonic()
        if self._world.held or self._world.jumps != self._jumps:  # the bench door holds the time, or put it back
            self._start_us, self._start_s, self._jumps = self._world.now_us, now_s, self._world.jumps
            return
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
            if now_s - began_s > self.at_most_s:
                return

    def due_s(self, us: int) -> float:
        """When the world will be ``us`` old, on the monotonic clock."""
        return self._start_s + (us - self._start_us) / self._us_per_s
