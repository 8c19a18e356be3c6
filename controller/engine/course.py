"""One run as the host knows it: what it believes, what it has heard, and what it still wants said and done.

Every room of the engine works on this record. It is plain attributes, without closures or generators, so that a run
can be copied in the middle; and it decides nothing: a move is legal if the machine says so, everything else is the
business of the room that fires it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from controller.effects import Ask, Effect, Note, RunResult
from controller.engine.sequence import EventNumbers
from controller.limits import SafetyMonitor, UnitFacts
from controller.machine import SessionMachine, SessionState, Trigger
from controller.treatment import Prescription
from controller.wire import Telemetry, UnitState

_DOUBTFUL: Final = frozenset({SessionState.UNCERTAIN, SessionState.LOST})


class Course:
    """``began_s`` is None until START may have left: before that no current can have flowed.

    ``doubtful``: nothing but questions may be asked.
    """

    def __init__(self, prescription: Prescription, run: str, facts: UnitFacts) -> None:
        self.prescription = prescription
        self.run = run
        self.facts = facts
        self.machine = SessionMachine()
        self.state = self.machine.state  # plain copies: every telemetry line asks for them
        self.doubtful = False
        self.effects: deque[Effect] = deque()
        self.asks: deque[Ask] = deque()
        self.result: RunResult | None = None
        self.monitor = SafetyMonitor(prescription.i_ua, prescription.q_uc)
        self.newest: Telemetry | None = None
        self.heard_s = 0.0  # when the newest telemetry came
        self.heard = False  # any in this session
        self.followed: UnitState | None = None  # the newest's state; None after a doubt: what was found may be old
        self.events = EventNumbers()
        self.began_s: float | None = None
        self.known = False  # the unit has said that it knows the run
        self.end_asked = False  # RUN is asked because the unit was seen without one

    def fire(self, trigger: Trigger) -> None:
        """Make a move of the machine.

        Raises:
            IllegalTransition: there is none from here.
        """
        move = self.machine.fire(trigger)
        self.state = move.after
        self.doubtful = move.after in _DOUBTFUL
        self.note("state", st=move.after.name, was=move.before.name, by=trigger.name)

    def note(self, kind: str, **facts: object) -> None:
        self.effects.append(Note(kind, facts))

    def ask(self, verb: str, **fields: str | int) -> None:
        self.asks.append(Ask(verb, fields))

    def ask_run(self) -> None:
        """Ask what became of the run."""
        self.ask("RUN", run=self.run)

    def drop_asks(self) -> None:
        """What was to be asked is void, and the question about the end with it."""
        self.asks.clear()
        self.end_asked = False
