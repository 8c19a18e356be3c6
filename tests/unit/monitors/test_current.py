"""I01, I02, I03, I05: each with a story that holds and one that does not."""

from __future__ import annotations

import pytest

from controller.monitors.current import HardCap, NoExcess, Polarity, Rest
from tests.unit.monitors.tape import Tape, held, unseen, violated


def test_rest_holds_through_a_whole_run() -> None:
    tape = Tape(Rest).held().hold(1000)
    tape.later(10).state("DONE").later(30).tele("DONE", 900).later(100).tele("DONE", 0)
    held(tape)


@pytest.mark.parametrize("state", ["IDLE", "STAGED", "ARMED", "PAUSED", "DONE", "FAULT"])
def test_current_in_a_state_without(state: str) -> None:
    violated(Tape(Rest).held().later(10).state(state).later(100).tele(state, 51), f"51 uA in {state}")


def test_one_channel_alone_is_a_sensors_business() -> None:
    held(Tape(Rest).held().later(10).state("DONE").later(100).tele("DONE", 100, i2=2))


def test_check_passes_its_sense_current_and_no_more() -> None:
    held(Tape(Rest).tele("CHECK", 50).later(100).tele("CHECK", 60))
    violated(Tape(Rest).tele("CHECK", 50).later(100).tele("CHECK", 71), "71 uA in CHECK")


def test_truth_at_rest() -> None:
    good = Tape(Rest).true("HOLD", 1000).later(10).true("DONE", 900).later(40).true("DONE", 10, relay_closed=False)
    held(good.later(10).true("DONE", 9, relay_closed=False))
    violated(Tape(Rest).true("DONE", 11).later(50).true("DONE", 11), "truly 11 uA in DONE")
    violated(Tape(Rest).true("IDLE").later(50).true("IDLE", relay_closed=True), "the relay is closed in IDLE")
    violated(Tape(Rest).true("CHECK", 50).later(10).true("CHECK", 61), "truly 61 uA in CHECK")


def test_nothing_to_judge_is_not_held() -> None:
    unseen(Tape(Rest).running().later(100).tele("RAMP_UP", 10), "no telemetry in a state without current")


def test_set_point_within_prescription_and_unit() -> None:
    held(Tape(HardCap).held().hold(500))
    violated(Tape(HardCap).held().hold(100, set=1010), "set-point 1010 uA, prescribed are 1000")
    violated(Tape(HardCap).at(0).hello().staged(I=4010), "PRES is confirmed with 4010 uA")


def test_hard_cap_on_the_wire() -> None:
    held(Tape(HardCap).running(I=4000).tele("HOLD", 4250, set=4000).later(300).tele("HOLD", 4250, set=4000))
    broken = Tape(HardCap).running(I=4000)
    for _ in range(3):
        broken.later(100).tele("HOLD", 4300, set=4000)
    violated(broken, "4300 uA for more than 110 ms")


def test_hard_cap_in_truth() -> None:
    held(Tape(HardCap).true("HOLD", 4200).later(10).true("HOLD", -4200))
    violated(Tape(HardCap).true("HOLD", -4201), "truly 4201 uA")


def test_a_broken_source_is_forgiven_until_it_has_to_be_found() -> None:
    tape = Tape(HardCap)
    tape.watch.broken(0, "source")
    for _ in range(11):
        tape.later(10).true("HOLD", 4350)
    held(tape)
    violated(tape.later(20).true("HOLD", 4350), "truly 4350 uA")


def test_charge_of_a_contact() -> None:
    held(Tape(HardCap).true("HOLD").later(10).true("HOLD", q_surge_uc=1.0))
    violated(Tape(HardCap).true("HOLD").later(10).true("HOLD", q_surge_uc=1.1), "1.10 uC into a contact")


def test_no_excess_on_the_wire() -> None:
    held(Tape(NoExcess).held().hold(300, 1070).later(100).tele("HOLD", 1300).later(100).tele("HOLD", 1000))
    violated(Tape(NoExcess).held().hold(300, 1071), "1071 uA at a set-point of 1000")


def test_set_lowers_at_the_slew_of_the_way_down() -> None:
    # 1000 to 500 at 0.2 mA/s takes 2.5 s; with 2 % and 70 ms the new ceiling holds from 2.62 s on.
    tape = Tape(NoExcess).held().later(100).tele("HOLD", 1000, set=500).later(2600).tele("HOLD", 550, set=500)
    held(tape)
    violated(tape.hold(400, 600, set=500), "600 uA at a set-point of 500")


def test_no_excess_in_truth() -> None:
    held(Tape(NoExcess).true("HOLD", 1050).later(10).true("RAMP_DOWN", 1050))
    violated(Tape(NoExcess).true("HOLD", 1051), "truly 1051 uA")
    violated(Tape(NoExcess).true("HOLD", 1000).later(10).true("RAMP_DOWN", 1051), "truly 1051 uA")


def test_a_fault_that_blinds_every_channel_is_not_observable() -> None:
    tape = Tape(NoExcess)
    tape.watch.broken(0, "reference", blind=True)
    for _ in range(30):
        tape.later(10).true("HOLD", 1100)
    unseen(tape, "the reference blinds every channel")


def test_polarity() -> None:
    held(Tape(Polarity).true("HOLD", -500, bridge=-1).later(10).true("PAUSED", 0, bridge=-1))
    violated(Tape(Polarity).true("HOLD", -500).later(10).true("HOLD", 500), "turned round")
    unseen(Tape(Polarity).held(), "magnitudes")


def test_the_bridge_moves_only_at_rest() -> None:
    def moved(ms: int) -> Tape:
        tape = Tape(Polarity).at(5000).true("CHECK", 50)
        for _ in range(9):  # looks so near to each other that there was no reset between two
            tape.later(100).true("IDLE")
        return tape.later(ms - 900).true("IDLE", bridge=-1)

    held(Tape(Polarity).true("IDLE").later(500).true("IDLE", bridge=-1))  # no current was seen before
    held(moved(1000))
    held(moved(990))  # of which the last tick's mean knows nothing
    violated(moved(980), "0.98 s after the last current")
    violated(Tape(Polarity).at(5000).true("PAUSED").later(2000).true("PAUSED", bridge=-1), "with a run open")


def test_a_reset_may_move_the_bridge_and_takes_a_self_test() -> None:
    """Between 19 and 20 ticks, as the reset falls; in less there was none, and the bridge has moved by itself."""

    def next_seen(ms: int) -> Tape:
        return Tape(Polarity).at(5000).true("RAMP_UP", 250).later(ms).true("IDLE", bridge=-1)

    held(next_seen(191))
    violated(next_seen(189), "0.19 s after the last current")
