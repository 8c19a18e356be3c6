"""A control record put together by hand: what one detector sees, without a bench and without a tick before it."""

from __future__ import annotations

from hw_sim.firmware.machine import HOLD
from hw_sim.firmware.record import Record


def holding(**fields: int) -> Record:
    """A run in HOLD at 1 mA on 5 kohm, every reading as it should be; ``fields`` are otherwise."""
    s = Record()
    usual = {
        "st": HOLD, "told": HOLD, "is_open": 1, "relay": 1, "relay_fb": 1, "dac": 975, "ua": 1000, "uc": 60_000,
        "tgt": 1_000_000, "prog": 1_000_000, "reg": 1_000_000, "i": 1_000_000, "i_1": 1_000_000, "i2": 1_000_000,
        "v": 5000, "v_1": 5000, "adc_i": 13_107, "adc_i2": 13_108, "adc_v": 4681, "n_up": 5000, "n_dn": 10_000,
        "tmax": 100_000, "zmax": 30_000, "zmin": 200, "vmax": 54_000, "lease": 200,
    }  # fmt: skip
    for name, value in (usual | fields).items():
        setattr(s, name, value)
    return s


def shows(s: Record, **fields: int) -> None:
    """These fields have these values."""
    assert {name: getattr(s, name) for name in fields} == fields
