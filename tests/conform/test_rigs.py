"""The same suite over a pseudo-terminal, over TCP, and against the firmware under MicroPython."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller import Unit
from controller.cli import run_command
from controller.conform import CHECKS, Options, Outcome, Report, Suite
from controller.conform.bench import Bench
from controller.serial_link import open_link
from tests.conform.suites import failures, ids
from tests.micropython.test_lockstep import missing
from tests.rigs import ServedRig, end, first_line, write_small

MICROPYTHON = Path(__file__).parents[1] / "micropython"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals and signals of POSIX"),
]
NEVER = frozenset({"door", "hours", "long"})  # on these rigs


def suite(port: str, options: Options) -> Report:
    link = open_link(port, purpose="a test")
    try:
        return Suite(link, options).run()
    finally:
        link.close()


def needing(*needs: str) -> set[str]:
    return {check.id for check in CHECKS if set(needs) & set(check.needs)}


@pytest.mark.parametrize(("kind", "never"), [("pty", {"tcp"}), ("tcp", set())])
def test_it_passes_on_a_served_unit(kind, never, tmp_path):
    rig = ServedRig(kind, tmp_path, speed=4, scenario="bench-5k")
    try:
        report = suite(rig.port, Options(load_ohm=5000, lines=500))
        assert failures(report) == {}
        not_run = needing(*NEVER, "output", *never) | {"REF-08"}  # which needs less than 4.8 kohm
        assert ids(report, Outcome.NOT_RUN) == not_run
    finally:
        rig.close()


@contextmanager
def micropython(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`serve.mjs` as a process, and the port that it prints."""
    absent = missing()
    if absent is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(absent)
    process = subprocess.Popen(
        ["node", str(MICROPYTHON / "serve.mjs"), *arguments], text=True, bufsize=1,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process, first_line(process).strip()
    finally:
        process.stdin.close()
        end(process)


def do(process: subprocess.Popen[str], text: str) -> None:
    process.stdin.write(text + "\n")
    assert process.stdout.readline() == "done\n"


def test_it_passes_on_micropython():
    with micropython("--speed", "4", "--load", "4700") as (_, port):
        report = suite(port, Options(load_ohm=4700, allow_output=True, lines=500))
    assert failures(report) == {}
    one_client = {"SES-13"}
    assert ids(report, Outcome.NOT_RUN) == needing(*NEVER) | one_client


def test_a_dose_is_delivered_by_micropython(tmp_path, capsys):
    small = write_small(tmp_path / "small.toml", 0.2, 2.0)
    with micropython("--speed", "4") as (_, port):
        assert run_command(["run", small, "--port", port, "--yes", "--out", "out"]) == 0
        with Unit.open(port) as unit:
            assert unit.facts.serial == "SNMPY1"
            assert unit.facts.simulated
    assert "DONE" in capsys.readouterr().out


def test_a_lead_that_comes_off_is_a_fault_on_micropython():
    """By hand at the bench: a line on the standard input of the server."""
    with micropython() as (process, port):
        link = open_link(port, purpose="a test")
        bench = Bench(link, Options(load_ohm=5000))
        try:
            bench.rest()
            bench.hold()
            do(process, "open")
            assert bench.event("FAULT", 2.0, id="01").fields["name"] == "OPEN"
            bench.comes("FAULT", 1.0, 0)
            do(process, "close")
            bench.rest()
            assert bench.state == "IDLE"
            do(process, "reset")
            bench.rest()
            assert bench.facts.boot == 2
        finally:
            link.close()


def test_a_second_client_is_hung_up_on_and_a_wrong_option_refused():
    with micropython() as (process, port):
        first = open_link(port, purpose="a test")
        with socket.create_connection(("127.0.0.1", int(port.rpartition(":")[2])), 20) as second:
            assert second.recv(1) == b""
        assert process.poll() is None
        first.close()
    wrong = subprocess.run(
        ["node", str(MICROPYTHON / "serve.mjs"), "--speed", "0"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (wrong.returncode, wrong.stderr) == (2, "--speed 0: give a whole number from 1 to 50\n")


def test_ctrl_c_and_sigterm_leave_no_current(tmp_path):
    """In the middle of a run; the simulator behind the other end tells the truth."""
    from tests.rigs import spawn

    for number in (signal.SIGINT, signal.SIGTERM):
        rig = ServedRig("tcp", tmp_path, speed=1, scenario="bench-5k")
        try:
            child = spawn("-m", "controller", "conform", "--port", rig.port, "--load", "5k", "--only", "LEASE-03")
            rig.until(lambda truth: truth["state"] == "HOLD")
            child.send_signal(number)
            assert child.wait(20) == 6
            child.stdout.close()
            child.stderr.close()
            rig.until(lambda truth: truth["state"] == "IDLE" and truth["i_ua"] == 0.0 and not truth["relay_closed"])
        finally:
            rig.close()
