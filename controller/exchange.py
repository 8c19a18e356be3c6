"""Requests and replies: sequence numbers, retransmission, and the three answers there can be. Pure.

One request is outstanding at a time; STOP and ABORT alone do not wait for it, they take its place, so that nothing
that raises is sent again after a stop (section 4.2 has the unit accept them then, and obey them even over a gap).
A request is sent at most four times, byte for byte the same, and only the reply with its session, number and verb
is taken. Then the outcome is Uncertain: the session is given up and its number
is never used again, because a request that was believed dead and arrives late would else be taken for another one
(reusing numbers executed 128 wrong set-points in 300 000 noisy commands; opening a new session none in 2.5 million).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from controller.wire import Reply, Request, seal
from controller.wire.spec import REPLY_TIMEOUT_DEFAULT_S, REPLY_TIMEOUT_S, SENDS, SENDS_DEFAULT

_OPENING: Final = frozenset({"HELLO", "TAKE"})
_URGENT: Final = frozenset({"STOP", "ABORT"})
_LAST_NUMBER: Final = 0xFFFF


class Confirmed(NamedTuple):
    """The unit did it."""

    verb: str
    reply: Reply


class Refused(NamedTuple):
    """The unit did nothing; ``code`` says why (``ErrorCode``)."""

    verb: str
    code: int
    reply: Reply


class Uncertain(NamedTuple):
    """Nobody knows. The session is over; ask STATUS and RUN in a new one."""

    verb: str


Verdict: TypeAlias = Confirmed | Refused | Uncertain


@dataclass(slots=True)
class _Pending:
    request: Request
    data: bytes
    sends_left: int
    timeout_s: float


class Exchange:
    """The sequence of one connection. Times are absolute seconds of the caller's clock.

    ``pending`` is the verb that waits for its reply, ``due`` when ``on_time`` has something to do; both None when
    nothing is outstanding.
    """

    def __init__(self) -> None:
        self.sid = 0
        self.retries = 0
        self.strays = 0
        self._next = 0
        self.pending: str | None = None
        self.due: float | None = None
        self._pending: _Pending | None = None

    @property
    def open(self) -> bool:
        """Whether a session is open and has a number left."""
        return self.sid != 0 and self._next <= _LAST_NUMBER

    def begin(self, verb: str, fields: Mapping[str, str | int], now: float) -> Request:
        """Make the next request; ``first`` has its bytes. The caller writes its intent down before sending them.

        STOP and ABORT take the place of one that is outstanding: no verdict follows for that.

        Raises:
            RuntimeError: one is outstanding, or no session is open: a mistake of the caller.
        """
        if self._pending is not None and verb not in _URGENT:
            raise RuntimeError(f"{verb}: {self.pending} is still outstanding")
        if verb in _OPENING:
            self.sid = 0
            request = Request(0, 1, verb, fields)
        elif not self.open:
            raise RuntimeError(f"{verb}: no session is open")
        else:
            request = Request(self.sid, self._next, verb, fields)
            self._next += 1
        timeout_s = REPLY_TIMEOUT_S.get(verb, REPLY_TIMEOUT_DEFAULT_S)
        self._pending = _Pending(request, seal(request.line()), SENDS.get(verb, SENDS_DEFAULT) - 1, timeout_s)
        self.pending, self.due = verb, now + timeout_s
        return request

    @property
    def first(self) -> bytes:
        """The bytes of the outstanding request."""
        return b"" if self._pending is None else self._pending.data

    def on_reply(self, reply: Reply) -> Verdict | None:
        """The verdict, or None for a reply that nobody waits for."""
        pending = self._pending
        if pending is None:
            self.strays += 1
            return None
        asked = pending.request
        if reply.number != asked.number or reply.sid != asked.sid or reply.verb != asked.verb:
            self.strays += 1
            return None
        if asked.verb in _OPENING and self._is_older(reply, asked):
            self.strays += 1
            return None
        self._settle()
        if reply.code:
            if reply.code in (5, 7, 8):
                self.sid = 0
                if asked.verb not in _OPENING:
                    # It may have been executed, sent again or doubled on its way, and the session closed since.
                    return Uncertain(asked.verb)
            return Refused(asked.verb, reply.code, reply)
        if asked.verb in _OPENING:
            self.sid = reply.hexa("sid")
            self._next = 1
        elif asked.verb == "BYE":
            self.sid = 0
        return Confirmed(asked.verb, reply)

    def _is_older(self, reply: Reply, asked: Request) -> bool:
        """Whether it answers an earlier HELLO: all have one number. Some refusals carry no nonce."""
        if reply.code and "nonce" not in reply.fields:
            return False
        return reply.word("nonce") != asked.fields["nonce"]

    def on_time(self, now: float) -> bytes | Uncertain | None:
        """What to send again, or that it is given up, or nothing yet."""
        pending = self._pending
        if pending is None or self.due is None or now < self.due:
            return None
        if pending.sends_left:
            pending.sends_left -= 1
            self.due = now + pending.timeout_s
            self.retries += 1
            return pending.data
        return self.give_up()

    def give_up(self) -> Uncertain | None:
        """Forget the outstanding request and its session (the port vanished, or no answer came)."""
        pending = self._pending
        self._settle()
        self.sid = 0
        return None if pending is None else Uncertain(pending.request.verb)

    def _settle(self) -> None:
        self._pending = self.pending = self.due = None
