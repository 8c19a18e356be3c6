"""``sim://`` for a driver that asks for virtual time: nothing passes but what it reads."""

from __future__ import annotations

import pytest
import serial

import hw_sim.endpoints
from hw_sim.world import World
from tests.sim.host import Host, virtual_host

hw_sim.endpoints.register()


@pytest.fixture
def port():
    with serial.serial_for_url("sim://") as opened:
        opened.use_virtual_time()
        yield opened


def test_time_stands_still_but_for_reads(port):
    clock = port.use_virtual_time()
    then = clock.now()
    assert port.in_waiting == 0
    assert port.door.truth()["t_us"] == then * 1e6
    port.write(b"*IDN?\n")
    assert clock.now() == then
    assert clock.real_seconds_until(then + 100.0) == 0.0


def test_a_read_ends_with_the_answer(port):
    clock = port.use_virtual_time()
    then = clock.now()
    port.write(b"*OPC?\n")
    assert port.read_until_deadline(then + 5.0) == b"1\n"
    assert clock.now() == pytest.approx(then + 0.002)  # one USB frame out, one back


def test_the_line_of_the_address_takes_its_time():
    with serial.serial_for_url("sim://?line=115200") as port:
        clock = port.use_virtual_time()
        then = clock.now()
        port.write(b"*OPC?\n")
        assert port.read_until_deadline(then + 5.0) == b"1\n"
        assert clock.now() - then == pytest.approx(8 * 86.805e-6, abs=2e-6)  # six bytes out, two back


def test_a_read_without_an_answer_ends_at_its_deadline(port):
    clock = port.use_virtual_time()
    then = clock.now()
    assert port.read_until_deadline(then + 600.0) == b""
    assert clock.now() == then + 600.0
    assert port.read_until_deadline(then) == b""  # in the past: no time passes
    assert clock.now() == then + 600.0


def test_pyserials_own_reads_count_in_virtual_time(port):
    clock = port.use_virtual_time()
    then = clock.now()
    port.timeout = 600.0
    assert port.read(1) == b""
    assert clock.now() == pytest.approx(then + 600.0)
    port.write(b"*OPC?\n")
    port.timeout = None
    assert port.read(2) == b"1\n"
    assert clock.now() == pytest.approx(then + 600.002)


def test_the_two_ways_to_read_share_one_buffer(port):
    port.write(b"*OPC?\n")
    port.timeout = 1.0
    assert port.read(1) == b"1"
    assert port.read_until_deadline(10.0) == b"\n"


def test_waiting_without_a_port(port):
    clock = port.use_virtual_time()
    port.close()
    port.wait_until(clock.now() + 7.0)
    assert port.world.now_us == 7_500_000
    port.open()
    assert port.world.now_us == 7_500_000


def test_a_vanished_port_is_told_by_the_read(port):
    port.door.unplug()
    with pytest.raises(serial.SerialException, match="returned no data"):
        port.read_until_deadline(100.0)


@pytest.mark.parametrize("read", [lambda p: p.read_until_deadline(100.0), lambda p: p.read(1)])
def test_a_read_ends_at_the_moment_the_cable_is_pulled(read):
    with serial.serial_for_url("sim://unplugged") as port:
        clock = port.use_virtual_time()
        with pytest.raises(serial.SerialException, match="returned no data"):
            read(port)
        assert clock.now() == 60.0


def test_bytes_come_before_what_happens_later():
    with serial.serial_for_url("sim://peeling") as port:
        clock = port.use_virtual_time()
        port.write(b"*OPC?\n")
        assert port.read_until_deadline(1000.0) == b"1\n"
        assert clock.now() == pytest.approx(0.502)
        assert port.read_until_deadline(400.0) == b""
        assert (clock.now(), port.door.truth()["contact_drug"]) == (400.0, 0.3)


def test_an_address_with_a_speed_lives_in_real_time():
    with serial.serial_for_url("sim://?speed=2") as port:
        assert port.use_virtual_time() is None
    with serial.serial_for_url("sim://?speed=max") as port:
        assert port.use_virtual_time() is not None


def test_civil_time_begins_a_day_a_seed_apart():
    days = []
    for seed in (0, 1, 10_001):
        with serial.serial_for_url(f"sim://?seed={seed}") as port:
            days.append((port.use_virtual_time().utc_s() - 1_795_464_000.5) / 86_400)
    assert days == [0.0, 1.0, 1.0]


def _port_host(port) -> Host:
    clock = port.use_virtual_time()
    return Host(port.write, lambda: port.read_until_deadline(clock.now() + 0.01))


def _everything(url: str) -> bytes:
    """All bytes of the first 20 s of a run."""
    heard = []
    with serial.serial_for_url(url) as port:
        host = _port_host(port)
        receive = host._receive
        host._receive = lambda: heard.append(receive()) or heard[-1]
        host.start(I=500, Q=60_000)
        host.until(lambda: port.world.now_us >= 20_000_000)
    return b"".join(heard)


def test_the_same_seed_gives_the_same_bytes():
    first = _everything("sim://?seed=5")
    assert first.count(b"\n~") > 150
    assert first == _everything("sim://?seed=5")
    assert first != _everything("sim://?seed=6")


def test_a_snapshot_brings_a_run_back():
    world = World()
    host = virtual_host(world)
    host.start(I=500, Q=60_000)
    host.until_state("HOLD")
    saved = world.snapshot()
    truth = world.truth()
    first = _next_lines(world)
    assert world.truth() != truth
    world.restore(saved)
    assert world.truth() == truth
    assert world.snapshot() == saved
    assert _next_lines(world) == first
    other = World(seed=9)
    other.restore(saved)
    assert _next_lines(other) == first


def _next_lines(world: World) -> bytes:
    data = b""
    until_us = world.now_us + 1_500_000
    while world.now_us < until_us:
        world.advance_to(until_us, 1)
        data += world.take(1)
    assert data.count(b"\n") >= 14
    return data
