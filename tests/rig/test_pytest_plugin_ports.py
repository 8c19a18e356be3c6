"""The pytest plugin on a port: a simulator in another process, and a unit that is not simulated, with its load."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.world import World
from tests.rig.test_pytest_plugin import run

pytest_plugins = ["pytester"]


POSIX = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")


@pytest.mark.parametrize("kind", [pytest.param("pty", marks=POSIX), pytest.param("tcp", marks=pytest.mark.slow)])
def test_a_simulator_in_another_process(pytester: pytest.Pytester, kind: str) -> None:
    result = run(
        pytester,
        """
import os

@pytest.mark.ionto_scenarios("bench-5k")
def test_it(ionto_unit, ionto_port, ionto_door):
    print("served at", ionto_port)
    assert delivered(ionto_unit, 0.1).outcome == "DONE"
    assert ionto_door.truth()["q_uc"] == pytest.approx(6000, abs=700)

@pytest.mark.ionto_needs("virtual-time")
def test_no_clock_to_hold(ionto_port):
    pass
""",
        "--ionto-serve",
        kind,
        "-s",
    )
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*served at socket://127.0.0.1:*" if kind == "tcp" else "*served at */unit"])


@pytest.mark.slow
def test_the_simulator_is_gone_afterwards_however_it_ends(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import os, signal
pids = []

@pytest.fixture
def served(ionto_port, request):
    pids.append(request.getfixturevalue("_ionto_served").pid)
    return pids[-1]

def test_fails(served):
    assert False

def test_killed(served):
    os.kill(served, signal.SIGKILL)

def test_current_left_on(served, ionto_port):
    from controller import Unit
    for sample in Unit.open(ionto_port).deliver(treatment(), out=None):
        if sample.state.name == "RAMP_UP":
            break

def test_none_is_left():
    assert len(pids) == 3
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
""",
    )
    result.assert_outcomes(passed=3, failed=1, errors=2)
    result.stdout.fnmatch_lines(["the simulator is gone: *; exit code -9", "current was left on: *"])


def test_the_simulator_ends_with_a_test_process_that_is_killed(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import os, subprocess, sys

def test_it(ionto_port, request):
    process = request.getfixturevalue("_ionto_served")._process
    process.stdin.close()  # what the system does with the pipes of a process that is no more
    assert process.wait(20) == 0
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the simulator is gone: *exit code 0*"])


class RealWorld(World):
    """A unit that does not say that it is simulated."""

    def __init__(self, load: str) -> None:
        super().__init__(load=load)
        self.hal.simulated = False


@pytest.fixture
def real() -> Iterator[RealWorld]:
    world = RealWorld("5k")
    register_world("real", world)
    yield world
    unregister_world("real")
    assert abs(world.truth()["i_ua"]) <= 10


ENERGISING = """
@pytest.mark.ionto_energises
def test_energises(ionto_unit):
    assert delivered(ionto_unit).outcome == "DONE"

def test_only_looks(ionto_unit, ionto_port):
    assert not ionto_unit.facts.simulated

@pytest.mark.ionto_needs("truth")
def test_truth(ionto_unit):
    pass

def test_world(ionto_world):
    pass

@pytest.mark.ionto_scenarios("open")
def test_scenario(ionto_unit):
    pass
"""


def test_hardware_gives_no_current_unless_somebody_said_so(pytester: pytest.Pytester, real: RealWorld) -> None:
    result = run(pytester, ENERGISING, "--ionto-port", "sim://@real", "-rs")
    result.assert_outcomes(passed=1, skipped=4)
    result.stdout.fnmatch_lines(
        [
            "ionto: the unit on sim://@real; no output allowed",
            "*current would flow from sim://@real: give --ionto-allow-output and --ionto-load, with that resistor on",
        ]
    )
    assert real.truth()["q_uc"] == 0.0


def test_hardware_with_its_load_declared(pytester: pytest.Pytester, real: RealWorld) -> None:
    result = run(pytester, ENERGISING, "--ionto-port", "sim://@real", "--ionto-allow-output", "--ionto-load", "5k")
    result.assert_outcomes(passed=2, skipped=3)
    assert real.truth()["q_uc"] == pytest.approx(30_000, abs=400)


def test_a_test_that_does_not_say_energises_raises_nothing(pytester: pytest.Pytester, real: RealWorld) -> None:
    result = run(
        pytester,
        """
def test_it(ionto_unit):
    delivered(ionto_unit)
""",
        "--ionto-port", "sim://@real", "--ionto-allow-output", "--ionto-load", "5k",
    )  # fmt: skip
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*OutputRefused: this test is not marked ionto_energises*"])
    assert real.truth()["q_uc"] == 0.0


def test_a_program_that_a_test_starts_is_locked_as_the_test_is(pytester: pytest.Pytester, real: RealWorld) -> None:
    result = run(
        pytester,
        """
import os, subprocess, sys
SAY = [sys.executable, "-c", "import os; print(os.environ.get('IONTO_OUTPUT_LOCKED'))"]

def test_it(ionto_port):
    assert subprocess.check_output(SAY, text=True).startswith("this test is not marked ionto_energises")

@pytest.mark.ionto_energises
def test_energises(ionto_port):
    assert subprocess.check_output(SAY, text=True) == "None\\n"

def test_no_bench():
    assert subprocess.check_output(SAY, text=True) == "None\\n"
""",
        "--ionto-port", "sim://@real", "--ionto-allow-output", "--ionto-load", "5k",
    )  # fmt: skip
    result.assert_outcomes(passed=3)


def test_another_load_than_the_declared_one_ends_it(pytester: pytest.Pytester, real: RealWorld) -> None:
    body = ENERGISING.partition("def test_only_looks")[0]
    result = run(pytester, body, "--ionto-port", "sim://@real", "--ionto-allow-output", "--ionto-load", "8k")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*OutputRefused: the load is 5??? ohm, and --ionto-load says 8000: look at the bench*"]
    )
    assert real.truth()["q_uc"] < 500


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ("pass", "current was left on: the unit's newest telemetry says so, and nobody stopped it"),
        ("unit.link.close()", "current was left on: the unit says that a run goes on under a host that is gone"),
    ],
)
def test_current_left_on_hardware_is_stopped(
    pytester: pytest.Pytester, real: RealWorld, then: str, sentence: str
) -> None:
    body = f"""
@pytest.mark.ionto_energises
def test_it(ionto_port):
    from controller import Unit
    unit = Unit.open(ionto_port)
    for sample in unit.deliver(treatment(4.0), out=None):
        if sample.state.name == "HOLD":
            break
    {then}
"""
    result = run(pytester, body, "--ionto-port", "sim://@real", "--ionto-allow-output", "--ionto-load", "5k")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([sentence])
    assert real.firmware.run_facts(real.firmware.run)[2] == "STOPPED"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--ionto-allow-output"], "*--ionto-allow-output and --ionto-load go together*"),
        (["--ionto-load", "5k"], "*--ionto-allow-output and --ionto-load go together*"),
        (["--ionto-allow-output", "--ionto-load", "a person"], "*--ionto-load: 'a person' is no load*"),
    ],
)
def test_half_a_permission_is_none(pytester: pytest.Pytester, options: list[str], sentence: str) -> None:
    result = run(pytester, ENERGISING, "--ionto-port", "sim://@real", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([sentence])


def test_one_unit_is_tested_by_one_process(pytester: pytest.Pytester) -> None:
    """pytest-xdist itself, which these tests have."""
    result = run(pytester, ENERGISING, "--ionto-port", "sim://@real", "--numprocesses", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*one unit, one process: leave --numprocesses out with --ionto-port*"])


def test_a_port_that_cannot_be_opened_is_one_sentence(pytester: pytest.Pytester) -> None:
    result = run(pytester, ENERGISING, "--ionto-port", "/dev/no-such-port")
    result.stdout.fnmatch_lines(["--ionto-port: /dev/no-such-port: *"])
    assert "Traceback" not in result.stdout.str()
    assert result.parseoutcomes()["errors"] == 2
