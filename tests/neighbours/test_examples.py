"""The adapters do in their frameworks what their examples say. Each needs its framework: extra `neighbours`."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from controller import Treatment, Unit
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.world import World

EXAMPLES = Path(__file__).parents[2] / "examples" / "neighbours"
BENCH = EXAMPLES / "bench.toml"
SIMULATED = "sim://?load=5k"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=EXAMPLES.parents[1], capture_output=True, text=True, timeout=100, check=False
    )


def test_pymeasure_reads_delivers_and_stops():
    pytest.importorskip("pymeasure", reason="the extra `neighbours` is not installed")
    done = run("examples/neighbours/pymeasure_dose.py", SIMULATED)
    assert done.returncode == 0, done.stderr
    first, half, last = done.stdout.splitlines()
    assert first == "IONTO,IONTO-4,SN0001,1.0.0 IDLE"
    current_ma = float(re.match(r"([\d.]+) mA at", half)[1])
    assert current_ma == pytest.approx(1.0, abs=0.02)
    assert last == "0.00 mA"


def test_openhtf_judges_a_dose():
    pytest.importorskip("openhtf", reason="the extra `neighbours` is not installed")
    assert run("examples/neighbours/openhtf_dose.py", SIMULATED).returncode == 0
    late = run("examples/neighbours/openhtf_dose.py", "sim://?load=5k&fault=E01@state=HOLD")
    assert late.returncode == 1, "a lead that comes off is no dose"


def test_openhtf_leaves_no_current_behind_when_a_phase_raises():
    pytest.importorskip("openhtf", reason="the extra `neighbours` is not installed")
    from controller.neighbours.openhtf import IontoPlug

    world = World(load="5k")
    register_world("openhtf", world)
    try:
        plug = type("Bench", (IontoPlug,), {"port": "sim://@openhtf"})()
        run = iter(plug.unit.deliver(Treatment.load(BENCH), out=None))
        while next(run).current_ma < 0.9:
            pass
        assert abs(world.truth()["i_ua"]) > 800
        plug.tearDown()
    finally:
        unregister_world("openhtf")
    assert abs(world.truth()["i_ua"]) <= 50, "quiet: zero follows within the second"


def test_robot_runs_its_keywords(tmp_path: Path):
    pytest.importorskip("robot", reason="the extra `neighbours` is not installed")
    suite = str(EXAMPLES / "dose.robot")
    good = run("-m", "robot", "--pythonpath", ".", "--outputdir", str(tmp_path), suite)
    assert good.returncode == 0, good.stdout
    port = "PORT:sim://?load=5k&fault=E01@state=HOLD"
    bad = run("-m", "robot", "--pythonpath", ".", "--outputdir", str(tmp_path), "--variable", port, suite)
    assert bad.returncode == 1
    assert "the outcome is FAULT:01, not DONE" in bad.stdout


def test_ophyd_async_sets_a_treatment():
    pytest.importorskip("ophyd_async", reason="the extra `neighbours` is not installed")
    done = run("examples/neighbours/ophyd_dose.py", SIMULATED)
    assert done.returncode == 0, done.stderr
    told = dict(line.split() for line in done.stdout.splitlines())
    assert float(told["ionto-dose_ma_min"]) == pytest.approx(0.2, rel=0.01)
    assert told["ionto-outcome"] == "DONE"


def test_ophyd_async_stops_where_the_plan_does():
    pytest.importorskip("ophyd_async", reason="the extra `neighbours` is not installed")
    from controller.aio import AsyncUnit
    from controller.errors import IontoError
    from controller.neighbours.ophyd import IontoDevice

    async def story() -> tuple[str, int]:
        async with await AsyncUnit.open(SIMULATED) as unit:
            device = IontoDevice(unit, name="ionto")
            await device.connect()
            setting = device.set(Treatment.load(BENCH))
            while await device.current_ma.get_value() < 0.9:
                await asyncio.sleep(0)
            await device.stop(success=False)
            with pytest.raises(IontoError):
                await setting
            return await device.outcome.get_value(), (await unit.status()).i_ua

    outcome, i_ua = asyncio.run(story())
    assert outcome == "STOPPED"
    assert i_ua <= 50


def test_what_is_read_is_what_the_unit_says():
    pytest.importorskip("pymeasure", reason="the extra `neighbours` is not installed")
    from controller.neighbours.pymeasure import IontoUnit

    unit = IontoUnit(Unit.open(SIMULATED))
    assert unit.current < 50e-6
    assert unit.state == "IDLE"
    unit.write("STOP")
    assert unit.impedance == 9.91e37
    unit.shutdown()


@pytest.mark.parametrize("name", ["openhtf", "ophyd", "pymeasure", "robot"])
def test_an_adapter_is_thin(name: str):
    source = Path(__file__).parents[2] / "controller" / "neighbours" / f"{name}.py"
    assert len(source.read_text("utf-8").splitlines()) < 80
