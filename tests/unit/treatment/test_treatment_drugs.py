"""Masses against Faraday's law worked out by hand; the table against its own rules."""

from __future__ import annotations

import pytest

from controller.treatment import Treatment, drugs


def loaded(drug: str, dose_ma_min: float, pole: str) -> Treatment:
    phase = {"pole": pole, "current_ma": 4.0, "dose_ma_min": dose_ma_min}
    return Treatment.from_dict({"format": 1, "name": "x", "load": "bench", "drug": {"id": drug}, "phase": [phase]})


def test_without_a_transport_number_it_is_an_upper_bound() -> None:
    told = loaded("lidocaine", 40.0, "+").drug_estimate()
    # 2.4 C * 235.3 g/mol / 96485 C/mol = 5.853 mg
    assert told is not None
    assert told.mg == pytest.approx(5.853, abs=0.001)
    assert told.is_upper_bound
    assert str(told).startswith("lidocaine hydrochloride: 5.85 mg (upper bound, ")
    assert "source: seen: cation at pH 4.5" in str(told)
    assert "estimate" not in str(told)


def test_two_charges_carry_half_the_mass() -> None:
    told = loaded("dexamethasone-phosphate", 40.0, "-").drug_estimate()
    # 2.4 C * 470.4 g/mol / (2 * 96485 C/mol) = 5.850 mg
    assert told is not None
    assert told.mg == pytest.approx(5.850, abs=0.001)


def test_with_a_transport_number_it_is_an_estimate() -> None:
    # IONSYS: 40 ug at 170 uA for 10 min, 1.7 mA.min, t = 0.11.
    told = loaded("fentanyl", 1.7, "+").drug_estimate()
    assert told is not None
    assert told.mg == pytest.approx(0.040, abs=0.001)
    assert not told.is_upper_bound
    assert "(estimate, at a transport number of 0.11; source: " in str(told)


def test_all_phases_count() -> None:
    what = Treatment.load("preset:hybresis", bench=True)
    told, alone = what.drug_estimate(), loaded("dexamethasone-phosphate", 40.0, "-").drug_estimate()
    assert told == alone


@pytest.mark.parametrize("drug", ["tap-water", "hyaluronidase"])
def test_no_mass_without_a_molar_mass(drug: str) -> None:
    assert loaded(drug, 40.0, "+").drug_estimate() is None


def test_no_mass_without_a_drug() -> None:
    assert Treatment.short(2, 40, "+").drug_estimate() is None


@pytest.mark.parametrize("drug", drugs().values(), ids=drugs().keys())
def test_the_table_is_whole(drug: object) -> None:
    entry = drugs()[drug.id]  # type: ignore[attr-defined]
    assert entry.pole in ("+", "-", "either")
    assert entry.source
    assert (entry.molar_mass_g_mol is None) is (entry.z is None)
    assert entry.transport is None or 0 < entry.transport <= 1
    assert entry.z is None or entry.z in (1, 2)


def test_the_poles_that_the_field_knows() -> None:
    negative = {key for key, drug in drugs().items() if drug.pole == "-"}
    assert negative == {"dexamethasone-phosphate", "nitroprusside", "salicylate", "acetate", "iodide"}
    assert [key for key, drug in drugs().items() if drug.pole == "either"] == ["tap-water"]
