"""Both ends in one process: every scenario goes as it says with the product's own driver, and a wrong one is told."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from controller import Treatment
from hw_sim.cli import run_command
from hw_sim.rig.picture import picture
from hw_sim.rig.play import play
from hw_sim.rig.verdict import Happened, judge
from hw_sim.rig.witness import Witness, shortened
from hw_sim.scenario import SCENARIOS, Expected
from hw_sim.scenario.reading import from_toml
from hw_sim.world import World

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "bench-door.md"


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_a_scenario_goes_as_it_says(name: str) -> None:
    played = play(SCENARIOS[name])
    assert played.points, "a scenario that expects nothing proves nothing"
    assert [point for point in played.points if not point.held] == []


def test_the_file_of_the_page_goes_as_it_says() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert play(from_toml(text, "bench-door.md")).held


HAPPENED = Happened(
    outcome="FAULT:01",
    events=((1_000_000, "RAMP_UP"), (2_000_000, "HOLD"), (3_080_000, "FAULT 01"), (3_080_000, "FAULT")),
    dose_ma_min=0.5,
    true_dose_ma_min=0.499,
    peak_ma=2.0,
    cause_us=3_000_000,
    left_ma=0.0,
)
EXPECTED = Expected(
    outcome="FAULT:01",
    events=("RAMP_UP", "HOLD", "FAULT 01", "FAULT"),
    within_ms=100,
    dose_ma_min=(0.4, 0.6),
    peak_ma=2.1,
)


def test_what_went_as_expected_holds_in_every_point() -> None:
    assert [(point.what, point.held) for point in judge(EXPECTED, HAPPENED)] == [
        ("outcome", True), ("events", True), ("answer", True), ("dose", True), ("peak", True), ("at the end", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("outcome", {"outcome": "DONE"}),
        ("events", {"events": HAPPENED.events[:-1]}),
        ("answer", {"cause_us": 2_979_999}),
        ("answer", {"cause_us": 3_080_001}),
        ("answer", {"cause_us": None}),
        ("dose", {"dose_ma_min": 0.601}),
        ("dose", {"dose_ma_min": 0.399}),
        ("peak", {"peak_ma": 2.11}),
        ("at the end", {"left_ma": 0.011}),
    ],
)
def test_each_point_can_fail_and_fails_alone(what: str, changed: dict[str, object]) -> None:
    points = judge(EXPECTED, replace(HAPPENED, **changed))
    assert [point.what for point in points if not point.held] == [what]


def test_what_a_scenario_does_not_say_is_not_judged_but_the_end_is() -> None:
    assert [point.what for point in judge(Expected(outcome="DONE"), HAPPENED)] == ["outcome", "at the end"]


def test_another_treatment_is_told_and_not_judged() -> None:
    played = play(SCENARIOS["bench-5k"], Treatment.short(0.5, 0.2, "+"))
    assert (played.happened.outcome, played.points) == ("DONE", [])
    assert played.happened.true_dose_ma_min == pytest.approx(0.2, abs=0.01)


def test_the_invariants_are_judged_whatever_is_expected() -> None:
    left_on = replace(SCENARIOS["bench-5k"], variant="output-left-on")
    expected, given = play(left_on), play(left_on, Treatment.short(0.5, 0.2, "+"))
    assert [point.what for point in expected.points if not point.held] == []
    assert list(expected.broken) == list(given.broken) == ["I01"]
    assert (expected.held, given.held) == (False, False)


@pytest.mark.parametrize(
    ("happens", "outcome"),
    [
        ("hang", "RESET"), ("power_cycle", "RESET"), ("unplug", "RUNNING"), ("nvm_full", "FAULT:15"),
        ("break", "STOPPED"), ("local_stop", "STOPPED"), ("load short", "FAULT:06"), ("lift return", "FAULT:01"),
        ("contact drug:0.3", "RUNNING"),
    ],
)  # fmt: skip
def test_what_happens_to_the_bench_is_not_laid_to_the_unit(happens: str, outcome: str) -> None:
    verb, _, argument = happens.partition(" ")
    played = play(replace(SCENARIOS["lead-pulled"], agenda=((30.0, verb, argument),)))
    assert (played.happened.outcome, played.broken) == (outcome, {})


def test_what_a_fault_spoils_is_not_judged() -> None:
    """The dose under a reference that drifts; nothing else is excused."""
    drifted = replace(SCENARIOS["bench-5k"], faults=("E16:percent=30@at=10",))
    assert play(drifted).broken == {}
    assert "I01" in play(replace(drifted, variant="output-left-on")).broken


def test_the_record_is_kept_where_one_was_asked_for(tmp_path: Path) -> None:
    open_circuit = SCENARIOS["open"]
    assert play(open_circuit).record is None
    record = play(open_circuit, out=tmp_path).record
    assert record is not None
    assert record.folder is not None
    assert record.folder.parent == tmp_path


def test_the_witness_changes_nothing_by_looking() -> None:
    watched, alone = World(seed=4), World(seed=4)
    witness = Witness(watched)
    for world in (watched, alone):
        for _ in range(20):
            world.advance_to(world.now_us + 70_000)
            if world is watched:
                witness.look()
    assert watched.snapshot() == alone.snapshot()
    assert len(witness.t_us) == 20


@pytest.mark.parametrize(
    ("body", "short"),
    [
        ("STATE st=HOLD was=RAMP_UP by=UNIT", "HOLD"),
        ("FAULT id=01 name=OPEN z=0 i=3", "FAULT 01"),
        ("LINK_WARN lk=990", "LINK_WARN"),
        ("CLEAR id=11", "CLEAR 11"),
    ],
)
def test_events_in_short(body: str, short: str) -> None:
    assert shortened(body) == short


def test_the_picture_shows_truth_beside_what_was_reported() -> None:
    svg = picture(play(SCENARIOS["gain-error"]))
    assert svg.startswith("<svg")
    for word in ("true", "reported", "Current", "Voltage", "Dose", SCENARIOS["gain-error"].expect[:20]):
        assert word in svg


# -- the command -------------------------------------------------------------------------------------------------


def test_the_command_tells_and_ends_with_0(capsys, tmp_path) -> None:
    assert run_command(["play", "open", "--plot", str(tmp_path / "p.svg")]) == 0
    out = capsys.readouterr().out
    assert "outcome   REFUSED:16" in out
    assert out.count("  held  ") >= 2
    assert "  held  invariants: none violated\n" in out
    assert (tmp_path / "p.svg").read_text().startswith("<svg")


def test_what_goes_wrong_ends_with_8_and_says_where(capsys, tmp_path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'format = 1\nname = "mine"\nexpect = "nothing happens"\nload = "open"\n'
        '[treatment]\ncurrent_ma = 1\ndose_ma_min = 1\n[expected]\noutcome = "DONE"\n'
    )
    assert run_command(["play", str(mine)]) == 8
    assert "NOT   outcome: expected DONE, was REFUSED:16" in capsys.readouterr().out


def test_an_invariant_that_does_not_hold_ends_with_8_and_is_told(capsys) -> None:
    assert run_command(["play", "bench-5k?variant=output-left-on"]) == 8
    out = capsys.readouterr().out
    assert "  NOT   I01 rest: violated at line " in out
    assert out.endswith("NOT as expected\n")
    assert run_command(["play", "bench-5k?variant=output-left-on", "--json"]) == 8
    told = json.loads(capsys.readouterr().out)
    assert (list(told["violated"]), told["held"]) == (["I01"], False)


def test_json_is_one_document(capsys) -> None:
    assert run_command(["play", "lead-pulled-in-hold", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["violated"], told["held"], told["left_ma"]) == ("FAULT:01", {}, True, 0.0)
    assert told["answer_ms"] <= 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a scenario"),
        (["open", "--all"], "name a scenario"),
        (["opne"], "did you mean open?"),
        (["skin", "nowhere.toml"], "nowhere.toml"),
        (["open", "--plot", "/nowhere/p.svg"], "cannot be written"),
    ],
)
def test_wrong_words_are_one_sentence(capsys, arguments: list[str], said: str) -> None:
    assert run_command(["play", *arguments]) == 2
    assert said in capsys.readouterr().err
