"""I04 and I32."""

from __future__ import annotations

from controller.monitors.ramps import Climb, Ramp, Slew
from tests.unit.monitors.tape import Tape, held, unseen, violated


def test_a_ramp_as_prescribed() -> None:
    held(Tape(Slew).held().hold(1000))


def test_a_ramp_twice_as_steep() -> None:
    tape = Tape(Slew).running()
    for i in range(20, 400, 20):
        tape.later(100).tele("RAMP_UP", i)
    violated(tape, "more than the slew allows")


def test_a_step_in_hold() -> None:
    # 70 uA are within the first step and the reading's own error; from 0 to 300 is not.
    held(Tape(Slew).held().later(100).tele("HOLD", 0).later(100).tele("HOLD", 70))
    violated(Tape(Slew).held().later(100).tele("HOLD", 0).later(100).tele("HOLD", 300), "300 uA: 289 uA more")


def test_a_contact_that_comes_back_at_full_drive() -> None:
    violated(Tape(Slew).held().later(100).tele("HOLD", 0).later(100).tele("HOLD", 1800), "1800 uA")


def test_a_dip_within_nine_tenths_is_no_rise() -> None:
    held(Tape(Slew).held().later(100).tele("HOLD", 890).later(100).tele("HOLD", 1000))


def test_down_as_prescribed_and_faster() -> None:
    good = Tape(Slew).held().later(100).tele("HOLD", 1000).state("RAMP_DOWN")
    for i in range(980, -20, -20):
        good.later(100).tele("RAMP_DOWN", i)
    held(good.later(100).state("DONE").tele("DONE"))
    fast = Tape(Slew).held().later(100).tele("HOLD", 1000).state("RAMP_DOWN")
    violated(fast.later(100).tele("RAMP_DOWN", 900), "900 uA in RAMP_DOWN: it fell 78 uA faster")


def test_an_end_without_a_ramp() -> None:
    violated(Tape(Slew).held().hold(200).later(100).state("DONE").tele("DONE"), "0 uA in DONE")


def test_a_stop_a_fault_and_a_lead_that_comes_off_may_fall_faster() -> None:
    held(Tape(Slew).held().hold(200).send("\x18").state("RAMP_DOWN", "BYTE").later(100).tele("RAMP_DOWN", 800))
    fault = Tape(Slew).held().hold(200).event("FAULT", id="07", name="OVERCURRENT").state("FAULT").later(100)
    held(fault.tele("FAULT", fl="40"))
    held(Tape(Slew).held().hold(200).state("RAMP_DOWN").later(100).tele("RAMP_DOWN", 0, v=54_000))


def test_slew_in_truth() -> None:
    good = Tape(Slew).at(1000).hello().staged()
    for i in range(50):
        good.later(10).true("RAMP_UP", float(i))
    held(good)
    violated(good.later(10).true("RAMP_UP", 120.0), "truly 120 uA: 70 uA more")


def test_a_prescription_that_is_not_known() -> None:
    unseen(Tape(Slew).at(0).tele("HOLD", 0).later(100).tele("HOLD", 900), "whose prescription is known")


def test_climb_sees_a_jump_out_of_a_gap() -> None:
    climb = Climb()
    climb.begin(0, 0.1)
    for ms in range(0, 10_000, 100):
        assert climb.rise(ms / 10, ms, 0.1) <= 10
    assert climb.rise(0, 10_100, 0.1) <= 0
    assert climb.rise(1000, 10_200, 0.1) > 800


def test_length_of_the_ramp_up() -> None:
    held(Tape(Ramp).held())
    violated(Tape(Ramp).running().ramp().later(300).state("HOLD"), "the ramp up took 10300 ms, prescribed are 10000")
    violated(Tape(Ramp).running().later(9600).state("HOLD"), "the ramp up took 9600 ms")


def test_a_ramp_that_was_held_up_may_be_longer() -> None:
    unseen(Tape(Ramp).running().ramp(500).event("LINK_WARN", lk=1000).later(9000).state("HOLD"), "no whole ramp")


def test_length_of_the_ramp_down() -> None:
    held(Tape(Ramp).held().hold(100).state("RAMP_DOWN").later(5000).state("DONE"))
    violated(Tape(Ramp).held().hold(100).state("RAMP_DOWN").later(5200).state("DONE"), "the ramp down took 5200 ms")


def test_first_step() -> None:
    violated(Tape(Ramp).running().later(100).tele("RAMP_UP", 71), "71 uA, 100 ms after the ramp began")


def test_a_ramp_does_not_fall() -> None:
    violated(Tape(Ramp).running().ramp(500).later(100).tele("RAMP_UP", 460), "460 uA after 500 in RAMP_UP")


def _down(*currents: float, state: str = "RAMP_DOWN") -> Tape:
    tape = Tape(Slew).at(1000).hello().staged().true("RAMP_UP").later(10_000).true("HOLD", 1000.0)
    for i in currents:
        tape.later(100).true(state, i, relay_closed=True)
    return tape


def test_a_fall_in_truth() -> None:
    held(_down(*(1000.0 - 100 * n for n in range(11))))  # in a second, as after a STOP
    violated(_down(1000.0, 700.0), "it fell 190 uA at once")
    held(_down(1000.0).later(100).true("RAMP_DOWN", 500.0, v_mv=54_000, relay_closed=True))  # a lead came off


def test_an_end_that_is_cut_off_in_truth() -> None:
    violated(_down(1000.0).later(10).true("DONE"), "truly 0 uA in DONE: it fell")
    held(_down(1000.0).send("\x18\x18").later(10).true("DONE"))
    held(_down(1000.0).later(10).true("FAULT"))


def test_a_trip_that_pauses_cuts_off_in_truth_and_its_reason_may_be_heard_later() -> None:
    def cut_off(**warned: str) -> Tape:
        tape = _down(1000.0, state="HOLD").later(10)
        return tape.event("WARN", **warned) if warned else tape

    held(cut_off(id="06").state("PAUSED").later(5).true("PAUSED"))
    held(cut_off().true("PAUSED").event("WARN", id="06").state("PAUSED"))
    violated(cut_off().true("PAUSED").state("PAUSED"), "truly 0 uA in PAUSED: it fell")
    violated(cut_off().state("PAUSED").true("PAUSED"), "truly 0 uA in PAUSED: it fell")
    unseen(cut_off().true("PAUSED"), "was not heard")  # the line was dead from here
    unseen(cut_off().true("PAUSED").later(100).tele("PAUSED"), "was not heard")
    violated(cut_off(id="05").later(20).state("PAUSED").true("PAUSED"), "truly 0 uA in PAUSED: it fell")  # long before
