"""One event loop that lets a simulated unit live in real time and speak through pseudo-terminals and sockets.

The loop sleeps in ``select`` until something can be read or the world's next tick is due. Bytes reach the
unit when they arrive and its answer leaves in the same turn. What a reader does not take stays in the
unit's own transmit buffer, which drops whole lines when it is full: nothing here waits for a reader.

A thread a connection was rejected: the unit is one processor, and its world must not be advanced by two.
"""

from __future__ import annotations

import selectors
from typing import Protocol

from hw_sim.endpoints.pace import Pace
from hw_sim.world import World

READ_BYTES = 65_536
_LONGEST_S = 0.5
_TIMED_LINE_S = 0.001  # bytes of a line with timing fall due between two ticks


class Channel(Protocol):
    """Something with a descriptor that carries one connection's bytes."""

    conn: int

    def fileno(self) -> int: ...

    def read(self) -> bytes | None:
        """What is there; None when the other end has closed."""

    def write(self, data: bytes) -> int:
        """How much was taken, possibly 0."""

    def close(self) -> None: ...


class Endpoint(Protocol):
    """Where channels come from. Looked at every turn, because no descriptor tells everything."""

    def look(self) -> None: ...

    def close(self) -> None: ...


class Server:
    """The loop. Endpoints register themselves; ``run`` goes on until ``stop``."""

    def __init__(self, world: World, speed: int = 1, line: str | None = None) -> None:
        self.world = world
        self.pace = Pace(world, speed)
        self.selector = selectors.DefaultSelector()
        self.channels: dict[Channel, bytes] = {}  # and what a slow reader has not taken yet
        self.endpoints: list[Endpoint] = []
        self._line = line or "direct"
        self._longest_s = _LONGEST_S if self._line == "direct" else _TIMED_LINE_S
        self._running = True

    def stop(self) -> None:
        """End ``run`` after the present turn; from a signal handler too."""
        self._running = False

    def run(self) -> None:
        """Serve until ``stop``; leaves no descriptor and no name behind, whatever ends it."""
        try:
            while self._running:
                self.turn()
        finally:
            self.close()

    def close(self) -> None:
        for channel in list(self.channels):
            self.drop(channel)
        for endpoint in self.endpoints:
            endpoint.close()
        self.selector.close()

    def turn(self) -> None:
        """Wait for the next thing and do it."""
        ready = self.selector.select(min(self._longest_s, self.pace.seconds_left()))
        self.pace.catch_up()
        for key, _ in ready:
            key.data()
        for endpoint in self.endpoints:
            endpoint.look()
        for channel in list(self.channels):
            self._send(channel)

    def add(self, channel: Channel) -> None:
        """Carry a channel's bytes from now on; ``channel.conn`` is the world's number for it."""
        channel.conn = self.world.connect(self._line)
        self.channels[channel] = b""
        self.selector.register(channel.fileno(), selectors.EVENT_READ, lambda: self._receive(channel))

    def drop(self, channel: Channel) -> None:
        """The port closed, seen from the unit, or the cable went."""
        if channel in self.channels:
            self.selector.unregister(channel.fileno())
            del self.channels[channel]
            self.world.disconnect(channel.conn)
            channel.close()

    def _receive(self, channel: Channel) -> None:
        data = channel.read()
        if data is None or channel.conn not in self.world.to_unit:  # closed, or the cable was pulled on the bench
            self.drop(channel)
        elif data:
            self.world.put(channel.conn, data)

    def _send(self, channel: Channel) -> None:
        if channel.conn not in self.world.to_host:
            self.drop(channel)
            return
        data = self.channels[channel] or self.world.take(channel.conn)
        if data:
            self.channels[channel] = data[channel.write(data) :]
