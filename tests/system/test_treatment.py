"""The main job over every rig: a treatment, over the wire, to a record that tells the truth."""

from __future__ import annotations

import json
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest

from controller import CommandRefused, LinkLost, Record, Treatment, Unit, UnitFault
from controller.journal.wire_log import read_wire_log
from controller.wire import UnitState

SCHEMA = Path(__file__).parents[2] / "controller" / "schemas" / "record.schema.json"


def treatment(dose_ma_min: float = 1.0, current_ma: float = 2.0, **policy: str) -> Treatment:
    return Treatment.from_dict(
        {
            "format": 1,
            "name": "system test",
            "load": "bench",
            "policy": policy,
            "phase": [
                {"pole": "-", "current_ma": current_ma, "dose_ma_min": dose_ma_min, "ramp_up_ma_per_s": 0.5,
                 "ramp_down_ma_per_s": 1.0}
            ],
        }
    )  # fmt: skip


def watch(rig, run, at=None):
    """Iterate a run under the eyes of the bench: I01, I02, I03, I05 at every sample; ``at(sample)`` may act."""
    signs = set()
    for sample in run:
        if "exact_time" in rig.can:
            truth = rig.truth()
            i_ua = abs(truth["i_ua"])
            assert i_ua <= 4200
            if truth["state"] == "HOLD":
                assert i_ua <= truth["set_ua"] * 1.05 + 20
                signs.add(truth["i_ua"] > 0)
            elif truth["state"] in ("IDLE", "STAGED", "ARMED", "PAUSED", "FAULT"):
                assert i_ua <= 60 or truth["t_us"] % 50_000 < 50_000
        if at is not None:
            at(sample)
    assert len(signs) <= 1
    return run.record


def truth_in_interval(rig, record: Record) -> None:
    if "door" in rig.can:
        low, high = record.dose_interval_ma_min
        delivered = rig.truth()["q_uc"] / 60_000
        # The contact check's 50 uC are no part of the run.
        assert low - 0.002 <= delivered <= high + 0.002, (low, delivered, high)


class Once:
    def __init__(self, when, act) -> None:
        self.when, self.act, self.done = when, act, False

    def __call__(self, sample) -> None:
        if not self.done and self.when(sample):
            self.done = True
            self.act()


def in_hold(seconds: float):
    start: list[float] = []

    def when(sample) -> bool:
        if sample.state is UnitState.HOLD and not start:
            start.append(sample.t_s)
        return bool(start) and sample.t_s - start[0] >= seconds

    return when


def test_a_treatment_ends_with_its_dose_and_a_whole_record(rig, tmp_path) -> None:
    with rig.open() as unit, unit.deliver(treatment(), out=tmp_path) as run:
        record = watch(rig, run)
    assert record.outcome == "DONE"
    assert record.dose_ma_min == pytest.approx(1.0, abs=0.005 + 0.01)
    truth_in_interval(rig, record)
    folder = record.folder
    again = Record.load(folder)
    assert again.data == record.data
    jsonschema.validate(record.data, json.loads(SCHEMA.read_text()))
    log = read_wire_log(folder / "wire.log")
    assert log.verdict.whole, str(log.verdict)
    intents = [json.loads(e.text)["verb"] for e in log.entries if e.mark == "=" and '"intent"' in e.text]
    assert intents == ["PRES", "ARM", "START"]
    assert ET.parse(folder / "plot.svg").getroot().tag.endswith("svg")
    assert len(again.trace) > 100
    assert again.trace.dose_ma_min[-1] == pytest.approx(record.dose_ma_min, abs=1e-6)


@pytest.mark.needs("door")
def test_an_opened_electrode_takes_the_current_to_zero_and_latches(rig, tmp_path) -> None:
    pulled: list[dict] = []

    def pull() -> None:
        rig.door.lead_off(lead="drug")
        pulled.append(rig.truth())

    with rig.open() as unit:
        with unit.deliver(treatment(dose_ma_min=4.0), out=tmp_path) as run:
            record = watch(rig, run, Once(in_hold(2.0), pull))
        assert record.outcome == "FAULT:01"
        assert record.data["fault"] == 1
        truth_in_interval(rig, record)
        if "exact_time" in rig.can:
            events = [line for line in (record.folder / "wire.log").read_text().splitlines() if "name=OPEN" in line]
            assert len(events) == 1
            tripped_ms = int(events[0].split()[5])
            assert tripped_ms * 1000 - pulled[0]["t_us"] <= 100_000
        assert unit.status().state is UnitState.FAULT
        assert not rig.truth()["relay_closed"]
        rig.door.lead_on(lead="drug")
        give_up = unit.now + 3.0
        while unit.now < give_up:
            unit.pump(give_up)
        assert unit.clear(1) == 0
        assert unit.status().state is UnitState.IDLE


def test_pause_and_resume_keep_the_dose(rig, tmp_path) -> None:
    with rig.open() as unit, unit.deliver(treatment(), out=tmp_path, attended=True) as run:
        doses = []

        def paused(sample) -> bool:
            return sample.state is UnitState.PAUSED

        pause = Once(in_hold(2.0), lambda: run.pause())
        resume = Once(paused, lambda: (doses.append(run.latest.dose_ma_min), run.resume()))
        record = watch(rig, run, lambda sample: (pause(sample), resume(sample)))
    assert record.outcome == "DONE"
    assert doses
    assert doses[0] > 0.05
    assert record.dose_ma_min == pytest.approx(1.0, abs=0.015)
    truth_in_interval(rig, record)


@pytest.mark.parametrize("how", ["stop", "abort", "leave", "raise", "thread"])
def test_every_way_out_stops_the_current(rig, tmp_path, how) -> None:
    class Mine(Exception):
        pass

    with rig.open() as unit:
        run = unit.deliver(treatment(dose_ma_min=4.0), out=tmp_path)
        when = in_hold(1.0)
        try:
            with run:
                for sample in run:
                    if not when(sample):
                        continue
                    if how == "leave":
                        break
                    if how == "raise":
                        raise Mine
                    if how == "thread":
                        other = threading.Thread(target=run.request_stop)
                        other.start()
                        other.join()
                    else:
                        getattr(run, how)()
        except Mine:
            assert how == "raise"
        assert run.record.outcome == ("ABORTED" if how == "abort" else "STOPPED")
        assert run.is_quiet
        truth_in_interval(rig, run.record)


@pytest.mark.needs("door", "exact_time")
def test_a_session_lost_in_hold_is_taken_up_without_touching_the_current(rig, tmp_path) -> None:
    lowest: list[float] = []
    world = rig.world

    def vanish() -> None:
        rig.door.unplug()
        world.agenda = ((world.now_us + 400_000, "replug", ""),)

    with rig.open() as unit, unit.deliver(treatment(), out=tmp_path) as run:
        gone = Once(in_hold(2.0), vanish)

        def at(sample) -> None:
            gone(sample)
            if gone.done and sample.state is UnitState.HOLD:
                lowest.append(abs(rig.truth()["i_ua"]))

        record = watch(rig, run, at)
    assert record.outcome == "DONE"
    assert min(lowest) > 1980
    assert any('"kind":"taken_up"' in line for line in (record.folder / "wire.log").read_text().splitlines())
    truth_in_interval(rig, record)


@pytest.mark.needs("door", "exact_time")
@pytest.mark.parametrize(("away_s", "outcome"), [(3.0, "STOPPED"), (300.0, "UNKNOWN")])
def test_a_link_that_stays_away_ends_in_a_pause_and_never_resumes(rig, tmp_path, away_s, outcome) -> None:
    world = rig.world

    def vanish() -> None:
        rig.door.unplug()
        world.agenda = ((world.now_us + int(away_s * 1e6), "replug", ""),)

    with rig.open() as unit, unit.deliver(treatment(dose_ma_min=4.0), out=tmp_path) as run:
        record = watch(rig, run, Once(in_hold(2.0), vanish))
        assert run.results[0].cause == "link"
    assert record.outcome == outcome
    truth_in_interval(rig, record)


@pytest.mark.needs("door", "exact_time")
@pytest.mark.parametrize("mishap", ["power_cycle", "hang"])
@pytest.mark.parametrize("state", ["CHECK", "RAMP_UP", "HOLD", "RAMP_DOWN"])
def test_a_reset_in_any_state_is_never_under_reported(rig, tmp_path, mishap, state) -> None:
    with rig.open() as unit, unit.deliver(treatment(), out=tmp_path) as run:
        record = watch(rig, run, Once(lambda s: s.state.name == state, getattr(rig.door, mishap)))
    if state == "CHECK":
        assert record.outcome in ("DONE", "REFUSED", "FAULT:16")
    else:
        assert record.outcome in ("RESET", "FAULT:16")
        assert record.dose_ma_min * 60_000 >= rig.truth()["q_uc"] - 150
    truth_in_interval(rig, record)


@pytest.mark.needs("door", "exact_time")
@pytest.mark.parametrize("state", ["CHECK", "ARMED", "RAMP_UP", "HOLD", "RAMP_DOWN"])
def test_a_port_pulled_in_any_state_leaves_no_current_and_a_whole_record(rig, tmp_path, state) -> None:
    with rig.open() as unit, unit.deliver(treatment(), out=tmp_path) as run:
        watch(rig, run, Once(lambda s: s.state.name == state, rig.door.unplug))
        record = run.record
    assert record.outcome in ("REFUSED", "UNKNOWN", "DONE")
    assert read_wire_log(record.folder / "wire.log").verdict.whole
    truth_in_interval(rig, record)


@pytest.mark.needs("door", "exact_time")
def test_a_suspended_host_finds_the_unit_paused_and_reports_the_truth(rig, tmp_path) -> None:
    """The host sleeps for 5 s in HOLD: the unit ramps down by itself, and nothing resumes."""
    sleep = Once(in_hold(2.0), lambda: rig.world.advance_to(rig.world.now_us + 5_000_000))
    with rig.open() as unit, unit.deliver(treatment(dose_ma_min=4.0), out=tmp_path) as run:
        record = watch(rig, run, sleep)
    assert record.outcome == "STOPPED"
    truth_in_interval(rig, record)


def test_a_disk_that_fills_stops_the_unit_and_keeps_what_is_whole(tmp_path, mocker) -> None:
    import errno
    import os

    real = os.write
    left = [40_000]

    def write(fd: int, data: bytes) -> int:
        if len(data) > 50:
            left[0] -= len(data)
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    from controller import RecordError

    with Unit.open("sim://") as unit:
        run = unit.deliver(treatment(dose_ma_min=20.0), out=tmp_path)
        mocker.patch("os.write", write)
        with pytest.raises(RecordError, match="No space left"), run:
            for _ in run:
                pass
        mocker.stopall()
        assert run.results[0].outcome == "STOPPED"
        assert run.results[0].breach is not None
        assert run.is_quiet
    log = read_wire_log(next(tmp_path.glob("*/wire.log")))
    assert log.entries


def test_the_same_seed_gives_the_same_files(tmp_path) -> None:
    folders = []
    for name in ("a", "b"):
        with Unit.open("sim://dry-skin?seed=9") as unit, unit.deliver(treatment(), out=tmp_path / name) as run:
            for _ in run:
                pass
        folders.append(run.record.folder)
    for file in ("wire.log", "trace.csv", "plot.svg", "record.json"):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes(), file


@pytest.mark.parametrize(
    ("scenario", "error"),
    [("lead-pulled", UnitFault), ("unplugged", LinkLost), ("open", CommandRefused), ("skin", None)],
)
def test_a_script_learns_by_an_exception(scenario, error) -> None:
    with Unit.open(f"sim://{scenario}") as unit:
        with unit.deliver(treatment(dose_ma_min=4.0, current_ma=1.0), out=None) as run:
            for _ in run:
                pass
        if error is None:
            run.raise_for_outcome()
        else:
            with pytest.raises(error):
                run.raise_for_outcome()
