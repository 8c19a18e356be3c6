"""Bytes under way: USB frames, baud times, several connections, and a host that does not read.

A byte at 115 200 baud takes ten bits, 86.805 us. A new world is 500 ms old and its clock stands on a frame.
"""

from __future__ import annotations

import pytest

from hw_sim.world import World
from tests.sim.host import virtual_host

BUFFER = 16_384  # bytes a connection of the unit holds for a host that does not read


def _answer_at(world: World, conn: int) -> tuple[bytes, int]:
    """What comes next, and when, in us after now."""
    then = world.now_us
    world.advance_to(then + 1_000_000, conn)
    return world.take(conn), world.now_us - then


def test_usb_answers_come_with_a_frame():
    world = World()
    conn = world.connect("usb")
    world.put(conn, b"*OPC?\n")
    assert _answer_at(world, conn) == (b"1\n", 2000)
    world.advance_to(world.now_us + 300)
    world.put(conn, b"*OPC?\n")  # 0.3 ms into a frame: there with its end
    assert _answer_at(world, conn) == (b"1\n", 1700)


def test_a_uart_takes_its_baud_time_both_ways():
    world = World()
    conn = world.connect("115200")
    world.put(conn, b"*OPC?\n")
    answer, took_us = _answer_at(world, conn)
    assert answer == b"1\n"
    assert took_us == pytest.approx(8 * 86.805, abs=2)  # six bytes out, two back
    world.put(conn, b"*IDN?\n")
    answer, took_us = _answer_at(world, conn)
    assert answer == b"IONTO,IONTO-4,SN0001,1.0.0\n"
    assert took_us == pytest.approx((6 + 27) * 86.805, abs=2)


def test_what_is_written_together_queues_up_on_a_uart():
    world = World()
    conn = world.connect("115200")
    world.put(conn, b"*OPC?\n")
    world.put(conn, b"*OPC?\n")
    answer, took_us = _answer_at(world, conn)
    assert (answer, took_us) == (b"1\n", pytest.approx(8 * 86.805, abs=2))
    answer, took_us = _answer_at(world, conn)
    assert (answer, took_us) == (b"1\n", pytest.approx(6 * 86.805, abs=2))


@pytest.mark.parametrize(("line", "late_us"), [("115200", 201 * 86.805), ("9600", 201 * 1041.666), ("usb", 1000)])
def test_a_stop_byte_behind_a_long_line_is_late_by_that_line(line, late_us):
    world = World()
    host = virtual_host(world)
    host.start(I=500, Q=60_000)
    host.until_state("HOLD")
    conn = world.connect(line)
    world.put(conn, b"X" * 200 + b"\x18")
    then = world.now_us
    world.advance_to(int(then + late_us - 10))
    assert world.truth()["state"] == "HOLD"
    world.advance_to(int(then + late_us + 10))
    assert world.truth()["state"] == "RAMP_DOWN"


def test_half_a_line_on_one_connection_does_not_touch_another():
    world = World()
    one, two = world.connect("direct"), world.connect("direct")
    world.put(one, b"*ID")
    world.put(two, b"*OPC?\n")
    world.put(one, b"N?\n")
    assert world.take(two) == b"1\n"
    assert world.take(one) == b"IONTO,IONTO-4,SN0001,1.0.0\n"


def test_a_session_belongs_to_its_connection_and_a_stop_to_anybody():
    world = World()
    owner, other = virtual_host(world), virtual_host(world)
    owner.start(I=500, Q=60_000)
    other.sid = owner.sid
    assert other.ask("STATUS")["code"] == "05"
    other.sid = 0
    other._send(b"\x03")
    assert owner.until_state("RAMP_DOWN")["by"] == "BYTE"
    owner.until_state("DONE")
    assert owner.run_facts()["out"] == "STOPPED"
    assert other.telemetry == []


def test_a_closed_port_leaves_half_the_lease():
    world = World()
    host = virtual_host(world)
    host.start(I=500, Q=60_000)
    host.until_state("HOLD")
    host.until(lambda: host.telemetry[-1]["lk"] >= 1800)
    closed_us = world.now_us
    world.disconnect(1)
    later = virtual_host(world)
    events = _state_events(later)
    while not any(e["st"] == "PAUSED" for e in events):
        world.advance_to(world.now_us + 100_000)
        events = _state_events(later)
    pausing, paused = events[-2:]
    assert (pausing["st"], paused["st"]) == ("PAUSING", "PAUSED")
    assert 990 <= int(pausing["ms"]) - closed_us / 1000 <= 1000
    assert int(paused["ms"]) - int(pausing["ms"]) <= 1000
    assert later.hello()["sid"] != host.sid


def _state_events(host) -> list[dict]:
    """The changes of state since boot, read in a session of its own that touches nothing."""
    host.events.clear()
    host.hello(run="RUN1")
    for first in ("0001", "0009"):
        host.done("EVENTS", n=first)
    host.until(lambda: not host.turn())
    seen = {e["ms"]: e for e in host.events if e["name"] == "STATE"}
    return [seen[ms] for ms in sorted(seen)]


def test_what_a_host_does_not_read_is_dropped_in_whole_lines():
    world = World()
    deaf, other = world.connect("direct"), world.connect("direct")
    for _ in range(1000):
        world.put(deaf, b"SYST:HELP?\n")
    heard = world.take(deaf)
    lines = heard.splitlines(keepends=True)
    assert set(lines) == {lines[0]}
    assert lines[0].startswith(b"*IDN?,*OPC?,")
    assert lines[0].endswith(b"\n")
    assert BUFFER - len(lines[0]) < len(heard) <= BUFFER
    world.put(deaf, b"*OPC?\n")
    world.put(other, b"*OPC?\n")
    assert world.take(deaf) == world.take(other) == b"1\n"
