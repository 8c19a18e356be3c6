"""Telnet, the server's side, sans-IO: bytes in, what they say out; answers gather in ``to_send``.

Bytes and commands come in one stream, and 0xFF (IAC) begins a command; a 0xFF that is meant comes doubled
(RFC 854). An option is agreed on by DO/DONT and WILL/WONT, one agreement for each direction. The danger
there is an endless exchange of confirmations, so an answer is only given to what changes something, and a
request of ours that is still out counts as half an agreement (RFC 1143, without its queue: we never ask for
an end, and so never for two things at once).

A sequence that is not complete yet is kept and read again with what comes next, so that the portions in
which bytes arrive make no difference. A reader by states, one byte at a time, was rejected: nearly all bytes
are data, which ``find`` passes over at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple, TypeAlias

SE, BREAK, SB, WILL, WONT, DO, DONT, IAC = 240, 243, 250, 251, 252, 253, 254, 255
BINARY: Final = 0  # RFC 856
SUPPRESS_GO_AHEAD: Final = 3  # RFC 858

# The longest that has a use here is a signature. Whoever sends more means no access server.
SUBNEGOTIATION_LONGEST: Final = 1024


class Command(NamedTuple):
    """IAC and a byte that stands alone, as BREAK."""

    code: int


class Subnegotiation(NamedTuple):
    option: int
    body: bytes


class Agreed(NamedTuple):
    """Both sides will now use ``option``; ``by_them``: they do what it says, else we do."""

    option: int
    by_them: bool


Said: TypeAlias = bytes | Command | Subnegotiation | Agreed


class _Side(Enum):
    OFF = auto()
    ASKED = auto()
    ON = auto()


def escape(data: bytes) -> bytes:
    """Data as it travels."""
    return data.replace(b"\xff", b"\xff\xff")


class Telnet:
    """One connection. ``broken``: nothing it says can be trusted any more; hang up."""

    def __init__(self, options: frozenset[int]) -> None:
        self.to_send = bytearray()
        self.broken = False
        self._options = options
        self._ours: dict[int, _Side] = {}
        self._theirs: dict[int, _Side] = {}
        self._rest = b""
        self._after_cr = False

    def receive(self, data: bytes) -> Iterator[Said]:
        """What ``data`` says, in its order. Take all of it: answers are given on the way."""
        data, self._rest = self._rest + data, b""
        at = 0
        while at < len(data) and not self.broken:
            iac = data.find(IAC, at)
            if iac != at:
                yield self._plain(data[at:] if iac < 0 else data[at:iac])
            if iac < 0:
                return
            said, at = self._sequence(data, iac)
            if not at:
                self._rest = data[iac:]
                self.broken = len(self._rest) > SUBNEGOTIATION_LONGEST
                return
            if said is not None:
                yield said

    def send(self, option: int, body: bytes) -> None:
        """A subnegotiation of ours."""
        self.to_send += bytes((IAC, SB, option)) + escape(body) + bytes((IAC, SE))

    def ask(self, option: int) -> None:
        """Ask for an option in both directions, unless it is agreed on."""
        for side, verb in ((self._theirs, DO), (self._ours, WILL)):
            if side.get(option, _Side.OFF) is _Side.OFF:
                side[option] = _Side.ASKED
                self.to_send += bytes((IAC, verb, option))

    def _plain(self, data: bytes) -> bytes:
        """Without BINARY a carriage return is sent as CR NUL (RFC 854); the unit is spared the NUL."""
        if self._theirs.get(BINARY) is _Side.ON:
            return data
        if self._after_cr and data[0] == 0:
            data = data[1:]
        self._after_cr = data[-1:] == b"\r"
        return data.replace(b"\r\0", b"\r")

    def _sequence(self, data: bytes, iac: int) -> tuple[Said | None, int]:
        """What the command at ``iac`` says, and where the next thing begins: 0 when it is not complete."""
        if iac + 1 >= len(data):
            return None, 0
        code = data[iac + 1]
        if code == IAC:
            return self._plain(b"\xff"), iac + 2
        if code == SB:
            return self._subnegotiation(data, iac)
        if code < WILL:
            return Command(code), iac + 2
        if iac + 2 >= len(data):
            return None, 0
        return self._negotiate(code, data[iac + 2]), iac + 3

    def _subnegotiation(self, data: bytes, iac: int) -> tuple[Said | None, int]:
        at = iac + 2
        while True:
            at = data.find(IAC, at)
            if at < 0 or at + 1 >= len(data):
                return None, 0
            if data[at + 1] != IAC:
                break
            at += 2
        if data[at + 1] != SE:
            return None, at  # broken off by another command, which counts
        if at == iac + 2:
            return None, at + 2
        return Subnegotiation(data[iac + 2], data[iac + 3 : at].replace(b"\xff\xff", b"\xff")), at + 2

    def _negotiate(self, verb: int, option: int) -> Agreed | None:
        by_them = verb in (WILL, WONT)
        side, yes, no = (self._theirs, DO, DONT) if by_them else (self._ours, WILL, WONT)
        state = side.get(option, _Side.OFF)
        if verb in (WONT, DONT):
            side[option] = _Side.OFF
            if state is _Side.ON:
                self.to_send += bytes((IAC, no, option))
        elif option not in self._options:
            self.to_send += bytes((IAC, no, option))
        elif state is not _Side.ON:
            side[option] = _Side.ON
            if state is _Side.OFF:
                self.to_send += bytes((IAC, yes, option))
            return Agreed(option, by_them)
        return None
