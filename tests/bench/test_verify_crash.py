"""The power goes at any point: what the log kept is told, what was not reached says so, and nothing is a pass."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controller.bench.log import is_verification, recover_verification
from controller.bench.measurement import Outcome
from controller.bench.record import Verdict
from controller.cli import run_command
from controller.errors import RecordError
from tests.bench.benches import recipe, verified

STEPS = 'steps = ["self_test", "leakage"]\n'


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("crash")
    found = verified("sim://bench-5k", recipe(folder, STEPS), folder / "runs").folder
    assert found is not None
    return found


def cut(finished: Path, to: Path, lines: int) -> Path:
    """The folder as a power cut after so many lines of its log leaves it."""
    to.mkdir(parents=True)
    whole = (finished / "wire.log").read_bytes().splitlines(keepends=True)
    (to / "wire.log").write_bytes(b"".join(whole[:lines]) + whole[min(lines, len(whole) - 1)][:7])
    return to


def test_recovered_it_has_its_reports(finished, tmp_path, capsys):
    folder = cut(finished, tmp_path / "runs" / "killed", 5)
    assert run_command(["runs", "recover", "killed", "--out", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.startswith("ABORTED  narrow, unit SN0001, attempt 1: ")
    assert {"report.html", "junit.xml", "measurements.csv"} < {file.name for file in folder.iterdir()}


def test_one_that_was_cut_off_counts_as_an_attempt_before_it_is_recovered(finished, tmp_path):
    cut(finished, tmp_path / "runs" / "killed", 5)
    assert verified("sim://bench-5k", recipe(tmp_path, STEPS), tmp_path / "runs").attempt == 2


def test_wherever_the_log_is_cut_the_verification_is_aborted_and_says_what_was_measured(finished, tmp_path):
    lines = (finished / "wire.log").read_bytes().splitlines()
    seen = []
    for number in range(2, len(lines)):
        folder = cut(finished, tmp_path / str(number), number)
        assert is_verification(folder)
        record = recover_verification(folder)
        assert record.outcome is Verdict.ABORTED
        assert not record.complete
        assert record.outcome_details[-1].code == "CUT-OFF"
        seen.append(sum(each.outcome is not Outcome.NOT_MEASURED for each in record.measurements))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 10)


def test_a_log_without_its_first_note_is_no_verification(finished, tmp_path):
    folder = cut(finished, tmp_path / "header", 1)
    assert not is_verification(folder)
    with pytest.raises(RecordError, match="before it says what was to be measured"):
        recover_verification(folder)


def test_a_whole_log_gives_the_record_again(finished, tmp_path):
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "wire.log").write_bytes((finished / "wire.log").read_bytes())
    record = recover_verification(tmp_path / "again")
    was = json.loads((finished / "verification.json").read_text("utf-8"))
    now = record.as_dict()
    assert record.outcome is Verdict.PASS
    assert [now[key] for key in ("id", "phases", "series", "metadata")] == [
        was[key] for key in ("id", "phases", "series", "metadata")
    ]


def test_a_value_written_over_in_the_log_does_not_count(finished, tmp_path):
    folder = tmp_path / "forged"
    folder.mkdir()
    text = (finished / "wire.log").read_bytes()
    forged = text.replace(b'"name":"leakage.after_run","value":0', b'"name":"leakage.after_run","value":1')
    assert forged != text
    (folder / "wire.log").write_bytes(forged)
    record = recover_verification(folder)
    assert record.outcome is Verdict.ABORTED
    assert "damaged or altered" in record.warnings[-1]


def test_recovering_twice_gives_the_same_and_a_whole_record_stays(finished, tmp_path):
    folder = cut(finished, tmp_path / "twice", 60)
    first = recover_verification(folder).as_dict()
    assert recover_verification(folder).as_dict() == first
    before = (finished / "verification.json").read_bytes()
    assert recover_verification(finished).complete
    assert (finished / "verification.json").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("measured", [1, 8, 20])
def test_killed_it_is_recovered_by_the_command(measured, tmp_path):
    command = [sys.executable, "-m", "controller", "verify", "acceptance", "--json", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        for _ in range(measured):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    again = [sys.executable, "-m", "controller", "runs", "recover", "last", "--json", "--out", str(tmp_path)]
    told = json.loads(subprocess.run(again, capture_output=True, check=True, timeout=60).stdout)
    assert told["outcome"] == "ABORTED"
    record = json.loads((Path(told["record"]) / "verification.json").read_text("utf-8"))
    values = [m["measured_value"] for phase in record["phases"] for m in phase["measurements"].values()]
    assert sum(value is not None for value in values) >= measured
    assert None in values


@pytest.mark.slow
def test_ctrl_c_stops_the_current_and_the_record_says_aborted(tmp_path):
    """On a unit in real time, in the middle of a run."""
    command = [sys.executable, "-m", "controller", "verify", "smoke", "--json", "--out", str(tmp_path)]
    command += ["--port", "sim://bench-5k?speed=4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        for _ in range(6):  # the self-test, then leakage.idle: its run begins
            process.stdout.readline()
        time.sleep(0.8)
        process.send_signal(signal.SIGINT)
        out = process.stdout.read()
        assert process.wait(60) == 6
    told = json.loads(out.splitlines()[-1])
    assert told["outcome"] == "ABORTED"
    assert told["outcome_details"] == [{"code": "PERSON", "description": "ended by Ctrl-C"}]
