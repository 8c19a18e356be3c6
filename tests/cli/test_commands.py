"""The commands end to end: in this process on ``sim://``, and as processes where another process is the point."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from controller import Record
from controller.cli import run_command
from controller.journal import recover
from controller.journal.wire_log import read_wire_log

SHORT = ["--current", "2", "--dose", "1", "--pole", "-"]
IONTO = [sys.executable, "-m", "controller"]
posix = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals and signals of POSIX")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def run(capsys, *arguments: str) -> tuple[int, str]:
    code = run_command(list(arguments))
    return code, capsys.readouterr().out


def test_run_json_ends_with_the_summary(capsys) -> None:
    code, out = run(capsys, "run", *SHORT, "--json")
    last = json.loads(out.splitlines()[-1])
    assert code == 0
    assert last["outcome"] == "DONE"
    assert last["dose_ma_min"] == pytest.approx(1.0, abs=0.015)
    assert last["unit"]["serial"] == "SN0001"
    assert Record.load(last["record"]).outcome == "DONE"
    assert {json.loads(line)["state"] for line in out.splitlines()[:-1]} >= {"CHECK", "RAMP_UP", "HOLD", "DONE"}


@pytest.mark.parametrize(
    ("scenario", "code", "outcome"),
    [
        ("lead-pulled", 5, "FAULT:01"), ("shorted-in-run", 5, "FAULT:06"), ("power-cut", 5, "RESET"),
        ("unplugged", 3, "STOPPED"),
    ],
)  # fmt: skip
def test_the_exit_code_follows_the_outcome(capsys, scenario, code, outcome) -> None:
    got, out = run(
        capsys, "run", "--current", "2", "--dose", "20", "--pole", "-", "--port", f"sim://{scenario}", "--json"
    )
    assert (got, json.loads(out.splitlines()[-1])["outcome"]) == (code, outcome)


def test_lists_and_plans_are_json(capsys, tmp_path) -> None:
    assert run(capsys, "run", *SHORT)[0] == 0
    for arguments in (
        ["runs", "list"], ["runs", "show", "last"], ["treatments", "list"], ["ports"], ["info"],
        ["plan", "preset:macroduct", "--bench", "--plot", "plan.svg"],
    ):  # fmt: skip
        code, out = run(capsys, *arguments, "--json")
        assert code == 0
        json.loads(out)
    assert (tmp_path / "plan.svg").read_text().startswith("<svg")
    assert run(capsys, "treatments", "new", "mine.toml")[0] == 0
    assert run(capsys, "treatments", "new", "mine.toml")[0] == 2


def test_recover_gives_the_same_record_twice_from_any_cut(capsys, tmp_path) -> None:
    assert run(capsys, "run", *SHORT)[0] == 0
    folder = next((tmp_path / "runs").iterdir())
    finished = Record.load(folder)
    data = (folder / "wire.log").read_bytes()
    lines = data.splitlines(keepends=True)
    for cut in [*range(3, len(lines), 90), len(lines)]:
        case = tmp_path / f"cut-{cut}"
        case.mkdir()
        (case / "wire.log").write_bytes(b"".join(lines[:cut]) + (lines[cut][:17] if cut < len(lines) else b""))
        record = recover(case)
        first = (case / "record.json").read_bytes()
        recover(case)
        assert (case / "record.json").read_bytes() == first
        assert len(record.runs) <= 1
        low, high = record.dose_interval_ma_min
        heard = max((row for row in record.trace.dose_ma_min), default=0.0) if len(record.trace) else 0.0
        assert low <= heard + 0.02
        assert high >= heard - 0.02
    assert record.outcome == finished.outcome == "DONE"
    assert record.dose_ma_min == finished.dose_ma_min


def test_recover_does_not_take_the_nought_of_an_idle_unit_for_the_dose(capsys, tmp_path) -> None:
    """Cut off just before the end was noted: the last telemetry is of a unit in IDLE, with q=0."""
    assert run(capsys, "run", "--current", "2", "--dose", "20", "--pole", "-", "--port", "sim://unplugged")[0] == 3
    [folder] = (tmp_path / "runs").iterdir()
    kept = Record.load(folder).dose_ma_min
    log = (folder / "wire.log").read_bytes()
    before = log[: log.index(b'"kind":"end"')].rpartition(b"\n")[0] + b"\n"
    assert b" st=IDLE " in before.splitlines()[-1]
    assert b" q=0 " in before.splitlines()[-1]
    case = tmp_path / "cut"
    case.mkdir()
    (case / "wire.log").write_bytes(before)
    record = recover(case)
    low, high = record.dose_interval_ma_min
    assert record.outcome == "UNKNOWN"
    assert 1.0 < low <= kept <= high


def test_recover_leaves_a_record_that_the_session_closed(capsys, tmp_path) -> None:
    """Byte for byte; but not where one of its files is gone or was changed since."""
    assert run(capsys, "run", *SHORT)[0] == 0
    [folder] = (tmp_path / "runs").iterdir()
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    code, out = run(capsys, "runs", "recover", "last", "--json")
    assert (code, json.loads(out)["complete"]) == (0, True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
    (folder / "trace.csv").write_bytes(kept["trace.csv"][:-100])
    code, out = run(capsys, "runs", "recover", "last", "--json")
    assert (code, json.loads(out)["complete"]) == (0, False)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "record.json"} == {
        name: data for name, data in kept.items() if name != "record.json"
    }


@pytest.fixture
def served(tmp_path):
    path = str(tmp_path / "unit")
    server = subprocess.Popen(
        [sys.executable, "-m", "hw_sim", "serve", "--pty", path, "--speed", "5", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    server.stdout.readline()
    yield path
    server.terminate()
    server.stdout.close()
    server.wait(10)


def start_run(path: str) -> subprocess.Popen:
    """A run in HOLD or on its way there: the JSON lines say when current flows."""
    child = subprocess.Popen(
        [*IONTO, "run", "--current", "2", "--dose", "20", "--pole", "-", "--port", path, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in child.stdout:
        if json.loads(line)["state"] == "RAMP_UP" and json.loads(line)["current_ma"] > 0.2:
            return child
    raise AssertionError(child.stderr.read())


def finish(child: subprocess.Popen) -> tuple[int, dict]:
    out, _ = child.communicate(timeout=30)
    return child.returncode, json.loads(out.splitlines()[-1])


@posix
def test_stop_from_another_process_reaches_the_run_and_reports_zero(served) -> None:
    child = start_run(served)
    stopped = subprocess.run([*IONTO, "stop", "--json"], capture_output=True, text=True, timeout=30, check=False)
    code, last = finish(child)
    rows = json.loads(stopped.stdout)
    assert stopped.returncode == 0
    assert rows[0]["zero"] is True
    assert rows[0]["current_ua"] <= 50
    assert (code, last["outcome"]) == (6, "STOPPED")


@posix
def test_stop_of_a_port_that_nobody_holds(served) -> None:
    stopped = subprocess.run(
        [*IONTO, "stop", "--port", served], capture_output=True, text=True, timeout=30, check=False
    )
    assert stopped.returncode == 0
    assert "IDLE, 0.00" in stopped.stdout


@posix
@pytest.mark.parametrize(
    ("number", "times", "outcome"), [("SIGTERM", 1, "STOPPED"), ("SIGHUP", 1, "STOPPED"), ("SIGINT", 1, "STOPPED")]
)
def test_signals_stop(served, number, times, outcome) -> None:
    child = start_run(served)
    child.send_signal(getattr(signal, number))
    assert finish(child)[0] == 6


@posix
def test_a_killed_host_leaves_a_log_from_which_the_record_is_rebuilt(served, tmp_path, capsys) -> None:
    child = start_run(served)
    child.kill()
    child.communicate()
    folder = next((tmp_path / "runs").iterdir())
    assert not (folder / "record.json").exists()
    assert not read_wire_log(folder / "wire.log").verdict.whole
    code, out = run(capsys, "runs", "recover", "last", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["outcome"] == "UNKNOWN"
    assert data["complete"] is False
    low, high = data["dose_interval_ma_min"]
    # The unit lost its host: within its lease and a second it has paused. What it counted lies in the interval.
    stopped = subprocess.run([*IONTO, "stop", "--port", served], capture_output=True, timeout=30, check=False)
    assert stopped.returncode == 0
    from controller import Unit

    with Unit.open(served) as unit:
        _, q_uc = unit.run_state(data["runs"][0]["run"])
    assert low <= q_uc / 60_000 <= high


@posix
def test_a_pyvisa_script_reads_and_stops(tmp_path) -> None:
    pyvisa = pytest.importorskip("pyvisa")
    server = subprocess.Popen(
        [sys.executable, "-m", "hw_sim", "serve", "--tcp", "127.0.0.1:0", "--speed", "5", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    where = json.loads(server.stdout.readline())["tcp"]
    try:
        child = start_run(where)
        manager = pyvisa.ResourceManager("@py")
        instrument = manager.open_resource(f"TCPIP::127.0.0.1::{where.rsplit(':', 1)[1]}::SOCKET")
        instrument.read_termination = instrument.write_termination = "\n"
        assert instrument.query("*IDN?").startswith("IONTO,IONTO-4,")
        assert instrument.query("MEAS:ALL?").split(",")[0] in ("RAMP_UP", "HOLD")
        instrument.write("STOP")
        code, last = finish(child)
        instrument.close()
        manager.close()
        assert (code, last["outcome"]) == (6, "STOPPED")
    finally:
        server.terminate()
        server.stdout.close()
        server.wait(10)
