"""A lock on the output that a person or a test run sets around programs: ``IONTO_OUTPUT_LOCKED=why``.

Where that variable says anything, no line that may raise the current leaves a port that this process opens, whoever
writes it: a treatment, the console, a bench procedure. What removes energy always goes through. The simulator inside
this process (``sim://``) has no terminals and is not locked; one that is served may stand for a unit, and is.

It is judged where bytes leave, not where a run begins, because nothing that adds energy may find a way around it.
"""

from __future__ import annotations

import os
from typing import Final

from controller.errors import OutputRefused
from controller.wire import Request, parse

VARIABLE: Final = "IONTO_OUTPUT_LOCKED"
RAISING: Final = frozenset({"ARM", "START", "RESUME"})  # ARM measures the contact, with 50 uA
PLAIN_RAISING: Final = ("OUTP", "INIT", "SOUR", "STAR", "ARM", "RESU")  # a unit may not know them; then it refuses


def why_locked() -> str:
    """Why the output is locked around this process; empty where it is not."""
    reason = os.environ.get(VARIABLE, "").strip()
    return reason and f"the output is locked ({VARIABLE}): {reason}"


def refuse_to_raise(locked: str, data: bytes) -> None:
    """Raises OutputRefused with the reason, where there is one and ``data`` may add energy."""
    if locked and raises(data):
        raise OutputRefused(locked)


def raises(data: bytes) -> bool:
    """Whether bytes to the unit may add energy: a line of them does."""
    return any(_raises(line.strip().decode("latin-1")) for line in data.split(b"\n"))


def _raises(text: str) -> bool:
    message = parse(text)
    if isinstance(message, Request):
        return message.verb in RAISING
    word = text.lstrip(":").upper()
    return word.startswith(PLAIN_RAISING) and not word.endswith(("?", "OFF", " 0"))
