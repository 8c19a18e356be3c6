"""`make evidence`: every part, two at a time, and one page of what was counted.

Each part runs in a process of its own, so that one that crashes or hangs is one failure and not the end of the page.
The page is printed; ``--write`` puts it into `docs/evidence.md` (``page``), and what the tests of the hazards said into
`docs/hazards.md`. Exit code 8 if anything did not hold, as for every verification.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.evidence import mutation, page
from tests.evidence.hazards import page as hazard_page
from tests.evidence.part import Effort, Failure, Part

ROOT: Final = Path(__file__).parents[2]
# The longest first, so that two cores end together.
PARTS: Final = (
    "fuzz", "mutation", "search", "kills", "noisy", "good_runs", "breaks", "cells", "nth", "stateful", "variants",
)  # fmt: skip
AT_ONCE: Final = 2
LIMIT_S: Final = {Effort.SHORT: 300, Effort.FULL: 1500, Effort.LONG: 12 * 3600}
FAILED: Final = 8
_FIGURES: Final = tuple(
    f":(exclude){path.relative_to(ROOT).as_posix()}"
    for path in (page.PAGE, page.RESULTS, hazard_page.PAGE, hazard_page.RESULT, mutation.RESULT)
)


def main(arguments: list[str]) -> int:
    told = _arguments().parse_args(arguments)
    effort = Effort[told.effort.upper()]
    if told.part:
        part = import_module(f"tests.evidence.{told.part}").run(effort)
        print(json.dumps(asdict(part)))
        return 0
    names = told.only or PARTS
    began, commit = time.monotonic(), _commit()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ran = dict(zip(names, pool.map(lambda name: _run(name, effort), names), strict=True))
        result = None if told.only else pool.submit(_hazard_tests).result()
    parts = [part for part, _ in ran.values()]
    print(text(parts, time.monotonic() - began))
    unproved = [] if result is None else hazard_page.unproved(result)
    if result is not None:
        print(f"tests of the hazards: {len(result['tests'])} places, not passed: {', '.join(unproved) or 'none'}")
    if told.write:
        page.keep(ran, effort, f"{datetime.now(UTC):%Y-%m-%d}, at {commit if commit == _commit() else f'{commit}+'}")
        if result is not None:
            hazard_page.RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
            hazard_page.main()
    return 0 if all(part.held for part in parts) and not unproved else FAILED


def text(parts: list[Part], took_s: float) -> str:
    """The page for a terminal."""
    lines = []
    for part in parts:
        lines.append(f"{part.name}: {'held' if part.held else 'DID NOT HOLD'}")
        lines += [f"    {name:<40} {value:>12}" for name, value in part.counts.items()]
        for failure in part.failures:
            lines += [f"    ! {failure.what}", f"      {failure.repeat}"]
    held = sum(part.held for part in parts)
    return "\n".join([*lines, f"{held} of {len(parts)} parts held, {took_s / 60:.1f} min"])


def _run(name: str, effort: Effort) -> tuple[Part, float]:
    """One part in its own process, and the seconds it took; whatever becomes of it is a part."""
    command = [sys.executable, "-m", "tests.evidence", "--part", name, "--effort", effort.name.lower()]
    repeat = " ".join(["python", *command[1:]])
    began = time.monotonic()
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S[effort], check=False)
        if done.returncode:
            raise ValueError(f"exit code {done.returncode}: {done.stderr.strip()[-400:]}")
        told = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as exc:
        broken = Part(name=name, failures=(Failure(what=f"it did not end as a part does: {exc}", repeat=repeat),))
        return broken, time.monotonic() - began
    took_s = time.monotonic() - began
    print(f"{name}: {took_s:.0f} s", file=sys.stderr, flush=True)
    failures = tuple(Failure(**failure) for failure in told["failures"])
    return Part(name=told["name"], counts=told["counts"], failures=failures, lines=tuple(told["lines"])), took_s


def _hazard_tests() -> dict[str, object]:
    """What pytest says of the tests that the hazards name."""
    tests = sorted({test for hazard in hazard_page.hazards() for test in hazard.tests})
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={junit}", *tests]
        with suppress(subprocess.TimeoutExpired):  # no file then, and no test of the table counts as passed
            subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False, timeout=900)
        return hazard_page.collect(junit, date=f"{datetime.now(UTC):%Y-%m-%d}", commit=_commit())


def _commit() -> str:
    """Short, with a plus where the tree is not as committed but for its figures; "unknown" outside a repository."""
    told = [
        subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
        for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", ".", *_FIGURES))
    ]
    return (told[0] + "+" * bool(told[1])) or "unknown"


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence", description="Every part of the evidence.")
    parser.add_argument("--effort", choices=[effort.name.lower() for effort in Effort], default="full")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be given again")
    parser.add_argument(
        "--write", action="store_true", help="into docs/evidence.md, and with all parts into hazards.md"
    )
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
