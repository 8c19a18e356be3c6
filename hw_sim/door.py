"""The bench door: what a person at the bench can see and do, and no wire can. The page is ``docs/bench-door.md``.

The same calls are methods here (``port.door`` on ``sim://``) and lines of JSON over TCP. It is for those who arrange
and judge a bench; the product's own driver never uses it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

from hw_sim import plant
from hw_sim.world import World

MAX_REQUEST = 4096


class Door:
    """The calls. Every one returns a plain JSON value."""

    def __init__(self, world: World) -> None:
        self._world = world

    def truth(self) -> dict[str, Any]:
        """Ground truth: true current, voltage and charge, state, relay, contacts, set-point."""
        return self._world.truth()

    def load(self, spec: str) -> dict[str, Any]:
        """Wire another load: ``skin``, ``4k7``, ``open``, ``short`` (``ionto-sim loads`` lists them)."""
        return self._act("load", spec)

    def lead_off(self, lead: str = "drug") -> dict[str, Any]:
        """Take a lead off: ``drug``, ``return`` or ``both``."""
        return self._act("lift", lead)

    def lead_on(self, lead: str = "drug") -> dict[str, Any]:
        """Put it back."""
        return self._act("replace", lead)

    def contact(self, lead: str, share: float) -> dict[str, Any]:
        """Leave ``share`` (0 to 1) of an electrode's area in contact."""
        return self._act("contact", f"{lead}:{share}")

    def unplug(self) -> dict[str, Any]:
        """Pull the cable: every connection vanishes."""
        return self._act("unplug")

    def replug(self) -> dict[str, Any]:
        """Put the cable back; the port can be opened again."""
        return self._act("replug")

    def power_cycle(self) -> dict[str, Any]:
        """Cut the power for an instant."""
        return self._act("power_cycle")

    def hang(self) -> dict[str, Any]:
        """Stop the processor; its hardware watchdog goes on."""
        return self._act("hang")

    def nvm_full(self) -> dict[str, Any]:
        """The non-volatile memory refuses every further write."""
        return self._act("nvm_full")

    def line_break(self) -> dict[str, Any]:
        """A BREAK on the line, which a unit takes as a STOP."""
        return self._act("break")

    def _act(self, verb: str, argument: str = "") -> dict[str, Any]:
        self._world.act(verb, argument)
        return {"t_us": self._world.now_us}


VERBS: dict[str, Callable[..., dict[str, Any]]] = {
    name: getattr(Door, name)
    for name in (
        "truth", "load", "lead_off", "lead_on", "contact", "unplug", "replug", "power_cycle", "hang", "nvm_full",
        "line_break",
    )
}  # fmt: skip


class DoorConnection:
    """One client of the TCP door, sans-IO: lines of JSON in, lines of JSON out. The first line is the token."""

    def __init__(self, door: Door, token: str) -> None:
        self._door = door
        self._token = token
        self._admitted = False
        self._buffer = b""
        self.closed = False

    def feed(self, data: bytes) -> bytes:
        """Answers to whatever is complete in ``data``."""
        self._buffer += data
        out = b""
        while b"\n" in self._buffer and not self.closed:
            line, _, self._buffer = self._buffer.partition(b"\n")
            out += json.dumps(self._answer(line)).encode() + b"\n"
        if len(self._buffer) > MAX_REQUEST:
            self.closed = True
        return out

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            return {"error": "expected one JSON object a line"}
        if not self._admitted:
            given = str(request.get("token", ""))
            self._admitted = hmac.compare_digest(given.encode(), self._token.encode())
            self.closed = not self._admitted
            return {"ok": "welcome"} if self._admitted else {"error": "wrong token"}
        return self._call(request)

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        verb = VERBS.get(str(request.pop("do", "")))
        if verb is None:
            return {"error": f"unknown call; known: {', '.join(VERBS)}"}
        try:
            return {"ok": verb(self._door, **request)}
        except (TypeError, ValueError) as exc:
            return {"error": str(exc)}


def loads() -> dict[str, str]:
    """Names of loads and what they are."""
    return dict(plant.LOADS)
