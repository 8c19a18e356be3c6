"""A good unit passes; a bad one fails, and the first measurement that fails names what is wrong with it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from controller.bench.eye import WatchedUnit
from controller.bench.instruments import Identity
from controller.bench.instruments.door import Door, of_port
from controller.bench.instruments.fitting import Fitted, fitted
from controller.bench.recipe import load_recipe
from controller.bench.record import Verdict
from controller.bench.station import Station
from controller.bench.verify import Verification
from controller.errors import RecordError
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.firmware.machine import RAMP_UP
from hw_sim.firmware.main import Firmware
from hw_sim.scenario import parse
from hw_sim.variants.build import Defect, built
from hw_sim.world import World
from tests.bench.benches import STATION, TODAY, failed, nobody, recipe, values, verified


class SlowRamp(Firmware):
    """The loop of the ramp takes longer than the step that was computed for it: 0.9 of the slew."""

    def tick(self) -> None:
        up = self.rec.n_up
        if self.rec.st == RAMP_UP:
            self.rec.n_up = up * 9 // 10
        super().tick()
        self.rec.n_up = up


@pytest.fixture
def slow_ramp():
    world = World(load="5k", serial="SN0001", firmware=built((Defect("slow-ramp", unit=SlowRamp),)))
    register_world("slow-ramp", world)
    yield "sim://@slow-ramp"
    unregister_world("slow-ramp")


GAIN = "sim://bench-5k?fault=S03:percent=-2.9126,channel=currents"  # the unit's channels read 3 % less than flows
LATE = "sim://bench-5k?variant=slow-over-current"
STICKY = "sim://bench-5k?fault=E12@state=HOLD"
WELDED = "sim://bench-5k?fault=E12"
LOST = "sim://bench-5k?variant=dose-cleared-on-resume"
STOPPED = "sim://bench-5k?variant=undelivered-subtracted-twice"
ANY_BYTE = "sim://bench-5k?variant=lease-by-any-byte"
STEEP = "sim://bench-5k?variant=ramp-down-never-runs"
LEFT_ON = "sim://bench-5k?variant=output-left-on"
UNCOUNTED = "sim://bench-5k?variant=nothing-at-the-end"

# Narrow recipes, so that they are quick; the whole of acceptance is below, and slow.
NARROW = {
    GAIN: (
        'steps = ["accuracy"]\n[accuracy]\nset_points_ma = [2.0]\nloads_kohm = [5.0]\n', "accuracy.error.5k.2mA",
    ),
    LATE: ('steps = ["trips"]\n[trips]\nfaults = ["overcurrent"]\n', "trips.overcurrent.time"),
    STICKY: ('steps = ["self_test", "leakage"]\n', "leakage.relay_open"),
    LOST: ('steps = ["dose"]\n[dose]\ndoses_ma_min = [0.5]\n', "dose.delivered.paused"),
    ANY_BYTE: ('steps = ["lease"]\n', "lease.bytes"),
    STOPPED: ('steps = ["dose"]\n[dose]\ndoses_ma_min = [0.5]\n', "dose.delivered.stopped"),
    STEEP: ('steps = ["ramp"]\n[ramp]\nslews_ma_per_s = [0.5]\n', "ramp.down.0.5"),
    LEFT_ON: ('steps = ["ramp"]\n[ramp]\nslews_ma_per_s = [0.5]\n', "ramp.down.0.5"),
}  # fmt: skip


@pytest.mark.parametrize("port", NARROW, ids=lambda port: re.split("[=@]", port)[1])
def test_a_bad_unit_fails_where_it_is_bad(port, tmp_path):
    text, name = NARROW[port]
    record = verified(port, recipe(tmp_path, text), tmp_path / "runs")
    assert record.outcome is Verdict.FAIL
    assert failed(record)[0] == name


def test_a_slow_ramp(slow_ramp, tmp_path):
    record = verified(slow_ramp, recipe(tmp_path, 'steps = ["ramp"]\n[ramp]\nslews_ma_per_s = [0.5]\n'), None)
    assert failed(record) == ["ramp.up.0.5"]
    assert values(record)["ramp.up.0.5"] == pytest.approx(0.45, rel=0.01)


def test_smoke_passes_on_a_good_unit_and_takes_a_minute_or_two_of_its_time(tmp_path):
    record = verified("sim://bench-5k", load_recipe("smoke"), tmp_path / "runs")
    assert record.outcome is Verdict.PASS
    assert failed(record) == []
    assert record.end_time_millis - record.start_time_millis < 120_000


def test_a_unit_that_is_never_ready_fails_and_the_rest_is_not_measured(tmp_path):
    record = verified(WELDED, recipe(tmp_path, 'steps = ["self_test", "ramp", "dose"]\n'), None)
    assert failed(record) == ["self_test.faults", "self_test.relay_open", "self_test.passed", "ramp.went_through"]
    assert record.phases[2].outcome is None
    assert "14 SELFTEST" in record.outcome_details[-1].description


@pytest.fixture
def desk() -> Iterator[World]:
    """A unit that goes on when its port is closed."""
    world = parse("bench-5k").world()
    register_world("desk", world)
    yield world
    unregister_world("desk")


def test_the_last_trip_is_not_left_for_the_next_verification(tmp_path, desk: World):
    what = recipe(tmp_path, 'steps = ["self_test", "trips"]\n[trips]\nfaults = ["short"]\n')
    for _ in range(2):
        record = verified("sim://@desk", what, None)
        assert (failed(record), record.warnings) == ([], ())
        assert desk.firmware.rec.fl == 0


def test_what_a_unit_comes_with_is_told_and_cleared(tmp_path, desk: World):
    desk.advance_to(3_000_000)
    desk.firmware.rec.fl = 1 << 7
    record = verified("sim://@desk", recipe(tmp_path, 'steps = ["self_test"]\n'), None)
    assert failed(record) == []
    (warning,) = record.warnings
    assert warning.startswith("latched before anything was measured: 08 ")


def test_a_line_that_loses_bytes_is_no_slow_unit(tmp_path):
    record = verified("sim://bench-5k?fault=L02:rate=0.002", recipe(tmp_path, 'steps = ["telemetry"]\n'), None)
    assert (values(record)["telemetry.reply"] or 0.0) < 20.0


def test_attempts_are_counted_per_unit_and_recipe(tmp_path):
    what = recipe(tmp_path, 'steps = ["self_test"]\n')
    attempts = [verified("sim://bench-5k", what, tmp_path / "runs").attempt for _ in range(2)]
    other = verified("sim://bench-5k?sn=SN0777", what, tmp_path / "runs").attempt
    assert (attempts, other) == ([1, 2], 1)


# -- the whole of it -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_acceptance_passes_on_the_good_unit_with_everything_measured(tmp_path):
    record = verified("sim://bench-5k", load_recipe("acceptance"), tmp_path / "runs")
    assert failed(record) == []
    assert record.outcome is Verdict.PASS
    assert None not in values(record).values()
    assert record.attempt == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("port", "first"),
    [
        (GAIN, "accuracy.error.0.5k.4mA"),
        (LATE, "trips.overcurrent.time"),
        (STICKY, "leakage.relay_open"),
        (WELDED, "self_test.faults"),
        (LOST, "dose.delivered.paused"),
        (UNCOUNTED, "dose.delivered.0.5"),
        ("sim://bench-5k?fault=F10:percent=-5", "ramp.up.0.1"),  # a clock that is slow makes everything slow
        ("sim://bench-5k?variant=slow-disable", "self_test.passed"),
        ("sim://bench-5k?variant=on-without-link", "lease.time"),
        ("sim://bench-5k?variant=watchdog-off", "restart.hang.time"),
    ],
)
def test_acceptance_names_what_is_wrong(port, first, tmp_path):
    record = verified(port, load_recipe("acceptance"), tmp_path / "runs")
    assert record.outcome is Verdict.FAIL
    assert failed(record)[0] == first


@pytest.mark.slow
def test_acceptance_names_a_slow_ramp(slow_ramp, tmp_path):
    record = verified(slow_ramp, load_recipe("acceptance"), tmp_path / "runs")
    assert failed(record)[0] == "ramp.up.0.1"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_full_passes_on_the_good_unit(tmp_path):
    record = verified("sim://bench-5k", load_recipe("full"), tmp_path / "runs")
    assert failed(record) == []
    assert record.outcome is Verdict.PASS


@pytest.mark.slow
def test_a_served_unit_with_its_bench_door_over_tcp(tmp_path):
    """In real time, eight times as fast: times may not be measurable then, and that is no failure."""
    command = [sys.executable, "-m", "hw_sim", "serve", "--json", "--speed", "8", "--scenario", "bench-5k"]
    command += ["--tcp", "127.0.0.1:0", "--bench-door", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            told = json.loads(server.stdout.readline())
            bench = {"driver": "door", "address": told["bench_door"], "token": told["token"]}
            station = Station(name="served", meter=bench, load=bench)
            what = recipe(tmp_path, 'steps = ["polarity", "dose", "restart"]\n[dose]\ndoses_ma_min = [0.5]\n')
            with (
                WatchedUnit.open(told["tcp"]) as unit,
                fitted(unit, station, today=TODAY, tell=nobody, ask=nobody) as tools,
            ):
                record = Verification(unit, what, station, tools, out=tmp_path / "runs").run()
        finally:
            server.terminate()
    assert [(each.role, each.driver) for each in record.instruments] == [("meter", "door"), ("load", "door")]
    found = values(record)
    assert found["polarity.negative"] == pytest.approx(-500, abs=2)
    assert abs(found["dose.delivered.paused"]) < 900
    assert found["restart.power_cycle.closed"] == 1.0


class Person:
    """Somebody with resistors, who does what is asked for through the simulator's door, and has no clock."""

    def __init__(self, bench: Door) -> None:
        self.bench, self.identity, self.base = bench, Identity(driver="prompts", name="Mia"), "person"
        self.deeds = frozenset({"interlock"})

    def fit(self, ohm: float) -> None:
        self.bench.fit(ohm)

    def turn(self, ohm: float) -> None:
        self.bench.turn(ohm)

    def do(self, deed: str, amount: float = 0.0) -> None:
        self.bench.do(deed, amount)

    def undo(self, deed: str) -> None:
        self.bench.undo(deed)


def test_what_a_person_does_is_judged_by_its_code_and_not_timed(tmp_path):
    what = recipe(tmp_path, 'steps = ["trips"]\n[trips]\nfaults = ["open", "interlock", "hot"]\n')
    with WatchedUnit.open("sim://bench-5k") as unit:
        bench = of_port(unit.link.bench_door)
        mia = Person(bench)
        record = Verification(unit, what, STATION, Fitted(load=mia, meter=bench, hands=mia, records=()), out=None).run()
    assert values(record) == {
        "trips.open.time": None, "trips.open.code": 1.0, "trips.interlock.time": None, "trips.interlock.code": 1.0,
        "trips.hot.time": None, "trips.hot.code": None, "trips.went_through": 1.0,
    }  # fmt: skip
    assert record.outcome is Verdict.PASS


def test_what_nobody_did_says_nothing_of_the_unit(tmp_path):
    class Idle(Person):
        def do(self, deed: str, amount: float = 0.0) -> None:
            pass

    what = recipe(tmp_path, 'steps = ["trips"]\n[trips]\nfaults = ["interlock"]\n')
    with WatchedUnit.open("sim://bench-5k") as unit:
        bench = of_port(unit.link.bench_door)
        mia = Idle(bench)
        record = Verification(unit, what, STATION, Fitted(load=mia, meter=bench, hands=mia, records=()), out=None).run()
    assert record.outcome is Verdict.TIMEOUT
    assert failed(record) == []
    assert "nobody did it in 60 s, or the unit did not notice" in record.outcome_details[-1].description


def test_a_full_disk_ends_it_and_the_output_is_off(tmp_path, monkeypatch):
    what = recipe(tmp_path, 'steps = ["self_test", "leakage", "ramp"]\n')
    with WatchedUnit.open("sim://bench-5k") as unit:
        tools = fitted(unit, STATION, today=TODAY, tell=nobody, ask=nobody)
        verification = Verification(unit, what, STATION, tools, out=tmp_path / "runs")
        write = verification.log.note

        def full(kind, facts):
            if kind == "measured" and facts["name"] == "leakage.channels":  # in the middle of a run
                raise RecordError("no space left")
            write(kind, facts)

        monkeypatch.setattr(verification.log, "note", full)
        record = verification.run()
        assert unit.link.bench_door.truth()["i_ua"] == 0
    assert record.outcome is Verdict.ERROR
    assert record.outcome_details[-1].description == "no space left"
    assert not record.complete
