"""Scenarios at several currents, and every option of an address; test_presets.py plays them all."""

from __future__ import annotations

import pytest

from hw_sim.scenario import parse
from hw_sim.world import World
from tests.sim.host import Host, virtual_host

FULL = {"I": 4000, "Q": 1_200_000, "TU": 30_000}  # 4 mA for about 5 min


def _begun(name: str, *, tele_ms: int = 500, **prescription: int) -> tuple[World, Host]:
    world = parse(name).world()
    host = virtual_host(world)
    host.hello()
    host.done("TELE", ms=tele_ms)
    host.start(**prescription)
    return world, host


def _quiet(world: World) -> bool:
    """No current and no path for it, as the next tick finds it."""
    world.advance_to(world.now_us + 10_000)
    truth = world.truth()
    return truth["i_ua"] == 0.0 and not truth["relay_closed"]


def _fault(host: Host) -> dict:
    host.until_state("FAULT")
    return next(e for e in host.events if e["name"] == "FAULT")


def _runs_to_its_dose(world: World, host: Host, dose_uc: int) -> None:
    host.until_state("DONE")
    facts = host.run_facts()
    assert facts["out"] == "DONE"
    assert int(facts["q"]) == pytest.approx(dose_uc, rel=0.005, abs=600)
    assert world.truth()["q_uc"] == pytest.approx(dose_uc, rel=0.01, abs=600)
    assert _quiet(world)


@pytest.mark.parametrize(
    ("name", "top_v", "end_v"), [("skin", 28.3, 13.5), ("dry-skin", 34.0, 14.3), ("hydrated-skin", 18.0, 11.0)]
)
def test_skins(name, top_v, end_v):
    """Tops and ends: the reference run of the design's physics page, 30 s and 300 s."""
    world, host = _begun(name, **FULL)
    host.until_state("HOLD")
    host.until(lambda: host.telemetry[-1]["st"] == "HOLD")
    assert host.telemetry[-1]["v"] / 1000 == pytest.approx(top_v, rel=0.02)
    held = len(host.telemetry)
    host.until_state("RAMP_DOWN")
    volts = [t["v"] for t in host.telemetry[held:] if t["st"] == "HOLD"]
    assert all(later < sooner + 5 for sooner, later in zip(volts, volts[20:], strict=False))  # 10 s apart
    assert volts[-1] / 1000 == pytest.approx(end_v, rel=0.03)
    _runs_to_its_dose(world, host, FULL["Q"])


@pytest.mark.parametrize("ua", [2000, 4000])
def test_membrane(ua):
    world, host = _begun("membrane", I=ua, Q=300 * ua + 60_000)
    host.until(lambda: world.now_us >= 302_000_000)
    assert host.telemetry[-1]["st"] == "HOLD"
    ma_cm2 = abs(world.plant.i_a) * 1e3 / world.plant.drug_cm2
    assert 2.3 <= world.plant.v_drug / ma_cm2 <= 8.0
    _runs_to_its_dose(world, host, 300 * ua + 60_000)


@pytest.mark.parametrize("ua", [1000, 4000])
def test_tap_water(ua):
    world, host = _begun("tap-water", I=ua, Q=180_000, TU=10_000)
    assert (world.plant.area_drug_cm2, world.plant.area_return_cm2) == (150.0, 150.0)
    host.until_state("HOLD")
    _runs_to_its_dose(world, host, 180_000)
    held = [t["z"] for t in host.telemetry if t["st"] == "HOLD"]
    assert held
    assert all(3000 <= z <= 5000 for z in held)


def test_bench_5k():
    world, host = _begun("bench-5k", I=1000, Q=60_000)
    _runs_to_its_dose(world, host, 60_000)
    held = [t["v"] for t in host.telemetry if t["st"] == "HOLD"]
    assert len(held) > 90
    assert all(abs(v - 5000) <= 50 for v in held)


def test_open():
    world = parse("open").world()
    reply = virtual_host(world).arm(I=1000, Q=60_000)
    assert reply["code"] == "16"
    truth = world.truth()
    assert (truth["peak_ua"], truth["q_uc"], truth["state"]) == (0.0, 0.0, "STAGED")


def test_short():
    world = parse("short").world()
    reply = virtual_host(world).arm(I=1000, Q=60_000, ZMIN=10)
    assert reply["code"] == "16"
    assert _quiet(world)
    assert world.truth()["peak_ua"] < 60  # the check's own 50 uA


@pytest.mark.parametrize("ua", [200, 1000, 4000])
def test_lead_pulled(ua):
    world, host = _begun("lead-pulled", I=ua, Q=1_200_000 if ua > 200 else 60_000)
    fault = _fault(host)
    assert fault["id"] == "01"
    assert 60_000 < fault["ms"] <= 60_100
    assert _quiet(world)
    assert host.run_facts()["out"] == "FAULT:01"


@pytest.mark.parametrize("ua", [500, 1000, 4000])
def test_shorted_in_run(ua):
    world, host = _begun("shorted-in-run", I=ua, Q=1_200_000 if ua > 500 else 60_000)
    fault = _fault(host)
    assert fault["id"] == "06"
    assert 60_000 < fault["ms"] <= 60_100
    assert _quiet(world)
    assert host.run_facts()["out"] == "FAULT:06"


@pytest.mark.parametrize("ua", [500, 1500, 4000])
def test_peeling(ua):
    world, host = _begun("peeling", I=ua, Q=2_400_000 if ua > 500 else 600_000)
    fault = _fault(host)
    assert fault["id"] == "05"
    assert 300_000 < fault["ms"] <= 345_000
    warned = [e["ms"] for e in host.events if e["name"] == "WARN" and e["id"] == "05"]
    assert len(warned) == 1
    assert 300_000 < warned[0] < fault["ms"]
    assert _quiet(world)
    assert host.run_facts()["out"] == "FAULT:05"
    host.until(lambda: world.now_us > 361_000_000)
    assert world.truth()["contact_drug"] == pytest.approx(0.3)


def test_power_cut():
    world, host = _begun("power-cut", **FULL)
    host.until(lambda: world.now_us >= 59_900_000)
    host.keeping = False
    told_uc = host.telemetry[-1]["q"]
    world.advance_to(60_010_000)
    assert _quiet(world)
    true_uc = world.truth()["q_uc"]
    world.advance_to(90_000_000)
    assert world.truth()["state"] == "IDLE"
    assert world.truth()["q_uc"] == true_uc
    host.hello()
    facts = host.run_facts()
    assert (facts["st"], facts["out"]) == ("IDLE", "RESET")
    assert int(facts["q"]) >= told_uc


def test_firmware_hangs():
    world, host = _begun("firmware-hangs", **FULL)
    host.until(lambda: world.now_us >= 60_000_000)  # and the host goes on writing
    world.advance_to(60_100_000)
    assert not _quiet(world)
    world.advance_to(60_160_000)
    assert _quiet(world)
    host.keeping = False
    world.advance_to(61_000_000)
    assert world.truth()["state"] == "FAULT"
    assert world.truth()["faults"] == 1 << 15
    host.hello()
    host.done("EVENTS", n="0001")
    host.until(lambda: any(e["name"] == "FAULT" for e in host.events))
    assert next(e for e in host.events if e["name"] == "FAULT")["id"] == "16"
    assert host.run_facts()["out"] == "RESET"


def test_unplugged():
    world, host = _begun("unplugged", **FULL)
    host.until(lambda: world.now_us >= 60_000_000)
    told_uc = host.telemetry[-1]["q"]
    assert host._receive() == b""
    world.advance_to(63_000_000)
    assert world.truth()["state"] == "PAUSED"
    assert _quiet(world)
    world.advance_to(69_990_000)
    assert not world.plugged
    world.advance_to(130_000_000)
    assert world.plugged
    assert world.truth()["state"] == "PAUSED"
    host = virtual_host(world)
    host.hello()
    status = host.done("STATUS")
    assert (status["st"], status["run"], status["i"]) == ("PAUSED", "RUN1", "0")
    assert int(status["q"]) >= told_uc
    assert host.run_facts()["out"] == "RUNNING"


# -- options -----------------------------------------------------------------------------------------------


def test_options_reach_the_world():
    chosen = parse("dry-skin?seed=3&sn=SN0042&line=9600&speed=7&load=22k")
    assert (chosen.name, chosen.line, chosen.speed) == ("dry-skin", "9600", 7)
    world = chosen.world()
    assert (world.seed, world.hal.serial, world.plant.load_ohm) == (3, "SN0042", 22_000.0)
    assert parse("skin?speed=max").speed == 0
    assert parse("skin").speed is None
    assert parse("").name == parse("/").name == parse("?seed=1").name == "skin"


def test_a_person_is_drawn_from_the_population_of_its_seed():
    def skin(text: str) -> tuple[float, float]:
        plant = parse(text).world().plant
        return plant.g0_drug, plant.g0_return

    assert skin("skin") == (5e-6, 5e-6)
    assert skin("skin?person=1") == skin("skin?person=1&seed=1") != skin("skin?person=2")
    assert skin("skin?person=1") != skin("skin?person=1&seed=2")
    dry, prepared = skin("dry-skin?person=4"), skin("skin?person=4")
    assert dry == pytest.approx((prepared[0] / 3, prepared[1] / 3))
    assert parse("open?person=1").world().plant.path <= 0


def test_faults_of_an_address():
    chosen = parse("skin?fault=E01@state=HOLD+5,for=2&fault=gain-error:percent=-10@at=3")
    assert chosen.faults == ("E01@state=HOLD+5,for=2", "S03:percent=-10@at=3")
    assert [fault["id"] for fault in chosen.world().faults().listed()] == ["E01", "S03"]
    assert parse("lead-pulled?fault=E01%40at%3D3").faults == ("E01@at=3",)
    with pytest.raises(
        ValueError, match=r"^no fault leadoff \(did you mean lead-off\?\); `ionto-sim faults` lists them$"
    ):
        parse("skin?fault=leadoff")


def test_a_user_s_own_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('format = 1\nname = "mine"\nexpect = "nothing"\nload = "4k7"\nseed = 7\n')
    chosen = parse(f"{path}?seed=8")
    assert (chosen.name, chosen.load, chosen.seed) == ("mine", "4k7", 8)
    with pytest.raises(ValueError, match=r"other\.toml: cannot be read: No such file or directory; check the path$"):
        parse(str(tmp_path / "other.toml"))


def test_load_and_what_happens_go_together():
    """An option changes the load and leaves the scenario's events."""
    world, host = _begun("lead-pulled?load=5k", I=1000, Q=1_200_000)
    assert _fault(host)["id"] == "01"
    assert world.truth()["t_us"] < 60_200_000
