"""Ten things that a person could get wrong on a bad day, each made on purpose in a copy of the tree: who notices?

Mutation testing asks the same thousands of times, with changes that no person would make. These ten are of the kind
that pass a review: a sign, a bound, a check that is missing, two fields exchanged. One lies in each room that current
depends on, the simulator and the monitors among them, because a blind judge is as bad as a wrong deed. Every row says
which quick tests have to fail, and a row whose text is no longer in its file is a failure itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.evidence.part import Effort, Failure, Part

ROOT: Final = Path(__file__).parents[2]
_NEEDED: Final = ("controller", "hw_sim", "tests", "docs", "examples")
_LEFT: Final = shutil.ignore_patterns("__pycache__", "node_modules", "corpus", ".hypothesis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """``old`` stands in ``file`` exactly once; with ``new`` in its place one of ``tests`` must fail."""

    kind: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


BREAKS: Final = (
    Break(
        kind="a missing check",
        what="the host takes a reply or an event whose checksum is wrong",
        file="controller/wire/messages.py",
        old="    return crc32(line[:-9].encode()) == int(line[-8:], 16)",
        new='    return line[-9] == "*"',
        tests=("tests/unit/wire",),
    ),
    Break(
        kind="a missing check",
        what="the answer to another request counts for the one that waits",
        file="controller/exchange.py",
        old="if reply.number != asked.number or reply.sid != asked.sid or",
        new="if reply.sid != asked.sid or",
        tests=("tests/unit/core/test_exchange.py",),
    ),
    Break(
        kind="a missing check",
        what="the host arms whatever prescription the unit says it holds",
        file="controller/engine/raising.py",
        old="if held.word(key) != value]",
        new="if not held.word(key)]",
        tests=("tests/unit/core",),
    ),
    Break(
        kind="a sign",
        what="the host's own dose and the unit's are added, not compared",
        file="controller/limits.py",
        old="off_uc = self.own_uc - seen.q_uc",
        new="off_uc = self.own_uc + seen.q_uc",
        tests=("tests/unit/core/test_limits.py",),
    ),
    Break(
        kind="a missing check",
        what="leaving the block does not stop the unit",
        file="controller/session.py",
        old="        self.stop()\n        return self.unit.now + EXIT_PATIENCE_S",
        new="        return self.unit.now + EXIT_PATIENCE_S",
        tests=("tests/system/test_treatment.py", "-k", "virtual"),
    ),
    Break(
        kind="a swapped field",
        what="the wire log has wall time where the monotonic time belongs",
        file="controller/journal/journal.py",
        old="        return int(self._clock.now() * 1e6), int(self._clock.utc_s() * 1e6)",
        new="        return int(self._clock.utc_s() * 1e6), int(self._clock.now() * 1e6)",
        tests=("tests/cli/test_audit.py",),
    ),
    Break(
        kind="a swapped field",
        what="the unit ramps down with the slew that was prescribed for up",
        file="hw_sim/firmware/control.py",
        old="    s.n_off = s.n_dn",
        new="    s.n_off = s.n_up",
        tests=("tests/sim/firmware/test_firmware_run.py",),
    ),
    Break(
        kind="a bound",
        what="telemetry of three seconds ago still renews the lease",
        file="hw_sim/firmware/session.py",
        old="KEEP_AGE_MS = 1000",
        new="KEEP_AGE_MS = 3000",
        tests=("tests/sim/firmware/test_firmware_keep.py",),
    ),
    Break(
        kind="a bound",
        what="the monitor of the resting current waits a thousand times too long",
        file="controller/monitors/current.py",
        old="elif t_us - self._true_since_us >= self.p.rest_after_ms * 1000:",
        new="elif t_us - self._true_since_us >= self.p.rest_after_ms * 1_000_000:",
        tests=("tests/unit/monitors/test_current.py",),
    ),
    Break(
        kind="a bound",
        what="a treatment that needs longer than its longest on-time is accepted",
        file="controller/treatment/rules.py",
        old="limits.tmax_ms < seconds * 1000:",
        new="limits.tmax_ms < seconds * 100:",
        tests=("tests/unit/treatment",),
    ),
)


def copied(folder: Path) -> Path:
    """A copy of what tests need, in ``folder``."""
    tree = folder / "tree"
    for name in _NEEDED:
        shutil.copytree(ROOT / name, tree / name, ignore=_LEFT)
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def fails_in(tree: Path, tests: Sequence[str]) -> str:
    """The first test that fails there; empty when none does.

    Raises:
        RuntimeError: pytest found nothing to run, or could not.
    """
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(
        [*command, *tests], cwd=tree, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode == 0:
        return ""
    for line in done.stdout.splitlines():
        if done.returncode == 1 and line.startswith(("FAILED ", "ERROR ")):
            return line.partition(" ")[2].partition(" - ")[0]
    raise RuntimeError(
        f"pytest {' '.join(tests)} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
    )


def noticed_by(broken: Break) -> str:
    """The test that notices; empty when none does.

    Raises:
        ValueError: the text to break is not there, or not only once.
        RuntimeError: the tests cannot run, or fail without the break as well.
    """
    with tempfile.TemporaryDirectory() as scratch:
        tree = copied(Path(scratch))
        path = tree / broken.file
        text = path.read_text(encoding="utf-8")
        if text.count(broken.old) != 1:
            raise ValueError(f"{broken.file} has {text.count(broken.old)} times what is to be broken: {broken.old!r}")
        path.write_text(text.replace(broken.old, broken.new), encoding="utf-8")
        test = fails_in(tree, broken.tests)
        path.write_text(text, encoding="utf-8")
        if test and fails_in(tree, broken.tests):
            raise RuntimeError(f"{test} fails without the break too, so it notices nothing")
        return test


def run(effort: Effort) -> Part:
    """Two of the ten in the short form, one of the wire and one of the limits; else all."""
    chosen = BREAKS if effort > Effort.SHORT else (BREAKS[0], BREAKS[3])
    counts: dict[str, int | str] = {"breaks by hand": len(chosen)}
    failures = []
    for broken in chosen:
        try:
            test = noticed_by(broken)
        except (ValueError, RuntimeError) as exc:
            failures.append(Failure(what=str(exc), repeat="python -m tests.evidence.breaks"))
            continue
        if test:
            counts[f"{broken.kind} in {broken.file}: {broken.what}"] = f"noticed by {test}"
        else:
            failures.append(
                Failure(what=f"nobody noticed that {broken.what}", repeat="python -m tests.evidence.breaks")
            )
    return Part(name="breaks", counts=counts, failures=tuple(failures))


def main() -> int:
    missed = 0
    for broken in BREAKS:
        test = noticed_by(broken)
        print(f"{broken.kind} in {broken.file}: {broken.what}\n    {test or 'NOT NOTICED'}", flush=True)
        missed += not test
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
