"""One event loop that lets simulated units live in real time and speak through pseudo-terminals and sockets.

The loop sleeps in ``select`` until something can be read or a tick is due. Bytes reach the unit when they
arrive and its answer leaves in the same turn. What a reader does not take stays in the unit's own transmit
buffer, which drops whole lines when it is full: nothing here waits for a reader.

Many units are served by the same loop. Their worlds began at the same moment, so that their ticks fall due
together, and one awakening every 10 ms advances them all; in between only a unit that was spoken to is
brought to now. A unit with which nobody is connected has nobody to be late for: it is brought to now ten
times a second. A world is made when somebody first speaks to it, or else one a turn, so that the first of
many answers as soon as a single one would.

A thread a connection was rejected: a unit is one processor, and its world must not be advanced by two. A
process a unit as well: 64 interpreters are 1.5 GB, and 6400 awakenings a second.
"""

from __future__ import annotations

import math
import selectors
import time
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

from hw_sim.endpoints.pace import AT_MOST_S, Pace
from hw_sim.world import World

READ_BYTES = 65_536
_LONGEST_S = 0.5
_ALONE_S = 0.1  # how late a unit may be that nobody is connected with
_TIMED_LINE_S = 0.001  # bytes of a line with timing fall due between two ticks: as many at once as come in this


class Channel(Protocol):
    """Something with a descriptor that carries one connection's bytes."""

    conn: int

    def fileno(self) -> int: ...

    def read(self) -> bytes | None:
        """What is there for the unit; None when the other end has closed."""

    def write(self, data: bytes) -> int:
        """How much was taken, possibly 0."""

    def close(self) -> None: ...


class Endpoint(Protocol):
    """Where channels come from. ``look`` is called every turn, because no descriptor tells everything.

    ``is_polled``: nothing else tells that somebody has come.
    """

    is_polled: bool

    def look(self) -> None: ...

    def close(self) -> None: ...


class Server:
    """The loop. ``run`` goes on until ``stop``."""

    def __init__(self, speed: int = 1) -> None:
        self.speed = speed
        self.selector = selectors.DefaultSelector()
        self.stations: list[Station] = []
        self.start_s = time.monotonic()
        self._due_s = self.start_s
        self._unmade: list[Station] = []
        self._running = True

    def station(self, make: Callable[[], World], line: str | None = None, *, dtr_resets: bool = False) -> Station:
        """A place in the loop for one more unit, which ``make`` makes."""
        station = Station(self, make, line, dtr_resets=dtr_resets)
        self.stations.append(station)
        self._unmade.insert(0, station)
        return station

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
        for station in self.stations:
            station.close()
        self.selector.close()

    def turn(self) -> None:
        """Wait for the next thing and do it."""
        ready = self.selector.select(max(0.0, min(_LONGEST_S, self._due_s - time.monotonic())))
        spoken_to: dict[Station, None] = {}
        for key, _ in ready:
            station, act = key.data
            station.pace.catch_up()
            act()
            spoken_to[station] = None
        now_s = time.monotonic()
        if now_s < self._due_s:
            for station in spoken_to:
                self._due_s = min(self._due_s, station.turn())
            return
        if self._unmade:
            self._unmade.pop().turn()
        self._due_s = min(s.turn() if s in spoken_to or s.due_s <= now_s else s.due_s for s in self.stations)
        if self._unmade:
            self._due_s = now_s


class Station:
    """One unit in the loop: its world and pace, its endpoints, and the connections they brought.

    ``line``: how bytes travel; None: the endpoint's own transport is the line.
    """

    def __init__(self, server: Server, make: Callable[[], World], line: str | None, *, dtr_resets: bool) -> None:
        self.channels: dict[Channel, bytes] = {}  # and what a slow reader has not taken yet
        self.endpoints: list[Endpoint] = []
        self.line = line or "direct"
        self.dtr_resets = dtr_resets
        self.due_s = math.inf  # until it is made
        self._server = server
        self._make = make
        self._selector = server.selector
        self._is_timed = self.line != "direct"

    @cached_property
    def world(self) -> World:
        return self._make()

    @cached_property
    def pace(self) -> Pace:
        pace = Pace(self.world, self._server.speed, self._server.start_s)
        pace.at_most_s = AT_MOST_S / len(self._server.stations)
        return pace

    def watch(self, fd: int, act: Callable[[], None], events: int = selectors.EVENT_READ) -> None:
        """Do ``act``, at the present moment of this world, whenever ``fd`` is ready."""
        self._selector.register(fd, events, (self, act))

    def rewatch(self, fd: int, act: Callable[[], None], events: int) -> None:
        self._selector.modify(fd, events, (self, act))

    def unwatch(self, fd: int) -> None:
        self._selector.unregister(fd)

    def turn(self) -> float:
        """Bring the world to now and let everybody have what there is; when to come again at the latest."""
        self.pace.catch_up()
        for endpoint in self.endpoints:
            endpoint.look()
        for channel in tuple(self.channels):
            self._send(channel)
        self.due_s = self._next_s()
        return self.due_s

    def _next_s(self) -> float:
        world = self.world
        if not self.channels and not any(endpoint.is_polled for endpoint in self.endpoints):
            return time.monotonic() + _ALONE_S
        due_s = self.pace.due_s(world.next_tick_us)
        if self._is_timed:
            lines = (*world.to_unit.values(), *world.to_host.values())
            soonest = min((line.arrivals[0][0] for line in lines if line.arrivals), default=world.next_tick_us)
            due_s = min(due_s, max(self.pace.due_s(soonest), time.monotonic() + _TIMED_LINE_S))
        return due_s

    def close(self) -> None:
        for channel in tuple(self.channels):
            self.drop(channel)
        for endpoint in self.endpoints:
            endpoint.close()

    def add(self, channel: Channel) -> None:
        """Carry a channel's bytes from now on; ``channel.conn`` is the world's number for it."""
        channel.conn = self.world.connect(self.line)
        self.channels[channel] = b""
        self.watch(channel.fileno(), lambda: self.receive(channel))

    def drop(self, channel: Channel) -> None:
        """The port closed, seen from the unit, or the cable went."""
        if channel in self.channels:
            self.unwatch(channel.fileno())
            del self.channels[channel]
            self.world.disconnect(channel.conn)
            channel.close()

    def receive(self, channel: Channel) -> None:
        """Something is there, or the other end has closed."""
        if channel not in self.channels:  # dropped in this very turn
            return
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
