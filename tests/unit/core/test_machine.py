"""The table of moves: what it must hold whatever else is changed in it, and that the machine is the table."""

import re

import pytest

from controller.errors import IllegalTransition
from controller.machine import (
    EDGES,
    ENDS,
    ENERGISED,
    LIVE,
    Move,
    SessionMachine,
    SessionState,
    Trigger,
    mermaid,
)

S, T = SessionState, Trigger
TABLE = {(edge.trigger, source): edge.dest for edge in EDGES for source in edge.sources}
FOUND = {trigger for trigger in Trigger if trigger.name.startswith("FOUND_")}


def path_to(state: SessionState) -> list[Trigger]:
    """A shortest way from READY."""
    paths: dict[SessionState, list[Trigger]] = {S.READY: []}
    while state not in paths:
        found = {
            dest: [*paths[source], trigger]
            for (trigger, source), dest in TABLE.items()
            if source in paths and dest not in paths
        }
        assert found, f"{state} cannot be reached"
        paths |= found
    return paths[state]


def machine_in(state: SessionState) -> SessionMachine:
    machine = SessionMachine()
    for trigger in path_to(state):
        machine.fire(trigger)
    assert machine.state is state
    return machine


# -- the table ---------------------------------------------------------------------------------------------------


def test_no_trigger_leads_two_ways_from_one_state() -> None:
    assert len(TABLE) == sum(len(edge.sources) for edge in EDGES)


def test_every_trigger_has_one_destination_and_says_why() -> None:
    assert len({edge.trigger for edge in EDGES}) == len(EDGES) == len(Trigger)
    assert all(edge.sources and edge.why for edge in EDGES)


@pytest.mark.parametrize("state", SessionState)
def test_every_state_can_be_reached(state: SessionState) -> None:
    assert len(path_to(state)) <= 6


def test_the_ends_have_no_exit_and_every_other_state_has_one() -> None:
    assert {source for _, source in TABLE} == LIVE
    assert set(SessionState) - LIVE == ENDS
    assert {S.COMPLETED, S.STOPPED, S.FAULTED, S.REFUSED, S.ABANDONED} == ENDS


@pytest.mark.parametrize("state", sorted(ENERGISED, key=lambda s: s.name))
@pytest.mark.parametrize("trigger", [T.STOP, T.TRIP, T.LOSE, T.DOUBT])
def test_where_current_may_flow_it_can_be_stopped_tripped_lost_and_doubted(
    state: SessionState, trigger: Trigger
) -> None:
    # STOPPING is what a STOP leads to: the order is repeated there without a move.
    assert (trigger, state) in TABLE or (trigger, state) == (T.STOP, S.STOPPING)


def test_current_may_flow_in_these_states() -> None:
    assert {S.RAMPING_UP, S.HOLDING, S.RAMPING_DOWN, S.PAUSING, S.STOPPING} == ENERGISED


def test_stopping_and_every_end_by_the_unit_are_possible_from_every_live_state() -> None:
    assert {source for trigger, source in TABLE if trigger is T.STOP} == LIVE - {S.STOPPING, S.UNCERTAIN, S.LOST}
    for trigger in (T.TRIP, T.ENDED_EARLY):
        assert {source for t, source in TABLE if t is trigger} == LIVE


def test_doubt_is_left_only_by_what_the_unit_says_or_by_giving_up() -> None:
    ends_told = {T.ENDED, T.ENDED_EARLY, T.TRIP}
    assert {t for t, s in TABLE if s is S.UNCERTAIN} == FOUND - {T.FOUND_LINK} | ends_told | {T.ABANDON, T.LOSE}
    assert {t for t, s in TABLE if s is S.LOST} == {T.FOUND_LINK, T.ENDED_EARLY, T.TRIP, T.ABANDON, T.REFUSE}
    assert all(source in (S.UNCERTAIN, S.LOST) for trigger, source in TABLE if trigger in FOUND | {T.ABANDON})


def test_nothing_resumes_but_by_resume_and_the_contact_is_measured_again() -> None:
    out_of_pause = {dest for (_, source), dest in TABLE.items() if source is S.PAUSED}
    assert out_of_pause == {S.CHECKING, S.STOPPING, S.STOPPED, S.FAULTED, S.UNCERTAIN, S.LOST}
    raised = {source for (trigger, source), dest in TABLE.items() if dest is S.RAMPING_UP}
    assert raised == {S.STARTING, S.UNCERTAIN}
    assert [source for (_, source), dest in TABLE.items() if dest is S.STARTING] == [S.CHECKING]


def test_after_a_stop_nothing_raises() -> None:
    seen, todo = {S.STOPPING}, [S.STOPPING]
    while todo:
        state = todo.pop()
        for (_, source), dest in TABLE.items():
            if source is state and state is not S.UNCERTAIN and dest not in seen:
                seen.add(dest)
                todo.append(dest)
    # Past UNCERTAIN the engine repeats the stop; before it no way leads back into a treatment.
    assert seen == {S.STOPPING, S.UNCERTAIN, S.LOST} | ENDS


# -- the machine -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", SessionState)
def test_the_machine_agrees_with_the_table_and_a_refused_move_changes_nothing(state: SessionState) -> None:
    for trigger in Trigger:
        machine = machine_in(state)
        dest = TABLE.get((trigger, state))
        assert machine.can(trigger) is (dest is not None)
        if dest is None:
            with pytest.raises(IllegalTransition, match=f"^{trigger.name} is not possible in {state.name}$") as told:
                machine.fire(trigger)
            assert (told.value.state, told.value.trigger) == (state.name, trigger.name)
            assert machine.state is state
        else:
            assert machine.fire(trigger) == Move(state, dest)
            assert machine.state is dest


def test_two_machines_share_no_state() -> None:
    first, second = SessionMachine(), SessionMachine()
    first.fire(T.STAGE)
    assert (first.state, second.state) == (S.STAGING, S.READY)


def test_a_state_cannot_be_assigned() -> None:
    machine = SessionMachine()
    with pytest.raises(AttributeError):
        machine.state = S.HOLDING  # type: ignore[misc]


# -- the diagram -------------------------------------------------------------------------------------------------


def test_the_diagram_names_every_state_and_every_trigger() -> None:
    words = set(mermaid().replace(":", " ").replace(",", " ").split())
    assert words >= {state.name for state in SessionState} | {trigger.name for trigger in Trigger}


def test_the_diagram_draws_short_edges_and_lists_those_of_many_states() -> None:
    lines = mermaid().splitlines()
    assert lines[:4] == [
        "stateDiagram-v2",
        "    [*] --> READY",
        "    READY --> STAGING: STAGE",
        "    STAGING --> CHECKING: STAGED",
    ]
    assert "    ABANDONED --> [*]" in lines
    assert "    %% STOP from every live state but LOST, STOPPING, UNCERTAIN: STOPPING" in lines
    assert "    %% TRIP from every live state but none: FAULTED" in lines


def test_every_move_of_the_table_is_in_the_diagram_once() -> None:
    moves = []
    for line in mermaid().splitlines():
        if drawn := re.fullmatch(r"    (\w+) --> (\w+): (\w+)", line):
            moves.append((T[drawn[3]], S[drawn[1]], S[drawn[2]]))
        elif listed := re.fullmatch(r"    %% (\w+) from every live state but (.+): (\w+)", line):
            sources = LIVE - {S[name] for name in listed[2].split(", ") if name != "none"}
            moves += [(T[listed[1]], source, S[listed[3]]) for source in sources]
    assert len(moves) == len(TABLE)
    assert {(trigger, source): dest for trigger, source, dest in moves} == TABLE
