"""What happens to benches and cables in the middle of a run: outcome, exit code, true current, record.

``Rig.deliver`` watches every run by the bench door and judges its record; here stands what is particular. The virtual
rig takes every state; the served ones, in real time, one state of each mishap.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller import Record, Session
from controller.cli import exits
from tests.rigs import Once, Rig, in_hold, in_state, notes, small, unit_ms

STATES = ["CHECK", "RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING", "PAUSED"]


def at_state(state: str, act: Callable[[], Any]) -> tuple[Once, Once]:
    """Acts when the run is in ``state``; pauses it first if that is where the state lies."""
    pause = Once(in_hold(0.5), lambda run: run.pause() if state in ("PAUSING", "PAUSED") else None)
    return pause, Once(in_state(state), lambda run: act())


def deliver(rig: Rig, out: Path, acts: tuple[Any, ...], dose: float = 0.3, **options: Any) -> tuple[Record, Session]:
    def at(run, sample) -> None:
        for act in acts:
            act(run, sample)

    return rig.deliver(small(dose, 1.0), out, at, **options)


def rare(state: str) -> int:
    """Telemetry every so many ms: seldom where 10 min of a pause are to be sat out."""
    return 500 if state in ("PAUSING", "PAUSED") else 100


def code_of(run: Session) -> int:
    """The exit code that `ionto run` gives this."""
    return exits.of_result(run.results[-1])


def raised(record: Record) -> list[str]:
    return [note["verb"] for note in notes(record.folder, "intent")]


# -- the cable -----------------------------------------------------------------------------------------------------


@pytest.mark.needs("unplug", "truth")
@pytest.mark.speed(3)  # half a lease is 1 s of the unit's: the host must be back within it on a busy machine too
def test_a_session_lost_in_hold_is_taken_up_without_touching_the_current(rig: Rig, tmp_path) -> None:
    held: list[float] = []

    def vanish() -> None:
        rig.after(0.1, rig.door.replug)
        rig.door.unplug()

    gone = Once(in_hold(0.5), lambda run: vanish())

    def watch(run, sample) -> None:
        if gone.done and sample.state.name == "HOLD":
            held.append(sample.unit.i_ua)
            truth = rig.truth()
            if truth["state"] == "HOLD":
                held.append(abs(truth["i_ua"]))

    record, run = deliver(rig, tmp_path, (gone, watch), 0.1)
    assert (record.outcome, code_of(run)) == ("DONE", exits.DONE)
    assert record.dose_ma_min == pytest.approx(0.1, abs=rig.tolerance_ma_min)
    assert 980 < min(held) <= max(held) < 1020
    assert notes(record.folder, "link_lost")
    assert len(notes(record.folder, "taken_up")) == 1
    assert raised(record) == ["PRES", "ARM", "START"]


@pytest.mark.needs("unplug", "truth")
@pytest.mark.matrix("state", STATES, served=[("tcp", "HOLD")])
def test_a_cable_out_for_longer_than_the_lease(rig: Rig, tmp_path, state) -> None:
    """The unit pauses by itself, nobody resumes; what it kept of the run is in the record, to the digit."""

    def vanish() -> None:
        rig.after(4.0, rig.door.replug)
        rig.door.unplug()

    record, run = deliver(rig, tmp_path, at_state(state, vanish), telemetry_ms=rare(state))
    result = run.results[0]
    assert (record.outcome, result.cause, code_of(run)) == {
        "CHECK": ("REFUSED", "link", exits.LINK),
        "RAMP_DOWN": ("DONE", "", exits.DONE),  # needs no host
        "PAUSING": ("TIMEOUT", "", exits.FAULT),  # asked for, and not resumed within 10 min
        "PAUSED": ("TIMEOUT", "", exits.FAULT),
    }.get(state, ("STOPPED", "link", exits.LINK))
    low, high = record.dose_interval_ma_min
    assert high - low <= 0.03  # 1 % and 600 uC each way
    assert raised(record) == (["PRES", "ARM"] if state == "CHECK" else ["PRES", "ARM", "START"])


@pytest.mark.needs("unplug", "truth", "exact_time")
@pytest.mark.parametrize("state", STATES)
def test_a_cable_pulled_for_good(rig: Rig, tmp_path, state) -> None:
    acts = at_state(state, rig.door.unplug)
    record, run = deliver(rig, tmp_path, acts, attended=True)
    assert acts[1].done
    assert (record.outcome, code_of(run)) == (
        ("REFUSED", exits.LINK) if state == "CHECK" else ("UNKNOWN", exits.UNCERTAIN)
    )
    low, high = record.dose_interval_ma_min
    assert high - low <= 1.0 * 4.0 / 60 + 0.03  # 2 s of lease, 1 s of ramp, 1 s of telemetry that was not heard


# -- the unit ------------------------------------------------------------------------------------------------------


@pytest.mark.needs("power_cycle", "truth")
@pytest.mark.matrix("state", STATES, served=[("pty", "RAMP_UP"), ("tcp", "HOLD"), ("pty", "PAUSED")])
def test_a_power_cut_ends_the_run_and_never_counts_less(rig: Rig, tmp_path, state) -> None:
    reset(rig, tmp_path, state, "power_cycle", rig.door.power_cycle)


@pytest.mark.needs("power_cycle", "truth")
@pytest.mark.matrix("state", STATES, served=[("pty", "HOLD")])
def test_a_unit_that_hangs_is_reset_by_its_watchdog(rig: Rig, tmp_path, state) -> None:
    reset(rig, tmp_path, state, "hang", rig.hang)


def reset(rig: Rig, out: Path, state: str, mishap: str, act: Callable[[], Any]) -> None:
    acts = at_state(state, act)
    record, run = deliver(rig, out, acts, attended=True)
    assert acts[1].done
    if state == "CHECK":  # no run was open: it is begun anew, or refused with the watchdog's fault
        assert (record.outcome, code_of(run)) == {
            "power_cycle": ("DONE", exits.DONE), "hang": ("REFUSED", exits.REFUSED),
        }[mishap]  # fmt: skip
    else:
        assert (record.outcome, code_of(run)) == ("RESET", exits.FAULT)
        assert record.data["unit"]["boot"] == 1
        assert [note["boot"] for note in notes(record.folder, "reset")] == [2]
        assert raised(record) == ["PRES", "ARM", "START"]
    with rig.open() as unit:
        assert unit.status().faults == (0 if mishap == "power_cycle" else 1 << 15)  # 16 WATCHDOG


@pytest.mark.needs("exact_time", "truth")
def test_a_full_memory_of_the_unit_refuses_to_start(rig: Rig, tmp_path) -> None:
    rig.door.nvm_full()
    record, run = deliver(rig, tmp_path, ())
    assert code_of(run) in (exits.REFUSED, exits.FAULT)
    assert record.dose_ma_min == 0.0


# -- the host ------------------------------------------------------------------------------------------------------


@pytest.mark.needs("exact_time", "truth")
@pytest.mark.parametrize("state", STATES)
def test_a_host_that_slept_for_5_s_finds_a_unit_at_rest(rig: Rig, tmp_path, state) -> None:
    acts = at_state(state, lambda: rig.door.advance(seconds=5.0))
    record, run = deliver(rig, tmp_path, acts, telemetry_ms=rare(state))
    assert acts[1].done
    result = run.results[0]
    match state:
        case "CHECK":  # what was armed for is too old to be started: refused (09), for certain
            assert (record.outcome, result.refused) == ("REFUSED", 9)
        case "RAMP_DOWN":  # needs no host
            assert record.outcome == "DONE"
        case "PAUSING" | "PAUSED":  # somebody asked for it, and nobody resumed in 10 min
            assert record.outcome == "TIMEOUT"
        case _:  # the unit paused by itself; the host found that out, or its own blindness first
            assert record.outcome == "STOPPED"
            assert result.cause in ("link", "limit")
            assert code_of(run) in (exits.LINK, exits.FAULT)


# -- the electrodes ------------------------------------------------------------------------------------------------


@pytest.mark.needs("open_electrode", "truth")
@pytest.mark.matrix("lead", ["drug", "return", "both"], served=[("pty", "drug")])
def test_an_opened_electrode_takes_the_current_to_zero_and_latches(rig: Rig, tmp_path, lead) -> None:
    """The relay opens within 100 ms of the unit's time, and nothing but CLEAR by hand takes the fault away."""
    lifted: list[dict[str, Any]] = []
    pull = Once(in_hold(0.5), lambda _: lifted.append(rig.door.lead_off(lead=lead)))
    record, run = deliver(rig, tmp_path / "first", (pull,), 1.0)
    assert (record.outcome, record.data["fault"], code_of(run)) == ("FAULT:01", 1, exits.FAULT)
    assert "open" in run.results[0].reason
    assert 0 <= unit_ms(record, " FAULT id=01 name=OPEN ") - lifted[0]["t_us"] // 1000 <= 100
    with rig.open() as unit:
        assert unit.status().faults == 1
    record, run = deliver(rig, tmp_path / "latched", (), 0.1)
    assert (record.outcome, run.results[0].refused, code_of(run)) == ("REFUSED", 17, exits.REFUSED)
    rig.door.lead_on(lead=lead)
    with rig.open() as unit:
        give_up = unit.now + 3.0  # 2 s, and what a slow machine takes to ask
        while unit.now < give_up:
            unit.pump(give_up)
        assert unit.clear(1) == 0
        assert unit.status().state.name == "IDLE"


@pytest.mark.needs("open_electrode", "truth")
@pytest.mark.served("tcp")
def test_an_electrode_that_comes_off_by_four_fifths_pauses(rig: Rig, tmp_path) -> None:
    """06 STEP, a rise, for the first time: a pause without a fault, and nobody there to resume."""
    peel = Once(in_hold(0.5), lambda _: rig.door.contact(lead="drug", share=0.2))
    record, run = deliver(rig, tmp_path, (peel,), 1.0)
    result = run.results[0]
    assert (record.outcome, result.cause, code_of(run)) == ("STOPPED", "contact", exits.FAULT)
    assert any("unit warned (06)" in warning for warning in record.data["warnings"])
    with rig.open() as unit:
        assert unit.status().faults == 0


@pytest.mark.needs("open_electrode", "truth", "exact_time")
@pytest.mark.parametrize(("share", "outcome", "code"), [(0.9, "DONE", exits.DONE), (0.5, "FAULT:05", exits.FAULT)])
def test_an_electrode_that_comes_off_by_little(rig: Rig, tmp_path, share, outcome, code) -> None:
    """From 30 s into HOLD the voltage is compared with its own minimum: half an electrode shows, a tenth does not."""
    peel = Once(in_hold(45.0), lambda _: rig.door.contact(lead="drug", share=share))
    record, run = deliver(rig, tmp_path, (peel,), 2.0)
    assert peel.done
    assert (record.outcome, code_of(run)) == (outcome, code)


@pytest.mark.needs("set_load", "truth", "exact_time")
def test_a_shorted_load_ends_at_once(rig: Rig, tmp_path) -> None:
    record, run = deliver(rig, tmp_path, (Once(in_hold(2.0), lambda _: rig.door.load("short")),), 1.0)
    assert (record.outcome, code_of(run)) == ("FAULT:06", exits.FAULT)
