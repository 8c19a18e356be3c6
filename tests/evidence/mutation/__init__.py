"""Mutation testing: would the tests notice if the code were a little wrong?

Every room in ``rooms`` is changed in one place at a time (``mutants``), and its own quick tests have to fail
(``runner``). At least nine mutants of ten must be noticed; one that survives must stand in ``survivors.toml`` with the
reason why no test can or should notice it, and a reason whose mutant is gone is a failure too once all were run.
``result.json`` is what the last full run found.
"""

from __future__ import annotations

import json
import random
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.evidence.mutation.judging import CannotJudge, Tally, judge
from tests.evidence.mutation.mutants import Mutant, mutants
from tests.evidence.mutation.rooms import ROOMS
from tests.evidence.part import Effort, Failure, Part

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
RESULT = HERE / "result.json"
REQUIRED_PERCENT = 90
SEED = 1
EXAMPLES, FEWEST = 6, 5  # of each room in the short form, and how many of them its quick tests must notice
SECONDS = 25  # for each room in the full form, behind the run of its tests without a mutant


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A room's figures. ``made`` mutants there are; those of ``tally`` were run."""

    room: str
    made: int
    tally: Tally
    reasons: dict[str, str]

    @property
    def noticed(self) -> int:
        return self.tally.killed + self.tally.timeouts

    @property
    def enough(self) -> bool:
        """No survivor without a reason; and of a whole room nine in ten noticed, for a sample may be all reasons."""
        whole = self.tally.total == self.made
        return not self.unexplained and self.noticed > 0 and (not whole or self.percent >= REQUIRED_PERCENT)

    @property
    def unexplained(self) -> list[Mutant]:
        return [mutant for mutant in self.tally.survived if key(mutant) not in self.reasons]

    @property
    def percent(self) -> float:
        return 100 * self.noticed / max(1, self.tally.total)

    def line(self) -> str:
        tally = self.tally
        return (
            f"{self.room}: {tally.total} of {self.made} mutants run, {tally.killed} killed, "
            f"{tally.timeouts} timed out, {len(tally.survived)} survived "
            f"({len(self.unexplained)} without a reason): {self.percent:.1f} % noticed"
        )

    def as_dict(self) -> dict[str, Any]:
        tally = self.tally
        return {
            "made": self.made, "run": tally.total, "killed": tally.killed, "timed_out": tally.timeouts,
            "survived": len(tally.survived), "without_reason": len(self.unexplained),
            "percent": round(self.percent, 1),
        }  # fmt: skip


def key(mutant: Mutant) -> str:
    return f"{mutant.file} {mutant.name}"


def reasons() -> dict[str, str]:
    """Why a mutant may live: by ``file function: before -> after``."""
    table = tomllib.loads((HERE / "survivors.toml").read_text(encoding="utf-8"))
    return {f"{group['file']} {mutant}": group["reason"] for group in table["survivor"] for mutant in group["mutants"]}


def judged(name: str, sample: int = 0, seed: int = SEED, *, quick: bool = False, seconds: float = 0) -> Judged:
    """Run a room's mutants, or ``sample`` of them drawn with ``seed``; ``quick``: against its quick tests alone.

    They come in an order drawn with ``seed`` too, so that those which ``seconds`` allow are no choice of anybody's.

    Raises:
        CannotJudge: the tests are no judges as they are.
    """
    room, known = ROOMS[name], reasons()
    made = [mutant for file in room.files for mutant in mutants(ROOT, file)]
    chosen = [mutant for mutant in made if key(mutant) not in known] if quick else made
    chosen = random.Random(seed).sample(chosen, min(sample or len(chosen), len(chosen)))
    tally = judge(room._replace(tests=room.quick) if quick else room, chosen, seconds)
    return Judged(room=name, made=len(made), tally=tally, reasons=known)


def write_result(rooms: dict[str, Judged], seed: int) -> None:
    """What the last run found, room by room, for the page: a room that was not run keeps what it had."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit.stdout.strip() or "unknown",
        "seed": seed,
    }
    kept: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    kept |= {name: {**found.as_dict(), **about} for name, found in rooms.items()}
    RESULT.write_text(
        json.dumps({name: kept[name] for name in ROOMS if name in kept}, indent=1) + "\n", encoding="utf-8"
    )


def run(effort: Effort) -> Part:
    """SHORT: six mutants a room against its quick tests. FULL: as many as 25 s allow. LONG: every one."""
    short = effort is Effort.SHORT
    sample, seconds = EXAMPLES if short else 0, SECONDS if effort is Effort.FULL else 0
    counts: dict[str, int | str] = {"mutants run": 0, "mutants noticed": 0}
    failures = []
    rooms: dict[str, Judged] = {}
    for name in ROOMS:
        repeat = f"python -m tests.evidence.mutation {name}" + (f" --seconds {seconds}" if seconds else "")
        try:
            found = rooms[name] = judged(name, sample, quick=short, seconds=seconds)
        except CannotJudge as exc:
            failures.append(Failure(what=f"mutants of {name}: {exc}", repeat=repeat))
            continue
        counts["mutants run"] += found.tally.total  # type: ignore[operator]
        counts["mutants noticed"] += found.noticed  # type: ignore[operator]
        counts[f"mutants of {name}"] = found.line().partition(": ")[2]
        if found.noticed < FEWEST if short else not found.enough:
            first = "".join(f"; {key(mutant)}" for mutant in found.unexplained[:3])
            failures.append(Failure(what=f"mutants survive: {found.line()}{first}", repeat=repeat))
    if effort is Effort.LONG and len(rooms) == len(ROOMS):
        write_result(rooms, SEED)
        failures += _gone(rooms)
    return Part(name="mutation", counts=counts, failures=tuple(failures))


def _gone(rooms: dict[str, Judged]) -> list[Failure]:
    """Reasons for mutants that did not survive: once all were run, they are out of date."""
    survived = {key(mutant) for found in rooms.values() for mutant in found.tally.survived}
    stale = sorted(reasons().keys() - survived)
    what = f"survivors.toml gives reasons for what does not survive: {'; '.join(stale)[:400]}"
    return [Failure(what=what, repeat="python -m tests.evidence.mutation")] if stale else []
