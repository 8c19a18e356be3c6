"""A drawn part of the cells and pairs; and that a fault which does not strike, or breaks something, is a failure."""

from __future__ import annotations

from itertools import combinations

import pytest

from hw_sim.rig import blame
from tests.evidence import cells
from tests.evidence.part import Effort


def test_some_cells_and_some_pairs_hold():
    part = cells.run(Effort.SHORT)
    assert part.failures == ()
    assert part.counts["cells reached"] == part.counts["cells played"] == 12
    assert part.counts["states"] == 12


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_cell_and_every_pair_holds():
    part = cells.run(Effort.FULL)
    assert part.failures == ()
    assert part.counts["cells reached"] == 89 * 12
    assert part.counts["pairs of faults met"] == "3916 of 3916"


def test_every_two_are_in_one_set():
    faults = tuple("ABCDEFGHIJK")
    sets = list(cells.covering(faults, 4))
    met = {pair for chosen in sets for pair in combinations(sorted(chosen), 2)}
    assert met == set(combinations(faults, 2))
    assert all(len(set(chosen)) == 4 for chosen in sets)
    assert len(sets) < 55 / 2, "half as many as pairs, at the most"


def test_a_fault_that_did_not_strike_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    """Without the reset on the way there the unit never comes to its self-test again."""
    monkeypatch.delitem(cells._ON_THE_WAY, "SELFTEST")
    reached, failures = cells._cells([cells.Cell("L01", "SELFTEST")])
    assert reached == set()
    assert [failure.repeat for failure in failures] == ["python -m tests.evidence.cells cell L01 SELFTEST"]


def test_what_breaks_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    """The dose begins anew with RESUME, and nobody excuses it now."""
    monkeypatch.delitem(blame.BLAME, "F17")
    assert cells.play_cell(cells.Cell("F17", "PAUSED")).finds
