"""The stories in their short form, and that one which breaks a promise is found, shrunk, written and played again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hw_sim.cli import run_command
from hw_sim.cli.play import NOT_AS_EXPECTED
from hw_sim.scenario import HostAction, Scenario, parse
from hw_sim.scenario.writing import to_toml
from tests.evidence.part import Effort
from tests.evidence.stateful import run, search
from tests.evidence.stateful.stage import SHORT, Stage, replay


def test_the_short_form_holds() -> None:
    part = run(Effort.SHORT)
    assert part.failures == ()
    assert part.counts["stories"] >= 12
    assert part.counts["steps"] > 60


@pytest.mark.slow
def test_a_bad_firmware_is_found_shrunk_and_played_again(tmp_path: Path) -> None:
    """The ramp-down that never runs, then polarity flipped at full drive: one thing done is all it takes."""
    file = tmp_path / "found.toml"
    _, broken = search(60, 10, variant="ramp-down-never-runs", file=file)
    assert "I05: polarity" in broken
    story = parse(str(file))
    # One is enough: a stop, the unit's button, a sleep longer than the lease. How near it comes is Hypothesis' own.
    assert 1 <= len(story.host) + len(story.agenda) <= 3
    assert "I05: polarity" in replay(story, tmp_path / "bad")
    assert replay(replace(story, variant=""), tmp_path / "good") == ""


def test_a_story_written_down_is_played_by_the_simulators_own_command(tmp_path: Path, capsys) -> None:
    """Nothing is expected of it, and all monitors watch: the bad one fails, the good one does not."""
    bad, good = tmp_path / "bad.toml", tmp_path / "good.toml"
    bad.write_text(to_toml(a_story("ramp-down-never-runs")), "utf-8")
    assert run_command(["play", str(bad)]) == NOT_AS_EXPECTED
    said = capsys.readouterr().out
    assert [line.split()[1] for line in said.splitlines() if line.startswith("  NOT")] == ["I04", "I05"]
    good.write_text(to_toml(replace(parse(str(bad)), variant="")), "utf-8")
    assert run_command(["play", str(good)]) == 0


def a_story(variant: str) -> Scenario:
    stop = HostAction(at_s=2.51, do="stop")
    return Scenario(name="found", expect="it stops", load="5k", variant=variant, treatment=SHORT, host=(stop,))


def test_a_replay_does_what_was_done_at_the_time_it_was_done(tmp_path: Path) -> None:
    stage = Stage(a_story(""), tmp_path / "first")
    try:
        stage.begin()
        stage.go(2.0)
        stage.act(lambda: stage.door.contact(lead="drug", share=0.95))
        stage.go(1.0)
        stage.order("pause")
        stage.go(4.0)
        stage.sleep(0.3)
        stage.end()
        told = stage.told()
        bytes_out = stage.world.bytes_out
    finally:
        stage.close()
    assert [verb for _, verb, _ in told.agenda] == ["contact"]
    assert [action.do for action in told.host] == ["pause", "sleep", "stop"]
    assert replay(told, tmp_path / "again") == ""
    assert bytes_out > 5000
