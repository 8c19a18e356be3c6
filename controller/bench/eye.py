"""A unit that is looked at while it is talked to: the meter is read in every turn of the line.

The driver's Session reads the line on its own for a moment when a run ends, to see the output off. Those are the very
milliseconds that a bench measures, so the eye is in the one call that waits, ``pump``, and not in the loops around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from controller.link import ByteLink
from controller.unit import Item, Unit

POLL_S: Final = 0.01


class WatchedUnit(Unit):
    """``eye`` is called after every read, and no read is longer than ``every_s`` while there is one."""

    def __init__(self, link: ByteLink) -> None:
        super().__init__(link)
        self.eye: Callable[[], None] | None = None
        self.every_s = POLL_S

    def pump(self, deadline: float) -> list[Item]:
        """As of Unit. Raises LinkLost."""
        if self.eye is None:
            return super().pump(deadline)
        items = super().pump(min(deadline, self.now + self.every_s))
        self.eye()
        return items
