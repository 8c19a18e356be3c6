"""The plant's state: one flat record of floats and integers.

Flat, because the tick reads and writes all of it: a slotted object is the fastest record of CPython, and the
same field list is a structured record when the step is compiled. No field is an object, a list or a string,
and none is called `flags size min max data`, which NumPy's records keep for themselves. Quantities are SI
with the unit in the name; densities are per cm2, as the literature of the skin has them.

The defaults are the middle skin under two patches and the front end of the bundled unit: sections 1 and 4 of
the design's physics page, where their sources stand.

Parameters change only through `parameters.set_parameter`, which derives what the step needs from them; a field that
is poked does nothing, or half of something. What a good tick cannot do goes a longer way (`odd`, `detour.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import attrgetter
from typing import Final, TypeVar, cast

SKIN: Final = 1
RESISTOR: Final = 2
PARALLEL: Final = 3  # R and C side by side
NOTHING: Final = 0


_Class = TypeVar("_Class")


def _slotted(cls: type[_Class]) -> type[_Class]:
    """The class with its annotated fields as slots; `dataclass` takes several times as long for so many."""
    names = tuple(cls.__annotations__)
    own = {key: value for key, value in vars(cls).items() if key not in (*names, "__dict__", "__weakref__")}
    own |= {"__slots__": names, "DEFAULTS": tuple(vars(cls)[name] for name in names)}
    return cast("type[_Class]", type(cls.__name__, (), own))


@_slotted
class Plant:
    def __init__(self) -> None:
        _assign(self, _DEFAULTS)

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
    supply_mv: int = 0  # of the battery, under load
    unit_temp_dc: int = 250  # 0.1 degC; NO_SENSOR without a sensor
    interlock: int = 1  # closed
    local_stop: int = 0  # pressed

    # Truth. i_a: mean of the tick, signed by the bridge; v_v: at the terminals, at the end of the tick.
    i_a: float = 0.0
    v_v: float = 0.0
    q_c: float = 0.0  # integral of abs(i) over the plant's life, surges included
    q_surge_c: float = 0.0  # of it, dumped by the output capacitance into re-made contacts
    peak_i_a: float = 0.0
    closed: int = 0  # the output relay really is; relay_fb is what its feedback says
    leak_a: float = 0.0  # of the tick's mean current, what went past the return channel
    supplied: int = 1  # there is power, and more than the brown-out level; without it no relay and no source
    battery_v: float = 9.3  # under load
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

    # Parameters of what happens to the leads and the skin.
    breakdown: float = 1.0  # factor on g0 and g, reached within 1 s
    dry_r_s: float = 1.0  # factor on the series resistance, reached in `dry_over_s`
    dry_over_s: float = 180.0
    chatter_hz: float = 0.0
    leak_s: float = 0.0  # from the delivery side past the return channel
    leads_swapped: int = 0

    # Parameters of source, relay and bridge.
    source_stuck_a: float = -1.0  # what the source asks of itself whatever the DAC says; -1 sound
    source_offset_a: float = 0.0  # at every code but 0
    source_noise_a: float = 0.0  # rms, of the current itself
    dac_or: int = 0
    dac_and: int = 4095
    dac_at_power_on: int = 0
    reference_drift: float = 0.0  # one reference serves DAC and converters
    relay_welded: int = 0
    relay_stuck: int = 0
    relay_fb_lies: int = -1  # what the feedback says; -1 the truth
    bridge_stuck: int = 0

    # Parameters of the supply, and of what the unit is told of its surroundings. battery_charge drains by itself.
    boost_overshoot_v: float = 0.0
    battery_charge: float = 1.0
    battery_r_ohm: float = 1.5
    brown_out_v: float = 5.5
    unit_temp_c: float = 25.0  # what the case takes on; the unit's own heat comes on top
    unit_temp_missing: int = 0
    interlock_open: int = 0
    interlock_defeated: int = 0

    # Parameters of what is wrong with the converters.
    frozen_i: int = 0
    frozen_i2: int = 0
    frozen_v: int = 0
    code_stuck_i: int = -1
    code_stuck_i2: int = -1
    code_stuck_v: int = -1
    sense_open: int = 0
    spikes: float = 0.0  # chance a tick
    mains_a: float = 0.0  # peak
    mains_v: float = 0.0
    mains_hz: float = 50.0
    esd: int = 0  # one tick of garbage to come

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
    brought: int = 0  # which electrodes the load brings; 0: the patch's are in use
    decade: int = 0  # the resistor is a decade box: turning it is no new contact
    base_ohm: float = 500.0  # the series resistance before it dried
    e_now_v: float = 0.5
    rated_drug_c: float = math.inf  # of the electrodes in use
    rated_return_c: float = math.inf
    q_fitted_c: float = 0.0  # q_c when the electrodes were new
    q_worn_c: float = math.inf  # q_c from which e_now_v moves
    q_spent_c: float = math.inf  # q_c from which anything slow is due: e_now_v, supply
    # Kept by kinds.py: R parallel C.
    shunt_f: float = 0.0
    v_shunt: float = 0.0
    shunt_left: float = 0.0
    shunt_lag: float = 0.0
    # Kept by loads.py: a recorded trace, its time and its row.
    trace: int = 0
    trace_s: float = 0.0
    trace_row: int = 0
    # Kept by supply.py.
    powered: int = 1
    rail_v: float = 60.0  # what the boost converter gives now
    rail_full_v: float = 60.0  # what it gives once it has settled
    boost_s: float = 1.0  # since its start, as long as it has not settled
    over_v: float = 0.0
    rise_c: float = 0.0  # of the case above its surroundings
    rest_s: float = 0.0  # without current since the supply was last looked at
    rest_due_s: float = 0.0
    q_seen_c: float = 0.0  # q_c and current when it was
    i_seen_a: float = 0.0
    q_settle_c: float = 0.0  # q_c from which it is looked at again
    # Kept by detour.py: whether ticks go the long way, the path for the current meanwhile, and what moves by itself.
    odd: int = 0
    way: int = 0
    news: int = 0  # something was changed by hand: the next tick tells it
    broken: float = 1.0
    dried: float = 1.0
    dry_per_s: float = 0.0
    touching: int = 1  # a chattering lead, now
    edge_s: float = 0.0  # to its next edge
    hum: float = 0.25  # phase of the mains, in cycles
    press_s: float = 0.0  # the button is still held
    # Kept by front_end.py: constants of one step of dt_s, and of the converters.
    dt_s: float = 0.01
    drift: float = 1.0
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
        return (abs(self.i_a) - self.leak_a) * max(self.per_drug, self.per_return)

    @property
    def return_a(self) -> float:
        """Truth: what comes back through the return channel, signed as i_a."""
        return self.i_a - self.leak_a if self.i_a > 0.0 else self.i_a + self.leak_a

    @property
    def unit_now_c(self) -> float:
        """Truth: the temperature of the case."""
        return self.unit_temp_c + self.rise_c


FIELDS: Final[tuple[str, ...]] = tuple(Plant.__annotations__)
_DEFAULTS: Final[tuple[float, ...]] = vars(Plant)["DEFAULTS"]

PARAMETERS: Final[tuple[str, ...]] = FIELDS[FIELDS.index("drug_cm2") : FIELDS.index("rng_x")]

_all: Final[Callable[[Plant], tuple[float, ...]]] = attrgetter(*FIELDS)


def _compiled() -> Callable[[Plant, tuple[float, ...]], None]:
    """One assignment to all fields: a tenth of the time of a loop over `setattr`."""
    room: dict[str, Callable[[Plant, tuple[float, ...]], None]] = {}
    targets = ", ".join(f"p.{name}" for name in FIELDS)
    exec(f"def assign(p, state):\n    {targets} = state\n", room)
    return room["assign"]


_assign: Final = _compiled()


def snapshot(p: Plant) -> tuple[float, ...]:
    """Everything the plant is, as one plain tuple in the order of `FIELDS`."""
    return _all(p)


def restore(p: Plant, state: tuple[float, ...]) -> None:
    """Put a snapshot back, bit for bit."""
    _assign(p, state)
