"""``python -m tests.evidence.nth LOOP N``: one failure again; without arguments, the loops as `make evidence` does."""

from __future__ import annotations

import argparse
import sys

from tests.evidence.nth import run
from tests.evidence.nth.loops import NAMED, strike
from tests.evidence.nth.story import scratch
from tests.evidence.part import Effort


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loop", nargs="?", choices=sorted(NAMED))
    parser.add_argument("n", nargs="?", type=int)
    parser.add_argument("--effort", default="full", choices=[effort.name.lower() for effort in Effort])
    given = parser.parse_args()
    if given.loop is None or given.n is None:
        part = run(Effort[given.effort.upper()])
        for name, count in part.counts.items():
            print(f"{name:24} {count}")
        for failure in part.failures:
            print(f"NOT {failure.what}\n    {failure.repeat}")
        return 0 if part.held else 1
    with scratch() as folder:
        struck = strike(NAMED[given.loop], given.n, folder / "out")
    print("struck" if struck.touched else "there is no such", struck.outcome, *struck.problems, sep="\n")
    return 1 if struck.problems else 0


if __name__ == "__main__":
    sys.exit(main())
