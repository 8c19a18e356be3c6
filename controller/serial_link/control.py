"""The ear of a running session: one verb from another process of the same user.

A TCP socket on 127.0.0.1 with a port of the system's choice, written into the lock file together with a
token that only this user can read. One JSON line in, ``{"token": ..., "verb": "stop"}``, one JSON line
out. It is polled from inside ``ByteLink.read`` and owns no thread, so a session that hangs does not
answer, which is the truth; the unit's lease removes the current then.

Whatever connects here may be broken, slow or hostile, and current is flowing: nothing blocks, a client
says at most ``LINE_MAX`` bytes, at most ``CLIENTS_MAX`` are kept (a newcomer pushes out the oldest that has
said nothing, so silent ones cannot keep a stop out), and one poll does a bounded amount of work.

Rejected: signals (none on Windows but the deadly ones, and no answer), a Unix socket (none in Python on
Windows), a file that is polled (a stop would wait for the disk).
"""

from __future__ import annotations

import json
import os
import select
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, get_args

from controller.link import ControlRequest, Verb

LINE_MAX: Final = 512  # a request is some 70 bytes
CLIENTS_MAX: Final = 8
# More than an operator and a few scripts ever have waiting; a full queue makes Windows refuse, which
# would look like a dead session.
_BACKLOG: Final = 64
_VERBS: Final[dict[str, Verb]] = {verb: verb for verb in get_args(Verb)}


class _Client:
    """Somebody who has connected; ``verb`` is what he asked once he has asked it."""

    def __init__(self, conn: socket.socket) -> None:
        conn.setblocking(False)
        self._conn = conn
        self.fd = conn.fileno()
        self.said = b""

    def hear(self) -> bool:
        """Take in what is there; False when he has gone or talks too much."""
        try:
            more = self._conn.recv(LINE_MAX + 1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.said += more
        return bool(more) and (b"\n" in more or len(self.said) <= LINE_MAX)

    def tell(self, reply: Mapping[str, object]) -> None:
        with suppress(OSError):  # he left, or does not read: his loss, the session goes on
            self._conn.send(json.dumps(reply, default=str).encode() + b"\n")
        self.close()

    def close(self) -> None:
        self._conn.close()


class _Heard:
    """A request with the way back to whoever made it."""

    def __init__(self, verb: Verb, client: _Client) -> None:
        self._verb = verb
        self._client = client
        self.is_answered = False

    @property
    def verb(self) -> Verb:
        return self._verb

    def answer(self, reply: Mapping[str, object]) -> None:
        if not self.is_answered:
            self.is_answered = True
            self._client.tell(reply)

    def drop(self) -> None:
        self.is_answered = True
        self._client.close()


class ControlServer:
    """Listens on 127.0.0.1 for as long as a port is held. Raises OSError when there is no loopback."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.token = os.urandom(16).hex()
        self._clients: list[_Client] = []
        self._pending: list[_Heard] = []  # given out, not answered yet
        self._heard: list[_Heard] = []
        # What to select on beside the port, kept ready because it is needed for every read.
        self.fds = [self._listener.fileno()]

    def poll(self) -> bool:
        """Hear whoever is there, without waiting; True when a new request came in."""
        before = len(self._heard)
        self._accept()
        for client in list(self._clients):
            self._listen_to(client)
        self.fds = [self._listener.fileno(), *(client.fd for client in self._clients)]
        return len(self._heard) > before

    def wait(self, seconds: float) -> bool:
        """Wait for a caller, at most ``seconds``: when two openers meet, or while the port is gone."""
        select.select(self.fds, [], [], seconds)
        return self.poll()

    def requests(self) -> list[ControlRequest]:
        if not self._heard:
            return []  # asked after every read
        heard, self._heard = self._heard, []
        unanswered = [request for request in self._pending if not request.is_answered]
        for forgotten in unanswered[: max(0, len(unanswered) + len(heard) - CLIENTS_MAX)]:
            forgotten.drop()
        self._pending = [request for request in [*unanswered, *heard] if not request.is_answered]
        return list(heard)

    def close(self) -> None:
        """Hang up on everybody; who still waits learns from it that the session has ended."""
        for request in (*self._heard, *self._pending):
            if not request.is_answered:
                request.drop()
        for client in self._clients:
            client.close()
        self._heard, self._pending, self._clients, self.fds = [], [], [], []
        self._listener.close()

    def _accept(self) -> None:
        for _ in range(CLIENTS_MAX):
            try:
                conn, _address = self._listener.accept()
            except OSError:  # nobody (BlockingIOError), gone already, or out of descriptors
                return
            if len(self._clients) == CLIENTS_MAX:
                self._clients.pop(0).close()
            client = _Client(conn)
            self._clients.append(client)
            # At once, before the next newcomer can push him out: the request comes with the connection.
            self._listen_to(client)

    def _listen_to(self, client: _Client) -> None:
        still_there = client.hear()
        if still_there and b"\n" not in client.said:
            return
        self._clients.remove(client)
        if not still_there:
            client.close()
        elif len(self._heard) == CLIENTS_MAX:
            client.tell({"error": "busy: too many requests at once; ask again"})
        else:
            self._understand(client)

    def _understand(self, client: _Client) -> None:
        match self._authentic(client.said.partition(b"\n")[0]):
            case None:
                client.close()  # not for us, or not from this user: no answer to guess from
            case str(word) if (verb := _VERBS.get(word)) is not None:
                self._heard.append(_Heard(verb, client))
            case word:
                client.tell({"error": f"{word!r} is not one of {', '.join(_VERBS)}"})

    def _authentic(self, line: bytes) -> object:
        """The verb as sent; None unless the line is ours and carries the token."""
        from hmac import compare_digest

        try:
            said = json.loads(line)
            token = str(said["token"]).encode()
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return said.get("verb", "") if compare_digest(token, self.token.encode()) else None
