"""A whole unit under MicroPython on a resistor, for ``serve.mjs``: the firmware unchanged, the least board it runs on.

The board is in integers and says what it knows: a source of 4.2 mA at full code and 60 V, a relay that does what it
is told, three converters with an offset and a little noise, a lead that can be taken off. ``step`` is the one
door to the outside: what arrived goes in, time passes, what was sent comes out. Time is told by who calls.
"""

from binascii import unhexlify

from hw_sim.firmware.hal import Hal
from hw_sim.firmware.main import Firmware

CONN = 1
SOURCE_MV = 60_000


class Board(Hal):
    serial = "SNMPY1"
    simulated = True
    jumper = True  # runs are recorded and not counted in the dose window: nobody is at the other end

    def __init__(self, ohm, rate):
        self.ohm = ohm
        self.rate = rate
        self.on = True
        self.now_ms = 0
        self.ticks = 0
        self.nvm = {}
        self.sent = []

    def uptime_ms(self):
        return self.now_ms

    def output(self, s):
        """(nA, mV) of the source behind the relay."""
        if not s.relay or not s.dac:
            return 0, 0
        if not self.on:
            return 0, SOURCE_MV
        na = s.dac * 40_000 // 39
        mv = na * self.ohm // 1_000_000
        if mv <= SOURCE_MV:
            return na, mv
        return SOURCE_MV * 1_000_000 // self.ohm, SOURCE_MV

    def sense(self, s):
        self.ticks += 1
        na, mv = self.output(s)
        noise = self.ticks * 7 % 5
        s.adc_i = na * 13 // 992 + 10 + noise
        s.adc_i2 = na * 13 // 992 + 14 - noise
        s.adc_v = mv * 936 // 1000 + 8 + noise
        s.relay_fb = s.relay

    def drive(self, s):
        pass

    def send(self, conn, data):
        self.sent.append(data)
        return True

    def nvm_read(self, slot):
        return self.nvm.get(slot)

    def nvm_write(self, slot, data):
        self.nvm[slot] = data
        return True


class Bench:
    """The unit that runs, and what can be done to it."""

    def __init__(self, ohm, rate):
        self.board = Board(ohm, rate)
        self.unit = Firmware(self.board)
        self.tick_ms = 0

    def step(self, now_ms, arrived):
        """Every tick up to ``now_ms``, then the bytes that arrived (hex); what was sent meanwhile."""
        board = self.board
        while self.tick_ms + 10 <= now_ms:
            self.tick_ms += 10
            board.now_ms = self.tick_ms
            self.unit.tick()
        board.now_ms = now_ms
        if arrived:
            self.unit.receive(CONN, unhexlify(arrived))
        out = b"".join(board.sent).decode()
        board.sent = []
        return out

    def hang_up(self):
        self.unit.disconnect(CONN)

    def do(self, text):
        """``open``, ``close`` (the lead), ``load OHM``, ``reset``; "" or what is wrong with it."""
        word, _, argument = text.strip().partition(" ")
        if word in ("open", "close") and not argument:
            self.board.on = word == "close"
        elif word == "load" and argument.isdigit() and int(argument):
            self.board.ohm = int(argument)
        elif word == "reset" and not argument:
            self.unit = Firmware(self.board)
        else:
            return "open, close, load OHM, reset"
        return ""


bench = None


def begin(ohm, rate):
    global bench
    bench = Bench(ohm, rate)


def step(now_ms, arrived):
    return bench.step(now_ms, arrived)


def hang_up():
    bench.hang_up()


def do(text):
    return bench.do(text)
