"""``python -m tests.evidence.fuzz TARGET [--seconds N] [--seed S] [--replay FILE]``; no target: all of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.evidence.fuzz import fuzzed
from tests.evidence.fuzz.fuzzing import broken
from tests.evidence.fuzz.targets import PLANTED, TARGETS


def main() -> int:
    every = {**TARGETS, PLANTED.name: PLANTED}
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.fuzz", description="Fuzz the parsers.")
    parser.add_argument("target", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; none: all")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=Path, help="run one input of a target, and show where it breaks")
    options = parser.parse_args()
    unknown = set(options.target) - set(every)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}: choose from {', '.join(TARGETS)}")
    if options.replay is not None:
        every[options.target[0]].run(options.replay.read_bytes())
        print("nothing broke")
        return 0
    crashes = 0
    for name in options.target or TARGETS:
        outcome = fuzzed(every[name], options.seconds, options.seed)
        print(outcome.line(), flush=True)
        for number, (what, data) in enumerate(outcome.crashes, 1):
            file = Path(f"crash-{name}-{number}")
            file.write_bytes(data)
            print(f"  {what}\n  python -m tests.evidence.fuzz {name} --replay {file}")
            crashes += 1
            again = broken(every[name].run, data)
            print(f"  {'again: ' + again if again else 'not again'}")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
