"""Pauses, asked for or not, and the way out of them: by hand, and the contact is measured again. Told as stories."""

import pytest

from tests.unit.core.story import FOUND, TO_HOLD, TO_PAUSED, play


def test_the_operator_pauses_and_resumes() -> None:
    play(f"""{TO_PAUSED}
~PAUSED dt=0.9     | PAUSED     |
resume             | CHECKING   | ARM D=8A7EE4B0
resume             | CHECKING   | no
~CHECK             | CHECKING   |
<ARM 00 z=41800    | STARTING   | contact z_ohm=41800, RESUME run=RUN1 X=8000
<RESUME 00         | RAMPING_UP |
~RAMP_UP i=0       | RAMPING_UP | KEEP t=0008
""")


def test_an_event_that_comes_twice_pauses_nothing_twice() -> None:
    play(f"""{TO_HOLD}
pause              | HOLDING    | PAUSE
!STATE PAUSED      | PAUSED     |
~PAUSED            | PAUSED     |
<PAUSE 00          | PAUSED     |
resume             | CHECKING   | ARM D=8A7EE4B0
~CHECK             | CHECKING   |
<ARM 00 z=41800    | STARTING   | contact z_ohm=41800, RESUME run=RUN1 X=7000
<RESUME 00         | RAMPING_UP |
!STATE PAUSED n=0  | RAMPING_UP |
!STATE PAUSED n=-1 | RAMPING_UP |
""")


def test_a_pausing_unit_needs_no_keep() -> None:
    play(f"""{TO_HOLD}
pause              | HOLDING    | PAUSE
<PAUSE 00          | PAUSING    |
~HOLD dt=0.3       | PAUSING    |
""")


def test_pause_is_refused_where_there_is_nothing_to_pause() -> None:
    play("""
begin    | STAGING  | PRES
pause    | STAGING  | no
resume   | STAGING  | no
<PRES 00 | CHECKING | ARM D=8A7EE4B0
pause    | CHECKING | no
""")


def test_a_pause_seen_before_its_answer() -> None:
    play(f"""{TO_HOLD}
pause           | HOLDING | PAUSE
!STATE PAUSING  | PAUSING |
!STATE PAUSED   | PAUSED  |
<PAUSE 00       | PAUSED  |
""")


def test_a_pause_refused_because_the_dose_is_nearly_complete() -> None:
    play(f"""{TO_HOLD}
pause           | HOLDING      | PAUSE
~RAMP_DOWN      | RAMPING_DOWN |
<PAUSE 04       | RAMPING_DOWN |
""")


def test_a_pause_of_the_units_own_that_nobody_is_there_to_answer_ends_the_run() -> None:
    player = play(f"""{TO_HOLD}
!WARN 01                  | HOLDING  |
~PAUSED                   | STOPPING | BRAKE, STOP
<STOP 00 st=DONE          | STOPPING | RUN run=RUN1
<RUN 00 out=STOPPED q=900 | STOPPED  | = STOPPED 291..1509 cause=contact
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "the contact broke and the unit paused; nobody was there to resume"


def test_a_pause_because_the_unit_missed_its_host() -> None:
    player = play(f"""{TO_HOLD}
~PAUSING fl=400           | PAUSING  |
~PAUSED fl=400            | STOPPING | BRAKE, STOP
<STOP 00 st=DONE          | STOPPING | RUN run=RUN1
<RUN 00 out=STOPPED q=900 | STOPPED  | = STOPPED 291..1509 cause=link
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "the unit lost its host and paused; nobody was there to resume"


def test_where_somebody_is_there_a_pause_waits_until_the_unit_ends_it() -> None:
    play(
        f"""{TO_HOLD}
~PAUSED                   | PAUSED  |
~PAUSED dt=0.5            | PAUSED  |
~PAUSED dt=0.5            | PAUSED  |
~DONE                     | PAUSED  | RUN run=RUN1
<RUN 00 out=TIMEOUT q=900 | STOPPED | = TIMEOUT 291..1509
""",
        attended=True,
    )


@pytest.mark.parametrize("verb", ["ARM", "RESUME"])
def test_resuming_refused_where_somebody_is_there_stays_paused(verb: str) -> None:
    armed = """
~CHECK           | CHECKING |
<ARM 00 z=41800  | STARTING | contact z_ohm=41800, RESUME run=RUN1 X=7100
"""
    play(
        f"""{TO_PAUSED}
resume           | CHECKING | ARM D=8A7EE4B0
{armed if verb == "RESUME" else ""}
<{verb} 16       | PAUSED   |
~PAUSED          | PAUSED   |
resume           | CHECKING | ARM D=8A7EE4B0
""",
        attended=True,
    )


def test_resuming_refused_where_nobody_is_there_ends_the_run() -> None:
    player = play(f"""{TO_PAUSED}
resume                    | CHECKING | ARM D=8A7EE4B0
<ARM 16                   | STOPPING | BRAKE, STOP
<STOP 00 st=DONE          | STOPPING | RUN run=RUN1
<RUN 00 out=STOPPED q=900 | STOPPED  | = STOPPED 291..1509 cause=contact
""")
    assert player.engine.result is not None
    assert player.engine.result.reason.startswith("resuming was refused: contact check failed")


def test_a_run_that_timed_out_during_its_contact_check_is_ended() -> None:
    play(
        f"""{TO_PAUSED}
resume                    | CHECKING | ARM D=8A7EE4B0
~CHECK                    | CHECKING |
~DONE                     | CHECKING |
<ARM 13                   | PAUSED   | RUN run=RUN1
<RUN 00 out=TIMEOUT q=900 | STOPPED  | = TIMEOUT 291..1509
""",
        attended=True,
    )


@pytest.mark.parametrize("state", ["RAMP_UP", "HOLD"])
def test_nothing_resumes_by_itself(state: str) -> None:
    play(
        f"""{TO_PAUSED}
~{state} i=0 | STOPPING | limit limit=current only after START or RESUME observed={state} in PAUSED, BRAKE, STOP
""",
        attended=True,
    )


def test_a_run_of_somebody_else_is_neither_kept_alive_nor_joined() -> None:
    play("""
begin   | STAGING  | PRES
~HOLD   | STOPPING | limit limit=current only after START or RESUME observed=HOLD in STAGING, BRAKE
""")


# -- pausing in doubt ------------------------------------------------------------------------------------------------


def test_a_pause_that_never_arrived_is_asked_for_again() -> None:
    play(f"""{TO_HOLD}
pause                   | HOLDING   | PAUSE
{FOUND.format("HOLD")}
pause                   | UNCERTAIN | no
<RUN 00 out=RUNNING q=9 | HOLDING   | taken_up st=HOLD, PAUSE
<PAUSE 00               | PAUSING   |
""")


def test_a_pause_that_came_too_late_is_not_asked_for_again() -> None:
    play(f"""{TO_HOLD}
pause                   | HOLDING   | PAUSE
{FOUND.format("RAMP_DOWN")}
<RUN 00 out=RUNNING q=9 | RAMPING_DOWN | taken_up st=RAMP_DOWN
""")


def test_a_pause_that_was_asked_for_survives_a_doubt_where_nobody_else_would_answer_it() -> None:
    play(f"""{TO_HOLD}
pause                   | HOLDING   | PAUSE
{FOUND.format("PAUSED")}
<RUN 00 out=RUNNING q=9 | PAUSED    | taken_up st=PAUSED
""")


def test_a_paused_unit_that_falls_silent_is_asked_because_another_host_may_have_its_session() -> None:
    play(f"""{TO_PAUSED}
+1                      | PAUSED    |
+0.01                   | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | STATUS
<STATUS 00 st=PAUSED    | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | PAUSED    | taken_up st=PAUSED
+1                      | PAUSED    |
~PAUSED sid=4A18        | PAUSED    |
""")


def test_a_resume_without_an_answer_that_was_executed_is_taken_up() -> None:
    play(f"""{TO_PAUSED}
resume                  | CHECKING   | ARM D=8A7EE4B0
~CHECK                  | CHECKING   |
<ARM 00 z=41800         | STARTING   | contact z_ohm=41800, RESUME run=RUN1 X=7100
{FOUND.format("RAMP_UP")}
<RUN 00 out=RUNNING q=9 | RAMPING_UP | taken_up st=RAMP_UP
""")
