"""A pytest plugin for whoever writes a program on the driver: a unit to test it with, in CI and on a bench.

``docs/testing-your-application.md`` is its page. It comes with the package (entry point ``ionto``) and is loaded by
every pytest run in that environment, so it costs next to nothing until a test asks for one of its fixtures: this
module imports pytest alone. The driver is imported when a fixture is used and not before, because a project may have
a folder ``controller`` of its own, which then keeps that name; only a test that wants a unit is told of the clash.

Markers and options begin with ``ionto``: pytest has one room for those of all plugins, and ``needs`` or ``energises``
are words that other projects use for something else.

What holds of every test with a bench, without a word in it: the invariants of ``docs/invariants.md`` on everything the
unit said, and no current at the end. Both are judged when the fixtures are taken down, after the program under test
has had its chance to clean up; pytest counts that as an error of the test. What is found wrong comes with the wire log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from controller import Unit
    from hw_sim.rig.pytest_bench import DoorClient, OutsideBench, ServedBench, VirtualBench
    from hw_sim.rig.pytest_tape import Tape

FIXTURES: Final = frozenset({"ionto_tape", "ionto_world", "ionto_unit", "ionto_port", "ionto_door", "ionto_scenario"})
NEEDS: Final = {
    "truth": "the true current and charge can be read",
    "faults": "faults can be injected, leads taken off, the plug pulled",
    "load": "the load can be changed",
    "virtual-time": "the test holds the clock",
}
MARKERS: Final = (
    f"ionto_needs(what, ...): skipped where the bench cannot do it: {', '.join(NEEDS)}",
    "ionto_energises: current flows; on hardware only with --ionto-allow-output and --ionto-load",
    "ionto_scenarios(name, ...): run once on each of these benches; `ionto-sim scenarios` lists them",
    "ionto_may_violate(id, ...): invariants that are not judged in this test, such as I08",
)
SHOWN: Final = 60  # lines of the wire log in a report
_tape_key: Final = pytest.StashKey["Tape"]()
_hardware_key: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ionto", "iontophoresis units")
    group.addoption("--ionto-port", metavar="PORT", help="run on the unit on this port instead of a simulator")
    group.addoption("--ionto-allow-output", action="store_true", help="let tests that energise run on hardware")
    group.addoption("--ionto-load", metavar="OHM", help="the resistor on the hardware's output, as printed: 5k, 4k7")
    group.addoption("--ionto-serve", choices=("pty", "tcp"), help="where ionto_port is served [pty; tcp on Windows]")
    group.addoption("--ionto-speed", type=int, default=8, metavar="N", help="simulated seconds a second, served [8]")


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    allowed, load = config.getoption("--ionto-allow-output"), config.getoption("--ionto-load")
    if allowed != (load is not None):
        raise pytest.UsageError(
            "--ionto-allow-output and --ionto-load go together: current flows only into a resistor that you name, "
            "as in --ionto-allow-output --ionto-load 5k"
        )
    if load is not None:
        _load_ohm(load)
    if config.getoption("--ionto-port") is not None and config.getoption("numprocesses", None):  # of pytest-xdist
        raise pytest.UsageError("one unit, one process: leave --numprocesses out with --ionto-port")


def pytest_report_header(config: pytest.Config) -> str | None:
    port, load = config.getoption("--ionto-port"), config.getoption("--ionto-load")
    if port is None:
        return None
    return f"ionto: the unit on {port}; {'no output allowed' if load is None else f'output allowed into {load}'}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("ionto_scenarios")
    if mark is not None and "ionto_scenario" in metafunc.fixturenames:
        metafunc.parametrize("ionto_scenario", mark.args, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this bench cannot do, before anything is opened."""
    used = FIXTURES.intersection(getattr(item, "fixturenames", ()))
    if not used:
        return
    needed = [need for mark in item.iter_markers("ionto_needs") for need in mark.args]
    for need in needed:
        if need not in NEEDS:
            pytest.fail(f"ionto_needs({need!r}): known are {', '.join(NEEDS)}", pytrace=False)
    port = item.config.getoption("--ionto-port")
    if port is None:
        if "virtual-time" in needed and "ionto_port" in used:
            pytest.skip("ionto_port is a simulator in another process, which lives in real time")
        return
    if needed or "ionto_world" in used or "ionto_door" in used:
        what = ", ".join(needed) or "a simulated bench"
        pytest.skip(f"needs {what}, which the unit on {port} does not offer: run without --ionto-port")
    if item.get_closest_marker("ionto_scenarios") is not None:
        pytest.skip(f"needs a scenario, and what is on {port} is what it is: run without --ionto-port")
    if item.get_closest_marker("ionto_energises") is not None and _is_barred(item.config, port):
        pytest.skip(
            f"current would flow from {port}: give --ionto-allow-output and --ionto-load, with that resistor on"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure brings the wire log: its end in the report, all of it in a file, and the file's name for JUnit."""
    tape = item.stash.get(_tape_key, None)
    failed = call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception)
    if tape is None or not failed or not tape.lines:
        return (yield)
    path = tape.keep()
    if ("ionto_wire_log", str(path)) not in item.user_properties:
        item.user_properties.append(("ionto_wire_log", str(path)))
    report = yield
    cut = f"the last {SHOWN} of {len(tape.lines)} lines; all are in {path}\n" if len(tape.lines) > SHOWN else ""
    report.sections.append(("ionto wire log", cut + "".join(f"{line}\n" for line in tape.lines[-SHOWN:])))
    return report


# -- fixtures ------------------------------------------------------------------------------------------------------


@pytest.fixture
def ionto_scenario(request: pytest.FixtureRequest) -> str:
    """The bench, by its name: `skin`, or what the marker ``ionto_scenarios`` says."""
    return str(getattr(request, "param", "skin"))


@pytest.fixture
def ionto_tape(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tape]:
    """Every line between the driver and the unit, and the monitors over it."""
    _demand_driver()
    from controller.serial_link.output_lock import VARIABLE
    from hw_sim.rig.pytest_tape import Tape, tapped

    node = request.node
    tape = node.stash[_tape_key] = Tape(lambda: tmp_path_factory.mktemp("ionto-wire") / "wire.txt")
    port = request.config.getoption("--ionto-port")
    if port is not None and _is_hardware(request.config, port):
        tape.locked = _lock(node, request.config)
        if tape.locked:
            monkeypatch.setenv(VARIABLE, tape.locked)  # for the programs that this test starts
        tape.load_ohm = None if tape.locked else _load_ohm(request.config.getoption("--ionto-load"))
    with tapped(tape):
        yield tape
    excused = frozenset(name for mark in node.iter_markers("ionto_may_violate") for name in mark.args)
    wrong = tape.problems + tape.violations(excused)
    if wrong:
        pytest.fail("\n".join(dict.fromkeys(wrong)), pytrace=False)


@pytest.fixture
def ionto_world(ionto_scenario: str, ionto_tape: Tape) -> Iterator[VirtualBench]:
    """A simulated unit on its bench, in this process and in virtual time. Its ``port`` is what a program opens."""
    from hw_sim.rig.pytest_bench import VirtualBench
    from hw_sim.scenario import parse

    bench = VirtualBench(_parsed(parse, ionto_scenario), ionto_tape)
    yield bench
    bench.close()


@pytest.fixture
def _ionto_served(
    request: pytest.FixtureRequest, ionto_scenario: str, ionto_tape: Tape, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBench]:
    from hw_sim.rig.pytest_bench import ServedBench
    from hw_sim.scenario import parse

    _parsed(parse, ionto_scenario)
    option = request.config.getoption
    kind = option("--ionto-serve") or ("pty" if os.name == "posix" else "tcp")
    folder = tmp_path_factory.mktemp("ionto")
    bench = ServedBench(ionto_scenario, ionto_tape, kind=kind, speed=option("--ionto-speed"), folder=folder)
    yield bench
    bench.close()


@pytest.fixture
def _ionto_outside(request: pytest.FixtureRequest, ionto_tape: Tape) -> Iterator[OutsideBench]:
    from hw_sim.rig.pytest_bench import OutsideBench

    bench = OutsideBench(request.config.getoption("--ionto-port"), ionto_tape)
    yield bench
    bench.close()


@pytest.fixture
def ionto_port(request: pytest.FixtureRequest, ionto_scenario: str, ionto_tape: Tape) -> str:
    """The port of a unit in another process, as text; with --ionto-port, that one."""
    outside = request.config.getoption("--ionto-port") is not None
    bench = request.getfixturevalue("_ionto_outside" if outside else "_ionto_served")
    return str(bench.port)


@pytest.fixture
def ionto_door(_ionto_served: ServedBench) -> DoorClient:
    """The bench door of the simulator behind ``ionto_port``: truth, loads, faults."""
    return _ionto_served.door


@pytest.fixture
def ionto_unit(request: pytest.FixtureRequest, ionto_scenario: str, ionto_tape: Tape) -> Iterator[Unit]:
    """An open Unit: on ``ionto_world``, on ``ionto_port`` where the test has that too, or on --ionto-port."""
    from controller import Unit

    if request.config.getoption("--ionto-port") is not None:
        bench = request.getfixturevalue("_ionto_outside")
    elif "ionto_port" in request.fixturenames or "ionto_door" in request.fixturenames:
        bench = request.getfixturevalue("_ionto_served")
    else:
        bench = request.getfixturevalue("ionto_world")
    with Unit.open(bench.port, purpose=request.node.name) as unit:
        yield unit
        bench.judge()  # before the unit is closed, which stops it


# -- what may flow -------------------------------------------------------------------------------------------------


def _load_ohm(text: str) -> float:
    from hw_sim.plant.loads import printed_ohm

    try:
        return printed_ohm(text)
    except ValueError as exc:
        raise pytest.UsageError(f"--ionto-load: {exc}") from exc


def _is_hardware(config: pytest.Config, port: str) -> bool:
    """Whether the unit on ``port`` is real. Asked once; who cannot be asked counts as real."""
    if _hardware_key not in config.stash:
        _demand_driver()
        from controller import IontoError
        from hw_sim.rig.pytest_bench import simulates

        try:
            config.stash[_hardware_key] = not simulates(port)
        except IontoError as exc:
            pytest.fail(f"--ionto-port: {exc}", pytrace=False)
    return config.stash[_hardware_key]


def _is_barred(config: pytest.Config, port: str) -> bool:
    return not config.getoption("--ionto-allow-output") and _is_hardware(config, port)


def _lock(node: pytest.Item, config: pytest.Config) -> str | None:
    """Why nothing may raise the output of this hardware in this test; None: it may."""
    if node.get_closest_marker("ionto_energises") is None:
        return "this test is not marked ionto_energises, so nothing may raise the output of real hardware"
    if not config.getoption("--ionto-allow-output"):
        return "the output of real hardware is raised only with --ionto-allow-output and --ionto-load"
    return None


def _parsed(parse: Any, text: str) -> Any:  # noqa: ANN401 - types of a room that is not imported yet
    try:
        return parse(text)
    except ValueError as exc:
        pytest.fail(f"ionto_scenarios: {exc}", pytrace=False)


def _demand_driver() -> None:
    """`controller` must be the driver's. Another one would be found first, and fail in ways that explain nothing."""
    import controller

    mine = Path(__file__).parents[2] / "controller"
    found = Path(controller.__file__ or next(iter(controller.__path__)))
    if "Unit" in getattr(controller, "__all__", ()) or mine in found.parents:
        return
    pytest.fail(
        f"`controller` is {found} here, and not ionto's driver, which this test needs: a package of your own has the "
        f"same name and comes first on sys.path. Rename it, or keep the tests that use a unit in a run of their own "
        f"where it is not importable (sys.path[0] is {sys.path[0]!r}).",
        pytrace=False,
    )
