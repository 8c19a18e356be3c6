"""A live unit on its bench: the sealed door, the plain door and the bench door, with the truth looked at.

An input of the sealed door is a script: a byte of time in ticks of 10 ms, a byte of length, so many bytes for the
unit, and so on, so that a fuzzer can let time pass between two lines. Its first byte says whether checksums are put
right on the way, which is how an input gets past HELLO; session numbers are those of a unit with one serial number at
its second boot, so that the recorded sessions of the corpus are understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

from controller.wire import Plain, parse
from hw_sim.door import MAX_REQUEST, Door, DoorConnection
from hw_sim.firmware.machine import NAMES, PAUSING, RAMP_UP
from hw_sim.world import World
from tests.evidence.fuzz.lines import resealed
from tests.naive_wire import decode_line
from tests.sim.firmware.bench import Bench

TICK_US = 10_000
MOST_TICKS = 1500  # of one input: fifteen seconds, enough for a run of 0.1 mA.min up to its hold
CHECK_UA, HARD_CAP_UA, QUIET_UA = 60, 4200, 50
TOKEN = "0123456789abcdef"


@cache
def _bench(state: str) -> tuple[Bench, tuple[object, ...]]:
    """A bench and its snapshot in a state: made once, put back for every input."""
    bench = Bench() if state == "NEW" else Bench().to(state, Q=600_000)
    return bench, bench.world.snapshot()


def _fresh(state: str) -> Bench:
    bench, kept = _bench(state)
    bench.world.restore(kept)
    return bench


def script(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(ticks to wait, bytes for the unit) of an input."""
    at, left = 0, MOST_TICKS
    while at + 1 < len(data):
        ticks, length = min(data[at], left), data[at + 1]
        left -= ticks
        yield ticks, data[at + 2 : at + 2 + length]
        at += 2 + length


def written(steps: list[tuple[int, bytes]]) -> bytes:
    """The inverse of ``script``."""
    data = b""
    for ticks, line in steps:
        while ticks > 255:
            data, ticks = data + b"\xff\x00", ticks - 255
        while len(line) > 255:
            data, ticks, line = data + bytes((ticks, 255)) + line[:255], 0, line[255:]
        data += bytes((ticks, len(line))) + line
    return data


def unit_session(data: bytes) -> None:
    """No bytes raise current without a sealed START; none exceed what was prescribed; a stop byte ends all of it."""
    world = _fresh("NEW").world
    raised_by, prescribed_ua, rest = False, 0, b""
    for ticks, sent in script(data[1:]):
        for _ in range(ticks):
            world.advance_to(world.now_us + TICK_US)
            _true(world, raised_by, prescribed_ua)
            _take(world)
        heard = resealed(sent) if data[0] & 1 else sent
        *lines, rest = (rest + heard).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            message = decode_line(line.decode("latin-1")) if line[:1] == b">" else {}
            raised_by |= message.get("verb") in ("START", "RESUME")
            if message.get("verb") == "PRES" and message["fields"].get("I", "").isdecimal():
                prescribed_ua = max(prescribed_ua, int(message["fields"]["I"]))
        world.put(1, heard)
        _take(world)
    _stops(world)


def _true(world: World, raised_by: bool, prescribed_ua: int) -> None:
    i_ua = abs(world.plant.i_a) * 1e6
    state = world.firmware.rec.st
    energised = RAMP_UP <= state <= PAUSING
    assert raised_by or not energised, f"{NAMES[state]} without a sealed START"
    assert raised_by or i_ua <= CHECK_UA, f"{i_ua:.0f} uA without a sealed START"
    assert i_ua <= HARD_CAP_UA, f"{i_ua:.0f} uA"
    assert i_ua <= max(CHECK_UA, prescribed_ua + max(20, prescribed_ua // 20)), f"{i_ua:.0f} of {prescribed_ua} uA"


def _take(world: World) -> None:
    for line in world.take(1).decode("ascii").split("\n"):
        assert len(line) < 500, "a line longer than any may be"
        assert decode_line(line)["kind"] != "noise", f"the unit said {line!r}"


def _stops(world: World) -> None:
    """A stop byte from wherever the input led to."""
    world.put(1, b"\x18")
    assert world.firmware.rec.tgt == 0, "a stop byte left a target"
    world.advance_to(world.now_us + 1_000_000)
    assert abs(world.plant.i_a) * 1e6 <= QUIET_UA, "current a second after a stop byte"
    _take(world)
    for receiver in world.firmware.receivers.values():
        assert len(receiver.buf) < 240, "more is kept than the longest line"


def plain_door(data: bytes) -> None:
    """Plain lines at rest and in a run: a query answers one line at most, a command none, and nothing raises."""
    for state in ("NEW", "HOLD"):
        world = _fresh(state).world
        world.take(1)
        for line in data.replace(b"\r", b"\n").split(b"\n")[:200]:
            if line[:1] not in (b">", b"<", b"~", b"!"):
                _plain_line(world, line)


def _plain_line(world: World, line: bytes) -> None:
    s = world.firmware.rec
    before = s.tgt
    world.put(1, line + b"\n")
    answers = [text for text in world.take(1).decode("ascii").split("\n") if text and text[0] not in "!~"]
    assert len(answers) <= (b"?" in line), f"{line!r} was answered {answers}"
    for answer in answers:
        assert isinstance(parse(answer), Plain), answer
        assert len(answer) < 500, answer
    assert s.tgt <= before, f"{line!r} raised the set-point"
    assert len(world.firmware.door.queue) <= 8, "the error queue has no end"


def bench_door(data: bytes) -> None:
    """Every line gets one JSON answer with ``ok`` or ``error``; the first byte says in which portions they come."""
    world = _fresh("STAGED").world
    started_us, advance = world.now_us, World.advance_to
    # An hour that a request may ask for is no bug, but ten thousand inputs of an hour each are none too.
    world.advance_to = lambda until_us, conn=0: advance(  # type: ignore[method-assign]
        world, min(until_us, max(world.now_us, started_us + 2_000_000)), conn
    )
    connection = DoorConnection(Door(world), TOKEN)
    assert json.loads(connection.feed(json.dumps({"token": TOKEN}).encode() + b"\n")) == {"ok": "welcome"}
    size = data[0] if data else 0
    for at in range(1, len(data), size or max(1, len(data))):
        told = connection.feed(data[at : at + (size or len(data))])
        assert len(connection._buffer) < MAX_REQUEST or connection.closed, "more is kept than the longest request"
        for line in told.splitlines():
            assert len(json.loads(line).keys() & {"ok", "error"}) == 1, line
