"""Battery, boost converter, warmth and what the unit is told of them."""

import pytest

from hw_sim.plant import NO_SENSOR, Plant, lift, new_plant, power_off, power_on, set_load, set_parameter, step


def energised(load: str = "5k", code: int = 3900, **parameters: float) -> Plant:
    p = new_plant(load=load, **parameters)
    p.relay = 1
    p.dac_code = code
    return p


def steps(p: Plant, n: int) -> Plant:
    for _ in range(n):
        step(p)
    return p


# -- battery -------------------------------------------------------------------------------------------------


def test_new_battery_stands_at_nine_volts_and_gives_way_under_load() -> None:
    p = energised()
    assert p.supply_mv == 9292  # 9.3 V less 50 mW over 9.3 V through 1.5 ohm
    steps(p, 1000)
    # 60 V x 4.016 mA / 0.8 + 50 mW = 351 mW: 38.0 mA, 57 mV
    assert p.supply_mv == pytest.approx(9243, abs=2)
    p.relay = 0
    assert steps(p, 2).supply_mv == pytest.approx(9292, abs=1)


def test_battery_is_drawn_by_the_joule() -> None:
    p = steps(energised(), 60_000)  # 600 s at 351 mW, 9.24 V: 38.0 mA, 22.8 C of 1980 C
    assert 1.0 - p.battery_charge == pytest.approx(22.8 / 1980, rel=0.01)


def test_unit_at_rest_draws_fifty_milliwatt_by_the_clock() -> None:
    p = steps(new_plant(), 60_000)
    assert 1.0 - p.battery_charge == pytest.approx(0.05 * 600 / 9.29 / 1980, rel=0.01)


def test_unit_without_power_draws_nothing() -> None:
    p = new_plant()
    power_off(p)
    steps(p, 1000)
    assert p.battery_charge == 1.0


@pytest.mark.parametrize(("charge", "mv"), [(1.0, 9300), (0.5, 7750), (0.05, 5800), (0.0, 5200)])
def test_voltage_by_charge(charge: float, mv: int) -> None:
    assert new_plant(battery_charge=charge, battery_r_ohm=0.0).supply_mv == mv


def test_converter_sags_with_the_battery_and_the_limit_follows() -> None:
    p = steps(energised("22k", battery_r_ohm=0.0, battery_charge=0.04), 10)
    assert p.supply_mv == 5680  # 5.2 V + 0.4 of the 1.2 V to the next point
    assert p.v_v == pytest.approx(56.8, abs=1e-3)
    assert p.i_a == pytest.approx(56.8 / 22e3, rel=1e-4)


def test_limit_follows_while_current_flows() -> None:
    p = steps(energised("22k"), 10)
    set_parameter(p, "battery_charge", 0.04)
    set_parameter(p, "battery_r_ohm", 0.0)
    steps(p, 3)
    assert (p.v_v, p.odd) == (pytest.approx(56.8, abs=1e-3), 0)


def test_brown_out_takes_relay_and_current_and_ends_when_the_battery_recovers() -> None:
    p = steps(energised("15k"), 100)
    set_parameter(p, "battery_charge", 0.1)
    set_parameter(p, "battery_r_ohm", 25.0)  # 6.4 V open; 351 mW pull it to 4.4 V
    steps(p, 500)
    assert (p.closed, p.supplied) == (0, 0)
    assert p.i_a == 0.0
    p.relay = p.dac_code = 0
    steps(p, 200)
    assert p.supplied == 1
    assert p.supply_mv == pytest.approx(6200, abs=10)  # 50 mW through 25 ohm


def test_battery_that_cannot_give_the_power_falls_to_half() -> None:
    p = new_plant(battery_r_ohm=1000.0)
    assert (p.supply_mv, p.supplied) == (4650, 0)


def test_reference_that_drifts_up_makes_the_supply_look_low() -> None:
    assert new_plant(reference_drift=0.1).supply_mv == round(9291.9 / 1.1)


# -- converter -----------------------------------------------------------------------------------------------


def test_converter_rises_in_fifty_milliseconds_after_power_on() -> None:
    p = new_plant(load="open")
    power_off(p)
    steps(p, 3)
    power_on(p)
    p.relay, p.dac_code = 1, 4000
    rise = [round(steps(p, 1).rail_v, 6) for _ in range(7)]
    assert rise == [12.0, 24.0, 36.0, 48.0, 60.0, 60.0, 60.0]
    assert (p.v_v, p.odd) == (60.0, 0)


def test_converter_overshoots_after_power_on_and_settles() -> None:
    p = new_plant(load="5k", boost_overshoot_v=10.0)
    power_off(p)
    power_on(p)
    rails = [steps(p, 1).rail_v for _ in range(60)]
    assert max(rails) == pytest.approx(70.0)
    assert rails[-1] == 60.0


def test_overshoot_with_an_open_lead_brings_the_comparator_and_with_a_load_nothing() -> None:
    p = energised("open", boost_overshoot_v=10.0)
    volts = [steps(p, 1).v_v for _ in range(5)]
    assert max(volts) == 62.0
    sound, loaded = energised("5k"), energised("5k", boost_overshoot_v=10.0)
    for _ in range(50):
        step(sound)
        step(loaded)
        assert loaded.i_a == sound.i_a


def test_contact_made_on_an_overshoot_takes_less_than_a_microcoulomb() -> None:
    p = energised("open", boost_overshoot_v=40.0)
    steps(p, 2)
    set_load(p, "5k")
    assert 0.0 < steps(p, 1).q_surge_c <= 0.62e-6


def test_without_power_nothing_flows_through_a_welded_relay() -> None:
    p = energised(relay_welded=1)
    steps(p, 10)
    power_off(p)
    steps(p, 10)
    assert p.i_a == pytest.approx(0.0, abs=1e-12)
    assert p.rail_v == 0.0


# -- warmth --------------------------------------------------------------------------------------------------


def test_case_warms_with_what_the_load_does_not_take() -> None:
    p = steps(energised("short", 3900), 60_000)
    # 60 V x 4.016 mA / 0.8 + 50 mW at 20 K/W after one time constant: 7.02 K x 0.632
    assert p.unit_now_c - 25.0 == pytest.approx(4.44, rel=0.02)
    assert p.unit_temp_dc == pytest.approx(294, abs=1)


def test_hot_unit_is_told_at_once_and_a_missing_sensor_too() -> None:
    p = new_plant()
    set_parameter(p, "unit_temp_c", 65.0)
    assert p.unit_temp_dc == 650
    set_parameter(p, "unit_temp_missing", 1)
    assert p.unit_temp_dc == NO_SENSOR == -32768


def test_warmth_of_the_skin_moves_its_conductance() -> None:
    p = new_plant()
    before = p.g0_drug
    set_parameter(p, "temperature_c", 42.0)
    assert p.g0_drug / before == pytest.approx(1.2)


# -- interlock -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opened", "defeated", "closed"), [(0, 0, 1), (1, 0, 0), (1, 1, 1), (0, 1, 1)])
def test_interlock(opened: int, defeated: int, closed: int) -> None:
    p = new_plant()
    set_parameter(p, "interlock_open", opened)
    set_parameter(p, "interlock_defeated", defeated)
    assert p.interlock == closed


def test_supply_costs_no_look_in_most_ticks() -> None:
    """At a steady current the supply is looked at every 4 s; without current every second."""
    p = steps(energised("5k"), 500)
    looks, mark = 0, p.q_settle_c
    for _ in range(4000):
        step(p)
        looks += p.q_settle_c != mark
        mark = p.q_settle_c
    assert looks == 10
    lift(p, "both")
    step(p)
    seen = {(step(p), p.battery_charge)[1] for _ in range(1000)}
    assert len(seen) == 11
