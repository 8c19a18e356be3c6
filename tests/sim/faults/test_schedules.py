"""Faults and their schedules as text and as tables: what is read, what is refused and with what words."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_sim.faults.catalogue import CATALOGUE, find
from hw_sim.faults.fault import Fault
from hw_sim.faults.spec import Spec, from_table, from_text, judged
from hw_sim.faults.when import TRIGGERS, When, seconds_text, when


@pytest.mark.parametrize(
    ("text", "again", "schedule"),
    [
        ("E01", "E01", When()),
        ("lead-off", "E01", When()),
        ("e01:drug", "E01", When()),
        ("E01:return@at=60", "E01:lead=return@at=60", When(at_us=60_000_000)),
        ("E01@state=HOLD", "E01@state=HOLD", When(state="HOLD")),
        ("E01@state=HOLD+5,for=2", "E01@state=HOLD+5,for=2", When(state="HOLD", after_us=5_000_000, for_us=2_000_000)),
        ("E01@event=3", "E01@event=3", When(event="3")),
        ("E01@event=WARN", "E01@event=WARN", When(event="WARN")),
        ("E01@byte=120", "E01@byte=120", When(byte=120)),
        ("E01@byte=host:120", "E01@byte=host:120", When(byte=120, towards="host")),
        ("E01@p=0.01,for=0.5", "E01@p=0.01,for=0.5", When(chance=0.01, for_us=500_000)),
        ("E03:hz=20@for=2", "E03@for=2", When(for_us=2_000_000)),
        ("E02:2,over=60@at=0.000001", "E02:factor=2,over=60@at=0.000001", When(at_us=1)),
    ],
)
def test_a_fault_as_text(text, again, schedule):
    spec = from_text(text)
    assert spec.text() == again
    assert spec.when == schedule
    assert from_text(again) == spec


def test_arguments_have_defaults_and_values():
    assert from_text("E02").arguments == {"factor": 3, "over": 180}
    assert from_text("E02:over=60").arguments == {"factor": 3, "over": 60.0}
    assert from_text("E01:both").arguments.word("lead") == "both"


def test_a_fault_of_a_line_is_told_its_byte_and_its_chance():
    fault = Fault("L99", "eaten", "a byte is eaten", lambda bench, args: None, per_byte=True)
    assert judged(fault, {}, {"byte": "host:7"}).arguments == {"byte": 7, "towards": "host", "p": 0.0}
    assert judged(fault, {}, {"p": 0.25, "for": 2}).arguments == {"byte": 0, "towards": "unit", "p": 0.25}


def test_a_fault_as_a_table():
    table = {"id": "chatter", "hz": 5, "state": "HOLD+5", "for": 2}
    assert from_table(table) == from_text("E03:hz=5@state=HOLD+5,for=2")
    assert from_table({"id": "E01", "event": 3}) == from_text("E01@event=3")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no fault ; `ionto-sim faults` lists them"),
        ("E77", "no fault E77; `ionto-sim faults` lists them"),
        ("leadoff", "no fault leadoff (did you mean lead-off?); `ionto-sim faults` lists them"),
        ("E01:left", "fault E01: lead=left: expected drug or return or both"),
        ("E01:side=drug", "fault E01: lead-off has no argument side; it takes lead"),
        ("E11:5", "E11:5: 5 has no name; write it as key=value"),
        ("E02:2,60", "E02:2,60: 60 has no name; write it as key=value"),
        ("E02:2,factor=3", "E02:2,factor=3: factor is given twice"),
        ("E03:hz=0", "fault E03: hz=0: expected a number from 1 to 50"),
        ("E03:hz=nan", "fault E03: hz=nan: expected a number from 1 to 50"),
        ("E03:hz=1e999", "fault E03: hz=1e999: expected a number from 1 to 50"),
        ("E01@60", "E01@60: 60 is no schedule; known: at=, state=, event=, byte=, p=, for="),
        ("E01@hz=3", "E01@hz=3: hz=3 is no schedule; known: at=, state=, event=, byte=, p=, for="),
        ("E01@at=3,p=1", "fault E01: at and p are both given: a fault has one beginning"),
        ("E01@at=3,at=4", "E01@at=3,at=4: at is given twice"),
        ("E01@at=-1", "fault E01: at=-1: expected a number of seconds from 0 to 1e+07"),
        ("E01@state=HOLDING", "fault E01: state=HOLDING: expected a state and seconds, as in HOLD+5; states: BOOT, "),
        ("E01@event=0", "fault E01: event=0: expected the number of an event from 1 to 65535, or its name, as in WARN"),
        ("E01@event=warn", "fault E01: event=warn: expected the number of an event from 1 to 65535, or its name"),
        ("E01@byte=x", "fault E01: byte=x: expected the number of a byte, as in 120 (to the unit) or host:120"),
        ("E01@p=0", "fault E01: p=0 never strikes: leave the fault out"),
        ("E01@p=2", "fault E01: p=2: expected a number from 0 to 1"),
        ("E01@for=0", "fault E01: for=0: expected a time above 0 s"),
        ("E04@for=2", "fault E04: it is over at once: leave out for="),
        ("E01" * 100, "E01E01E01E01E01E01E0... is too long for a fault: at most 200 characters"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text, sentence):
    with pytest.raises(ValueError, match=r"^[^\n]*$") as wrong:
        from_text(text)
    assert str(wrong.value).startswith(sentence)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, 'id is missing: give the fault\'s id or name, as in id = "E01"'),
        ({"id": 1}, 'id is missing: give the fault\'s id or name, as in id = "E01"'),
        ({"id": "E03", "hz": True}, "fault E03: hz=True: expected a number from 1 to 50"),
        ({"id": "E03", "hz": [1]}, "fault E03: hz=[1]: expected a number from 1 to 50"),
        ({"id": "E01", "at": {}}, "fault E01: at={}: expected a number of seconds from 0 to 1e+07"),
    ],
)
def test_a_wrong_table(table, sentence):
    with pytest.raises(ValueError, match=r"^[^\n]*$") as wrong:
        from_table(table)
    assert str(wrong.value) == sentence


@given(st.integers(0, 10**13))
def test_seconds_lose_no_microsecond(us):
    assert when({"at": seconds_text(us)}).at_us == us


@given(st.text(max_size=40))
def test_any_text_is_a_fault_or_a_sentence(text):
    with contextlib.suppress(ValueError):
        assert isinstance(from_text("E01:" + text), Spec)


def test_the_table_of_faults():
    ids = [fault.id for fault in CATALOGUE]
    names = [fault.name for fault in CATALOGUE]
    assert len({*ids, *names}) == 2 * len(CATALOGUE)
    assert {f"E{n:02}" for n in range(1, 23)} <= set(ids)
    assert {f"S{n:02}" for n in range(1, 12)} <= set(ids)
    for fault in CATALOGUE:
        assert find(fault.id) is find(fault.name) is fault
        keys = [argument.name for argument in fault.arguments]
        assert len(set(keys)) == len(keys)
        assert {*keys}.isdisjoint({*TRIGGERS, "for", "id"})
        assert all(argument.read(argument.default) == argument.default for argument in fault.arguments)
        assert len(fault.what) < 100
