"""A simulated unit, and its bench door, on TCP.

There is no authentication in the unit's protocol, so it listens on 127.0.0.1 unless told otherwise. Every
client of the unit is a connection of its own to it. A client of the door is served its answers before it is
read again, so that one who asks and never reads holds no more than the answers to one read.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from functools import cached_property

from hw_sim.door import Door, DoorConnection
from hw_sim.endpoints.server import READ_BYTES, Station

BACKLOG = 16
MOST_CLIENTS = 32  # of one listener; further ones are hung up on
DOOR_READ_BYTES = 4096


def address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``PORT``; ValueError with a sentence."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{text}: expected HOST:PORT, for example 127.0.0.1:5025 (port 0: any free one)")
    return host.strip("[]") or "127.0.0.1", int(port)


class Listener:
    """A listening socket in the loop. ``host`` and ``port`` are what it got."""

    is_polled = False

    def __init__(self, station: Station, text: str) -> None:
        where = address(text)
        self._station = station
        family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        self._socket = socket.create_server(where, family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self.host, self.port = self._socket.getsockname()[:2]
        station.watch(self._socket.fileno(), self._accept)
        station.endpoints.append(self)

    @property
    def place(self) -> str:
        """``HOST:PORT`` as a client writes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _accept(self) -> None:
        try:
            client, _ = self._socket.accept()
        except OSError:  # it has gone again, or there is no descriptor left: nobody to tell
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._welcome(client):
            client.close()

    def _welcome(self, client: socket.socket) -> bool:
        raise NotImplementedError

    def look(self) -> None:
        """Nothing to look at: the descriptor tells."""

    def close(self) -> None:
        self._station.unwatch(self._socket.fileno())
        self._socket.close()


class TcpEndpoint(Listener):
    """The unit's port. While the unit is unplugged it hangs up on everybody."""

    def _welcome(self, client: socket.socket) -> bool:
        station = self._station
        welcome = station.world.plugged and len(station.channels) < MOST_CLIENTS
        if welcome:
            station.add(_TcpChannel(client))
        return welcome


class _TcpChannel:
    def __init__(self, client: socket.socket) -> None:
        self.conn = 0
        self._client = client

    def fileno(self) -> int:
        return self._client.fileno()

    def read(self) -> bytes | None:
        try:
            return self._client.recv(READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> int:
        try:
            return self._client.send(data)
        except OSError:
            return 0

    def close(self) -> None:
        self._client.close()


class DoorEndpoint(Listener):
    """The bench door's port, which stays when the unit is unplugged."""

    def __init__(self, station: Station, text: str, token: str) -> None:
        if address(text)[0] not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError(f"{text}: the bench door opens on the loopback only, for example 127.0.0.1:5026")
        self._token = token
        self._clients: set[_DoorClient] = set()
        super().__init__(station, text)

    @cached_property
    def _door(self) -> Door:
        return Door(self._station.world, self._station.pace.catch_up)

    def _welcome(self, client: socket.socket) -> bool:
        welcome = len(self._clients) < MOST_CLIENTS
        if welcome:
            conversation = DoorConnection(self._door, self._token)
            self._clients.add(_DoorClient(self._station, client, conversation, self._clients.discard))
        return welcome

    def close(self) -> None:
        super().close()
        for client in list(self._clients):
            client.hang_up()


class _DoorClient:
    """Reads or writes, never both: the next request is read when the last answer has gone."""

    def __init__(
        self,
        station: Station,
        client: socket.socket,
        conversation: DoorConnection,
        gone: Callable[[_DoorClient], None],
    ) -> None:
        self._station = station
        self._client = client
        self._conversation = conversation
        self._gone = gone
        self._answers = b""
        station.watch(client.fileno(), self._ready)

    def _ready(self) -> None:
        try:
            if not self._answers:
                data = self._client.recv(DOOR_READ_BYTES)
                if not data:
                    self.hang_up()
                    return
                self._answers = self._conversation.feed(data)
            if self._answers:
                self._answers = self._answers[self._client.send(self._answers) :]
        except BlockingIOError:
            pass
        except OSError:
            self.hang_up()
            return
        if self._conversation.closed and not self._answers:
            self.hang_up()
        else:
            wanted = selectors.EVENT_WRITE if self._answers else selectors.EVENT_READ
            self._station.rewatch(self._client.fileno(), self._ready, wanted)

    def hang_up(self) -> None:
        self._station.unwatch(self._client.fileno())
        self._client.close()
        self._gone(self)
