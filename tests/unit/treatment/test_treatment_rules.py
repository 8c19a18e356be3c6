"""What the values of a treatment mean together: each rule from both sides of its edge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.errors import TreatmentError
from controller.treatment import Patch, Phase, Pole, Treatment


def person(**changes: Any) -> dict[str, Any]:
    """A good treatment of a person; ``changes`` replace whole tables, None takes one out."""
    whole: dict[str, Any] = {
        "format": 1,
        "name": "x",
        "load": "person",
        "drug": {"id": "lidocaine"},
        "patch": {"drug_area_cm2": 10.0, "return_area_cm2": 20.0, "rated_ma_min": 80.0},
        "phase": [phase()],
        "screening": {
            "pacemaker_or_implant": False,
            "pregnancy": False,
            "drug_hypersensitivity": False,
            "damaged_skin": False,
            "metal_in_current_path": False,
        },
    } | changes
    return {key: value for key, value in whole.items() if value is not None}


def phase(**changes: Any) -> dict[str, Any]:
    whole = {"pole": "+", "current_ma": 2.0, "dose_ma_min": 40.0} | changes
    return {key: value for key, value in whole.items() if value is not None}


def bench(*phases: dict[str, Any], **tables: Any) -> dict[str, Any]:
    return {"format": 1, "name": "x", "load": "bench", "phase": list(phases), **tables}


def problems(data: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(TreatmentError) as caught:
        Treatment.from_dict(data, "t")
    return caught.value.problems


def only(data: dict[str, Any]) -> str:
    (problem,) = problems(data)
    return problem


def test_the_good_one_is_good() -> None:
    assert Treatment.from_dict(person()).warnings() == ()


# -- dose and time
# ---------------------------------------------------------------------------------------------


def test_one_of_dose_and_duration() -> None:
    assert "phase 1: found neither dose_ma_min nor duration_min" in only(bench(phase(dose_ma_min=None)))
    assert "phase 1: found dose_ma_min and duration_min, expected one of them" in only(bench(phase(duration_min=20.0)))


@pytest.mark.parametrize(
    ("current_ma", "duration_min", "dose_ma_min"),
    [
        (2.0, 20.0, 40.0),
        (1.33, 12.3, 16.3),  # 16.359, rounded down
        (1.1, 3.0, 3.3),  # 3.3000000000000003 in binary
        (0.3, 1.0, 0.3),  # 0.3 / 0.1 is 2.9999999999999996
        (0.53, 75.0, 39.7),  # 39.75
        (4.0, 20.0, 80.0),
    ],
)
def test_a_duration_is_a_dose_in_other_words(current_ma: float, duration_min: float, dose_ma_min: float) -> None:
    timed = phase(current_ma=current_ma, dose_ma_min=None, duration_min=duration_min)
    what = Treatment.from_dict(bench(timed))
    assert what.dose_ma_min == dose_ma_min
    assert what.prescriptions()[0].q_uc == round(dose_ma_min * 60_000)
    assert "duration_min" in what.as_dict()["phase"][0]
    assert "dose_ma_min" not in what.as_dict()["phase"][0]


def test_a_duration_that_is_rounded_down_is_told() -> None:
    timed = phase(current_ma=1.33, dose_ma_min=None, duration_min=12.3)
    (warning,) = Treatment.from_dict(bench(timed)).warnings()
    assert "12.3 min at 1.33 mA are 16.359 mA.min, delivered rounded down as 16.3" in warning


def test_a_duration_worth_no_dose_or_too_much() -> None:
    short = phase(current_ma=0.02, dose_ma_min=None, duration_min=1.0)
    assert "phase 1, duration_min: found 1 min at 0.02 mA, 0 mA.min, expected a dose" in only(bench(short))
    long = phase(current_ma=4.0, dose_ma_min=None, duration_min=21.0)
    assert "phase 1, duration_min: found 21 min at 4 mA, 84 mA.min, expected a dose" in only(bench(long))


def test_eight_hours_of_current_at_most() -> None:
    # 28.8 mA.min at 0.06 mA are 480 min, and half of both ramps more.
    assert "480 min with current; raise the current or lower the dose" in only(
        bench(phase(current_ma=0.06, dose_ma_min=28.8))
    )
    assert Treatment.from_dict(bench(phase(current_ma=0.06, dose_ma_min=28.7))).planned_s < 8 * 3600


def test_a_person_wears_the_patch_through_all_phases() -> None:
    low = phase(current_ma=0.06, dose_ma_min=15.0)  # 250 min each
    assert "in all phases, expected at most 480 min of wear" in only(person(phase=[low, low]))
    assert len(Treatment.from_dict(bench(low, low)).phases) == 2


def test_the_longest_on_time_lets_the_plan_end() -> None:
    # 4 mA.min at 2 mA with 20 s and 10 s of ramps: 135 s.
    told = only(bench(phase(dose_ma_min=4.0), limits={"on_time_max_min": 2.2}))
    assert "limits.on_time_max_min: found 2.2 min, expected more than phase 1 takes" in told
    what = Treatment.from_dict(bench(phase(dose_ma_min=4.0), limits={"on_time_max_min": 2.25}))
    assert what.prescriptions()[0].tmax_ms == 135_000


def test_a_dose_smaller_than_its_ramps_is_allowed_and_told() -> None:
    (warning,) = Treatment.from_dict(bench(phase(dose_ma_min=0.1))).warnings()
    assert "the current turns round at 0.89 of 2 mA" in warning  # sqrt(2 * 6000 uC / 15 ms) uA


def test_the_first_phase_starts_by_hand() -> None:
    assert "phase 1, auto: found true, expected false" in only(bench(phase(auto=True), phase()))
    assert Treatment.from_dict(bench(phase(auto=False), phase(auto=True))).phases[1].auto


# -- what goes to the wire
# -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("current_ma", "up", "down", "tu_ms", "td_ms"),
    [
        (2.0, 0.1, 0.2, 20_000, 10_000),
        (1.5, 0.075, 0.2, 20_000, 7_500),
        (1.77, 0.1, 0.2, 17_700, 8_850),
        (1.4, 0.1, 0.2, 14_000, 7_000),
        (1.0, 0.3, 0.7, 3_334, 1_429),  # 3333.3 and 1428.6: rounded up, never steeper than asked
    ],
)
def test_ramps_in_whole_milliseconds(current_ma: float, up: float, down: float, tu_ms: int, td_ms: int) -> None:
    told = phase(current_ma=current_ma, ramp_up_ma_per_s=up, ramp_down_ma_per_s=down)
    (prescription,) = Treatment.from_dict(bench(told)).prescriptions()
    assert (prescription.tu_ms, prescription.td_ms) == (tu_ms, td_ms)


def test_limits_and_policies_reach_every_phase() -> None:
    what = Treatment.from_dict(
        bench(
            phase(),
            phase(pole="-", current_ma=1.0, dose_ma_min=10.0),
            limits={
                "impedance_max_kohm": 25.0,
                "impedance_min_kohm": 0.5,
                "voltage_max_v": 40.0,
                "on_time_max_min": 60.0,
            },
            policy={"resistance": "stretch", "contact": "pause", "link": "finish", "battery": "finish"},
        )
    )
    tail = "TMAX=3600000 ZMAX=25000 ZMIN=500 VMAX=40000 POL={} LIM=STRETCH CONT=PAUSE LOSS=FINISH BATT=FINISH"
    first, second = (
        " ".join(f"{key}={value}" for key, value in told.fields().items()) for told in what.prescriptions()
    )
    assert first == "I=2000 Q=2400000 TU=20000 TD=10000 " + tail.format("+")
    assert second == "I=1000 Q=600000 TU=10000 TD=5000 " + tail.format("-")


def test_the_impedance_window_is_open() -> None:
    told = only(bench(phase(), limits={"impedance_max_kohm": 1.0, "impedance_min_kohm": 1.0}))
    assert "limits: found a window from 1 to 1 kohm" in told


# -- drug and pole
# ---------------------------------------------------------------------------------------------


def test_the_pole_that_drives_the_drug() -> None:
    told = only(person(drug={"id": "dexamethasone-phosphate"}))
    assert told == (
        't: phase 1, pole: found "+", expected "-" for dexamethasone sodium phosphate: it is an anion, '
        "like charges repel, only the negative electrode drives it into the skin; on + it stays in the "
        'patch; write pole = "-" and see that the leads agree'
    )
    assert "it is a cation" in only(person(phase=[phase(pole="-")]))
    assert "phase 2, pole" in only(person(phase=[phase(dose_ma_min=1.0), phase(pole="-", dose_ma_min=1.0)]))


def test_a_bench_rehearsal_finds_the_wrong_pole_too() -> None:
    assert "phase 1, pole" in only(bench(phase(pole="-"), drug={"id": "lidocaine"}))


@pytest.mark.parametrize("pole", ["+", "-"])
def test_tap_water_takes_either_pole(pole: str) -> None:
    assert Treatment.from_dict(person(drug={"id": "tap-water"}, phase=[phase(pole=pole)])).drug


def test_a_drug_that_is_not_in_the_table() -> None:
    assert 'did you mean "lidocaine"' in only(person(drug={"id": "lidocain"}))
    assert 'did you mean "dexamethasone-phosphate"?' in only(person(drug={"id": "Dexamethasone"}))
    assert "expected one of dexamethasone-phosphate, lidocaine, fentanyl" in only(person(drug={"id": "xyzzy"}))


def test_a_person_gets_a_drug_and_a_bench_needs_none() -> None:
    assert "drug: missing, expected for load" in only(person(drug=None))
    assert Treatment.from_dict(bench(phase())).drug is None


# -- patch
# -----------------------------------------------------------------------------------------------------


def test_density_from_both_sides_of_its_limits() -> None:
    def told(area_cm2: float, return_cm2: float = 25.0) -> Treatment:
        patch = {"drug_area_cm2": area_cm2, "return_area_cm2": return_cm2, "rated_ma_min": 80.0}
        return Treatment.from_dict(person(patch=patch, phase=[phase(current_ma=4.0)]))

    assert told(4 / 0.3).warnings() == ()
    (warning,) = told(13.3).warnings()
    assert "phase 1: 0.301 mA/cm2 on drug_area_cm2 is above 0.3" in warning
    assert told(8.0).density_ma_cm2(0) == 0.5
    with pytest.raises(TreatmentError) as caught:
        told(7.9, 7.9)
    drug, back = caught.value.problems
    assert "phase 1, current_ma: found 4 mA on the 7.9 cm2 of drug_area_cm2, 0.51 mA/cm2" in drug
    assert "write at most 3.95 or take a larger electrode" in drug
    assert "return_area_cm2" in back


def test_a_person_has_two_electrodes_of_known_area() -> None:
    assert [told.split(": ")[1] for told in problems(person(patch=None))] == [
        "patch.drug_area_cm2", "patch.return_area_cm2",
    ]  # fmt: skip
    assert "patch.return_area_cm2: missing" in only(person(patch={"drug_area_cm2": 10.0, "rated_ma_min": 80}))


def test_a_patch_without_rating_is_told() -> None:
    what = Treatment.from_dict(person(patch={"drug_area_cm2": 10.0, "return_area_cm2": 10.0}))
    assert what.warnings() == ("rated_ma_min is not given: whether the patch can carry the dose is not checked",)


def test_the_rating_holds_for_all_phases_together() -> None:
    halves = [phase(), phase(dose_ma_min=40.1)]
    assert "found 80.1 mA.min in all phases, expected at most the 80" in only(person(phase=halves))
    assert "patch.rated_ma_min" in only(bench(*halves, patch={"rated_ma_min": 80.0}))
    assert Treatment.from_dict(person(phase=[phase(), phase()])).dose_ma_min == 80.0


def test_the_dose_window_of_a_day() -> None:
    patch = {"drug_area_cm2": 10.0, "return_area_cm2": 20.0, "rated_ma_min": 500.0}
    day = [phase(dose_ma_min=80.0), phase(dose_ma_min=80.0)]
    assert Treatment.from_dict(person(patch=patch, phase=day)).dose_ma_min == 160.0
    told = only(person(patch=patch, phase=[*day, phase(dose_ma_min=0.1)]))
    assert "found 160.1 mA.min in all phases, expected at most 160 in 24 h" in told
    assert Treatment.from_dict(bench(*day, phase(dose_ma_min=0.1))).dose_ma_min == 160.1


# -- screening
# -------------------------------------------------------------------------------------------------


def test_every_question_is_answered_and_none_with_true() -> None:
    answers = person()["screening"]
    for question in answers:
        told = only(person(screening=answers | {question: True}))
        assert f"screening.{question}: found true, expected false: " in told
        told = only(person(screening={key: False for key in answers if key != question}))
        assert f"screening.{question}: unanswered" in told
        assert f"write {question} = false" in told
    assert len(problems(person(screening=None))) == len(answers) == 5


def test_an_answer_is_true_or_false_and_told_once() -> None:
    answers = person()["screening"]
    for wrong in ("no", "false", 0):
        told = only(person(screening=answers | {"pregnancy": wrong}))
        assert "screening.pregnancy: found" in told
        assert "expected true or false" in told


def test_a_bench_is_asked_nothing() -> None:
    assert Treatment.from_dict(bench(phase(), screening={"pregnancy": True})).screening.pregnancy is True


# -- from person to bench
# --------------------------------------------------------------------------------------


def test_the_same_treatment_on_a_bench() -> None:
    what = Treatment.from_dict(person())
    load = what.on_bench()
    assert (load.load_kind, load.patch, load.prescriptions()) == ("bench", what.patch, what.prescriptions())
    assert (what.density_ma_cm2(0), load.density_ma_cm2(0)) == (0.2, None)
    assert load == Treatment.from_dict(person(), bench=True)
    assert Treatment.from_dict(person(screening=None), bench=True).on_bench().load_kind == "bench"


def test_there_is_no_way_back_past_the_screening() -> None:
    load = Treatment.from_dict(person(screening=None), bench=True)
    with pytest.raises(TreatmentError, match="unanswered"):
        replace(load, load_kind="person")


def test_a_treatment_made_in_code_passes_the_same_check() -> None:
    with pytest.raises(TreatmentError) as caught:
        Treatment(
            name="x",
            load_kind="person",
            patch=Patch(drug_area_cm2=1.0),
            phases=(Phase(pole=Pole.POSITIVE, current_ma=9.0, dose_ma_min=40.0),),
        )
    places = [sentence.split(": ")[1] for sentence in caught.value.problems]
    assert places[:3] == ["drug", "patch.return_area_cm2", "phase 1, current_ma"]
    assert len(places) == 8
