"""CPython's side of the comparison: what happened to the record, and what the tick made of it.

A tape holds, tick by tick, what the hardware said and what anything but the tick wrote into the record
(commands, and what ``main`` clears after a tick). Both are taken from a live record; the tape replays them at
once on a record of its own, so that what is compared is the tick and nothing around it.

Two tapes. ``treatment`` is a real ``World`` with a host on a real line: what happens. ``extremes`` is no
physics at all: prescriptions at the ends of their ranges and converters anywhere in theirs, because what must
not allocate is the largest product, and no sound unit ever makes it.
"""

from __future__ import annotations

import json
import random
from array import array
from binascii import crc32
from pathlib import Path

from hw_sim.firmware import calibration, contact_check, control, detect, inputs, wire
from hw_sim.firmware.machine import ARM, ARMED, PAUSED, PAUSING, RAMP_UP, STAGED, START, TOP, move
from hw_sim.firmware.record import FIELDS, Record
from hw_sim.world import START_US, TICK_US, World


class Tape:
    """Ticks of a live record, replayed as they come; ``crcs`` run over every field after every tick."""

    def __init__(self) -> None:
        self.inputs = array("H")
        self.changes: list[tuple[int, str, int]] = []
        self.crcs = array("I")
        self.record = Record()
        self.states: set[int] = set()
        self.told: set[str] = set()

    def tick(self, live: Record) -> None:
        """``live`` is sensed and about to be ticked."""
        s = self.record
        self.inputs.extend((live.adc_i, live.adc_i2, live.adc_v, live.relay_fb | live.cmp_i << 1 | live.cmp_v << 2))
        for name in ("adc_i", "adc_i2", "adc_v", "relay_fb", "cmp_i", "cmp_v"):
            setattr(s, name, getattr(live, name))
        for name in FIELDS:
            value = getattr(live, name)
            if getattr(s, name) != value:
                self.changes.append((len(self.crcs), name, value))
                setattr(s, name, value)
        control.tick(s)
        crc = self.crcs[-1] if self.crcs else 0
        self.crcs.append(crc32(array("i", s.snapshot()).tobytes(), crc))
        self._remember(s)

    def _remember(self, s: Record) -> None:
        self.states.add(s.st)
        if s.note & 1:
            self.told.add(f"FAULT {s.f_id:02d}")
        if s.note & 2:
            self.told.add(f"WARN {s.warn:02d}")

    def write(self, folder: Path, stride: int) -> None:
        """``stride``: a CRC is wanted after so many ticks each."""
        (folder / "inputs.bin").write_bytes(self.inputs.tobytes())
        (folder / "changes.json").write_text(json.dumps({"stride": stride, "changes": self.changes}))


# -- what happens --------------------------------------------------------------------------------------------


class Host:
    """The shortest host that can hold a session: it remembers what the next request needs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.conn = world.connect()
        self.words = {"sid": "0000", "D": ""}
        self.number = 0
        self.newest = "0000"

    def do(self, text: str) -> None:
        if text[0] == "!":
            self.world.act(*text[1:].split(" ", 1))
        else:
            self.say(text)

    def say(self, text: str) -> None:
        if text == "HELLO":
            self.words["sid"], self.number = "0000", 0
            text = "HELLO vmin=1 vmax=1 nonce=00000001 host=tape"
        x = self.world.now_us // 1000 + 1000
        text = text.replace("{D}", self.words["D"]).replace("{X}", str(x))
        body = f">{self.words['sid']} {self.number + 1:04X} {text}"
        self.number = 0 if text.startswith("HELLO") else self.number + 1
        self.world.put(self.conn, wire.seal(body))

    def listen(self) -> None:
        for line in self.world.take(self.conn).decode().splitlines():
            words = line.split("*")[0].split(" ")
            if words[0][0] == "~":
                self.newest = words[1]
            self.words.update(word.split("=", 1) for word in words if word.startswith(("sid=", "D=")))


# The tick, and what the host says or, after a ``!``, what happens to the bench.
SCRIPT: tuple[tuple[int, str], ...] = (
    # to a lower set-point, a pause, a lost link, to the dose
    (5, "HELLO"),
    (10, "PRES I=1000 Q=12000 TU=2000 TD=1000 POL=+ CONT=PAUSE"),
    (20, "ARM D={D}"),
    (145, "START run=A D={D} X={X}"),
    (500, "SET I=800"),
    (700, "PAUSE"),
    (790, "ARM D={D}"),
    (910, "RESUME run=A X={X}"),
    (1500, "HELLO"),
    (1510, "ARM D={D}"),
    (1630, "RESUME run=A X={X}"),
    # at the voltage limit, then the electrode comes off
    (2700, "!load dry-skin"),
    (2700, "PRES I=4000 Q=60000 TU=8000 TD=4000 POL=- VMAX=20000 LIM=STRETCH"),
    (2710, "ARM D={D}"),
    (2850, "START run=B D={D} X={X}"),
    (3700, "!lift drug"),
    (3920, "CLEAR id=01"),
    # a jerk that pauses, a short that trips
    (3925, "!load skin"),
    (3930, "!replace drug"),
    (3940, "PRES I=500 Q=60000 TU=1000 TD=500 POL=+ CONT=PAUSE"),
    (3950, "ARM D={D}"),
    (4080, "START run=C D={D} X={X}"),
    (4400, "!contact drug:0.4"),
    (4410, "!replace drug"),
    (4420, "ARM D={D}"),
    (4560, "RESUME run=C X={X}"),
    (4800, "!load short"),
    (5010, "CLEAR id=06"),
    # a slow peel, after the 40 s that it takes to know the contact
    (5010, "!load skin"),
    (5020, "PRES I=200 Q=60000 TU=400 TD=200 POL=+"),
    (5030, "ARM D={D}"),
    (5160, "START run=D D={D} X={X}"),
    *((8600 + 40 * n, f"!contact drug:{1 - 0.03 * n:.2f}") for n in range(25)),
)
SILENCE = range(1080, 1500)  # no KEEP in these


def treatment(ticks: int, seed: int = 4) -> Tape:
    tape = Tape()
    world = World(seed=seed)
    _recorded(world, tape)
    host = Host(world)
    todo = list(SCRIPT)
    for k in range(ticks):
        while todo and todo[0][0] == k:
            host.do(todo.pop(0)[1])
        if k % 25 == 20 and k not in SILENCE and RAMP_UP <= world.firmware.rec.st <= PAUSING:
            host.say("KEEP t=" + host.newest)
        world.advance_to(START_US + (k + 1) * TICK_US)
        host.listen()
    return tape


def _recorded(world: World, tape: Tape) -> None:
    """Let the tape have every sensed record."""
    sense = world.hal.sense

    def heard(s: Record) -> None:
        sense(s)
        tape.tick(s)

    world.has_lane = False  # every tick is to be sensed
    world.hal.sense = heard  # type: ignore[method-assign]


# -- what never happens --------------------------------------------------------------------------------------


WHEREABOUTS = ("sound", "sound", "wild", "open", "dead", "astray", "low", "high")


def extremes(ticks: int, seed: int) -> Tape:
    """Short scenes one after the other, each a record set up at the ends of its ranges."""
    rng = random.Random(seed)
    tape, s = Tape(), Record()
    left, where = 0, ""
    for _ in range(ticks):
        if left == 0 or s.st > PAUSED:
            left, where = rng.randrange(20, 150), rng.choice(WHEREABOUTS)
            _scene(s, rng)
            s.v = _high_mv(s) if where == "high" else 0
        left -= 1
        _convert(s, where, rng)
        tape.tick(s)
        control.tick(s)
        s.note = s.saving = 0
    return tape


def _scene(s: Record, rng: random.Random) -> None:
    s.restore(Record().snapshot())
    s.ua = rng.choice((20, 100, 1000, 2500, 4000))
    # Protocol section 6: TU from 2 I to 50 I ms, TD from I to 20 I.
    s.n_up = 10_000 * s.ua // (s.ua * rng.choice((2, 10, 50)))
    s.n_dn = 10_000 * s.ua // (s.ua * rng.choice((1, 5, 20)))
    s.uc = rng.choice((6000, 4_800_000))
    s.tmax = rng.choice((100, 4_320_000, 4_320_000))
    s.zmax, s.zmin = rng.choice((1000, 30_000, 100_000)), rng.choice((0, 200, 5000))
    s.vmax = rng.choice((5000, 54_000))
    s.lim, s.cont, s.loss = rng.randrange(2), rng.randrange(2), rng.randrange(2)
    s.lease_full = rng.choice((50, 200, 1000))
    s.pol = rng.choice((1, -1))
    calibration.apply(s, rng.choice(((0, 0, 0, 0), (50_000, 2000, 50_000, 2000), (-50_000, -2000, -50_000, -2000))))
    s.batt = rng.randrange(2)
    s.is_open = int(rng.random() < 0.9)
    s.run_s = rng.choice((0, 43_199))
    s.p_at = s.run_s - min(s.run_s, rng.choice((100, 599)))
    s.p_open1 = s.p_step1 = s.p_link1 = s.p_open2 = s.p_step2 = s.p_link2 = s.p_at
    s.st = STAGED
    move(s, ARM)
    contact_check.begin(s)
    if s.is_open:
        _under_way(s, rng)


def _under_way(s: Record, rng: random.Random) -> None:
    """Checked, armed, at the start of a ramp, near its top, or in a long HOLD, each with a history behind it."""
    begun = rng.random()
    s.st = ARMED if begun < 0.9 else s.st
    s.t_st = rng.choice((0, 990))
    s.zero_i, s.zero_i2, s.zero_v = rng.choice(((0, 0, 0), (30_000, -30_000, 400)))
    if begun > 0.8:
        return
    control.begin(s, rng.randrange(2))
    move(s, START)
    s.q, s.on_time = max(0, s.uc - rng.choice((100, 6000, 1_000_000))), 100 * rng.randrange(43_200)
    s.lim_total = rng.choice((0, 990))
    s.k_wait, s.k_count, s.k_min = rng.choice((0, 30)), 9, rng.choice((1, 70_000))
    s.k_0 = s.k_4 = s.k_8 = 70_000
    s.trim = rng.choice((-30_000, 0, 30_000))
    s.rises = rng.randrange(2)
    if begun < 0.6:
        s.prog = s.reg = s.tgt - s.tgt % s.n_up
    if begun < 0.4:
        s.prog = s.reg = s.tgt
        move(s, TOP)
        detect.enter_hold(s)
        detect.set_bands(s, s.tgt)
        s.t_st = 2990


def _convert(s: Record, where: str, rng: random.Random) -> None:
    """Codes that follow the set-point well enough to get on, or go wrong in the scene's way."""
    s.relay_fb = s.relay
    s.cmp_i = int(rng.random() < 0.0005)
    s.cmp_v = 0
    inputs.heard(s, 9000, 250, 1, 0)
    if rng.random() < 0.001:
        inputs.heard(s, rng.choice((5000, 6500, 9000)), rng.choice((250, 610, -32_768)), rng.randrange(2), 1)
    na = s.reg if s.st >= RAMP_UP else 50_000 * s.relay
    s.adc_i = s.adc_i2 = _clipped((na + s.zero_i) * 13 // 992 + rng.randrange(4))
    if rng.random() < 0.03:
        s.adc_v = _clipped(s.vmax * rng.choice((1, 20, 70, 85, 89, 92)) // 100 * 936 // 1000)
    s.adc_v = _clipped(s.adc_v + rng.randrange(-2, 3))
    if where == "wild":
        _go_wild(s, rng)
    elif where == "open":
        s.adc_i = s.adc_i2 = _clipped(s.zero_i * 13 // 992)
        s.adc_v = _clipped(s.vmax * 97 // 100 * 936 // 1000) + rng.randrange(2)
    elif where == "dead":
        s.adc_i -= s.adc_i % 100
    elif where == "astray":
        s.adc_i = s.adc_i2 = _clipped(s.adc_i * 7 // 8)
    elif where == "low":
        s.adc_v = rng.randrange(3)
    elif where == "high":
        s.adc_v = _clipped(_high_mv(s) * 936 // 1000)


def _high_mv(s: Record) -> int:
    """Beyond the impedance window where that is below the voltage limit."""
    return min(s.zmax * s.ua // 900, s.vmax * 88 // 100)


def _go_wild(s: Record, rng: random.Random) -> None:
    if rng.random() < 0.1:
        s.adc_i = rng.choice((0, 1, 55_000, 65_535, rng.randrange(65_536)))
    if rng.random() < 0.1:
        s.adc_i2 = rng.choice((0, 65_535, rng.randrange(65_536)))
    if rng.random() < 0.05:
        s.adc_v = rng.choice((0, 65_535))


def _clipped(code: int) -> int:
    return min(max(code, 0), 65_535)
