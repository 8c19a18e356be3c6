"""The plant's state: one flat record of floats and integers.

Flat, because the tick reads and writes all of it: a slotted object is the fastest record of CPython, and the
same field list is a structured record when the step is compiled. No field is an object, a list or a string,
and none is called `flags size min max data`, which NumPy's records keep for themselves. Quantities are SI
with the unit in the name; densities are per cm2, as the literature of the skin has them.

The defaults are the middle skin under two patches and the front end of the bundled unit: sections 1 and 4 of
the design's physics page, where their sources stand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

SKIN: Final = 1
RESISTOR: Final = 2
NOTHING: Final = 0


@dataclass(slots=True, eq=False)
class Plant:
    # Commands of the firmware's board layer, written before a step.
    dac_code: int = 0
    relay: int = 0
    bridge: int = 1
    # What the board layer reads after a step.
    adc_i: int = 0
    adc_i2: int = 0
    adc_v: int = 0
    relay_fb: int = 0
    cmp_i: int = 0  # 4.4 mA comparator: has opened the relay, until the firmware commands it open
    cmp_v: int = 0  # 62 V comparator: has zeroed the DAC for the rest of this tick

    # Truth. i_a: mean of the tick, signed by the bridge; v_v: at the terminals, at the end of the tick.
    i_a: float = 0.0
    v_v: float = 0.0
    q_c: float = 0.0  # integral of abs(i) over the plant's life, surges included
    q_surge_c: float = 0.0  # of it, dumped by the output capacitance into re-made contacts
    peak_i_a: float = 0.0
    g_drug: float = 0.0  # conductance of the barrier, S/cm2
    g_return: float = 0.0
    v_drug: float = 0.0  # voltage across each contact
    v_return: float = 0.0
    alpha_drug: float = 1.0  # share of the electrode in contact; 0 is lead off
    alpha_return: float = 1.0

    # Parameters of the patch, the person and the skin.
    drug_cm2: float = 10.0
    return_cm2: float = 25.0
    r_s_ohm: float = 500.0
    g0_s_cm2: float = 5e-6
    person_drug: float = 1.0  # the person's factors on g0, see noise.draw_person
    person_return: float = 1.0
    temperature_c: float = 32.0
    v0_v: float = 5.0
    k_per_v: float = 0.21
    tau_on_s: float = 300.0
    tau_off_s: float = 1500.0
    c_f_cm2: float = 30e-9
    e_pol_v: float = 0.5  # both electrodes together
    drug_rating_c: float = math.inf  # charge after which the Ag/AgCl is spent; inf is "not rated"
    return_rating_c: float = math.inf
    spent_v: float = 5.0  # what E_pol rises by, within the next 5 % of the rating

    # Parameters of the front end: code c asks for c * a_per_code; a converter reads gain * value + offset.
    a_per_code: float = 4.2e-3 / 4095 * 1.004
    limiter_a: float = 4.2e-3
    compliance_v: float = 60.0
    trip_i_a: float = 4.4e-3
    trip_v_v: float = 62.0
    r_out_ohm: float = 10e6
    c_out_f: float = 10e-9
    tau_source_s: float = 2e-3
    gain_i: float = 1.001
    gain_i2: float = 0.999
    gain_v: float = 1.0015
    offset_i: float = 40.0  # codes, so that a zero current never hides below code 0
    offset_i2: float = 36.0
    offset_v: float = 44.0
    noise_i: float = 1.0  # codes rms
    noise_i2: float = 1.0
    noise_v: float = 1.0

    # Kept by the step: generator, source, output capacitance.
    rng_x: int = 0
    rng_y: int = 1
    asked_code: int = -1  # the code asked_a stands for
    asked_a: float = 0.0
    source_a: float = 0.0  # output current at the end of the tick
    v_out_v: float = 0.0  # on the output capacitance while nothing flows; else v_v is that
    # Kept by loads.py: the kind of load, and the path for the current: the kind, or NOTHING without contact;
    # negative while the contact is still to be made, by the next tick with the relay closed.
    kind: int = SKIN
    path: int = -SKIN
    load_ohm: float = 0.0
    g0_scale: float = 1.0
    area_drug_cm2: float = 10.0  # of the electrodes in use: the patch's, or what the load brings
    area_return_cm2: float = 25.0
    series_ohm: float = 500.0
    g0_drug: float = 0.0
    g0_return: float = 0.0
    per_drug: float = 0.0  # 1 / area in contact, 1/cm2
    per_return: float = 0.0
    e_now_v: float = 0.5
    q_fitted_c: float = 0.0  # q_c when the electrodes were new
    q_spent_c: float = math.inf  # q_c from which e_now_v moves
    # Kept by front_end.py: constants of one step of dt_s, and of the converters.
    dt_s: float = 0.01
    per_a_i: float = 0.0
    per_a_i2: float = 0.0
    per_v: float = 0.0
    bias_i: float = 0.0
    bias_i2: float = 0.0
    bias_v: float = 0.0
    mean_left: float = 0.0
    end_left: float = 0.0
    on_share: float = 0.0
    off_share: float = 0.0
    dt_per_c: float = 0.0
    swift_s_cm2: float = 0.0
    settles: float = 0.0
    swing_left: float = 0.0
    out_left: float = 0.0
    g_out_s: float = 0.0
    ceiling_v: float = 60.0

    @property
    def j_local_a_cm2(self) -> float:
        """Truth: the higher of the two current densities under what touches of the electrodes."""
        return abs(self.i_a) * max(self.per_drug, self.per_return)


FIELDS: Final[tuple[str, ...]] = tuple(f.name for f in fields(Plant))

PARAMETERS: Final[tuple[str, ...]] = FIELDS[FIELDS.index("drug_cm2") : FIELDS.index("rng_x")]

_all: Final[Callable[[Plant], tuple[float, ...]]] = attrgetter(*FIELDS)


def snapshot(p: Plant) -> tuple[float, ...]:
    """Everything the plant is, as one plain tuple in the order of `FIELDS`."""
    return _all(p)


def restore(p: Plant, state: tuple[float, ...]) -> None:
    """Put a snapshot back, bit for bit."""
    for name, value in zip(FIELDS, state, strict=True):
        setattr(p, name, value)
