"""I17, I18, I19. VMAX is 54 V, the window 200 ohm to 30 kohm."""

from __future__ import annotations

import pytest

from controller.monitors.detectors import Impedance, Tracking, TwoEyes
from tests.unit.monitors.tape import Tape, held, unseen, violated


def test_a_good_run() -> None:
    held(Tape(Impedance).held().hold(60_000))


def test_open_trips_in_150_ms() -> None:
    held(Tape(Impedance).held().hold(200, 0, v=54_000).event("FAULT", id="01", name="OPEN").state("FAULT"))
    violated(Tape(Impedance).held().hold(300, 0, v=54_000), "fault 01 ought to have tripped")


def test_too_high_from_30_s_on() -> None:
    held(Tape(Impedance).held().hold(30_000, v=31_000))
    violated(Tape(Impedance).held().hold(31_000, v=31_000), "fault 02 ought to have tripped: 1000 uA, 31000 mV")


def test_too_low() -> None:
    held(Tape(Impedance).held().hold(700, v=150))
    violated(Tape(Impedance).held().hold(800, v=150), "fault 03 ought to have tripped")


def test_compliance() -> None:
    violated(Tape(Impedance).held().hold(800, v=52_000), "fault 04 ought to have tripped")
    held(Tape(Impedance).held().hold(10_500, v=48_400, lim=1))
    violated(Tape(Impedance).held().hold(10_600, v=48_400, lim=1), "limited for 10600 ms in all with LIM=STOP")
    held(Tape(Impedance).held(LIM="STRETCH").hold(20_000, v=48_400, lim=1))


def test_a_rise_over_the_minimum() -> None:
    held(Tape(Impedance).held().hold(60_000, v=10_000).hold(20_000, v=11_900))
    violated(Tape(Impedance).held().hold(60_000, v=10_000).hold(20_000, v=12_200), "the voltage rose to")


def test_a_step() -> None:
    held(Tape(Impedance).held().hold(1000, v=10_000).hold(1000, v=13_000))
    violated(Tape(Impedance).held().hold(1000, v=10_000).hold(1000, v=13_300), "fault 06 ought to have tripped")
    pausing = Tape(Impedance).held().hold(1000, v=10_000).hold(100, v=13_300).event("WARN", id="06").state("PAUSED")
    held(pausing.later(200).tele("PAUSED").later(200).tele("PAUSED"))


@pytest.mark.parametrize(("code", "most_ms"), [("07", 150), ("09", 150), ("18", 150), ("02", 1100), ("05", 1100)])
def test_a_fault_does_what_its_row_says(code: str, most_ms: int) -> None:
    def tripped(ms: int) -> Tape:
        tape = Tape(Impedance).held().hold(200).event("FAULT", id=code, name="X", q=0).state("RAMP_DOWN")
        return tape.later(ms).tele("RAMP_DOWN", 400, fl="40")

    held(tripped(most_ms))
    violated(tripped(most_ms + 1), f"400 uA in RAMP_DOWN, {most_ms + 1} ms after fault {code}")


def test_tracking() -> None:
    held(Tape(Tracking).held().hold(1000, 1050))
    held(Tape(Tracking).held().hold(100).hold(300, 940))
    violated(Tape(Tracking).held().hold(100).hold(400, 940), "940 uA at a set-point of 1000")
    violated(Tape(Tracking).held().hold(100).hold(400, 1060), "1060 uA at a set-point of 1000")


def test_tracking_at_a_small_set_point() -> None:
    # At 40 uA half of it counts: 20 uA off is allowed, 21 is not.
    held(Tape(Tracking).held().hold(100, 40, set=40).hold(1000, 60, set=40))
    violated(Tape(Tracking).held().hold(100, 40, set=40).hold(1000, 61, set=40), "61 uA at a set-point of 40")


def test_pulled_or_limited_is_not_tracked() -> None:
    held(Tape(Tracking).held().hold(100).hold(500, 600))
    held(Tape(Tracking).held().hold(100).hold(500, 940, lim=1))
    held(Tape(Tracking).held().hold(100).hold(500, 1000, set=500))
    unseen(Tape(Tracking).running().ramp(), "never steady in HOLD")


def test_two_eyes() -> None:
    # 5 % of 1000, 20 and 2 uA of rounding are 72.
    held(Tape(TwoEyes).held().hold(1000, i2=928))
    held(Tape(TwoEyes).held().hold(200, i2=900).hold(100))
    violated(Tape(TwoEyes).held().hold(400, i2=927), "1000 and 927 uA")
    violated(Tape(TwoEyes).held().hold(400, i2=1080), "1000 and 1080 uA")


def test_a_channel_that_does_not_tell_the_truth() -> None:
    def lying(ms: int, i_true: float) -> Tape:
        tape = Tape(TwoEyes).held()
        for _ in range(ms // 100):
            tape.hold(100).true("HOLD", i_true)
        return tape

    held(lying(2000, -950))
    held(lying(1300, 2000))
    violated(lying(1400, 2000), "1000 uA reported, truly 2000")


def test_a_unit_that_is_silent_does_not_lie() -> None:
    tape = Tape(TwoEyes).held().hold(100)
    for _ in range(30):
        tape.later(100).true("HOLD", 2000)
    held(tape)
