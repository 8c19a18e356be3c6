"""The mutants themselves, that a test which misses one is told apart, and the short form."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mutmut", reason="mutmut is not installed: pip install 'ionto[mutation]'")

from tests.evidence import mutation
from tests.evidence.mutation.judging import Tally, judge
from tests.evidence.mutation.mutants import Mutant, mutants
from tests.evidence.mutation.rooms import ROOMS, Room
from tests.evidence.part import Effort

SOURCE = b'''"""Head."""

LIMIT = 5


def worst(a: int, b: int = 2) -> int:
    """The larger one."""
    if a >= b:
        raise ValueError("too much")
    return max(a, b) + 1
'''


def test_mutants_change_one_place_inside_a_function_and_no_words(tmp_path: Path) -> None:
    (tmp_path / "worst.py").write_bytes(SOURCE)
    found = mutants(tmp_path, "worst.py")
    assert [(mutant.line, mutant.name) for mutant in found] == [
        (6, "worst: 2 -> 3"),
        (8, "worst: >= b -> > b"),
        (9, 'worst: ValueError("too much") -> ValueError(None)'),
        (10, "worst: max(a, b) + 1 -> max(a, b) - 1"),
        (10, "worst: max(a, b) -> max(None, b)"),
        (10, "worst: max(a, b) -> max(a, None)"),
        (10, "worst: max(a, b) -> max(b)"),
        (10, "worst: max(a, b) -> max(a, )"),
        (10, "worst: 1 -> 2"),
    ]
    assert found[1].source(SOURCE) == SOURCE.replace(b"a >= b", b"a > b")


@pytest.mark.parametrize(("made", "enough"), [(12, True), (10, False)])
def test_a_sample_may_hold_any_number_of_mutants_that_nobody_could_notice(made: int, enough: bool) -> None:
    """Eight killed, and two that survive for a known reason: fine in a sample of twelve, not as a whole room."""
    alive = [Mutant("a.py", n, f"f: {n}", 0, 1, "") for n in range(2)]
    known = {mutation.key(mutant): "equivalent" for mutant in alive}
    tally = Tally(killed=8, survived=alive)
    assert mutation.Judged(room="a", made=made, tally=tally, reasons=known).enough is enough
    assert not mutation.Judged(room="a", made=made, tally=tally, reasons={}).enough


@pytest.mark.slow
def test_a_test_that_misses_a_mutant_lets_it_live() -> None:
    room = Room(("controller/exchange.py",), ("tests/unit/core/test_sequence.py",), ())
    chosen = mutants(mutation.ROOT, "controller/exchange.py")[:3]
    assert judge(room, chosen).survived == chosen


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_handful_of_mutants_of_every_room_is_noticed() -> None:
    part = mutation.run(Effort.SHORT)
    assert part.failures == ()
    assert part.counts["mutants run"] == mutation.EXAMPLES * len(ROOMS)


@pytest.mark.slow
def test_every_reason_belongs_to_a_mutant_that_there_is() -> None:
    known = mutation.reasons()
    assert all(known.values())
    files = {key.partition(" ")[0] for key in known}
    there = {mutation.key(mutant) for file in files for mutant in mutants(mutation.ROOT, file)}
    assert known.keys() - there == set()
