"""What the host believes of one run, and the only moves that belief may make. The only importer of ``transitions``.

The table is the design: the diagram in the README is generated from it, and a test walks it. The machine decides
whether a move is legal and performs nothing; the engine chooses effects after a move has succeeded. So no model is
registered with ``transitions`` (its decorated models accept any attribute write, swallow false guards and add a
``to_X`` for every state): its engine interprets the table over a one-attribute holder that nobody else can reach.

Rules of the table. Every state in which current may flow has STOP, TRIP, LOSE and DOUBT. LOST and UNCERTAIN are left
only by what the unit itself says (FOUND_*), or by giving up (ABANDON). Ends are ends.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final

from controller.errors import IllegalTransition


class SessionState(Enum):
    """States of a run as the host sees it; participles, so that they are not taken for the unit's."""

    # Members are singletons; Enum's own hash is a Python call, and every telemetry line asks sets of states.
    __hash__ = object.__hash__

    READY = "READY"
    STAGING = "STAGING"
    CHECKING = "CHECKING"
    STARTING = "STARTING"
    RAMPING_UP = "RAMPING_UP"
    HOLDING = "HOLDING"
    RAMPING_DOWN = "RAMPING_DOWN"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    UNCERTAIN = "UNCERTAIN"
    LOST = "LOST"
    COMPLETED = "COMPLETED"
    STOPPED = "STOPPED"
    FAULTED = "FAULTED"
    REFUSED = "REFUSED"
    ABANDONED = "ABANDONED"


class Trigger(Enum):
    """What makes a move: past tense for what the unit did, imperative for what was asked."""

    STAGE = "STAGE"
    STAGED = "STAGED"
    CHECKED = "CHECKED"
    STARTED = "STARTED"
    REACHED = "REACHED"
    TURNED = "TURNED"
    PAUSE = "PAUSE"
    PAUSED = "PAUSED"
    RESUME = "RESUME"
    UNARMED = "UNARMED"
    STOP = "STOP"
    ENDED = "ENDED"
    ENDED_EARLY = "ENDED_EARLY"
    TRIP = "TRIP"
    REFUSE = "REFUSE"
    DOUBT = "DOUBT"
    LOSE = "LOSE"
    FOUND_LINK = "FOUND_LINK"
    FOUND_IDLE = "FOUND_IDLE"
    FOUND_RAMPING_UP = "FOUND_RAMPING_UP"
    FOUND_HOLDING = "FOUND_HOLDING"
    FOUND_RAMPING_DOWN = "FOUND_RAMPING_DOWN"
    FOUND_PAUSING = "FOUND_PAUSING"
    FOUND_PAUSED = "FOUND_PAUSED"
    ABANDON = "ABANDON"


_S = SessionState
ENERGISED: Final = frozenset({_S.RAMPING_UP, _S.HOLDING, _S.RAMPING_DOWN, _S.PAUSING, _S.STOPPING})
ENDS: Final = frozenset({_S.COMPLETED, _S.STOPPED, _S.FAULTED, _S.REFUSED, _S.ABANDONED})
LIVE: Final = frozenset(_S) - ENDS
_PREPARING: Final = frozenset({_S.READY, _S.STAGING, _S.CHECKING, _S.STARTING})
_DOUBTFUL: Final = frozenset({_S.UNCERTAIN, _S.LOST})


@dataclass(frozen=True, slots=True)
class Edge:
    trigger: Trigger
    sources: frozenset[SessionState]
    dest: SessionState
    why: str


def _edge(trigger: Trigger, sources: frozenset[SessionState] | SessionState, dest: SessionState, why: str) -> Edge:
    return Edge(trigger, sources if isinstance(sources, frozenset) else frozenset({sources}), dest, why)


EDGES: Final[tuple[Edge, ...]] = (
    _edge(Trigger.STAGE, _S.READY, _S.STAGING, "the prescription is sent; no current can flow"),
    _edge(Trigger.STAGED, _S.STAGING, _S.CHECKING, "the unit holds exactly what was meant"),
    _edge(Trigger.CHECKED, _S.CHECKING, _S.STARTING, "the contact is measured before any dose"),
    _edge(Trigger.STARTED, _S.STARTING, _S.RAMPING_UP, "START or RESUME confirmed"),
    _edge(Trigger.REACHED, _S.RAMPING_UP, _S.HOLDING, "set-point reached"),
    _edge(Trigger.TURNED, frozenset({_S.RAMPING_UP, _S.HOLDING}), _S.RAMPING_DOWN, "the dose is nearly complete"),
    _edge(Trigger.PAUSE, frozenset({_S.RAMPING_UP, _S.HOLDING}), _S.PAUSING, "asked for, or the unit's own"),
    _edge(Trigger.PAUSED, frozenset({_S.RAMPING_UP, _S.HOLDING, _S.PAUSING}), _S.PAUSED, "no current, dose kept"),
    _edge(Trigger.RESUME, _S.PAUSED, _S.CHECKING, "only by hand, and the contact is measured again"),
    _edge(Trigger.UNARMED, frozenset({_S.CHECKING, _S.STARTING}), _S.PAUSED, "resuming was refused: still paused"),
    _edge(Trigger.STOP, LIVE - _DOUBTFUL - {_S.STOPPING}, _S.STOPPING, "stopping works from everywhere"),
    _edge(
        Trigger.ENDED,
        frozenset({_S.RAMPING_UP, _S.HOLDING, _S.RAMPING_DOWN, _S.STOPPING, _S.UNCERTAIN}),
        _S.COMPLETED,
        "the unit says DONE",
    ),
    _edge(Trigger.ENDED_EARLY, LIVE, _S.STOPPED, "the unit closed the run before its dose"),
    _edge(Trigger.TRIP, LIVE, _S.FAULTED, "any fault ends the run with the current off"),
    _edge(Trigger.REFUSE, _PREPARING | {_S.LOST}, _S.REFUSED, "certain: nothing was delivered"),
    _edge(Trigger.DOUBT, LIVE - _DOUBTFUL, _S.UNCERTAIN, "no answer: nothing is raised before the unit is asked"),
    _edge(Trigger.LOSE, LIVE - {_S.LOST}, _S.LOST, "the port vanished: the unit's lease takes over"),
    _edge(Trigger.FOUND_LINK, _S.LOST, _S.UNCERTAIN, "the port is back: ask what is true"),
    _edge(Trigger.FOUND_IDLE, _S.UNCERTAIN, _S.READY, "the run never started"),
    _edge(Trigger.FOUND_RAMPING_UP, _S.UNCERTAIN, _S.RAMPING_UP, "taken up again, current untouched"),
    _edge(Trigger.FOUND_HOLDING, _S.UNCERTAIN, _S.HOLDING, "taken up again, current untouched"),
    _edge(Trigger.FOUND_RAMPING_DOWN, _S.UNCERTAIN, _S.RAMPING_DOWN, "taken up again, current untouched"),
    _edge(Trigger.FOUND_PAUSING, _S.UNCERTAIN, _S.PAUSING, "taken up again"),
    _edge(Trigger.FOUND_PAUSED, _S.UNCERTAIN, _S.PAUSED, "nothing resumes by itself"),
    _edge(Trigger.ABANDON, _DOUBTFUL, _S.ABANDONED, "never answered again: the dose is an interval"),
)


@dataclass(frozen=True, slots=True)
class Move:
    before: SessionState
    after: SessionState


class _Holder:
    state: SessionState


@cache
def _engine() -> Any:  # noqa: ANN401 - transitions is untyped
    """The table, compiled once for all runs; it keeps no state of any of them."""
    from transitions import Machine  # imported on first use: it costs 30 ms, and most commands need no run

    logging.getLogger("transitions").setLevel(logging.WARNING)
    return Machine(
        model=None,
        states=SessionState,
        initial=SessionState.READY,
        auto_transitions=False,
        transitions=[{"trigger": edge.trigger.name, "source": list(edge.sources), "dest": edge.dest} for edge in EDGES],
    )


class SessionMachine:
    """Decides whether a move is legal. Performs nothing."""

    def __init__(self) -> None:
        self._holder = _Holder()
        _engine().set_state(SessionState.READY, self._holder)

    @property
    def state(self) -> SessionState:
        return self._holder.state

    def fire(self, trigger: Trigger) -> Move:
        """Make the move.

        Raises:
            IllegalTransition: the table has no such move from here; the state is unchanged.
        """
        from transitions import MachineError

        before = self.state
        try:
            moved = _engine().events[trigger.name].trigger(self._holder)
        except MachineError as exc:
            raise IllegalTransition(before.name, trigger.name) from exc
        if not moved:
            raise IllegalTransition(before.name, trigger.name)
        return Move(before, self.state)

    def can(self, trigger: Trigger) -> bool:
        return any(edge.trigger is trigger and self.state in edge.sources for edge in EDGES)


def mermaid() -> str:
    """The table as a Mermaid state diagram; edges shared by many sources are listed once below it."""
    lines = ["stateDiagram-v2", "    [*] --> READY"]
    for edge in EDGES:
        if len(edge.sources) <= 3:
            lines += [
                f"    {source.name} --> {edge.dest.name}: {edge.trigger.name}"
                for source in sorted(edge.sources, key=lambda s: s.name)
            ]
    lines += [f"    {state.name} --> [*]" for state in sorted(ENDS, key=lambda s: s.name)]
    lines += [
        f"    %% {edge.trigger.name} from every live state but {_but(edge)}: {edge.dest.name}"
        for edge in EDGES
        if len(edge.sources) > 3
    ]
    return "\n".join(lines)


def _but(edge: Edge) -> str:
    return ", ".join(sorted(s.name for s in LIVE - edge.sources)) or "none"
