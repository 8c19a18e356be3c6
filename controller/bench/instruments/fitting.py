"""The instruments of a station, opened: what its file names, else what the port itself brings, else a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from controller.bench.instruments import Hands, Load, Meter, door, visa
from controller.bench.instruments.prompts import Operator
from controller.bench.record import Instrument
from controller.bench.station import Station, described
from controller.unit import Unit

DOOR: Final = "127.0.0.1:5026"  # as `ionto-sim serve --bench-door` has it by default


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    load: Load
    meter: Meter | None
    hands: Hands | None
    records: tuple[Instrument, ...]
    opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Fitted:
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.close()


def fitted(
    unit: Unit, station: Station, *, today: date, tell: Callable[[str], None], ask: Callable[[str], None]
) -> Fitted:
    """Open what the station names. A ``sim://`` port has a bench of its own, and uses it where nothing is named.

    Raises:
        InstrumentError: an instrument does not answer.
    """
    person = Operator(tell, ask)
    own = getattr(unit.link, "bench_door", None)
    bench = None if own is None else door.of_port(own)
    named = station.meter is not None or station.load is not None
    with ExitStack() as opened:
        meter = _meter(unit, station.meter, bench, opened) if named else bench
        load = _load(unit, station.load, bench, person, opened) if named else bench or person
        hands = load if isinstance(load, door.Door) else person
        records = [] if meter is None else [_described("meter", station.meter, meter, today)]
        records.append(_described("load", station.load, load, today))
        return Fitted(load=load, meter=meter, hands=hands, records=tuple(records), opened=opened.pop_all())


def _described(role: str, table: Mapping[str, Any] | None, fitted_one: Meter | Load, today: date) -> Instrument:
    identity = fitted_one.identity
    return described(role, table or {}, identity.name, identity.driver, today)


def _door(table: Mapping[str, Any], bench: door.Door | None, opened: ExitStack) -> door.Door:
    if "address" not in table and bench is not None:
        return bench
    return opened.enter_context(closing(door.of_address(table.get("address", DOOR), table.get("token"))))


def _resource(table: Mapping[str, Any], opened: ExitStack) -> visa.Resource:
    return opened.enter_context(closing(visa.open_resource(table["address"], table.get("backend", ""))))


def _meter(unit: Unit, table: Mapping[str, Any] | None, bench: door.Door | None, opened: ExitStack) -> Meter | None:
    if table is None:
        return None
    if table["driver"] == "door":
        return _door(table, bench, opened)
    resource = _resource(table, opened)
    return visa.ScpiMeter(resource, table["address"], unit.link.clock.now, **visa.meter_options(table))


def _load(
    unit: Unit, table: Mapping[str, Any] | None, bench: door.Door | None, person: Operator, opened: ExitStack
) -> Load:
    if table is None or table["driver"] == "prompts":
        return person
    if table["driver"] == "door":
        return _door(table, bench, opened)
    resource = _resource(table, opened)
    return visa.DecadeBox(resource, table["address"], unit.link.clock.now, **visa.box_options(table))
