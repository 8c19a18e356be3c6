"""The ten breaks: two are tried here, all of them by `make evidence`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.evidence import breaks
from tests.evidence.breaks import BREAKS, ROOT
from tests.evidence.part import Effort


def test_there_are_ten_of_four_kinds_each_in_another_file() -> None:
    assert len({broken.file for broken in BREAKS}) == len(BREAKS) == 10
    assert {broken.kind for broken in BREAKS} == {"a sign", "a bound", "a missing check", "a swapped field"}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.file)
def test_what_is_to_be_broken_is_there_once(broken: breaks.Break) -> None:
    assert (ROOT / broken.file).read_text(encoding="utf-8").count(broken.old) == 1


def test_a_text_that_is_gone_is_a_failure() -> None:
    with pytest.raises(ValueError, match="0 times"):
        breaks.noticed_by(replace(BREAKS[0], old="no such line"))


@pytest.mark.slow
def test_a_break_that_changes_nothing_is_noticed_by_nobody() -> None:
    assert breaks.noticed_by(replace(BREAKS[3], new=BREAKS[3].old)) == ""


@pytest.mark.slow
def test_two_of_them_are_noticed() -> None:
    part = breaks.run(Effort.SHORT)
    assert part.failures == ()
    assert part.counts["breaks by hand"] == 2
