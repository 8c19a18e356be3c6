"""What a person at a terminal is asked, and every way of not saying yes. The terminal is a pseudo-terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from controller import Record
from controller.cli import run_command
from hw_sim.endpoints import protocol_sim
from hw_sim.world import World
from tests.rigs import in_terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")

SHORT = ["run", "--current", "2", "--dose", "0.2", "--pole", "-"]
TWO = """\
format = 1
name = "Two phases"
load = "bench"

[[phase]]
pole = "-"
current_ma = 2.0
dose_ma_min = 0.2
ramp_up_ma_per_s = 0.5
ramp_down_ma_per_s = 1.0

[[phase]]
pole = "+"
current_ma = 2.0
dose_ma_min = 0.2
ramp_up_ma_per_s = 0.5
ramp_down_ma_per_s = 1.0
"""


@pytest.fixture
def real_unit():
    """A unit that does not say that it is a simulated one."""
    world = World(load="skin")
    world.hal.simulated = False
    protocol_sim.register_world("real", world)
    yield "sim://@real", world
    protocol_sim.unregister_world("real")


@pytest.fixture
def terminal(monkeypatch):
    """Standard input is a terminal; what is written to the master was typed."""
    master, slave = os.openpty()
    with open(slave) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield master
    os.close(master)


@pytest.mark.parametrize(("typed", "code"), [(b"\n", 0), (b"\x04", 6)], ids=["Enter", "Ctrl-D"])
def test_current_flows_from_a_real_unit_after_enter_only(capsys, terminal, real_unit, typed, code) -> None:
    port, world = real_unit
    os.write(terminal, typed)
    assert run_command([*SHORT, "--port", port]) == code
    said = capsys.readouterr().err
    assert "This is a real unit: press Enter" in said
    assert ("no current has flowed" in said) is (code == 6)
    assert os.path.isdir("runs") is (code == 0)
    assert (world.truth()["q_uc"] > 10_000) is (code == 0)


def test_a_real_unit_without_a_terminal_needs_yes(capsys, real_unit) -> None:
    port, world = real_unit
    assert run_command([*SHORT, "--port", port, "--json"]) == 2
    assert "add --yes to let current flow without asking" in capsys.readouterr().err
    assert world.truth()["q_uc"] == pytest.approx(0, abs=1)
    assert run_command([*SHORT, "--port", port, "--json", "--yes"]) == 0


def two(tmp_path) -> str:
    path = tmp_path / "two.toml"
    path.write_text(TWO)
    return str(path)


def last_record(tmp_path) -> Record:
    [folder] = (tmp_path / "runs").iterdir()
    return Record.load(folder)


def test_a_treatment_that_asks_needs_somebody_to_answer(capsys, tmp_path) -> None:
    """Said before anything is sent, not after the first half."""
    assert run_command(["run", two(tmp_path), "--json"]) == 2
    assert "asks between its phases: run it at a terminal, or add --yes" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert run_command(["run", two(tmp_path), "--json", "--yes"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["dose_ma_min"] == pytest.approx(0.4, abs=0.02)


def answered(tmp_path, answer: Callable[[int, subprocess.Popen[str]], object]) -> tuple[int, str]:
    """`ionto run` of two phases at a terminal; ``answer`` gets the master when the question is there."""
    with in_terminal("run", two(tmp_path)) as (master, child):
        said = ""
        while not said.endswith("go on? [y/N]:"):
            letter = child.stderr.read(1)
            assert letter, said
            said += letter
        answer(master, child)
        out, _ = child.communicate(timeout=30)
        return child.returncode, out


def type_(text: bytes) -> Callable[[int, subprocess.Popen[str]], object]:
    return lambda master, _: os.write(master, text)


def signalled(name: str) -> Callable[[int, subprocess.Popen[str]], object]:
    def send(_: int, child: subprocess.Popen[str]) -> None:
        time.sleep(0.2)  # a question that is being written is not yet waiting for its answer
        child.send_signal(getattr(signal, name))

    return send


def test_yes_goes_on_with_the_next_phase(tmp_path) -> None:
    code, out = answered(tmp_path, type_(b"y\n"))
    assert (code, last_record(tmp_path).outcome) == (0, "DONE")
    assert "phase 2: DONE" in out
    assert last_record(tmp_path).dose_ma_min == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize(
    "answer",
    [type_(b"\n"), type_(b"\x04"), signalled("SIGINT"), signalled("SIGTERM"), signalled("SIGHUP")],
    ids=["Enter", "Ctrl-D", "Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_whatever_is_not_yes_ends_between_the_phases(tmp_path, answer) -> None:
    code, out = answered(tmp_path, answer)
    record = last_record(tmp_path)
    assert (code, record.outcome, record.data["complete"]) == (6, "STOPPED", True)
    assert [run["outcome"] for run in record.runs] == ["DONE"]
    assert record.dose_ma_min == pytest.approx(0.2, abs=0.01)
    assert "phase 1: DONE\nphase 2: not begun" in out
    assert "output   off, measured" in out


def test_keys_pause_resume_and_stop(tmp_path) -> None:
    """p, then r, then s, each when the live line shows the state for it."""
    arguments = ["run", "--current", "2", "--dose", "20", "--pole", "-", "--port", "sim://skin?speed=10"]
    with in_terminal(*arguments) as (master, child):
        for state, key in (("HOLD", b"p"), ("PAUSED", b"r"), ("HOLD", b"s")):
            while not child.stderr.readline().partition(" s  ")[2].startswith(state):
                assert child.poll() is None
            os.write(master, key)
        out, _ = child.communicate(timeout=30)
    assert child.returncode == 6
    assert "STOPPED: stopped by key s" in out


def test_a_hang_up_is_a_stop(tmp_path) -> None:
    arguments = ["run", "--current", "2", "--dose", "20", "--pole", "-", "--port", "sim://skin?speed=10"]
    with in_terminal(*arguments) as (_, child):
        while " RAMP_UP " not in child.stderr.readline():
            assert child.poll() is None
        child.send_signal(signal.SIGHUP)
        out, _ = child.communicate(timeout=30)
    assert (child.returncode, last_record(tmp_path).outcome) == (6, "STOPPED")
    assert "STOPPED: stopped by SIGHUP" in out
