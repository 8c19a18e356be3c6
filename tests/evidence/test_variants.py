"""The known-bad firmwares of the evidence: caught in their places, counted in others, and met by a soak."""

from __future__ import annotations

import pytest

from hw_sim.scenario import SCENARIOS
from hw_sim.variants import VARIANTS, find
from tests.evidence import variants
from tests.evidence.part import Effort
from tests.sim.variants.situations import SITUATIONS


def test_each_is_caught_and_the_good_one_never() -> None:
    part = variants.run(Effort.SHORT)
    assert part.failures == ()
    assert part.counts["caught by the monitor that should"] == f"{len(VARIANTS)} of {len(VARIANTS)}"
    assert len(part.lines) == 2 + len(VARIANTS)


def test_a_slow_disable_shows_in_many_situations_and_at_once_in_a_soak() -> None:
    variant = find("slow-disable")
    assert 10 < variants._situations(variant) < len(SITUATIONS)
    assert variants._in_a_soak(variant) == "I01 rest, episode 0"


def test_in_the_scenarios_that_ship_driver_expectation_and_monitors_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: SCENARIOS[name] for name in ("bench-5k", "open", "lead-pulled-in-hold")}
    monkeypatch.setattr(variants, "SCENARIOS", few)
    assert variants._in_scenarios("") == (0, 0)
    assert variants._in_scenarios("output-left-on") == (1, 1)  # at the dose; a trip's own way off is another
    assert variants._in_scenarios("dac-zero-is-full") == (2, 0)  # a peak that only the scenario bounds
