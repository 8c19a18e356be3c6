"""What ships: presets, the file to start from, the example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.errors import TreatmentError
from controller.treatment import Treatment, new_file_text, preset_text, presets

EXAMPLE = Path(__file__).parents[3] / "examples" / "dexamethasone-40.toml"
NAMES = [preset.name for preset in presets()]
QUESTIONS = 5


def answered(text: str) -> str:
    """All questions of the screening answered with false, as a user would: by taking out the number sign."""
    return re.sub(r"^# (\w+ = false)$", r"\1", text, flags=re.MULTILINE)


def test_the_presets() -> None:
    assert NAMES == [
        "activadose-stretch", "activapatch", "bench-5k", "dexamethasone-40", "dexamethasone-80", "fischer",
        "hidrex", "hybresis", "lidosite", "macroduct",
    ]  # fmt: skip
    for preset in presets():
        assert preset.title
        assert 20 < len(preset.summary) < 110
        assert "Cannot" in preset_text(preset.name) or "cannot" in preset_text(preset.name)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_runs_on_a_bench(name: str) -> None:
    what = Treatment.load(f"preset:{name}", bench=True)
    assert what.load_kind == "bench"
    assert len(what.prescriptions()) == len(what.phases)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "bench-5k"])
def test_a_preset_for_a_person_waits_for_the_answers(name: str) -> None:
    with pytest.raises(TreatmentError) as caught:
        Treatment.load(f"preset:{name}")
    assert len(caught.value.problems) == QUESTIONS
    assert all(": unanswered, " in problem for problem in caught.value.problems)
    what = Treatment.from_toml(answered(preset_text(name)), name)
    assert what.load_kind == "person"
    assert all("mA/cm2" in w for w in what.warnings() if name == "lidosite")


@pytest.mark.parametrize(
    ("name", "seconds", "dose_ma_min"),
    [
        ("lidosite", 613.275, 17.7),  # 600 s and half of 17.7 s and 8.85 s
        ("macroduct", 313.75, 7.5),  # 300 s and half of 20 s and 7.5 s
        ("dexamethasone-40", 1215, 40.0),
        ("activapatch", 9064.554, 80.0),  # twice 4528.302 s and half of 5.3 s and 2.65 s
    ],
)
def test_what_the_presets_imitate(name: str, seconds: float, dose_ma_min: float) -> None:
    what = Treatment.load(f"preset:{name}", bench=True)
    assert what.planned_s == pytest.approx(seconds, abs=0.001)
    assert what.dose_ma_min == dose_ma_min


def test_the_fischer_reverses_by_itself_and_hidrex_does_not() -> None:
    fischer = Treatment.load("preset:fischer", bench=True)
    assert [phase.pole.value for phase in fischer.phases] == ["+", "-"]
    assert [phase.auto for phase in fischer.phases] == [False, True]
    assert {told.cont for told in fischer.prescriptions()} == {"PAUSE"}
    assert any("Hidrex advises against" in warning for warning in fischer.warnings())
    assert len(Treatment.load("preset:hidrex", bench=True).phases) == 1


def test_activadose_stretches_to_a_quarter_of_its_current() -> None:
    (told,) = Treatment.load("preset:activadose-stretch", bench=True).prescriptions()
    assert (told.lim, told.batt, told.cont, told.tmax_ms) == ("STRETCH", "FINISH", "STOP", 40 * 60_000)


def test_the_load_box_asks_nothing() -> None:
    assert Treatment.load("preset:bench-5k").load_kind == "bench"


def test_a_preset_that_is_none() -> None:
    with pytest.raises(TreatmentError, match=r"preset:lidosit: no such preset; did you mean preset:lidosite\?"):
        Treatment.load("preset:lidosit")
    with pytest.raises(TreatmentError, match="choose one of activadose-stretch, "):
        preset_text("../drugs")


def test_the_file_to_start_from_lacks_the_answers_only() -> None:
    with pytest.raises(TreatmentError) as caught:
        Treatment.from_toml(new_file_text(), "new.toml")
    assert len(caught.value.problems) == QUESTIONS
    assert Treatment.from_toml(answered(new_file_text()), "new.toml").load_kind == "person"


def test_the_file_to_start_from_knows_every_key() -> None:
    # Every optional line taken in, but the two that exclude another one.
    text = re.sub(r"^# (\w+ = )", r"\1", new_file_text(), flags=re.MULTILINE)
    text = re.sub(r"^(duration_min|auto) = .*$", "", text, flags=re.MULTILINE)
    what = Treatment.from_toml(text, "new.toml")
    assert None not in what.as_dict()["limits"].values()
    assert len(what.as_dict()["limits"]) == 4
    # As written they are the standards: nothing on the wire changes but the longest time, which follows the
    # plan.
    plain = Treatment.from_toml(answered(new_file_text()), "new.toml").prescriptions()[0].fields()
    assert {k: v for k, v in what.prescriptions()[0].fields().items() if k != "TMAX"} == {
        k: v for k, v in plain.items() if k != "TMAX"
    }


def test_the_example_is_the_preset_with_its_answers() -> None:
    example = Treatment.load(EXAMPLE)
    preset = Treatment.from_toml(answered(preset_text("dexamethasone-40")), "preset")
    assert example == preset
    assert example.warnings() == ()
