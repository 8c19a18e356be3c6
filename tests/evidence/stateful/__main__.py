"""``python -m tests.evidence.stateful FILE``: a story again, under all monitors; without one, as `make evidence`."""

from __future__ import annotations

import argparse
import sys

from hw_sim.scenario import parse
from tests.evidence.nth.story import scratch
from tests.evidence.part import Effort
from tests.evidence.stateful import run
from tests.evidence.stateful.stage import replay


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--effort", default="full", choices=[effort.name.lower() for effort in Effort])
    given = parser.parse_args()
    if given.file is not None:
        with scratch() as out:
            broken = replay(parse(given.file), out)
        print(f"NOT {broken}" if broken else "all holds")
        return 1 if broken else 0
    part = run(Effort[given.effort.upper()])
    for name, count in part.counts.items():
        print(f"{name:12} {count}")
    for failure in part.failures:
        print(f"NOT {failure.what}\n    {failure.repeat}")
    return 0 if part.held else 1


if __name__ == "__main__":
    sys.exit(main())
