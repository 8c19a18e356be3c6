"""``ionto verify``: what it says, what it refuses, and its exit codes."""

from __future__ import annotations

import json
import os
import select
import sys
import threading

import pytest

from controller.cli import run_command
from controller.cli.verify import _ask, _forget_typed
from tests.bench.benches import recipe
from tests.bench.test_verify_units import GAIN

OVERDUE = """[station]
name = "bench 1"
[meter]
driver = "door"
serial = "MY123"
calibration_due = 2020-01-01
[load]
driver = "door"
"""


@pytest.fixture
def narrow(tmp_path) -> str:
    text = 'steps = ["self_test", "accuracy"]\n[accuracy]\nset_points_ma = [2.0]\nloads_kohm = [5.0]\n'
    recipe(tmp_path, text)
    return str(tmp_path / "recipe.toml")


def ionto(*words: str, out) -> int:
    return run_command(["verify", *words, "--out", str(out / "runs")])


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_an_enter_typed_ahead_answers_no_question(monkeypatch):
    keyboard, terminal = os.openpty()
    try:
        with os.fdopen(terminal) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            os.write(keyboard, b"SN0001\n\n")
            assert select.select([terminal], [], [], 5.0)[0]
            _forget_typed()
            assert not select.select([terminal], [], [], 0.0)[0]
            threading.Timer(0.05, os.write, (keyboard, b"\n")).start()
            _ask("fit 5 kohm")
    finally:
        os.close(keyboard)


def test_a_good_unit_passes(narrow, tmp_path, capsys):
    assert ionto(narrow, "--port", "sim://bench-5k", "--operator", "Mia", out=tmp_path) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith("simulated unit SN0001")
    assert "accuracy.error.5k.2mA" in shown.out
    assert "PASS  narrow, unit SN0001, attempt 1: 8 pass" in shown.out


def test_a_bad_one_fails_with_8_and_json_names_where(narrow, tmp_path, capsys):
    assert ionto(narrow, "--port", GAIN, "--json", out=tmp_path) == 8
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["outcome"] == "FAIL"
    assert lines[-1]["first_failing"] == "accuracy.error.5k.2mA"
    assert lines[-1]["outcome_details"][0]["code"] == "ACC-1"
    assert lines[0]["name"] == "self_test.faults"


def test_another_unit_than_the_label_says_is_refused(narrow, tmp_path, capsys):
    assert ionto(narrow, "--port", "sim://bench-5k", "--serial", "SN0002", out=tmp_path) == 2
    assert "says it is SN0001, not SN0002" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_recipe_of_another_family_is_refused(tmp_path, capsys):
    recipe(tmp_path, '[family]\nname = "IONTO-2"\nmodels = ["IONTO-2"]\n')
    assert ionto(str(tmp_path / "recipe.toml"), "--port", "sim://bench-5k", out=tmp_path) == 2
    assert "this unit is IONTO-4" in capsys.readouterr().err


def test_an_overdue_meter_is_refused_and_overridden_it_is_in_the_record(narrow, tmp_path, capsys):
    station = tmp_path / "station.toml"
    station.write_text(OVERDUE, "utf-8")
    words = (narrow, "--port", "sim://bench-5k", "--station", str(station))
    assert ionto(*words, out=tmp_path) == 2
    assert "was due for calibration on 2020-01-01" in capsys.readouterr().err
    assert ionto(*words, "--allow-overdue", "--json", out=tmp_path) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "--allow-overdue" in told["warnings"][0]
    (record,) = (tmp_path / "runs").glob("*/verification.json")
    meter = json.loads(record.read_text("utf-8"))["instruments"][0]
    assert (meter["overdue"], meter["due"], meter["serial"]) == (True, "2020-01-01", "MY123")


def test_a_mistake_in_the_recipe_is_wrong_input(tmp_path, capsys):
    (tmp_path / "bad.toml").write_text('format = 1\nname = "bad"\nsteps = ["acuracy"]\n', "utf-8")
    assert ionto(str(tmp_path / "bad.toml"), out=tmp_path) == 2
    assert "steps" in capsys.readouterr().err


def test_no_port_no_verification(narrow, tmp_path):
    assert ionto(narrow, "--port", "/dev/nothing-here", out=tmp_path) == 3


def test_resistors_by_hand_need_a_terminal(narrow, tmp_path, capsys):
    station = tmp_path / "station.toml"
    station.write_text('[station]\nname = "b"\n[load]\ndriver = "prompts"\n', "utf-8")
    assert ionto(narrow, "--port", "sim://bench-5k", "--station", str(station), out=tmp_path) == 2
    assert "by hand" in capsys.readouterr().err


def test_a_unit_that_vanishes_is_an_error_of_the_bench_and_no_failure(narrow, tmp_path, capsys):
    assert ionto(narrow, "--port", "sim://bench-5k?fault=L15@state=HOLD", "--json", out=tmp_path) == 3
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["outcome"] == "ERROR"
    assert told["first_failing"] is None
