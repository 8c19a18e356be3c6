"""Every call by which a host touches its disk and its line, under one hand that may fail it, halve it or look at it.

A call is handed over in two parts: ``first`` does half of it where a half can be (a write), ``rest`` the whole or the
other half. A hand that does neither has let the call fail; one that raises between the two has cut it in the middle.

The log hands over and syncs by wall time, which stands still in virtual time. Here its wall clock is the world's own,
so that a run writes as often as it does in real time, and the n-th write is the same one every time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from controller.journal import journal
from hw_sim.endpoints.protocol_sim import Serial, VirtualClock
from hw_sim.world import World

First = Callable[[], object] | None
Rest = Callable[[], Any]
Hand = Callable[[str, First, Rest], Any]


@contextmanager
def tapped(world: World, hand: Hand, synced: Callable[[int], None] = lambda fd: None) -> Iterator[None]:
    """While the block lasts, everything passes ``hand``, but for what it does itself; ``synced``: fd is on the disk."""
    busy = [False]

    def free(kind: str, first: First, rest: Rest) -> Any:
        if busy[0]:
            return let(kind, first, rest)
        busy[0] = True
        try:
            return hand(kind, first, rest)
        finally:
            busy[0] = False

    with ExitStack() as stack:
        for owner, name, made in _disk(free, synced) + _line(free):
            stack.enter_context(mock.patch.object(owner, name, made))
        stack.enter_context(wall_of(world))
        yield


def wall_of(world: World) -> AbstractContextManager[object]:
    """While the block lasts, the log's wall clock is the world's."""
    return mock.patch.object(journal, "time", SimpleNamespace(monotonic=lambda: world.now_us / 1e6))


def wall_asked(hand: Hand) -> AbstractContextManager[object]:
    """While the block lasts, every look at the wall clock passes ``hand``. No part of ``tapped``: it is no event."""
    plain = VirtualClock.utc_s
    return mock.patch.object(VirtualClock, "utc_s", lambda clock: hand("wall", None, lambda: plain(clock)))


def _disk(hand: Hand, synced: Callable[[int], None]) -> list[tuple[Any, str, Any]]:
    write, fsync, opened = os.write, os.fsync, os.open
    text, replace, mkdir = Path.write_text, Path.replace, Path.mkdir

    def on_write(fd: int, data: Any) -> int:
        half = len(data) // 2
        return hand("file", lambda: write(fd, data[:half]), lambda: half + write(fd, data[half:]))

    def on_text(path: Path, data: str, *rest: Any) -> int:
        return hand("file", lambda: text(path, data[: len(data) // 2], *rest), lambda: text(path, data, *rest))

    def on_open(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if not flags & os.O_CREAT:
            return opened(path, flags, *rest, **named)
        return hand("name", None, lambda: opened(path, flags, *rest, **named))

    def on_sync(fd: int) -> None:
        hand("sync", None, lambda: fsync(fd))
        synced(fd)

    return [
        (os, "write", on_write),
        (os, "open", on_open),
        (os, "fsync", on_sync),
        (Path, "write_text", on_text),
        (Path, "replace", lambda path, target: hand("name", None, lambda: replace(path, target))),
        (Path, "mkdir", lambda path, *a, **k: hand("name", None, lambda: mkdir(path, *a, **k))),
    ]


def _line(hand: Hand) -> list[tuple[Any, str, Any]]:
    read, write = Serial.read_until_deadline, Serial.write

    def on_write(port: Serial, data: bytes) -> int:
        half = len(data) // 2
        return hand("write", lambda: write(port, data[:half]), lambda: half + write(port, data[half:]))

    return [
        (Serial, "read_until_deadline", lambda port, until: hand("read", None, lambda: read(port, until))),
        (Serial, "write", on_write),
    ]


def let(_: str, first: First, rest: Rest) -> Any:
    """Nothing is done to the call."""
    if first is not None:
        first()
    return rest()
