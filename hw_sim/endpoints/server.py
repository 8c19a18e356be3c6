"""One event loop that lets simulated units live in real time and speak through pseudo-terminals and sockets.

The loop sleeps in ``select`` until something can be read or a world's next tick is due. Bytes reach a unit when they
arrive and its answer leaves in the same turn. What a reader does not take stays in the unit's own transmit
buffer, which drops whole lines when it is full: nothing here waits for a reader.
"""

from __future__ import annotations

import selectors
import time
from typing import Protocol

from hw_sim.world import World

READ_BYTES = 65_536


class Channel(Protocol):
    """Something with a descriptor that carries one connection's bytes."""

    conn: int

    def fileno(self) -> int: ...

    def read(self) -> bytes | None:
        """What is there; None when the other end has closed."""

    def write(self, data: bytes) -> int:
        """How much was taken, possibly 0."""

    def close(self) -> None: ...


class Pace:
    """Real time made simulated: ``speed`` seconds of the world to one of ours."""

    def __init__(self, world: World, speed: int) -> None:
        self.world = world
        self.speed = speed
        self._start_us = world.now_us
        self._start_s = time.monotonic()

    def catch_up(self) -> None:
        """Advance the world to now."""
        self.world.advance_to(self._start_us + int((time.monotonic() - self._start_s) * 1e6 * self.speed))

    def seconds_left(self) -> float:
        """Until the world's next tick is due."""
        due_s = self._start_s + (self.world.next_tick_us - self._start_us) / (1e6 * self.speed)
        return max(0.0, due_s - time.monotonic())


class Server:
    """The loop. Endpoints register themselves; ``run`` goes on until ``stop``."""

    def __init__(self, world: World, speed: int = 1) -> None:
        self.world = world
        world.hal.rate = speed
        self.pace = Pace(world, speed)
        self.selector = selectors.DefaultSelector()
        self.channels: dict[Channel, bytes] = {}  # and what a slow reader has not taken yet
        self.watchers: list[Watcher] = []
        self._running = True

    def stop(self) -> None:
        """End ``run`` after the present turn; from a signal handler too."""
        self._running = False

    def run(self) -> None:
        while self._running:
            self.turn()
        for channel in list(self.channels):
            self.drop(channel)
        for watcher in self.watchers:
            watcher.close()
        self.selector.close()

    def turn(self, longest_s: float = 0.5) -> None:
        """Wait for the next thing and do it."""
        ready = self.selector.select(min(longest_s, self.pace.seconds_left()))
        self.pace.catch_up()
        for key, _ in ready:
            key.data()
        for watcher in self.watchers:
            watcher.look()
        for channel in list(self.channels):
            self._send(channel)

    def add(self, channel: Channel) -> None:
        """Carry a channel's bytes from now on; ``channel.conn`` is the world's number for it."""
        channel.conn = self.world.connect("direct")
        self.channels[channel] = b""
        self.selector.register(channel.fileno(), selectors.EVENT_READ, lambda: self._receive(channel))

    def drop(self, channel: Channel) -> None:
        if channel in self.channels:
            self.selector.unregister(channel.fileno())
            del self.channels[channel]
            self.world.disconnect(channel.conn)
            channel.close()

    def _receive(self, channel: Channel) -> None:
        data = channel.read()
        if data is None:
            self.drop(channel)
        elif data:
            if channel.conn not in self.world.to_unit:  # the cable was pulled on the bench
                self.drop(channel)
            else:
                self.world.put(channel.conn, data)

    def _send(self, channel: Channel) -> None:
        if channel.conn not in self.world.to_host:
            self.drop(channel)
            return
        data = self.channels[channel] or self.world.take(channel.conn)
        if data:
            self.channels[channel] = data[channel.write(data) :]


class Watcher(Protocol):
    """Something that is looked at every turn because no descriptor tells of it."""

    def look(self) -> None: ...

    def close(self) -> None: ...
