"""A run from PRES to its end, told as stories (``story.py``): what is asked, what is refused, what goes wrong."""

import copy

import pytest

from controller.effects import Ask
from tests.unit.core.story import HELD, TO_HOLD, TO_PAUSED, TO_RAMP, TO_START, play


def test_the_good_run() -> None:
    player = play(f"""{TO_RAMP}
~RAMP_UP dt=0.1 i=100 | RAMPING_UP   |
~RAMP_UP dt=0.1 i=200 | RAMPING_UP   | KEEP t=0004
!STATE HOLD           | HOLDING      |
~HOLD dt=0.2          | HOLDING      |
~RAMP_DOWN            | RAMPING_DOWN |
~RAMP_DOWN dt=0.5     | RAMPING_DOWN |
~DONE                 | RAMPING_DOWN | RUN run=RUN1
<RUN 00 out=DONE q=6000 | COMPLETED  | = DONE 5340..6660
""")
    result = player.engine.result
    assert result is not None
    assert (result.q_uc, result.peak_ua, result.run) == (6000, 1500, "RUN1")
    assert result.duration_s == pytest.approx(1.3)  # from the answer to ARM at 100.1 s to that to RUN at 101.4 s
    assert (result.fault, result.refused, result.breach, result.reason) == (None, None, None, "")


def test_what_raises_is_marked_so_that_its_intent_is_on_disk_first() -> None:
    verbs = ["PRES", "ARM", "START", "RESUME", "PAUSE", "STOP", "ABORT", "KEEP", "HELLO", "STATUS", "RUN", "EVENTS"]
    assert [verb for verb in verbs if Ask(verb).raising] == ["PRES", "ARM", "START", "RESUME"]


def test_every_move_and_every_verdict_but_keeps_is_noted() -> None:
    player = play(TO_HOLD)
    moves = [(n.facts["was"], n.facts["by"], n.facts["st"]) for n in player.notes if n.kind == "state"]
    assert moves == [
        ("READY", "STAGE", "STAGING"),
        ("STAGING", "STAGED", "CHECKING"),
        ("CHECKING", "CHECKED", "STARTING"),
        ("STARTING", "STARTED", "RAMPING_UP"),
        ("RAMPING_UP", "REACHED", "HOLDING"),
    ]
    verdicts = [n.facts for n in player.notes if n.kind == "verdict"]
    assert verdicts == [{"verb": verb, "answer": "Confirmed"} for verb in ("PRES", "ARM", "START")]


def test_x_is_the_newest_unit_time_plus_a_second_modulo_2_to_32() -> None:
    play("""
begin                  | STAGING  | PRES
<PRES 00               | CHECKING | ARM D=8A7EE4B0
~CHECK dt=4294961.996  | CHECKING |
<ARM 00 z=41800        | STARTING | contact z_ohm=41800, START run=RUN1 D=8A7EE4B0 X=700
""")  # fmt: skip


# -- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1, 2, 3, 4, 12, 17, 20])
def test_pres_refused(code: int) -> None:
    play(f"""
begin             | STAGING |  PRES
<PRES {code:02d}  | REFUSED | = REFUSED 0..0 refused={code}
~IDLE             | REFUSED |
stop              | REFUSED | no
""")


@pytest.mark.parametrize("key", HELD)
def test_a_prescription_held_otherwise_than_meant_is_never_armed(key: str) -> None:
    player = play(f"""
begin             | STAGING |  PRES
<PRES 00 {key}=77 | REFUSED | BRAKE, = REFUSED 0..0
+10               | REFUSED |
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == (
        f"the unit holds another prescription than the one meant: {key}=77 for {HELD[key]}"
    )


def test_another_digest_under_the_same_fields_is_never_armed() -> None:
    player = play("""
begin                 | STAGING |  PRES
<PRES 00 D=00000000   | REFUSED | BRAKE, = REFUSED 0..0
""")
    assert player.engine.result is not None
    assert player.engine.result.reason.endswith("D=00000000 for 8A7EE4B0")


@pytest.mark.parametrize("code", [4, 13, 14, 16, 17, 25])
def test_arm_refused(code: int) -> None:
    player = play(f"""
begin             | STAGING  |  PRES
<PRES 00          | CHECKING | ARM D=8A7EE4B0
<ARM {code:02d}   | REFUSED  | = REFUSED 0..0 refused={code}
""")
    assert player.engine.result is not None
    assert player.engine.result.duration_s == 0.0


@pytest.mark.parametrize("code", [9, 13, 14, 17, 20])
def test_start_refused_is_certain_nothing_was_delivered(code: int) -> None:
    player = play(f"""{TO_START}
<START {code:02d} | REFUSED | = REFUSED 0..0 refused={code}
""")
    assert player.engine.result is not None
    assert player.engine.result.duration_s == 0.0


def test_a_refusal_without_a_text_is_told_by_its_number() -> None:
    player = play("begin | STAGING | PRES\n<PRES 99 | REFUSED | = REFUSED 0..0 refused=99")
    assert player.engine.result is not None
    assert player.engine.result.reason == "error 99"


def test_a_unit_without_telemetry_is_not_started_because_nobody_could_watch() -> None:
    play("""
begin             | STAGING  | PRES
<PRES 00          | CHECKING | ARM D=8A7EE4B0
<ARM 00 z=41800   | REFUSED  | contact z_ohm=41800, BRAKE, = REFUSED 0..0
""")


# -- START answered 15 -------------------------------------------------------------------------------------------


def test_a_run_started_already_and_running_is_taken_as_started() -> None:
    play(f"""{TO_START}
~HOLD dt=0.5 q=375          | STARTING |
<START 15 out=RUNNING q=375 | HOLDING  | KEEP t=0002
""")


def test_a_run_started_already_and_ended_is_not_started_again() -> None:
    play(f"""{TO_START}
<START 15 out=STOPPED q=1234  | STARTING | RUN run=RUN1
<RUN 00 out=STOPPED q=1234    | STOPPED  | = STOPPED 622..1846
""")


def test_a_run_started_already_and_then_unknown_is_not_started_again() -> None:
    play(f"""{TO_START}
<START 15                   | STARTING  | RUN run=RUN1
<RUN 06                     | ABANDONED | = UNKNOWN 0..6420
""")


def test_a_start_answered_15_after_a_stop_moves_nothing() -> None:
    play(f"""{TO_START}
stop                        | STOPPING | BRAKE
<START 15 out=RUNNING q=0   | STOPPING | STOP
<STOP 00                    | STOPPING | RUN run=RUN1
<RUN 00 out=RUNNING q=0     | STOPPING |
~DONE                       | STOPPING | RUN run=RUN1
<RUN 00 out=STOPPED q=10    | STOPPED  | = STOPPED 0..610 cause=operator
""")


# -- events that come early --------------------------------------------------------------------------------------


def test_what_the_unit_reached_before_the_answer_to_start_is_followed_with_it() -> None:
    play(f"""{TO_START}
!STATE RAMP_UP     | STARTING |
~HOLD dt=0.9 q=375 | STARTING |
<START 00          | HOLDING  | KEEP t=0002
""")


def test_a_run_that_faulted_before_the_answer_to_start() -> None:
    play(f"""{TO_START}
!FAULT 07              | STARTING   |
!STATE FAULT           | STARTING   |
<START 00              | RAMPING_UP | RUN run=RUN1
<RUN 00 out=FAULT:07 q=5 | FAULTED  | = FAULT:07 0..605 fault=7
""")


# -- faults ------------------------------------------------------------------------------------------------------


def test_a_fault_before_anything_was_started() -> None:
    play("""
begin        | STAGING  | PRES
~IDLE        | STAGING  |
<PRES 00     | CHECKING | ARM D=8A7EE4B0
!FAULT 18    | CHECKING |
!FAULT 02    | CHECKING |
!STATE FAULT | CHECKING |
~FAULT fl=20002 | FAULTED | = FAULT:18 0..0 fault=18
""")


@pytest.mark.parametrize(("mask", "code"), [("1", 1), ("80402", 2), ("20000", 18), ("0", 0)])
def test_a_unit_that_is_in_fault_at_the_beginning_names_its_first_bit(mask: str, code: int) -> None:
    play(f"""
begin            | STAGING | PRES
~FAULT fl={mask} | FAULTED | = FAULT:{code:02d} 0..0 fault={code}
""")


def test_a_fault_in_the_run_and_what_its_end_was_is_asked() -> None:
    player = play(f"""{TO_HOLD}
!FAULT 02                 | HOLDING      |
!FAULT 05                 | HOLDING      |
!STATE RAMP_DOWN          | RAMPING_DOWN |
!STATE FAULT              | RAMPING_DOWN | RUN run=RUN1
~FAULT fl=2               | RAMPING_DOWN |
<RUN 00 out=FAULT:02 q=900 | FAULTED     | = FAULT:02 291..1509 fault=2
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "impedance too high: dry electrode or poor contact"


def test_a_fault_after_the_end_changes_nothing() -> None:
    play(f"""{TO_HOLD}
~DONE                   | HOLDING   | RUN run=RUN1
<RUN 00 out=DONE q=6000 | COMPLETED | = DONE 5340..6660
!FAULT 02               | COMPLETED |
~FAULT fl=2             | COMPLETED |
lost                    | COMPLETED |
link                    | COMPLETED |
pause                   | COMPLETED | no
breach                  | COMPLETED |
+60                     | COMPLETED |
""")


@pytest.mark.parametrize("verdict", ["<PRES 00", "<PRES 17", "?"])
def test_a_late_verdict_after_the_end_changes_nothing(verdict: str) -> None:
    play(f"""
begin             | STAGING  | PRES
~FAULT fl=1       | FAULTED  | = FAULT:01 0..0 fault=1
{verdict}         | FAULTED  |
""")


def test_a_fault_after_a_stop_is_the_units_word() -> None:
    player = play(f"""{TO_HOLD}
stop                       | STOPPING | BRAKE, STOP
<STOP 00                   | STOPPING |
~FAULT fl=1                | STOPPING | RUN run=RUN1
<RUN 00 out=FAULT:01 q=900 | FAULTED  | = FAULT:01 291..1509 fault=1 cause=operator
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "stopped by a person"


@pytest.mark.parametrize("word", ["FAULT:XX", "FAULT:", "FAULT:1", "BORED", "DONE2", "done"])
def test_a_word_that_is_no_outcome_tells_nothing_and_the_dose_is_an_interval(word: str) -> None:
    player = play(f"{TO_HOLD}\n~DONE q=900 | HOLDING | RUN run=RUN1")
    player.line(f"<RUN 00 out={word} q=900")
    result = player.engine.result
    assert result is not None
    assert (result.outcome, player.engine.state.name) == ("UNKNOWN", "ABANDONED")
    assert result.reason == f"the unit says that the run ended as {word}, which is no outcome"
    assert result.low_uc <= 375 <= result.high_uc  # what was reported while current flowed


# -- ended by others ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "cause", "reason"),
    [
        ("STOPPED", "", "stopped at the unit or by another connection"),
        ("ABORTED", "", "aborted at the unit or by another connection"),
        ("TIMEOUT", "", "paused, and nobody resumed within 10 min"),
        ("LINK", " cause=link", "the unit lost its host, and nobody resumed within 10 min"),
    ],
)
@pytest.mark.parametrize("state", ["DONE", "IDLE", "STAGED"])
def test_a_run_that_the_unit_closed(state: str, outcome: str, cause: str, reason: str) -> None:
    player = play(f"""{TO_HOLD}
~{state}                       | HOLDING | RUN run=RUN1
<RUN 00 out={outcome} q=900    | STOPPED | = {outcome} 291..1509{cause}
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == reason


def test_a_dose_that_was_complete_when_a_pause_began() -> None:
    play(f"""{TO_HOLD}
~PAUSING fl=400          | PAUSING |
~DONE                    | PAUSING | RUN run=RUN1
<RUN 00 out=DONE q=6000  | STOPPED | = DONE 5340..6660
""")


def test_an_end_that_is_seen_twice_is_asked_about_once() -> None:
    player = play(f"""{TO_HOLD}
!STATE DONE             | HOLDING   | RUN run=RUN1
~DONE                   | HOLDING   |
""")
    assert not player.engine.asks


def test_a_run_can_be_copied_in_the_middle_and_both_go_on_alone() -> None:
    player = play(TO_PAUSED)
    before = copy.deepcopy(player)
    ends = ["~PAUSED", "stop", "<STOP 00 st=DONE", "<RUN 00 out=STOPPED q=900"]
    said = [player.line(line) for line in ends]
    assert said == ["", "BRAKE, STOP", "RUN run=RUN1", "= STOPPED 291..1509 cause=operator"]
    assert (before.engine.state.name, before.engine.result) == ("PAUSED", None)
    assert [before.line(line) for line in ends] == said
    assert before.engine.result == player.engine.result
