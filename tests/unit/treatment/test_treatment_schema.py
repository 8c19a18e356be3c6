"""The published schema and the reader's grammar are two statements of the same page; here they meet."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, get_origin, get_type_hints

import jsonschema
import pytest

import controller
from controller.errors import TreatmentError
from controller.treatment import Treatment, preset_text, presets
from controller.treatment.grammar import (
    TABLES,
    Answer,
    Choice,
    Span,
    Text,
    TreatmentTable,
    Version,
    keys_of,
)

SCHEMA: dict[str, Any] = json.loads(
    (Path(controller.__file__).parent / "schemas" / "treatment.schema.json").read_text("utf-8")
)
EXAMPLE = tomllib.loads((Path(__file__).parents[3] / "examples" / "dexamethasone-40.toml").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def of(table: str) -> dict[str, Any]:
    """The part of the schema for a table, named as in the grammar."""
    name = table.strip("[]")
    if table.startswith("the"):
        return SCHEMA
    part: dict[str, Any] = SCHEMA["properties"][name]
    return part["items"] if table.startswith("[[") else part


def changed(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(json.dumps(EXAMPLE))
    place: Any = whole
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return whole


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", [preset.name for preset in presets()])
def test_presets_are_valid_as_bench_loads_in_file_and_record(name: str) -> None:
    VALIDATOR.validate(tomllib.loads(preset_text(name)) | {"load": "bench"})
    VALIDATOR.validate(Treatment.load(f"preset:{name}", bench=True).as_dict())


def test_the_example_is_valid_in_file_and_record() -> None:
    VALIDATOR.validate(EXAMPLE)
    VALIDATOR.validate(Treatment.from_dict(EXAMPLE).as_dict())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 2),
        (("format",), None),
        (("load",), "cat"),
        (("phase",), []),
        (("phase", 0, "current_ma"), 4.01),
        (("phase", 0, "current_ma"), "2,0"),
        (("phase", 0, "dose_ma_min"), None),
        (("phase", 0, "duration_min"), 20.0),
        (("phase", 0, "curent_ma"), 2.0),
        (("drug",), None),
        (("patch", "return_area_cm2"), None),
        (("screening", "pregnancy"), None),
        (("screening", "pregnancy"), True),
        (("screening", "pregnancy"), "no"),
        (("policy",), {"contact": "restart"}),
    ],
)
def test_schema_and_reader_refuse_the_same(path: tuple[str | int, ...], value: object) -> None:
    data = changed(path, value)
    assert not VALIDATOR.is_valid(data)
    with pytest.raises(TreatmentError):
        Treatment.from_dict(data)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_the_same_keys_and_ranges(table: str) -> None:
    part, kind = of(table), TABLES[table]
    assert part["additionalProperties"] is False
    assert sorted(part["properties"]) == list(keys_of(kind))
    assert sorted(part.get("required", [])) == sorted(kind.__required_keys__)
    for key, annotation in get_type_hints(kind, include_extras=True).items():
        if get_origin(annotation) is not Annotated:
            continue
        told = part["properties"][key]
        match annotation.__metadata__[0]:
            case Span() as span:
                assert (told["type"], told["minimum"], told["maximum"]) == ("number", span.low, span.high)
            case Choice() as choice:
                assert tuple(told["enum"]) == choice.words
            case Answer():
                assert told["type"] == "boolean"
            case Text() as text:
                assert (told["type"], told["maxLength"]) == ("string", text.longest)
            case Version():
                assert told["const"] == 1
            case _:
                pytest.fail(f"{key} has no rule")


def test_the_grammar_names_every_table() -> None:
    tables = set(get_type_hints(TreatmentTable)) - {"format", "name", "load"}
    assert tables == {name.strip("[]") for name in TABLES if name.startswith("[")}
