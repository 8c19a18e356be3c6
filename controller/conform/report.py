"""A report as JSON and as JUnit XML: pure functions of it. HTML is made by ``page.py``, the rest by the command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from xml.etree import ElementTree

from controller.conform.check import Outcome, Result
from controller.conform.suite import CHAPTERS, Report
from controller.version import __version__

FORMAT: Final = 1


def chapters(report: Report) -> list[tuple[str, list[Result]]]:
    """The results by chapter; chapters that nothing was chosen of are left out."""
    found = {result.check.id: result for result in report.results}
    grouped = ((title, [found[c.id] for c in checks if c.id in found]) for title, checks in CHAPTERS.items())
    return [(title, results) for title, results in grouped if results]


def verdict(report: Report) -> str:
    """One line. What was not run is claimed by no word of it."""
    tally = ", ".join(f"{report.count(outcome)} {words}" for outcome, words in _WORDS.items())
    left_out = f", {report.left_out} left out" if report.left_out else ""
    word = "CONFORMS" if report.conforms else "NOTHING FAILED" if report.unfailed else "DOES NOT CONFORM"
    return f"{word}: {tally}{left_out}"


def remedies(report: Report) -> list[str]:
    """What it takes to run the rest: one line for each reason, with how many checks wait for it."""
    reasons = Counter(r.reason for r in report.results if r.outcome is Outcome.NOT_RUN and not report.ended_by)
    return [f"{count} not run: {reason}" for reason, count in reasons.most_common()]


_WORDS: Final = {Outcome.PASS: "passed", Outcome.FAIL: "failed", Outcome.NOT_RUN: "not run"}


def conditions(report: Report) -> dict[str, str]:
    """What was tested and how, for people."""
    facts, options = report.facts, report.options
    unit = {} if facts is None else {
        "unit": f"{facts.model} {facts.serial}, firmware {facts.firmware}{', simulated' if facts.simulated else ''}",
        "boot": str(facts.boot), "lease": f"{facts.lease_ms} ms", "capabilities": ",".join(facts.cap),
    }  # fmt: skip
    return {
        "port": report.port, **unit,
        "load": "not declared" if options.load_ohm is None else f"{options.load_ohm} ohm",
        "output": "up to 4 mA allowed" if options.allow_output else "no more than 0.1 mA",
        "bench door": "yes" if report.with_door else "no",
        "random lines": f"{options.lines}, seed {options.seed}",
        "round trip": f"{1000 * report.round_trip_s:.1f} ms at most, of twenty",
        "suite": f"ionto {__version__}",
    }  # fmt: skip


def as_json(report: Report) -> dict[str, Any]:
    return {
        "format": FORMAT, "conforms": report.conforms, "left_out": report.left_out,
        "conditions": conditions(report), "ended_by": report.ended_by,
        "count": {outcome.value: report.count(outcome) for outcome in Outcome},
        "results": [result.as_dict() for result in report.results],
    }  # fmt: skip


def story(result: Result) -> str:
    """A failure for whoever has to mend it: the clause, what it wants, what came, and what was on the line."""
    log = "\n".join(result.log)
    return (
        f"protocol {result.check.clause}: {result.check.claim}\nwanted  {result.wanted}\ncame    {result.came}\n\n{log}"
    )


def as_junit(report: Report) -> bytes:
    root = ElementTree.Element("testsuites", {"name": "ionto conform", **_totals(report.results)})
    for title, results in chapters(report):
        suite = ElementTree.SubElement(root, "testsuite", {"name": title, **_totals(results)})
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in conditions(report).items():
            ElementTree.SubElement(properties, "property", name=name, value=value)
        for result in results:
            _case(suite, title, result)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return text + b"\n"


def _totals(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)), "errors": "0",
        "failures": str(sum(r.outcome is Outcome.FAIL for r in results)),
        "skipped": str(sum(r.outcome is Outcome.NOT_RUN for r in results)),
        "time": f"{sum(r.seconds for r in results):.3f}",
    }  # fmt: skip


def _case(suite: ElementTree.Element, title: str, result: Result) -> None:
    check = result.check
    name = f"{check.id} ({check.clause}) {check.claim}"
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"conform.{title}", name=name, time=f"{result.seconds:.3f}"
    )
    match result.outcome:
        case Outcome.FAIL:
            message = f"wanted {result.wanted}; came {result.came}"
            ElementTree.SubElement(case, "failure", message=_xml(message)).text = _xml(story(result))
        case Outcome.NOT_RUN:
            ElementTree.SubElement(case, "skipped", message=_xml(result.reason))
        case Outcome.PASS:
            ElementTree.SubElement(case, "system-out").text = _xml("\n".join(result.evidence))


def _xml(text: str) -> str:
    """XML 1.0 has no control characters but these; what a damaged line holds is shown, not dropped."""
    return "".join(c if c in "\n\t" or c >= " " else repr(c)[1:-1] for c in text)


def table_of_checks() -> str:
    """All checks as the page docs/conformance.md has them."""
    lines = []
    for title, checks in CHAPTERS.items():
        lines += [f"### {title}", "", "| check | clause | what is checked | needs |", "| --- | --- | --- | --- |"]
        for check in checks:
            needs = ", ".join(check.needs)
            lines.append(f"| {check.id} | {check.clause} | {check.claim.replace('|', '&#124;')} | {needs} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(table_of_checks())
