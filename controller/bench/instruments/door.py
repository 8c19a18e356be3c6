"""The bench door of a simulated unit (``docs/bench-door.md``): a load, a meter that reads the truth, and hands.

``port.door`` of a ``sim://`` port, or the same calls as lines of JSON over TCP to ``ionto-sim serve --bench-door``.
This is a simulated bench's instrument and no more: it says nothing of a real one.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from math import isinf
from typing import Any, Final

from controller.bench.errors import InstrumentError
from controller.bench.instruments import Deed, Identity, Quantity, Reading

Call = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

TIMEOUT_S: Final = 5.0
_KEYS: Final[dict[Quantity, tuple[str, float]]] = {
    "current": ("i_ua", 1.0), "voltage": ("v_mv", 1.0), "charge": ("q_uc", 1.0),
}  # fmt: skip
_INSTANT: Final[dict[Deed, str]] = {
    "local_stop": "local_stop", "power_cycle": "power_cycle", "hang": "hang", "line_break": "line_break",
}  # fmt: skip
_FAULTS: Final[dict[Deed, str]] = {
    "interlock": "E22:what=open", "overcurrent": "E10:ma={ma:g}", "leak": "E09:kohm={kohm:g}",
    "frozen_sensor": "S01:channel=i2", "hot": "E21:celsius=65",
}  # fmt: skip
_DECADE_MAX_OHM: Final = 999_999


class Door:
    """Load, meter and hands in one, because the door is."""

    identity = Identity(driver="door", name="bench door of the simulator")
    base = "door"
    quantities: frozenset[Quantity] = frozenset(_KEYS)
    resolution_s = 0.01  # the truth is the mean of a control tick
    deeds: frozenset[Deed] = frozenset({*_INSTANT, *_FAULTS})

    def __init__(self, call: Call, close: Callable[[], None] | None = None) -> None:
        self._call = call
        self._close = close
        self._injected: dict[Deed, int] = {}

    def close(self) -> None:
        """Hang up, where there is a line. Safe to repeat."""
        if self._close is not None:
            self._close()

    @property
    def call(self) -> Call:
        """Any call of the door's page, for who needs more of a bench than an instrument has."""
        return self._call

    # -- load ------------------------------------------------------------------------------------------------------

    def fit(self, ohm: float) -> None:
        self.turn(ohm)

    def turn(self, ohm: float) -> float | None:
        """A decade box: turning it is no new contact."""
        if isinf(ohm):
            return self._at("load", {"spec": "open"})
        if ohm > _DECADE_MAX_OHM:
            raise InstrumentError(f"the door's decade box ends at {_DECADE_MAX_OHM} ohm; {ohm:g} were asked for")
        return self._at("load", {"spec": f"decade:{round(ohm)}" if ohm else "short"})

    # -- meter -----------------------------------------------------------------------------------------------------

    def now(self) -> float:
        return self._at("truth", {})

    def read(self, quantity: Quantity) -> Reading:
        key, scale = _KEYS[quantity]
        truth = self._call("truth", {})
        return Reading(truth["t_us"] / 1e6, truth[key] * scale)

    # -- hands -----------------------------------------------------------------------------------------------------

    def do(self, deed: Deed, amount: float = 0.0) -> float | None:
        if deed in _INSTANT:
            return self._at(_INSTANT[deed], {})
        done = self._call("inject", {"fault": _FAULTS[deed].format(ma=amount / 1000, kohm=amount / 1000)})
        self._injected[deed] = int(done["number"])
        return float(done["t_us"]) / 1e6

    def undo(self, deed: Deed) -> None:
        number = self._injected.pop(deed, None)
        if number is not None:
            self._call("lift_fault", {"fault": number})

    def _at(self, verb: str, arguments: Mapping[str, Any]) -> float:
        return float(self._call(verb, arguments)["t_us"]) / 1e6


def of_port(door: object) -> Door:
    """``port.door`` of a ``sim://`` port."""

    def call(verb: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            done: Mapping[str, Any] = getattr(door, verb)(**arguments)
        except ValueError as exc:
            raise InstrumentError(f"bench door: {exc}") from exc
        return done

    return Door(call)


class _Tcp:
    """One connection; a request and its answer are a line each."""

    def __init__(self, address: str, token: str) -> None:
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        except (OSError, ValueError) as exc:
            raise InstrumentError(
                f"bench door {address}: {exc}; `ionto-sim serve --bench-door HOST:PORT` prints where it is"
            ) from exc
        self._address = address
        self._lines = self._socket.makefile("rb")
        try:
            self._ask({"token": token})
        except InstrumentError:
            self.close()
            raise

    def __call__(self, verb: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        done: Mapping[str, Any] = self._ask({"do": verb, **arguments})
        return done

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def _ask(self, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(self._lines.readline())
        except (OSError, ValueError) as exc:
            raise InstrumentError(f"bench door {self._address} does not answer: {exc}; is the simulator up?") from exc
        if "error" in answer:
            raise InstrumentError(f"bench door {self._address}: {answer['error']}")
        return answer["ok"]


def of_address(address: str, token: str | None) -> Door:
    """Over TCP; the token as printed, or None: the environment's IONTO_DOOR_TOKEN.

    Raises:
        InstrumentError: nobody there, or another token.
    """
    word = os.environ.get("IONTO_DOOR_TOKEN", "") if token is None else token
    line = _Tcp(address, word)
    return Door(line, line.close)
