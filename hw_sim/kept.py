"""A whole world put aside as plain tuples, and brought back: what a search over states does many thousand times.

Plain, so that two worlds can be compared, hashed and written down; no closure, generator or reference to an object is
in it. What a world is made of says itself what belongs to it (``STATE``, the records' fields), so that nothing new is
forgotten here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hw_sim import plant
from hw_sim.firmware.main import Firmware
from hw_sim.firmware.nvm import Store
from hw_sim.firmware.record import FIELDS
from hw_sim.firmware.scpi import PlainDoor
from hw_sim.firmware.session import Session
from hw_sim.firmware.wire import Receiver
from hw_sim.flat import reader, writer
from hw_sim.line import Line

if TYPE_CHECKING:
    from hw_sim.world import World

_OWN: Final = (
    "now_us", "powered_us", "next_tick_us", "fed_us", "hung", "plugged", "next_conn", "agenda", "load", "bytes_in",
    "bytes_out", "tick_us",
)  # fmt: skip

_read_own, _write_own = reader(_OWN), writer(_OWN)
_read_record, _write_record = reader(FIELDS), writer(FIELDS)
_read_firmware, _write_firmware = reader(Firmware.STATE), writer(Firmware.STATE)
_read_session, _write_session = reader(Session.STATE), writer(Session.STATE)
_read_door, _write_door = reader(PlainDoor.STATE), writer(PlainDoor.STATE)
_read_store, _write_store = reader(Store.STATE), writer(Store.STATE)


def keep(world: World) -> tuple[Any, ...]:
    """What ``bring_back`` needs."""
    fw, hal = world.firmware, world.hal
    return (
        (*_read_own(world), _code(world)),
        plant.snapshot(world.plant),
        _read_record(fw.rec),
        _read_firmware(fw),
        (_read_session(fw.session), tuple(fw.session.tele_times)),
        _read_door(fw.door),
        _read_store(fw.store),
        tuple(sorted((c, r.buf, r.bad, r.poisoned, r.overlong) for c, r in fw.receivers.items())),
        (tuple(sorted(hal.nvm.items())), hal.nvm_full, hal.reset_cause, hal.jumper, hal.nvm_slow_us, hal.writing),
        tuple((c, u.snapshot(), world.to_host[c].snapshot(), u.byte_ns) for c, u in world.to_unit.items()),
        (tuple(world.done), world.board.snapshot() if world.board is not None else None),
    )


def bring_back(world: World, saved: tuple[Any, ...]) -> None:
    own, of_plant, record, of_firmware, of_session, of_door, of_store, receivers, hal, lines, mishaps = saved
    _write_own(world, own[:-1])
    _write_code(world, own[-1])
    plant.restore(world.plant, of_plant)
    fw = world.firmware
    _write_record(fw.rec, record)
    _write_firmware(fw, of_firmware)
    _write_session(fw.session, of_session[0])
    fw.session.tele_times = list(of_session[1])
    _write_door(fw.door, of_door)
    _write_store(fw.store, of_store)
    fw.receivers = {}
    for conn, buf, bad, poisoned, overlong in receivers:
        r = fw.receivers[conn] = Receiver()
        r.buf, r.bad, r.poisoned, r.overlong = buf, bad, poisoned, overlong
    world.hal.nvm = dict(hal[0])
    world.hal.nvm_full, world.hal.reset_cause, world.hal.jumper, world.hal.nvm_slow_us, world.hal.writing = hal[1:]
    world.jumps += 1
    world.done = list(mishaps[0])
    world.to_unit, world.to_host = {}, {}
    for conn, unit_line, host_line, byte_ns in lines:
        for table, state in ((world.to_unit, unit_line), (world.to_host, host_line)):
            line = table[conn] = Line("usb", whole=table is world.to_host)
            line.byte_ns = byte_ns
            line.restore(state)
    world.board = None
    if mishaps[1] is not None:  # on the lines as they are now
        world.faults().restore(mishaps[1])


def _code(world: World) -> tuple[Any, ...]:
    """Of a unit whose code has defects: their names, and what they remember."""
    if world.make is Firmware:
        return ()
    from hw_sim import variants

    return variants.defects_of(world.make), variants.memories(world.firmware)


def _write_code(world: World, code: tuple[Any, ...]) -> None:
    if not code and world.make is Firmware:
        return
    from hw_sim import variants

    names, memories = code or ((), ())
    variants.refit(world, variants.named(names))
    variants.remember(world.firmware, memories)
