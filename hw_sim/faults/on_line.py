"""What goes wrong on the wire (L01 to L28)."""

from __future__ import annotations

from typing import Final

from hw_sim.faults.fault import Fault

FAULTS: Final[tuple[Fault, ...]] = ()
