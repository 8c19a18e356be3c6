"""Scenario files: read, refused with file and key, written so that they read the same; and none is read unasked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hw_sim.scenario import SCENARIOS, parse
from hw_sim.scenario.reading import from_toml
from hw_sim.scenario.writing import to_toml

HEAD = 'format = 1\nname = "x"\nexpect = "y"\n'


def test_a_whole_file():
    s = from_toml(
        HEAD
        + """
        load = "4k7"
        seed = 9
        person = 3
        serial = "SN77"
        line = "115200"
        [parameters]
        noise_v = 4
        [[event]]
        at = 60
        do = "contact"
        what = "return:0.5"
        [[event]]
        at = 61.5
        do = "hang"
        [[fault]]
        id = "lead-off"
        lead = "return"
        state = "HOLD+5"
        for = 2
        [[host]]
        at = 10
        do = "sleep"
        for = 3
        [treatment]
        current_ma = 1
        dose_ma_min = 2
        contact = "pause"
        [expected]
        outcome = "FAULT:01"
        dose_ma_min = [0.5, 1]
        """,
        "x.toml",
    )
    assert (s.name, s.load, s.seed, s.person, s.serial, s.line) == ("x", "4k7", 9, 3, "SN77", "115200")
    assert s.parameters == {"noise_v": 4.0}
    assert s.agenda == ((60.0, "contact", "return:0.5"), (61.5, "hang", ""))
    assert s.faults == ("E01:lead=return@state=HOLD+5,for=2",)
    assert (s.host[0].at_s, s.host[0].do, s.host[0].for_s) == (10.0, "sleep", 3.0)
    assert (s.treatment.current_ma, s.treatment.contact, s.treatment.link) == (1.0, "pause", "stop")
    assert (s.expected.outcome, s.expected.dose_ma_min, s.expected.events) == ("FAULT:01", (0.5, 1.0), None)
    assert from_toml(to_toml(s), "again") == s


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_written_reads_the_same(name):
    assert from_toml(to_toml(SCENARIOS[name]), name) == SCENARIOS[name]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("format = ", "x.toml: is no TOML: Invalid value (at end of document)"),
        ("", "x.toml: format is missing"),
        ("format = 2", "x.toml: format: 2: this version reads format 1"),
        (HEAD.replace("expect", "expects"), "x.toml: expect is missing"),
        (HEAD + "sed = 3", "x.toml: unknown key sed; known: format, name, expect, load, seed, "),
        (HEAD + 'seed = "3"', "x.toml: seed: 3: expected a whole number from 0 to 9223372036854775807"),
        (HEAD + "seed = true", "x.toml: seed: True: expected a whole number from 0 to"),
        (HEAD + 'load = "wood"', "x.toml: load: 'wood' is no load: use skin, "),
        (HEAD + 'line = "7"', "x.toml: line: line=7: expected usb, direct or a baud rate"),
        (HEAD + 'serial = "a b"', "x.toml: serial: sn=a b: expected 1 to 12 letters and digits"),
        (HEAD + "[parameters]\ngain_q = 1", "x.toml: parameters: The plant has no parameter 'gain_q'"),
        (HEAD + '[parameters]\ngain_i = "1"', "x.toml: parameters: 1 is text; expected a number"),
        (HEAD + "event = 3", "x.toml: event: expected a list; tables of it are written [[...]]"),
        (HEAD + '[[event]]\ndo = "hang"', "x.toml: event[1]: at is missing"),
        (HEAD + '[[event]]\nat = 1\ndo = "fly"', "x.toml: event[1].do: fly is not one of hang, power_cycle, "),
        (HEAD + '[[event]]\nat = -1\ndo = "hang"', "x.toml: event[1].at: -1: expected a number from 0 to 1e+07"),
        (HEAD + '[[event]]\nat = 1\ndo = "hang"\nwhat = "x"', "x.toml: event[1]: hang takes no what"),
        (HEAD + '[[event]]\nat = 1\ndo = "lift"', "x.toml: event[1]: lift '':  is not one of drug, return, both"),
        (
            HEAD + '[[event]]\nat = 1\ndo = "contact"\nwhat = "drug:2"',
            "x.toml: event[1]: contact 'drug:2': share=2: expected a number from 0 to 1",
        ),
        (
            HEAD + '[[event]]\nat = 1\ndo = "inject"\nwhat = "E03:hz=99"',
            "x.toml: event[1]: inject 'E03:hz=99': fault E03: hz=99: expected a number from 1 to 50",
        ),
        (HEAD + "[[fault]]\nat = 1", "x.toml: fault[1]: id is missing"),
        (
            HEAD + '[[fault]]\nid = "E01"\n[[fault]]\nid = "E03"\nhz = 99',
            "x.toml: fault[2]: fault E03: hz=99: expected a number from 1 to 50",
        ),
        (HEAD + '[[host]]\nat = 1\ndo = "dance"', "x.toml: host[1].do: dance is not one of sleep, stop, abort, "),
        (HEAD + "[treatment]\ncurrent_ma = 1", "x.toml: treatment: dose_ma_min is missing"),
        (
            HEAD + "[treatment]\ncurrent_ma = 40\ndose_ma_min = 1",
            "x.toml: treatment.current_ma: 40: expected a number from 0.02 to 4",
        ),
        (
            HEAD + '[treatment]\ncurrent_ma = "1,5"\ndose_ma_min = 1',
            "x.toml: treatment.current_ma: 1,5 is text; expected a number from 0.02 to 4",
        ),
        (HEAD + '[expected]\noutcome = "FINE"', "x.toml: expected.outcome: FINE is not one of DONE, STOPPED, "),
        (HEAD + '[expected]\noutcome = "DONE"\ndose_ma_min = 3', "x.toml: expected.dose_ma_min: expected two numbers"),
        (
            HEAD + '[expected]\noutcome = "DONE"\ndose_ma_min = [3, 2]',
            "x.toml: expected.dose_ma_min: the lowest stands first",
        ),
        (HEAD + "expected = 1", "x.toml: expected: expected a table"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(text, sentence):
    with pytest.raises(ValueError, match=r"^[^\n]*$") as wrong:
        from_toml(text, "x.toml")
    assert str(wrong.value).startswith(sentence)


def test_the_default_is_what_its_file_says():
    assert parse("") == parse("skin") == SCENARIOS["skin"]


def test_a_name_reads_its_own_file_and_the_default_none():
    """Nor does the default import what reads files, nor faults."""
    code = """
import pathlib, sys
read = []
whole = pathlib.Path.read_bytes
pathlib.Path.read_bytes = lambda path: read.append(path.name) or whole(path)
from hw_sim.scenario import parse
parse("").world()
parse("skin?seed=3").world()
print(read, [name for name in ("tomllib", "hw_sim.faults") if name in sys.modules])
parse("lead-pulled").world()
print(read)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] []\n['lead-pulled.toml']\n"


def test_no_name_leads_out_of_the_shelf():
    for name in ("../presets/skin", "..", "", "skin.toml", "Skin/"):
        assert name not in SCENARIOS
    with pytest.raises(KeyError):
        SCENARIOS["nowhere"]
