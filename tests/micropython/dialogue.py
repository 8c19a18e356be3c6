"""One conversation with the whole firmware on a stub board, the same under CPython and MicroPython.

Everything that the unit sends comes back, so that the two can be compared; what it says is tested elsewhere.
The board is a 5 kohm resistor in integers. A step is a plain line, a sealed request (``>``), a number of
ticks to wait in silence (``+``) or with KEEPs (``=``), a stop byte (``^``), ``open`` (the electrodes come
off) or ``reset`` (a new start over the same non-volatile memory). ``{D}`` and ``{X}`` in a request become
the digest last told and a time a second from now.
"""

from hw_sim.firmware import wire
from hw_sim.firmware.hal import Hal
from hw_sim.firmware.main import Firmware

HELLO = ">HELLO vmin=1 vmax=1 nonce=5F2A90C1 host=stub utc=1795464000"
GREETING = ("*IDN?", HELLO)

PLAIN = """\
+60|*idn?|*opc?|*tst?|*esr?|*stb?|syst:err?|SYSTem:VERSion?|:syst:prot? ;|syst:stat?|SYST:HELP?|syst:coun?
meas:curr?|meas:volt?|meas:res?|meas:char?|meas:all?|sour:curr?|sour:curr 0.001|outp on|paus|nonsense
meas:curr? 1|syst:err?|syst:err?|syst:err?|syst:err?|syst:err?|syst:err?|\x7f|syst:coun?"""
REFUSED = """\
{HELLO}|>NOVERB|>ARM|>SET I=12 I=13|>SET I=x|>SET I=5000|>SET I=100 lower=1|>SET I=100 UPPER=1|>TELE ms=15
>TELE ms=500|>KEEP t=0000|>CLEAR id=01|>CLEAR id=7|>RUN run=NONE|>SELFTEST|+30|{PRES}|>ARM D=00000000
>ARM D={D}|+125|>START run=RUN1 D={D} X=4294967295"""
# Down to a lower set-point, a pause, a lost link, to the dose.
TO_THE_DOSE = """\
>START run=RUN1 D={D} X={X}|=150|>STATUS|syst:stat?|=100|meas:all?|>SET I=800|=100|>PAUSE|=120
>EVENTS n=0001|>ARM D={D}|+125|>RESUME run=RUN1 X={X}|=200|+400|{HELLO}|>STATUS|>ARM D={D}|+125
>RESUME run=RUN1 X={X}|=1500|>RUN run=RUN1|>START run=RUN1 D={D} X={X}"""
RESET_AND_STOP_BYTE = """\
{PRES}|>ARM D={D}|+125|>START run=RUN2 D={D} X={X}|=250|reset|+110|{HELLO}|>RUN run=RUN2|{PRES}|>ARM D={D}
+125|>START run=RUN3 D={D} X={X}|=150|^|=150|>RUN run=RUN3"""
FAULT = """\
{PRES}|>ARM D={D}|+125|>START run=RUN4 D={D} X={X}|=250|open|=20|>RUN run=RUN4|>CLEAR id=01|=250
>CLEAR id=01|>TAKE vmin=1 vmax=1 nonce=00000003 host=stub|>STOP|>ABORT|>BYE|*cls|*rst|syst:err?"""
STEPS = (
    "\n".join((PLAIN, REFUSED, TO_THE_DOSE, RESET_AND_STOP_BYTE, FAULT))
    .replace("{HELLO}", HELLO)
    .replace("{PRES}", ">PRES I=1000 Q=12000 TU=2000 TD=1000 POL=- LIM=STRETCH")
    .replace("\n", "|")
    .split("|")
)


class Board(Hal):
    serial = "SN0042"

    def __init__(self):
        self.ticks = 0
        self.nvm = {}
        self.sent = []
        self.connected = True

    def uptime_ms(self):
        return 10 * self.ticks

    def sense(self, s):
        asked = s.dac * 40_000 // 39 if s.relay else 0
        na = asked if self.connected else 0
        noise = self.ticks * 7 % 5
        s.adc_i = na * 13 // 992 + 10 + noise
        s.adc_i2 = na * 13 // 992 + 14 - noise
        s.adc_v = (na * 5 // 1069 if na == asked else 55_000) + 8 + noise
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


class Talk:
    """A host, as short as it can be."""

    def __init__(self):
        self.board = Board()
        self.unit = Firmware(self.board)
        self.heard = 0
        self.sid = "0000"
        self.number = 0
        self.digest = ""
        self.newest = "0000"

    def ticks(self, count):
        for _ in range(count):
            self.board.ticks += 1
            self.unit.tick()

    def ticks_in_session(self, count):
        for _ in range(count // 25):
            self.ticks(25)
            self.learn()
            self.request("KEEP t=" + self.newest)
        self.ticks(count % 25)

    def request(self, text):
        first = text[:5] in ("HELLO", "TAKE ")
        sid = "0000" if first else self.sid
        number = 1 if first else self.number + 1
        x = self.board.uptime_ms() + 1000
        text = text.replace("{D}", self.digest).replace("{X}", str(x))
        self.unit.receive(1, wire.seal(f">{sid} {number:04X} {text}"))
        self.number = 0 if first else number
        self.learn()

    def learn(self):
        """Session, digest and telemetry number, from what was sent since."""
        for data in self.board.sent[self.heard :]:
            words = data.decode().split("*")[0].split(" ")
            if words[0][:1] == "~":
                self.newest = words[1]
            for word in words:
                if word.startswith("sid="):
                    self.sid = word[4:]
                elif word.startswith("D="):
                    self.digest = word[2:]
        self.heard = len(self.board.sent)

    def step(self, text):
        if text[0] == "+":
            self.ticks(int(text[1:]))
        elif text[0] == "=":
            self.ticks_in_session(int(text[1:]))
        elif text[0] == ">":
            self.request(text[1:])
        elif text == "^":
            self.unit.receive(1, b"half a li\x18")
        elif text == "open":
            self.board.connected = False
        elif text == "reset":
            self.unit = Firmware(self.board)
        else:
            self.unit.receive(1, text.encode() + b"\n")


def conversation(steps):
    """What the unit sent, line by line."""
    talk = Talk()
    for text in steps:
        talk.step(text)
    return [line.decode() for line in talk.board.sent]
