"""The board's own code on a desk of fake chips: pins and SPI words on one side, the simulator's plant on the other.

A chip here takes the words of its data sheet and nothing else: a register that is written wrong, a chip that is spoken
to while another is selected, a write without its enable fail the test. The one-shot that opens the relay 120 ms after
the last kick is here too, because it is hardware.
"""

from __future__ import annotations

import gc
import importlib
import select
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from hw_sim import plant
from hw_sim.plant import new_plant

ONE_SHOT_MS = 120
RANGE_0_TO_5V12 = 6


class Bitten(BaseException):
    """The processor waits for its watchdog."""


class FakeDac:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def exchange(self, word: bytes) -> bytes:
        assert len(word) == 2
        assert word[0] >> 4 == 0b0011, "MCP4921: unbuffered, gain 1, awake"
        self.desk.dac_code = (word[0] & 0x0F) << 8 | word[1]
        return bytes(2)


class FakeAdc:
    def __init__(self, desk: Desk, first: str, second: str) -> None:
        self.desk = desk
        self.names = (first, second)
        self.ranges = [0, 0]
        self.asked = -1

    def exchange(self, frame: bytes) -> bytes:
        assert len(frame) == 4
        if not frame[0] & 0x80:  # a register: address and the bit that says write
            assert frame[0] & 1
            self.ranges[(frame[0] >> 1) - 5] = frame[1]
            return bytes(4)
        assert frame[1:] == bytes(3)
        code = 0
        if self.asked >= 0:
            assert self.ranges[self.asked] == RANGE_0_TO_5V12
            code = self.desk.code(self.names[self.asked])
        self.asked = (frame[0] - 0xC0) >> 2
        assert self.asked in (0, 1), "ADS8684: MAN_Ch_0 or MAN_Ch_1"
        return bytes((0, 0, code >> 8, code & 0xFF))


class FakeFram:
    def __init__(self, held: bytearray) -> None:
        self.held = held
        self.enabled = False

    def exchange(self, frame: bytes) -> bytes:
        if frame[0] == 0x06:
            self.enabled = True
            return bytes(len(frame))
        at = frame[1] << 8 | frame[2]
        count = len(frame) - 3
        assert at + count <= len(self.held)
        if frame[0] == 0x02:
            assert self.enabled, "FM25V02: a write needs its enable, each time"
            self.enabled = False
            self.held[at : at + count] = frame[3:]
            return bytes(len(frame))
        assert frame[0] == 0x03
        return bytes(3) + bytes(self.held[at : at + count])


class Stream:
    """Standard input or output of the board; ``room`` is what the USB FIFO takes before the host reads."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.room = 1 << 20

    def read(self, count: int) -> bytes:
        taken, self.data = bytes(self.data[:count]), self.data[count:]
        return taken

    def write(self, data: bytes) -> None:
        assert len(data) <= self.room, "what does not fit waits 500 ms for the host"
        self.room -= len(data)
        self.data += data


class Desk:
    """What `tests.sim.firmware.bench.Bench` asks of a world, made of the board's code and fake chips."""

    def __init__(self, load: str = "5k", memory: bytearray | None = None) -> None:
        self.plant = new_plant(load=load, seed=1)
        plant.reset(self.plant)
        self.now_us = 0
        self.dac_code = -1
        self.levels: dict[int, int] = {}
        self.kicked_ms = 0
        self.held_up = False
        self.memory = bytearray(32_768) if memory is None else memory
        self.inputs, self.outputs = Stream(), Stream()
        self.cause = 1
        self.registers: dict[int, int] = defaultdict(int)  # a reset leaves them, a power cut does not
        self.chips: dict[int, Any] = {}
        self.loop: Any = None

    # -- the hardware ------------------------------------------------------------------------------------------

    def code(self, name: str) -> int:
        p = self.plant
        return {"i": p.adc_i, "v": p.adc_v, "i2": p.adc_i2, "ref": 32_000}[name]

    def output(self, pin: int, level: int) -> None:
        board = self.board_module
        if pin == board.KICK and self.levels.get(pin) != level:
            self.kicked_ms = self.ms
        self.levels[pin] = level

    def input(self, pin: int) -> int:
        board, p = self.board_module, self.plant
        low = {
            board.RELAY_BACK: p.relay_fb, board.OVER_I: p.cmp_i, board.OVER_V: p.cmp_v,
            board.INTERLOCK: p.interlock, board.BUTTON: p.local_stop, board.JUMPER: 1,
        }  # fmt: skip
        return 0 if low[pin] else 1

    def exchange(self, words: bytes) -> bytes:
        selected = [chip for pin, chip in self.chips.items() if self.levels.get(pin, 1) == 0]
        assert len(selected) == 1, "one chip on the bus at a time"
        return bytes(selected[0].exchange(words))

    @property
    def ms(self) -> int:
        return self.now_us // 1000

    def step(self) -> None:
        """A millisecond; every tenth the plant's, with the one-shot's word on the relay."""
        self.now_us += 1000
        if self.now_us % 10_000 == 0:
            board, p = self.board_module, self.plant
            kicked = self.ms - self.kicked_ms <= ONE_SHOT_MS
            p.relay = 1 if kicked and self.levels.get(board.RELAY) else 0
            p.dac_code = max(0, self.dac_code)
            p.bridge = 1 if self.levels.get(board.BRIDGE) else -1
            plant.step(p)
        if not self.held_up:
            self.loop.turn()

    # -- as a world --------------------------------------------------------------------------------------------

    @property
    def firmware(self) -> Any:
        return self.loop.unit

    @property
    def hal(self) -> Any:
        return self.loop.board

    def connect(self, line: str) -> int:
        return 1

    def put(self, conn: int, data: bytes) -> None:
        self.inputs.data += data
        while self.inputs.data or (self.loop.board.waiting and self.outputs.room):
            self.loop.turn()

    def take(self, conn: int) -> bytes:
        taken, self.outputs.data = bytes(self.outputs.data), bytearray()
        return taken

    def advance_to(self, until_us: int, conn: int = 0) -> None:
        while self.now_us < until_us:
            self.step()

    def act(self, verb: str, argument: str = "") -> None:
        {"lift": plant.lift, "load": plant.set_load}[verb](self.plant, argument)


@contextmanager
def powered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The board's modules as MicroPython has them, and the board started on the desk."""

    class Pin:
        OUT, IN, PULL_UP = 1, 0, 1

        def __init__(self, number: int, mode: int = 0, pull: int = 0, value: int | None = None) -> None:
            self.number, self.is_out = number, mode == Pin.OUT
            if value is not None:
                desk.output(number, value)

        def value(self, level: int | None = None) -> int | None:
            if level is None:
                return desk.input(self.number)
            assert self.is_out
            desk.output(self.number, level)
            return None

    class SPI:
        def __init__(self, bus: int, **how: Any) -> None:
            # The converters want phase 1, the others phase 0.
            assert (bus, how["polarity"], how["phase"]) in ((0, 0, 1), (1, 0, 0))

        def write_readinto(self, out: bytes, into: bytearray) -> None:
            into[:] = desk.exchange(bytes(out))

    class ADC:
        def __init__(self, pin: int) -> None:
            self.mv = {26: 9000 // 4, 27: 750}[pin]  # 9 V behind a divider by 4; 25 degC

        def read_u16(self) -> int:
            return self.mv * 65_535 // 3300

    class WDT:
        def __init__(self, timeout: int) -> None:
            assert timeout <= 8388, "the counter of the RP2040 ends there"

        def feed(self) -> None:
            pass

    def idle() -> None:
        raise Bitten

    machine = ModuleType("machine")
    for name, what in {
        "Pin": Pin, "SPI": SPI, "ADC": ADC, "idle": idle, "unique_id": lambda: bytes.fromhex("e66164084311a52b"),
        "reset_cause": lambda: desk.cause, "WDT_RESET": 3, "WDT": WDT, "mem32": desk.registers,
    }.items():  # fmt: skip
        setattr(machine, name, what)
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "micropython", ModuleType("micropython"))
    monkeypatch.setattr(time, "ticks_ms", lambda: desk.ms & 0x3FFF_FFFF, raising=False)
    monkeypatch.setattr(
        time, "ticks_diff", lambda a, b: ((a - b + 0x2000_0000) & 0x3FFF_FFFF) - 0x2000_0000, raising=False
    )
    monkeypatch.setattr(time, "ticks_add", lambda a, b: (a + b) & 0x3FFF_FFFF, raising=False)
    monkeypatch.setattr(gc, "mem_alloc", lambda: 0, raising=False)
    monkeypatch.setattr(select, "poll", lambda: Poll())
    board = desk.board_module = importlib.import_module("hw_sim.boards.rp2040")
    monkeypatch.setattr(board, "machine", machine)
    desk.chips = {
        board.SELECT_DAC: FakeDac(desk), board.SELECT_FRAM: FakeFram(desk.memory),
        board.SELECT_ADC_A: FakeAdc(desk, "i", "v"), board.SELECT_ADC_B: FakeAdc(desk, "i2", "ref"),
    }  # fmt: skip
    desk.loop = board.Loop(board.Board(), desk.inputs, desk.outputs)
    desk.advance_to(desk.now_us + 500_000)
    yield desk


class Poll:
    def register(self, stream: Stream, what: int) -> None:
        self.stream, self.writes = stream, what == select.POLLOUT

    def poll(self, timeout_ms: int) -> list[object]:
        ready = self.stream.room > 0 if self.writes else bool(self.stream.data)
        return [self.stream] if ready else []
