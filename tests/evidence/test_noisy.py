"""Some thousand commands over a bad line; and that what a careless unit takes there is counted."""

from __future__ import annotations

import pytest

from controller.exchange import Exchange, Uncertain
from hw_sim.firmware.main import Firmware
from hw_sim.variants import find
from tests.evidence import noisy
from tests.evidence.part import Effort


def test_no_noise_is_taken_for_a_command() -> None:
    part = noisy.run(Effort.SHORT)
    assert part.held, part.failures
    counts = part.counts
    assert counts["commands"] == 2000
    assert counts["wrong"] == counts["doubled"] == 0
    # The line was bad, and something was done all the same.
    assert min(counts[name] for name in ("retransmissions", "damaged lines", "refused", "uncertain")) > 5  # type: ignore[type-var]
    assert counts["carried out"] > 1000  # type: ignore[operator]


@pytest.mark.parametrize(("variant", "figure"), [("crc-unchecked", "wrong"), ("retry-runs-twice", "doubled")])
def test_a_unit_that_takes_what_it_must_not_is_counted(variant: str, figure: str) -> None:
    counts, _ = noisy.batch(1, 1000, find(variant).firmware())
    assert counts[figure] > 0


class AgreesToStop(Firmware):
    """Says 00 to STOP, and goes on."""

    def stop(self, by: int) -> None:
        pass


def test_a_unit_that_says_yes_and_does_nothing_is_counted() -> None:
    _, wrong = noisy.batch(1, 300, AgreesToStop)
    assert any(" STOP*" in what for what in wrong)


class ReusesNumbers(Exchange):
    """Gives up a request, and uses its number for the next: what this driver does not do."""

    def give_up(self) -> Uncertain | None:
        sid = self.sid
        uncertain = super().give_up()
        if uncertain is not None and sid:
            self.sid = sid
            self._next -= 1
        return uncertain


def test_a_host_that_uses_a_number_again_is_counted_where_the_unit_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of all lines are damaged: what the host had given up is carried out under the name of another command."""
    monkeypatch.setattr(noisy, "A_LINE_IN", 2)
    unit = find("sequence-reused").firmware()
    reused, _ = noisy.batch(1, 300, unit, ReusesNumbers)
    good, wrong = noisy.batch(1, 300)
    assert reused["wrong"] + reused["doubled"] > 0
    assert good["wrong"] + good["doubled"] == 0, wrong
