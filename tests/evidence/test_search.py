"""The search finds what is planted, with the shortest way there, and nothing where nothing is."""

from __future__ import annotations

from functools import partial

import pytest

from controller.machine import Trigger
from hw_sim.firmware.machine import RAMP_DOWN
from tests.evidence.part import Effort
from tests.evidence.search import PLANTED, Planted, copying, run
from tests.evidence.search.bench import Bench, watched
from tests.evidence.search.canon import Unlisted, check, key
from tests.evidence.search.host import Host
from tests.evidence.search.moves import Move, is_free, is_settled, make, possible
from tests.evidence.search.story import read, tell, written
from tests.evidence.search.walk import Path, Walk

REUSED = PLANTED[0]
# HELLO and TELE with their answers, PRES with its event and answer, ARM with its event.
TO_CHECK = read("to unit;to host;" * 3 + "to host;to unit;to host")


def moved(bench: Bench, *names: str) -> Bench:
    with watched():
        for name in names:
            make(bench, Move(name))
    return bench


def test_the_pair_that_is_shipped_holds_and_the_planted_errors_are_found() -> None:
    part = run(Effort.SHORT)

    assert part.held, part.failures
    assert int(part.counts["states"]) > 3000
    assert part.counts["of these found"] == part.counts["planted errors"] == 5


@pytest.fixture(scope="module")
def reuse() -> tuple[str, Path]:
    found = REUSED.search()
    assert found.wrong is not None
    return found.wrong


def test_a_number_used_again_executes_a_stale_request_two_mishaps_from_the_start(reuse: tuple[str, Path]) -> None:
    sentence, path = reuse

    assert sentence == "the unit executed a stale request: PRES 0002, by which the host now means STATUS"
    assert {move.name for move in path if not is_free(move)} == {"late to unit", "line cut"}
    assert len(path) == 9


def test_the_counterexample_is_a_story(reuse: tuple[str, Path]) -> None:
    sentence, path = reuse

    story = tell(REUSED.bench(), path, "").splitlines()

    assert story[0].split() == ["at", "host", "unit", "what", "happened"]
    assert story[5].startswith("   0.00s  STAGING      IDLE         5 late to unit: >C9DD 0002 PRES I=1500 Q=6000")
    assert "held arrives: >C9DD 0002 PRES" in story[-2]
    assert story[-1] == f"WRONG: {sentence}"


def test_with_the_rule_the_same_mishaps_find_nothing() -> None:
    assert REUSED.search(Bench()).wrong is None


@pytest.mark.slow
@pytest.mark.timeout(600)  # ten seconds each, but not on a busy machine
@pytest.mark.parametrize("planted", PLANTED[1:], ids=lambda planted: planted.name)
def test_every_planted_error_is_found_and_the_shipped_pair_has_none_under_the_same_mishaps(planted: Planted) -> None:
    found = planted.search()

    assert found.wrong is not None
    assert planted.says in found.wrong[0]
    assert planted.search(Bench()).wrong is None


def test_a_path_is_written_and_read_again() -> None:
    path = (Move("to unit"), Move("held arrives", 1), Move("line cut"))

    assert written(path) == "to unit;held arrives@1;line cut"
    assert read(written(path)) == path


def test_a_state_brought_back_goes_on_as_it_did() -> None:
    bench = moved(Bench(), *(move.name for move in TO_CHECK))
    saved, before = bench.snapshot(), key(bench)
    moved(bench, *["time passes", "to host"] * 4)
    after = key(bench)
    moved(bench, "stop", "to unit", "crash")

    bench.restore(saved)
    again = key(bench)
    moved(bench, *["time passes", "to host"] * 4)

    assert (again, key(bench)) == (before, after)


def test_a_unit_whose_cable_is_out_for_good_goes_on_by_itself() -> None:
    """The second program ended while the unit was on its way down: nobody is there to do anything any more."""
    checked = ["time passes", "to host"] * 6
    bench = moved(Bench(), *(move.name for move in TO_CHECK), *checked, "to host", "crash", "to unit")
    moved(bench, "time passes", "time passes", "stop byte", "restart", "unplug")
    assert bench.world.firmware.rec.st == RAMP_DOWN
    waited = 0
    while not is_settled(bench):
        assert possible(bench, 0)[0] == Move("time passes")
        moved(bench, "time passes")
        waited += 1
    assert waited == 4  # of the second that a stop takes


def test_states_that_differ_in_names_and_time_alone_are_one() -> None:
    at_once, later = Bench(), Bench()
    moved(later, "crash", "to unit", *["time passes"] * 7, "restart")
    later.host.life, at_once.host.life = 1, 1

    moved(at_once, "to unit", "to host")
    moved(later, "to unit", "to host")

    assert at_once.up[0] != later.up[0]
    assert key(at_once) == key(later)


@pytest.mark.parametrize("secret", [lambda: 1, (n for n in range(3)), partial(int, "1"), open])
def test_what_cannot_be_put_aside_is_refused_by_name(secret: object) -> None:
    host = Host(1)
    host.unit._heard = secret  # type: ignore[assignment]

    with pytest.raises(copying.Uncopyable, match="cannot be put aside"):
        copying.save(host)


def test_the_host_in_the_middle_of_a_run_is_plain_state() -> None:
    bench = moved(Bench(), *(move.name for move in TO_CHECK))
    engine = bench.host.engine
    assert engine is not None
    saved = copying.save(bench.host)

    engine.course.machine.fire(Trigger.STOP)
    engine.asks.clear()
    engine._stopping.asked_s = 7.0
    copying.bring_back(saved)

    assert engine.course.machine.state.name == "CHECKING"
    assert engine._stopping.asked_s is None


def test_a_field_nobody_placed_stops_the_search() -> None:
    bench = moved(Bench(), *(move.name for move in TO_CHECK))
    assert bench.host.engine is not None
    bench.host.engine.mood = "new"  # type: ignore[attr-defined]

    with pytest.raises(Unlisted, match=r"Engine\.mood"):
        check(bench.host)


def test_without_mishaps_every_state_ends_with_nobodys_help() -> None:
    found = Walk(Bench(), (0,)).run()

    assert found.wrong is None
    assert found.layers == [found.states]
    assert found.unaided == found.states > 500
    assert ("COMPLETED", "DONE") in found.pairs
