"""The design's own runs: the voltage of a good 4 mA start, and what an electrode that peels in it does to v/i."""

from __future__ import annotations

from typing import Final

from hw_sim.credibility.bench import A_PER_CODE, TICKS_S, ramp, wired
from hw_sim.plant import new_plant, restore, set_contact, snapshot, step

REFERENCE_S: Final = (10, 20, 30, 60, 120, 300, 600)
REFERENCE_V: Final[dict[str, tuple[float, ...]]] = {
    "skin": (20.0, 25.7, 28.3, 23.4, 18.6, 13.5, 11.3),
    "dry-skin": (29.6, 33.4, 34.0, 26.6, 20.3, 14.3, 11.8),
}

PEELED_TO: Final = (0.8, 0.6, 0.4, 0.3, 0.2)
# Seconds the peel takes; "sudden" is one tick.
PEELING: Final[dict[float, tuple[float, ...]]] = {
    0.01: (1.07, 1.17, 1.31, 1.41, 1.56),
    60.0: (1.00, 1.08, 1.20, 1.29, 1.41),
    300.0: (1.00, 1.00, 1.03, 1.08, 1.15),
}


def reference_run(load: str = "skin") -> tuple[float, ...]:
    """Volts at `REFERENCE_S` of 4 mA after a linear ramp of 30 s, 10 cm2 drug and 25 cm2 return."""
    p = new_plant(load=load, a_per_code=A_PER_CODE)
    p.relay = 1
    looks = {second * TICKS_S for second in REFERENCE_S}
    return tuple(p.v_v for tick in ramp(p, 4.0, over_s=30, until_s=REFERENCE_S[-1]) if tick in looks)


def peeling_table(over_s: float) -> tuple[float, ...]:
    """v/i over its running minimum when the drug electrode has peeled to each of `PEELED_TO`, from 300 s on."""
    p = wired()
    for _ in ramp(p, 4.0, over_s=30, until_s=300):
        pass
    start = snapshot(p)
    ticks = round(over_s * TICKS_S)
    rises = []
    for left in PEELED_TO:
        restore(p, start)
        lowest = p.v_v / p.i_a
        for tick in range(1, ticks + 1):
            set_contact(p, "drug", 1.0 - (1.0 - left) * tick / ticks)
            step(p)
            lowest = min(lowest, p.v_v / p.i_a)
        rises.append(p.v_v / p.i_a / lowest)
    return tuple(rises)
