"""Bytes to lines and back (protocol, sections 2 and 3).

The decoder is fed whatever a read returned and yields what is whole: clean lines as ``str``, and what was
not clean as ``Noise``, a value that callers count. Noise is normal on a line, so it is never an exception.
Nothing here reads, waits or knows the time, and the chunking never shows: an adapter that batches for 16 ms
and a port that hands over single bytes give the same items.

All memory between two calls is the start of one unfinished line, never more than ``limit`` bytes of it.
That is enough to judge the line when its end comes, because the first offence in a line names its kind and
the byte number ``limit`` is always an offence. A flag "now skipping" was rejected: it is a second
state that has to agree with the first.

Only the host's half is here. The unit's stop bytes are bytes like any other when they arrive from a unit:
they poison the line.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, NamedTuple
from zlib import crc32

from controller.wire.spec import MAX_LINE, MAX_PLAIN

_UNPRINTABLE: Final = re.compile(rb"[^ -~]")


class NoiseKind(Enum):
    """Why something on the line is not a message."""

    POISONED = "POISONED"  # a byte outside 0x20-0x7E
    OVERLONG = "OVERLONG"
    BAD_CRC = "BAD_CRC"
    MISSHAPEN = "MISSHAPEN"  # the checksum may be right, the form is not that of section 3


class Noise(NamedTuple):
    """A line not to be acted on. ``raw`` is as much of its start as fits the limit, without the line end."""

    kind: NoiseKind
    raw: bytes


def seal(body: str) -> bytes:
    r"""``body`` with its checksum, as bytes to write: ``LF body*CRC32 LF``.

    The leading LF kills a line that was half received before (section 2).

    Raises:
        ValueError: ``body`` is not one printable line that fits, which is a mistake of the caller.
    """
    if not (body.isascii() and body.isprintable()) or "*" in body:
        raise ValueError(f"only printable ASCII without '*' can be sealed, not {body!r}")
    line = body.encode("ascii")
    if len(line) + len("*CCCCCCCC\n") > MAX_LINE:
        raise ValueError(f"a sealed line has at most {MAX_LINE} characters with its end: {body!r}")
    return b"\n%b*%08X\n" % (line, crc32(line))


class LineDecoder:
    """Cuts a byte stream into lines; ``limit`` counts the line end (500 for a host, 240 for a unit)."""

    __slots__ = ("_held", "_limit")

    def __init__(self, limit: int = MAX_PLAIN) -> None:
        self._limit = limit
        self._held = b""

    def feed(self, data: bytes) -> list[str | Noise]:
        # Nearly every read of a host that waits for a line end returns exactly one clean line.
        if not self._held and data[-1:] == b"\n" and 1 < len(data) <= self._limit and data.isascii():
            text = data[:-1].decode("ascii")
            if text.isprintable():
                return [text]
        first, *others = data.replace(b"\r", b"\n").split(b"\n")
        pieces = [self._held + first, *others]
        self._held = pieces.pop()[: self._limit]
        return [self._judge(piece) for piece in pieces if piece]

    def _judge(self, line: bytes) -> str | Noise:
        # The byte number ``limit`` would leave no room for the line end, so what comes before it decides.
        if _UNPRINTABLE.search(line, 0, self._limit - 1):
            return Noise(NoiseKind.POISONED, line[: self._limit])
        if len(line) >= self._limit:
            return Noise(NoiseKind.OVERLONG, line[: self._limit])
        return line.decode("ascii")
