"""The known-bad firmwares of the evidence: caught in their places, counted in others, and met by a soak."""

from __future__ import annotations

from hw_sim.variants import VARIANTS, find
from tests.evidence import variants
from tests.evidence.part import Effort
from tests.sim.variants.situations import SITUATIONS


def test_each_is_caught_and_the_good_one_never() -> None:
    part = variants.run(Effort.SHORT)
    assert part.failures == ()
    assert part.counts["caught by the monitor that should"] == f"{len(VARIANTS)} of {len(VARIANTS)}"
    assert len(part.lines) == 2 + len(VARIANTS)


def test_a_slow_disable_shows_in_many_situations_and_at_once_in_a_soak() -> None:
    variant = find("slow-disable")
    assert 10 < variants._situations(variant) < len(SITUATIONS)
    assert variants._in_a_soak(variant) == "I01 rest, episode 0"
