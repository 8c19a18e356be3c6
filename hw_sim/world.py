"""One unit on its bench: firmware, plant and lines, advanced together to a time.

Simulated time is an integer of microseconds. The world never reads a clock: whoever holds it says how far it goes,
so that the same calls give the same bytes on any machine. The firmware ticks every 10 ms; bytes reach it between
ticks, when they arrive. ``truth`` is what no wire can tell; ``snapshot`` and ``restore`` carry the whole world as
plain tuples.
"""

from __future__ import annotations

from collections.abc import Sized
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from hw_sim import kept, plant, steady
from hw_sim.firmware.hal import Hal
from hw_sim.firmware.inputs import heard
from hw_sim.firmware.machine import HOLD, NAMES
from hw_sim.firmware.main import Firmware
from hw_sim.firmware.record import Record
from hw_sim.line import Line
from hw_sim.plant import step

if TYPE_CHECKING:
    from hw_sim.faults.board import Board

TICK_US = 10_000
WATCHDOG_US = 120_000  # the hardware watchdog opens the relay this long after it was last fed
TX_LIMIT = 16_384  # transmit buffer of a connection; what does not fit is dropped whole
NEVER_US = 1 << 62
START_US = 500_000  # a new world is half a second old: the unit has started and tested itself


class SimHal(Hal):
    """The board, made of a plant, a dictionary of non-volatile slots, and the world's lines."""

    simulated = True
    jumper = True
    calibrates = True

    def __init__(self, world: World, serial: str) -> None:
        self.world = world
        self.plant = world.plant
        self.serial = serial
        self.nvm: dict[str, bytes] = {}
        self.nvm_full = False
        self.nvm_slow_us = 0  # how long a write takes
        self.writing: tuple[int, str, bytes] | None = None  # until when, slot, text

    def uptime_ms(self) -> int:
        return (self.world.now_us - self.world.powered_us) * TICK_US // (self.world.tick_us * 1000)

    def sense(self, s: Record) -> None:
        p = self.plant
        step(p)
        s.adc_i = p.adc_i
        s.adc_i2 = p.adc_i2
        s.adc_v = p.adc_v
        s.relay_fb = p.relay_fb
        s.cmp_i = p.cmp_i
        s.cmp_v = p.cmp_v
        if p.supply_mv != s.supply_mv or p.unit_temp_dc != s.temp_dc or p.odd or s.alarm:
            heard(s, p.supply_mv, p.unit_temp_dc, p.interlock, p.local_stop)

    def drive(self, s: Record) -> None:
        p = self.plant
        p.dac_code = s.dac
        p.relay = s.relay
        p.bridge = s.bridge

    def send(self, conn: int, data: bytes) -> bool:
        return self.world.sent(conn, data)

    def nvm_read(self, slot: str) -> bytes | None:
        return self.nvm.get(slot)

    def nvm_write(self, slot: str, data: bytes) -> bool:
        if self.nvm_full:
            return False
        if self.nvm_slow_us:
            self.writing = (self.world.now_us + self.nvm_slow_us, slot, data)
            self.nvm[slot] = data[: len(data) // 2]  # what there is of it until then
        else:
            self.nvm[slot] = data
        return True

    def nvm_busy(self) -> bool:
        if self.writing is None:
            return False
        until_us, slot, data = self.writing
        if self.world.now_us < until_us:
            return True
        self.nvm[slot] = data
        self.writing = None
        return False

    def reference_mv(self) -> int:
        return round(2500 / self.plant.drift)


class World:
    """A unit, powered and started, with any number of connections to it."""

    def __init__(
        self,
        *,
        load: str = "skin",
        seed: int = 1,
        serial: str = "SN0001",
        agenda: tuple[tuple[float, str, str], ...] = (),
        faults: tuple[str, ...] = (),
        firmware: type[Firmware] = Firmware,
        **parameters: float,
    ) -> None:
        self.seed = seed
        self.now_us = self.powered_us = self.fed_us = 0
        self.next_tick_us = self.tick_us = TICK_US  # how long a tick really is: the unit counts it as 10 ms
        self.hung = False
        self.plugged = True
        self.make = firmware  # the code in the unit, in whoever starts after a reset too
        self.has_lane = firmware is Firmware  # steady ticks go several at a time; the same bytes come out without
        self.plant = plant.new_plant(load=load, seed=seed, **parameters)
        self.to_unit: dict[int, Line] = {}
        self.to_host: dict[int, Line] = {}
        self.next_conn = 1
        self.load = load
        self.bytes_in = self.bytes_out = 0  # written to the unit and by it, on all connections
        self.origin: object = None  # what it was made from, for whoever wants to make it again
        self.done: list[tuple[int, str, str]] = []  # (time, verb, argument) of what was done through the bench door
        self.held, self.jumps = False, 0  # whether real time stands still for it; how often it was put back
        self.board: Board | None = None  # of the faults; there is none until one is injected
        # (time in us, verb, argument), soonest first
        self.agenda = tuple((round(at_s * 1e6), verb, arg) for at_s, verb, arg in sorted(agenda, key=itemgetter(0)))
        self.hal = SimHal(self, serial)
        self.firmware = self.make(self.hal)
        for fault in faults:
            self.act("inject", fault)
        plant.reset(self.plant)
        self.advance_to(START_US)

    # -- connections ---------------------------------------------------------------------------------------

    def connect(self, line: str = "usb") -> int:
        """A new connection to the unit; the number to use with ``put``, ``take`` and ``disconnect``."""
        conn = self.next_conn
        self.next_conn += 1
        self.to_unit[conn] = Line(line)
        self.to_host[conn] = Line(line, whole=True)
        if self.board is not None:
            self.board.opened(conn)
        return conn

    def disconnect(self, conn: int) -> None:
        """The port closed: the unit notices at once, what was under way is lost."""
        if self.to_unit.pop(conn, None) is not None:
            del self.to_host[conn]
            if not self.hung:  # a dead processor notices nothing, and feeds no watchdog
                self.firmware.disconnect(conn)
                self.firmware.hal.drive(self.firmware.rec)
            if self.board is not None:
                self.board.closed()

    def put(self, conn: int, data: bytes) -> None:
        """The host writes ``data`` now."""
        self.bytes_in += len(data)
        line = self.to_unit[conn]
        line.put(self.now_us, data)
        if line.arrivals and line.arrivals[0][0] <= self.now_us:
            self._arrivals()

    def take(self, conn: int) -> bytes:
        """What the host can read now."""
        return self.to_host[conn].take(self.now_us)

    def sent(self, conn: int, data: bytes) -> bool:
        line = self.to_host.get(conn)
        if line is None:
            return False
        if len(line.arrivals) > 64:
            limit = TX_LIMIT // 2 if data[:1] == b"~" else TX_LIMIT  # telemetry gives way before anything else
            if sum(len(d) for _, d in line.arrivals) + len(data) > limit:
                return False
        self.bytes_out += len(data)
        line.put(self.now_us, data)
        return True

    # -- time ----------------------------------------------------------------------------------------------

    def advance_to(self, until_us: int, conn: int = 0) -> None:
        """Advance to ``until_us``; with ``conn``, only until there is something to read on it, or it is gone."""
        host = self.to_host.get(conn)
        awaited = () if host is None else host.arrivals
        while True:
            soonest = self._next_us()
            limit = until_us if until_us < soonest else soonest
            if awaited and awaited[0][0] < limit:
                limit = awaited[0][0]
            if self.next_tick_us <= limit:
                self._tick_to(limit, awaited)
                if self.next_tick_us <= limit or (awaited and awaited[0][0] < limit):
                    continue  # something was sent: look again what comes first
            if limit > self.now_us:
                self.now_us = limit
            if soonest <= limit or (self.board is not None and self._next_us() <= limit):  # a fault may act in a tick
                self._arrivals()
                if self.agenda:
                    self._events()
                if host is not None and conn not in self.to_host:
                    return
            if limit >= until_us or (awaited and awaited[0][0] <= self.now_us):
                return

    def _next_us(self) -> int:
        """When something next comes to the unit from outside."""
        soonest = self.agenda[0][0] if self.agenda else NEVER_US
        for line in self.to_unit.values():
            arrivals = line.arrivals
            if arrivals and arrivals[0][0] < soonest:
                soonest = arrivals[0][0]
        return soonest

    def _tick_to(self, limit_us: int, awaited: Sized) -> None:
        """Ticks up to and with ``limit_us``, stopping early once the host has something to come."""
        while self.hung and self.next_tick_us <= limit_us:
            self.now_us = self.next_tick_us
            self.next_tick_us += self.tick_us
            self._tick_hung()
        at = self.next_tick_us
        if at > limit_us:
            return
        rec = self.firmware.rec
        tick, supply, tick_us = self.firmware.tick, self.plant, self.tick_us
        if awaited:
            awaited = ()  # has something to come already
        while at <= limit_us:
            made = self._hold(at, limit_us) if rec.st == HOLD and self.has_lane else 0
            if made:
                at += made * tick_us
            else:
                self.now_us = at
                at += tick_us
                tick()
                if not supply.supplied:
                    self._power_fails()
                    break
            if awaited:
                break
        self.next_tick_us = at
        if not self.hung:
            self.fed_us = self.now_us  # a tick that came to its end has fed the watchdog

    def _hold(self, at_us: int, limit_us: int) -> int:
        """As many ticks from ``at_us`` on as are plainly steady, up to the telemetry that they lead to."""
        firmware = self.firmware
        if not steady.is_steady(self.plant, firmware.rec):
            return 0
        most = (limit_us - at_us) // self.tick_us + 1
        left = firmware.session.tele_left
        made = steady.hold(self.plant, firmware.rec, left if 0 < left < most else most)
        if made:
            self.now_us = at_us + (made - 1) * self.tick_us
            firmware.held(made)
        return made

    def _arrivals(self) -> None:
        now = self.now_us
        for conn, line in list(self.to_unit.items()):
            arrivals = line.arrivals
            while arrivals and arrivals[0][0] <= now:
                data = arrivals.popleft()[1]
                if not self.hung:  # what reaches a dead processor is lost
                    self.firmware.receive(conn, data)
                    self.firmware.hal.drive(self.firmware.rec)

    def _tick_hung(self) -> None:
        """The processor is dead: the plant goes on, and the watchdog opens the relay and resets."""
        plant.step(self.plant)
        if self.fed_us == NEVER_US and self.plant.supplied:  # there is power again
            self.power_cycle()
        elif self.now_us - self.fed_us >= getattr(self.make, "WATCHDOG_US", WATCHDOG_US):
            self.power_cycle(cause=1)

    def power_cycle(self, cause: int = 0) -> None:
        """Reset: relay open, DAC at 0, and the firmware starts anew with what its memory kept."""
        (plant.reset if cause else plant.power_on)(self.plant)
        self.hung = False
        self.powered_us = self.fed_us = self.now_us
        self.hal.reset_cause = cause
        self.hal.writing = None  # and its slot is torn
        self.firmware = self.make(self.hal)

    def _power_off(self) -> None:
        plant.power_off(self.plant)
        self._power_fails()

    def _power_fails(self) -> None:
        """No supply, or not enough: the processor is held in reset, with no tick and no watchdog."""
        self.hung = True
        self.fed_us = NEVER_US
        self.plant.relay = self.plant.dac_code = 0

    # -- what happens to the bench -------------------------------------------------------------------------

    def _events(self) -> None:
        while self.agenda and self.agenda[0][0] <= self.now_us:
            (_, verb, argument), self.agenda = self.agenda[0], self.agenda[1:]
            self.act(verb, argument)

    def later(self, at_us: int, verb: str, argument: str) -> None:
        """One more thing that will happen, behind what already happens then."""
        sooner = tuple(entry for entry in self.agenda if entry[0] <= at_us)
        self.agenda = (*sooner, (at_us, verb, argument), *self.agenda[len(sooner) :])

    def act(self, verb: str, argument: str = "") -> None:
        """One thing that happens to the bench: ``load SPEC``, ``lift``/``replace LEAD``, ``contact LEAD:SHARE``,
        ``hang``, ``power_cycle``, ``power_off``, ``power_on``, ``unplug``, ``replug``, ``nvm_full``, ``nvm_free``,
        ``break``, ``local_stop``, ``jumper 0``/``1``, ``inject FAULT``, ``lift_fault NUMBER``.
        """
        match verb:
            case "load":
                plant.set_load(self.plant, argument)
                self.load = argument
            case "lift":
                plant.lift(self.plant, argument or "drug")
            case "replace":
                plant.replace(self.plant, argument or "drug")
            case "contact":
                lead, _, share = argument.partition(":")
                plant.set_contact(self.plant, lead, float(share))
            case "hang":
                self.hung = True
            case "power_cycle" | "power_on":
                self.power_cycle()
            case "power_off":
                self._power_off()
            case "unplug":
                self.plugged = False
                for conn in list(self.to_unit):
                    self.disconnect(conn)
            case "replug":
                self.plugged = True
            case "nvm_full" | "nvm_free":
                self.hal.nvm_full = verb == "nvm_full"
            case "jumper":
                self.hal.jumper = argument != "0"
            case "local_stop":
                plant.press(self.plant)
            case "inject" | "lift_fault" | "strike" | "go_on" | "chance" | "end_fault" | "look" | "bytes":
                self.faults().do(verb, argument)
            case "break":
                if not self.hung and (self.board is None or self.board.hears_break()):
                    self.firmware.line_break()
            case _:
                raise ValueError(f"{verb}: nothing of that name can happen to the bench")

    def faults(self) -> Board:
        """The board of the faults; only a world that has one pays for it."""
        if self.board is None:
            from hw_sim.faults.board import Board

            self.board = Board(self)
        return self.board

    def truth(self) -> dict[str, Any]:
        """What is really so, read from the plant and the firmware's own record."""
        p, s = self.plant, self.firmware.rec
        return {
            "t_us": self.now_us,
            "state": NAMES[s.st],
            "i_ua": p.i_a * 1e6,
            "v_mv": p.v_v * 1e3,
            "q_uc": p.q_c * 1e6,
            "relay_closed": bool(p.closed),
            "bridge": p.bridge,
            "dac_code": p.dac_code,
            "contact_drug": p.alpha_drug,
            "contact_return": p.alpha_return,
            "peak_ua": p.peak_i_a * 1e6,
            "set_ua": s.tgt // 1000,
            "faults": s.fl,
            **({} if self.make is Firmware else {"defects": self._defects()}),
        }

    def _defects(self) -> tuple[str, ...]:
        from hw_sim.variants import defects_of

        return defects_of(self.make)

    # -- snapshot ------------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[Any, ...]:
        """Everything that this world is, as plain tuples."""
        return kept.keep(self)

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Back to a snapshot of this world or of one with the same serial number; connections are as they were."""
        kept.bring_back(self, saved)
