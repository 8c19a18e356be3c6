"""Bytes on the wire between the host's port and the unit: when what was written on one side is there on the other.

``usb`` (default): with the next 1 ms frame, whole. ``N`` baud: each byte takes ten bit times, in both directions,
so that a stop byte behind a long line is late by that line. ``direct``: at once, for endpoints whose own transport
is the line (a pseudo-terminal, a socket).
"""

from __future__ import annotations

from collections import deque

FRAME_US = 1000


class Line:
    """One direction. Times are simulated microseconds; ``arrivals`` are (time, bytes), in order.

    ``whole``: what was written together is handed over together, when its last byte is there, as a host's
    driver does; the unit meets every byte by itself.
    """

    __slots__ = ("arrivals", "busy_us", "byte_ns", "whole")

    def __init__(self, kind: str, *, whole: bool = False) -> None:
        self.whole = whole
        self.arrivals: deque[tuple[int, bytes]] = deque()
        self.busy_us = 0
        # ns a byte takes on a UART; 0 USB, -1 direct
        self.byte_ns = {"usb": 0, "direct": -1}.get(kind, 0)
        if kind not in ("usb", "direct"):
            if not kind.isdigit() or not 300 <= int(kind) <= 4_000_000:
                raise ValueError(f"line={kind}: expected usb, direct or a baud rate from 300 to 4000000")
            self.byte_ns = 10_000_000_000 // int(kind)

    def put(self, now_us: int, data: bytes) -> None:
        if self.byte_ns == 0:
            self.arrivals.append((now_us // FRAME_US * FRAME_US + FRAME_US, data))
        elif self.byte_ns < 0:
            self.arrivals.append((now_us, data))
        else:
            start_us = max(now_us, self.busy_us)
            self.busy_us = start_us + len(data) * self.byte_ns // 1000
            if self.whole:
                self.arrivals.append((self.busy_us, data))
                return
            for n in range(len(data)):
                self.arrivals.append((start_us + (n + 1) * self.byte_ns // 1000, data[n : n + 1]))

    def next_us(self) -> int | None:
        return self.arrivals[0][0] if self.arrivals else None

    def take(self, now_us: int) -> bytes:
        """Everything that has arrived by ``now_us``."""
        arrivals = self.arrivals
        if not arrivals or arrivals[0][0] > now_us:
            return b""
        data = arrivals.popleft()[1]
        while arrivals and arrivals[0][0] <= now_us:
            data += arrivals.popleft()[1]
        return data

    def snapshot(self) -> tuple[tuple[tuple[int, bytes], ...], int]:
        return tuple(self.arrivals), self.busy_us

    def restore(self, saved: tuple[tuple[tuple[int, bytes], ...], int]) -> None:
        self.arrivals = deque(saved[0])
        self.busy_us = saved[1]
