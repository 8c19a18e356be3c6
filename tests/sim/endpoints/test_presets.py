"""The scenarios that ship, as a collection; that each goes as it says is in tests/rig."""

from __future__ import annotations

from hw_sim.scenario import SCENARIOS


def test_there_is_one_for_everything_a_bench_asks_for():
    assert len(SCENARIOS) >= 30
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        assert scenario.treatment is not None
        assert scenario.expected is not None
        assert "\n" not in scenario.expect
        assert len(scenario.expect) < 110
        if not scenario.expected.outcome.startswith("REFUSED"):
            assert scenario.expected.events
