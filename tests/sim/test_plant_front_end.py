"""The source, the relay, the comparators and the converters, on loads whose answer is known."""

import math

import pytest

from hw_sim.plant import (
    Plant,
    lift,
    new_plant,
    replace,
    restore,
    set_contact,
    set_load,
    set_step,
    snapshot,
    step,
)
from hw_sim.plant.record import FIELDS

CODE_2MA = 1950  # 1950 * 4.2 mA / 4095 = 2.000 mA


def energised(load: str, code: int = 0, **parameters: float) -> Plant:
    p = new_plant(load=load, **parameters)
    p.relay = 1
    p.dac_code = code
    return p


def steps(p: Plant, n: int) -> Plant:
    for _ in range(n):
        step(p)
    return p


def means(p: Plant, n: int) -> tuple[float, float, float]:
    """Mean codes of the three converters over the next `n` ticks."""
    total = [0, 0, 0]
    for _ in range(n):
        step(p)
        total = [t + c for t, c in zip(total, (p.adc_i, p.adc_i2, p.adc_v), strict=True)]
    return total[0] / n, total[1] / n, total[2] / n


def read(p: Plant) -> tuple[float, float, float]:
    """What a firmware makes of the codes: mA, mA, V, with the zeroes taken with the relay open."""
    commanded = p.relay
    p.relay = 0
    zero = means(steps(p, 3), 100)
    p.relay = commanded
    got = means(steps(p, 30), 100)
    i, i2, v = (a - b for a, b in zip(got, zero, strict=True))
    return i * 5.0 / 65535, i2 * 5.0 / 65535, v * 70.0 / 65535


# -- converters and source -----------------------------------------------------------------------------------


def test_codes_with_the_relay_open_are_the_offsets() -> None:
    assert means(new_plant(), 2000) == pytest.approx((40.0, 36.0, 44.0), abs=0.1)


@pytest.mark.parametrize("ohm", [500, 4700, 10000])
def test_ohms_law_within_the_gain_errors(ohm: int) -> None:
    p = energised(str(ohm), CODE_2MA)
    ma, ma2, volts = read(p)
    true_ma = 2.0 * 1.004 - 2.0 * ohm / 10e6  # DAC gain error +0.4 %; what the output resistance takes
    assert p.i_a * 1e3 == pytest.approx(true_ma, abs=1e-4)
    assert p.v_v == pytest.approx(p.i_a * ohm, rel=1e-9)
    assert ma == pytest.approx(p.i_a * 1e3 * 1.001, abs=2e-5)
    assert ma2 == pytest.approx(p.i_a * 1e3 * 0.999, abs=2e-5)
    assert volts == pytest.approx(p.v_v * 1.0015, abs=3e-4)


def test_calibrated_front_end_reads_exact_codes() -> None:
    exact = dict.fromkeys(("gain_i", "gain_i2", "gain_v"), 1.0) | dict.fromkeys(("noise_i", "noise_i2", "noise_v"), 0.0)
    p = energised("5k", 1000, a_per_code=1e-6, r_out_ohm=1e300, **exact)
    steps(p, 20)
    # 1 mA / 76.2951 nA = 13107.0; 5 V / (70 V / 65535) = 4681.07; offsets 40, 36, 44
    assert (p.adc_i, p.adc_i2, p.adc_v) == (13147, 13143, 4725)


def test_converters_stop_at_the_ends_of_their_scale() -> None:
    high = steps(energised("5k", 4095, gain_i=2.0, gain_i2=2.0, gain_v=10.0), 20)
    assert (high.adc_i, high.adc_i2, high.adc_v) == (65535, 65535, 65535)
    low = steps(energised("5k", 0, offset_i=-50.0, offset_i2=-50.0, offset_v=-50.0), 20)
    assert (low.adc_i, low.adc_i2, low.adc_v) == (0, 0, 0)


def test_code_zero_is_exactly_zero_current() -> None:
    p = steps(energised("skin"), 50)
    assert (p.i_a, p.v_v, p.q_c, p.peak_i_a) == (0.0, 0.0, 0.0, 0.0)


def test_source_settles_with_two_milliseconds() -> None:
    p = steps(energised("5k", CODE_2MA, r_out_ohm=1e300), 1)
    final = CODE_2MA * p.a_per_code
    assert p.i_a == pytest.approx(final * (1 - 0.2 * (1 - math.exp(-5))), rel=1e-12)
    assert p.v_v == pytest.approx(final * (1 - math.exp(-5)) * 5000, rel=1e-12)


def test_hardware_limiter_clamps_at_4_2_milliampere() -> None:
    p = steps(energised("short", 4095), 20)  # 4.2 mA x 1.004 is asked for
    assert p.i_a == pytest.approx(4.2e-3, rel=1e-6)
    assert p.peak_i_a <= 4.2e-3
    assert p.cmp_i == 0


def test_charge_is_the_integral_of_the_current() -> None:
    p = energised("5k", CODE_2MA)
    total = 0.0
    for _ in range(200):
        step(p)
        total += p.i_a * 0.01
    assert p.q_c == pytest.approx(total, rel=1e-12)


def test_bridge_signs_the_truth_and_not_the_converters() -> None:
    forward, reverse = energised("skin", 500), energised("skin", 500)
    reverse.bridge = -1
    steps(forward, 100)
    steps(reverse, 100)
    assert reverse.i_a == -forward.i_a < 0.0
    assert (reverse.adc_i, reverse.adc_v, reverse.q_c) == (forward.adc_i, forward.adc_v, forward.q_c)


# -- limits --------------------------------------------------------------------------------------------------


def test_source_gives_way_at_sixty_volts_into_a_resistor() -> None:
    p = steps(energised("22k", 4095), 20)
    assert p.v_v == 60.0
    assert p.i_a == pytest.approx(60.0 / 22000, rel=1e-9)
    assert (p.cmp_v, p.cmp_i, p.relay_fb) == (0, 0, 1)


def test_source_gives_way_at_sixty_volts_into_skin() -> None:
    p = steps(energised("dry-skin", 3900, drug_cm2=0.1, return_cm2=0.1), 10)
    assert p.v_v == 60.0
    assert 0.0 < p.i_a < 3e-3
    across = p.v_drug + p.v_return + p.i_a * 500 + 0.5 * p.i_a / (p.i_a + 20e-6)
    assert across == pytest.approx(60.0, abs=1e-4)


def test_skin_at_the_limit_lets_more_current_through_until_the_source_regulates_again() -> None:
    p = steps(energised("dry-skin", 3900, drug_cm2=0.2, return_cm2=0.2), 10)
    limited = p.i_a
    steps(p, 10)
    assert limited < p.i_a < 3.9e-3
    assert p.v_v == 60.0
    steps(p, 500)
    assert p.v_v < 60.0
    assert p.i_a == pytest.approx(3900 * p.a_per_code - p.v_v / 10e6, rel=1e-5)


@pytest.mark.parametrize("load", ["short", "skin"])
def test_comparator_opens_the_relay_within_a_millisecond_and_holds_it(load: str) -> None:
    p = steps(energised(load, 4095, limiter_a=5e-3, a_per_code=5e-3 / 4095), 1)
    assert (p.cmp_i, p.relay_fb, p.v_v) == (1, 0, 0.0)
    assert p.q_c < 5e-3 * 1e-3
    assert p.peak_i_a > 4.4e-3
    p.dac_code = 0
    steps(p, 5)
    assert (p.cmp_i, p.relay_fb, p.i_a) == (1, 0, 0.0)
    p.relay = 0
    steps(p, 1)
    assert (p.cmp_i, p.relay_fb) == (0, 0)
    p.relay = 1
    steps(p, 1)
    assert (p.cmp_i, p.relay_fb) == (0, 1)


@pytest.mark.parametrize("load", ["22k", "open"])
def test_voltage_comparator_zeroes_the_dac_until_the_next_tick(load: str) -> None:
    p = energised(load, 3900, compliance_v=75.0)
    steps(p, 3)
    assert p.cmp_v == 1
    assert p.v_v <= 62.0
    p.dac_code = 0
    steps(p, 1)
    assert p.cmp_v == 0


# -- no path for the current ---------------------------------------------------------------------------------


def test_open_load_takes_the_voltage_up_and_no_current() -> None:
    p = energised("open", 49)  # 50 uA into 10 nF: 5 V/ms
    steps(p, 1)
    assert 45.0 < p.v_v < 51.0
    steps(p, 1)
    assert (p.v_v, p.i_a, p.q_c) == (60.0, 0.0, 0.0)
    assert p.adc_v == pytest.approx(60.0 * 65535 / 70 * 1.0015 + 44, abs=6)


def test_open_output_falls_again_through_the_output_resistance() -> None:
    p = steps(energised("open", 1000), 10)
    p.dac_code = 0
    steps(p, 10)
    assert p.v_v == pytest.approx(60.0 * math.exp(-1.0))  # 100 ms, 10 Mohm x 10 nF


def test_short_shows_almost_no_voltage() -> None:
    p = steps(energised("short", CODE_2MA), 20)
    assert p.v_v == pytest.approx(3.0e-3, rel=0.01)


def test_relay_open_is_no_current_and_no_voltage_whatever_the_dac_says() -> None:
    p = new_plant(load="5k")
    p.dac_code = 4095
    steps(p, 20)
    assert (p.i_a, p.v_v, p.relay_fb, p.q_c) == (0.0, 0.0, 0, 0.0)


def test_opening_the_relay_ends_the_current_in_the_same_tick() -> None:
    p = steps(energised("skin", CODE_2MA), 100)
    p.relay = 0
    steps(p, 1)
    assert (p.i_a, p.v_v, p.relay_fb) == (0.0, 0.0, 0)


@pytest.mark.parametrize("lead", ["drug", "return", "both"])
def test_lifted_lead_is_an_open_circuit_and_replaced_carries_again(lead: str) -> None:
    p = steps(energised("skin", CODE_2MA), 100)
    lift(p, lead)
    steps(p, 2)
    assert (p.i_a, p.v_v, p.relay_fb) == (0.0, 60.0, 1)
    replace(p, lead)
    steps(p, 10)
    assert p.i_a == pytest.approx(2.008e-3, rel=2e-3)


def test_recontact_takes_the_charge_of_the_output_capacitance_and_no_more() -> None:
    p = steps(energised("skin", CODE_2MA), 100)
    lift(p, "drug")
    steps(p, 30)
    before = p.q_c
    replace(p, "drug")
    steps(p, 1)
    assert 0.5e-6 < p.q_surge_c <= 0.6e-6  # 10 nF at 60 V, physics page section 4
    assert p.q_c - before == pytest.approx(p.q_surge_c + p.i_a * 0.01, rel=1e-9)
    assert p.peak_i_a < 2.1e-3


def test_closing_the_relay_on_a_discharged_output_has_no_surge() -> None:
    p = steps(energised("skin", 49), 10)
    assert p.q_surge_c == 0.0


def test_peeling_and_changing_shares_are_no_recontact() -> None:
    p = steps(energised("skin", CODE_2MA), 100)
    for share in (0.5, 0.2, 0.7, 1.0):
        set_contact(p, "drug", share)
        steps(p, 5)
    assert p.q_surge_c == 0.0


# -- the record ----------------------------------------------------------------------------------------------


def story(p: Plant) -> list[tuple[float, ...]]:
    """A bit of everything, with the whole record after each part."""
    seen = []
    for code, load in ((900, None), (3900, None), (0, "5k"), (2000, "open"), (2000, "dry-skin")):
        if load is not None:
            set_load(p, load)
        p.dac_code = code
        for _ in range(40):
            step(p)
        seen.append(snapshot(p))
    return seen


def test_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    first, again, other = (story(energised("skin", seed=seed)) for seed in (5, 5, 6))
    assert first == again
    codes = [FIELDS.index(name) for name in ("adc_i", "adc_i2", "adc_v")]
    assert [[s[c] for c in codes] for s in first] != [[s[c] for c in codes] for s in other]


def test_snapshot_restores_exactly_in_the_same_plant_and_in_another() -> None:
    p = steps(energised("skin", 700), 150)
    set_contact(p, "return", 0.5)
    saved = snapshot(p)
    first = story(p)
    restore(p, saved)
    assert snapshot(p) == saved
    assert story(p) == first
    other = new_plant(load="22k", seed=9)
    restore(other, saved)
    assert story(other) == first


def test_record_is_flat_numbers_under_names_that_compile() -> None:
    p = steps(energised("skin", 700), 5)
    assert {type(value) for value in snapshot(p)} == {int, float}
    for name, value in zip(FIELDS, snapshot(Plant()), strict=True):
        assert type(getattr(p, name)) is type(value), name
    assert not {"flags", "size", "min", "max", "data"} & set(FIELDS)


def test_step_of_half_a_tick_moves_half_the_charge() -> None:
    p = energised("5k", CODE_2MA, r_out_ohm=1e300)
    steps(p, 20)
    set_step(p, 0.005)
    before = p.q_c
    steps(p, 1)
    assert p.q_c - before == pytest.approx(CODE_2MA * p.a_per_code * 0.005, rel=1e-6)
