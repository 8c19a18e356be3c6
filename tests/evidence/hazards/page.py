"""`docs/hazards.md` from the table of hazards, with what the last run of its tests said.

A table that nobody checks rots, so `problems` looks at every entry: the invariant is one of the list, the fault is in
the catalogue or among those of host and operator, the test is there, and no hazard is without each of the three. The
other way round every invariant and every fault has to belong to a hazard: what answers to none is either a hazard that
was forgotten or work for nothing.
"""

from __future__ import annotations

import json
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from controller.monitors import MONITORS
from hw_sim.faults.catalogue import CATALOGUE
from tests.evidence.host_faults import ROWS, exists

ROOT: Final = Path(__file__).parents[3]
TABLE: Final = Path(__file__).with_name("hazards.toml")
RESULT: Final = Path(__file__).with_name("result.json")
PAGE: Final = ROOT / "docs" / "hazards.md"
# Judged without a monitor of a log: what a screen shows, and two logs of one seed.
UNMONITORED: Final = ("I30", "I34")
HOST_FAULTS: Final = tuple(row.id for row in ROWS)

_HEAD: Final = """# Hazards, and what was done about them

Made by `python -m tests.evidence.hazards.page` from a table (`tests/evidence/hazards/hazards.toml`) that is checked: no
hazard without an invariant, a fault that provokes it and a test; no invariant and no fault that belongs to no hazard.

This is an engineering tool, not a medical device. The table says how it was built and tested; it is no approval, and it
does not know your unit.

Invariants: [invariants.md](invariants.md). Faults: `ionto-sim faults`; H and O are mishaps of host and operator
(`tests/evidence/host_faults.py`). Every fault in every state, and what else was done: [evidence.md](evidence.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One entry of the table. ``left``: what the requirement does not reach."""

    id: str
    name: str
    harm: str
    causes: list[str]
    seen: str
    requirement: str
    invariants: list[str]
    faults: list[str]
    tests: list[str]
    left: str = ""


def hazards() -> list[Hazard]:
    return [Hazard(**entry) for entry in tomllib.loads(TABLE.read_text("utf-8"))["hazard"]]


def problems(table: list[Hazard]) -> list[str]:
    """What is wrong with the table, one sentence each."""
    known_invariants = {monitor.id for monitor in MONITORS} | set(UNMONITORED)
    known_faults = {fault.id for fault in CATALOGUE} | set(HOST_FAULTS)
    found = []
    for hazard in table:
        for what in ("causes", "invariants", "faults", "tests"):
            if not getattr(hazard, what):
                found.append(f"{hazard.id} has no {what}")
        found += [f"{hazard.id}: there is no invariant {i}" for i in hazard.invariants if i not in known_invariants]
        found += [f"{hazard.id}: there is no fault {f}" for f in hazard.faults if f not in known_faults]
        found += [f"{hazard.id}: there is no test {test}" for test in hazard.tests if not _exists(test)]
    for kind, known in (("invariant", known_invariants), ("fault", known_faults)):
        used = {word for hazard in table for word in getattr(hazard, f"{kind}s")}
        found += [f"{kind} {word} belongs to no hazard" for word in sorted(known - used)]
    return found


def page(table: list[Hazard], result: dict[str, Any]) -> str:
    """The page; ``result`` as `collect` gives it, empty where the tests have not been run."""
    parts = [_HEAD, _overview(table, result), *(_section(hazard, result) for hazard in table)]
    return "\n".join(parts)


def collect(junit: Path, *, date: str, commit: str) -> dict[str, Any]:
    """How often each test of the table passed and failed, from pytest's JUnit file; nothing where there is none."""
    tests: dict[str, dict[str, int]] = {}
    for case in ElementTree.parse(junit).iter("testcase") if junit.exists() else ():
        module = case.get("classname", "").replace(".", "/") + ".py"
        bad = case.find("failure") is not None or case.find("error") is not None
        word = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
        for node in (module, f"{module}::{case.get('name', '').partition('[')[0]}"):
            counts = tests.setdefault(node, {"passed": 0, "failed": 0, "skipped": 0})
            counts[word] += 1
    wanted = {test for hazard in hazards() for test in hazard.tests}
    return {"date": date, "commit": commit, "tests": {node: tests[node] for node in sorted(wanted & tests.keys())}}


def unproved(result: dict[str, Any]) -> list[str]:
    """Tests of the table that failed, or of which not one passed: skipped, gone, or never come to."""
    counts = {test: result["tests"].get(test, {}) for hazard in hazards() for test in hazard.tests}
    return sorted(test for test, each in counts.items() if each.get("failed") or not each.get("passed"))


def last_result() -> dict[str, Any]:
    return json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}


def _exists(test: str) -> bool:
    """A file, or a function in one."""
    return (ROOT / test).is_file() or exists(test)


def _overview(table: list[Hazard], result: dict[str, Any]) -> str:
    lines = ["| | hazard | invariants | faults | tests | last result |", "| --- | --- | --- | --- | --- | --- |"]
    for h in table:
        verdict = _verdict([result.get("tests", {}).get(test) for test in h.tests])
        shown = f"{len(h.faults)} | {len(h.tests)} | {verdict}"
        lines.append(f"| [{h.id}](#{h.id.lower()}) | {h.name} | {' '.join(h.invariants)} | {shown} |")
    when = (
        f"Last run {result['date']}, at {result['commit']}." if result else "The tests of the table have not been run."
    )
    return "\n".join([*lines, "", when, ""])


def _section(h: Hazard, result: dict[str, Any]) -> str:
    tests = result.get("tests", {})
    lines = [f'<a id="{h.id.lower()}"></a>', "", f"## {h.id}: {h.name}", "", f"**Harm**: {h.harm}.", ""]
    lines += [f"**Causes**: {'; '.join(h.causes)}.", "", f"**Seen**: {h.seen.rstrip('.')}.", ""]
    lines += [f"**Requirement**: {h.requirement}", ""]
    if h.left:
        lines += [f"**What is left**: {h.left}", ""]
    lines += [f"**Invariants**: {', '.join(h.invariants)}. **Faults**: {', '.join(h.faults)}.", ""]
    lines += ["| test | last result |", "| --- | --- |"]
    lines += [f"| `{test}` | {_verdict([tests.get(test)])} |" for test in h.tests]
    return "\n".join([*lines, ""])


def _verdict(counts: list[dict[str, int] | None]) -> str:
    found = [count for count in counts if count is not None]
    if failed := sum(count["failed"] for count in found):
        return f"**{failed} failed**"
    passed = sum(count["passed"] for count in found)
    missing = len(counts) - sum(1 for count in found if count["passed"])
    return f"{passed} passed" + (f", {missing} not run" if missing else "") if passed else "not run"


def main() -> int:
    """Write the page, or say what is wrong with the table."""
    table = hazards()
    found = problems(table)
    for problem in found:
        print(problem)
    if found:
        return 1
    PAGE.write_text(page(table, last_result()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
