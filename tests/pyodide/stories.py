"""Whole worlds with a host on the line, told second by second: the same on any interpreter, or not the same.

Each story is a scenario of the simulator and what a host says or, after a ``!``, what happens to the bench, at seconds
from the beginning. The host repeats what is not answered, so that it gets on over a bad line too; KEEP leaves with the
telemetry that it names. What both write goes into one checksum with the integer record of every second, so that the
first second that differs is named. The floats of the plant are told beside it and are not part of it: they may differ
in the last bit between C libraries.
"""

from hashlib import sha256
from zlib import crc32

from hw_sim import plant
from hw_sim.firmware import wire
from hw_sim.firmware.machine import NAMES
from hw_sim.scenario import parse
from hw_sim.world import World

SLICE_US = 50_000
SECOND_US = 1_000_000
AGAIN_US = 300_000
ATTEMPTS = 4
KEEP_US = 250_000

HELLO = "HELLO vmin=1 vmax=1 nonce=5F2A90C1 host=story utc=1795464000"
HANDED_OVER = ("ARM D={D}", "START run={RUN} D={D} X={X}")


def run(name: str, prescription: str) -> tuple[str, ...]:
    """What it takes to begin one."""
    return (HELLO, f"PRES {prescription}", *(text.replace("{RUN}", name) for text in HANDED_OVER))


STORIES: dict[str, tuple[str, int, tuple[tuple[float, tuple[str, ...]], ...]]] = {
    # scenario, seconds, what is said
    "skin": ("skin?seed=7", 150, ((1, run("A", "I=4000 Q=240000 POL=-")), (140, ("RUN run=A", "STATUS")))),
    "dry skin of a person": (
        "dry-skin?seed=8&person=3", 150,
        (
            (1, run("A", "I=2000 Q=180000 TU=20000 POL=+ LIM=STRETCH")), (50, ("SET I=1500",)), (70, ("PAUSE",)),
            (80, ("ARM D={D}", "RESUME run=A X={X}")), (120, ("STOP",)), (125, ("RUN run=A", "EVENTS n=0001")),
        ),
    ),
    "tap water, hum": (
        "tap-water?seed=9&fault=mains@state=HOLD+5,for=30", 100,
        ((1, (*run("A", "I=3000 Q=198000 TU=10000 POL=-"), "TELE ms=20")), (90, ("RUN run=A",))),
    ),
    "noise on the line": (
        "skin?seed=10&line=115200&fault=L01:rate=0.00003&fault=L04:rate=0.00001&fault=L11:rate=0.05", 120,
        (
            (1, run("A", "I=1000 Q=60000 TU=4000 POL=- CONT=PAUSE")), (30, (HELLO + " run=A", "STATUS")),
            (60, run("B", "I=1000 Q=18000 TU=2000 POL=-")), (110, ("RUN run=A", "RUN run=B", "STATUS")),
        ),
    ),
    "a patch peels": (
        "skin?seed=11&fault=E23:share=0.2,over=20@state=HOLD+45&fault=S05:noise=3@at=5", 120,
        ((1, run("A", "I=500 Q=198000 TU=1000 POL=-")), (110, ("RUN run=A", "CLEAR id=05", "STATUS"))),
    ),
    "a breakdown": (
        "spent-electrode?seed=12&fault=E06@state=HOLD+10", 60,
        ((1, run("A", "I=800 Q=198000 TU=2000 POL=-")), (40, ("RUN run=A", "CLEAR id=06", "STATUS"))),
    ),
    "the power is cut": (
        "skin?seed=13&person=5&fault=E19@at=31.005,for=4", 90,
        (
            (1, run("A", "I=1500 Q=198000 TU=3000 POL=+")), (40, (HELLO, "RUN run=A", "STATUS")),
            (45, run("B", "I=1000 Q=18000 TU=2000 POL=-")), (85, ("RUN run=B",)),
        ),
    ),
    "a capacitor, a bounce": (
        "bench-5k?seed=14&load=5k||100n&fault=E04:gap=0.02@state=HOLD+5&fault=E17@at=2", 60,
        (
            (1, run("A", "I=2000 Q=60000 TU=4000 POL=-")), (20, ("!contact drug:0.9",)), (24, ("!replace drug",)),
            (50, ("RUN run=A",)),
        ),
    ),
}  # fmt: skip


class Host:
    """One request at a time, repeated until it is answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.conn = world.connect(str(world.origin.line or "usb"))
        self.words = {"sid": "0000", "D": "00000000"}
        self.number = 0
        self.newest = ""
        self.state = ""
        self.todo: list[str] = []
        self.out = b""  # what waits for its answer
        self.wanted = ""
        self.left = 0
        self.again_us = self.kept_us = 0
        self.rest = b""
        self.crc = 0
        self.sent, self.heard = sha256(), sha256()
        self.bytes = self.damaged = self.repeated = 0

    def write(self, data: bytes) -> None:
        self.crc = crc32(b"%d>" % self.world.now_us + data, self.crc)
        self.sent.update(data)
        self.bytes += len(data)
        self.world.put(self.conn, data)

    def listen(self) -> None:
        data = self.world.take(self.conn)
        self.crc = crc32(b"%d<" % self.world.now_us + data, self.crc)
        self.heard.update(data)
        self.bytes += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.hear(line.decode("latin-1"))

    def hear(self, line: str) -> None:
        body, _, crc = line.partition("*")
        if crc != f"{crc32(body.encode('latin-1')):08X}":
            self.damaged += bool(line)
            return
        words = body.split(" ")
        if words[0][0] == "~":
            self.newest, self.state = words[1], words[3].removeprefix("st=")
        elif words[0][0] == "<" and body.startswith(self.wanted):
            self.out = b""
            self.words.update(word.split("=", 1) for word in words if word.startswith(("sid=", "D=")))

    def turn(self) -> None:
        now_us = self.world.now_us
        if self.out and now_us >= self.again_us:
            self.repeat(now_us)
        while not self.out and self.todo:
            text = self.todo.pop(0)
            if text[0] == "!":
                self.world.act(*text[1:].split(" ", 1))
            else:
                self.ask(text, now_us)
        if not self.out and self.state in ("RAMP_UP", "HOLD") and now_us - self.kept_us >= KEEP_US:
            self.kept_us = now_us
            self.ask("KEEP t=" + self.newest, now_us)

    def ask(self, text: str, now_us: int) -> None:
        first = text.startswith("HELLO")
        sid, self.number = ("0000", 1) if first else (self.words["sid"], self.number + 1)
        x = (now_us - self.world.powered_us) // 1000 + 1000
        text = text.replace("{D}", self.words["D"]).replace("{X}", str(x))
        self.out = b"\n" + wire.seal(f">{sid} {self.number:04X} {text}")
        self.wanted = f"<{sid} {self.number:04X} "
        self.left = ATTEMPTS
        self.repeat(now_us)
        self.number = 0 if first else self.number

    def repeat(self, now_us: int) -> None:
        self.left -= 1
        # The contact check takes 1 s.
        self.again_us = now_us + (2_500_000 if b" ARM " in self.out else AGAIN_US)
        if self.left < 0:
            self.out = b""
        else:
            self.repeated += self.left < ATTEMPTS - 1
            self.write(self.out)


def tell(name: str) -> dict:
    """A story to its end; plain values."""
    text, seconds, script = STORIES[name]
    world = parse(text).world()
    begun_us = world.now_us
    host = Host(world)
    todo = list(script)
    told, floats, states = [], [], []
    for k in range(seconds * SECOND_US // SLICE_US):
        while todo and todo[0][0] * SECOND_US <= k * SLICE_US:
            host.todo += todo.pop(0)[1]
        host.turn()
        world.advance_to(begun_us + (k + 1) * SLICE_US)
        host.listen()
        state = NAMES[world.firmware.rec.st]
        if states[-1:] != [state]:
            states.append(state)
        if not (k + 1) * SLICE_US % SECOND_US:
            told.append(crc32(repr(world.firmware.rec.snapshot()).encode(), host.crc))
            floats.append(crc32(repr(plant.snapshot(world.plant)).encode()))
    return {
        "seconds": told,
        "states": states,
        "bytes": host.bytes,
        "damaged": host.damaged,
        "repeated": host.repeated,
        "sent": host.sent.hexdigest(),
        "heard": host.heard.hexdigest(),
        "record": list(world.firmware.rec.snapshot()),
        "memory": sha256(repr(sorted(world.hal.nvm.items())).encode()).hexdigest(),
        "floats": floats,
    }


def tell_all() -> dict:
    return {name: tell(name) for name in STORIES}
