"""A short soak with the product's driver, and that what does not hold would be found, told and repeated."""

from __future__ import annotations

import json

import pytest

from hw_sim.cli import run_command
from hw_sim.cli.soak import FOUND
from hw_sim.rig import blame, soak_episode
from hw_sim.rig.soak import LEAK_SHIFTS, Sample, Sum, repeat, soak
from hw_sim.rig.soak_episode import Find, Shift, Told
from hw_sim.rig.soak_plan import SHIFT, Mishap, Plan, plan

SEED = 5
PEACE = {
    "format": 1, "name": "soak", "load": "bench", "policy": {"link": "stop"},
    "phase": [{"pole": "-", "current_ma": 2.0, "dose_ma_min": 0.6, "ramp_up_ma_per_s": 0.5}],
}  # fmt: skip


def a_plan(*mishaps: Mishap, load: str = "5k") -> Plan:
    return Plan(number=3, load=load, treatment=PEACE, attended=False, keep_open=False, mishaps=mishaps)


def told_of(monkeypatch: pytest.MonkeyPatch, planned: Plan) -> Told:
    monkeypatch.setattr(soak_episode, "plan", lambda seed, number: planned)
    shift = Shift(SEED, 0)
    try:
        return shift.episode(planned.number)
    finally:
        shift.close()


def found(told: Told) -> list[str]:
    return [find.what for find in told.finds]


def test_a_shift_holds_and_its_episodes_repeat() -> None:
    told_with_sum = list(soak(SEED, 0.01))
    episodes, total = [told for told, _ in told_with_sum], told_with_sum[-1][1]
    assert total.finds == []
    assert total.episodes == SHIFT == 12
    assert total.lasted_s == sum(told.lasted_s for told in episodes) > 300
    assert total.struck.total() > 5
    assert len(total.held) == 1
    again = repeat(SEED, 4)
    assert (again.outcomes, again.true_uc, again.struck) == (
        episodes[4].outcomes, episodes[4].true_uc, episodes[4].struck,
    )  # fmt: skip


def test_the_same_numbers_are_the_same_plan_and_others_another() -> None:
    assert plan(SEED, 7) == plan(SEED, 7)
    assert len({repr(plan(seed, number)) for seed in range(3) for number in range(20)}) == 60


def test_every_plan_can_be_injected_and_some_are_left_in_peace() -> None:
    from hw_sim.faults.spec import from_text

    plans = [plan(1, number) for number in range(400)]
    specs = [from_text(mishap.text) for planned in plans for mishap in planned.mishaps]
    assert len({spec.fault.id for spec in specs}) > 70
    assert 60 < sum(planned.in_peace for planned in plans) < 140


# -- that it would be found --------------------------------------------------------------------------------------------


def test_what_is_left_in_peace_goes_to_its_dose(monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_of(monkeypatch, a_plan())
    assert (told.outcomes, told.error, found(told)) == (["DONE"], "", [])
    assert told.true_uc == pytest.approx(36_000, abs=300)


def test_a_dose_that_nobody_measures_is_found_where_it_is_not_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    drift = a_plan(Mishap(6.0, "E16:percent=30"))
    assert found(told_of(monkeypatch, drift)) == []
    monkeypatch.setattr(blame, "BLAME", {})
    told = told_of(monkeypatch, drift)
    assert found(told) == [
        "I03 no excess", "I04 slew", "I06 dose cap", "I08 dose truth", "I19 two eyes",
        "the dose is at most the prescription", "the record's interval holds the dose",
    ]  # fmt: skip
    assert 41_000 < told.true_uc < 36_000 * 1.3


def test_an_output_that_does_not_close_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak_episode._Episode, "_lift", lambda self: None)
    told = told_of(monkeypatch, a_plan(Mishap(10.0, "E12")))
    assert found(told)[:2] == ["left alone, the unit comes to rest", "IDLE is reachable and nothing flows in it"]
    assert "relay_closed=True" in told.finds[0].seen


def test_an_error_that_is_none_of_the_drivers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(session: object, deadline: float) -> None:
        raise KeyError("no such key")

    monkeypatch.setattr(soak_episode.Session, "step", broken)
    told = told_of(monkeypatch, a_plan())
    assert found(told)[0] == "only errors of the driver's own tree come out"
    assert told.finds[0].seen.startswith("KeyError: 'no such key' (test_soak.py:")


def test_a_treatment_in_peace_that_is_refused_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_of(monkeypatch, a_plan(load="open"))
    assert (told.outcomes, found(told)) == (["REFUSED"], [])  # nobody promised that an open circuit takes a dose
    monkeypatch.setattr(Plan, "in_peace", True)
    assert found(told_of(monkeypatch, a_plan(load="open"))) == ["what is left in peace goes to its dose"]


def test_growth_is_a_leak_and_ebb_and_flow_is_not() -> None:
    def held(*objects: int) -> str:
        return Sum(1, held=[Sample(n, 100_000) for n in objects]).leak()

    shifts = 2 * LEAK_SHIFTS
    assert held(*(20_000 + 100 * SHIFT * n for n in range(shifts))).startswith("objects from 27200 to")
    assert held(*(20_000 + 5_000 * (n % 2) for n in range(shifts))) == ""
    assert held(*(20_000 + 2 * SHIFT * n for n in range(shifts))) == ""
    assert held(10_000, 20_000, 30_000) == ""  # too short to say


# -- the command -------------------------------------------------------------------------------------------------------


def test_so_many_episodes_and_no_more(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shift, "episode", lambda shift, number: Told(plan(SEED, number), lasted_s=60.0))
    assert run_command(["soak", "--episodes", "30", "--seed", str(SEED), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["episodes"], told["hours"]) == (30, 0.5)
    assert told["repeat"] == f"ionto-sim soak --episodes 30 --seed {SEED}"
    assert [len(list(soak(SEED, episodes=n))) for n in (1, 12, 13)] == [1, 12, 13]


def test_hours_and_episodes_are_one_or_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["soak", "--episodes", "3", "--hours", "1"]) == 2
    assert "--hours, --episodes and --episode: give one of them" in capsys.readouterr().err


def test_a_soak_that_breaks_off_names_its_episode(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def episode(shift: Shift, number: int) -> Told:
        if number == 14:
            raise ZeroDivisionError
        return Told(plan(SEED, number), lasted_s=60.0)

    monkeypatch.setattr(Shift, "episode", episode)
    assert run_command(["soak", "--seed", str(SEED)]) not in (0, FOUND)
    assert f"broke off in: ionto-sim soak --seed {SEED} --episode 14\n" in capsys.readouterr().err


def test_a_leak_comes_with_the_command_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Shift, "episode", lambda shift, number: Told(plan(SEED, number), lasted_s=60.0))
    monkeypatch.setattr(Sum, "leak", lambda total: "objects from 1 to 9000")
    assert run_command(["soak", "--episodes", "12"]) == FOUND
    assert "to 9000\n     ionto-sim soak --episodes 12 --seed 1\n" in capsys.readouterr().out


def test_one_episode_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["soak", "--seed", str(SEED), "--episode", "0", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["plan"] == plan(SEED, 0).lines()
    assert told["finds"] == []


def test_a_find_comes_with_the_command_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def episode(shift: Shift, number: int) -> Told:
        told = Told(plan(SEED, number), lasted_s=60.0)
        if number == 7:
            told.find("water is wet", "it was not")
        return told

    monkeypatch.setattr(Shift, "episode", episode)
    assert run_command(["soak", "--seed", str(SEED), "--hours", "0.1"]) == FOUND
    said = capsys.readouterr().out
    assert f"NOT  water is wet: it was not\n     ionto-sim soak --seed {SEED} --episode 7\n" in said
    assert said.endswith("1 finds\n")
    assert repeat(SEED, 7).finds == [Find(7, "water is wet", "it was not")]
