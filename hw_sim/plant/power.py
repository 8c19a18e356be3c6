"""Power and reset, as the world does them: what the hardware is like before firmware has written anything."""

from __future__ import annotations

from .detour import review
from .record import Plant
from .supply import SETTLED, look, start_boost


def reset(p: Plant) -> None:
    """The processor was reset: relay open, bridge forward, the DAC at what it has after power-on, usually 0."""
    p.relay = 0
    p.bridge = 1
    p.dac_code = p.dac_at_power_on


def power_on(p: Plant) -> None:
    """The supply comes on: a reset, and the boost converter starts."""
    reset(p)
    if not p.powered:
        p.powered = 1
    start_boost(p)
    look(p)
    review(p)


def power_off(p: Plant) -> None:
    """The supply is removed: no source, and no relay but a welded one."""
    p.relay = 0
    p.dac_code = 0
    p.powered = 0
    p.boost_s, p.over_v = SETTLED, 0.0
    look(p)
    review(p)
