"""The brain of one run: (message | verdict | time | request, now) in, effects and asks out. Pure.

The engine owns the machine of ``controller.machine`` and decides what to do after a move has succeeded. It never
sends: whoever holds the link performs ``effects`` at once and takes one of ``asks`` whenever the line is free.

1. Nothing is raised but from a state that a confirmed answer led to (``raising``).
2. KEEP is asked for in one place, next to the safety monitor, and only for fresh telemetry (``brain``).
3. An unanswered request makes the run UNCERTAIN; only HELLO, STATUS and RUN are asked until the unit has said what
   is true. Energised is taken up again untouched; paused stays paused; nothing resumes by itself (``doubt``,
   ``pausing``).
4. Stopping asks for nothing: a stop byte goes out at once, the sealed STOP follows when the line is free
   (``stopping``).
5. A run ends with what the unit says of it, or with an interval that holds the truth (``ending``).

The rooms stand in layers, each with the state of its own subject, over one ``course``: what is known of the run.
A room calls those below it and never back, so a decision can be read in one direction. Rejected: one class spread
over mixins, whose walls stop nobody, and callbacks into the engine, where the order of two effects depends on who
called whom.
"""

from __future__ import annotations

from controller.engine.brain import Engine, Order

__all__ = ["Engine", "Order"]
