"""Reports are pure functions of a record: what each says, and that nothing in a page is asked of anybody."""

from __future__ import annotations

import csv
import json
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from controller.bench.measurement import Chart, Definition, Limits, Point, Series
from controller.bench.record import Detail, Verdict, VerificationRecord
from controller.bench.report import NAMES, to_csv, to_html, to_json, to_junit, write_all
from controller.bench.report.cells import histogram, margin_bar
from controller.bench.report.charts import Axis, Bar, Group, rows, scatter
from controller.bench.report.plots import drawings
from controller.bench.report.words import limits_text, number
from controller.errors import RecordError
from tests.synthetic_verifications import accuracy, phase, verification

SVG = "{http://www.w3.org/2000/svg}"


class _Page(HTMLParser):
    """Text, tags that are open at the end, and whatever names another place."""

    VOID = frozenset({"meta", "link", "br", "col"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.places: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.places += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["desc"]):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\xa0", " ").split())


BAD = {"gain": 1.03, "late_ms": 40.0, "overdue": True}


def test_a_failed_unit_says_first_what_failed_first() -> None:
    page = _Page(to_html(verification(**BAD)))
    assert page.open == []
    assert page.text.startswith(
        "acceptance: SN0042 FAIL acceptance: SN0042 FAIL what a unit is delivered by ✘ FAIL "
        "24 measurements: 5 pass, 3 marginal, 15 fail, 1 not measured. First to fail: accuracy.1mA.1kohm "
        "(Current error at 1 mA into 1 kΩ), 31.484 µA, allowed −25 … 25 µA. "
        "⚠ Calibration of the meter Keysight 34465A MY5400 was due on 2027-03-01; it was used all the same."
    )
    assert page.text.count("first to fail") == 1
    assert "2027-03-01 ✘ OVERDUE" in page.text
    assert "Current error at 1 mA into 1 kΩ ✘ first to fail accuracy.1mA.1kohm mean of the meter over 5 s" in page.text
    assert f"Recipe, SHA-256 {'5c' * 32}" in page.text
    assert "Operator Anna Station bench 3, lab 2" in page.text
    assert "Took 12 min 34 s" in page.text


def test_a_good_unit_shouts_at_nobody() -> None:
    page = _Page(to_html(verification()))
    assert "✔ PASS 24 measurements: 21 pass, 2 marginal, 1 not measured. Unit SN0042" in page.text
    assert "⚠" not in page.text
    assert "first to fail" not in page.text.lower()


def test_not_measured_is_no_failure_and_no_pass() -> None:
    record = verification(metered=False, ended=Verdict.TIMEOUT, operator=None)
    text = _Page(to_html(record)).text
    assert "! TIMEOUT 24 measurements: 19 not measured, 3 pass, 2 marginal." in text
    assert "This is no verdict on the unit: not measured is not failed. the line went silent for 4 s [LINE]" in text
    assert "– −7 … 7 µA – ○ NOT MEASURED" in text
    assert "there is no meter" in text
    assert "Operator not named" in text


def test_a_simulated_unit_and_a_recovered_record_are_told() -> None:
    assert "This unit is simulated: the report says nothing about any real one." in _Page(
        to_html(verification(simulated=True))
    ).text  # fmt: skip
    text = _Page(to_html(replace(verification(), complete=False))).text
    assert "⚠ This record was recovered from its log after the verification was cut off." in text


@pytest.mark.parametrize("kind", [{}, BAD, {"metered": False}])
def test_a_page_asks_nothing_of_a_network_and_runs_nothing(kind) -> None:
    html = to_html(verification(**kind))
    page = _Page(html)
    assert set(page.places) == {"data:,"}, "the empty icon: without it a browser asks for one"
    assert "<script" not in html
    assert not re.search(r"@import|url\(|javascript:|\bon\w+=", html)
    addresses = set(re.findall(r"https?://[^\"' <]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_tables_are_accessible() -> None:
    tags = _Page(to_html(verification(**BAD))).tags
    heads = [attributes for tag, attributes in tags if tag == "th"]
    assert len(heads) > 30
    assert {attributes.get("scope") for attributes in heads} == {"col", "row"}
    assert sum(tag == "caption" for tag, _ in tags) == sum(tag == "table" for tag, _ in tags) == 6
    pictures = [attributes for tag, attributes in tags if tag == "svg"]
    assert all(each.get("role") == "img" or each.get("aria-hidden") == "true" for each in pictures)
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 0


def test_what_a_record_says_is_text_and_no_markup() -> None:
    made = Definition(
        name="<b>x</b>", title="</table><script>alert(1)</script>", unit="&", limits=Limits(0, 1), how='"><img src=x>',
        error_code="X",
    )  # fmt: skip
    series = Series(
        name="s", chart=Chart.TIMING, title="<t>", group="</svg><b>", x_title="", x_unit="", y_title="<y>",
        y_unit="ms", points=(Point(0, 1, None, 2, "<l>"),),
    )  # fmt: skip
    evil = replace(
        verification(), operator_id="<i>Eve</i>\x00", warnings=("<script>",), series=(series,),
        phases=(phase("<p>", "{{ 7 * 7 }}", {"x": made.measured(2.0)}, 1),),
    )  # fmt: skip
    html = to_html(evil, "1 1 = </pre><script>\n")
    assert "<script" not in html
    assert "<img" not in html
    assert "</svg><b>" not in html
    assert "{{ 7 * 7 }}" in html
    assert _Page(html).open == []
    ElementTree.fromstring(to_junit(evil))


def test_the_log_is_shown_in_part_and_a_long_line_is_cut() -> None:
    log = "".join(f"{n} {n} = note {n}\n{n} {n} < telemetry\n" for n in range(100)) + "1 1 = " + "x" * 5000 + "\n"
    html = to_html(verification(), log)
    assert "(61 notes before)\n61 61 = note 61\n" in html
    assert "telemetry" not in html
    assert "x" * 150 + "…" in html
    assert "x" * 200 not in html


def test_the_same_record_gives_the_same_texts() -> None:
    for form in (to_html, to_json, to_junit, to_csv):
        assert form(verification(**BAD)) == form(verification(**BAD))


# -- for programs --------------------------------------------------------------------------------------------------


def test_json_is_the_record_and_comes_back() -> None:
    record = verification(**BAD)
    data = json.loads(to_json(record))
    assert (data["dut_id"], data["outcome"], data["first_failing"]) == ("SN0042", "FAIL", "accuracy.1mA.1kohm")
    assert data["phases"][0]["measurements"]["accuracy.1mA.1kohm"]["validators"] == ["-25 <= x <= 25"]
    assert VerificationRecord.from_dict(data) == record


def test_junit_has_a_suite_a_procedure_and_a_case_a_measurement() -> None:
    root = ElementTree.fromstring(to_junit(verification(**BAD)))
    assert root.attrib == {
        "name": "acceptance SN0042", "tests": "24", "failures": "15", "errors": "0", "skipped": "1", "time": "754.000",
    }  # fmt: skip
    assert [suite.get("name") for suite in root] == ["accuracy", "trips", "dose"]
    case = root.find("testsuite/testcase[@name='accuracy.1mA.1kohm']")
    assert case is not None
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "ACCURACY"
    assert failure.attrib["message"].endswith("uA, allowed -25 <= x <= 25: Current error at 1 mA into 1 kΩ")
    skipped = root.find("testsuite[@name='dose']/testcase/skipped")
    assert skipped is not None
    assert skipped.attrib == {"message": "left out by the recipe"}


def test_junit_tells_an_error_from_a_failure() -> None:
    root = ElementTree.fromstring(to_junit(verification(ended=Verdict.TIMEOUT)))
    assert (root.get("failures"), root.get("errors")) == ("0", "1")
    error = root.find("testsuite[@name='dose']/testcase[@name='carried out']/error")
    assert error is not None
    assert error.attrib == {"type": "TIMEOUT", "message": "the line went silent for 4 s"}
    cut = replace(verification(), ended=Verdict.ABORTED, end_details=(Detail("OPERATOR", "Ctrl-C"),))
    error = ElementTree.fromstring(to_junit(cut)).find("testsuite[@name='verification']/testcase/error")
    assert error is not None
    assert error.attrib == {"type": "ABORTED", "message": "Ctrl-C"}


def test_csv_has_a_row_a_measurement_and_zero_is_a_value() -> None:
    first, _ = accuracy(1.0, True)
    zero = next(iter(first.measurements.values())).definition.measured(0.0)
    record = replace(verification(), phases=(replace(first, measurements={"z": zero}),), operator_id="=1+1")
    [row] = csv.DictReader(to_csv(record).splitlines())
    assert (row["value"], row["low"], row["high"], row["margin"], row["outcome"]) == (
        "0.0",
        "-7.0",
        "7.0",
        "1.0",
        "PASS",
    )
    assert (row["unit"], row["units"], row["reason"]) == ("SN0042", "uA", "")


def test_a_text_that_a_spreadsheet_would_work_out_stays_a_text() -> None:
    record = replace(verification(), dut_id="=HYPERLINK(1)")
    assert next(csv.DictReader(to_csv(record).splitlines()))["unit"] == "'=HYPERLINK(1)"


def test_all_are_written_beside_the_record_and_a_folder_that_is_gone_is_told(tmp_path) -> None:
    (tmp_path / "wire.log").write_text("1 1 = the last note\n")
    written = write_all(verification(), tmp_path)
    assert {form: path.name for form, path in written.items()} == NAMES
    assert "the last note" in (tmp_path / "report.html").read_text("utf-8")
    assert (tmp_path / "measurements.csv").read_text("utf-8") == to_csv(verification())
    with pytest.raises(RecordError, match="cannot be written: No such file or directory; `ionto report` makes it"):
        write_all(verification(), tmp_path / "gone")


# -- pictures ------------------------------------------------------------------------------------------------------


def test_series_of_one_title_are_one_picture() -> None:
    found = drawings(verification().series)
    assert [each.title for each in found] == [
        "Current error against limits", "Trip times", "Ramps laid over each other", "Drift over a long hold",
    ]  # fmt: skip
    for each in found:
        ElementTree.fromstring(each.svg)
    assert "0.2 mA/s" in found[2].svg
    assert drawings([replace(verification().series[0], points=())]) == []
    many = [replace(verification().series[0], group=f"{n}") for n in range(14)]
    assert drawings(many)[0].note == "the first 12 of 14; the record has all"


def test_points_beyond_their_limits_are_ringed_and_the_worst_is_written() -> None:
    points = [Point(1, 3.0, -5, 5), Point(2, 6.0, -5, 5), Point(3, -9.5, -5, 5), Point(4, 5.0, -5, 5)]
    svg = scatter("T", Axis("set", "mA"), Axis("error", "uA"), [Group("1 kohm", points)])
    root = ElementTree.fromstring(svg)
    assert len(root.findall(SVG + "circle")) == 2, "a limit belongs to what is allowed"
    assert [
        node.text for node in root.iter(SVG + "text") if node.get("font-weight") and node.get("fill") == "#c1121f"
    ] == ["−9.5 µA"]
    desc = root.find(SVG + "desc")
    assert desc is not None
    assert desc.text == "error. 1 kohm: 4 points, -9.5 to 6 µA, 2 beyond their limits."


@pytest.mark.parametrize("xs", [[0.0], [2.0, 2.0], [0.01, 4.0], [-1.0, 1.0], [0.0, 1e6]])
@pytest.mark.parametrize("ys", [0.0, -3.5, 1e-9, 1e9])
@pytest.mark.parametrize("joined", [False, True])
def test_any_points_make_a_finite_picture(xs, ys, joined) -> None:
    svg = scatter("T", Axis("x", ""), Axis("y", ""), [Group("g", [Point(x, ys, None, 1.0) for x in xs])], joined=joined)
    ElementTree.fromstring(svg)
    assert not re.search(r"\bnan\b|\binf\b", svg.replace("</", ""))


def test_rows_say_value_limit_and_what_was_not_measured() -> None:
    bars = [Bar("open lead", 124.0, None, 100.0), Bar("short", None, 5.0, 10.0), Bar("zero", 0.0, None, 5.0)]
    root = ElementTree.fromstring(rows("Trips", Axis("time", "ms"), bars))
    desc = root.find(SVG + "desc")
    assert desc is not None
    assert desc.text == (
        "open lead: 124 ms, allowed at most 100 ms, BEYOND. short: not measured, allowed at least 5 and at most 10 ms. "
        "zero: 0 ms, allowed at most 5 ms."
    )
    texts = [node.text for node in root.iter(SVG + "text")]
    assert "124 ms !" in texts
    assert "not measured" in texts


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [
        (0.0, 0.0, [0.0, 1.0]),
        (None, 5.0, [-2.0, 9.0]),
        (3.0, None, [3.0, 99.0]),
        (-1.0, 1.0, [0.0]),
        (None, None, [1.0]),
    ],
)
def test_small_pictures_are_finite_whatever_the_limits(low, high, values) -> None:
    for svg in (histogram(values, low, high), *(margin_bar(value, low, high) for value in values)):
        if svg:
            ElementTree.fromstring(svg)
        assert "nan" not in svg
        assert "inf" not in svg
    assert histogram([], low, high) == ""
    assert bool(margin_bar(1.0, low, high)) == (low is not None or high is not None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (-12.344, "−12.34"), (100_080.0, "100080"), (1.5e-7, "1.5e−07"), (2e12, "2e+12")],
)
def test_numbers_are_as_people_write_them(value, text) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("limits", "text"),
    [((None, None), "–"), ((None, 5), "≤ 5 kΩ"), ((0, None), "≥ 0 kΩ"), ((-1, 2.5), "−1 … 2.5 kΩ"), ((1, 1), "= 1 kΩ")],
)
def test_limits_are_as_people_write_them(limits, text) -> None:
    assert limits_text(*limits, "kohm") == text


# -- figures -------------------------------------------------------------------------------------------------------


def test_a_report_of_a_long_verification_is_small_and_soon_there() -> None:
    """500 measurements and 9 600 samples: CPU time, because a busy machine is no slow program."""
    phases = []
    for number_ in range(28):
        first, _ = accuracy(1.001, True)
        named = {f"{n}.{name}": each for n, (name, each) in enumerate(first.measurements.items())}
        phases.append(replace(first, name=f"accuracy{number_}", measurements=named))
    record = replace(verification(samples=2400), phases=tuple(phases))
    begin = time.process_time()
    html = to_html(record)
    assert time.process_time() - begin < 2.0
    assert len(html.encode()) < 2_000_000
