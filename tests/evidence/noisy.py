"""A great many commands over a very bad line: the driver's own exchange on one end, the real firmware on the other.

About one line in eight is damaged, in either direction: bits flipped, cut short, lost, doubled, held back until later
(so that it comes behind others, or in another session), run together with the next one, or preceded by garbage. What
the unit *took* is not asked of it but seen: whenever bytes arrive, its set-point, its prescription, its arming and its
run are looked at before and after. Two figures have to be zero:

wrong    it took something that is byte for byte no request of its present session, or another one than was carried
         out; or the host's verdict says the opposite of what happened
doubled  one request was carried out twice

A command that is given up ("uncertain") is no error: the host then opens a new session, as the driver does.

    python -m tests.evidence.noisy SEED COMMANDS      the same commands again; --variant NAME on a known-bad firmware
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter, deque
from heapq import heappop, heappush
from random import Random
from typing import Final, NamedTuple

from controller.exchange import Confirmed, Exchange, Refused, Uncertain, Verdict
from controller.wire import LineDecoder, Noise, Reply, Telemetry, parse
from hw_sim.firmware.machine import ARMED, CHECK, DONE, FAULT, HOLD, IDLE, PAUSED, RAMP_UP, STAGED
from hw_sim.firmware.main import Firmware
from hw_sim.variants import find
from hw_sim.world import World
from tests.evidence.part import Effort, Failure, Part

A_LINE_IN: Final = 8  # is damaged
BATCH: Final = 1000  # commands of one seed
SHORT_COMMANDS, LONG_COMMANDS = 2000, 1_000_000
FULL_S: Final = 110.0
STATED: Final = ("PRES", "START", "SET")  # a refusal says that nothing was done; that of ARM comes after its check
SEEN: Final = ("PRES", "ARM", "START", "SET")  # what is carried out changes what ``UnitEnd.see`` sees
SUMMED: Final = ("commands", "retransmissions", "damaged lines", "refused", "uncertain", "wrong", "doubled")


_LINE: Final = re.compile(rb"\n*[^\n]+\n?")  # with the line end that the host sends in front of its own


class BadLine:
    """One direction. ``put`` says what is written, ``due`` gives what has come by now."""

    def __init__(self, dice: Random, counts: Counter[str]) -> None:
        self._dice = dice
        self._counts = counts
        self._held: list[tuple[int, int, bytes]] = []
        self._n = 0

    def put(self, now_us: int, data: bytes) -> None:
        for line in _LINE.findall(data):
            if self._dice.randrange(A_LINE_IN):
                self._send(now_us, line)
            else:
                self._counts["damaged lines"] += 1
                self._damage(now_us, line)

    def _send(self, at_us: int, data: bytes) -> None:
        self._n += 1
        heappush(self._held, (at_us, self._n, data))

    def _damage(self, now_us: int, line: bytes) -> None:
        dice = self._dice
        match dice.randrange(9):
            case 0 | 1 | 2:
                hurt = bytearray(line)
                for _ in range(dice.randint(1, 3)):
                    hurt[dice.randrange(len(hurt))] ^= 1 << dice.randrange(8)
                self._send(now_us, bytes(hurt))
            case 3:
                pass  # lost
            case 4:
                self._send(now_us, line)
                self._send(now_us + dice.choice((0, 5_000, 300_000)), line)
            case 5:  # behind others, of this session or the next
                self._send(now_us + dice.choice((20_000, 260_000, 1_500_000)), line)
            case 6:
                self._send(now_us, line[: dice.randrange(len(line))])
            case 7:
                self._send(now_us, line.rstrip(b"\n"))  # runs into the next
            case _:
                self._send(
                    now_us, dice.randbytes(dice.randint(1, 40)).replace(b"\x18", b"").replace(b"\x03", b"") + line
                )

    def next_us(self) -> int | None:
        return self._held[0][0] if self._held else None

    def due(self, now_us: int) -> list[bytes]:
        come = []
        while self._held and self._held[0][0] <= now_us:
            come.append(heappop(self._held)[2])
        return come


class Seen(NamedTuple):
    """What there is to see of a unit: what a request that was carried out changes."""

    staged: str
    state: int
    ticks: int
    run: str
    set_ua: int
    prog: int


class UnitEnd:
    """The firmware's end of the line: every line that comes, and what it did."""

    def __init__(self, world: World, counts: Counter[str]) -> None:
        self.world = world
        self.conn = world.connect("direct")
        self.done: dict[bytes, int] = {}
        self.sent: dict[bytes, None] = {}
        self.wrong: list[str] = []
        self._counts = counts
        self._rest = b""

    def see(self) -> Seen:
        unit, s = self.world.firmware, self.world.firmware.rec
        return Seen(unit.canon, s.st, s.t_st, unit.run, s.ua, s.prog)

    def meant(self, data: bytes) -> None:
        """The host sends this: the only thing that the unit may take."""
        self.sent[data.strip(b"\n")] = None

    def arrives(self, data: bytes) -> None:
        """Line by line, so that what is done belongs to one of them."""
        for piece in data.splitlines(keepends=True):
            before, sid = self.see(), self.world.firmware.session.sid
            self.world.put(self.conn, piece)
            after = self.see()
            self._rest += piece
            *lines, self._rest = self._rest.replace(b"\r", b"\n").split(b"\n")
            for verb, what in took(before, after):
                self._judge(verb, what, lines, sid)

    def _judge(self, verb: str, what: str, lines: list[bytes], sid: int) -> None:
        head = b">%04X " % sid
        asked = [
            line
            for line in lines
            if line in self.sent and line.startswith(head) and line.split()[2:3] == [verb.encode()]
        ]
        if not asked or what.encode() not in asked[-1]:
            self.wrong.append(f"{verb} ({what}) was carried out by {lines!r} in session {sid:04X}")
            return
        line = asked[-1]
        self.done[line] = self.done.get(line, 0) + 1
        if self.done[line] > 1:
            self._counts["doubled"] += 1


def took(before: Seen, after: Seen) -> list[tuple[str, str]]:
    """What was carried out between two looks in the same instant: (verb, words that its request must have)."""
    done = []
    if after.staged != before.staged:
        done.append(("PRES", " ".join(after.staged.split()[:2])))
    elif after.set_ua != before.set_ua:
        done.append(("SET", f"I={after.set_ua}*"))
    if after.state == CHECK and (before.state != CHECK or after.ticks < before.ticks):
        done.append(("ARM", ""))
    if after.state == RAMP_UP and (before.state != RAMP_UP or after.ticks < before.ticks or after.prog < before.prog):
        done.append(("START", f"run={after.run} "))
    return done


class Host:
    """The driver's exchange, decoder and parser, and somebody who always has something to ask."""

    def __init__(
        self, seed: int, firmware: type[Firmware], counts: Counter[str], exchange: type[Exchange] = Exchange
    ) -> None:
        self.dice = Random(seed)
        self.counts = counts
        self.world = World(load="5k", seed=seed, firmware=firmware)
        self.unit = UnitEnd(self.world, counts)
        self._exchange = exchange()
        self._there, self._back = BadLine(self.dice, counts), BadLine(self.dice, counts)
        self._decoder = LineDecoder()
        self._verdicts: deque[Verdict] = deque()
        self._newest = 0
        self._runs = 0
        self._digest = ""

    # -- one command -------------------------------------------------------------------------------------------

    def command(self) -> None:
        verb, fields = self._next()
        exchange = self._exchange
        exchange.begin(verb, fields, self._now_s())
        data = exchange.first
        self.unit.meant(data)
        self._write(data)
        while exchange.pending is not None:
            self._turn()
        self.counts["commands"] += 1
        while self._verdicts:
            self._judge(self._verdicts.popleft(), verb, data.strip(b"\n"))
        self.counts["retransmissions"] += exchange.retries
        exchange.retries = 0

    def _judge(self, verdict: Verdict, verb: str, line: bytes) -> None:
        times = self.unit.done.get(line, 0)
        match verdict:
            case Uncertain():
                self.counts["uncertain"] += 1
                self._digest = ""
            case Refused():
                self.counts["refused"] += 1
                if times and verb in STATED:
                    self.unit.wrong.append(f"refused, and carried out: {line!r}")
            case Confirmed(reply=reply):
                if verb == "PRES":
                    self._digest = reply.word("D")
                on = verb == "STOP" and self.world.firmware.rec.st in (RAMP_UP, HOLD)
                if on or (not times and verb in SEEN):
                    self.unit.wrong.append(f"confirmed, and not carried out: {line!r}")

    def _next(self) -> tuple[str, dict[str, str | int]]:
        if not self._exchange.open:
            run = self.world.firmware.run
            hello = {"vmin": 1, "vmax": 1, "nonce": f"{self.dice.getrandbits(32):08X}", "host": "noisy"}
            return "HELLO", hello | ({"run": run} if run else {})
        s = self.world.firmware.rec
        chance = self.dice.randrange(10)
        if not chance:
            return "STATUS", {}
        if s.st in (RAMP_UP, HOLD):
            if chance == 1:
                return "STOP", {}
            if chance < 4 or s.ua <= 100:
                return "KEEP", {"t": f"{self._newest:04X}"}
            return "SET", {"I": s.ua - 10 * self.dice.randint(1, 3)}
        if s.st == ARMED and self._digest and chance > 1:
            self._runs += 1
            now_ms = self.world.hal.uptime_ms()
            return "START", {"run": f"R{self._runs}", "D": self._digest, "X": now_ms + 900}
        if s.st == FAULT:
            return "CLEAR", {"id": f"{s.fl.bit_length():02d}"}
        if s.st == PAUSED:
            return "STOP", {}
        if s.st not in (IDLE, STAGED, ARMED, DONE):
            self.world.advance_to(self.world.now_us + 500_000)  # on its way to one of these
            return "STATUS", {}
        if self._digest and chance > 3 and s.st == STAGED:
            return "ARM", {"D": self._digest}
        i_ua, q_uc = self._prescription()
        return "PRES", {"I": i_ua, "Q": q_uc, "TU": 10 * i_ua // 5, "TD": i_ua, "POL": "+"}

    def _prescription(self) -> tuple[int, int]:
        """Another than the one held: that the same was taken twice could not be seen."""
        while True:
            i_ua, q_uc = 10 * self.dice.randint(100, 400), 6000 * self.dice.randint(20, 400)
            if not self.world.firmware.canon.startswith(f"I={i_ua} Q={q_uc} "):
                return i_ua, q_uc

    # -- the line ----------------------------------------------------------------------------------------------

    def _now_s(self) -> float:
        return self.world.now_us / 1e6

    def _write(self, data: bytes) -> None:
        self._there.put(self.world.now_us, data)

    def _turn(self) -> None:
        """Deliver what is due on either side, let time pass until something is, send again what was not answered."""
        world, exchange = self.world, self._exchange
        for data in self._there.due(world.now_us):
            self.unit.arrives(data)
        said = world.take(self.unit.conn)
        if said:
            self._back.put(world.now_us, said)
        for data in self._back.due(world.now_us):
            self._hear(data)
        if exchange.pending is None:
            return
        answer = exchange.on_time(self._now_s())
        if isinstance(answer, Uncertain):
            self._verdicts.append(answer)
            return
        if answer is not None:
            self._write(answer)
            return
        nearest = [at for at in (self._there.next_us(), self._back.next_us()) if at is not None]
        until_us = min([int((exchange.due or 0.0) * 1e6) + 1, *nearest])
        if until_us > world.now_us:
            world.advance_to(until_us, self.unit.conn)

    def _hear(self, data: bytes) -> None:
        for line in self._decoder.feed(data):
            message = line if isinstance(line, Noise) else parse(line)
            match message:
                case Telemetry() if message.sid == self._exchange.sid:
                    self._newest = message.number
                case Reply():
                    verdict = self._exchange.on_reply(message)
                    if verdict is not None:
                        self._verdicts.append(verdict)
                case Noise():
                    self.counts["not understood by the host"] += 1


def batch(
    seed: int, commands: int, firmware: type[Firmware] = Firmware, exchange: type[Exchange] = Exchange
) -> tuple[Counter[str], list[str]]:
    """So many commands of one seed: what was counted, and what was wrong."""
    counts: Counter[str] = Counter()
    host = Host(seed, firmware, counts, exchange)
    for _ in range(commands):
        host.command()
    counts["wrong"] = len(host.unit.wrong)
    counts["carried out"] = sum(host.unit.done.values())
    counts["not understood by the unit"] = host.world.firmware.session.refused
    return counts, host.unit.wrong


def run(effort: Effort) -> Part:
    commands = LONG_COMMANDS if effort is Effort.LONG else SHORT_COMMANDS
    give_up = time.monotonic() + FULL_S if effort is Effort.FULL else None
    sums: Counter[str] = Counter()
    failures: list[Failure] = []
    seed = 0
    while sums["commands"] < commands or (give_up is not None and time.monotonic() < give_up):
        seed += 1
        counts, wrong = batch(seed, BATCH)
        sums += counts
        repeat = f"python -m tests.evidence.noisy {seed} {BATCH}"
        failures += [Failure(what=what, repeat=repeat) for what in wrong]
        if counts["doubled"]:
            failures.append(Failure(what=f"{counts['doubled']} requests were carried out twice", repeat=repeat))
    told = (*SUMMED[:5], "carried out", *SUMMED[5:])
    return Part(name="noisy commands", counts={name: sums[name] for name in told}, failures=tuple(failures))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.noisy")
    parser.add_argument("seed", type=int)
    parser.add_argument("commands", type=int)
    parser.add_argument("--variant")
    told = parser.parse_args()
    counts, wrong = batch(told.seed, told.commands, find(told.variant).firmware() if told.variant else Firmware)
    for name, n in counts.items():
        print(f"{n:8}  {name}")
    print(*wrong, sep="\n")


if __name__ == "__main__":
    main()
