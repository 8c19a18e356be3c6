"""A verification for other programs: JSON, JUnit XML, CSV.

JUnit has no word for "not measured is not failed": a case that was not measured is ``skipped`` with its reason, one
that failed is a ``failure``, and a procedure that could not be carried out has a case of its own with an ``error``. So
a build server turns red for a failure and for an error, and tells one from the other.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Final
from xml.etree import ElementTree

from controller.bench.measurement import Measurement, Outcome
from controller.bench.record import PhaseRecord, Verdict, VerificationRecord
from controller.bench.report.words import xml_text

COLUMNS: Final = (
    "verification", "recipe", "unit", "started_millis", "phase", "name", "title", "value", "units", "low", "high",
    "margin", "outcome", "error_code", "method", "instrument", "calibrated", "reason",
)  # fmt: skip


def to_json(record: VerificationRecord) -> str:
    return json.dumps(record.as_dict(), indent=1) + "\n"


def to_csv(record: VerificationRecord) -> str:
    """A header, and a row for each measurement; an empty cell is "none"."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    head = (record.id, record.test_name, record.dut_id, record.start_time_millis)
    for phase in record.phases:
        for each in phase.measurements.values():
            writer.writerow("" if cell is None else _harmless(cell) for cell in (*head, *_cells(phase, each)))
    return text.getvalue()


def _cells(phase: PhaseRecord, each: Measurement) -> tuple[object, ...]:
    d = each.definition
    margin = None if each.margin is None else round(each.margin, 4)
    return (
        phase.name, each.name, d.title, each.value, d.unit, d.limits.low, d.limits.high, margin, each.outcome.value,
        d.error_code, d.how, d.instrument, each.calibrated, each.reason,
    )  # fmt: skip


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula stays a text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


# -- JUnit ---------------------------------------------------------------------------------------------------------


def to_junit(record: VerificationRecord) -> str:
    root = ElementTree.Element("testsuites", name=xml_text(f"{record.test_name} {record.dut_id}"))
    for phase in record.phases:
        root.append(_suite(phase, record))
    if record.ended is not None or not record.phases:
        details = record.end_details
        root.append(_own_suite(record, "; ".join(detail.description for detail in details) or record.outcome.value))
    counts = {
        kind: sum(int(suite.get(kind, "0")) for suite in root) for kind in ("tests", "failures", "errors", "skipped")
    }
    root.attrib.update({kind: str(number) for kind, number in counts.items()})
    root.set("time", _seconds(record.start_time_millis, record.end_time_millis))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _suite(phase: PhaseRecord, record: VerificationRecord) -> ElementTree.Element:
    cases = [_case(phase, each) for each in phase.measurements.values()]
    if phase.ended is not None:
        said = "; ".join(detail.description for detail in phase.outcome_details) or phase.ended.value
        cases.append(_error(phase.name, "carried out", phase.ended, said))
    suite = _filled(phase.name, cases)
    suite.set("time", _seconds(phase.start_time_millis, phase.end_time_millis))
    properties = ElementTree.Element("properties")
    facts = {
        "verification": record.id, "unit": record.dut_id, "station": record.station_id,
        "operator": record.operator_id or "", "runs": " ".join(phase.runs),
    }  # fmt: skip
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=name, value=xml_text(value))
    suite.insert(0, properties)
    return suite


def _own_suite(record: VerificationRecord, said: str) -> ElementTree.Element:
    return _filled("verification", [_error("verification", "came to its end", record.outcome, said)])


def _filled(name: str, cases: list[ElementTree.Element]) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=xml_text(name), tests=str(len(cases)))
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(sum(case.find(tag) is not None for case in cases)))
    suite.extend(cases)
    return suite


def _case(phase: PhaseRecord, each: Measurement) -> ElementTree.Element:
    d = each.definition
    case = ElementTree.Element("testcase", classname=xml_text(phase.name), name=xml_text(each.name))
    match each.outcome:
        case Outcome.FAIL:
            said = xml_text(f"{each.value} {d.unit}, allowed {d.limits.text}: {d.title}")
            ElementTree.SubElement(case, "failure", type=xml_text(d.error_code), message=said)
        case Outcome.NOT_MEASURED:
            ElementTree.SubElement(case, "skipped", message=xml_text(each.reason or "not measured"))
        case Outcome.PASS | Outcome.MARGINAL:
            told = ElementTree.SubElement(case, "system-out")
            told.text = xml_text(f"{each.outcome.value} {each.value} {d.unit}, allowed {d.limits.text}")
    return case


def _error(classname: str, name: str, ended: Verdict, said: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=xml_text(classname), name=name)
    ElementTree.SubElement(case, "error", type=ended.value, message=xml_text(said))
    return case


def _seconds(start_millis: int | None, end_millis: int | None) -> str:
    return "0" if start_millis is None or end_millis is None else f"{(end_millis - start_millis) / 1000:.3f}"
