"""The numbers that telemetry lines and events carry: what is missing, and what is no news.

A line may come twice or late (adapters batch, a hub resends). One that does may not pass for fresh: KEEP would then
name it, and the unit could not tell a host that sees from one that looks at an old picture. What is missing is
counted for telemetry and asked for again for events, because an event is said once and a reading ten times a second.
Numbers are 16 bits and wrap; a step of more than half the circle is one backwards.
"""

from __future__ import annotations

from typing import Final

from controller.wire import Telemetry

_MASK: Final = 0xFFFF
_HALF: Final = 0x8000
KEPT: Final = 64  # events that the unit keeps (docs/protocol.md section 4)
PAGE: Final = 8  # events that one answer to EVENTS brings at most


def lines_missing(last: Telemetry, seen: Telemetry) -> int | None:
    """How many lines are missing between two; None when ``seen`` is no news. A new session begins with 0000."""
    if seen.sid != last.sid:
        return seen.number
    missing = (seen.number - last.number - 1) & _MASK
    return missing if missing < _HALF else None


class EventNumbers:
    """The newest number heard since the unit was started; None before the first."""

    def __init__(self) -> None:
        self.newest: int | None = None

    def take(self, number: int) -> int | None:
        """How many are missing before it; None when it is an old one, sent again."""
        ahead = 1 if self.newest is None else (number - self.newest) & _MASK
        if not 0 < ahead <= _HALF:
            return None
        self.newest = number
        return ahead - 1

    def restart(self) -> None:
        """Events are numbered from the boot."""
        self.newest = None


def pages(before: int, missing: int) -> list[str]:
    """The numbers to ask EVENTS from, for what is ``missing`` before an event: pages of eight, of the last 64."""
    first = before - min(missing, KEPT)
    return [f"{number & _MASK:04X}" for number in range(first, before, PAGE)]
