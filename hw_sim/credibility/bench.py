"""A plant alone, driven by hand: no firmware, so that what is seen is the load and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hw_sim.plant import Plant, new_plant, set_step, step

TICKS_S: Final = 100
A_PER_CODE: Final = 4.2e-3 / 4095


def wired(load: str = "skin", **parameters: float) -> Plant:
    """A load behind a source without gain error, output resistance or settling, the relay closed."""
    parameters = {"a_per_code": A_PER_CODE, "r_out_ohm": 1e300, "tau_source_s": 1e-6} | parameters
    p = new_plant(load=load, **parameters)  # type: ignore[arg-type]  # a seed is no parameter
    p.relay = 1
    return p


def code(p: Plant, ma: float) -> int:
    """The DAC code of a current."""
    return round(ma * 1e-3 / p.a_per_code)


def hold(p: Plant, ma: float, seconds: float, dt_s: float = 1.0) -> None:
    """A constant current from now on; the conductance is exact at any step."""
    set_step(p, dt_s)
    p.dac_code = code(p, ma)
    for _ in range(round(seconds / dt_s)):
        step(p)


def ramp(p: Plant, ma: float, over_s: float, until_s: float) -> Iterator[int]:
    """Ramp linearly tick by tick, then hold; the number of each tick that was made."""
    ramp_ticks = over_s * TICKS_S
    for tick in range(1, round(until_s * TICKS_S) + 1):
        p.dac_code = code(p, ma * min(tick / ramp_ticks, 1.0))
        step(p)
        yield tick
