"""What holds for the engine whatever happens: with an honest unit over a bad link, and with one that says anything."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.effects import RAISING
from controller.wire import UnitState
from tests.unit.core.host_model import DISTURBANCES, QUESTIONS, Pair
from tests.unit.core.story import PRESCRIPTION, RUN, Player

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
    if result.breach is not None:  # the only limit that an honest unit does not keep by itself
        assert result.breach.limit == "telemetry at most 1 s old while current flows"


def test_left_alone_a_run_takes_its_planned_time_and_delivers_its_dose() -> None:
    pair = Pair(PRESCRIPTION, attended=False)
    steps = told(pair, [])
    assert pair.engine.result is not None
    assert (pair.engine.result.outcome, pair.engine.result.breach) == ("DONE", None)
    assert abs(pair.unit.true_uc[RUN] - 6000) <= 150  # a step at 1.5 mA
    assert 60 + 11 <= steps <= 66 + 11  # 3 + 1.75 + 1.5 s, after a second of contact check


# -- a unit that says anything -----------------------------------------------------------------------------------

STATE = st.sampled_from([state.value for state in UnitState])
OUTCOMES = ["RUNNING", "RUNNING", "DONE", "STOPPED", "ABORTED", "LINK", "RESET", "TIMEOUT", "FAULT:07"]
CODES = [0, 0, 0, 0, 5, 6, 4, 9, 13, 15, 17, 18]
ANYTHING = st.one_of(
    st.builds(
        "~{} dt={} n={} i={} fl={}".format, STATE, st.sampled_from([0.1, 0.3, 0.9, 1.2]),
        st.sampled_from([1, 1, 1, 0, 2, -3]), st.sampled_from([0, 50, 1500, 4000]), st.sampled_from(["0", "400"]),
    ),
    st.builds("~{} sid={:04X}".format, STATE, st.integers(1, 9)),
    st.builds("!STATE {} n={}".format, STATE, st.sampled_from([1, 1, 1, 0, 3, -2, 90])),
    st.builds("!FAULT {:02d}".format, st.integers(1, 20)),
    st.builds("+{}".format, st.sampled_from([0.1, 0.3, 1.1, 1.6, 12])),
    st.sampled_from(["lost", "link", "stop", "abort", "pause", "resume", "breach"]),
    st.tuples(st.sampled_from(CODES), STATE, st.sampled_from(OUTCOMES), st.sampled_from(["", "boot=164", "sn=SN7"])),
    st.sampled_from(["?", "as meant", "as meant", "as meant"]),
)  # fmt: skip


def say(player: Player, what: Any) -> str:
    """One thing that happens; an answer only if a request is out."""
    verb = player.out
    if what in ("?", "as meant") or isinstance(what, tuple):
        if verb is None:
            return ""
        if isinstance(what, tuple):
            code, state, outcome, fact = what
            what = f"<{verb} {code:02d} st={state} out={outcome} q=100 {fact if verb == 'HELLO' else ''}"
        elif what == "as meant":
            what = f"<{verb} 00"
    return player.line(what)


def hold_to_the_rules(player: Player, said: str, what: Any, stopped: bool) -> None:
    """Of what came out of one input."""
    engine, asked = player.engine, player.asked
    assert not (stopped and asked in RAISING), "nothing raises after a stop"
    if engine.state.name == "UNCERTAIN":
        assert asked in QUESTIONS | {""}
    if asked == "KEEP":
        newest = engine.course.newest
        assert newest is not None
        assert engine.state.name in ("RAMPING_UP", "HOLDING")
        assert newest.state.value in ("RAMP_UP", "HOLD")
        assert said.endswith(f"KEEP t={newest.number:04X}")
        assert player.now - player.heard_s <= 1.0
    if what in ("stop", "abort") and said != "no":
        assert stopped or said.split(", ")[0] in ("BRAKE", "ABORTING")


@settings(max_examples=300, deadline=None)
@given(st.lists(ANYTHING, max_size=40), st.booleans())
def test_whatever_the_unit_says_nothing_is_raised_and_silence_ends_it(happenings: list[Any], attended: bool) -> None:
    player = Player(attended=attended)
    player.line("begin")
    stopped = False
    for what in happenings:
        result = player.engine.result
        said = say(player, what)
        hold_to_the_rules(player, said, what, stopped)
        assert result is None or (player.engine.result is result and not player.engine.asks)
        stopped |= "BRAKE" in said or "ABORTING" in said
    for _ in range(100):  # seconds; every request stays without an answer
        hold_to_the_rules(player, say(player, "?") or player.line("+1"), "+1", stopped)
        player.line("+1")
    assert player.engine.over
