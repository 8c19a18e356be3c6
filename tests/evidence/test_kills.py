"""Kills of the host in their short form, two real ones, and that a lost record would be found."""

from __future__ import annotations

import os
import sys

import pytest

from controller.journal import Journal, recover
from controller.journal.wire_log import WireLog
from tests.evidence.kills import real, run
from tests.evidence.kills.points import Killed, kill
from tests.evidence.nth.story import GOOD, TALES, scratch
from tests.evidence.part import Effort

UNDER_CURRENT = 200  # a call in HOLD, of some 430


def test_the_short_form_holds() -> None:
    part = run(Effort.SHORT)
    assert part.failures == ()
    assert part.counts["kill points"] > 20
    assert part.counts["lost, doubled or wrong"] == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_real_kills_leave_one_record_too() -> None:
    with scratch() as folder:
        [killed] = real(3, folder, rigs=1)
    assert killed.deaths == 3
    assert killed.problems == []


def killed_at(call: int, count: int = 1) -> Killed:
    with scratch() as folder:
        return kill(GOOD, folder, first=call, most=count)


@pytest.mark.slow
def test_every_tale_is_told_to_its_end_though_the_host_was_killed_in_it() -> None:
    with scratch() as folder:
        told = {tale.name: kill(tale, folder, first=100, most=1) for tale in TALES}
    assert {name: killed.problems for name, killed in told.items() if killed.problems} == {}


# -- that it would be found --------------------------------------------------------------------------------------------


def test_a_recovery_that_counts_too_little_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[recover.__module__], "unknown_interval_uc", lambda heard, *rest: (0, heard))
    assert "the record says 0 to" in killed_at(UNDER_CURRENT).problems[0][1]


def test_an_intent_that_is_not_on_disk_before_its_first_byte_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where START has left and only its intent would have told of it."""
    monkeypatch.setattr(WireLog, "checkpoint", lambda log: None)
    problems = killed_at(60, 30).problems
    assert any("power cut" in what for _, what in problems)


def test_a_recovery_that_is_another_every_time_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from controller.journal.record import Recorder

    plain, times = Recorder.data, iter(range(100))
    monkeypatch.setattr(Recorder, "data", lambda *a, **k: {**plain(*a, **k), "operator": f"{next(times)}"})
    assert "recovering a second time gives other files" in " ".join(what for _, what in killed_at(300).problems)


def test_what_the_monitors_see_in_the_log_of_a_killed_host_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its request went out before the intent."""
    monkeypatch.setattr(Journal, "intent", lambda *_: None)
    [(_, what), *_] = killed_at(UNDER_CURRENT).problems
    assert "I27 host verdict" in what
