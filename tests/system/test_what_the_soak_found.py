"""What hours of random mishaps brought to light, each as the shortest story that shows it."""

from __future__ import annotations

import pytest

from controller import Record, Treatment, Unit
from hw_sim.endpoints.protocol_sim import VirtualClock, register_world, unregister_world
from hw_sim.world import World

SHORT = Treatment.short(1.0, 0.5, "+")


def test_closing_the_unit_inside_the_block_of_its_session_ends() -> None:
    """The session asked for the port again and again, and no time passed."""
    with Unit.open("sim://") as unit:
        session = unit.deliver(SHORT, out=None)
        with session:
            session.step(unit.now + 1.0)
            unit.close()
    assert session.over
    assert session.record.outcome in ("REFUSED", "UNKNOWN", "STOPPED")


def test_a_unit_that_fell_silent_can_be_asked_again() -> None:
    """A run whose end nobody heard left a question out, and the next call was a RuntimeError."""
    world = World()
    register_world("silent", world)
    try:
        with Unit.open("sim://@silent") as unit:
            session = unit.deliver(SHORT, out=None)
            while session.state.name != "HOLDING":
                session.step(unit.now + 1.0)
            world.act("inject", "L17")
            with session:
                while not session.over:
                    session.step(unit.now + 1.0)
            assert isinstance(session.record, Record)
            assert session.record.outcome == "UNKNOWN"
            world.act("lift_fault", "1")
            unit.greet()
            assert unit.status().state.name in ("IDLE", "DONE", "PAUSED")
    finally:
        unregister_world("silent")


@pytest.mark.parametrize("deadline_s", [36.221000000000004, 1.1 + 2.2, 1234.5678900000003, 7.0])
def test_a_deadline_that_was_waited_for_has_passed(deadline_s: float) -> None:
    """36.221000000000004 s came out as 36 221 000 us, a rounding too soon, for ever."""
    with Unit.open("sim://") as unit:
        clock = unit.link.clock
        assert isinstance(clock, VirtualClock)
        while clock.now() < deadline_s:
            before = clock.now()
            unit.link.read(deadline_s)
            assert clock.now() > before
        assert clock.now() < deadline_s + 2e-6


def test_a_fault_that_is_latched_in_idle_can_be_cleared() -> None:
    """A flipped bit may leave IDLE with a fault latched: it blocks what raises, and CLEAR said wrong state."""
    world = World()
    register_world("flipped", world)
    try:
        with Unit.open("sim://@flipped") as unit:
            while unit.now < 4.0:
                unit.pump(4.0)
            world.firmware.rec.fl = 1 << 5
            assert unit.clear(6) == 0
            assert unit.status().faults == 0
            with unit.deliver(SHORT, out=None) as session:
                for _ in session:
                    pass
            assert session.record.outcome == "DONE"
    finally:
        unregister_world("flipped")
