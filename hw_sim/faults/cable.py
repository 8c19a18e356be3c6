"""The cable between the hosts and the unit, once something is wrong with it.

A world without a fault of the line has none, and its lines are plain `Line`s. The first fault of a line puts a
`BentLine` in the place of each, on the same arrivals: what is written goes through the faults that are on, in the order
in which they struck, and what is left of it is laid on the line at the time that comes out. Bytes never overtake each
other on a line: where a fault that delays is lifted, what comes after waits for what is still on its way.

The faults act on bytes as they are written, on every connection and in both directions; what already travels is not
touched. The cable also meets the byte for which a fault waits (``byte=``, ``p=``), exactly; the board strikes it.

Rejected: a fault as a wrapper around a port. There would have to be one for each kind of port, and none of them is in
the world's snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from hw_sim.faults.damage import DAMAGE, DELAYS, HELD_US, STALLS
from hw_sim.faults.strangers import AT_CLOSE, AT_OPEN, STRANGERS
from hw_sim.line import Line
from hw_sim.plant.noise import LOW22, WORD, seeded_words

if TYPE_CHECKING:
    from hw_sim.faults.fault import Arguments, Bench

_STREAM: Final = 0x0CAB_1E00  # the plant draws from the bare seed, the board from another stream
REST_US: Final = 20_000  # how late the rest of a short write comes
MOST_ON_THE_WAY: Final = 2048  # writes on one line, of which an endless stall would make endlessly many
OF_WRITES: Final = ("L08", "L22")  # they act on what is written in one go
# Where a fault of the line acts; the others say so themselves (``to=``).
TOWARDS: Final = {"L12": "unit", "L13": "host", "L14": "host", "L16": "unit", "L17": "host"}

_DAMAGE: Final = DAMAGE | STRANGERS


class Mishap:
    """A fault of the line that is on.

    ``left``: how often it acts before it is over; 0 without end, -1 it is over. ``sure``: it acts at the first
    opportunity, whatever its rate. ``tape``: (time, towards, bytes) of what a stranger will say, soonest first.
    """

    __slots__ = ("args", "kind", "left", "number", "sure", "tape", "to")

    def __init__(self, number: int, kind: str, args: dict[str, float | str]) -> None:
        self.number = number
        self.kind = kind
        self.args = args
        self.to = TOWARDS.get(kind) or ("both" if kind in STRANGERS else str(args.get("to", "both")))
        self.sure = bool(args.get("once")) and ("rate" in args or "share" in args)
        self.left = 1 if self.sure else int(args.get("n", 0))  # of lines, where there are so many to lose
        self.tape: list[tuple[int, str, bytes]] = []

    def number_of(self, name: str) -> float:
        return float(self.args[name])

    def word(self, name: str) -> str:
        return str(self.args[name])


class BentLine(Line):
    """One direction of a connection through the cable.

    ``fresh``: what comes next begins a line. ``floor_us``: nothing is laid before. ``held`` and ``counts`` are what
    a fault remembers of this line, by the fault's number; ``rest``: what of this write comes later.
    """

    __slots__ = ("cable", "conn", "counts", "floor_us", "fresh", "held", "rest", "towards")

    def __init__(self, line: Line, cable: Cable, towards: str, conn: int) -> None:
        self.arrivals, self.busy_us = line.arrivals, line.busy_us  # the very deque: somebody may be waiting on it
        self.byte_ns, self.whole = line.byte_ns, line.whole
        self.cable, self.towards, self.conn = cable, towards, conn
        self.fresh = True
        self.floor_us = 0
        self.rest = b""
        self.held: dict[int, bytes] = {}
        self.counts: dict[int, int] = {}

    def put(self, now_us: int, data: bytes) -> None:
        self.cable.carry(self, now_us, data)

    def lay(self, at_us: int, data: bytes) -> None:
        """On the line, behind what is there."""
        arrivals = self.arrivals
        if at_us >= HELD_US or (arrivals and arrivals[-1][0] >= HELD_US):
            if len(arrivals) < MOST_ON_THE_WAY:
                arrivals.append((HELD_US, data))
            return
        self.floor_us = max(at_us, self.floor_us)
        Line.put(self, self.floor_us, data)

    def release(self, now_us: int) -> None:
        """What a stall has held comes now, all at once."""
        moving = [at for at, _ in self.arrivals if at < HELD_US]
        at_us = max(now_us, moving[-1]) if moving else now_us
        kept = [(min(at, at_us) if at >= HELD_US else at, data) for at, data in self.arrivals]
        self.arrivals.clear()
        self.arrivals.extend(kept)


class Cable:
    """All lines of one world, and what is wrong with them."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.on: dict[int, Mishap] = {}
        # who waits: kind, towards, bytes until then (0: by chance), chance in parts of 2^30
        self._waiting: dict[int, tuple[str, str, int, int]] = {}
        self._x, self._y = seeded_words(bench.seed ^ _STREAM)
        for conn in bench.to_unit:
            self._bend(conn)

    def _bend(self, conn: int) -> None:
        for towards, table in (("unit", self.bench.to_unit), ("host", self.bench.to_host)):
            if not isinstance(table[conn], BentLine):
                table[conn] = BentLine(table[conn], self, towards, conn)

    def lines(self, towards: str = "both") -> list[BentLine]:
        """The lines of a direction, or all."""
        tables: dict[str, dict[int, Line]] = {"unit": self.bench.to_unit, "host": self.bench.to_host}
        wanted = tables.values() if towards == "both" else (tables[towards],)
        return [line for table in wanted for line in table.values() if isinstance(line, BentLine)]

    # -- faults come and go --------------------------------------------------------------------------------

    def wait(self, number: int, kind: str, args: Arguments, byte: int, towards: str, chance: float) -> None:
        """Strike ``number`` with byte ``byte`` from now on, or with every byte by chance."""
        if not byte:
            towards = Mishap(number, kind, args).to
        self._waiting[number] = (kind, towards, byte, int(chance * (WORD + 1)))

    def begin(self, number: int, kind: str, args: Arguments) -> Mishap:
        """It is on."""
        for line in self.lines():  # it may have been on before
            line.counts.pop(number, None)
        mishap = self.on[number] = Mishap(number, kind, dict(args))
        return mishap

    def end(self, number: int) -> None:
        """It is over, or waits no more. What it still held back comes through."""
        self._waiting.pop(number, None)
        mishap = self.on.pop(number, None)
        if mishap is None:
            return
        for line in self.lines():
            line.counts.pop(number, None)
            held = line.held.pop(number, b"")
            if held and mishap.kind in DAMAGE:
                line.lay(self.bench.now_us, held)
            if not any(m.kind in STALLS and m.to in (line.towards, "both") for m in self.on.values()):
                line.release(self.bench.now_us)

    # -- bytes ---------------------------------------------------------------------------------------------

    def carry(self, line: BentLine, now_us: int, data: bytes) -> None:
        """What was written now; what is left of it is laid on the line."""
        laid: list[tuple[int, bytes]] = []
        for part in self._cut(line.towards, data):
            at_us, left = now_us, part
            for mishap in tuple(self.on.values()):
                if mishap.to not in (line.towards, "both"):
                    continue
                if left and mishap.kind in _DAMAGE:
                    left = _DAMAGE[mishap.kind](self, line, mishap, left)
                if mishap.kind in DELAYS:
                    at_us = DELAYS[mishap.kind](self, mishap, at_us)
            line.fresh = part[-1:] in (b"\n", b"\r")
            if laid and laid[-1][0] == at_us:
                laid[-1] = (at_us, laid[-1][1] + left)
            else:
                laid.append((at_us, left))
            if line.rest:
                laid.append((at_us + REST_US, line.rest))
                line.rest = b""
        for at_us, left in laid:
            if left:
                line.lay(at_us, left)

    def _cut(self, towards: str, data: bytes) -> Iterator[bytes]:
        """The data in parts, each beginning with a byte at which a fault strikes."""
        begun = 0
        for n in range(len(data) if self._waiting and not self._far_off(towards, len(data)) else 0):
            hits = [k for k, w in self._waiting.items() if w[1] in (towards, "both") and self._meets(k)]
            if not hits:
                continue
            if n > begun:
                yield data[begun:n]
                begun = n
            by_chance = any(not w[2] and w[0] not in OF_WRITES for w in map(self._waiting.pop, hits))
            for number in hits:
                self.bench.act("strike", str(number))
            if by_chance:  # it may strike again at the very next byte
                yield data[begun : n + 1]
                begun = n + 1
        yield data[begun:]

    def _far_off(self, towards: str, length: int) -> bool:
        """Whether nobody waits for one of so many bytes; then they are counted."""
        mine = {k: w for k, w in self._waiting.items() if w[1] in (towards, "both")}
        if any(byte <= length for _, _, byte, _ in mine.values()):
            return False
        self._waiting |= {k: (kind, to, byte - length, chance) for k, (kind, to, byte, chance) in mine.items()}
        return True

    def _meets(self, number: int) -> bool:
        """One more byte for a fault that waits; whether it is the one."""
        kind, towards, byte, chance = self._waiting[number]
        if byte > 1:
            self._waiting[number] = (kind, towards, byte - 1, chance)
        return byte == 1 or (not byte and self.draw() < chance)

    def appear(self, towards: str, conn: int, data: bytes) -> None:
        """Bytes that nobody at the ends wrote; ``conn`` 0: on every connection."""
        for line in self.lines(towards):
            if conn in (0, line.conn) and len(line.arrivals) < MOST_ON_THE_WAY:
                line.lay(self.bench.now_us, data)

    def said(self, text: str) -> None:
        """Of the agenda: bytes that come later, as "towards connection hex"."""
        towards, conn, data = text.split(" ")
        self.appear(towards, int(conn), bytes.fromhex(data))

    def opened(self, conn: int) -> None:
        self._bend(conn)
        for mishap in tuple(self.on.values()):
            if mishap.kind in AT_OPEN:
                AT_OPEN[mishap.kind](self, mishap, conn)

    def closed(self) -> None:
        for mishap in tuple(self.on.values()):
            if mishap.kind in AT_CLOSE:
                AT_CLOSE[mishap.kind](self, mishap)

    def hears_break(self) -> bool:
        """Whether a BREAK of the host reaches the unit."""
        return not any(m.kind in ("L16", "L19") or (m.kind == "L24" and m.word("how") == "loop")
                       for m in self.on.values())  # fmt: skip

    # -- chance --------------------------------------------------------------------------------------------

    def draw(self) -> int:
        """30 bits, by the generator of the plant."""
        word = self._x
        word ^= (word & LOW22) * 256
        self._x = self._y
        word ^= (word >> 11) ^ self._y ^ (self._y >> 17)
        self._y = word
        return word

    def noise(self, length: int) -> bytes:
        return bytes(self.draw() >> 11 & 255 for _ in range(length))

    def hits(self, mishap: Mishap, chance: float) -> bool:
        """Whether it acts at this opportunity. One that has acted often enough is over."""
        if mishap.left < 0 or not (mishap.sure or self.draw() < chance * (WORD + 1)):
            return False
        if mishap.left:
            mishap.left -= 1
            if not mishap.left:
                mishap.left = -1
                self.bench.act("end_fault", str(mishap.number))
        return True

    # -- snapshot ------------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[Any, ...]:
        return (
            self._x,
            self._y,
            tuple(self._waiting.items()),
            tuple((m.number, m.kind, tuple(m.args.items()), m.left, tuple(m.tape)) for m in self.on.values()),
            tuple(
                (line.towards, line.conn, line.fresh, line.floor_us, tuple(line.held.items()),
                 tuple(line.counts.items()))
                for line in self.lines()
            ),
        )  # fmt: skip

    def restore(self, saved: tuple[Any, ...]) -> None:
        """On the lines that are there now."""
        self._x, self._y, waiting, on, lines = saved
        self._waiting = dict(waiting)
        self.on = {}
        for number, kind, args, left, tape in on:
            mishap = self.on[number] = Mishap(number, kind, dict(args))
            mishap.left, mishap.tape = left, list(tape)
        here = {(line.towards, line.conn): line for line in self.lines()}
        for towards, conn, fresh, floor_us, held, counts in lines:
            line = here[towards, conn]
            line.fresh, line.floor_us = fresh, floor_us
            line.held, line.counts = dict(held), dict(counts)
