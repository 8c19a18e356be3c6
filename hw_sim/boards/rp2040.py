"""The firmware on a Raspberry Pi Pico (RP2040) under MicroPython: pins, chips, USB, and the loop that ticks.

The board around it is in docs/board-rp2040.md, with what is left to its hardware and must never be left to this code:
the limiter at 4.2 mA, the comparators, and the one-shot that opens the output relay 120 ms after it was last kicked.

    mpremote cp -r hw_sim :
    mpremote exec "open('main.py','w').write('from hw_sim.boards.rp2040 import run\\nrun()\\n')"

Written against the data sheets and run against models of the chips; it has not run on silicon.
"""

import gc
import select
import sys
import time
from binascii import hexlify

import machine
import micropython

from hw_sim.firmware.hal import Hal
from hw_sim.firmware.inputs import NO_SENSOR, heard
from hw_sim.firmware.main import Firmware
from hw_sim.firmware.record import Record

from .chips import Adc, Dac, Fram

TICK_MS = 10
SLOW_TICKS = 10  # supply and temperature are read every 100 ms
TX_LIMIT = 8192
PORTION = 64  # bytes of USB in one turn of the loop, either way
RESET_MS = 250  # the processor's own watchdog; the relay has been open for half of that
COLLECT_BYTES = 24_000  # what the doors may have left lying about before it is collected, between two ticks
RUNNING_AT, RUNNING = 0x4005800C, 0x696F6E74  # watchdog scratch 0 outlives a reset, not a power cut; 4 to 7 are taken
LATE_MS = 100  # fault 16: later than that the control step is no control
SLOTS = ("sys", "sys.b", "cal", "cal.b", "win", "win.b")

ADC_SCK, ADC_MOSI, ADC_MISO, SELECT_ADC_A, SELECT_ADC_B = 18, 19, 16, 20, 21
SCK, MOSI, MISO, SELECT_DAC, SELECT_FRAM = 10, 11, 12, 13, 14
RELAY, RELAY_BACK, BRIDGE, KICK, OVER_I, OVER_V = 2, 3, 4, 6, 7, 8
INTERLOCK, BUTTON, JUMPER = 9, 5, 15
SUPPLY, TEMPERATURE = 26, 27


class Board(Hal):
    model = "IONTO-4"
    calibrates = True

    def __init__(self) -> None:
        pin = machine.Pin
        # In this order: what could pass current is at rest before the first chip is spoken to.
        self.relay = pin(RELAY, pin.OUT, value=0)
        self.kick = pin(KICK, pin.OUT, value=0)
        self.bridge = pin(BRIDGE, pin.OUT, value=0)
        # The converters take a bit at the falling edge of the clock, DAC and memory at the rising one: two buses.
        spi = machine.SPI(1, baudrate=8_000_000, polarity=0, phase=0, sck=pin(SCK), mosi=pin(MOSI), miso=pin(MISO))
        self.dac = Dac(spi, pin(SELECT_DAC, pin.OUT, value=1))
        self.fram = Fram(spi, pin(SELECT_FRAM, pin.OUT, value=1))
        spi = machine.SPI(
            0, baudrate=8_000_000, polarity=0, phase=1, sck=pin(ADC_SCK), mosi=pin(ADC_MOSI), miso=pin(ADC_MISO)
        )
        self.adc_a = Adc(spi, pin(SELECT_ADC_A, pin.OUT, value=1))
        self.adc_b = Adc(spi, pin(SELECT_ADC_B, pin.OUT, value=1))
        # All inputs are active low with a pull-up where a broken wire has to mean "stop" or "not fitted".
        self.relay_back = pin(RELAY_BACK, pin.IN, pin.PULL_UP)
        self.over_i = pin(OVER_I, pin.IN, pin.PULL_UP)
        self.over_v = pin(OVER_V, pin.IN, pin.PULL_UP)
        self.closed = pin(INTERLOCK, pin.IN, pin.PULL_UP)
        self.button = pin(BUTTON, pin.IN, pin.PULL_UP)
        self.supply = machine.ADC(SUPPLY)
        self.temperature = machine.ADC(TEMPERATURE)
        self.serial = hexlify(machine.unique_id()).decode().upper()[-8:]
        self.jumper = not pin(JUMPER, pin.IN, pin.PULL_UP).value()
        # machine.reset(), which flashing ends with, is a watchdog reset too: only one of a running loop is fault 16.
        bitten = machine.reset_cause() == machine.WDT_RESET and machine.mem32[RUNNING_AT] == RUNNING
        machine.mem32[RUNNING_AT] = 0
        self.reset_cause = 1 if bitten else 0
        self.dog = None
        self.slow = 0
        self.kicked = 0
        self.supply_mv = 0
        self.temp_dc = NO_SENSOR
        self.waiting = bytearray()  # for the host
        self.last_ms = time.ticks_ms()
        self.up_ms = 0

    def guard(self) -> None:
        """From here on the loop runs or is reset, and the next start knows it."""
        machine.mem32[RUNNING_AT] = RUNNING
        self.dog = machine.WDT(timeout=RESET_MS)

    # -- the tick's ----------------------------------------------------------------------------------------

    def uptime_ms(self) -> int:
        """The processor's counter goes round after 12 days; this does not."""
        now = time.ticks_ms()
        self.up_ms += time.ticks_diff(now, self.last_ms)
        self.last_ms = now
        return self.up_ms

    def sense(self, s: Record) -> None:
        self.adc_a.read()
        self.adc_b.read()
        s.adc_i = self.adc_a.first
        s.adc_v = self.adc_a.second
        s.adc_i2 = self.adc_b.first
        s.relay_fb = 1 - self.relay_back.value()
        s.cmp_i = 1 - self.over_i.value()
        s.cmp_v = 1 - self.over_v.value()
        self.slow -= 1
        if self.slow < 0:
            self.slow = SLOW_TICKS - 1
            self.supply_mv = self.supply.read_u16() * 13_200 >> 16  # a divider by 4 before 3.3 V
            self.temp_dc = self._temperature()
        closed = 1 - self.closed.value()
        pressed = 1 - self.button.value()
        if not self.slow or closed != s.interlock or pressed != s.button or s.alarm:
            heard(s, self.supply_mv, self.temp_dc, closed, pressed)

    def _temperature(self) -> int:
        """0.1 degC of a TMP36: 500 mV at 0 degC, 10 mV each. Below 100 mV or above 2 V it is none."""
        mv = self.temperature.read_u16() * 3300 >> 16
        return mv - 500 if 100 <= mv <= 2000 else NO_SENSOR

    def reference_mv(self) -> int:
        """A second 2.5 V, on the converter that does not measure the delivered current."""
        return self.adc_b.second * 5120 >> 16

    def drive(self, s: Record) -> None:
        if s.relay:
            self.bridge.value(1 if s.bridge > 0 else 0)
            self.dac.write(s.dac)
            self.relay.value(1)
        else:
            self.relay.value(0)
            self.dac.write(s.dac)
            self.bridge.value(1 if s.bridge > 0 else 0)
        self.kicked ^= 1
        self.kick.value(self.kicked)
        if self.dog is not None:
            self.dog.feed()

    def die(self) -> None:
        """Current off, and wait for the watchdog: the next start says that it was one."""
        self.relay.value(0)
        self.dac.write(0)
        while True:
            machine.idle()

    # -- memory --------------------------------------------------------------------------------------------

    def nvm_read(self, slot: str) -> bytes | None:
        return self.fram.read(place(slot))

    def nvm_write(self, slot: str, data: bytes) -> bool:
        return self.fram.write(place(slot), data)

    # -- the host ------------------------------------------------------------------------------------------

    def send(self, conn: int, data: bytes) -> bool:
        limit = TX_LIMIT // 2 if data[:1] == b"~" else TX_LIMIT  # telemetry gives way before anything else
        if len(self.waiting) + len(data) > limit:
            return False
        self.waiting += data
        return True

    def flush(self, poll, out) -> None:
        """Hand over what the host takes now: byte by byte, because POLLOUT promises room for one.

        More than there is room for would wait 500 ms for a host that does not read, and the watchdog has 250.
        """
        count = 0
        while count < PORTION and count < len(self.waiting) and poll.poll(0):
            out.write(self.waiting[count : count + 1])
            count += 1
        if count:
            self.waiting = self.waiting[count:]


def place(slot: str) -> int:
    """Where a slot is in the memory: six records, then both slots of 64 runs."""
    if slot in SLOTS:
        return SLOTS.index(slot)
    second = slot.endswith(".b")
    return len(SLOTS) + 2 * int(slot[3:-2] if second else slot[3:]) + (1 if second else 0)


class Loop:
    """Bytes when they come, a tick every 10 ms. The host cannot be seen to leave on this port: the lease sees it."""

    CONN = 0

    def __init__(self, board: Board, source, sink) -> None:
        self.board = board
        self.unit = Firmware(board)
        self.source = source
        self.sink = sink
        self.came = select.poll()
        self.came.register(source, select.POLLIN)
        self.goes = select.poll()
        self.goes.register(sink, select.POLLOUT)
        self.due_ms = time.ticks_add(time.ticks_ms(), TICK_MS)

    def turn(self) -> None:
        """Once round."""
        board = self.board
        data = bytearray()
        while len(data) < PORTION and self.came.poll(0):
            data += self.source.read(1)
        if data:
            self.unit.receive(self.CONN, bytes(data))
            board.drive(self.unit.rec)
        late_ms = time.ticks_diff(time.ticks_ms(), self.due_ms)
        if late_ms > LATE_MS:
            board.die()
        if late_ms >= 0:
            # One that is missed is made up for in the next turns: dose and ramps count ticks, and the current flowed.
            self.due_ms = time.ticks_add(self.due_ms, TICK_MS)
            self.unit.tick()
            if gc.mem_alloc() > COLLECT_BYTES:
                gc.collect()
        board.flush(self.goes, self.sink)


def run() -> None:
    """For main.py; never returns."""
    micropython.kbd_intr(-1)  # 0x03 is a stop byte, not an interrupt of this program
    board = Board()
    loop = Loop(board, sys.stdin.buffer, sys.stdout.buffer)
    board.guard()
    while True:
        loop.turn()
