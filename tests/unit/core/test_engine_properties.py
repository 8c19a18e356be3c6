"""What holds for the engine whatever happens: with an honest unit over a bad link, and with one that says anything."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.host_model import DISTURBANCES, Pair
from tests.unit.core.story import PRESCRIPTION, RUN

HAPPENINGS = st.lists(st.tuples(st.integers(0, 90), st.sampled_from(DISTURBANCES)), max_size=7)
PLENTY = 3000  # steps: 300 s, of which a pause may take 40 and a doubt 30


def told(pair: Pair, happenings: list[tuple[int, str]]) -> int:
    """Play to the end; the steps it took."""
    for step in range(PLENTY):
        for at, what in happenings:
            if at == step:
                pair.disturb(what)
        pair.step()
        if pair.engine.over:
            return step
    raise AssertionError(f"no end: {pair.engine.state}, unit in {pair.unit.state}")


@settings(max_examples=300, deadline=None)
@given(HAPPENINGS, st.booleans(), st.sampled_from(["STOP", "PAUSE"]), st.sampled_from(["STOP", "FINISH"]))
def test_with_an_honest_unit_every_run_ends_and_its_result_is_the_truth(
    happenings: list[tuple[int, str]], attended: bool, cont: str, loss: str
) -> None:
    pair = Pair(replace(PRESCRIPTION, cont=cont, loss=loss), attended=attended)
    told(pair, happenings)
    result, unit = pair.engine.result, pair.unit
    assert result is not None
    assert len(unit.starts) <= 1
    true_uc = unit.true_uc.get(RUN, 0.0)
    assert result.low_uc <= true_uc <= result.high_uc
    match result.outcome:
        case "UNKNOWN":
            assert "unplug for good" in {what for _, what in happenings}
        case "REFUSED":
            assert true_uc == 0.0
        case "STOPPED" if RUN not in unit.known:
            assert true_uc == 0.0
        case outcome if RUN in unit.known:
            assert unit.known[RUN] == (outcome, result.q_uc)
        case _:
            assert true_uc == 0.0
    assert result.breach is None or "lose lines" in str(happenings) or "lose byte" in str(happenings)


def test_left_alone_a_run_takes_its_planned_time_and_delivers_its_dose() -> None:
    pair = Pair(PRESCRIPTION, attended=False)
    steps = told(pair, [])
    assert pair.engine.result is not None
    assert pair.engine.result.outcome == "DONE"
    assert abs(pair.unit.true_uc[RUN] - 6000) <= 150  # a step at 1.5 mA
    assert 60 + 11 <= steps <= 66 + 11  # 3 + 1.75 + 1.5 s, after a second of contact check
