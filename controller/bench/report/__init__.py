"""Reports: pure functions of a verification record, each a whole text.

    to_html(record)    one page with everything in it: to read, to print, to keep
    to_json(record)    the record itself, names as in OpenHTF
    to_junit(record)   for a build server: a suite for each procedure, a case for each measurement
    to_csv(record)     a row for each measurement, for a spreadsheet

A record that is read again next year gives the same texts. Nothing is asked of a clock, a network or a template engine
until a page is made; and nothing in a page is asked of the network by whoever reads it: no script, no font, no picture
from elsewhere. A PDF writer was rejected: the page prints well, and every desk has a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from controller.bench.record import VerificationRecord
from controller.bench.report.page import to_html
from controller.bench.report.tables import to_csv, to_json, to_junit
from controller.errors import RecordError

FORMATS: Final[Mapping[str, Callable[[VerificationRecord], str]]] = {
    "html": to_html,
    "json": to_json,
    "junit": to_junit,
    "csv": to_csv,
}
# JSON is the record, which is there already.
NAMES: Final = {"html": "report.html", "junit": "junit.xml", "csv": "measurements.csv"}

__all__ = ["FORMATS", "NAMES", "to_csv", "to_html", "to_json", "to_junit", "log_of", "write_all"]


def log_of(folder: Path) -> str:
    """The text of a verification's wire log; a report does without it."""
    try:
        return (folder / "wire.log").read_text("ascii", "replace")
    except OSError:
        return ""


def write_all(record: VerificationRecord, folder: Path) -> dict[str, Path]:
    """Put every report beside the record; which file each format is.

    Raises:
        RecordError: one cannot be written.
    """
    written = {}
    for form, name in NAMES.items():
        path = folder / name
        text = to_html(record, log_of(folder)) if form == "html" else FORMATS[form](record)
        try:
            path.write_text(text, "utf-8", newline="")
        except OSError as exc:
            raise RecordError(f"{path}: cannot be written: {exc.strerror or exc}; `ionto report` makes it") from exc
        written[form] = path
    return written
