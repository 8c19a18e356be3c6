"""What a firmware author gets: the clause, what it wants, what came, and the lines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from controller.conform import Report
from controller.conform.page import page
from controller.conform.report import as_json, as_junit, table_of_checks, verdict
from tests.conform.suites import conform

DOCS = Path(__file__).parents[2] / "docs" / "conformance.md"


@pytest.fixture(scope="module")
def bad() -> Report:
    return conform("sim://bench-5k?variant=crc-unchecked", ["SEAL", "SEQ-14"])[0]


def test_the_verdict_counts(bad):
    assert verdict(bad) == "DOES NOT CONFORM: 14 passed, 3 failed, 1 not run, 135 left out"


def test_junit_has_a_case_for_each_check_with_its_story(bad):
    root = ElementTree.fromstring(as_junit(bad))
    suites = {suite.get("name"): suite for suite in root.iter("testsuite")}
    assert {name: (s.get("tests"), s.get("failures"), s.get("skipped")) for name, s in suites.items()} == {
        "Bytes and lines": ("17", "3", "0"), "Sequence": ("1", "0", "1"),
    }  # fmt: skip
    [case] = [case for case in root.iter("testcase") if case.get("name").startswith("SEAL-02 ")]
    told = case.find("failure").text
    assert told.startswith("protocol 3.4: a line whose CRC is wrong is not acted on")
    assert re.search(r"^wanted  no answer to a line whose CRC is wrong: .*STATUS\*", told, re.M)
    assert re.search(r"^came    <[0-9A-F]{4} 0002 00 STATUS ", told, re.M)
    assert re.search(r"^ +[0-9.]+ > '>[0-9A-F]{4} 0002 STATUS", told, re.M)


def test_json_says_the_same(bad):
    whole = json.loads(json.dumps(as_json(bad)))
    assert whole["count"] == {"PASS": 14, "FAIL": 3, "NOT_RUN": 1}
    assert whole["conforms"] is False
    assert whole["conditions"]["load"] == "5000 ohm"
    [result] = [each for each in whole["results"] if each["id"] == "SEQ-14"]
    assert result["reason"] == "it takes 65 535 requests: give --lines 100000, the whole suite"


def test_the_page_stands_alone_in_both_themes(bad):
    text = page(bad, "2026-11-20T10:00:00+00:00")
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:|//)|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "DOES NOT CONFORM" in text
    assert text.count('<tr id="') == 18
    assert "&lt;0000" in text or "&gt;" in text  # what came from the line is escaped


def test_a_damaged_line_is_shown_and_breaks_no_xml():
    from controller.conform.report import _xml

    assert _xml("a\x00b\x1b") == "a\\x00b\\x1b"


def test_the_table_of_the_page_is_the_suites():
    """`python -m controller.conform.report` writes it."""
    found = re.search(r"<!-- checks -->\n(.*?)<!-- /checks -->", DOCS.read_text("utf-8"), re.S)
    assert found[1] == table_of_checks()
