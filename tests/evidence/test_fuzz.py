"""Fuzzing in its short form, and that it can find something at all."""

from __future__ import annotations

import pytest

from hw_sim.firmware.machine import NAMES
from hw_sim.world import World
from tests.evidence import fuzz
from tests.evidence.fuzz import fuzzing, live
from tests.evidence.fuzz.live import script, written
from tests.evidence.fuzz.targets import PLANTED, TARGETS
from tests.evidence.fuzz.texts import forget


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_of_the_corpus_and_none_of_its_mutations_breaks_anything(name: str) -> None:
    outcome = fuzz.quick(TARGETS[name])
    forget()
    assert outcome.crashes == []
    assert outcome.executions == outcome.corpus + TARGETS[name].quick > TARGETS[name].quick


def test_a_planted_bug_is_found_without_coverage() -> None:
    what, data = fuzz.quick(PLANTED).crashes[0]
    assert what.startswith("IndexError")
    with pytest.raises(IndexError):
        PLANTED.run(data)


@pytest.mark.slow
def test_a_planted_bug_is_found_with_coverage() -> None:
    if not fuzzing.has_atheris():
        pytest.skip("atheris is not installed: pip install 'ionto[fuzz]'")
    outcome = fuzz.fuzzed(PLANTED, 30)
    assert [what.partition(":")[0] for what, _ in outcome.crashes] == ["IndexError"]


def test_a_recorded_session_comes_back_from_its_script() -> None:
    steps = [(0, b"*IDN?\n"), (255, b""), (45, b"x" * 255), (0, b"y")]
    assert list(script(written([(0, b"*IDN?\n"), (300, b"x" * 255 + b"y")]))) == steps


def test_the_recorded_sessions_get_as_far_as_current(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = set()
    judge = live._true

    def noted(world: World, raised_by: bool, prescribed_ua: int) -> None:
        reached.add(NAMES[world.firmware.rec.st])
        judge(world, raised_by, prescribed_ua)

    monkeypatch.setattr(live, "_true", noted)
    for data in fuzzing.seeds_of("unit_session"):
        live.unit_session(data)
    assert reached >= {"STAGED", "CHECK", "ARMED", "RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING", "PAUSED", "DONE"}


def test_current_without_a_start_would_be_seen() -> None:
    [data] = [data for data in fuzzing.seeds_of("unit_session") if data[0] == 0 and b"START" in data][:1]
    assert "sealed START" in fuzzing.broken(_blind, data)


def _blind(data: bytes) -> None:
    """The same session, judged by one who does not know what a START looks like."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "decode_line", lambda line: {"kind": "reply"})
        live.unit_session(data)
