"""``python -m tests.evidence.kills TALE CALL`` kills once more at that call; without arguments, as `make evidence`."""

from __future__ import annotations

import argparse
import sys

from tests.evidence.kills import Killed, kill, real, run
from tests.evidence.nth.story import TALES, scratch
from tests.evidence.part import Effort


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tale", nargs="?", choices=[tale.name for tale in TALES])
    parser.add_argument("call", nargs="?", type=int, help="the first call at which to kill")
    parser.add_argument("--telemetry-ms", type=int, default=100)
    parser.add_argument("--real", type=int, metavar="NUMBER", help="one real kill -9 again")
    parser.add_argument("--effort", default="full", choices=[effort.name.lower() for effort in Effort])
    given = parser.parse_args()
    with scratch() as out:
        if given.real is not None:
            return _tell(real(1, out, rigs=1, first=given.real)[0])
        if given.tale is not None:
            [tale] = [tale for tale in TALES if tale.name == given.tale]
            return _tell(kill(tale, out, telemetry_ms=given.telemetry_ms, first=given.call or 1, most=1))
    part = run(Effort[given.effort.upper()])
    for name, count in part.counts.items():
        print(f"{name:32} {count}")
    for failure in part.failures:
        print(f"NOT {failure.what}\n    {failure.repeat}")
    return 0 if part.held else 1


def _tell(killed: Killed) -> int:
    print(killed.points, "points", dict(killed.outcomes))
    for at, what in killed.problems:
        print(f"NOT {at} {what}")
    return 1 if killed.problems else 0


if __name__ == "__main__":
    sys.exit(main())
