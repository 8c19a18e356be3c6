"""``python -m tests.evidence.mutation ROOM [--sample N --seed S --seconds T]``; without a room, all of them."""

from __future__ import annotations

import argparse
import sys

from tests.evidence.mutation import judged, write_result
from tests.evidence.mutation.rooms import ROOMS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.mutation", description="Mutants against tests.")
    parser.add_argument("room", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}; none: all")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each room; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0, help="of each room, its tests without mutants not counted")
    parser.add_argument("--record", action="store_true", help="write the figures into result.json")
    options = parser.parse_args()
    unknown = set(options.room) - set(ROOMS)
    if unknown:
        parser.error(f"no room {', '.join(sorted(unknown))}: choose from {', '.join(ROOMS)}")
    short = 0
    for name in options.room or ROOMS:
        found = judged(name, options.sample, options.seed, seconds=options.seconds)
        print(found.line(), flush=True)
        for mutant in found.unexplained:
            print(f"  {mutant.file}:{mutant.line}: {mutant.name}")
        if options.record:
            write_result({name: found}, options.seed)
        short += not found.enough
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
