"""The pytest plugin as its users meet it: small projects with tests of their own, run by pytest itself."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

# pytester forgets what was imported while it ran, but a package keeps its rooms: imported here there is one of each.
import controller.aio  # noqa: F401
import hw_sim.rig.pytest_bench  # noqa: F401

pytest_plugins = ["pytester"]

# Installed, the plugin has the name of its entry point; here it comes from the checkout, and only once.
PLUGIN = ("-p", "no:ionto", "-p", "hw_sim.rig.pytest_plugin", "-p", "no:cacheprovider")

HEAD = """
import pytest

def treatment(dose=0.5):
    from controller import Treatment
    phase = {"pole": "-", "current_ma": 2.0, "dose_ma_min": dose, "ramp_up_ma_per_s": 0.5, "ramp_down_ma_per_s": 1.0}
    return Treatment.from_dict({"format": 1, "name": "a test", "load": "bench", "phase": [phase]})

def delivered(unit, dose=0.5):
    with unit.deliver(treatment(dose), out=None) as run:
        for sample in run:
            pass
    return run.record
"""


def run(pytester: pytest.Pytester, body: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(HEAD + body)
    return pytester.runpytest_inprocess(*PLUGIN, *options)


def test_a_unit_in_virtual_time(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(ionto_unit, ionto_world, ionto_tape):
    record = delivered(ionto_unit)
    assert record.outcome == "DONE"
    assert ionto_world.truth()["q_uc"] == pytest.approx(30_000, abs=400)
    assert ionto_tape.lines[0].text.startswith(">0000 0001 HELLO ")
""",
    )
    result.assert_outcomes(passed=1)


def test_a_program_that_opens_the_port_itself_meets_the_bench(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.mark.ionto_needs("faults", "load", "virtual-time")
def test_it(ionto_world):
    from controller import Unit
    ionto_world.load("5k")
    ionto_world.inject("lead-off@state=HOLD+1")
    with Unit.open(ionto_world.port) as unit:
        assert delivered(unit, 4.0).outcome == "FAULT:01"
    before = ionto_world.truth()["t_us"]
    ionto_world.advance(1.5)
    assert ionto_world.truth()["t_us"] - before == 1_500_000
""",
    )
    result.assert_outcomes(passed=1)


def test_a_program_in_asyncio_is_watched_too(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import asyncio

async def main(port):
    from controller.aio import AsyncUnit
    async with await AsyncUnit.open(port) as unit, unit.deliver(treatment(), out=None) as run:
        async for sample in run:
            pass
    return run.record

def test_it(ionto_world, ionto_tape):
    assert asyncio.run(main(ionto_world.port)).outcome == "DONE"
    assert " BYE*" in ionto_tape.lines[-1].text

async def left_on(port):
    from controller.aio import AsyncUnit
    run = (await AsyncUnit.open(port)).deliver(treatment(), out=None)
    await run.__aenter__()
    async for sample in run:
        if sample.state.name == "HOLD":
            return

def test_left_on(ionto_world):
    asyncio.run(left_on(ionto_world.port))
""",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["current was left on: truly -199? uA in HOLD, the relay is closed"])


def test_scenarios_are_parameters(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.mark.ionto_scenarios("bench-5k", "lead-pulled", "open")
def test_it(ionto_unit, ionto_scenario):
    outcomes = {"bench-5k": "DONE", "lead-pulled": "DONE", "open": "REFUSED"}
    assert delivered(ionto_unit).outcome == outcomes[ionto_scenario]

@pytest.mark.ionto_scenarios("dry-skni")
def test_none(ionto_unit):
    pass
""",
        "-v",
    )
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        ["*test_it[[]open[]] PASSED*", "*ionto_scenarios: no scenario 'dry-skni' (did you mean *"]
    )


def test_current_left_on_is_an_error_and_the_unit_is_stopped(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
worlds = []

def until_hold(run):
    for sample in run:
        if sample.state.name == "HOLD":
            return

def test_left_on(ionto_unit, ionto_world):
    until_hold(ionto_unit.deliver(treatment(), out=None))
    worlds.append(ionto_world.world)

def test_left_on_with_the_unit_left_open(ionto_world):
    from controller import Unit
    until_hold(Unit.open(ionto_world.port).deliver(treatment(), out=None))
    worlds.append(ionto_world.world)

def test_both_are_off():
    for world in worlds:
        world.advance_to(world.now_us + 1_100_000)
        assert abs(world.truth()["i_ua"]) <= 10
""",
        "--junitxml=told.xml",
    )
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        ["current was left on: truly -199? uA in HOLD, the relay is closed", "*- ionto wire log -*", "*< ~* st=HOLD *"]
    )
    kept = [element.get("value") for element in ET.parse(pytester.path / "told.xml").iter("property")]
    assert len(kept) == 2
    log = Path(str(kept[0])).read_text().splitlines()
    assert log[0].split()[:4] == ["1", "0.500000", "1", ">"]
    assert " BYE*" in "".join(log[-3:])


LIAR = """
def lie(world, old, new):
    from zlib import crc32
    sent = world.sent
    def tell(conn, data):
        body = data.rpartition(b"*")[0]
        if old in body:
            body = body.replace(old, new)
            data = b"%b*%08X\\n" % (body, crc32(body))
        return sent(conn, data)
    world.sent = tell
"""


def test_a_violated_invariant_names_itself_and_its_line(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        LIAR
        + """
def test_it(ionto_unit, ionto_world):
    lie(ionto_world.world, b" st=HOLD set=2000", b" st=HOLD set=2500")
    delivered(ionto_unit)

@pytest.mark.ionto_may_violate("I02", "I12")
def test_the_same_where_it_is_not_judged(ionto_unit, ionto_world):
    lie(ionto_world.world, b" st=HOLD set=2000", b" st=HOLD set=2500")
    delivered(ionto_unit)
""",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "I02 hard cap: *",
            "    violated at line 108, 6.001 s: set-point 2500 uA, prescribed are 2000 (and 120 times more)",
            "    line 108: < ~* st=HOLD set=2500 i=199? *",
            "I12 corrupt line: *",
        ]
    )


def test_markers_of_other_projects_stay_theirs(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naddopts = --strict-markers\nmarkers =\n    needs(x)\n    energises\n")
    result = run(
        pytester,
        """
@pytest.mark.needs("a coffee")
@pytest.mark.energises
def test_it(ionto_unit):
    assert ionto_unit.facts.simulated

@pytest.mark.ionto_needs("coffee")
def test_no_such_need(ionto_unit):
    pass
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ionto_needs('coffee'): known are truth, faults, load, virtual-time*"])


def test_a_failing_test_and_a_set_up_that_fails_bring_the_wire_log(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.fixture
def app(ionto_unit):
    ionto_unit.status()
    raise RuntimeError("the program did not start")

def test_set_up(app):
    pass

def test_fails(ionto_unit):
    ionto_unit.self_test()
    assert False

@pytest.mark.skip
def test_skipped(ionto_unit):
    pass

def test_nothing_said(ionto_world):
    assert False
""",
    )
    result.assert_outcomes(failed=2, errors=1, skipped=1)
    text = result.stdout.str()
    assert text.count("- ionto wire log -") == 2
    assert " STATUS*" in text
    assert " SELFTEST*" in text


def install(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip leaves of the entry point."""
    site = pytester.mkdir("site")
    (site / "installed-1.dist-info").mkdir()
    (site / "installed-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: installed\nVersion: 1\n")
    (site / "installed-1.dist-info" / "entry_points.txt").write_text("[pytest11]\nionto = hw_sim.rig.pytest_plugin\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(Path(__file__).parents[2]), str(site))))


def test_a_project_keeps_a_controller_of_its_own_and_nothing_is_loaded_for_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(pytester, monkeypatch)
    pytester.mkpydir("controller")
    (pytester.path / "controller" / "pid.py").write_text("GAIN = 7\n")
    pytester.makepyfile(
        test_own="""
import sys
from controller.pid import GAIN

def test_own():
    assert GAIN == 7
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not {"serial", "transitions", "cattrs", "click", "jinja2"} & loaded
    assert [n for n in sys.modules if n.startswith("hw_sim")] == ["hw_sim", "hw_sim.rig", "hw_sim.rig.pytest_plugin"]
    assert [n for n in sys.modules if n.startswith("controller")] == ["controller", "controller.pid"]
""",
        test_unit="def test_unit(ionto_unit):\n    pass\n",
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["`controller` is *__init__.py here, and not ionto's driver, which this test needs*"])
