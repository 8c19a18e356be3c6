"""Loads by name, and what is refused."""

import pytest

from hw_sim.plant import LOADS, PARAMETERS, lift, new_plant, printed_ohm, replace, set_contact, set_load, step


@pytest.mark.parametrize(
    ("text", "ohm"),
    [
        ("0", 0.0),
        ("500", 500.0),
        ("5k", 5000.0),
        ("4k7", 4700.0),
        ("4.7k", 4700.0),
        ("10000", 10000.0),
        ("22K", 22000.0),
        ("220R", 220.0),
        ("1M", 1e6),
    ],
)
def test_resistors_as_printed(text: str, ohm: float) -> None:
    assert printed_ohm(text) == ohm
    assert new_plant(load=text).load_ohm == ohm


@pytest.mark.parametrize("text", ["", "k", "5kk", "4.7k2", "47 k", "-5k", "5 ohm", "skins", "1e3", "٥k", "5001k\n"])
def test_what_is_no_load_is_refused_and_changes_nothing(text: str) -> None:
    p = new_plant(load="5k")
    with pytest.raises(ValueError, match="is no load: use skin, dry-skin"):
        set_load(p, text)
    assert p.load_ohm == 5000.0


@pytest.mark.parametrize("name", LOADS)
def test_every_listed_load_connects_and_carries_or_does_not(name: str) -> None:
    p = new_plant(load=name)
    p.relay = 1
    p.dac_code = 100
    for _ in range(20):
        step(p)
    assert (p.i_a > 1e-4) is (name != "open")


def test_the_patch_stays_when_the_skin_changes_and_trays_only_while_connected() -> None:
    p = new_plant(load="dry-skin", drug_cm2=5.0, return_cm2=20.0, r_s_ohm=700.0)
    set_load(p, "tap-water")
    assert (p.area_drug_cm2, p.area_return_cm2, p.series_ohm) == (150.0, 150.0, 1500.0)
    set_load(p, "skin")
    assert (p.area_drug_cm2, p.area_return_cm2, p.series_ohm) == (5.0, 20.0, 700.0)


def test_connecting_a_load_puts_both_leads_on() -> None:
    p = new_plant()
    lift(p, "both")
    set_load(p, "5k")
    assert (p.alpha_drug, p.alpha_return) == (1.0, 1.0)


def test_leads_are_lifted_one_by_one() -> None:
    p = new_plant()
    lift(p, "drug")
    assert (p.alpha_drug, p.alpha_return) == (0.0, 1.0)
    lift(p, "return")
    replace(p, "drug")
    assert (p.alpha_drug, p.alpha_return) == (1.0, 0.0)
    set_contact(p, "both", 0.25)
    assert (p.alpha_drug, p.alpha_return) == (0.25, 0.25)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_share_outside_the_electrode_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="not a share of the electrode"):
        set_contact(new_plant(), "drug", alpha)


def test_lead_that_is_none_is_refused() -> None:
    p = new_plant()
    with pytest.raises(ValueError, match="There is no lead 'red': use drug, return or both"):
        lift(p, "red")
    assert (p.alpha_drug, p.alpha_return) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("colour", 1.0, "no parameter 'colour': use one of drug_cm2"),
        ("dac_code", 1.0, "no parameter"),
        ("drug_cm2", 0.0, "leaves nothing to simulate"),
        ("drug_cm2", -1.0, "is negative"),
        ("r_s_ohm", float("nan"), "is no quantity"),
        ("compliance_v", float("inf"), "is no quantity"),
    ],
)
def test_parameter_out_of_range_is_refused(name: str, value: float, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        new_plant(**{name: value})


def test_trays_and_a_patch_are_refused_together() -> None:
    with pytest.raises(ValueError, match="brings its own electrodes"):
        new_plant(load="tap-water", drug_cm2=5.0)


def test_parameters_begin_with_the_patch_and_end_with_the_noise() -> None:
    assert (PARAMETERS[0], PARAMETERS[-1]) == ("drug_cm2", "noise_v")


@pytest.mark.parametrize(
    "parameters", [{"temperature_c": -5.0}, {"offset_i": -3.0}, {"r_s_ohm": 0.0}, {"noise_v": 0.0}]
)
def test_zero_and_negative_are_values_where_they_mean_something(parameters: dict[str, float]) -> None:
    p = new_plant(**parameters)
    assert {name: getattr(p, name) for name in parameters} == parameters
