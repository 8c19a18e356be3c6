"""Which faults wait, which are on: injected, struck when their time comes, lifted.

Everything here is an entry of the world's agenda, so that a world without a fault pays nothing and one that waits for
a time pays as much as before. Only while a fault waits for a state, an event or a byte is every tick followed by a look
(`look`), which is an entry of the agenda too.

What a strike changed of the plant's parameters is found by comparing them, and a lift puts exactly that back: a
catalogue with an "undo" for every row was written first, and put back the default where a scenario had begun with
something else. Faults may overlap: where a later one holds the same parameter, the earlier one's lift leaves the
parameter alone and hands on what it had found.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final, NamedTuple

from hw_sim.faults.cable import Cable
from hw_sim.faults.fault import Bench
from hw_sim.faults.spec import Spec, from_text
from hw_sim.faults.when import When
from hw_sim.firmware.machine import NAMES
from hw_sim.plant import PARAMETERS, set_parameter
from hw_sim.plant.noise import LOW22, WORD, seeded_words

SECOND_US: Final = 1_000_000
MOST: Final = 64  # faults injected at a time
_STREAM: Final = 0x0FA0_17ED  # the plant draws from the bare seed

_parameters: Final = attrgetter(*PARAMETERS)


class Injected(NamedTuple):
    """``found``: parameters the strike has moved, with the values it found. ``struck_us``: -1 while it waits."""

    spec: Spec
    struck_us: int = -1
    found: tuple[tuple[str, float], ...] = ()


class Strike(NamedTuple):
    """``state``: the unit's, when it came."""

    at_us: int
    fault: str
    state: str


class Board:
    """The faults of one world. Numbers name them; they are not used twice."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._injected: dict[int, Injected] = {}
        self._next = 1
        self._event_no = 0  # the last event looked at
        self._watched: dict[int, int] = {}  # who waits for a look; for a byte, the count at which it is there
        self._x, self._y = seeded_words(bench.seed ^ _STREAM)
        self.struck: tuple[Strike, ...] = ()
        self.lifted: tuple[tuple[int, str], ...] = ()  # and of every one that was taken back; not kept in a snapshot
        self._cable: Cable | None = None  # of the faults of the line; there is none until one is injected

    def do(self, verb: str, argument: str) -> None:
        """The verbs of `World.act` that are about faults: two of whoever mishandles the bench, five of the agenda."""
        match verb:
            case "inject":
                self.inject(argument)
            case "lift_fault":
                self.lift(argument)
            case "strike":
                self.strike(int(argument))
            case "go_on":
                self.go_on(int(argument))
            case "chance":
                self.chance(int(argument))
            case "end_fault":
                self.ended(int(argument))
            case "bytes":
                self.cable().said(argument)
            case _:
                self.look()

    # -- injected, struck, lifted ----------------------------------------------------------------------------

    def inject(self, text: str) -> int:
        """Take a fault in; it strikes now, or when its schedule says so. Its number.

        Raises:
            ValueError: one sentence; nothing was changed.
        """
        spec = from_text(text)
        now_us = self._bench.now_us
        w = spec.when
        if w.at_us is not None and w.at_us < now_us:
            raise ValueError(f"fault {text}: it is {now_us / 1e6:g} s already")
        if len(self._injected) >= MOST:
            raise ValueError(f"{MOST} faults are injected already: lift some")
        number = self._next
        self._injected[number] = Injected(spec)
        _tell(number, spec)
        try:
            self._arm(number, spec)
        except ValueError:
            del self._injected[number]
            raise
        self._next = number + 1
        return number

    def strike(self, number: int) -> None:
        """Its time has come."""
        bench = self._bench
        spec = self._injected[number].spec
        before, state = _parameters(bench.plant), NAMES[bench.firmware.rec.st]
        spec.fault.strike(bench, spec.arguments)
        after = _parameters(bench.plant)
        found = tuple((name, was) for name, was, now in zip(PARAMETERS, before, after, strict=True) if was != now)
        self.struck += (Strike(bench.now_us, spec.fault.id, state),)
        if spec.fault.instant:
            self._forget(number)
            if spec.when.chance and not spec.fault.per_byte:
                self._injected[number] = Injected(spec)
                self._arm(number, spec)
            return
        self._injected[number] = Injected(spec, bench.now_us, found)
        if spec.when.for_us is not None:
            bench.later(bench.now_us + spec.when.for_us, "end_fault", str(number))
        if spec.fault.course is not None:
            self.go_on(number)

    def go_on(self, number: int) -> None:
        """The next step of a fault that goes on by itself."""
        bench = self._bench
        entry = self._injected[number]
        if entry.spec.fault.course is None:
            return
        before = _parameters(bench.plant)
        left_s = entry.spec.fault.course(bench, entry.spec.arguments, (bench.now_us - entry.struck_us) / 1e6)
        known = {name for name, _ in entry.found}
        moved = tuple(
            (name, was)
            for name, was, now in zip(PARAMETERS, before, _parameters(bench.plant), strict=True)
            if was != now and name not in known
        )
        self._injected[number] = entry._replace(found=entry.found + moved)
        if left_s is not None:
            bench.later(bench.now_us + max(1, round(left_s * 1e6)), "go_on", str(number))

    def lift(self, which: str) -> tuple[int, ...]:
        """Take a fault back, on or waiting, by its number, or all of an id or a name; their numbers.

        Raises:
            ValueError: none of that is injected.
        """
        wanted = which.lower()
        numbers = tuple(
            n
            for n, entry in self._injected.items()
            if wanted in (str(n), entry.spec.fault.id.lower(), entry.spec.fault.name)
        )
        if not numbers:
            known = ", ".join(f"{n} {e.spec.fault.id}" for n, e in self._injected.items()) or "none is"
            raise ValueError(f"no fault {which:.40} is injected; injected: {known}")
        for number in numbers:
            self._lift(number)
        return numbers

    def ended(self, number: int) -> None:
        """Its span is over; by chance it may strike again."""
        spec = self._injected[number].spec
        self._lift(number)
        if spec.when.chance:
            self._injected[number] = Injected(spec)
            self._arm(number, spec)

    def chance(self, number: int) -> None:
        """A second of a fault by chance: whether it strikes, and in which millisecond of the second."""
        bench = self._bench
        chance = self._injected[number].spec.when.chance
        hit, at_us = self._draw() < chance * (WORD + 1), self._draw() % 1000 * 1000
        if hit:
            bench.later(bench.now_us + at_us, "strike", str(number))
        else:
            bench.later(bench.now_us + SECOND_US, "chance", str(number))

    # -- watching ------------------------------------------------------------------------------------------

    def look(self) -> None:
        """After a tick: has what a fault waits for come?"""
        news = self._news()
        for number, entry in list(self._injected.items()):
            w = entry.spec.when
            if number not in self._watched:
                continue
            if w.byte:
                come = self._count(w) >= self._watched[number]
            elif w.event:
                come = any(w.event in (str(no), body.split(" ", 1)[0]) for no, body in news)
            else:
                come = any(body.startswith(f"STATE st={w.state} ") for _, body in news)
            if come:
                del self._watched[number]
                self._bench.later(self._bench.now_us + w.after_us, "strike", str(number))
        if self._watched:
            self._bench.later(self._bench.next_tick_us, "look", "")

    def _watch(self, number: int, w: When) -> None:
        """Look from now on; what has been, has been."""
        if not self._watched:
            self._news()
            self._bench.later(self._bench.next_tick_us, "look", "")
        self._watched[number] = self._count(w) + w.byte if w.byte else 0

    def _news(self) -> list[tuple[int, str]]:
        """Events since the last look. After a reset their numbers begin anew, and all are news."""
        firmware = self._bench.firmware
        news = []
        if firmware.event_no != self._event_no:
            for no, _, body in reversed(firmware.events):
                if no == self._event_no:
                    break
                news.append((no, body))
            self._event_no = firmware.event_no
        return news

    def _count(self, w: When) -> int:
        return self._bench.bytes_out if w.towards == "host" else self._bench.bytes_in

    # -- the line ------------------------------------------------------------------------------------------

    def cable(self) -> Cable:
        """What the faults of the line act on; only a world that has one pays for it."""
        if self._cable is None:
            self._cable = Cable(self._bench)
        return self._cable

    def opened(self, conn: int) -> None:
        if self._cable is not None:
            self._cable.opened(conn)

    def closed(self) -> None:
        if self._cable is not None:
            self._cable.closed()

    def hears_break(self) -> bool:
        return self._cable is None or self._cable.hears_break()

    # -- the rest ------------------------------------------------------------------------------------------

    def _arm(self, number: int, spec: Spec) -> None:
        bench, w = self._bench, spec.when
        if w.at_us is not None:
            bench.later(w.at_us, "strike", str(number))
        elif spec.fault.per_byte and (w.byte or w.chance):
            self.cable().wait(number, spec.fault.id, spec.arguments, w.byte, w.towards, w.chance)
        elif w.chance:
            self.chance(number)
        elif w.state or w.event or w.byte:
            self._watch(number, w)
        else:
            self.strike(number)

    def _lift(self, number: int) -> None:
        entry = self._injected[number]
        if entry.struck_us >= 0:
            self.lifted += ((self._bench.now_us, entry.spec.fault.id),)
            self._put_back(number, entry)
            if entry.spec.fault.lift is not None:
                entry.spec.fault.lift(self._bench, entry.spec.arguments)
        self._forget(number)

    def _put_back(self, number: int, entry: Injected) -> None:
        """Each parameter to what the strike found, unless a later strike holds it: that one inherits."""
        for name, was in entry.found:
            heir = next((n for n in self._later(number, entry) if name in dict(self._injected[n].found)), None)
            if heir is None:
                set_parameter(self._bench.plant, name, was)
            else:
                found = tuple((k, was if k == name else v) for k, v in self._injected[heir].found)
                self._injected[heir] = self._injected[heir]._replace(found=found)

    def _later(self, number: int, entry: Injected) -> list[int]:
        """Faults that are on and struck after this one, soonest first."""
        struck = [(e.struck_us, n) for n, e in self._injected.items() if e.struck_us >= 0]
        return [n for at, n in sorted(struck) if (at, n) > (entry.struck_us, number)]

    def _forget(self, number: int) -> None:
        del self._injected[number]
        self._watched.pop(number, None)
        if self._cable is not None:
            self._cable.end(number)
        bench = self._bench
        mine = ("strike", "chance", "go_on", "end_fault")
        bench.agenda = tuple(a for a in bench.agenda if not (a[1] in mine and a[2] == str(number)))

    def _draw(self) -> int:
        """30 bits, by the generator of the plant."""
        word = self._x
        word ^= (word & LOW22) * 256
        self._x = self._y
        word ^= (word >> 11) ^ self._y ^ (self._y >> 17)
        self._y = word
        return word

    @property
    def newest(self) -> int:
        """The number given last; 0: none yet."""
        return self._next - 1

    def listed(self) -> list[dict[str, Any]]:
        """Every fault that waits or is on, as plain values."""
        return [
            {
                "number": number,
                "id": entry.spec.fault.id,
                "name": entry.spec.fault.name,
                "fault": entry.spec.text(),
                "on": entry.struck_us >= 0,
                "since_us": entry.struck_us if entry.struck_us >= 0 else None,
            }
            for number, entry in self._injected.items()
        ]

    def snapshot(self) -> tuple[Any, ...] | None:
        """None: as a new board."""
        if self._next == 1:
            return None
        return (
            self._next,
            self._event_no,
            self._x,
            self._y,
            tuple(tuple(one) for one in self.struck),
            tuple(self._watched.items()),
            tuple((n, e.spec.text(), e.struck_us, e.found) for n, e in self._injected.items()),
            self._cable.snapshot() if self._cable is not None else None,
        )

    def restore(self, saved: tuple[Any, ...]) -> None:
        self._next, self._event_no, self._x, self._y, struck, watched, injected, cable = saved
        self.struck = tuple(Strike(*one) for one in struck)
        self._watched = dict(watched)
        self._injected = {n: Injected(from_text(text), at, found) for n, text, at, found in injected}
        for number, entry in self._injected.items():
            _tell(number, entry.spec)
        if cable is not None:
            self.cable().restore(cable)


def _tell(number: int, spec: Spec) -> None:
    """A fault of the line acts again and again, and has to know which one it is, and whether only once."""
    once = (spec.when.byte or spec.when.chance) and spec.when.for_us is None
    spec.arguments.update(number=number, once=int(bool(once)))
