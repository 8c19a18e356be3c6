"""Inputs against a target: without coverage in this process, or guided by coverage in one of its own.

atheris gives libFuzzer the product's coverage. Its process stops at the first input that breaks something, at an input
that takes longer than 20 s, or when it holds more than 700 MB: the bound on memory that no target can state by itself.
Where it is not installed, the same time is spent on seeded mutations.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from tests.evidence.fuzz.mutate import mutations

ROOT: Final = Path(__file__).parents[3]
CORPUS: Final = Path(__file__).parent / "corpus"
_SLOWEST_S, _MOST_MB = 20, 700


@dataclass(slots=True)
class Outcome:
    """``edges`` of the product's code that were reached; None where nobody counted. ``crashes``: what broke, input."""

    target: str
    executions: int = 0
    edges: int | None = None
    corpus: int = 0
    crashes: list[tuple[str, bytes]] = field(default_factory=list)

    def line(self) -> str:
        edges = "" if self.edges is None else f", {self.edges} edges"
        return (
            f"{self.target}: {self.executions} executions{edges}, corpus of {self.corpus}, {len(self.crashes)} crashes"
        )


def seeds_of(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]


def broken(run: Callable[[bytes], None], data: bytes) -> str:
    """What an input breaks, in one line; empty if nothing."""
    try:
        run(data)
    except Exception as exc:  # whatever a target raises is what is looked for
        return f"{type(exc).__name__}: {exc}".splitlines()[0][:300]
    return ""


def replayed(target: str, run: Callable[[bytes], None], words: tuple[bytes, ...], longest: int, most: int) -> Outcome:
    """The corpus, then ``most`` mutations of it, the same ones every time."""
    seeds = seeds_of(target)
    return _all(Outcome(target, corpus=len(seeds)), run, [*seeds, *islice(mutations(seeds, words, longest, 1), most)])


def mutated(
    target: str, run: Callable[[bytes], None], words: tuple[bytes, ...], longest: int, seconds: float, seed: int
) -> Outcome:
    """Mutations for a time, where there is no atheris."""
    seeds = seeds_of(target)
    until = time.monotonic() + seconds

    def inputs() -> Iterable[bytes]:
        yield from seeds
        for data in mutations(seeds, words, longest, seed):
            if time.monotonic() > until:
                return
            yield data

    return _all(Outcome(target, corpus=len(seeds)), run, inputs())


def _all(outcome: Outcome, run: Callable[[bytes], None], inputs: Iterable[bytes]) -> Outcome:
    for data in inputs:
        outcome.executions += 1
        what = broken(run, data)
        if what:
            outcome.crashes.append((what, data))
            if len(outcome.crashes) == 5:
                break
    return outcome


# -- guided by coverage --------------------------------------------------------------------------------------


def has_atheris() -> bool:
    return importlib.util.find_spec("atheris") is not None


def guided(target: str, words: tuple[bytes, ...], longest: int, seconds: float, seed: int = 1) -> Outcome:
    """libFuzzer for so many seconds, in a process of its own, on a corpus that it may add to and that is then gone."""
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch, "found")
        found.mkdir()
        said = _libfuzzer(
            target, [f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", f"-max_len={longest}",
                     f"-dict={_dictionary(Path(scratch), words)}", f"-artifact_prefix={scratch}/crash-",
                     str(found), str(CORPUS / target)],
        )  # fmt: skip
        outcome = Outcome(target, corpus=len(list(found.iterdir())) + len(list((CORPUS / target).glob("*"))))
        counted = re.search(r"stat::number_of_executed_units: (\d+)", said) or re.search(r"Done (\d+) runs", said)
        outcome.executions = int(counted[1]) if counted else 0
        edges = re.findall(r"\bcov: (\d+)", said)
        outcome.edges = int(edges[-1]) if edges else None
        for path in sorted(Path(scratch).glob("crash-*")):
            outcome.crashes.append((_complaint(said), path.read_bytes()))
        if not outcome.executions and not outcome.crashes:
            outcome.crashes.append((f"it did not run: {said[-400:]}", b""))
        return outcome


def _libfuzzer(target: str, arguments: list[str]) -> str:
    limits = [f"-timeout={_SLOWEST_S}", f"-rss_limit_mb={_MOST_MB}", "-print_final_stats=1"]
    # By its path, not as a module: its package would bring in the product before atheris can instrument it.
    command = [sys.executable, "-P", str(Path(__file__).parent / "child.py"), target, *limits, *arguments]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _dictionary(folder: Path, words: tuple[bytes, ...]) -> Path:
    path = folder / "words"
    path.write_text(
        "".join('"' + "".join(f"\\x{byte:02X}" for byte in word) + '"\n' for word in words if len(word) < 60)
    )
    return path


def _complaint(said: str) -> str:
    found = re.search(r"(?:Uncaught Python exception: ===\s+)(\S.*)", said) or re.search(
        r"ERROR: (libFuzzer: .*)", said
    )
    return found[1].strip()[:300] if found else said[-300:]
