"""A path of moves as a person reads it: when, what happened to which frame, what both ends are then.

The path is made again from the start, move by move, so what is printed is what the objects did.
"""

from __future__ import annotations

from collections.abc import Iterator

from hw_sim.firmware.machine import NAMES
from tests.evidence.search.bench import Bench, watched
from tests.evidence.search.moves import Move, make
from tests.evidence.search.walk import Path

_WIDTH = 88


def tell(bench: Bench, path: Path, wrong: str) -> str:
    """The path from the state of ``bench``, one line a move, and the sentence that it ends in."""
    with watched():
        lines = list(_lines(bench, path))
    return "\n".join([*lines, f"WRONG: {bench.broken or wrong}"])


def written(path: Path) -> str:
    """The path in one word of a command line."""
    return ";".join(f"{move.name}@{move.at}" if move.at else move.name for move in path)


def read(text: str) -> Path:
    """The opposite of ``written``."""
    moves = (part.strip().partition("@") for part in text.split(";") if part.strip())
    return tuple(Move(name, int(at or 0)) for name, _, at in moves)


def _lines(bench: Bench, path: Path) -> Iterator[str]:
    start = bench.now_s
    yield f"{'at':>8}  {'host':<12} {'unit':<10} what happened"
    for n, move in enumerate(path, 1):
        at_s, frame = bench.now_s - start, _frame(bench, move)
        make(bench, move)
        host = "none" if bench.crashed else bench.host.state.name
        told = f"{move.name}: {frame}" if frame else move.name
        yield f"{at_s:7.2f}s  {host:<12} {NAMES[bench.world.firmware.rec.st]:<10} {n:>3} {told[:_WIDTH]}"


def _frame(bench: Bench, move: Move) -> str:
    """What the move is about."""
    if move.name == "held arrives":
        frame = bench.aside[move.at][1]
    elif move.name.endswith("to unit"):
        frame = bench.up[0]
    elif move.name.endswith("to host"):
        frame = bench.down[0]
    else:
        return ""
    return "the stop byte" if frame[:1] == b"\x18" else frame.strip(b"\n")[:-9].decode("ascii")
