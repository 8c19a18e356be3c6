"""A bench under the eyes of the product's own monitors: every line, and the truth after every tick.

What must always hold is judged by `controller.monitors` alone; a bench that had an opinion of its own would hide where
they are blind. The line is direct, so what was sent has arrived. What somebody does to the unit itself (a source that
is turned up, a processor that is stopped) the bench tells the monitors, and nothing else.
"""

from __future__ import annotations

from typing import Any

from controller.monitors import Promises, Violated, Watch
from hw_sim.door import Door
from hw_sim.firmware.main import Firmware
from hw_sim.world import World
from tests.monitors import lines_of
from tests.sim.firmware.bench import ENERGISED, Bench, seal

DIRECT = Promises(direct_ms=0)


class Watched(Bench):
    def __init__(self, load: str = "5k", firmware: type[Firmware] = Firmware, **parameters: Any) -> None:
        self.watch = Watch(promises=DIRECT, direct=True)
        self._hellos = 0
        super().__init__(world=World(load=load, firmware=firmware, **parameters))
        self._door = Door(self.world)

    @property
    def broken(self) -> dict[str, str]:
        """The invariants that were violated, by number, with the first moment of each."""
        verdicts = {finding.id: finding.verdict for finding in self.watch.findings()}
        return {number: str(verdict) for number, verdict in verdicts.items() if isinstance(verdict, Violated)}

    # -- the hands -------------------------------------------------------------------------------------------

    def prescribe(self, **fields: int | str) -> dict[str, Any]:
        return super().prescribe(**{"I": 1000, "Q": 18_000, "TU": 2000, "TD": 2000} | fields)

    def hello(self, more: str = "", *, verb: str = "HELLO", nonce: str = "") -> dict[str, Any]:
        """With a nonce of its own, as a host does."""
        self._hellos += 1
        return super().hello(more, verb=verb, nonce=nonce or f"{0x5F2A90C0 + self._hellos:08X}")

    def act(self, verb: str, argument: str = "", *, breaks: str = "", blind: bool = False) -> None:
        """``breaks``: what of the unit itself is broken by it."""
        if breaks:
            self.watch.broken(self.world.now_us, breaks, blind=blind)
        self.world.act(verb, argument)

    def send(self, sid: int, number: int, text: str, conn: int | None = None) -> dict[str, Any]:
        """As a host does: a unit that answers late is waited for."""
        before = len(self.replies)
        self.put(self.sealed(sid, number, text), conn)
        for _ in range(100):
            if len(self.replies) > before:
                break
            self.ticks()
        assert len(self.replies) == before + 1, (text, self.replies[before:])
        return self.replies[-1]

    @staticmethod
    def sealed(sid: int, number: int, text: str) -> bytes:
        return seal(f">{sid:04X} {number:04X} {text}")

    def put(self, data: bytes, conn: int | None = None) -> list[str]:
        for line in lines_of(data):
            self.watch.sent(self.world.now_us, line)
        return super().put(data, conn)

    def put_damaged(self, meant: bytes, arrives: bytes) -> None:
        """The host sends ``meant``; this reaches the unit."""
        for line in lines_of(meant):
            self.watch.sent(self.world.now_us, line)
        for line in lines_of(arrives):
            self.watch.arrived(self.world.now_us, line)
        super().put(arrives)

    # -- the eyes --------------------------------------------------------------------------------------------

    def hear(self, conn: int | None = None) -> list[str]:
        heard = super().hear(conn)
        for line in heard:
            self.watch.received(self.world.now_us, line)
        return heard

    def ticks(self, n: int = 1) -> None:
        for _ in range(n):
            super().ticks()
            self.look()

    def look(self) -> None:
        self.watch.truth(self._door.truth())

    def advance(self, seconds: float) -> None:
        if self.state in ENERGISED or self.sid:
            super().advance(seconds)
        else:
            self.ticks(round(seconds * 100))
