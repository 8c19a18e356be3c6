"""What is wrong in a file is told in one sentence each, all at once, with the place and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.errors import TreatmentError
from controller.treatment import Pole, Treatment, reading

GOOD = """
format = 1
name = "A load"
load = "bench"
[[phase]]
pole = "+"
current_ma = 2.0
dose_ma_min = 40.0
"""


def problems(text: str, *, bench: bool = False) -> tuple[str, ...]:
    with pytest.raises(TreatmentError) as caught:
        Treatment.from_toml(text, "t.toml", bench=bench)
    return caught.value.problems


def only(text: str) -> str:
    (problem,) = problems(text)
    return problem


def test_the_least_that_a_file_needs() -> None:
    what = Treatment.from_toml(GOOD, "t.toml")
    assert (what.name, what.load_kind, what.source) == ("A load", "bench", "t.toml")
    (phase,) = what.phases
    assert (phase.pole, phase.current_ma, phase.dose_ma_min) == (Pole.POSITIVE, 2.0, 40.0)
    assert (phase.ramp_up_ma_per_s, phase.ramp_down_ma_per_s, phase.auto) == (0.1, 0.2, False)
    assert what.drug is None


def test_whole_numbers_are_numbers() -> None:
    what = Treatment.from_toml(GOOD.replace("2.0", "2").replace("40.0", "40"), "t.toml")
    assert what == Treatment.from_toml(GOOD, "other.toml")


# -- the file
# --------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TreatmentError, match=r"none\.toml: no such file; .*ionto treatments list"):
        Treatment.load(tmp_path / "none.toml")


def test_a_preset_asked_for_as_a_file(tmp_path: Path) -> None:
    with pytest.raises(TreatmentError, match="did you mean preset:lidosite"):
        Treatment.load(tmp_path / "lidosite.toml")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(TreatmentError, match=r"cannot be read .*; name a TOML file"):
        Treatment.load(tmp_path)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_bytes(b"name = \xff")
    with pytest.raises(TreatmentError, match="byte 8 is not UTF-8 text; save the file as UTF-8"):
        Treatment.load(tmp_path / "t.toml")


def test_a_file_far_too_large(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text("#" * 1_000_001)
    with pytest.raises(TreatmentError, match="too large for a treatment"):
        Treatment.load(tmp_path / "t.toml")


def test_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(GOOD, "utf-8-sig")
    assert Treatment.load(tmp_path / "t.toml").name == "A load"


# -- not TOML
# --------------------------------------------------------------------------------------------------


def test_all_decimal_commas_at_once() -> None:
    text = "current_ma = 2,0  # mA\nname = 'x'\ndose_ma_min = 3,50\nlist = [1,2]\n"
    assert problems(text) == (
        "t.toml: line 1: current_ma: found 2,0, expected a number with a decimal point; write 2.0",
        "t.toml: line 3: dose_ma_min: found 3,50, expected a number with a decimal point; write 3.50",
    )


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("pole = -", "write text in double quotes"),
        ("load = person", "write text in double quotes"),
        ("current_ma = 2 mA", "write the number alone, its unit is in the key's name"),
        ("auto = True", "write true or false, in small letters"),
        ("load = \u201cperson\u201d", 'use straight quotes, "'),
        ("load =", "write a value after the equals sign, or remove the line"),
        ("load: 'person'", "write key = value, with an equals sign"),
        ("load = 'person", "correct that line"),
    ],
)
def test_what_people_write_instead_of_toml(line: str, hint: str) -> None:
    told = only(f"format = 1\n{line}\n")
    assert told.startswith("t.toml: line 2: not TOML: ")
    assert f"in `{line}`; {hint}" in told


def test_a_comma_does_not_hide_another_syntax_error() -> None:
    first, second = problems("format = 1\npole = -\ncurrent_ma = 2,0\n")
    assert "line 3: current_ma" in first
    assert "line 2: not TOML" in second


def test_an_array_without_its_end() -> None:
    assert "t.toml: line 2: not TOML: " in only("format = 1\nphase = [\n")


# -- its tables
# ------------------------------------------------------------------------------------------------


def test_an_empty_file_says_what_it_needs() -> None:
    assert problems("") == (
        "t.toml: format: missing, expected the format of the file, 1; add a line such as format = 1",
        't.toml: name: missing, expected a line of 1 to 120 characters; add a line such as name = "Lidocaine, forearm"',
        't.toml: load: missing, expected "person" or "bench"; add a line such as load = "person"',
        "t.toml: phase: missing, expected at least one; add a [[phase]] with pole, current_ma and dose_ma_min",
    )


def test_a_newer_format_is_the_only_finding() -> None:
    told = only("format = 2\nfuture = true\n")
    assert told == ("t.toml: format: found 2, expected 1; the file is for a newer version of this program: update it")


@pytest.mark.parametrize("value", ["true", "0", '"1"', "1.0", "-1"])
def test_a_format_that_is_none(value: str) -> None:
    assert "t.toml: format: found" in only(GOOD.replace("format = 1", f"format = {value}"))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("true", "found true, expected 0.02 to 4 mA in steps of 0.01; write a number such as 2.0"),
        ('"2,0"', 'found the text "2,0", expected 0.02 to 4 mA in steps of 0.01; write 2.0, without quotes'),
        ('"2 mA"', "write 2.0, without quotes"),
        ('"inf"', "write a number such as 2.0"),
        ('"two"', "write a number such as 2.0"),
        ("nan", "found nan, expected 0.02 to 4 mA"),
        ("inf", "found inf, expected 0.02 to 4 mA"),
        ("-2.0", "found -2.0, expected 0.02 to 4 mA"),
        ("0", "found 0, expected 0.02 to 4 mA"),
        ("0.01", "found 0.01, expected 0.02 to 4 mA"),
        ("4.01", "found 4.01, expected 0.02 to 4 mA"),
        ("2000", "if uA were meant, write 2"),
        ("2.005", "in steps of 0.01; write 2"),
        ("[2]", "found a list, expected 0.02"),
        ("2024-01-01", "found 2024-01-01, expected 0.02"),
    ],
)
def test_a_current_that_is_none(value: str, says: str) -> None:
    told = only(GOOD.replace("current_ma = 2.0", f"current_ma = {value}"))
    assert told.startswith("t.toml: phase 1, current_ma: ")
    assert says in told


def test_a_thousandfold_without_a_usual_smaller_unit_gets_the_range() -> None:
    told = only(GOOD.replace("dose_ma_min = 40.0", "dose_ma_min = 40000"))
    assert told.endswith("expected 0.1 to 80 mA.min in steps of 0.1; write a value in that range, such as 40.0")


@pytest.mark.parametrize("value", [0.02, 0.29, 0.57, 1.13, 2.3, 3.99, 4.0])
def test_currents_in_steps_of_a_hundredth(value: float) -> None:
    what = Treatment.short(value, 0.1, "+")
    assert what.prescriptions()[0].i_ua == round(value * 1000)


@pytest.mark.parametrize(
    ("key", "bad", "good"),
    [
        ("dose_ma_min", ["0", "0.05", "80.1", "-1", "nan", "40.05"], ["0.1", "80.0", "33.3"]),
        ("ramp_up_ma_per_s", ["0", "0.019", "0.51"], ["0.02", "0.5", "0.075"]),
        ("ramp_down_ma_per_s", ["0", "0.049", "1.01"], ["0.05", "1"]),
    ],
)
def test_ranges_of_a_phase(key: str, bad: list[str], good: list[str]) -> None:
    base = GOOD.replace("dose_ma_min = 40.0\n", "")
    rest = "" if key == "dose_ma_min" else "dose_ma_min = 40.0\n"
    for value in bad:
        assert f"phase 1, {key}: found {value}, expected" in only(f"{base}{rest}{key} = {value}\n")
    for value in good:
        assert Treatment.from_toml(f"{base}{rest}{key} = {value}\n", "t").phases[0]


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("impedance_max_kohm", ["0.999", "100.1", "30000"]),
        ("impedance_min_kohm", ["-0.1", "5.1"]),
        ("voltage_max_v", ["4.9", "54.1", "54000"]),
        ("on_time_max_min", ["0", "721"]),
    ],
)
def test_ranges_of_the_limits(line: str, bad: list[str]) -> None:
    for value in bad:
        assert f"limits.{line}: found {value}, expected" in only(f"{GOOD}[limits]\n{line} = {value}\n")


def test_a_word_that_is_no_choice() -> None:
    assert 'policy.contact: found the text "Pause", expected "stop" or "pause"; write "pause"' in only(
        f'{GOOD}[policy]\ncontact = "Pause"\n'
    )
    assert 'found the text "plus", expected "+" or "-"; write "+" or "-"' in only(GOOD.replace('"+"', '"plus"'))
    assert "found 1, expected" in only(GOOD.replace('"+"', "1"))


@pytest.mark.parametrize("value", ['""', '"   "', '"a\\nb"', "3", f'"{"x" * 121}"'])
def test_a_name_that_is_none(value: str) -> None:
    assert "t.toml: name: found " in only(GOOD.replace('"A load"', value))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "curent_ma = 1\n" + GOOD,
            'curent_ma: unknown key, expected one of this table; did you mean "current_ma"',
        ),
        ("pole = '+'\n" + GOOD, "pole: unknown key here, expected in [[phase]]; move it there"),
        (GOOD + "[patch]\nload = 'bench'\n", "patch.load: unknown key here, expected at the top of the file"),
        (GOOD + "[patch]\nrated = 1\n", 'of this table; did you mean "rated_ma_min"?'),
        (
            GOOD + "ramp_up = 0.1\n",
            'phase 1, ramp_up: unknown key, expected one of this table; did you mean "ramp_up',
        ),
        (
            GOOD + "[policy]\nxyzzy = 1\n",
            "unknown key, expected one of battery, contact, link, resistance; remove",
        ),
    ],
)
def test_an_unknown_key_gets_the_nearest_known_one(text: str, says: str) -> None:
    assert says in only(text)


def test_tables_that_are_none() -> None:
    assert only(GOOD.replace("[[phase]]", "[phase]")) == (
        "t.toml: phase: found a table, expected a list; write [[phase]] in double brackets above each phase"
    )
    head = 'format = 1\nname = "x"\nload = "bench"\n'
    assert "phase 1: found a number, expected a table; write [[phase]]" in only(f"{head}phase = [3]\n")
    assert "phase: found the text" in only(f'{head}phase = "abc"\n')
    assert "phase: found none, expected at least one" in only(f"{head}phase = []\n")
    assert "patch: found a list, expected a table; write [patch]" in only(f"{GOOD}[[patch]]\n")
    assert "limits: found true or false, expected a table" in only(f"limits = true\n{GOOD}")


def test_every_mistake_at_once_and_in_the_order_of_the_file() -> None:
    told = problems("""
format = 1
name = "x"
load = "Person"
[drug]
id = "dexamethasone-phosphate"
[patch]
drug_area_cm2 = "10,0"
[[phase]]
pole = "+"
current_ma = 5
ramp_up_ma_per_s = -1
dose_ma_min = 40.0
[[phase]]
pole = "-"
current_ma = 2.0
[screening]
pregnancy = false
damaged_skin = true
""")
    places = [sentence.split(": ")[1] for sentence in told]
    assert places == [
        "load",
        "patch.drug_area_cm2",
        "patch.return_area_cm2",
        "phase 1, current_ma",
        "phase 1, ramp_up_ma_per_s",
        "phase 1, pole",  # the wrong current does not hide the wrong pole
        "phase 2",
        "screening.pacemaker_or_implant",
        "screening.drug_hypersensitivity",
        "screening.damaged_skin",
        "screening.metal_in_current_path",
    ]
    assert all(sentence.startswith("t.toml: ") and "; " in sentence for sentence in told)


# -- other ways in
# ---------------------------------------------------------------------------------------------


def test_the_short_form_is_a_bench_load() -> None:
    what = Treatment.short(2, 40, "-")
    assert what == Treatment.short(2.0, 40.0, Pole.NEGATIVE)
    assert what.load_kind == "bench"
    assert what.prescriptions()[0].fields()["POL"] == "-"
    with pytest.raises(TreatmentError) as caught:
        Treatment.short(5, 0, "x")
    assert [sentence.split(": ")[1] for sentence in caught.value.problems] == [
        "phase 1, pole", "phase 1, current_ma", "phase 1, dose_ma_min",
    ]  # fmt: skip


def test_values_go_round_through_a_dictionary() -> None:
    what = Treatment.load("preset:fischer", bench=True)
    told = what.as_dict()
    assert told["load"] == "bench"
    assert told["phase"][1]["auto"] is True
    assert told["phase"][0]["pole"] == "+"
    assert Treatment.from_dict(told) == what


@pytest.mark.parametrize("data", [[], 3, None, "text"])
def test_a_dictionary_that_is_none(data: object) -> None:
    with pytest.raises(TreatmentError, match=r"record: found .*, expected the tables of a treatment"):
        Treatment.from_dict(data, "record")  # type: ignore[arg-type]


def test_a_sound_file_is_read_without_cattrs_and_to_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {
        "format": 1,
        "name": "Bench",
        "load": "bench",
        "phase": [{"pole": "-", "current_ma": 2, "dose_ma_min": 40, "auto": True}],
        "patch": {"drug_area_cm2": 10},
    }
    by_cattrs = reading._converter().structure(raw, reading.TreatmentTable)
    monkeypatch.setattr(reading, "walked", None)
    table, problems = reading.structured(raw)
    assert (table, problems) == (by_cattrs, [])
    assert repr(table["phase"][0]["current_ma"]) == "2.0"
