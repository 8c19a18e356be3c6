"""Instruments on VISA, through PyVISA (``pip install ionto[visa]``): a ``READ?`` multimeter and a decade box.

``ScpiMeter`` is for meters that answer ``READ?`` with a number after one ``CONF`` command (Keysight 344xx, Keithley
2000 and DMM6500, Rigol DM30xx, Siglent SDM). For another one, take the class as the template: three texts of a station
file differ, ``setup``, ``query`` and ``scale``. The decade box is one ``command`` with ``{ohm}`` in it.

A reading blocks, and the unit's lease runs on: a meter slower than ``LONGEST_S`` would have the unit stop, so it is
asked for a reading before any current flows, and refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from math import isfinite, isinf
from time import monotonic
from typing import Any, Final, Protocol

from controller.bench.errors import InstrumentError
from controller.bench.instruments import Identity, Quantity, Reading

LONGEST_S: Final = 0.4  # KEEP is due every 0.25 s, the host is blind after 1 s
OPEN_OHM_TEXT: Final = "9.9E37"  # SCPI's infinity
_SETUP: Final[dict[Quantity, str]] = {"current": "CONF:CURR:DC", "voltage": "CONF:VOLT:DC"}
_SCALE: Final[dict[Quantity, float]] = {"current": 1e6, "voltage": 1e3}


class Resource(Protocol):
    """What is used of a PyVISA message-based resource."""

    def query(self, message: str) -> str: ...
    def write(self, message: str) -> int: ...
    def close(self) -> None: ...


def open_resource(address: str, backend: str = "") -> Resource:
    """Raises InstrumentError: PyVISA is missing, or nobody is there."""
    try:
        visa: Any = import_module("pyvisa")
    except ModuleNotFoundError as exc:
        raise InstrumentError("PyVISA is not installed: install ionto[visa]") from exc
    try:
        resource: Any = visa.ResourceManager(backend).open_resource(address)
        resource.read_termination = resource.write_termination = "\n"
        resource.timeout = round(LONGEST_S * 1000)
    except (visa.Error, OSError, ValueError) as exc:
        raise InstrumentError(f"{address}: {exc}; is it switched on, and is this its address?") from exc
    whole: Resource = resource
    return whole


def _guarded(address: str, act: Callable[[], str | int]) -> str | int:
    """PyVISA's errors have no root of their own but VisaIOError, and its backends raise what they like."""
    try:
        return act()
    except Exception as exc:
        raise InstrumentError(f"{address} does not answer: {exc}") from exc


class ScpiMeter:
    """One quantity, current in series or voltage across; ``clock`` is the host's, in seconds."""

    base = "host"

    def __init__(
        self,
        resource: Resource,
        address: str,
        clock: Callable[[], float],
        *,
        quantity: Quantity = "current",
        setup: str | None = None,
        query: str = "READ?",
        scale: float | None = None,
    ) -> None:
        self._resource, self._address, self._clock, self._query = resource, address, clock, query
        self._scale = _SCALE[quantity] if scale is None else scale
        self.quantities: frozenset[Quantity] = frozenset({quantity})
        said = str(_guarded(address, lambda: resource.query("*IDN?"))).strip()
        self.identity = Identity(driver="scpi", name=said)
        text = _SETUP[quantity] if setup is None else setup
        if text:
            _guarded(address, lambda: resource.write(text))
        self.resolution_s = self._speed(quantity)

    def _speed(self, quantity: Quantity) -> float:
        began = monotonic()
        self.read(quantity)
        took_s = monotonic() - began
        if took_s > LONGEST_S:
            raise InstrumentError(
                f"{self._address}: a reading took {took_s:.2f} s; set it to at most {LONGEST_S} s (1 PLC), because the "
                "unit stops when nobody speaks to it for so long"
            )
        return max(took_s, 0.01)

    def now(self) -> float:
        return self._clock()

    def read(self, quantity: Quantity) -> Reading:
        if quantity not in self.quantities:
            raise InstrumentError(f"{self._address} measures {', '.join(self.quantities)}, not {quantity}")
        before = self._clock()
        answer = str(_guarded(self._address, lambda: self._resource.query(self._query))).strip()
        try:
            value = float(answer) * self._scale
        except ValueError as exc:
            raise InstrumentError(f"{self._address} answers {answer!r} to {self._query}, which is no number") from exc
        if not isfinite(value) or abs(value) > 1e30:
            raise InstrumentError(f"{self._address} is overloaded: choose a larger range")
        return Reading((before + self._clock()) / 2, value)

    def close(self) -> None:
        self._resource.close()


class DecadeBox:
    """A programmable resistor: ``command`` with ``{ohm}``, ``open_command`` where it can open its output."""

    base = "host"

    def __init__(
        self,
        resource: Resource,
        address: str,
        clock: Callable[[], float],
        *,
        command: str = "SOUR:RES {ohm:g}",
        open_command: str | None = None,
    ) -> None:
        self._resource, self._address, self._clock = resource, address, clock
        self._command, self._open = command, open_command
        said = str(_guarded(address, lambda: resource.query("*IDN?"))).strip()
        self.identity = Identity(driver="decade", name=said)

    def fit(self, ohm: float) -> None:
        self.turn(ohm)

    def turn(self, ohm: float) -> float | None:
        if isinf(ohm) and self._open is None:
            raise InstrumentError(f"{self._address}: the station file names no open_command, and open was asked for")
        text = str(self._open) if isinf(ohm) else self._command.format(ohm=ohm)
        _guarded(self._address, lambda: self._resource.write(text))
        return self._clock()

    def close(self) -> None:
        self._resource.close()


def meter_options(table: Mapping[str, Any]) -> dict[str, Any]:
    """Of an instrument's table in a station file, what the meter takes."""
    return {key: table[key] for key in ("quantity", "setup", "query", "scale") if key in table}


def box_options(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: table[key] for key in ("command", "open_command") if key in table}
