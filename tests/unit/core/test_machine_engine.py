"""What stands behind the table of moves: a library that would add moves, states and words of its own if it were let."""

import logging

from controller import machine
from controller.machine import SessionMachine, SessionState, Trigger


def test_the_engine_knows_the_tables_triggers_and_states_and_no_others() -> None:
    engine = machine._engine()
    assert set(engine.events) == {trigger.name for trigger in Trigger}
    assert set(engine.states) == {state.name for state in SessionState}
    assert engine.models == []


def test_it_does_not_talk_into_the_log_of_whoever_uses_it() -> None:
    log = logging.getLogger("transitions")
    log.setLevel(logging.NOTSET)
    machine._engine.cache_clear()
    SessionMachine()
    assert log.level == logging.WARNING
