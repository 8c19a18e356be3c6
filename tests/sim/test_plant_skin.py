"""The skin against closed forms, and its parameters. What is published about skin: `test_observations.py`."""

import math
from collections.abc import Iterator

import pytest

from hw_sim.plant import (
    Plant,
    draw_person,
    new_plant,
    restore,
    set_contact,
    set_load,
    set_step,
    snapshot,
    step,
)
from hw_sim.plant.noise import SIGMA
from hw_sim.plant.skin import SWIFT, carry, fading, volts_at

A_PER_CODE = 4.2e-3 / 4095


def skin(load: str = "skin", **parameters: float) -> Plant:
    """A load behind a source without gain error, output resistance or settling."""
    parameters = {"a_per_code": A_PER_CODE, "r_out_ohm": 1e300, "tau_source_s": 1e-6} | parameters
    p = new_plant(load=load, **parameters)
    p.relay = 1
    return p


def hold(p: Plant, ma: float, seconds: float, dt_s: float = 1.0) -> None:
    """Constant current from now on; the conductance is exact at any step."""
    set_step(p, dt_s)
    p.dac_code = round(ma * 1e-3 / p.a_per_code)
    for _ in range(round(seconds / dt_s)):
        step(p)


def ramp(p: Plant, ma: float, over_s: float, until_s: float) -> Iterator[tuple[int, Plant]]:
    """Ramp linearly tick by tick, then hold; yields after each tick."""
    for tick in range(1, round(until_s * 100) + 1):
        p.dac_code = round(ma * 1e-3 * min(tick / (over_s * 100), 1.0) / p.a_per_code)
        step(p)
        yield tick, p


def test_local_density_of_a_peeled_electrode_is_fivefold() -> None:
    p = skin()
    hold(p, 4.0, 10)
    assert p.j_local_a_cm2 == pytest.approx(0.4e-3, rel=1e-3)
    set_contact(p, "drug", 0.2)
    step(p)
    assert p.j_local_a_cm2 == pytest.approx(2.0e-3, rel=1e-3)


# -- numerics ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", ["skin", "dry-skin", "hydrated-skin"])
@pytest.mark.parametrize(("over_s", "r_out_ohm"), [(8.0, 1e300), (30.0, 10e6)], ids=["steepest ramp", "reference ramp"])
def test_halving_the_tick_moves_the_voltage_by_less_than_a_millivolt(
    load: str, over_s: float, r_out_ohm: float
) -> None:
    whole, half = new_plant(load=load, r_out_ohm=r_out_ohm), new_plant(load=load, r_out_ohm=r_out_ohm)
    whole.relay = half.relay = 1
    set_step(half, 0.005)
    worst = 0.0
    for _tick, p in ramp(whole, 4.0, over_s, until_s=60):
        half.dac_code = p.dac_code
        step(half)
        step(half)
        worst = max(worst, abs(p.v_v - half.v_v))
    assert 0.0 < worst < 1e-3


def linear(load: str, tau_source_s: float) -> Plant:
    """V0 so high that the contacts are plain R parallel C, one of them shorted by its area."""
    return skin(load, v0_v=1e6, k_per_v=0.0, r_s_ohm=0.0, e_pol_v=0.0, return_cm2=1e9, tau_source_s=tau_source_s)


@pytest.mark.parametrize("load", ["skin", "dry-skin"])
@pytest.mark.parametrize("tau_s", [1e-6, 2e-3])
def test_step_response_of_a_linear_contact_is_the_closed_form(load: str, tau_s: float) -> None:
    p = linear(load, tau_s)
    rc_s = 30e-9 / p.g0_drug  # 6 ms, 18 ms
    p.dac_code = 49  # 50 uA
    settled = 49 * A_PER_CODE / 10.0 / p.g0_drug
    for tick in range(1, 20):
        step(p)
        t = tick * 0.01
        rest = (rc_s * math.exp(-t / rc_s) - tau_s * math.exp(-t / tau_s)) / (rc_s - tau_s)
        assert p.v_v == pytest.approx(settled * (1.0 - rest), abs=0.0015 * settled)


def test_source_that_settles_as_slowly_as_the_contact_has_its_limit_too() -> None:
    p = linear("skin", 6e-3)  # RC is 6 ms as well: z = dt / tau exactly
    p.dac_code = 49
    step(p)
    settled = 49 * A_PER_CODE / 10.0 / p.g0_drug
    a = 10.0 / 6.0
    assert p.v_v == pytest.approx(settled * (1.0 - (1.0 + a) * math.exp(-a)), abs=0.002 * settled)


def test_fading_is_the_exponential_where_it_is_used() -> None:
    assert fading(0.0) == 1.0
    assert max(abs(fading(z / 100) - math.exp(-z / 100)) for z in range(round(SWIFT * 100))) < 0.0016


@pytest.mark.parametrize("ma", [0.05, 0.5, 4.0], ids=["slow contacts", "one slow contact", "swift contacts"])
def test_inlined_lines_of_the_step_are_those_of_the_functions(ma: float) -> None:
    p = skin("dry-skin")
    hold(p, ma, 1.0, 0.01)
    before = snapshot(p)
    volts = volts_at(p, p.source_a)
    step(p)
    stepped = (p.g_drug, p.g_return, p.v_drug, p.v_return, p.v_v)
    restore(p, before)
    carry(p, p.source_a)
    assert (p.g_drug, p.g_return, p.v_drug, p.v_return, volts) == stepped


def test_conductance_is_the_exact_exponential_at_any_step() -> None:
    plants = skin(), skin()
    for p, dt_s in zip(plants, (0.01, 10.0), strict=True):
        hold(p, 2.0, 100, dt_s)
    ms_cm2 = 0.005 + 0.21 * 0.2 * (1.0 - math.exp(-100 / 300))  # g0 + k J (1 - exp(-t / tau_on))
    for p in plants:
        assert p.g_drug * 1e3 == pytest.approx(ms_cm2, rel=1e-3)
    assert plants[0].g_drug == pytest.approx(plants[1].g_drug, rel=1e-9)


def test_lifted_skin_recovers_and_remembers() -> None:
    p = skin()
    hold(p, 4.0, 300)
    under_current = p.g_drug
    set_contact(p, "drug", 0.0)
    hold(p, 4.0, 150)
    left = (p.g_drug - p.g0_drug) / (under_current - p.g0_drug)
    assert left == pytest.approx(math.exp(-150 / 1500), rel=1e-6)


# -- parameters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "ms_cm2"), [("skin", 0.005), ("dry-skin", 0.005 / 3), ("hydrated-skin", 0.02), ("membrane", 0.1)]
)
def test_presets_set_the_conductance_at_the_start(load: str, ms_cm2: float) -> None:
    p = new_plant(load=load)
    assert (p.g_drug * 1e3, p.g_return * 1e3) == pytest.approx((ms_cm2, ms_cm2))


def test_a_person_has_its_own_skin_under_each_electrode() -> None:
    p = new_plant(person_drug=2.0, person_return=0.5)
    assert (p.g_drug, p.g_return) == pytest.approx((10e-6, 2.5e-6))


def test_person_is_drawn_from_the_seed_and_nothing_else() -> None:
    assert draw_person(1, 3) == draw_person(1, 3)
    assert len({draw_person(seed, n) for seed in (1, 2) for n in range(50)}) == 100


def test_population_is_lognormal_and_the_two_contacts_are_independent() -> None:
    logs = [[math.log(f) for f in draw_person(3, n)] for n in range(4000)]
    for side in (0, 1):
        mean = sum(z[side] for z in logs) / 4000
        rms = math.sqrt(sum((z[side] - mean) ** 2 for z in logs) / 4000)
        assert abs(mean) < 3 * SIGMA / math.sqrt(4000)
        assert rms == pytest.approx(0.35, rel=0.04)
    assert abs(sum(z[0] * z[1] for z in logs) / 4000 / SIGMA**2) < 0.05


@pytest.mark.parametrize(("used_c", "e_pol_v"), [(0.0, 0.5), (1.0, 0.5), (1.025, 3.0), (1.05, 5.5), (2.0, 5.5)])
def test_spent_electrode_adds_volts_after_its_rated_charge(used_c: float, e_pol_v: float) -> None:
    p = skin(drug_rating_c=1.0)
    hold(p, 4.0, used_c / 4e-3, 0.25)
    assert p.e_now_v == pytest.approx(e_pol_v, abs=0.15)


def test_second_electrode_may_be_spent_later() -> None:
    p = skin(drug_rating_c=0.1, return_rating_c=0.2)
    hold(p, 4.0, 0.15 / 4e-3, 0.1)
    assert p.e_now_v == pytest.approx(5.5)
    hold(p, 4.0, 0.10 / 4e-3, 0.1)
    assert p.e_now_v == pytest.approx(10.5)


def test_fresh_skin_comes_with_fresh_electrodes() -> None:
    p = skin(drug_rating_c=0.1)
    hold(p, 4.0, 30)
    worn = (p.e_now_v, p.g_drug)
    set_load(p, "skin")
    assert worn[0] == pytest.approx(5.5)
    assert (p.e_now_v, p.g_drug) == (0.5, p.g0_drug)
