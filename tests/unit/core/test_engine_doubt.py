"""No answer, another unit, a reset: the engine asks what is true and goes on from there. Told as stories."""

from dataclasses import replace

import pytest

from controller.errors import ProtocolViolation
from controller.wire import UnitState
from tests import naive_wire
from tests.unit.core.story import FOUND, HELD, PRESCRIPTION, TO_HOLD, TO_PAUSED, TO_RAMP, TO_START, Player, play

TO_UP_ASKED = TO_RAMP + FOUND
TO_HOLD_ASKED = TO_HOLD + FOUND
BLIND = "limit limit=telemetry at most 1 s old while current flows observed={} s old"


# -- no answer while the run is prepared -----------------------------------------------------------------------------


def test_a_run_the_unit_never_heard_of_is_prepared_again_three_times_in_all() -> None:
    again = """
?                      | UNCERTAIN | HELLO
<HELLO 00              | UNCERTAIN | STATUS
<STATUS 00 st=STAGED   | UNCERTAIN | RUN run=RUN1
"""
    player = play(f"""
begin                  | STAGING   | PRES
{again}
<RUN 06                | STAGING   | PRES
<PRES 00               | CHECKING  | ARM D=8A7EE4B0
{again}
<RUN 06                | STAGING   | PRES
{again}
<RUN 06                | REFUSED   | = REFUSED 0..0
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "the unit did not answer while the run was being prepared"


def test_a_start_that_never_arrived_is_prepared_again_and_started_once() -> None:
    play(f"""{TO_START}
{FOUND.format("STAGED")}
+20                    | UNCERTAIN |
<RUN 06                | STAGING   | PRES
<PRES 00               | CHECKING  | ARM D=8A7EE4B0
?                      | UNCERTAIN | HELLO
+20                    | UNCERTAIN |
<HELLO 00              | UNCERTAIN | STATUS
<STATUS 00 st=STAGED   | UNCERTAIN | RUN run=RUN1
<RUN 06                | STAGING   | PRES
<PRES 00               | CHECKING  | ARM D=8A7EE4B0
<ARM 00 z=41800        | STARTING  | contact z_ohm=41800, START run=RUN1 D=8A7EE4B0 X=6100
""")


def test_a_reset_before_start_is_none_of_the_run() -> None:
    play(f"""{TO_START}
?                       | UNCERTAIN  | HELLO run=RUN1
<HELLO 00 boot=164      | UNCERTAIN  | reset boot=164 before=163, STATUS
<STATUS 00 st=IDLE      | UNCERTAIN  | RUN run=RUN1
<RUN 06                 | STAGING    | PRES
<PRES 00                | CHECKING   | ARM D=8A7EE4B0
<ARM 00 z=41800         | STARTING   | contact z_ohm=41800, START run=RUN1 D=8A7EE4B0 X=6100
?                       | UNCERTAIN  | HELLO run=RUN1
<HELLO 00 boot=164      | UNCERTAIN  | STATUS
<STATUS 00 st=RAMP_UP   | UNCERTAIN  | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | RAMPING_UP | taken_up st=RAMP_UP
""")


def test_a_fault_found_while_preparing_is_a_refusal() -> None:
    player = play("""
begin                  | STAGING   | PRES
?                      | UNCERTAIN | HELLO
<HELLO 00              | UNCERTAIN | STATUS
<STATUS 00 st=FAULT    | UNCERTAIN | RUN run=RUN1
<RUN 06                | REFUSED   | = REFUSED 0..0 refused=17
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "a fault is latched or its cause is still there"


def test_a_stop_in_doubt_goes_out_at_once_and_the_questions_go_on() -> None:
    play("""
begin                  | STAGING   | PRES
?                      | UNCERTAIN | HELLO
stop                   | UNCERTAIN | BRAKE
<HELLO 00              | UNCERTAIN | STATUS
<STATUS 00 st=IDLE     | UNCERTAIN | RUN run=RUN1
<RUN 06                | STOPPED   | = STOPPED 0..0 cause=operator
""")


@pytest.mark.parametrize("out", ["?", "<START 05", "<START 07", "<START 08"])
def test_a_start_without_an_answer_that_was_executed_is_taken_up(out: str) -> None:
    play(f"""{TO_START}
{out}                   | UNCERTAIN  | HELLO run=RUN1
<HELLO 00               | UNCERTAIN  | STATUS
<STATUS 00 st=RAMP_UP   | UNCERTAIN  | RUN run=RUN1
<RUN 00 out=RUNNING q=3 | RAMPING_UP | taken_up st=RAMP_UP
~RAMP_UP sid=4A18 i=90  | RAMPING_UP | KEEP t=0000
""")


# -- no answer in the run: each thing the unit may say -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ("RAMP_UP", "RAMPING_UP"),
        ("HOLD", "HOLDING"),
        ("RAMP_DOWN", "RAMPING_DOWN"),
        ("PAUSING", "PAUSING"),
    ],
)
def test_energised_is_taken_up_untouched(found: str, state: str) -> None:
    play(f"""{TO_UP_ASKED.format(found)}
<RUN 00 out=RUNNING q=9 | {state} | taken_up st={found}
+0.9                    | {state} |
~{found} sid=4A18 i=20  | {state} | {"KEEP t=0000" if found in ("RAMP_UP", "HOLD") else ""}
""")


@pytest.mark.parametrize("found", ["PAUSED", "CHECK", "ARMED"])
@pytest.mark.parametrize("attended", [True, False])
def test_paused_stays_paused_and_where_nobody_is_there_it_is_stopped(found: str, attended: bool) -> None:
    stopped = f"STOPPING | taken_up st={found}, BRAKE, STOP"
    player = play(
        f"""{TO_HOLD_ASKED.format(found)}
<RUN 00 out=RUNNING q=9 | {f"PAUSED | taken_up st={found}" if attended else stopped}
""",
        attended=attended,
    )
    if attended:
        assert player.line("resume") == "ARM D=8A7EE4B0"


def test_what_the_unit_says_after_status_is_newer_than_status() -> None:
    play(
        f"""{TO_HOLD_ASKED.format("PAUSING")}
~PAUSED sid=4A18 n=1    | UNCERTAIN |
<RUN 00 out=RUNNING st=PAUSED | PAUSED | taken_up st=PAUSED
""",
        attended=True,
    )


@pytest.mark.parametrize(
    ("outcome", "state", "end"),
    [
        ("DONE", "COMPLETED", "= DONE 291..1509"),
        ("STOPPED", "STOPPED", "= STOPPED 291..1509"),
        ("ABORTED", "STOPPED", "= ABORTED 291..1509"),
        ("TIMEOUT", "STOPPED", "= TIMEOUT 291..1509"),
        ("LINK", "STOPPED", "= LINK 291..1509 cause=link"),
        ("RESET", "STOPPED", "= RESET 0..1509"),
        ("FAULT:16", "FAULTED", "= FAULT:16 291..1509 fault=16"),
    ],
)
def test_a_run_that_ended_meanwhile(outcome: str, state: str, end: str) -> None:
    play(f"""{TO_HOLD_ASKED.format("DONE")}
<RUN 00 out={outcome} q=900 | {state} | {end}
""")


def test_a_run_confirmed_before_and_unknown_now_is_not_started_again() -> None:
    player = play(f"""{TO_HOLD_ASKED.format("IDLE")}
<RUN 06                 | ABANDONED | = UNKNOWN 0..6420
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "the unit does not know the run any more that it had confirmed"


def test_a_run_found_running_once_and_unknown_later_is_not_started_again() -> None:
    play(f"""{TO_START}
{FOUND.format("HOLD")}
<RUN 00 out=RUNNING q=3 | HOLDING   | taken_up st=HOLD
~HOLD sid=4A18          | HOLDING   | KEEP t=0000
{FOUND.format("IDLE")}
<RUN 06                 | ABANDONED | = UNKNOWN 0..6420
""")


def test_a_run_unknown_to_a_unit_that_confirmed_it_while_stopping() -> None:
    play(f"""{TO_HOLD}
stop                    | STOPPING  | BRAKE, STOP
<STOP 00 st=IDLE        | STOPPING  | RUN run=RUN1
<RUN 06                 | ABANDONED | = UNKNOWN 0..6420 cause=operator
""")


@pytest.mark.parametrize("verb", ["HELLO", "STATUS", "RUN"])
def test_a_question_that_is_refused_ends_in_not_knowing(verb: str) -> None:
    asked = {"HELLO": "", "STATUS": "<HELLO 00 | UNCERTAIN | STATUS", "RUN": "<STATUS 00 | UNCERTAIN | RUN run=RUN1"}
    before = "\n".join(list(asked.values())[: list(asked).index(verb) + 1])
    player = play(f"""{TO_HOLD}
?               | UNCERTAIN | HELLO run=RUN1
{before}
<{verb} 18      | ABANDONED | = UNKNOWN 0..6420
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == (
        f"the unit refuses {verb} to this host: a run is in progress under another host"
    )


def test_another_unit_that_answers_never_receives_a_raise() -> None:
    player = play(f"""{TO_HOLD}
?                       | UNCERTAIN | HELLO run=RUN1
<HELLO 00 sn=SN0043     | ABANDONED | = UNKNOWN 0..6420
+10                     | ABANDONED |
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "another unit answers: SN0043 instead of SN0042"


def test_another_unit_that_answers_while_preparing() -> None:
    play("""
begin                   | STAGING   | PRES
?                       | UNCERTAIN | HELLO
<HELLO 00 sn=SN0043     | ABANDONED | = UNKNOWN 0..0
""")


def test_a_reset_of_the_unit_ended_the_run() -> None:
    play(f"""{TO_HOLD}
?                       | UNCERTAIN | HELLO run=RUN1
<HELLO 00 boot=164      | UNCERTAIN | reset boot=164 before=163, STATUS
<STATUS 00 st=IDLE      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RESET q=900 | STOPPED   | = RESET 0..1509
""")


def test_a_run_that_goes_on_after_a_reset_is_stopped() -> None:
    play(f"""{TO_HOLD}
?                       | UNCERTAIN | HELLO run=RUN1
<HELLO 00 boot=164      | UNCERTAIN | reset boot=164 before=163, STATUS
<STATUS 00 st=HOLD      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | STOPPING  | taken_up st=HOLD, limit limit=a reset of the unit ends its run \
observed=it says that the run goes on, BRAKE, STOP
""")


def test_events_are_numbered_anew_after_a_reset() -> None:
    play("""
begin                   | STAGING   | PRES
!STATE STAGED n=500     | STAGING   |
?                       | UNCERTAIN | HELLO
<HELLO 00 boot=164      | UNCERTAIN | reset boot=164 before=163, STATUS
<STATUS 00 st=IDLE      | UNCERTAIN | RUN run=RUN1
<RUN 06                 | STAGING   | PRES
!STATE STAGED n=-499    | STAGING   |
!STATE CHECK n=3        | STAGING   | gap events=2
""")


# -- silence -----------------------------------------------------------------------------------------------------


def test_no_answer_at_all_is_given_up_after_30_s_and_the_dose_is_an_interval() -> None:
    player = play(f"""{TO_HOLD}
?                | UNCERTAIN | HELLO run=RUN1
?                | UNCERTAIN | HELLO run=RUN1
+29              | UNCERTAIN |
?                | UNCERTAIN | HELLO run=RUN1
+0.9             | UNCERTAIN |
+0.2             | ABANDONED | = UNKNOWN 0..6420 cause=link
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "the unit did not answer any more"
    assert player.engine.result.q_uc == 6420


def test_a_stop_that_was_never_answered_is_still_the_cause() -> None:
    play(f"""{TO_HOLD}
?                | UNCERTAIN | HELLO run=RUN1
stop             | UNCERTAIN | BRAKE
+31              | ABANDONED | = UNKNOWN 0..6420 cause=operator
""")


def test_answers_that_settle_nothing_are_no_answer() -> None:
    play(f"""{TO_HOLD}
?                | UNCERTAIN | HELLO run=RUN1
+20              | UNCERTAIN |
<HELLO 00        | UNCERTAIN | STATUS
?                | UNCERTAIN | HELLO run=RUN1
+9               | UNCERTAIN |
<HELLO 00        | UNCERTAIN | STATUS
+1.1             | ABANDONED | = UNKNOWN 0..6420 cause=link
""")


def test_a_doubt_that_was_settled_gives_the_next_one_its_own_30_s() -> None:
    play(f"""{TO_HOLD_ASKED.format("HOLD")}
+20                      | UNCERTAIN |
<RUN 00 out=RUNNING q=90 | HOLDING   | taken_up st=HOLD
~HOLD sid=4A18 dt=0.3    | HOLDING   | KEEP t=0000
?                        | UNCERTAIN | HELLO run=RUN1
+29                      | UNCERTAIN |
""")


@pytest.mark.parametrize(
    ("heard_uc", "loss", "lease", "high_uc"),
    [
        (1_000_000, "STOP", "2000", 1_016_600),  # 1 % and 600 uC, 1500 uA for 2 + 1 + 1 s
        (1_000_000, "STOP", "10000", 1_028_600),  # the lease the unit told last
        (1_000_000, "FINISH", "2000", 2_448_300),  # the whole dose, 2 % and 0.2 s
    ],
)
def test_how_much_may_have_flowed_depends_on_the_lease_and_on_loss(
    heard_uc: int, loss: str, lease: str, high_uc: int
) -> None:
    prescription = replace(PRESCRIPTION, q_uc=2_400_000, tmax_ms=2_400_000, loss=loss)
    player = Player(prescription=prescription)
    held = {**HELD, "Q": "2400000", "TMAX": "2400000", "LOSS": loss}
    echo = f"Q=2400000 TMAX=2400000 LOSS={loss} D={naive_wire.digest(held)}"
    for line in ("begin", f"<PRES 00 {echo}", "~CHECK", "<ARM 00", "<START 00", "~RAMP_UP"):
        player.line(line)
    player.line(f"~HOLD dt=0.9 n=9 q={heard_uc}")
    for line in ("?", f"<HELLO 00 lease={lease}", "?", "+31"):
        said = player.line(line)
    assert said.startswith("= UNKNOWN 989400..")
    assert player.engine.result is not None
    assert player.engine.result.high_uc == high_uc


# -- stopping in doubt -----------------------------------------------------------------------------------------------


def test_a_stop_without_an_answer_is_sent_again_by_byte_and_when_the_run_is_found() -> None:
    play(f"""{TO_HOLD}
stop                    | STOPPING  | BRAKE, STOP
+1                      | STOPPING  |
+0.01                   | STOPPING  | {BLIND.format("1.0")}, BRAKE
?                       | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | STATUS
<STATUS 00 st=RAMP_DOWN | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | STOPPING  | taken_up st=RAMP_DOWN, STOP
<STOP 00 st=DONE        | STOPPING  | RUN run=RUN1
<RUN 00 out=STOPPED q=9 | STOPPED   | = STOPPED 0..609 cause=operator
""")


def test_the_stop_byte_is_repeated_in_every_second_of_doubt() -> None:
    play(f"""{TO_HOLD}
?                       | UNCERTAIN | HELLO run=RUN1
stop                    | UNCERTAIN | BRAKE
+1.1                    | UNCERTAIN |
?                       | UNCERTAIN | BRAKE, HELLO run=RUN1
+0.9                    | UNCERTAIN |
?                       | UNCERTAIN | HELLO run=RUN1
+0.9                    | UNCERTAIN |
<HELLO 00               | UNCERTAIN | BRAKE, STATUS
""")


def test_an_abort_in_doubt_stays_an_abort() -> None:
    play(f"""{TO_HOLD}
?                       | UNCERTAIN | HELLO run=RUN1
abort                   | UNCERTAIN | ABORTING
+1.1                    | UNCERTAIN |
<HELLO 00               | UNCERTAIN | ABORTING, STATUS
<STATUS 00 st=HOLD      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | STOPPING  | taken_up st=HOLD, ABORT
""")


def test_a_breach_in_doubt_stops_what_is_found() -> None:
    play(f"""{TO_HOLD}
?                       | UNCERTAIN | HELLO run=RUN1
breach                  | UNCERTAIN | limit limit=a limit observed=was passed, BRAKE
<HELLO 00               | UNCERTAIN | STATUS
<STATUS 00 st=HOLD      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | STOPPING  | taken_up st=HOLD, STOP
""")


def test_what_was_missed_in_doubt_is_asked_for_when_the_doubt_is_over() -> None:
    play(f"""{TO_HOLD}
!STATE HOLD             | HOLDING   |
~HOLD dt=0.3            | HOLDING   | KEEP t=0004
?                       | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | STATUS
!WARN 05 n=3            | UNCERTAIN | gap events=2
<STATUS 00 st=HOLD      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | HOLDING   | taken_up st=HOLD, EVENTS n=0002
~HOLD sid=4A18 n=3 dt=0.3 | HOLDING | gap telemetry=2
<EVENTS 00              | HOLDING   | KEEP t=0002
?                       | UNCERTAIN | HELLO run=RUN1
<HELLO 00               | UNCERTAIN | STATUS
<STATUS 00 st=HOLD      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | HOLDING   | taken_up st=HOLD
""")


def test_everything_that_was_missed_in_doubt_is_asked_for() -> None:
    play(f"""{TO_HOLD}
!STATE HOLD             | HOLDING   |
~HOLD dt=0.3            | HOLDING   | KEEP t=0004
?                       | UNCERTAIN | HELLO run=RUN1
!WARN 05 n=2            | UNCERTAIN | gap events=1
<HELLO 00               | UNCERTAIN | STATUS
!WARN 05 n=2            | UNCERTAIN | gap events=1
<STATUS 00 st=HOLD      | UNCERTAIN | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | HOLDING   | taken_up st=HOLD, EVENTS n=0002
<EVENTS 00              | HOLDING   | EVENTS n=0004
""")


def test_an_engine_left_without_a_question_asks_again() -> None:
    """A greeting that is malformed is raised as what it is; the doubt stays."""
    player = play(f"{TO_HOLD}\n? | UNCERTAIN | HELLO run=RUN1")
    with pytest.raises(ProtocolViolation, match="reply to HELLO says boot=x"):
        player.line("<HELLO 00 boot=x")
    assert player.line("+0.1") == "HELLO run=RUN1"


# -- what was found is old ---------------------------------------------------------------------------------------


def test_the_answer_to_run_is_newer_than_that_to_status() -> None:
    """STATUS ran in PAUSING; its answer was lost twice and came again from the unit's memory, when it had paused."""
    play(f"""{TO_HOLD_ASKED.format("PAUSING")}
<RUN 00 out=RUNNING st=PAUSED | STOPPING | taken_up st=PAUSED, BRAKE, STOP
""")


def test_telemetry_that_says_otherwise_counts_though_it_does_not_change() -> None:
    play(f"""{TO_HOLD_ASKED.format("PAUSING")}
~PAUSED                        | UNCERTAIN |
<RUN 00 out=RUNNING st=PAUSING | PAUSING   | taken_up st=PAUSING
~PAUSED                        | STOPPING  | BRAKE, STOP
""")


def test_a_fault_seen_after_status_is_a_refusal_of_a_run_that_never_was() -> None:
    play(f"""{TO_START}
{FOUND.format("IDLE")}
~FAULT sid=4A18 fl=1    | UNCERTAIN |
<RUN 06                 | REFUSED   | = REFUSED 0..0 refused=17
""")


def test_current_found_though_resuming_was_refused_is_paused() -> None:
    play(
        f"""{TO_PAUSED}
resume                  | CHECKING   | ARM D=8A7EE4B0
<ARM 16                 | PAUSED     |
+1.1                    | UNCERTAIN  | HELLO run=RUN1
<HELLO 00               | UNCERTAIN  | STATUS
<STATUS 00 st=RAMP_UP   | UNCERTAIN  | RUN run=RUN1
<RUN 00 out=RUNNING q=9 | RAMPING_UP | taken_up st=RAMP_UP, PAUSE
""",
        attended=True,
    )


# -- lines that come late ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("back", ["-1", "-5"], ids=["the line before", "number 0"])
def test_a_line_that_comes_late_is_no_news(back: str) -> None:
    """The one before the newest, and the session's number 0: the quick way must not take them for the next."""
    player = play(f"""{TO_HOLD}
~HOLD n=2               | HOLDING   | gap telemetry=1
~PAUSED n={back} dt=-0.1 | HOLDING  |
""")
    assert player.engine.course.followed is UnitState.HOLD
