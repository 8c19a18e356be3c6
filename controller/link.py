"""A line of bytes to one unit, as the driver sees it: the only thing in the product that waits.

``read(deadline)`` is the one blocking call. On a real port it waits for bytes; on ``sim://`` in virtual
time it is what makes time pass. It also ends early when a person asks for something from outside
(``ionto stop`` in another terminal), because a stop must not wait for the next telemetry line.

This page holds the words only, so that the engine, the tests and a caller's own transport can use them
without pySerial. Rejected: callbacks from a reader thread, which keep a current on while the program
that should watch it hangs; and asyncio, which every caller would have to adopt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from controller.clock import Clock

Verb = Literal["stop", "pause", "resume", "abort", "status"]


class ControlRequest(Protocol):
    """What another process of the same user asks of the session on this line."""

    @property
    def verb(self) -> Verb: ...

    def answer(self, reply: Mapping[str, object]) -> None:
        """Tell the asker how it ended, as JSON. Never blocks, never raises; only the first answer counts."""


class ByteLink(Protocol):
    """Bytes to and from one unit, with the clock that belongs to them."""

    @property
    def port(self) -> str:
        """The name it was opened by; opening it again finds the same unit."""

    @property
    def clock(self) -> Clock:
        """The time in which deadlines are given; the same object for the life of the link."""

    @property
    def simulated(self) -> bool:
        """True for ``sim://``. A simulator behind a pseudo-terminal says so in HELLO, not here."""

    def read(self, deadline: float) -> bytes:
        """Bytes as soon as there are any; ``b""`` at ``deadline`` or when a request was heard.

        A deadline in the past takes what is there and does not wait. Raises LinkLost.
        """

    def write(self, data: bytes) -> None:
        """Send all of ``data``. Raises LinkLost, and then part of it may be out."""

    def set_rate(self, rate: float) -> None:
        """Let ``rate`` unit seconds pass in a second (HELLO). No effect where the port owns the clock."""

    def requests(self) -> list[ControlRequest]:
        """The control requests heard since the last call, oldest first."""

    def wake(self) -> None:
        """End the read in progress, or the next one, soon. From any thread or a signal handler."""

    def reopen(self, deadline: float) -> bool:
        """Try to get a vanished port back until ``deadline``; True when it is open again. Never raises."""

    def close(self) -> None:
        """Give the port back. Safe to repeat; never raises."""
