"""A report as one HTML file: nothing is loaded, both themes, and it prints. The frame is that of the bench's pages."""

from __future__ import annotations

from controller.bench.report.pages import rendered
from controller.conform.report import chapters, conditions, remedies, verdict
from controller.conform.suite import Report


def page(report: Report, made: str) -> str:
    """``made``: when, as people read it."""
    return rendered(
        "conformance.html", room="controller.conform", title="Conformance to IONTO/1", report=report,
        verdict=verdict(report), conditions=conditions(report), remedies=remedies(report),
        chapters=chapters(report), made=made,
    )  # fmt: skip
