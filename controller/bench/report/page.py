"""A verification as one HTML file, for a screen in either theme and for paper."""

from __future__ import annotations

from typing import Final

from controller.bench.record import VerificationRecord
from controller.bench.report.pages import rendered
from controller.bench.report.view import view_of

_EXCERPT: Final = 40  # lines
_WIDE: Final = 160  # a series of points is a note too
_NOTE: Final = " = "


def to_html(record: VerificationRecord, log: str = "") -> str:
    """The page; ``log``: text of ``wire.log``, of whose notes it shows the last."""
    title = f"{record.test_name}: {record.dut_id} {record.outcome.value}"
    return rendered("verification.html", title=title, view=view_of(record), excerpt=_excerpt(log.splitlines()))


def _excerpt(lines: list[str]) -> str:
    """What the host noted: between two notes there are hundreds of lines of telemetry."""
    notes = [line for line in lines if _NOTE in line[:48]]
    shown = [line if len(line) <= _WIDE else f"{line[:_WIDE]}…" for line in notes[-_EXCERPT:]]
    left_out = len(notes) - len(shown)
    return "\n".join([f"({left_out} notes before)", *shown] if left_out else shown)
