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
from hw_sim.scenario import LOAD_LONGEST, Scenario
from hw_sim.world import World

MAX_REQUEST: Final = 4096
LEADS: Final = ("drug", "return", "both")
LONGEST_ADVANCE_S: Final = 3600
SNAPSHOTS: Final = 32


class Door:
    """The calls. Every one returns a plain JSON value; ``ValueError`` says what is wrong with its arguments.

    ``catch_up`` brings a world that lives in real time to now before a call; None: the world is where it is.
    """

    def __init__(self, world: World, catch_up: Callable[[], None] | None = None) -> None:
        self._world = world
        self._catch_up = catch_up
        self._kept: dict[str, tuple[Any, ...]] = {}  # snapshots by name

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

    def local_stop(self) -> dict[str, Any]:
        """Press the stop button of the unit itself."""
        return self._act("local_stop")

    def jumper(self, fitted: bool) -> dict[str, Any]:
        """Fit or remove the bench jumper: with it, runs do not count in the dose window."""
        if not isinstance(fitted, bool):
            raise ValueError(f"fitted is {json.dumps(fitted):.40}: give true or false")
        return self._act("jumper", "1" if fitted else "0")

    # -- faults --------------------------------------------------------------------------------------------

    def inject(self, fault: str) -> dict[str, Any]:
        """Let a fault happen, now or when its schedule says; the number by which it is lifted."""
        if not isinstance(fault, str):
            raise ValueError(f"fault is {json.dumps(fault):.40}: give one as text, as in 'E01@state=HOLD+5,for=2'")
        done = self._act("inject", fault)
        return done | {"number": self._world.faults().newest}

    def lift_fault(self, fault: int | str) -> dict[str, Any]:
        """Take a fault back, on or waiting: by its number, or all of an id or a name."""
        if isinstance(fault, bool) or not isinstance(fault, int | str):
            raise ValueError(f"fault is {json.dumps(fault):.40}: give its number, id or name")
        return self._act("lift_fault", str(fault))

    def faults(self) -> dict[str, Any]:
        """What is injected: what waits and what is on."""
        world = self._now()
        return {"t_us": world.now_us, "faults": world.faults().listed()}

    # -- time ----------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> dict[str, Any]:
        """Let simulated time pass at once, whoever waits."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_ADVANCE_S:
            raise ValueError(f"seconds is {json.dumps(seconds):.40}: give a number from 0 to {LONGEST_ADVANCE_S}")
        world = self._now()
        world.advance_to(world.now_us + round(seconds * 1e6))
        return {"t_us": world.now_us}

    def freeze(self) -> dict[str, Any]:
        """Real time stands still for this bench, until ``thaw``; ``advance`` goes on."""
        world = self._now()
        world.held = True
        return {"t_us": world.now_us}

    def thaw(self) -> dict[str, Any]:
        """Time passes again, from where it stood."""
        world = self._now()
        world.held = False
        return {"t_us": world.now_us}

    def snapshot(self, name: str) -> dict[str, Any]:
        """Keep the whole bench as it is now, under a name; one of that name is replaced."""
        world = self._now()
        name = _name(name)
        if name not in self._kept and len(self._kept) >= SNAPSHOTS:
            raise ValueError(f"{SNAPSHOTS} snapshots are kept already: use a name again")
        self._kept[name] = world.snapshot()
        return {"t_us": world.now_us}

    def restore(self, name: str) -> dict[str, Any]:
        """Put the whole bench back to a snapshot: unit, load, faults, bytes on the way, and the time."""
        world = self._now()
        kept = self._kept.get(_name(name))
        if kept is None:
            raise ValueError(f"no snapshot {name!r} is kept; kept: {', '.join(self._kept) or 'none'}")
        world.restore(kept)
        return {"t_us": world.now_us}

    def history(self) -> dict[str, Any]:
        """The scenario, seed included, with everything that was done through the door: a file that replays it."""
        from dataclasses import replace

        from hw_sim.scenario.writing import to_toml

        world = self._now()
        if not isinstance(world.origin, Scenario):
            raise ValueError("this bench was not made from a scenario, so none can replay it")
        done = tuple((at_us / 1e6, verb, argument) for at_us, verb, argument in world.done)
        agenda = tuple(sorted(world.origin.agenda + done, key=lambda entry: entry[0]))
        # What was expected of the scenario need not come of this.
        again = replace(world.origin, agenda=agenda, expected=None)
        return {"t_us": world.now_us, "toml": to_toml(again)}

    def _act(self, verb: str, argument: str = "") -> dict[str, Any]:
        world = self._now()
        world.act(verb, argument)
        world.done.append((world.now_us, verb, argument))
        return {"t_us": world.now_us}

    def _now(self) -> World:
        if self._catch_up is not None:
            self._catch_up()
        return self._world


def _lead(lead: str) -> str:
    if lead not in LEADS:
        raise ValueError(f"lead is {json.dumps(lead):.40}: give one of {', '.join(LEADS)}")
    return lead


def _name(name: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= 40 or not name.isprintable():
        raise ValueError(f"name is {json.dumps(name):.40}: give 1 to 40 printable characters")
    return name


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
    "local_stop": (Door.local_stop, (), ()),
    "jumper": (Door.jumper, ("fitted",), ()),
    "inject": (Door.inject, ("fault",), ()),
    "lift_fault": (Door.lift_fault, ("fault",), ()),
    "faults": (Door.faults, (), ()),
    "advance": (Door.advance, ("seconds",), ()),
    "freeze": (Door.freeze, (), ()),
    "thaw": (Door.thaw, (), ()),
    "snapshot": (Door.snapshot, ("name",), ()),
    "restore": (Door.restore, ("name",), ()),
    "history": (Door.history, (), ()),
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
    return {
        **plant.LOADS,
        "trace:FILE.csv": "a recorded resistance: time_s since power-on, ohm; a scenario's or an address's",
    }
