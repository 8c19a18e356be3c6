"""The rarer loads: R parallel C, decade box, recorded trace, child's patch, worn electrode."""

import math

import pytest

from hw_sim.plant import Plant, lift, new_plant, replace, restore, set_load, set_parameter, set_trace, snapshot, step
from hw_sim.plant.traces import kept

CODE_2MA = 1950


def energised(load: str, code: int = CODE_2MA, **parameters: float) -> Plant:
    p = new_plant(load=load, **parameters)
    p.relay = 1
    p.dac_code = code
    return p


def steps(p: Plant, n: int) -> Plant:
    for _ in range(n):
        step(p)
    return p


# -- R parallel C --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["5k||1u", "5k||2u", "4k7||100n", "10k||100u"])
def test_step_into_r_parallel_c_is_the_closed_form(spec: str) -> None:
    p = energised(spec, r_out_ohm=1e300)
    rc_s, tau_s = p.load_ohm * p.shunt_f, 2e-3
    settled = CODE_2MA * p.a_per_code * p.load_ohm
    for tick in range(1, 40):
        step(p)
        t = tick * 0.01
        rest = (rc_s * math.exp(-t / rc_s) - tau_s * math.exp(-t / tau_s)) / (rc_s - tau_s)
        assert p.v_v == pytest.approx(settled * (1.0 - rest), rel=1e-9)


def test_source_as_slow_as_the_load_has_its_limit() -> None:
    p = steps(energised("2k||1u", r_out_ohm=1e300), 1)  # RC = 2 ms = tau of the source
    assert p.v_v == pytest.approx(CODE_2MA * p.a_per_code * 2e3 * (1.0 - 6.0 * math.exp(-5.0)), rel=1e-9)


def test_capacitor_keeps_its_charge_while_the_lead_is_off() -> None:
    p = steps(energised("100k||10u", 200), 300)
    held = p.v_shunt
    lift(p, "drug")
    steps(p, 100)
    assert p.v_shunt == pytest.approx(held * math.exp(-1.0), rel=1e-9)
    surge = 10e-9 * (60.0 - p.v_shunt)
    replace(p, "drug")
    steps(p, 1)
    assert p.q_surge_c == pytest.approx(surge, rel=2e-3)


def test_capacitor_reaches_the_limit_and_stays_there() -> None:
    p = steps(energised("100k||1u"), 100)
    assert p.v_v == 60.0
    assert p.i_a == pytest.approx(60 / 100e3, rel=1e-6)


@pytest.mark.parametrize("spec", ["5k||", "||100n", "5k||100", "0||100n", "5k||2000u", "5k||0n", "skin||100n"])
def test_what_is_no_pair_is_refused(spec: str) -> None:
    p = new_plant(load="5k")
    before = snapshot(p)
    with pytest.raises(ValueError, match="is no load"):
        set_load(p, spec)
    assert snapshot(p) == before


# -- decade box ----------------------------------------------------------------------------------------------


def test_turning_a_decade_box_is_no_new_contact() -> None:
    p = steps(energised("decade:4700"), 20)
    assert p.v_v == pytest.approx(p.i_a * 4700, rel=1e-6)
    for ohm in (500, 10_000, 0, 4701):
        set_load(p, f"decade:{ohm}")
        steps(p, 20)
        assert p.load_ohm == ohm
        assert p.i_a == pytest.approx(2.008e-3, rel=2e-3)
    assert p.q_surge_c == 0.0
    assert p.odd == 0


def test_another_load_in_place_of_the_box_is_a_new_contact() -> None:
    p = steps(energised("decade:22000"), 20)
    set_load(p, "5k")
    assert steps(p, 1).q_surge_c == pytest.approx(44e-8, rel=0.01)  # 10 nF at 44 V


@pytest.mark.parametrize("spec", ["decade:", "decade:1M", "decade:4.5", "decade:skin"])
def test_box_has_whole_ohms_below_a_million(spec: str) -> None:
    with pytest.raises(ValueError, match=r"is no (load|setting of a decade box)"):
        new_plant(load=spec)


# -- trace ---------------------------------------------------------------------------------------------------

ROWS = ((1.0, 4000.0), (2.0, 8000.0), (2.5, 8000.0), (3.0, 1000.0))


def test_trace_is_straight_between_its_rows_and_ends_with_the_last() -> None:
    p = energised("5k")
    set_trace(p, ROWS)
    seen = [steps(p, 25).load_ohm for _ in range(14)]
    assert seen == pytest.approx([4e3, 4e3, 4e3, 4e3, 5e3, 6e3, 7e3, 8e3, 8e3, 8e3, 4.5e3, 1e3, 1e3, 1e3], rel=1e-6)
    assert p.v_v == pytest.approx(p.i_a * 1000.0, rel=1e-6)
    assert (p.odd, p.trace) == (0, 0)


def test_trace_survives_a_snapshot_in_another_plant() -> None:
    p = energised("5k")
    set_trace(p, ROWS)
    steps(p, 140)
    saved = snapshot(p)
    first = snapshot(steps(p, 200))
    other = new_plant()
    restore(other, saved)
    assert snapshot(steps(other, 200)) == first


def test_another_load_ends_the_trace() -> None:
    p = energised("5k")
    set_trace(p, ROWS)
    steps(p, 20)
    set_load(p, "4k7")
    steps(p, 300)
    assert (p.load_ohm, p.odd) == (4700.0, 0)


def test_same_rows_are_kept_once() -> None:
    assert kept(ROWS) == kept([list(row) for row in ROWS]) != kept(ROWS[:3])  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ((), "at least one row"),
        (((0.0, 1.0), (0.0, 2.0)), "Row 2 of the trace is at 0 s"),
        (((0.0, -1.0),), "Row 1 of the trace has -1 ohm"),
        (((0.0, 1.0), (1.0, math.nan)), "Row 2 of the trace has nan ohm"),
        (((math.inf, 1.0),), "Row 1 of the trace is at inf s"),
    ],
)
def test_rows_that_are_no_trace_are_refused(rows: tuple[tuple[float, float], ...], why: str) -> None:
    p = new_plant(load="5k")
    before = snapshot(p)
    with pytest.raises(ValueError, match=why):
        set_trace(p, rows)
    assert snapshot(p) == before


# -- patches -------------------------------------------------------------------------------------------------


def test_childs_pads_replace_the_patch_while_connected() -> None:
    p = new_plant(load="child-patch", r_s_ohm=700.0)
    assert (p.area_drug_cm2, p.area_return_cm2, p.series_ohm) == (7.1, 7.1, 700.0)
    set_parameter(p, "drug_cm2", 5.0)
    assert p.area_drug_cm2 == 7.1
    set_load(p, "skin")
    assert (p.area_drug_cm2, p.area_return_cm2) == (5.0, 25.0)
    with pytest.raises(ValueError, match="child-patch brings its own electrodes: leave out drug_cm2 and return_cm2"):
        new_plant(load="child-patch", drug_cm2=5.0)


def test_worn_patch_has_three_milliampere_minutes_left() -> None:
    p = energised("spent-electrode")
    while p.e_now_v == 0.5:
        step(p)
    assert p.q_c == pytest.approx(0.18, rel=1e-3)
    steps(p, 6200)  # 5 % of 2.4 C at 2 mA: 60 s
    assert p.e_now_v == pytest.approx(5.5)


def test_worn_patch_with_a_rating_of_its_own() -> None:
    p = energised("spent-electrode", drug_rating_c=0.4, spent_v=8.0)
    while p.e_now_v == 0.5:
        step(p)
    assert p.q_c == pytest.approx(0.18, rel=1e-3)
    assert steps(p, 1100).e_now_v == pytest.approx(8.5)


def test_rating_of_the_patch_in_use_can_be_changed() -> None:
    p = steps(energised("skin"), 1000)  # 20 mC
    set_parameter(p, "drug_rating_c", 0.01)
    assert p.e_now_v == pytest.approx(5.5)
