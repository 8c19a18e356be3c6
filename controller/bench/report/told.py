"""A verification in lines of text, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from controller.bench.measurement import Measurement, Outcome
from controller.bench.record import VerificationRecord
from controller.bench.report.view import view_of
from controller.bench.report.words import limits_text


def lines_of(record: VerificationRecord) -> Iterator[str]:
    """What the page says first; of the measurements all, what is out of the ordinary marked."""
    view = view_of(record)
    yield f"{view.verdict.word}  {record.test_name}  {record.dut_id}"
    yield from (f"  {sentence}" for sentence in view.said)
    yield from (f"  WARNING  {sentence}" for sentence in view.loud)
    for fact in view.facts:
        yield f"  {fact.name.lower():18} {fact.value}"
    for tool in record.instruments:
        due = f", calibration due {tool.due}" if tool.due else ""
        yield f"  {tool.role:18} {tool.name}{due}{', OVERDUE' if tool.overdue else ''}"
    for phase, section in zip(record.phases, view.sections, strict=True):
        yield f"{section.outcome.word:12} {section.title}" + (f"  ({section.note})" if section.note else "")
        for each, line in zip(phase.measurements.values(), section.lines, strict=True):
            yield f"  {_mark(each)} {each.name:40} {line.value:>14}  {limits_text(*each.definition.limits, '')}" + (
                f"  {each.reason}" if each.reason else ""
            )
    if record.folder is not None:
        yield f"files    {record.folder}"


def _mark(each: Measurement) -> str:
    return {Outcome.PASS: " ", Outcome.MARGINAL: "~", Outcome.FAIL: "*", Outcome.NOT_MEASURED: "-"}[each.outcome]
