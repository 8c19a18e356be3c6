"""Good treatments of many people: no detector may stop one of them, and none may warn.

Two hundred persons drawn from the plant's population, every other one with dry skin, 4 mA from the fastest ramp to
62 s of HOLD: the steepest voltages there are, and the contact detector at work for 22 s of them.
"""

from __future__ import annotations

import pytest

from hw_sim.plant import draw_person
from tests.sim.firmware.bench import Bench

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_no_good_skin_trips_or_warns(first: int) -> None:
    peaks = []
    for person in range(first, first + 25):
        drug, back = draw_person(7, person)
        load = "dry-skin" if person % 2 else "skin"
        bench = Bench(load, seed=person, person_drug=drug, person_return=back)
        # 8 s up (16 000 uC), 62 s of HOLD (248 000 uC), 4 s down (8000 uC)
        bench.begin(I=4000, Q=270_000, TU=8000, TD=4000, LOSS="FINISH")
        bench.ask("TELE ms=500")
        bench.advance(8.5)
        bench.ticks(6600)
        assert bench.state == "DONE", (person, load, bench.named("FAULT"))
        bench.hello()
        assert bench.ask("RUN run=R1")["fields"]["out"] == "DONE"
        bench.ask("EVENTS n=0001")
        bench.ask("EVENTS n=0009")
        assert {event["name"] for event in bench.events} == {"STATE", "LINK_WARN"}
        peaks.append(bench.world.truth()["peak_ua"])
    assert max(peaks) < 4060
