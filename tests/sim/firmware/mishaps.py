"""What can go wrong with a unit on a bench, and what has to be so after a fault.

What goes wrong goes wrong in the plant where it can (leads, loads, a source of the wrong strength); a wrong reading
is put between the board and the firmware.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hw_sim.firmware.record import Record
from tests.sim.firmware.bench import Bench

Happening = Callable[[Bench], None]


def act(verb: str, argument: str = "") -> Happening:
    return lambda bench: bench.world.act(verb, argument)


def off_for(ms: int) -> Happening:
    def blink(bench: Bench) -> None:
        bench.world.act("lift", "drug")
        bench.ticks(ms // 10)
        bench.world.act("replace", "drug")

    return blink


def source(share: float) -> Happening:
    """The current source gives ``share`` of what it is asked for."""

    def weaken(bench: Bench) -> None:
        bench.world.plant.a_per_code *= share
        bench.world.plant.asked_code = -1  # ask again at the next tick

    return weaken


def runaway(bench: Bench) -> None:
    """A source at full scale whose limiter has failed: only the comparator is left."""
    bench.world.plant.limiter_a = 5e-3
    source(1.3)(bench)


def sensor(change: Callable[[Record], None]) -> Happening:
    """A reading is wrong from now on."""

    def spoil(bench: Bench) -> None:
        hal = bench.world.hal
        sense = hal.sense

        def spoiled(s: Record) -> None:
            sense(s)
            change(s)

        bench.world.has_lane = False  # which reads the converters itself
        hal.sense = spoiled  # type: ignore[method-assign]

    return spoil


def mended(bench: Bench) -> None:
    del bench.world.hal.sense


def scaled(name: str, share: float, more: int = 0) -> Happening:
    """A current channel that reads ``share`` of the current, ``more`` codes beside it."""

    def change(s: Record) -> None:
        setattr(s, name, round((getattr(s, name) - 38) * share) + 38 + more)

    return sensor(change)


def stuck(name: str) -> Happening:
    def freeze(bench: Bench) -> None:
        code = getattr(bench.world.firmware.rec, name)
        sensor(lambda s: setattr(s, name, code))(bench)

    return freeze


def reads(name: str, code: int) -> Happening:
    return sensor(lambda s: setattr(s, name, code))


@dataclass(frozen=True, kw_only=True)
class Mishap:
    happens: Happening
    id: str
    name: str
    within_ms: int
    ramps: bool = False  # comes down in a second; otherwise the relay opens at once
    load: str = "5k"
    hold_s: float = 2.0  # in HOLD before it happens
    fields: dict[str, int | str] = field(default_factory=dict)

    def bench(self) -> Bench:
        held = {"I": 1500, "Q": 600_000, "TU": 3000, "TD": 3000, "TMAX": 3_600_000} | self.fields
        bench = Bench(self.load).to("HOLD", **held)
        bench.ask("TELE ms=500")
        bench.advance(self.hold_s)
        assert bench.named("FAULT") == bench.named("WARN") == []
        return bench


def aftermath(bench: Bench, code: str, name: str) -> None:
    """One event; the run is closed; only CLEAR, and only 2 s later, removes it; a reset does not."""
    bit = f"{1 << (int(code) - 1):X}"
    assert [(e["id"], e["name"], e["run"]) for e in bench.named("FAULT")] == [(code, name, "R1")]
    assert bench.status()["fl"] == bit
    assert bench.ask("RUN run=R1")["fields"]["out"] == f"FAULT:{code}"
    assert bench.query("*STB?") == "40"  # 8 latched, 32 power-on
    assert [bench.code(f"ARM D={bench.digest}"), bench.code("PRES I=1000 Q=6000 POL=+")] == ["17", "17"]
    assert bench.code(f"CLEAR id={code}") == "17"
    bench.world.act("power_cycle")
    bench.ticks(30)
    assert bench.state == "FAULT"
    bench.hello()
    bench.events.clear()
    bench.ask("EVENTS n=0001")
    assert bench.named("FAULT") == []  # it is the old one, not a new one
    assert (bench.status()["fl"], bench.code(f"CLEAR id={code}")) == (bit, "17")
    assert bench.ask("RUN run=R1")["fields"]["out"] == f"FAULT:{code}"
    bench.ticks(165)
    assert bench.code(f"CLEAR id={code}") == "17"
    bench.ticks(10)
    assert bench.ask(f"CLEAR id={code}")["fields"] == {"fl": "0"}
    assert bench.named("CLEAR") == [{"id": code}]
    assert bench.prescribe()["code"] == "00"
    bench.world.act("power_cycle")
    bench.ticks(30)
    assert bench.state == "IDLE"
