"""Ten good runs, and that an alarm among them, or a monitor that never judges, would be seen."""

from __future__ import annotations

import pytest

from controller.monitors import MONITORS
from hw_sim.rig.eyes import violated
from hw_sim.variants import find
from hw_sim.world import World
from tests.evidence import good_runs
from tests.evidence.part import Effort

DRAWN = good_runs.drawn


def test_ten_good_runs_raise_no_alarm() -> None:
    part = good_runs.run(Effort.SHORT)
    assert part.held, part.failures
    assert part.counts["good runs"] == 10
    assert part.counts["false alarms"] == 0
    assert part.counts["monitors that held something"] >= 25


def test_a_bad_firmware_among_them_is_a_failure() -> None:
    plan = good_runs.drawn(1)
    world = World(load=plan.load, seed=plan.seed, firmware=find("output-left-on").firmware())
    assert "I01" in violated(good_runs.deliver(plan, world))


def test_an_alarm_is_a_failure_with_the_command_that_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    deliver = good_runs.deliver
    bad = find("telemetry-repeated").firmware()
    monkeypatch.setattr(good_runs, "SHORT_RUNS", 1)
    monkeypatch.setattr(
        good_runs, "deliver", lambda plan: deliver(plan, World(load=plan.load, seed=plan.seed, firmware=bad))
    )
    part = good_runs.run(Effort.SHORT)
    assert not part.held
    assert part.counts["false alarms"] == len(part.failures) > 0
    assert {failure.repeat for failure in part.failures} == {"python -m tests.evidence.good_runs 1"}


def test_what_a_good_run_cannot_show_are_monitors() -> None:
    assert good_runs.NEEDS_MISHAPS - {"I30", "I34"} <= {monitor.id for monitor in MONITORS}


def test_a_monitor_that_never_judges_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run, in which nobody stopped: that says nothing of stops."""
    monkeypatch.setattr(good_runs, "LONG_RUNS", 1)
    monkeypatch.setattr(good_runs, "drawn", lambda seed: DRAWN(seed)._replace(deed=""))
    part = good_runs.run(Effort.LONG)
    assert part.counts["false alarms"] == 0
    [asleep] = part.failures
    assert "I13, I14" in asleep.what
