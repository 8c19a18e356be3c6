"""The bench door (``docs/bench-door.md``): what a person at the bench can see and do, and no wire can.

The same calls are methods here (``port.door`` on ``sim://``) and lines of JSON over TCP. It is for those
who arrange and judge a bench; the product's own driver never uses it.

A wrong call changes nothing and gets one sentence. Arguments are judged here, by type too, because what
comes over TCP has whatever type its sender gave it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from hw_sim import plant
from hw_sim.scenario import LOAD_LONGEST
from hw_sim.world import World

MAX_REQUEST: Final = 4096
LEADS: Final = ("drug", "return", "both")


class Door:
    """The calls. Every one returns a plain JSON value; ``ValueError`` says what is wrong with its arguments.

    ``catch_up`` brings a world that lives in real time to now before a call; None: the world is where it is.
    """

    def __init__(self, world: World, catch_up: Callable[[], None] | None = None) -> None:
        self._world = world
        self._catch_up = catch_up

    def truth(self) -> dict[str, Any]:
        """Ground truth: what really flows and is, whatever the unit's converters say."""
        world = self._now()
        p = world.plant
        return world.truth() | {"q_surge_uc": p.q_surge_c * 1e6, "j_local_ma_cm2": p.j_local_a_cm2 * 1e3}

    def load(self, spec: str) -> dict[str, Any]:
        """Wire another load: ``skin``, ``open``, ``4k7``; ``ionto-sim loads`` lists them."""
        if not isinstance(spec, str) or len(spec) > LOAD_LONGEST:
            raise ValueError(f"spec is {json.dumps(spec):.40}: give a load's name or a resistor, as in '4k7'")
        return self._act("load", spec)

    def lead_off(self, lead: str = "drug") -> dict[str, Any]:
        """Take a lead off: ``drug``, ``return`` or ``both``."""
        return self._act("lift", _lead(lead))

    def lead_on(self, lead: str = "drug") -> dict[str, Any]:
        """Put it back, with its whole area in contact."""
        return self._act("replace", _lead(lead))

    def contact(self, lead: str, share: float) -> dict[str, Any]:
        """Leave ``share`` (0 to 1) of an electrode's area in contact."""
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"share is {json.dumps(share):.40}: give a number from 0 (lifted) to 1 (all of it)")
        return self._act("contact", f"{_lead(lead)}:{share}")

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
        world = self._now()
        world.act(verb, argument)
        return {"t_us": world.now_us}

    def _now(self) -> World:
        if self._catch_up is not None:
            self._catch_up()
        return self._world


def _lead(lead: str) -> str:
    if lead not in LEADS:
        raise ValueError(f"lead is {json.dumps(lead):.40}: give one of {', '.join(LEADS)}")
    return lead


# What may be called over TCP: (method, required arguments, optional ones).
CALLS: Final[dict[str, tuple[Callable[..., dict[str, Any]], tuple[str, ...], tuple[str, ...]]]] = {
    "truth": (Door.truth, (), ()),
    "load": (Door.load, ("spec",), ()),
    "lead_off": (Door.lead_off, (), ("lead",)),
    "lead_on": (Door.lead_on, (), ("lead",)),
    "contact": (Door.contact, ("lead", "share"), ()),
    "unplug": (Door.unplug, (), ()),
    "replug": (Door.replug, (), ()),
    "power_cycle": (Door.power_cycle, (), ()),
    "hang": (Door.hang, (), ()),
    "nvm_full": (Door.nvm_full, (), ()),
    "line_break": (Door.line_break, (), ()),
}


class DoorConnection:
    """One client of the TCP door, sans-IO: lines of JSON in, lines of JSON out, the token first."""

    def __init__(self, door: Door, token: str) -> None:
        self._door = door
        self._token = token
        self._admitted = False
        self._buffer = b""
        self.closed = False

    def feed(self, data: bytes) -> bytes:
        """Answers to whatever is complete in ``data``; ``closed`` says that nothing more will be answered."""
        if self.closed:
            return b""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        out = b""
        for line in lines:
            out += self._line(line)
            if self.closed:
                return out
        if len(self._buffer) >= MAX_REQUEST:
            out += self._line(self._buffer)
        return out

    def _line(self, line: bytes) -> bytes:
        if len(line) >= MAX_REQUEST:
            self.closed = True
            answer: dict[str, Any] = {"error": f"a request has at most {MAX_REQUEST} bytes, line end included"}
        elif not line.strip():
            return b""
        else:
            answer = self._answer(line)
        return json.dumps(answer).encode() + b"\n"

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self.closed = not self._admitted
            return {"error": 'expected one JSON object a line, for example {"do": "truth"}'}
        return self._call(request) if self._admitted else self._admit(request)

    def _admit(self, request: dict[str, Any]) -> dict[str, Any]:
        import hmac

        token = request.get("token")
        given = token.encode(errors="replace") if isinstance(token, str) else b""
        self._admitted = hmac.compare_digest(given, self._token.encode())
        self.closed = not self._admitted
        if self._admitted:
            return {"ok": "welcome"}
        return {"error": 'wrong token; the first line is {"token": "..."}, as `ionto-sim serve` printed it'}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.pop("do", None)
        call = CALLS.get(name) if isinstance(name, str) else None
        if call is None:
            return {"error": f"do is {json.dumps(name):.40}: give one of {', '.join(CALLS)}"}
        method, required, optional = call
        for key in required:
            if key not in request:
                return {"error": f"{name} needs {key!r}"}
        for key in request:
            if key not in required and key not in optional:
                return {"error": f"{name} takes no {json.dumps(key):.40}"}
        try:
            return {"ok": method(self._door, **request)}
        except ValueError as exc:
            return {"error": str(exc)}


def loads() -> dict[str, str]:
    """Names of loads and what they are."""
    return dict(plant.LOADS)
