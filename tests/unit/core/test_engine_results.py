"""Results down to their last field, and a stop that knows when it was asked for: without that nobody insists on it."""

import pytest

from controller.engine.brain import Engine
from controller.wire.spec import FAULT_TEXT
from tests.unit.core.story import HELD, PRESCRIPTION, TO_HOLD, TO_PAUSED, TO_START, Player


def after(story: str, *lines: str) -> tuple[Player, Engine]:
    player = Player()
    for line in filter(None, [*story.splitlines(), *lines]):
        player.line(line.split("|")[0])
    return player, player.engine


def test_a_refused_prescription_is_a_result_of_nothing_at_all() -> None:
    _, engine = after("begin", "<PRES 03")
    result = engine.result
    assert result is not None
    assert (result.outcome, result.refused, result.q_uc, result.low_uc, result.high_uc) == ("REFUSED", 3, 0, 0, 0)
    assert (result.duration_s, result.cause, result.fault, result.breach) == (0.0, "", None, None)
    assert result.reason == "a value is outside what it can hold"


def test_a_refused_start_delivered_nothing_and_took_no_time() -> None:
    _, engine = after(TO_START, "<START 20")
    result = engine.result
    assert result is not None
    assert (result.outcome, result.refused, result.q_uc, result.duration_s) == ("REFUSED", 20, 0, 0.0)


def test_a_fault_has_the_units_dose_and_no_cause_of_the_hosts() -> None:
    player, engine = after(TO_HOLD, "~FAULT fl=1", "<RUN 00 st=FAULT out=FAULT:01 q=300")
    result = engine.result
    assert result is not None
    assert (result.outcome, result.fault, result.q_uc, result.cause) == ("FAULT:01", 1, 300, "")
    assert result.reason == FAULT_TEXT[1]
    assert result.duration_s == pytest.approx(player.now - 100.1)  # START left 0.1 s after the beginning


def test_a_stop_after_a_pause_that_nobody_answers_knows_its_time() -> None:
    player, engine = after(TO_HOLD, "~PAUSED")
    assert engine._stopping.asked_s == player.now
    assert (engine._stopping.cause, player.out) == ("contact", "STOP")


@pytest.mark.parametrize("answer", ["<START 00", "<START 15 out=RUNNING"])
def test_a_stop_after_a_pause_that_was_there_before_the_answer_knows_its_time(answer: str) -> None:
    player, engine = after(TO_START, "~PAUSED", answer)
    assert (engine._stopping.asked_s, engine._stopping.cause, player.out) == (player.now, "contact", "STOP")


def test_a_stop_because_resuming_was_refused_knows_its_time() -> None:
    player, engine = after(TO_PAUSED, "resume", "~CHECK", "<ARM 16")
    assert (engine._stopping.asked_s, engine._stopping.cause, player.out) == (player.now, "contact", "STOP")
    assert engine._stopping.reason == "resuming was refused: contact check failed: look at electrodes and leads"


def test_a_stop_because_current_flows_though_resuming_was_refused_knows_its_time() -> None:
    player = Player(attended=True)
    for line in [*TO_PAUSED.split("\n"), "resume", "~CHECK", "<ARM 00 z=41800", "~RAMP_UP", "<RESUME 16"]:
        if line:
            player.line(line.split("|")[0])
    assert (player.engine._stopping.asked_s, player.engine._stopping.cause) == (player.now, "limit")
    assert player.out == "STOP"


DOUBTED = ("?", "<HELLO 00")


def test_a_stop_after_a_pause_that_was_found_knows_its_time() -> None:
    player, engine = after(TO_HOLD, *DOUBTED, "<STATUS 00 st=PAUSED", "<RUN 00")
    assert (engine._stopping.asked_s, player.out) == (player.now, "STOP")


def test_a_stop_after_a_reset_that_the_unit_denies_knows_its_time() -> None:
    player, engine = after(TO_HOLD, "?", "<HELLO 00 boot=164", "<STATUS 00 st=HOLD", "<RUN 00")
    assert (engine._stopping.asked_s, player.out) == (player.now, "STOP")


def test_a_doubt_about_a_silent_pause_knows_since_when() -> None:
    player = Player(attended=True)
    for line in filter(None, [*TO_PAUSED.splitlines(), "+2"]):
        player.line(line.split("|")[0])
    assert (engine_since(player), player.out) == (player.now, "HELLO")


def engine_since(player: Player) -> float | None:
    return player.engine._doubt._since_s


def test_an_unknown_end_has_no_cause_of_the_hosts() -> None:
    _, engine = after(TO_HOLD, "?", "<HELLO 00 sn=SN9999")
    result = engine.result
    assert result is not None
    assert (result.outcome, result.cause) == ("UNKNOWN", "")


def test_a_fault_that_did_not_end_the_run_is_not_in_its_result() -> None:
    _, engine = after(TO_HOLD, "!FAULT 01", "~DONE", "<RUN 00 st=DONE out=STOPPED q=300")
    result = engine.result
    assert result is not None
    assert (result.outcome, result.fault) == ("STOPPED", None)


def test_a_fault_that_this_host_does_not_know_is_named_by_its_number() -> None:
    _, engine = after(TO_HOLD, "~FAULT", "<RUN 00 st=FAULT out=FAULT:77 q=300")
    result = engine.result
    assert result is not None
    assert (result.outcome, result.fault, result.reason) == ("FAULT:77", 77, "FAULT:77")


def test_a_unit_that_sends_no_telemetry_is_not_started_and_the_result_says_why() -> None:
    _, engine = after("begin", "<PRES 00", "<ARM 00")
    result = engine.result
    assert result is not None
    assert (result.outcome, result.reason) == ("REFUSED", "the unit sends no telemetry, so nobody could watch the run")


def test_a_unit_that_never_says_how_the_run_ended_is_given_up_and_the_result_says_why() -> None:
    player, engine = after(TO_HOLD, "stop", "<STOP 00 st=DONE", "~DONE", "<RUN 00 st=DONE")
    for _ in range(35):
        player.line("~DONE dt=0.9")
    result = engine.result
    assert result is not None
    assert (result.outcome, result.cause) == ("UNKNOWN", "operator")
    assert result.reason == "stopped by a person"


def test_the_prescription_that_is_sent_is_the_one_meant() -> None:
    engine = Player().engine
    engine.start()
    ask = engine.take_ask()
    assert ask is not None
    assert (ask.verb, ask.fields) == ("PRES", PRESCRIPTION.fields())
    assert {key: str(value) for key, value in ask.fields.items()} == HELD


def test_resuming_is_over_when_it_is_confirmed() -> None:
    _, engine = after(TO_PAUSED, "resume", "~CHECK", "<ARM 00 z=41800")
    assert engine._raising.resuming
    _, engine = after(TO_PAUSED, "resume", "~CHECK", "<ARM 00 z=41800", "<RESUME 00")
    assert not engine._raising.resuming
