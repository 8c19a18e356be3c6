"""Asking the running sessions of this user to stop, pause, resume, abort or tell how they are.

Everybody is asked before anybody is waited for: with two units running, the second must not go on until the
first has ramped down.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any, Final

from controller.errors import PortUnavailable
from controller.link import Verb
from controller.serial_link.locks import Entry, Holder, entries
from controller.serial_link.ports import canonical, resolve

_ANSWER_MAX: Final = 65_536
# Loopback connects in microseconds; only a session that has not listened for long has a full queue.
_CONNECT_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderReply:
    """What one session answered; ``answer`` is None when it did not, and ``problem`` says why."""

    holder: Holder
    answer: dict[str, Any] | None
    problem: str = ""


def ask_holder(port: str | None, verb: Verb, timeout_s: float) -> list[HolderReply]:
    """Ask the session on ``port``, or all sessions of this user (None), and wait for their answers.

    An empty list: nobody holds it, and it may be opened. No answer within ``timeout_s`` is a problem in
    the reply, not an exception: the session may still obey, and the unit's lease ends the current anyway.
    """
    give_up = time.monotonic() + timeout_s
    asked = [(entry, _ask(entry, verb, timeout_s)) for entry in _on(port)]
    return [_collect(entry, conn, give_up, timeout_s) for entry, conn in asked]


def _on(port: str | None) -> list[Entry]:
    if port is None:
        return entries()
    try:
        device = canonical(resolve(port))
    except PortUnavailable:
        device = port  # unplugged, but perhaps a session still waits for it under this name
    return [entry for entry in entries() if port == entry.holder.port or device == entry.holder.device]


def _ask(entry: Entry, verb: Verb, timeout_s: float) -> socket.socket | OSError:
    line = json.dumps({"token": entry.token, "verb": verb}).encode() + b"\n"
    try:
        conn = socket.create_connection(("127.0.0.1", entry.control_port), min(timeout_s, _CONNECT_S))
    except OSError as exc:
        return exc
    try:
        conn.sendall(line)
    except OSError as exc:
        conn.close()
        return exc
    return conn


def _collect(entry: Entry, conn: socket.socket | OSError, give_up: float, timeout_s: float) -> HolderReply:
    if isinstance(conn, OSError):
        problem = f"it could not be asked ({conn}): end it by hand"
        return HolderReply(holder=entry.holder, answer=None, problem=problem)
    with conn:
        try:
            answer = json.loads(_line_from(conn, give_up))
        except TimeoutError:
            problem = f"no answer within {timeout_s:g} s; it may be busy or hang"
        except (OSError, ValueError):
            problem = "the session ended without an answer"
        else:
            if isinstance(answer, dict):
                return HolderReply(holder=entry.holder, answer=answer)
            problem = "the answer makes no sense; is another version running?"
    return HolderReply(holder=entry.holder, answer=None, problem=problem)


def _line_from(conn: socket.socket, give_up: float) -> bytes:
    said = b""
    while b"\n" not in said and len(said) <= _ANSWER_MAX:
        # Not 0, which would mean "do not block" and fail in another way when nothing is there.
        conn.settimeout(max(1e-3, give_up - time.monotonic()))
        more = conn.recv(4096)
        if not more:
            break
        said += more
    return said.partition(b"\n")[0]
