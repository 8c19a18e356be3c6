"""A simulated unit on TCP: any number of clients, each a connection of its own to the unit.

There is no authentication in the protocol, so it listens on 127.0.0.1 unless told otherwise.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from hw_sim.door import Door, DoorConnection
from hw_sim.endpoints.server import READ_BYTES, Server

BACKLOG = 16


def address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``PORT``; ValueError with a sentence."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{text}: expected HOST:PORT, for example 127.0.0.1:5025 (port 0: any free one)")
    return host.strip("[]") or "127.0.0.1", int(port)


class TcpEndpoint:
    """Listens and makes a channel of every client."""

    def __init__(self, server: Server, text: str, accept: Callable[[Server, socket.socket], None]) -> None:
        import selectors

        self._server = server
        self._accept_client = accept
        self._listener = socket.create_server(address(text), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.host, self.port = self._listener.getsockname()[:2]
        server.selector.register(self._listener, selectors.EVENT_READ, self._accept)
        server.watchers.append(self)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if not self._server.world.plugged:
            client.close()
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accept_client(self._server, client)

    def look(self) -> None:
        """Nothing to look at: the listener's descriptor tells."""

    def close(self) -> None:
        self._listener.close()


def unit_client(server: Server, client: socket.socket) -> None:
    """A client that speaks to the unit."""
    server.add(TcpChannel(client))


class TcpChannel:
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


def door_client(token: str) -> Callable[[Server, socket.socket], None]:
    """Clients that speak to the bench, not to the unit."""

    def accept(server: Server, client: socket.socket) -> None:
        import selectors

        channel = TcpChannel(client)
        door = DoorConnection(Door(server.world), token)

        def ready() -> None:
            data = channel.read()
            if data is not None:
                channel.write(door.feed(data))
            if data is None or door.closed:
                server.selector.unregister(client)
                client.close()

        server.selector.register(client, selectors.EVENT_READ, ready)

    return accept
