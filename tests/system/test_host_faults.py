"""What hosts and their operators do wrong, each as the shortest story: the current stays true, the record whole.

The table that says which test shows which of them is in ``tests/evidence/host_faults.py``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from controller import CommandRefused, PortUnavailable, Session, Treatment, TreatmentError, Unit
from controller.errors import LinkLost
from hw_sim.endpoints import protocol_sim
from tests.evidence import host_faults
from tests.evidence.nth.story import GOOD, Bench, scratch
from tests.evidence.nth.taps import First, Rest, let, tapped
from tests.monitors import is_zero, one_whole_record
from tests.rigs import Once, VirtualRig, in_hold, in_state, notes, small

pytestmark = pytest.mark.needs("exact_time", "truth")

STATES = ["CHECK", "RAMP_UP", "HOLD", "RAMP_DOWN"]
DAY_S = 86_400
UC = 60_000  # of 1 mA.min


# -- H: the host -------------------------------------------------------------------------------------------------------


def test_a_host_that_slept_for_10_min_finds_a_run_that_is_over(rig: VirtualRig, tmp_path) -> None:
    """Paused by its lease, the unit waits ten minutes for its host and then ends the run by itself."""
    sleep = Once(in_hold(2.0), lambda run: rig.door.advance(seconds=605.0))
    record, _ = rig.deliver(small(1.0), tmp_path, sleep)
    assert record.outcome in ("LINK", "STOPPED")
    low, high = record.dose_interval_ma_min
    assert high - low <= 0.03
    assert is_zero(rig.truth())


def test_a_heartbeat_without_a_control_behind_it_keeps_no_current_on(rig: VirtualRig) -> None:
    """What a keep-alive thread sends when the loop that should watch hangs: well-formed, and seen by nobody."""
    kept: list[bytes] = []

    def note(data: bytes) -> bytes:
        if b" KEEP " in data:
            kept.append(data)
        return data

    rig.tamper(request=note)
    with rig.open() as unit:
        run = unit.deliver(small(4.0), out=None)
        while not (run.latest is not None and in_state("HOLD")(run.latest) and kept):
            run.step(unit.now + 0.5)
        last, until_us = kept[-1], rig.world.now_us + 3_200_000
        while rig.world.now_us < until_us:
            unit.link.write(last)
            rig.door.advance(seconds=0.1)
        assert rig.truth()["state"] == "PAUSED"
        assert is_zero(rig.truth())
        unit.brake()
        rig.door.advance(seconds=0.5)


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S, 3600.0, -3600.0])
def test_the_wall_clock_jumps_and_nothing_of_the_run_does(rig: VirtualRig, tmp_path, monkeypatch, jump_s) -> None:
    plain, off = protocol_sim.VirtualClock.utc_s, [0.0]
    monkeypatch.setattr(protocol_sim.VirtualClock, "utc_s", lambda clock: plain(clock) + off[0])
    jump = Once(in_hold(1.0), lambda run: off.__setitem__(0, jump_s))
    record, run = rig.deliver(small(0.3, 1.0), tmp_path, jump)
    assert jump.done
    assert record.outcome == "DONE"
    assert record.dose_ma_min == pytest.approx(0.3, abs=rig.tolerance_ma_min)
    assert 18.0 < run.results[0].duration_s < 24.0


def test_a_second_driver_is_refused_and_the_first_goes_on(rig: VirtualRig, tmp_path) -> None:
    refused: list[int] = []

    def second(run: Session) -> None:
        with pytest.raises(CommandRefused) as caught:
            Unit.open(rig.port, purpose="a second driver")
        refused.append(caught.value.code)

    record, _ = rig.deliver(small(0.3, 1.0), tmp_path, Once(in_hold(1.0), second))
    assert refused == [18]
    assert record.outcome == "DONE"
    assert record.dose_ma_min == pytest.approx(0.3, abs=rig.tolerance_ma_min)


def two_phases() -> Treatment:
    phase = {"pole": "-", "current_ma": 1.0, "dose_ma_min": 0.1, "ramp_up_ma_per_s": 0.5, "ramp_down_ma_per_s": 1.0}
    return Treatment.from_dict({"format": 1, "name": "two", "load": "bench", "phase": [phase, phase]})


def test_a_callback_that_raises_between_two_phases_leaves_a_record_of_the_first(rig: VirtualRig, tmp_path) -> None:
    def confirm(phase: object) -> bool:
        raise ZeroDivisionError("a bug of the caller's")

    with rig.open() as unit:  # noqa: SIM117 - the run ends while the unit is still open
        with pytest.raises(ZeroDivisionError), unit.deliver(two_phases(), out=tmp_path, confirm=confirm) as run:
            for _ in run:
                pass
    record = one_whole_record(tmp_path)
    assert (record.outcome, [result["outcome"] for result in record.runs]) == ("STOPPED", ["DONE"])
    assert any("a bug of the caller's" in warning for warning in record.data["warnings"])
    assert record.dose_ma_min == pytest.approx(0.1, abs=rig.tolerance_ma_min)


def test_a_callback_that_blocks_for_minutes_between_two_phases_costs_nothing(rig: VirtualRig, tmp_path) -> None:
    def confirm(phase: object) -> bool:
        rig.door.advance(seconds=300.0)
        return True

    record, _ = rig.deliver(two_phases(), tmp_path, confirm=confirm)
    assert record.outcome == "DONE"
    assert record.dose_ma_min == pytest.approx(0.2, abs=2 * rig.tolerance_ma_min)


@pytest.mark.parametrize("block_s", [1.5, 3.0, 8.0])
def test_user_code_that_blocks_the_loop_ends_in_a_stop(rig: VirtualRig, tmp_path, block_s) -> None:
    def block(run: Session, sample: Any) -> None:
        if sample.state.name == "HOLD":
            rig.door.advance(seconds=block_s)

    record, run = rig.deliver(small(1.0), tmp_path, block)
    assert record.outcome == "STOPPED"
    assert run.results[0].cause in ("limit", "link")


@pytest.mark.parametrize(
    "numbers",
    [
        {"current_ma": math.nan}, {"dose_ma_min": math.nan}, {"current_ma": -2.0}, {"dose_ma_min": -1.0},
        {"current_ma": 0.0}, {"current_ma": math.inf}, {"dose_ma_min": 1e300}, {"current_ma": 2000.0},
        {"dose_ma_min": -0.0}, {"current_ma": 5e-324},
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_meant_is_refused_before_a_byte_leaves(numbers: dict[str, float]) -> None:
    given = {"current_ma": 2.0, "dose_ma_min": 1.0} | numbers
    with pytest.raises(TreatmentError):
        Treatment.short(given["current_ma"], given["dose_ma_min"], "-")


def test_a_newer_driver_is_refused_by_an_older_unit_before_anything_raises(rig: VirtualRig, monkeypatch) -> None:
    monkeypatch.setattr("controller.unit.VERSION", 2)
    sent: list[bytes] = []
    rig.tamper(request=lambda data: sent.append(data) or data)
    with pytest.raises(CommandRefused) as caught:
        rig.open()
    assert caught.value.verb == "HELLO"
    assert {line.split()[2] for line in b"".join(sent).splitlines() if line[:1] == b">"} == {b"HELLO"}


@pytest.mark.parametrize(("fault", "outcome"), [("F20", "RESET"), ("F20:schema", "STOPPED")])
def test_a_unit_that_is_newer_from_the_middle_of_a_run_on(rig: VirtualRig, tmp_path, fault, outcome) -> None:
    """New firmware comes with a reset; a line whose form is not known tells nothing, and a blind host stops."""
    renew = Once(in_hold(1.0), lambda run: rig.door.inject(fault))
    record, _ = rig.deliver(small(0.3, 1.0), tmp_path, renew)
    assert renew.done
    assert record.outcome == outcome


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("n", [*range(5, 60, 9), 100, 200, 270, 280])
def test_ctrl_c_at_a_call_of_the_run_leaves_no_current_and_one_record(n: int, twice: bool) -> None:
    """At every kind of call: of the line and of the disk. The second one comes while the first is being obeyed."""
    with scratch() as folder:
        interrupted(folder / "out", n, (n, n + 3) if twice else (n,))


def interrupted(out: Path, n: int, at: tuple[int, ...]) -> None:
    bench, calls = Bench(GOOD), [0]

    def hand(kind: str, first: First, rest: Rest) -> Any:
        calls[0] += 1
        if calls[0] in at:
            raise KeyboardInterrupt
        return let(kind, first, rest)

    try:
        with pytest.raises(KeyboardInterrupt), bench.open() as unit, tapped(bench.world, hand):  # noqa: PT012
            bench.deliver(unit, out)
            pytest.fail(f"the run has only {calls[0]} calls")
        assert calls[0] >= n
        bench.judge(out)
        assert bench.problems == []
    finally:
        bench.close()


# -- O: the operator ---------------------------------------------------------------------------------------------------


def test_ten_times_the_prescription_is_refused_by_the_limits(rig: VirtualRig, tmp_path) -> None:
    """A slip of the decimal point: 20 mA for 2, 800 mA.min for 80. Nothing is sent, no record is begun."""
    for current_ma, dose_ma_min in ((20.0, 1.0), (2.0, 8000.0)):
        with pytest.raises(TreatmentError), rig.open() as unit:
            unit.deliver(small(dose_ma_min, current_ma), out=tmp_path)
    assert rig.truth()["state"] == "IDLE"
    assert list(tmp_path.iterdir()) == []


def test_twenty_pauses_cost_no_dose_and_add_none(rig: VirtualRig, tmp_path) -> None:
    pauses = [0]

    def act(run: Session, sample: Any) -> None:
        if run.state.name == "HOLDING" and pauses[0] < 20:
            pauses[0] += run.pause("the operator")
        elif run.state.name == "PAUSED":
            run.resume("the operator")

    plain = small(4.0).as_dict()
    treatment = Treatment.from_dict({**plain, "limits": {"on_time_max_min": 10}})  # twenty pairs of ramps take longer
    record, _ = rig.deliver(treatment, tmp_path, act, attended=True)
    assert pauses == [20]
    assert record.outcome == "DONE"
    assert record.dose_ma_min == pytest.approx(4.0, rel=0.01)
    assert len([note for note in notes(record.folder, "intent") if note["verb"] == "RESUME"]) == 20


def test_clear_and_start_again_and_again_on_a_lifted_electrode_gives_nothing(rig: VirtualRig, tmp_path) -> None:
    rig.door.lead_off(lead="drug")
    before_uc = rig.truth()["q_uc"]
    for n in range(10):
        with rig.open() as unit:
            for code in range(1, 21):
                if unit.status().faults >> (code - 1) & 1:
                    with pytest.raises(CommandRefused):
                        unit.clear(code)
            run = unit.deliver(small(0.3, 1.0), out=tmp_path / f"{n}")
            with run:
                for _ in run:
                    pass
            assert run.record.outcome in ("REFUSED", "FAULT:01")
            assert one_whole_record(tmp_path / f"{n}").dose_ma_min == 0.0
    assert abs(rig.truth()["q_uc"] - before_uc) < 600


@pytest.mark.parametrize("state", STATES)
def test_the_button_on_the_unit_beats_the_host(rig: VirtualRig, tmp_path, state) -> None:
    record, _ = rig.deliver(small(0.3, 1.0), tmp_path, Once(in_state(state), lambda run: rig.door.local_stop()))
    assert record.outcome in {"CHECK": ("REFUSED", "STOPPED"), "RAMP_DOWN": ("DONE", "STOPPED")}.get(
        state, ("STOPPED",)
    )
    assert is_zero(rig.truth())


def test_a_terminal_left_open_on_the_port_disturbs_nothing_and_can_still_stop(rig: VirtualRig, tmp_path) -> None:
    conn = rig.world.connect()
    rig.world.put(conn, b"MEAS:AL")  # half a question, and nobody there
    record, _ = rig.deliver(small(0.1, 1.0), tmp_path / "first")
    assert record.outcome == "DONE"
    stop = Once(in_hold(0.5), lambda run: rig.world.put(conn, b"\x18"))
    record, _ = rig.deliver(small(1.0), tmp_path / "second", stop)
    assert record.outcome == "STOPPED"


SCRIPT = (
    b"*IDN?\nSOUR:CURR 4.0\nSOUR:CURR:LEV 0.004\nOUTP ON\nOUTPUT:STATE 1\nSTART\nARM\nINIT\nTRIG\n"
    b">0001 0001 START run=0 x=0\nCLEAR 1\nwhile true: set(4)\n\x00\xff\xfe" + b"A" * 5000 + b"\nOUTP 1\n"
)


@pytest.mark.parametrize("times", [1, 20])
def test_a_pasted_script_raises_nothing(rig: VirtualRig, tmp_path, times) -> None:
    conn = rig.world.connect()
    for _ in range(times):
        rig.world.put(conn, SCRIPT)
        rig.door.advance(seconds=1.0)
    assert rig.truth()["state"] == "IDLE"
    assert is_zero(rig.truth())
    assert rig.truth()["q_uc"] == 0.0
    record, _ = rig.deliver(small(0.1, 1.0), tmp_path)
    assert record.outcome == "DONE"


def test_a_wrong_serial_number_scanned_is_no_port(rig: VirtualRig) -> None:
    with pytest.raises(PortUnavailable, match="SN9999"):
        Unit.open("sn:SN9999")


def test_an_alarm_that_nobody_heeds_ends_the_run_after_10_min(rig: VirtualRig, tmp_path) -> None:
    peel = Once(in_hold(0.5), lambda run: rig.door.contact(lead="drug", share=0.2))
    treatment = small(1.0, contact="pause")
    record, _ = rig.deliver(treatment, tmp_path, peel, attended=True, telemetry_ms=500)
    assert record.outcome == "TIMEOUT"
    assert is_zero(rig.truth())


def test_the_unit_is_swapped_under_a_link_that_was_not_lost(rig: VirtualRig) -> None:
    """The port is the same, the session is not: what raises is answered by nobody."""
    with rig.open() as unit:
        rig.world.act("power_cycle")
        with pytest.raises((CommandRefused, LinkLost, TimeoutError)):
            unit.ask("ARM", {"run": "A" * 26})
    assert is_zero(rig.truth())


# -- the table ---------------------------------------------------------------------------------------------------------


def test_every_fault_of_hosts_and_operators_names_a_test_that_exists() -> None:
    assert [row.id for row in host_faults.ROWS] == [f"H{n:02d}" for n in range(1, 17)] + [
        f"O{n:02d}" for n in range(1, 14)
    ]
    assert host_faults.missing() == []
    assert not host_faults.exists("tests/system/test_host_faults.py::test_of_nothing")
    assert not host_faults.exists("tests/system/test_of_nothing.py::test_a_second_driver")
