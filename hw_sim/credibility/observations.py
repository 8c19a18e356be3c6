"""Ten things that others have published about skin under direct current, each as one function of the simulated bench.

Each gives a value and the range it has to lie in; ranges and conditions are those of the design's physics page. Where
an observation covers several conditions the arguments choose one; the default is what the table below says.

``standing`` says what an agreement is worth: 1, 2, 3 and 9 were used to choose the parameters, so that theirs is a fit;
6 and 7 are parameters themselves (the factor of 10 degC, the spread between people) and 10 is the fault itself: built
in, and seen to act; 4, 5 and 8 chose nothing, so that theirs is a prediction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from hw_sim.credibility.bench import TICKS_S, hold, ramp, wired
from hw_sim.plant import draw_person, new_plant, set_parameter, step


class Result(NamedTuple):
    value: float
    low: float
    high: float

    @property
    def agrees(self) -> bool:
        return self.low <= self.value <= self.high


Standing = Literal["fitted", "predicted", "imposed"]


class Observation(NamedTuple):
    number: int
    what: str
    source: str
    conditions: str
    unit: str
    standing: Standing
    compute: Callable[[], Result]


def observation_1() -> Result:
    """1/g half an hour after the current, over 1/g at its end."""
    p = wired(drug_cm2=8.0)
    hold(p, 4.0, 600)
    at_the_end = p.g_drug
    hold(p, 0.0, 1800)
    return Result(at_the_end / p.g_drug, 2.4, 3.6)


def observation_2() -> Result:
    """Percent by which 1/g falls."""
    p = wired(drug_cm2=1.0)
    before = p.g_drug
    hold(p, 0.05, 30)
    return Result(100.0 * (1.0 - before / p.g_drug), 10.0, 30.0)


def observation_3() -> Result:
    """Kohm, settled."""
    p = wired(drug_cm2=25.0, return_cm2=25.0)
    hold(p, 1.0, 1200)
    return Result(p.v_v / p.i_a / 1e3, 5.5, 8.5)


def observation_4(ma: float = 4.0) -> Result:
    """Highest rise of the voltage from tick to tick after the ramp, in mV; the source has its output resistance."""
    p = new_plant()
    p.relay = 1
    highest_v, before_v = -math.inf, math.inf
    for tick in ramp(p, ma, over_s=30, until_s=180):
        if tick > 31 * TICKS_S:
            highest_v = max(highest_v, p.v_v - before_v)
            before_v = p.v_v
    return Result(highest_v * 1e3, -math.inf, 0.0)


def observation_5(ma: float = 2.0) -> Result:
    """V/J in kohm.cm2 after 10 min, across 10 cm2 of membrane; the source of a laboratory gives 5 mA."""
    p = wired("membrane", limiter_a=5e-3, trip_i_a=6e-3, a_per_code=5e-3 / 4095)
    hold(p, ma, 600)
    return Result(p.v_drug / (ma * 1e-3 / 10.0) / 1e3, 2.3, 8.0)


def observation_6() -> Result:
    """Conductance at 42 degC over that at 32."""
    return Result(new_plant(temperature_c=42.0).g_drug / new_plant(temperature_c=32.0).g_drug, 1.18, 1.22)


def observation_7(people: int = 2000) -> Result:
    """Conductance of the 97.5th over that of the 2.5th percentile."""
    factors = sorted(draw_person(7, n)[0] for n in range(people))
    edge = people // 40
    return Result(factors[-edge - 1] / factors[edge - 1], 3.0, 5.0)


def observation_8(ma: float = 2.0, seconds: float = 600.0) -> Result:
    """Kohm between two hands."""
    p = wired("tap-water")
    hold(p, ma, seconds)
    return Result(p.v_v / p.i_a / 1e3, 1.9, 6.0)


def observation_9(over_s: float = 10.0) -> Result:
    """Highest voltage of the start; 0.01 s is a step."""
    p = wired(drug_cm2=35.0, return_cm2=35.0)
    return Result(max(p.v_v for _ in ramp(p, 1.5, over_s, until_s=40)), 12.0, 18.0)


def observation_10() -> Result:
    """Voltage a second after the barrier broke down above 30 V, over that before; 0.6 is the fall a unit must see."""
    p = wired("dry-skin")
    for _ in ramp(p, 4.0, over_s=30, until_s=30):
        pass
    before_v = p.v_v
    if before_v <= 30.0:
        return Result(math.nan, 0.0, 0.6)
    set_parameter(p, "breakdown", 10.0)
    for _ in range(TICKS_S):
        step(p)
    return Result(p.v_v / before_v, 0.0, 0.6)


OBSERVATIONS: Final[tuple[Observation, ...]] = (
    Observation(
        1, "impedance 30 min after the current stops is about 3 times the value right after",
        "Curdy, Kalia, Falson-Rieg, Guy 2000, AAPS PharmSci 2(3) E23", "0.5 mA/cm2 for 10 min; 1/g",
        "times", "fitted", observation_1,
    ),
    Observation(
        2, "50 uA for 30 s drops the impedance at once by 10 to 30 %",
        "study of EEG electrodes (arXiv, abstract)", "1 cm2; 1/g", "%", "fitted", observation_2,
    ),
    Observation(
        3, "1 mA through two pads: 6.3 to 7.8 kohm in five people", "bench log of a tDCS builder, 2015",
        "two 25 cm2 pads, 20 min, the middle person", "kohm", "fitted", observation_3,
    ),
    Observation(
        4, "at a constant current the voltage only falls", "EP 0 904 801 A2",
        "4 mA after a 30 s ramp; highest rise between two ticks", "mV", "predicted", observation_4,
    ),
    Observation(
        5, "human epidermal membrane under current: 2.3 to 8.0 kohm.cm2", "two in-vitro papers",
        "preset membrane at 0.2 mA/cm2; V/J", "kohm.cm2", "predicted", observation_5,
    ),
    Observation(
        6, "activation energy 3.4 kcal/mol: 1.20 times the conductance with 10 degC",
        "Oh, Leung, Bommannan, Guy, Potts 1993, J Control Release 27:115", "conductance at the start", "times",
        "imposed", observation_6,
    ),
    Observation(
        7, "skin resistance differs 3 to 4 fold between people",
        "Ramsay et al., iontophoresis of acetylcholine and nitroprusside",
        "conductance at the start, central 95 % of 2000 people", "times", "imposed", observation_7,
    ),
    Observation(
        8, "two hands in tap water: 1.9 to 6 kohm", "pages of two makers and a bench log",
        "preset tap-water at 2 mA, 10 min", "kohm", "predicted", observation_8,
    ),
    Observation(
        9, "a start at 1.5 mA needs about 14.5 V", "Hahn et al. 2013, Clin Neurophysiol 124:551 (abstract)",
        "two 35 cm2 pads, 10 s ramp; highest voltage", "V", "fitted", observation_9,
    ),
    Observation(
        10, "voltage above about 30 V collapses the barrier further", "Chizmadzhev 1998, Biophys J 74:843",
        "dry skin at 4 mA, breakdown; voltage after a second over that before", "times", "imposed", observation_10,
    ),
)  # fmt: skip
