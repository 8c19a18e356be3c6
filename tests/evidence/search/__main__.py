"""``python -m tests.evidence.search [short | full | long | NAME OF A PLANTED ERROR | MOVES]``."""

from __future__ import annotations

import sys

from tests.evidence.part import Effort
from tests.evidence.search import PLANTED, run
from tests.evidence.search.bench import Bench
from tests.evidence.search.story import read, tell


def main(word: str) -> int:
    """Search, or show one path again; 1 when something does not hold."""
    for planted in PLANTED:
        if planted.name == word:
            wrong = planted.search().wrong
            print("nothing found" if wrong is None else tell(planted.bench(), wrong[1], wrong[0]))
            return int(wrong is None)
    if word.upper() not in Effort.__members__:
        print(tell(Bench(), read(word), "nothing, on the way: look at the last state"))
        return 0
    part = run(Effort[word.upper()])
    for name, count in part.counts.items():
        print(f"{name:<48} {count}")
    for failure in part.failures:
        print(f"{failure.what}\n    {failure.repeat}")
    return int(not part.held)


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:]) or "short"))
