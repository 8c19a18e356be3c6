"""One joint state: the real unit on its bench, the real host, and the frames between them, which the search holds.

Time is a grid of 250 ms, the host's own time-out: within an instant any number of frames may be delivered, and between
two instants the unit ticks 25 times. The host looks at its clock at the end of an instant, when nothing is left to be
delivered in it. Of the telemetry lines that the unit makes between two instants the newest is carried; the others are
lost, as a line may lose them.

``aside`` are frames that were held up, or second copies: they may arrive at any later moment, or never.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from controller.engine import Order
from hw_sim.firmware import control
from hw_sim.firmware.machine import PAUSED
from hw_sim.firmware.main import Firmware
from hw_sim.firmware.record import Record
from hw_sim.firmware.session import Session
from hw_sim.variants import refit
from hw_sim.world import World
from tests.evidence.search import copying, safety
from tests.evidence.search.host import Host
from tests.evidence.search.safety import Begun, Executed, Ghost, Seen

GRID_US: Final = 250_000
CUT_STEPS: Final = (5, 8, 36, 80)  # a cut lasts 1.25 s, then 3.25, 12.25, 32.25: past each of the deadlines
PAUSE_S: Final = 40  # instead of 600: longer than the host's patience of 30 s, as those are
PAUSE_STEPS: Final = 4 * PAUSE_S + 8

Cut: TypeAlias = tuple[Literal["both", "down", "port gone"], int] | None

_seen: list[Seen] = []


@contextmanager
def watched() -> Iterator[None]:
    """While the search runs: what the firmware executes and begins is heard, and a pause may last 40 s."""
    begin, execute, pause_s = control.begin, Session._execute, control.PAUSE_S

    def heard_begin(s: Record, resumed: int) -> None:
        _seen.append(Begun(bool(resumed)))
        begin(s, resumed)

    def heard_execute(self: Session, conn: int, sid: int, number: int, verb: str, fields: Any) -> None:
        _seen.append(Executed(sid, number, verb, self.last_line))
        execute(self, conn, sid, number, verb, fields)

    control.begin, Session._execute = heard_begin, heard_execute  # type: ignore[method-assign]
    control.PAUSE_S = PAUSE_S
    try:
        yield
    finally:
        control.begin, Session._execute = begin, execute  # type: ignore[method-assign]
        control.PAUSE_S = pause_s


class Saved(NamedTuple):
    """A state put aside. Parts that a move did not touch are shared with the state before."""

    world: tuple[Any, ...]
    host: Host
    of_host: copying.Saved
    rest: tuple[Any, ...]


class Bench:
    """``broken`` is the first sentence that did not hold on the way to this state."""

    def __init__(self, *, firmware: type[Firmware] = Firmware, host: type[Host] = Host) -> None:
        self._make = firmware
        self.world = World(load="5k", firmware=firmware)
        self.conn = self.world.connect("direct")
        self.make_host = host
        self.host = host(1)
        self.up: tuple[bytes, ...] = ()
        self.down: tuple[bytes, ...] = ()
        self.aside: tuple[tuple[bool, bytes], ...] = ()  # (whether it goes to the unit, frame)
        self.cut: Cut = None
        self.crashed = False
        self.pressed = False
        self.ghost = Ghost()
        self.broken: str | None = None
        self._world_saved: tuple[Any, ...] | None = None
        self._host_saved: copying.Saved | None = None
        self.host.begin(self.now_s)
        self._went()

    @property
    def now_s(self) -> float:
        return self.world.now_us / 1e6

    @property
    def deaf(self) -> bool:
        """Whether nobody listens at the host's end."""
        return self.crashed or self.host.over or self.host.port_lost

    @property
    def awake(self) -> bool:
        """Whether a program is there that looks at its clock."""
        return not self.crashed and not self.host.over

    # -- put aside and brought back ----------------------------------------------------------------------------

    def snapshot(self) -> Saved:
        if self._world_saved is None:
            self._world_saved = self.world.snapshot()
        if self._host_saved is None:
            self._host_saved = copying.save(self.host)
        rest = (self.conn, self.up, self.down, self.aside, self.cut, self.crashed, self.pressed, self.ghost)
        return Saved(self._world_saved, self.host, self._host_saved, rest)

    def restore(self, saved: Saved) -> None:
        if saved.world is not self._world_saved:
            self.world.restore(saved.world)
            if self.world.make is not self._make:  # planted: no variant of the simulator's own, which it would know
                refit(self.world, self._make)
            self._world_saved = saved.world
        if saved.of_host is not self._host_saved:
            self.host = saved.host
            copying.bring_back(saved.of_host)
            self._host_saved = saved.of_host
        self.conn, self.up, self.down, self.aside, self.cut, self.crashed, self.pressed, self.ghost = saved.rest
        self.broken = None

    # -- the two ends ------------------------------------------------------------------------------------------

    def give_unit(self, frame: bytes) -> None:
        """A frame reaches the unit."""
        with self._unit_moves(stop=safety.is_stop(frame)):
            self.world.put(self.conn, frame)
        self.down += self._said()

    def give_host(self, frame: bytes) -> None:
        """A frame reaches the host, or ``b""``: it looks at its clock."""
        self._host_saved = None
        self.host.hear(frame, self.now_s)
        self._went()
        self._judge()

    def tick(self) -> None:
        """To the next instant."""
        with self._unit_moves():
            self.world.advance_to(self.world.now_us + GRID_US)
        said = self._said()
        late = [k for k, frame in enumerate(said) if frame[:1] == b"~"][:-1]
        self.down += tuple(frame for k, frame in enumerate(said) if k not in late)
        self.pressed = self.pressed and bool(self.world.plant.local_stop)

    def act(self, verb: str, argument: str = "", *, stop: bool = False) -> None:
        """Something happens to the bench."""
        with self._unit_moves(stop=stop):
            self.world.act(verb, argument)
        self.down += self._said()

    def order(self, what: Order) -> None:
        """A person asks the host."""
        self._host_saved = None
        self.host.stopped = self.host.stopped or what in ("stop", "abort")
        self.host.order(what, self.now_s)
        self._went()
        self._judge()

    def unplug(self) -> None:
        self._host_saved = None
        with self._unit_moves():
            self.world.disconnect(self.conn)
        self.up = self.down = self.aside = ()
        self.cut = ("port gone", 0)
        self.host.lose_port(self.now_s)
        self._judge()

    def plug(self) -> None:
        self._host_saved = None
        self._world_saved = None
        self.conn = self.world.connect("direct")
        self.cut = None
        self.host.find_port(self.now_s)
        self._went()
        self._judge()

    def crash(self) -> None:
        """The host's program is gone; what is on the line stays there, and the port does not tell the unit."""
        if self.host.port_lost:
            self._world_saved = None
            self.conn, self.cut = self.world.connect("direct"), None
        self.crashed = True
        self.down = ()
        self.aside = tuple(held for held in self.aside if held[0])
        self._judge()

    def restart(self) -> None:
        """Another program begins in its place, with a run of its own."""
        self._host_saved = None
        self.host = self.make_host(self.host.life + 1)
        self.crashed = False
        self.host.begin(self.now_s)
        self._went()
        self._judge()

    # -- longer stretches --------------------------------------------------------------------------------------

    def cut_line(self, kind: Literal["both", "down"]) -> None:
        """What is under way is lost, and what is said from now on."""
        self.cut = (kind, 0)
        self.down = ()
        if kind == "both":
            self.up = ()
        self.last_cut()

    def last_cut(self) -> None:
        """The cut goes on to its next length."""
        if self.cut is None:
            return
        kind, stage = self.cut
        for _ in range(CUT_STEPS[stage]):
            if self.awake:
                self.give_host(b"")
            going, self.up = self.up, ()
            for frame in going if kind == "down" else ():
                self.give_unit(frame)
            self.down = ()
            self.tick()
            self.down = ()
        self.cut = (kind, stage + 1)

    def wait_out_pause(self) -> None:
        """Nobody resumes: all is delivered, and time passes, until the unit gives the pause up."""
        for _ in range(PAUSE_STEPS):
            self.deliver_all()
            if self.world.firmware.rec.st != PAUSED:
                return
            self.tick()

    def deliver_all(self) -> None:
        """Everything under way arrives in order, and the host looks at its clock."""
        for _ in range(2):
            while self.up or self.down:
                if self.up:
                    head, self.up = self.up[0], self.up[1:]
                    self.give_unit(head)
                else:
                    head, self.down = self.down[0], self.down[1:]
                    self.give_host(head)
            if self.awake:
                self.give_host(b"")

    # -- what happened -----------------------------------------------------------------------------------------

    @contextmanager
    def _unit_moves(self, *, stop: bool = False) -> Iterator[None]:
        self._world_saved = None
        _seen.clear()
        target = self.world.firmware.rec.tgt
        yield
        raised = self.world.firmware.rec.tgt > target
        self.ghost, wrong = safety.heard(self.ghost, tuple(_seen), self.world.firmware.run, stop=stop, raised=raised)
        self._note(wrong)
        self._judge()

    def _said(self) -> tuple[bytes, ...]:
        """What the unit has said since."""
        line = self.world.to_host.get(self.conn)
        if line is None:
            return ()
        said = tuple([data for _, data in line.arrivals])
        line.arrivals.clear()
        return () if self.deaf else said

    def _went(self) -> None:
        """What the host has sent, and what it has concluded, since."""
        host = self.host
        for frame in host.link.going:
            self.ghost = safety.sent(self.ghost, frame)
        self.up += tuple(host.link.going)
        host.link.going.clear()
        for judged in host.judged:
            self._note(safety.verdict(self.ghost, judged))
        host.judged.clear()
        if self.deaf:
            self.down = ()
            self.aside = tuple(held for held in self.aside if held[0])

    def _judge(self) -> None:
        self._note(safety.joint(self))

    def _note(self, wrong: str | None) -> None:
        if wrong is not None and self.broken is None:
            self.broken = wrong
