"""The main job over every rig: a treatment, over the wire, to a record that tells the truth."""

from __future__ import annotations

import threading
import xml.etree.ElementTree as ET

import pytest

from controller import CommandRefused, LinkLost, Record, Unit, UnitFault
from tests.rigs import Once, Rig, in_hold, in_state, notes, small


def test_a_treatment_ends_with_its_dose_and_a_whole_record(rig: Rig, tmp_path) -> None:
    record, _ = rig.deliver(small(rig.dose_ma_min), tmp_path)
    assert record.outcome == "DONE"
    assert record.dose_ma_min == pytest.approx(rig.dose_ma_min, abs=rig.tolerance_ma_min)
    again = Record.load(record.folder)
    assert again.data == record.data
    assert [note["verb"] for note in notes(record.folder, "intent")] == ["PRES", "ARM", "START"]
    svg = ET.parse(record.folder / "plot.svg").getroot()
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(again.trace) > 50
    assert again.trace.state[-1] == "DONE"
    assert again.trace.dose_ma_min[-1] == pytest.approx(record.dose_ma_min, abs=1e-6)
    assert max(again.trace.current_ma) == record.data["peak_ma"] <= 2.0 * 1.05


@pytest.mark.served("pty")
def test_pause_and_resume_keep_the_dose(rig: Rig, tmp_path) -> None:
    paused: list[float] = []

    def resume(run) -> None:
        paused.append(run.latest.dose_ma_min)
        assert run.resume()

    pause = Once(in_hold(1.0), lambda run: run.pause())
    resumed = Once(in_state("PAUSED"), resume)

    def at(run, sample) -> None:
        pause(run, sample)
        if run.is_quiet:
            resumed(run, sample)

    record, _ = rig.deliver(small(rig.dose_ma_min), tmp_path, at, attended=True)
    assert record.outcome == "DONE"
    assert 0.05 < paused[0] < rig.dose_ma_min
    assert record.dose_ma_min == pytest.approx(rig.dose_ma_min, abs=rig.tolerance_ma_min)
    trace = record.trace
    first = trace.state.index("PAUSED")
    assert trace.dose_ma_min[first:] == type(trace.dose_ma_min)("d", sorted(trace.dose_ma_min[first:]))
    assert [note["verb"] for note in notes(record.folder, "intent")] == ["PRES", "ARM", "START", "ARM", "RESUME"]


class Mine(Exception):
    """What a calling program raises in its own loop."""


@pytest.mark.matrix("how", ["stop", "abort", "leave", "raise", "thread"], served=[("pty", "thread"), ("tcp", "leave")])
def test_every_way_out_stops_the_current(rig: Rig, tmp_path, how) -> None:
    when = in_hold(0.5)
    with rig.open() as unit:
        eyes = rig.eyes()
        run = unit.deliver(small(4.0, 1.0), out=tmp_path)
        try:
            with run:
                for sample in run:
                    if not when(sample):
                        continue
                    if how == "leave":
                        break
                    if how == "raise":
                        raise Mine("a bug of the caller's")
                    if how == "thread":
                        other = threading.Thread(target=run.request_stop)
                        other.start()
                        other.join()
                    else:
                        getattr(run, how)()
        except Mine:
            assert how == "raise"
            assert any("a bug of the caller's" in warning for warning in run.record.data["warnings"])
        assert run.record.outcome == ("ABORTED" if how == "abort" else "STOPPED")
        assert run.results[0].cause == "operator"
        assert run.is_quiet
        eyes.end(run.record)


@pytest.mark.needs("exact_time")
@pytest.mark.parametrize("order", ["stop", "abort"])
@pytest.mark.parametrize("state", ["CHECK", "RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING", "PAUSED"])
def test_stop_and_abort_from_every_state(rig: Rig, tmp_path, state, order) -> None:
    """I13: quiet within 1 s of a STOP, zero within 50 ms of an ABORT, and nothing rises afterwards (I14)."""
    after: list[dict] = []

    def act(run) -> None:
        getattr(run, order)()
        began_us = rig.world.now_us
        for wait_us in (60_000, 1_050_000):
            rig.world.advance_to(began_us + wait_us)
            after.append(rig.truth())

    acted = Once(in_state(state), act)
    pausing = Once(in_hold(1.0), lambda run: run.pause() if state in ("PAUSING", "PAUSED") else None)

    def at(run, sample) -> None:
        pausing(run, sample)
        acted(run, sample)

    record, run = rig.deliver(small(1.0), tmp_path, at, attended=True, telemetry_ms=50)
    assert acted.done
    soon, later = after
    if order == "abort":
        assert abs(soon["i_ua"]) <= 10
        assert not soon["relay_closed"]
    assert abs(later["i_ua"]) <= 50
    # Where no current flows the first of the two stop bytes ends the run already (protocol, section 7).
    assert record.outcome == ("ABORTED" if order == "abort" and state not in ("CHECK", "PAUSED") else "STOPPED")
    assert run.is_quiet


@pytest.mark.needs("exact_time")
def test_the_same_seed_gives_the_same_bytes(rig: Rig, tmp_path) -> None:
    folders = []
    for name in ("a", "b"):
        with Unit.open("sim://dry-skin?seed=9") as unit, unit.deliver(small(), out=tmp_path / name) as run:
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
        with unit.deliver(small(4.0, 1.0), out=None) as run:
            for _ in run:
                pass
        if error is None:
            run.raise_for_outcome()
        else:
            with pytest.raises(error):
                run.raise_for_outcome()
