"""The table of hazards: nothing without a test, nothing that points nowhere, and the page is the one of the table."""

from __future__ import annotations

from dataclasses import replace

from tests.evidence.hazards import page
from tests.evidence.hazards.page import PAGE, collect, hazards, last_result, problems, unproved

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.unit.core.test_exchange" name="test_a[1]"/>
<testcase classname="tests.unit.core.test_exchange" name="test_a[2]"><failure/></testcase>
<testcase classname="tests.unit.core.test_exchange" name="test_b"><skipped/></testcase>
<testcase classname="tests.unit.core.test_other" name="test_c"/>
</testsuite></testsuites>"""


def test_every_hazard_has_what_shows_that_it_is_met_and_all_of_it_exists():
    assert problems(hazards()) == []


def test_the_page_in_docs_is_the_table():
    assert PAGE.read_text("utf-8") == page.page(hazards(), last_result()), "run: python -m tests.evidence.hazards.page"


def test_what_is_missing_is_said():
    first, *others = hazards()
    found = problems([replace(first, tests=[], faults=[*first.faults, "E99"], invariants=["I17", "I99"]), *others])
    assert found == [
        "HZ01 has no tests",
        "HZ01: there is no invariant I99",
        "HZ01: there is no fault E99",
    ]
    [gone] = problems([replace(first, tests=["tests/evidence/test_hazards.py::test_that_is_not_there"]), *others])
    assert gone == "HZ01: there is no test tests/evidence/test_hazards.py::test_that_is_not_there"
    assert "fault E02 belongs to no hazard" in problems(others)


def test_results_are_those_of_pytest(tmp_path):
    (tmp_path / "junit.xml").write_text(JUNIT)
    told = collect(tmp_path / "junit.xml", date="2026-01-31", commit="abc1234")
    assert told["tests"]["tests/unit/core/test_exchange.py"] == {"passed": 1, "failed": 1, "skipped": 1}
    wanted = {test for hazard in hazards() for test in hazard.tests}
    assert unproved(told) == sorted(wanted), "one failed, and the rest was never come to"
    nothing = collect(tmp_path / "none.xml", date="2026-01-31", commit="abc1234")
    assert unproved(nothing) == sorted(wanted)
    assert unproved({"tests": {key: {"passed": 1, "failed": 0, "skipped": 2} for key in wanted}}) == []
    assert "tests/unit/core/test_other.py" not in told["tests"]
    shown = page.page(hazards(), told)
    assert "**1 failed**" in shown
    assert "Last run 2026-01-31, at abc1234." in shown
