"""The good unit passes, safely; and however a suite ends, the unit is at rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.bench.instruments.door import of_port
from controller.conform import CHAPTERS, CHECKS, Check, Options, Outcome, Suite, chosen
from controller.conform.bench import Bench
from controller.conform.check import NEEDS, Evidence
from controller.conform.report import verdict
from controller.serial_link import open_link
from tests.conform.suites import FULL, conform, failures, ids

PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
SAFE = Options(lines=200)


def test_the_good_unit_passes_and_no_more_than_a_tenth_of_a_milliampere_flows():
    report, truth = conform("sim://", options=SAFE)
    assert failures(report) == {}
    assert report.unfailed
    assert not report.conforms  # what takes more current was not run
    missing = {"output", "long", "tcp"}
    assert ids(report, Outcome.NOT_RUN) == {check.id for check in CHECKS if missing & set(check.needs)}
    assert truth["peak_ua"] < 105
    assert (truth["i_ua"], truth["relay_closed"], truth["state"]) == (0.0, False, "IDLE")


@pytest.mark.slow
def test_with_output_all_of_it_passes():
    report, truth = conform("sim://")
    assert failures(report) == {}
    assert ids(report, Outcome.NOT_RUN) == {check.id for check in CHECKS if {"long", "tcp"} & set(check.needs)}
    assert truth["peak_ua"] < 4100
    assert (truth["i_ua"], truth["relay_closed"], truth["state"]) == (0.0, False, "IDLE")


def test_without_a_door_what_needs_one_is_not_run_and_says_why():
    report, _ = conform("sim://bench-5k", ["FAULT"], options=SAFE, door=False)
    assert ids(report, Outcome.PASS) == {"FAULT-01", "FAULT-25"}
    assert {r.reason for r in report.results if r.check.id == "FAULT-05"} == {NEEDS["door"]}


def test_every_row_is_whole_and_its_clause_stands_on_the_page():
    sections = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)", PROTOCOL, re.M))
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    for checks in CHAPTERS.values():
        prefix = checks[0].id.partition("-")[0]
        assert [check.id for check in checks] == [f"{prefix}-{n:02d}" for n in range(1, len(checks) + 1)]
        for check in checks:
            assert check.clause in sections, check
            assert set(check.needs) <= set(NEEDS)


def test_checks_are_chosen_by_number_or_by_chapter():
    assert [check.id for check in chosen(["stop-01", "SES-02"])] == ["SES-02", "STOP-01"]
    assert len(chosen(["LEASE"])) == 13
    with pytest.raises(ValueError, match="there is no check SEAL-0; --list names them"):
        chosen(["SEAL-0"])


# -- every way out ---------------------------------------------------------------------------------------------


def check_that(run: Callable[[Bench], Evidence]) -> Check:
    return Check("TEST-01", "2.1", "something", run, ("load",))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
def test_however_it_ends_the_unit_is_stopped(error):
    def run(b: Bench) -> Evidence:
        b.hold()
        raise error

    link = open_link("sim://bench-5k", purpose="a test")
    try:
        with pytest.raises(error):
            Suite(link, FULL).run([check_that(run)])
        truth = link.bench_door.truth()
        assert (truth["state"], truth["i_ua"], truth["relay_closed"]) == ("IDLE", 0.0, False)
    finally:
        link.close()


def test_more_current_than_allowed_ends_everything():
    def run(b: Bench) -> Evidence:
        """As a check would that has its own way round the suite's."""
        b.digest = b.done(b.pres(1000)).word("D")
        b.arm()
        b.start()
        b.listen(3.0)
        return []

    report, truth = conform("sim://bench-5k", options=SAFE, checks=[check_that(run), *chosen(["SEAL-01"])])
    assert [r.outcome for r in report.results] == [Outcome.FAIL, Outcome.NOT_RUN]
    assert "no more than 100 uA are allowed; it was sent ABORT" in report.results[0].came
    assert not report.conforms
    assert truth["peak_ua"] < 250
    assert (truth["i_ua"], truth["relay_closed"]) == (0.0, False)


def test_a_check_that_asks_for_more_than_allowed_is_not_run():
    def run(b: Bench) -> Evidence:
        b.hold(110)
        return []

    report, truth = conform("sim://bench-5k", options=SAFE, checks=[check_that(run)])
    assert [(r.outcome, r.reason) for r in report.results] == [(Outcome.NOT_RUN, NEEDS["output"])]
    assert truth["peak_ua"] == 0.0


def test_a_port_that_vanishes_is_a_failure_and_the_rest_is_not_run():
    def run(b: Bench) -> Evidence:
        b.hold()
        b.do("unplug")
        b.listen(1.0)
        return []

    report, _ = conform("sim://bench-5k", checks=[check_that(run), *chosen(["SEAL-01"])])
    assert [r.outcome for r in report.results] == [Outcome.FAIL, Outcome.NOT_RUN]
    assert report.ended_by.startswith("TEST-01: ")


def test_a_unit_that_says_nothing_does_not_conform():
    report, _ = conform("sim://bench-5k?fault=mute", ["SEAL"], door=False)
    assert not report.unfailed
    assert ids(report, Outcome.NOT_RUN) == {check.id for check in chosen(["SEAL"])}
    assert report.ended_by == "the unit cannot be brought to IDLE by STOP, HELLO and CLEAR"


@pytest.mark.slow
def test_the_whole_suite_with_a_hundred_thousand_random_lines():
    """Nothing is left out but a port that several may open, which `sim://` is not."""
    report, truth = conform("sim://bench-5k", options=Options(load_ohm=5000, allow_output=True, lines=100_000))
    assert failures(report) == {}
    assert report.count(Outcome.NOT_RUN) == 1
    assert verdict(report) == f"CONFORMS: {len(CHECKS) - 1} passed, 0 failed, 1 not run"
    assert (truth["i_ua"], truth["relay_closed"]) == (0.0, False)


def test_an_answer_that_nobody_asked_for_fails_the_check_it_came_in():
    def run(b: Bench) -> Evidence:
        b.write(b.request("STATUS"))
        b.fence()
        return []

    report, _ = conform("sim://bench-5k", checks=[check_that(run)])
    [result] = report.results
    assert result.wanted == "no answer that nothing was asked for"
    assert " 00 STATUS " in result.came


def test_without_a_declared_load_a_real_unit_passes_no_current(monkeypatch):
    """A unit that does not say SIM, on a port without a door."""
    link = open_link("sim://bench-5k", purpose="a test")
    monkeypatch.setattr(type(link.bench_door._world.hal), "simulated", False)
    try:
        report = Suite(link, Options(lines=50, allow_output=True)).run()
        truth = link.bench_door.truth()
    finally:
        link.close()
    assert failures(report) == {}
    assert ids(report, Outcome.PASS) == {check.id for check in CHECKS if not check.needs}
    assert truth["peak_ua"] == 0.0
    assert of_port(link.bench_door).call("faults", {})["faults"] == []
