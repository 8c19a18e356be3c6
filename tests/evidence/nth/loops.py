"""The loops: what is counted, and what is done to the n-th of it.

``strike(loop, n, out)`` gives one treatment and does its harm at the n-th call, byte, line or tick; it says whether
there was an n-th at all. A loop goes on until a treatment passes untouched, so nobody has to know how many there are.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from serial import SerialException, SerialTimeoutException

from controller import IontoError, Record, Unit
from hw_sim.world import TICK_US, World
from tests.evidence.nth.story import NAME, Bench, UsersOwn
from tests.evidence.nth.taps import First, Hand, Rest, let, tapped, wall_asked

STALL_US: Final = 3_000_000
DAY_S: Final = 86_400.0


class Struck(NamedTuple):
    """``touched``: there was an n-th. ``problems``: what did not hold."""

    touched: bool
    outcome: str
    problems: tuple[str, ...]


Call = Callable[[World, First, Rest], Any]
Tap = Callable[[World, "Nth"], None]


class Nth:
    """Counts to n; ``for_good``: and whatever comes after it."""

    def __init__(self, n: int, *, for_good: bool = False) -> None:
        self._left = n
        self._for_good = for_good
        self.touched = False

    def is_now(self) -> bool:
        self._left -= 1
        hit = self._left == 0 or (self._for_good and self._left < 0)
        self.touched |= hit
        return hit

    def within(self, length: int) -> int | None:
        """Where in the next ``length`` things the n-th is."""
        left, self._left = self._left, self._left - length
        if not 0 < left <= length:
            return None
        self.touched = True
        return left - 1


# -- what is done to a call --------------------------------------------------------------------------------------------


def _vanish(world: World, first: First, rest: Rest) -> None:
    raise SerialException("device reports readiness to read but returned no data")


def _half(world: World, first: First, rest: Rest) -> None:
    if first is not None:
        first()
    raise SerialException("write failed: [Errno 5] Input/output error")


def _time_out(world: World, first: First, rest: Rest) -> None:
    raise SerialTimeoutException("Write timeout")


def _lose_read(world: World, first: First, rest: Rest) -> bytes:
    rest()
    return b""


def _stall(world: World, first: First, rest: Rest) -> Any:
    """The host gets no processor for 3 s: garbage, swap, a suspended laptop."""
    world.advance_to(world.now_us + STALL_US)
    return let("", first, rest)


def _full(world: World, first: First, rest: Rest) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _half_full(world: World, first: First, rest: Rest) -> None:
    if first is not None:
        first()
    raise OSError(errno.ENOSPC, "No space left on device")


def _broken_disk(world: World, first: First, rest: Rest) -> None:
    raise OSError(errno.EIO, "Input/output error")


def _interrupt(world: World, first: First, rest: Rest) -> None:
    raise KeyboardInterrupt


def _raise(world: World, first: First, rest: Rest) -> None:
    raise UsersOwn("a bug of the caller's")


def _jump(by_s: float) -> Call:
    return lambda world, first, rest: rest() + by_s


def _second_host(world: World, first: First, rest: Rest) -> Any:
    """Another driver opens the same unit: refused while a run is open, and else it takes the session."""
    with suppress(IontoError):
        Unit.open(f"sim://@{NAME}", purpose="a second host").close()
    return let("", first, rest)


# -- what is done on the line ------------------------------------------------------------------------------------------


def _bytes(to_unit: bool, change: Callable[[int], bytes]) -> Tap:
    """The n-th byte becomes ``change`` of it."""

    def tap(world: World, nth: Nth) -> None:
        plain = World.put if to_unit else World.sent

        def changed(conn: int, data: bytes) -> Any:
            at = nth.within(len(data))
            return plain(world, conn, data if at is None else data[:at] + change(data[at]) + data[at + 1 :])

        setattr(world, plain.__name__, changed)

    return tap


def _flip(byte: int) -> bytes:
    return bytes((byte ^ 0x04,))  # digits stay digits, letters letters: the worst flip is one that still reads well


def _lose(byte: int) -> bytes:
    return b""


def _lines(mark: bytes) -> Tap:
    """The n-th line of the unit that begins so is lost."""

    def tap(world: World, nth: Nth) -> None:
        def sent(conn: int, data: bytes) -> bool:
            if data[:1] == mark and nth.is_now():
                return True
            return World.sent(world, conn, data)

        world.sent = sent  # type: ignore[method-assign]

    return tap


# -- what is done at a tick --------------------------------------------------------------------------------------------


def _board(*acts: tuple[int, str]) -> Tap:
    """(us later, verb) at the n-th tick."""

    def tap(world: World, nth: Nth) -> None:
        act = world.act

        def noticed(verb: str, argument: str = "") -> None:
            nth.touched |= verb == acts[0][1]
            act(verb, argument)

        world.act = noticed  # type: ignore[method-assign]
        for after_us, verb in acts:
            world.later(world.now_us + nth._left * TICK_US + after_us, verb, "")

    return tap


class Loop(NamedTuple):
    """``kind``: the call whose n-th is harmed, empty: any. ``stride`` at FULL; LONG takes all.

    ``harmless``: nothing may come of it, the run ends as if untouched.
    """

    name: str
    kind: str
    call: Call | None = None
    tap: Tap | None = None
    stride: int = 1
    for_good: bool = False
    harmless: bool = False


LOOPS: Final = (
    Loop("read-vanished", "read", _vanish),
    Loop("read-lost", "read", _lose_read),
    Loop("read-stalled-3s", "read", _stall, stride=2),
    Loop("write-vanished", "write", _vanish),
    Loop("write-half", "write", _half),
    Loop("write-timed-out", "write", _time_out),
    Loop("write-lost", "write", lambda world, first, rest: 1),
    Loop("file-full-once", "file", _full),
    Loop("file-half-written", "file", _half_full),
    Loop("file-full-for-good", "file", _full, for_good=True),
    Loop("fsync", "sync", _broken_disk),
    Loop("name", "name", _full),
    Loop("ctrl-c", "", _interrupt, stride=2),
    Loop("user-raises", "user", _raise),
    Loop("user-blocks-3s", "user", _stall),
    Loop("second-host", "", _second_host, stride=2),
    Loop("wall-a-day-ahead", "wall", _jump(DAY_S), stride=7, for_good=True, harmless=True),
    Loop("wall-a-day-back", "wall", _jump(-DAY_S), stride=7, for_good=True, harmless=True),
    Loop("byte-to-unit-lost", "", tap=_bytes(True, _lose), stride=13),
    Loop("byte-to-unit-flipped", "", tap=_bytes(True, _flip), stride=13),
    Loop("byte-to-host-lost", "", tap=_bytes(False, _lose), stride=53),
    Loop("byte-to-host-flipped", "", tap=_bytes(False, _flip), stride=53),
    Loop("telemetry-lost", "", tap=_lines(b"~")),
    Loop("event-lost", "", tap=_lines(b"!")),
    Loop("reply-lost", "", tap=_lines(b"<")),
    Loop("tick-reset", "", tap=_board((0, "power_cycle")), stride=11),
    Loop("tick-hang", "", tap=_board((0, "hang")), stride=11),
    Loop("tick-dark-3s", "", tap=_board((0, "power_off"), (STALL_US, "power_on")), stride=11),
    Loop("tick-cable-out-300ms", "", tap=_board((0, "unplug"), (300_000, "replug")), stride=11),
    Loop("tick-button", "", tap=_board((0, "local_stop")), stride=11),
)
NAMED: Final = {loop.name: loop for loop in LOOPS}


def strike(loop: Loop, n: int, out: Path) -> Struck:
    """One treatment, with the n-th of ``loop`` harmed."""
    bench, nth = Bench(), Nth(n, for_good=loop.for_good)

    def hand(kind: str, first: First, rest: Rest) -> Any:
        if loop.call is not None and loop.kind in (kind, "") and nth.is_now():
            return loop.call(bench.world, first, rest)
        return let(kind, first, rest)

    try:
        return _struck(bench, nth, loop, hand, out)
    finally:
        bench.close()


def _struck(bench: Bench, nth: Nth, loop: Loop, hand: Hand, out: Path) -> Struck:
    bench.user = lambda: hand("user", None, lambda: None)
    watched = wall_asked(hand) if loop.kind == "wall" else nullcontext()
    with suppress(KeyboardInterrupt), bench.open() as unit, tapped(bench.world, hand), watched:
        if loop.tap is not None:
            loop.tap(bench.world, nth)
        bench.attempt("deliver", lambda: bench.deliver(unit, out))
        bench.attempt("close", unit.close)
    record = bench.judge(out)
    outcome = record.outcome if isinstance(record, Record) else "nothing begun"
    if outcome != "DONE" and (loop.harmless or not nth.touched):
        bench.problems.append(f"{'harmless' if nth.touched else 'untouched'}, and yet {outcome}")
    return Struck(nth.touched, outcome, tuple(bench.problems))
