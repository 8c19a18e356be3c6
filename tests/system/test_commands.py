"""`ionto run` as a process of its own, beside a unit that is served to it: what a person at the bench would see.

``Host`` follows what the command prints; the bench door tells what is true meanwhile.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller import Record
from tests.monitors import is_zero, one_whole_record
from tests.rigs import PATIENCE_S, ServedRig, notes, spawn, unit_ms, write_small

pytestmark = [
    pytest.mark.needs("process", "truth"),
    pytest.mark.skipif(os.name != "posix", reason="signals are POSIX"),
]
I_UA, Q_UC = 1000, 240_000


class Host:
    """`ionto run` of 4 mA.min at 1 mA, under the eyes of the bench."""

    def __init__(self, rig: ServedRig, folder: Path) -> None:
        self._eyes = rig.eyes()
        self._out = folder / "runs"
        treatment = write_small(folder / "small.toml", Q_UC / 60_000, I_UA / 1000)
        self.process = spawn("-m", "controller", "run", treatment, "--port", rig.port, "--out", str(self._out))

    def until(self, state: str) -> None:
        """The command shows a line for every state that the unit enters."""
        while line := self.process.stderr.readline():
            self._eyes.look()
            if line.partition(" s  ")[2].startswith(f"{state} "):
                return
        raise AssertionError(f"it ended before {state}: {self.process.stdout.read()}")

    def end(self) -> tuple[int, str, Record]:
        """(exit code, what it printed, its record), when the bench says that the record is true."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in err
        self._eyes.look()
        record = one_whole_record(self._out)
        self._eyes.end(record)
        return self.process.returncode, out, record


@contextmanager
def running(rig: ServedRig, folder: Path) -> Iterator[Host]:
    host = Host(rig, folder)
    try:
        yield host
    finally:
        if host.process.poll() is None:
            rig.abandoned = True
            host.process.kill()
            host.process.wait()
        host.process.stdout.close()
        host.process.stderr.close()


@pytest.mark.served("tcp")
def test_a_locked_output_is_exit_code_4_and_nothing_flows(rig: ServedRig, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("IONTO_OUTPUT_LOCKED", "no load on this bench")
    treatment = write_small(tmp_path / "small.toml", Q_UC / 60_000, I_UA / 1000)
    process = spawn("-m", "controller", "run", treatment, "--port", rig.port, "--out", str(tmp_path / "runs"))
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 4
    assert "the output is locked (IONTO_OUTPUT_LOCKED): no load on this bench" in err
    assert not (tmp_path / "runs").exists()
    assert rig.door.truth()["q_uc"] == 0.0


@pytest.mark.served("tcp")
def test_an_electrode_opened_in_hold_is_exit_code_5_and_a_reason(rig: ServedRig, tmp_path) -> None:
    with running(rig, tmp_path) as host:
        host.until("HOLD")
        lifted_us = rig.door.lead_off(lead="drug")["t_us"]
        zero = rig.until(is_zero)
        code, out, record = host.end()
    assert zero["state"] == "FAULT"
    assert (code, record.outcome) == (5, "FAULT:01")
    assert out.startswith("FAULT:01: open circuit")
    assert "output   off, measured" in out
    assert 0 <= unit_ms(record, " FAULT id=01 ") - lifted_us // 1000 <= 100


@pytest.mark.served("pty")
def test_a_suspended_host_finds_a_unit_that_ramped_down_by_itself(rig: ServedRig, tmp_path) -> None:
    """SIGSTOP for 5 s of the unit's time: its lease ends the current, and the host reports what it finds."""
    with running(rig, tmp_path) as host:
        host.until("HOLD")
        host.process.send_signal(signal.SIGSTOP)
        try:
            asleep_us = rig.truth()["t_us"]
            assert rig.until(is_zero)["state"] == "PAUSED"
            rig.until(lambda truth: truth["t_us"] - asleep_us >= 5_000_000)
        finally:
            host.process.send_signal(signal.SIGCONT)
        code, out, record = host.end()
    paused_ms = unit_ms(record, " STATE st=PAUSING was=HOLD ")
    assert paused_ms - asleep_us // 1000 <= 2_050 + 200  # the lease; and what was under way when it fell asleep
    assert record.outcome == "STOPPED"
    assert code in (3, 5)  # the unit lost its host; or the host found itself blind first
    assert "output   off, measured" in out
    assert [note["verb"] for note in notes(record.folder, "intent")] == ["PRES", "ARM", "START"]
    assert 0.0 < record.dose_ma_min < 0.2


@pytest.mark.served("pty")
@pytest.mark.speed(10)  # the host gives up after 30 s
def test_a_cable_pulled_for_good_is_exit_code_7_and_an_interval(rig: ServedRig, tmp_path) -> None:
    with running(rig, tmp_path) as host:
        host.until("HOLD")
        rig.door.unplug()
        code, out, record = host.end()
    assert (code, record.outcome) == (7, "UNKNOWN")
    assert "output   NOT KNOWN TO BE OFF: look at the unit" in out
    low, high = record.dose_interval_ma_min
    assert 0.0 < high - low < 0.12


@pytest.mark.served("tcp")
def test_a_port_that_is_held_stays_with_its_holder(rig: ServedRig, tmp_path) -> None:
    """The second command sends nothing that touches the first one's run."""
    with running(rig, tmp_path) as host:
        host.until("HOLD")
        held = second(rig, "run", write_small(tmp_path / "other.toml", 0.1, 1.0), "--port", rig.port, "--json")
        assert held.returncode == 3
        assert held.stdout == ""
        assert f"held by ionto run: system test (process {host.process.pid}," in held.stderr
        assert rig.truth()["state"] == "HOLD"
        stopped = second(rig, "stop", "--json")
        code, _, record = host.end()
    assert stopped.returncode == 0
    assert [(row["pid"], row["zero"]) for row in json.loads(stopped.stdout)] == [(host.process.pid, True)]
    assert (code, record.outcome) == (6, "STOPPED")
    assert record.runs[0]["reason"] == "stopped by another process"


def second(rig: ServedRig, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    process = spawn("-m", "controller", *arguments, **options)
    out, err = process.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)
