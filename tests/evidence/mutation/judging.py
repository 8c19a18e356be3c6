"""A room's mutants given to a process of its own, on a copy of the tree, and what it answers."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.evidence.breaks import copied
from tests.evidence.mutation.mutants import Mutant
from tests.evidence.mutation.rooms import Room


class CannotJudge(Exception):
    """The tests fail, or do not run, without any mutant."""


@dataclass(slots=True)
class Tally:
    """What became of the mutants of a room."""

    killed: int = 0
    timeouts: int = 0
    survived: list[Mutant] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.killed + self.timeouts + len(self.survived)


def judge(room: Room, chosen: Sequence[Mutant], seconds: float = 0) -> Tally:
    """Run these mutants of a room, in their order and as many as ``seconds`` allow (0: all).

    In a process of its own and on a copy of the tree: whoever edits a file meanwhile changes nothing.

    Raises:
        CannotJudge: the tests are no judges as they are.
    """
    with tempfile.TemporaryDirectory() as scratch:
        tree = copied(Path(scratch))
        asked = json.dumps([room.files, room.tests, seconds, [dataclasses.astuple(mutant) for mutant in chosen]])
        command = [sys.executable, "-B", "-m", "tests.evidence.mutation.runner", f"{scratch}/told"]
        done = subprocess.run(command, cwd=tree, input=asked, capture_output=True, text=True, check=False)
        told = Path(scratch) / "told"
        if done.returncode or not told.exists():
            raise CannotJudge(f"{' '.join(room.tests)}: {done.stdout[-1500:]}{done.stderr[-500:]}")
        killed, timeouts, survived = json.loads(told.read_text(encoding="utf-8"))
        return Tally(killed, timeouts, [chosen[number] for number in survived])
