"""Stopping, watching and keeping alive: what the engine does by itself while current flows, told as stories."""

import itertools

import pytest

from controller.engine import Engine
from controller.limits import Breach
from tests.unit.core.story import FACTS, PRESCRIPTION, RUN, TO_HOLD, TO_PAUSED, TO_RAMP, TO_START, Player, play

BLIND = "limit limit=telemetry at most 1 s old while current flows observed={} s old"
DISOBEYED = "limit limit=STOP is obeyed within 1 s observed={}"


def test_an_engine_that_was_not_begun_asks_for_nothing_and_can_be_stopped() -> None:
    engine = Engine(PRESCRIPTION, RUN, FACTS, attended=False)
    engine.on_time(0.0)
    engine.on_time(1e6)
    assert (engine.take_ask(), engine.over, engine.state.name) == (None, False, "READY")
    assert engine.order("stop", 0.0, "a person")
    assert engine.state.name == "STOPPING"


# -- STOP from everywhere ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["stop", "breach"])
@pytest.mark.parametrize(
    ("before", "out"),
    [
        ("begin | STAGING | PRES", "PRES"),
        ("begin | STAGING | PRES\n<PRES 00 | CHECKING | ARM D=8A7EE4B0", "ARM"),
        (TO_START, "START"),
        (TO_RAMP, ""),
        (TO_HOLD, ""),
        (f"{TO_HOLD}\n~RAMP_DOWN | RAMPING_DOWN |", ""),
        (f"{TO_HOLD}\n~PAUSING fl=400 | PAUSING |", ""),
        (TO_PAUSED, ""),
        (f"{TO_PAUSED}\nresume | CHECKING | ARM D=8A7EE4B0", "ARM"),
        (f"{TO_HOLD}\n~DONE | HOLDING | RUN run=RUN1", "RUN"),
    ],
    ids=["staging", "checking", "starting", "up", "hold", "down", "pausing", "paused", "resuming", "over"],
)
def test_stop_brakes_at_once_and_the_sealed_one_follows_when_the_line_is_free(
    before: str, out: str, order: str
) -> None:
    player = play(before)
    limit = "limit limit=a limit observed=was passed, " if order == "breach" else ""
    assert player.line(order) == f"{limit}BRAKE" + ("" if out else ", STOP")
    assert player.engine.state.name == "STOPPING"
    if out:
        assert player.line("?" if out == "RUN" else f"<{out} 13").endswith("HELLO run=RUN1" if out == "RUN" else "STOP")


@pytest.mark.parametrize("confirmed", ["PRES", "ARM"])
def test_what_was_confirmed_after_a_stop_leads_to_nothing(confirmed: str) -> None:
    story = "begin | STAGING | PRES\n"
    if confirmed == "ARM":
        story += "<PRES 00 | CHECKING | ARM D=8A7EE4B0\n~CHECK | CHECKING |\n"
    play(f"""{story}
stop                | STOPPING | BRAKE
<{confirmed} 00     | STOPPING | STOP
<STOP 00 st=IDLE    | STOPPED  | = STOPPED 0..0 cause=operator
""")


def test_a_stop_before_start_ends_as_soon_as_the_unit_is_seen_idle() -> None:
    player = play("""
begin            | STAGING  | PRES
<PRES 00         | CHECKING | ARM D=8A7EE4B0
!STATE CHECK     | CHECKING |
stop             | STOPPING | BRAKE
!STATE IDLE      | STOPPED  | = STOPPED 0..0 cause=operator
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "stopped by a person"


def test_a_start_confirmed_after_a_stop_is_stopped_and_asked_about() -> None:
    play(f"""{TO_START}
stop                       | STOPPING | BRAKE
<START 00                  | STOPPING | STOP
~RAMP_DOWN                 | STOPPING |
<STOP 00                   | STOPPING |
~DONE                      | STOPPING | RUN run=RUN1
<RUN 00 out=STOPPED q=20   | STOPPED  | = STOPPED 0..620 cause=operator
""")


def test_a_start_refused_after_a_stop_delivered_nothing() -> None:
    play(f"""{TO_START}
stop              | STOPPING | BRAKE
<START 09         | STOPPING | STOP
<STOP 00 st=IDLE  | STOPPING | RUN run=RUN1
~IDLE             | STOPPING |
<RUN 06           | STOPPED  | = STOPPED 0..0 cause=operator
""")


def test_a_start_that_never_left_delivered_nothing() -> None:
    """Two things at once: ARM is answered and the person stops, before the line was free for START."""
    player = Player()
    for line in ("begin", "<PRES 00", "~CHECK"):
        player.line(line)
    engine = player.engine
    player.answer("ARM")
    assert [ask.verb for ask in engine.asks] == ["START"]
    assert player.line("stop") == "contact z_ohm=41800, BRAKE, STOP"
    assert player.line("<STOP 00 st=IDLE") == "RUN run=RUN1"
    assert player.line("<RUN 06") == "= STOPPED 0..0 cause=operator"


def test_a_stop_while_the_end_is_being_asked_about_asks_again() -> None:
    play(f"""{TO_HOLD}
~DONE                   | HOLDING   | RUN run=RUN1
stop                    | STOPPING  | BRAKE
<RUN 00 out=RUNNING q=0 | STOPPING  | STOP
<STOP 00 st=IDLE        | STOPPING  | RUN run=RUN1
<RUN 00 out=DONE q=6000 | COMPLETED | = DONE 5340..6660
""")


def test_a_stop_before_the_end_could_be_asked_about() -> None:
    play(f"""{TO_HOLD}
pause                   | HOLDING   | PAUSE
~DONE                   | HOLDING   |
stop                    | STOPPING  | BRAKE
<PAUSE 04               | STOPPING  | STOP
<STOP 00 st=IDLE        | STOPPING  | RUN run=RUN1
<RUN 00 out=DONE q=6000 | COMPLETED | = DONE 5340..6660
""")


@pytest.mark.parametrize(
    ("first", "then", "cause", "reason"),
    [
        ("stop", "breach", "operator", "stopped by a person"),
        ("breach", "stop", "limit", "the host stopped the unit: a limit: was passed"),
    ],
)
def test_who_stopped_first_is_on_record(first: str, then: str, cause: str, reason: str) -> None:
    player = play(TO_HOLD)
    for line in (first, then, "<STOP 00", "<STOP 00 st=DONE", "<RUN 00 out=STOPPED q=900"):
        player.line(line)
    assert player.engine.result is not None
    assert (player.engine.result.cause, player.engine.result.reason) == (cause, reason)
    assert {"what": "stop", "by": "a person"} in [note.facts for note in player.notes if note.kind == "operator"]


def test_a_stop_that_came_too_late_ended_nothing() -> None:
    player = play(f"""{TO_HOLD}
stop                    | STOPPING  | BRAKE, STOP
<STOP 00 st=DONE        | STOPPING  | RUN run=RUN1
<RUN 00 out=DONE q=6000 | COMPLETED | = DONE 5340..6660
""")
    assert player.engine.result is not None
    assert (player.engine.result.cause, player.engine.result.reason) == ("", "")


def test_a_breach_stays_on_record_even_if_the_dose_was_complete() -> None:
    player = play(f"""{TO_HOLD}
breach                  | STOPPING  | limit limit=a limit observed=was passed, BRAKE, STOP
breach                  | STOPPING  |
<STOP 00 st=DONE        | STOPPING  | RUN run=RUN1
<RUN 00 out=DONE q=6000 | COMPLETED | = DONE 5340..6660 cause=limit
""")
    assert player.engine.result is not None
    assert player.engine.result.breach == Breach("a limit", "was passed")
    assert player.engine.result.reason == "the host stopped the unit: a limit: was passed"


# -- repeated ----------------------------------------------------------------------------------------------------


def test_a_second_stop_is_a_sealed_one_because_a_second_stop_byte_would_be_an_abort() -> None:
    play(f"""{TO_HOLD}
stop        | STOPPING | BRAKE, STOP
stop        | STOPPING |
<STOP 00    | STOPPING | STOP
~RAMP_DOWN  | STOPPING |
~RAMP_DOWN dt=0.9 | STOPPING |
stop        | STOPPING |
<STOP 00    | STOPPING | STOP
+0.2        | STOPPING |
stop        | STOPPING | BRAKE
""")


def test_abort_is_two_stop_bytes_each_time_and_stays_an_abort() -> None:
    play(f"""{TO_HOLD}
stop             | STOPPING | BRAKE, STOP
abort            | STOPPING | ABORTING
abort            | STOPPING | ABORTING
stop             | STOPPING |
<STOP 00         | STOPPING | ABORT
<ABORT 00        | STOPPING | RUN run=RUN1
<RUN 00 out=ABORTED q=900 | STOPPED | = ABORTED 291..1509 cause=operator
""")


def test_a_stop_that_is_not_obeyed_becomes_an_abort_every_1_5_s() -> None:
    play(f"""{TO_HOLD}
stop            | STOPPING | BRAKE, STOP
<STOP 00        | STOPPING |
~HOLD dt=0.7    | STOPPING |
~HOLD dt=0.8    | STOPPING |
~HOLD dt=0.1    | STOPPING | {DISOBEYED.format("HOLD")}, ABORTING, ABORT
<ABORT 00 st=RAMP_DOWN | STOPPING |
~HOLD dt=0.8    | STOPPING |
~HOLD dt=0.8    | STOPPING | {DISOBEYED.format("HOLD")}, ABORTING, ABORT
<ABORT 00 st=IDLE | STOPPING | RUN run=RUN1
""")


def test_a_stop_whose_end_nobody_tells_is_given_up_after_30_s() -> None:
    player = play(f"""{TO_HOLD}
stop                    | STOPPING  | BRAKE, STOP
~CHECK                  | STOPPING  |
<STOP 00 st=CHECK       | STOPPING  |
~CHECK dt=29.8          | STOPPING  |
~CHECK dt=0.2           | ABANDONED | = UNKNOWN 0..6420 cause=operator
""")
    assert player.engine.result is not None
    assert player.engine.result.reason == "stopped by a person"


def test_a_stop_answered_by_a_unit_that_never_told_anything_is_given_up_after_30_s() -> None:
    play("""
begin              | STAGING   | PRES
stop               | STOPPING  | BRAKE
<PRES 00           | STOPPING  | STOP
<STOP 00 st=CHECK  | STOPPING  |
+29.9              | STOPPING  |
+0.2               | ABANDONED | = UNKNOWN 0..0 cause=operator
""")


def test_a_unit_that_stopped_telling_after_start_is_stopped_blindly_until_it_answers() -> None:
    play(f"""{TO_START}
<START 00        | RAMPING_UP |
+0.8             | RAMPING_UP |
+0.3             | STOPPING   | {BLIND.format("1.1")}, BRAKE, STOP
<STOP 00         | STOPPING   |
+1.6             | STOPPING   | {DISOBEYED.format("CHECK")}, ABORTING, ABORT
<ABORT 00        | STOPPING   | RUN run=RUN1
<RUN 00 out=STOPPED q=90 | STOPPED | = STOPPED 0..691 cause=limit
""")


# -- watching ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "state"), [("~HOLD", "HOLDING"), ("~RAMP_DOWN", "RAMPING_DOWN"), ("~PAUSING fl=400", "PAUSING")]
)
def test_telemetry_older_than_a_second_while_current_flows_is_a_stop(line: str, state: str) -> None:
    play(f"""{TO_HOLD}
{line}   | {state}  |
+0.9     | {state}  | {"KEEP t=0004" if state == "HOLDING" else ""}
+0.2     | STOPPING | {BLIND.format("1.1")}, BRAKE, STOP
""")


def test_the_monitors_breach_is_a_stop() -> None:
    play(f"""{TO_HOLD}
~HOLD i=1601 q=500 | HOLDING  |
~HOLD i=1601       | HOLDING  | KEEP t=0005
~HOLD i=1601       | STOPPING | limit limit=current at most the set-point observed=1.601 mA, BRAKE, STOP
""")


def test_a_line_that_comes_twice_or_late_is_no_news_and_not_fresh() -> None:
    player = play(f"""{TO_HOLD}
~HOLD n=0 dt=0.5  | HOLDING  | KEEP t=0003
~HOLD n=-2 dt=0.4 | HOLDING  | KEEP t=0003
~HOLD n=0 dt=0.2  | STOPPING | {BLIND.format("1.1")}, BRAKE, STOP
""")
    assert player.engine.gaps == 0


def test_lost_lines_are_counted_and_noted() -> None:
    player = play(f"""{TO_HOLD}
~HOLD n=2       | HOLDING | gap telemetry=1
~HOLD n=32769   | HOLDING | KEEP t=0005
~HOLD n=-32768  | HOLDING |
~HOLD n=32768 q=9 | STOPPING | gap telemetry=32767, limit limit=the reported dose never falls observed=825 uC, then 9 uC, BRAKE, STOP
""")  # noqa: E501
    assert player.engine.gaps == 32_768


def test_the_number_of_telemetry_wraps() -> None:
    player = play(
        f"{TO_HOLD}\n~HOLD n=32767 | HOLDING | gap telemetry=32766\n"
        "~HOLD n=32765 | HOLDING | gap telemetry=32764, KEEP t=FFFF"
    )
    assert player.engine.course.newest is not None
    assert player.engine.course.newest.number == 0xFFFF
    assert player.line("~HOLD dt=0.3") == "KEEP t=0000"


@pytest.mark.parametrize(("n", "missing"), [(1, 0), (2, 1), (5, 4)])
def test_a_new_session_numbers_its_lines_from_0000(n: int, missing: int) -> None:
    player = play(f"{TO_HOLD}\n~HOLD sid=4A18 n={n} | HOLDING | {f'gap telemetry={missing}' if missing else ''}")
    assert player.engine.gaps == missing


def test_lost_events_are_asked_for_eight_at_a_time() -> None:
    play("""
begin              | STAGING  | PRES
!STATE STAGED      | STAGING  |
!STATE CHECK n=2   | STAGING  | gap events=1
<PRES 00           | CHECKING | EVENTS n=0002
<EVENTS 00         | CHECKING | ARM D=8A7EE4B0
!WARN 02 n=-1      | CHECKING |
!WARN 02 n=1       | CHECKING |
!WARN 02 n=10      | CHECKING | gap events=9
<ARM 00 z=41800    | REFUSED  | contact z_ohm=41800, BRAKE, = REFUSED 0..0
""")


def test_of_many_lost_events_the_last_64_are_asked_for() -> None:
    player = play(f"{TO_PAUSED}\n!WARN 02 n=65535 | PAUSED |\n!WARN 02 n=100 | PAUSED | gap events=99, EVENTS n=0023")
    asked = ["0023"]
    while (said := player.line("<EVENTS 00")).startswith("EVENTS"):
        asked.append(said.removeprefix("EVENTS n="))
    assert asked == ["0023", "002B", "0033", "003B", "0043", "004B", "0053", "005B"]


def test_events_refused_are_no_refusal_of_the_run() -> None:
    play("""
begin              | STAGING  | PRES
!STATE STAGED      | STAGING  |
!STATE CHECK n=2   | STAGING  | gap events=1
<PRES 00           | CHECKING | EVENTS n=0002
<EVENTS 01         | CHECKING | ARM D=8A7EE4B0
""")


def test_start_does_not_wait_behind_events_because_its_deadline_runs() -> None:
    play("""
begin              | STAGING  | PRES
!STATE STAGED      | STAGING  |
<PRES 00           | CHECKING | ARM D=8A7EE4B0
~CHECK             | CHECKING |
!STATE ARMED n=3   | CHECKING | gap events=2
<ARM 00 z=41800    | STARTING | contact z_ohm=41800, START run=RUN1 D=8A7EE4B0 X=6100
<START 00          | RAMPING_UP | EVENTS n=0002
""")


# -- KEEP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every_s", [0.02, 0.1, 0.3])
def test_keep_four_times_a_second_with_a_line_that_is_due_and_naming_the_newest(every_s: float) -> None:
    player = play(TO_HOLD)
    begin, sent = player.now, []
    while player.now < begin + 3:
        said = player.line(f"~HOLD dt={every_s}")
        if said:
            assert said == f"KEEP t={player.engine.course.newest.number:04X}"
            sent.append(player.now)
    gaps = [b - a for a, b in itertools.pairwise(sent)]
    assert max(gaps) < max(0.25 + every_s / 2, every_s) + 0.01
    assert sum(gaps) / len(gaps) == pytest.approx(max(0.25, every_s), rel=0.1)


def test_keep_waits_for_no_line() -> None:
    player = play(f"{TO_HOLD}\n~HOLD | HOLDING |\n~HOLD | HOLDING | KEEP t=0005\n~HOLD | HOLDING |")
    due_s = player.engine.wake_s(player.now)
    assert player.now < due_s <= player.now + 0.25
    assert player.line(f"+{due_s - player.now}") == "KEEP t=0006"


def test_keep_never_leaves_while_another_request_is_out() -> None:
    play(f"""{TO_HOLD}
pause             | HOLDING | PAUSE
~HOLD dt=0.3      | HOLDING |
~HOLD dt=0.3      | HOLDING |
<PAUSE 04         | HOLDING | KEEP t=0005
~HOLD dt=0.3      | HOLDING | KEEP t=0006
""")


def test_keep_does_not_queue_behind_another_request() -> None:
    player = play(f"{TO_HOLD}\n<KEEP 00 | HOLDING |")
    player.now += 0.3
    assert player.line("pause") == "PAUSE"
    assert not player.engine.asks


@pytest.mark.parametrize("state", ["RAMP_DOWN", "PAUSING"])
def test_keep_is_for_ramp_up_and_hold_only(state: str) -> None:
    player = play(TO_HOLD)
    assert player.line(f"~{state} fl=400 dt=0.3") == ""
    assert player.line(f"~{state} dt=0.3") == ""


def test_after_a_stop_no_keep_helps_a_unit_that_does_not_obey() -> None:
    play(f"""{TO_HOLD}
stop           | STOPPING | BRAKE, STOP
<STOP 00       | STOPPING |
~HOLD dt=0.4   | STOPPING |
~HOLD dt=0.4   | STOPPING |
""")


def test_a_refused_keep_is_noted() -> None:
    player = play(f"{TO_HOLD}\n<KEEP 01 | HOLDING |")
    assert player.notes[-1].facts == {"verb": "KEEP", "answer": "Refused", "code": 1}


def test_the_engine_wants_to_be_called_when_keep_is_due_and_four_times_a_second() -> None:
    player = play(TO_HOLD)
    engine, now = player.engine, player.now
    assert engine.wake_s(now) == now + 0.25
    assert engine.wake_s(now + 0.1) == now + 0.25
    assert engine.wake_s(now + 0.25) == now + 0.5
    assert engine.wake_s(now - 1.0) == now - 0.75


def test_keep_may_leave_a_rounding_early() -> None:
    player = play(f"{TO_HOLD}\n~HOLD | HOLDING |")
    assert player.line("+0.1499999") == "KEEP t=0004"


# -- the ends a monitor sees ---------------------------------------------------------------------------------------


def test_an_attended_run_is_watched_as_well() -> None:
    play(f"{TO_HOLD}\n+1.1 | STOPPING | {BLIND.format('1.1')}, BRAKE, STOP", attended=True)


def test_the_monitor_begins_anew_with_a_second_attempt() -> None:
    """The first attempt's readings belong to another boot, with another uptime."""
    player = play("""
begin                   | STAGING   | PRES
~CHECK i=50             | STAGING   |
?                       | UNCERTAIN | HELLO
<HELLO 00 boot=164      | UNCERTAIN | reset boot=164 before=163, STATUS
<STATUS 00 st=IDLE      | UNCERTAIN | RUN run=RUN1
<RUN 06                 | STAGING   | PRES
""")
    assert player.engine.course.monitor.peak_ua == 0
