"""The port vanishes and comes back: a run is looked for, taken up or given up. Told as stories."""

import pytest

from controller.exchange import Confirmed, Uncertain
from controller.wire import Reply
from tests.unit.core.story import TO_HOLD, TO_PAUSED, TO_RAMP, TO_START, play


@pytest.mark.parametrize(
    "before",
    [
        "begin | STAGING | PRES",
        "begin | STAGING | PRES\n<PRES 00 | CHECKING | ARM D=8A7EE4B0",
        "begin | STAGING | PRES\n? | UNCERTAIN | HELLO",
    ],
    ids=["staging", "checking", "in doubt"],
)
def test_a_port_lost_before_start_is_certain_nothing_was_delivered(before: str) -> None:
    player = play(f"{before}\nlost | REFUSED | = REFUSED 0..0 cause=link\nlink | REFUSED |")
    assert player.engine.result is not None
    assert player.engine.result.reason == "the port was lost before the run was started; nothing was delivered"


@pytest.mark.parametrize(
    ("before", "found", "then"),
    [
        (TO_START, "RAMP_UP", "RAMPING_UP | taken_up st=RAMP_UP"),
        (TO_RAMP, "HOLD", "HOLDING | taken_up st=HOLD"),
        (TO_HOLD, "HOLD", "HOLDING | taken_up st=HOLD"),
        (f"{TO_HOLD}\n~RAMP_DOWN | RAMPING_DOWN |", "RAMP_DOWN", "RAMPING_DOWN | taken_up st=RAMP_DOWN"),
        (f"{TO_HOLD}\n~PAUSING fl=400 | PAUSING |", "PAUSING", "PAUSING | taken_up st=PAUSING"),
        (TO_PAUSED, "PAUSED", "PAUSED | taken_up st=PAUSED"),
        (f"{TO_PAUSED}\nresume | CHECKING | ARM D=8A7EE4B0", "CHECK", "STOPPING | taken_up st=CHECK, BRAKE, STOP"),
        (f"{TO_HOLD}\n? | UNCERTAIN | HELLO run=RUN1", "HOLD", "HOLDING | taken_up st=HOLD"),
    ],
    ids=["starting", "up", "hold", "down", "pausing", "paused", "resuming", "in doubt"],
)
def test_a_port_lost_in_the_run_is_looked_for_and_the_run_taken_up(before: str, found: str, then: str) -> None:
    play(f"""{before}
lost                    | LOST      |
lost                    | LOST      |
!STATE FAULT            | LOST      |
pause                   | LOST      | no
+20                     | LOST      |
link                    | UNCERTAIN | HELLO run=RUN1
link                    | UNCERTAIN |
<HELLO 00               | UNCERTAIN | STATUS
<STATUS 00 st={found}   | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | {then}
""")


def test_a_port_lost_after_a_stop_before_start() -> None:
    play("""
begin  | STAGING  | PRES
stop   | STOPPING | BRAKE
lost   | STOPPED  | = STOPPED 0..0 cause=operator
""")


def test_a_port_lost_at_the_end_is_asked_for_it_again() -> None:
    play(f"""{TO_HOLD}
~DONE                   | HOLDING   | RUN run=RUN1
lost                    | LOST      |
link                    | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | STATUS
<STATUS 00 st=DONE      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=DONE q=6000 | COMPLETED | = DONE 5340..6660
""")


def test_a_run_taken_up_after_a_short_loss_ended_for_its_own_reason() -> None:
    play(f"""{TO_HOLD}
lost                    | LOST      |
link                    | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | STATUS
<STATUS 00 st=HOLD      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | HOLDING   | taken_up st=HOLD
~PAUSED sid=4A18        | STOPPING  | BRAKE, STOP
<STOP 00 st=DONE        | STOPPING  | RUN run=RUN1
<RUN 00 out=STOPPED q=9 | STOPPED   | = STOPPED 0..609 cause=contact
""")


def test_a_pause_found_after_a_loss_is_blamed_on_the_link() -> None:
    play(f"""{TO_HOLD}
lost                    | LOST      |
link                    | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | STATUS
<STATUS 00 st=PAUSED    | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | STOPPING  | taken_up st=PAUSED, BRAKE, STOP
<STOP 00 st=DONE        | STOPPING  | RUN run=RUN1
<RUN 00 out=STOPPED q=9 | STOPPED   | = STOPPED 0..609 cause=link
""")


def test_a_port_that_never_comes_back_is_given_up_after_30_s() -> None:
    play(f"""{TO_HOLD}
lost             | LOST      |
+29.9            | LOST      |
+0.2             | ABANDONED | = UNKNOWN 0..6420 cause=link
""")


def test_a_port_lost_after_a_stop_is_looked_for_and_the_stop_repeated() -> None:
    play(f"""{TO_HOLD}
stop                    | STOPPING  | BRAKE, STOP
lost                    | LOST      |
+5                      | LOST      |
link                    | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | BRAKE, STATUS
<STATUS 00 st=RAMP_DOWN | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | STOPPING  | taken_up st=RAMP_DOWN, STOP
""")


def test_what_was_to_be_asked_goes_with_the_port() -> None:
    play(f"""{TO_START}
stop                    | STOPPING  | BRAKE
lost                    | LOST      |
link                    | UNCERTAIN | HELLO run=RUN1
""")


def test_a_stop_while_the_port_is_lost_goes_out_when_it_is_back() -> None:
    play(f"""{TO_HOLD}
lost                    | LOST      |
stop                    | LOST      | BRAKE
link                    | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | BRAKE, STATUS
<STATUS 00 st=HOLD      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | STOPPING  | taken_up st=HOLD, STOP
""")


def test_an_answer_that_is_older_than_the_loss_is_not_taken() -> None:
    player = play(f"{TO_START}\nlost | LOST |")
    done = Reply(0x4A17, 3, 0, "RUN", {"out": "DONE", "q": "6000"})
    player.engine.on_verdict(Confirmed("RUN", done), player.now)
    player.engine.on_verdict(Uncertain("START"), player.now)
    assert player.engine.state.name == "LOST"
