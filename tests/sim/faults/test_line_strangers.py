"""Others on the line, openings and closings, and what holds for every fault of the line: repeats, snapshots, doors."""

from __future__ import annotations

import os

import pytest

from hw_sim.door import Door
from hw_sim.endpoints import protocol_sim
from hw_sim.faults.catalogue import CATALOGUE
from hw_sim.world import World
from tests.sim.endpoints.serving import ask_tcp, open_device, serve
from tests.sim.faults.test_line_faults import Wire
from tests.sim.host import virtual_host

LINE_FAULTS = [fault for fault in CATALOGUE if fault.id.startswith("L")]


def answered(wire: Wire, data: bytes, wait_us: int = 100_000) -> bytes:
    """What comes back to the host."""
    wire.write("unit", data)
    wire.world.advance_to(wire.world.now_us + wait_us)
    return wire.world.take(wire.conn)


def test_all_28_are_there():
    assert [fault.id for fault in LINE_FAULTS] == [f"L{n:02d}" for n in range(1, 29)]


# -- another product ------------------------------------------------------------------------------------------


def test_a_modem_answers_and_the_unit_hears_nothing():
    wire = Wire("L19")
    assert answered(wire, b"AT\r") == b"AT\r\r\nOK\r\n"
    assert answered(wire, b"*ID") == b"*ID"
    assert answered(wire, b"N?\n") == b"N?\n\r\nERROR\r\n"
    assert wire.world.firmware.receivers == {}


@pytest.mark.parametrize(("what", "answer"), [("echo", b"*IDN?\n"), ("silent", b"")])
def test_an_echo_and_nothing(what, answer):
    assert answered(Wire(f"L19:{what}"), b"*IDN?\n") == answer


def test_garbage_is_as_long_as_what_was_written():
    found = answered(Wire("L19:garbage"), b"*IDN?\n")
    assert len(found) == 6
    assert found != b"*IDN?\n"


def test_a_satellite_receiver_speaks_every_second():
    wire = Wire("L19:gps")
    said = answered(wire, b"*IDN?\n", 2_500_000)
    assert said.count(b"$GPRMC,120000.00,A,4807.038,N,01131.000,E,000.0,360.0,130126,,,A*5D\r\n") == 3


def test_what_the_unit_says_is_not_heard_while_another_product_is_there():
    assert Wire("L19:gps").write("host", b"!4A17 0007 85230 FAULT id=02*E4423370\n").startswith(b"$GPRMC")


# -- echo and loopback ----------------------------------------------------------------------------------------


def test_an_echo_comes_besides():
    wire = Wire("L24")
    assert answered(wire, b"*IDN?\n") == b"*IDN?\nIONTO,IONTO-4,SN0001,1.0.0\n"


def test_the_units_own_words_come_back_to_it():
    wire = Wire("L24:to=unit")
    assert wire.write("host", b"0123\n") == b"0123\n"
    assert wire.write("unit") == b"0123\n"


def test_a_loop_leads_nowhere_else():
    wire = Wire("L24:loop")
    assert answered(wire, b"*IDN?\n") == b"*IDN?\n"
    assert wire.world.firmware.receivers == {}


@pytest.mark.parametrize(("fault", "heard"), [("L16", False), ("L17", True), ("L19", False), ("L24:loop", False)])
def test_a_break_reaches_a_unit_that_can_hear(fault, heard):
    world = World()
    host = virtual_host(world)
    host.arm(I=500, Q=60_000)
    world.act("inject", fault)
    world.act("break")
    assert world.truth()["state"] == ("IDLE" if heard else "ARMED")


# -- ModemManager, a recorder, a flood ------------------------------------------------------------------------


def test_a_service_asks_for_a_modem_for_ten_seconds_after_each_opening():
    wire = Wire("L21")
    wire.world.advance_to(15_000_000)
    receiver = wire.world.firmware.receivers[wire.conn]
    assert (receiver.buf, receiver.bad) == (b"~x~~x~", 1)  # a diagnostics frame has no line end
    assert len(wire.world.firmware.door.queue) == 7
    assert wire.world.agenda == ()
    again = wire.world.connect()
    wire.world.advance_to(15_000_000 + 101_000)
    assert again in wire.world.firmware.receivers


def test_what_was_heard_is_said_again_in_the_same_rhythm():
    wire = Wire("L25:after=2")
    wire.write("unit", b"*IDN?\n")
    wire.world.advance_to(wire.world.now_us + 300_000)
    wire.write("unit", b"SYST:VERS?\n")
    wire.world.advance_to(2_490_000)
    assert wire.world.take(wire.conn) == b"IONTO,IONTO-4,SN0001,1.0.0\n1999.0\n"
    wire.world.advance_to(2_510_000)
    assert wire.world.take(wire.conn) == b"IONTO,IONTO-4,SN0001,1.0.0\n"
    wire.world.advance_to(2_790_000)
    assert wire.world.take(wire.conn) == b""
    wire.world.advance_to(2_810_000)
    assert wire.world.take(wire.conn) == b"1999.0\n"
    wire.world.advance_to(9_000_000)
    assert wire.world.take(wire.conn) == b""


def test_a_whole_session_said_again_starts_nothing():
    world = World(faults=("L25:after=20",))
    host = virtual_host(world)
    host.start(I=1000, Q=6_000, TU=2_000, TD=1_000)
    host.until_state("DONE")
    world.advance_to(20_000_000)
    before = (world.firmware.store.runs, world.plant.q_c)
    energised = []
    while world.now_us < 45_000_000:
        world.advance_to(world.now_us + 10_000)
        energised.append(world.truth()["relay_closed"])
    assert not any(energised)
    assert world.firmware.store.runs == before[0]
    assert world.plant.q_c == before[1]
    assert world.firmware.session.sid != host.sid  # its HELLO was taken for a new host's


@pytest.mark.parametrize(("to", "unit", "host"), [("both", 100, 100), ("unit", 100, 0), ("host", 0, 100)])
def test_a_flood(to, unit, host):
    wire = Wire(f"L26:to={to}")
    assert len(wire.write("unit")) == unit
    found = wire.write("host")
    assert len(found) == host
    assert all(byte == 10 or 32 <= byte < 127 for byte in found)


# -- opening and closing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("to", "unit", "host"), [("both", 64, 64), ("unit", 64, 0), ("host", 0, 64)])
def test_noise_at_every_opening(to, unit, host):
    wire = Wire(f"L05:to={to}")
    assert wire.write("unit") == b""  # it was open already
    for _ in range(2):
        wire.conn = wire.world.connect()
        assert len(wire.write("unit")) == unit
        assert len(wire.write("host")) == host


@pytest.mark.parametrize(("on", "boots"), [("open", 2), ("close", 2), ("both", 3)])
def test_opening_or_closing_resets_the_unit(on, boots):
    world = World(faults=(f"L20:{on}",))
    world.disconnect(world.connect())
    assert world.firmware.store.boot == boots


# -- the plug -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["L15@for=2", "L28:re-enumerate@for=2"])
def test_the_plug_is_out_and_in_again(fault):
    world = World()
    world.connect()
    world.act("inject", fault)
    assert (world.plugged, world.to_unit) == (False, {})
    world.advance_to(2_500_000)
    assert world.plugged


def test_a_sleeping_bus_closes_the_session_and_holds_what_is_written():
    world = World()
    host = virtual_host(world)
    host.hello()
    assert world.firmware.session.sid == host.sid
    world.act("inject", "L28@for=1")
    assert world.firmware.session.conn == 0 or world.firmware.session.sid != host.sid
    world.put(1, b"*IDN?\n")
    world.advance_to(1_900_000)
    host.query("SYST:VERS?")


def test_a_bridge_is_slow_and_hangs_up_now_and_then():
    wire = Wire("L27:ms=300,up=2")
    wire.write("unit", b"*IDN?\n")
    wire.world.advance_to(1_099_000)
    assert wire.world.take(wire.conn) == b""
    wire.world.advance_to(1_103_000)
    assert wire.world.take(wire.conn) == b"IONTO,IONTO-4,SN0001,1.0.0\n"
    wire.world.advance_to(2_500_000)
    assert (wire.world.plugged, wire.world.to_unit) == (True, {})
    wire.conn = wire.world.connect()
    wire.world.advance_to(4_499_000)
    assert wire.conn in wire.world.to_unit
    wire.world.advance_to(4_500_000)
    assert wire.world.to_unit == {}


# -- all of them ----------------------------------------------------------------------------------------------


def talked(world: World, conn: int, until_us: int) -> bytes:
    """A host that asks every 50 ms, whatever comes back."""
    heard = b""
    while world.now_us < until_us:
        if conn in world.to_unit:
            world.put(conn, b"\n>0000 0001 HELLO vmin=1 vmax=1 nonce=5F2A90C1 host=ionto utc=1795464000*E6A94BCC\n")
            world.put(conn, b"MEAS:ALL?\n")
        world.advance_to(world.now_us + 50_000)
        if conn in world.to_host:
            heard += world.take(conn)
    return heard


@pytest.mark.parametrize("schedule", ["", "@at=0.7,for=0.4", "@byte=300,for=0.2", "@p=0.002", "@p=0.001,for=0.1"])
@pytest.mark.parametrize("fault", LINE_FAULTS, ids=lambda fault: fault.id)
def test_it_goes_back_and_comes_again_and_repeats_bit_for_bit(fault, schedule):
    if schedule.startswith("@p") and not fault.per_byte:
        schedule = "@p=0.9"
    world = World(seed=5, faults=(fault.id + schedule,))
    conn = world.connect()
    talked(world, conn, 1_600_000)
    kept = world.snapshot()
    other = World(seed=9)
    other.restore(kept)
    assert other.snapshot() == kept
    heard = talked(world, conn, 2_500_000)
    assert talked(other, conn, 2_500_000) == heard
    assert other.snapshot() == world.snapshot()
    world.restore(kept)
    assert world.snapshot() == kept
    assert talked(world, conn, 2_500_000) == heard


def test_another_seed_is_another_line():
    found = {Wire("L01:rate=0.01", seed=seed).write("unit", b"A" * 1000) for seed in (1, 2, 3)}
    assert len(found) == 3


def test_by_the_address_and_by_the_bench_door():
    with protocol_sim.Serial("sim://?fault=L24", timeout=0.5) as port:
        port.use_virtual_time()
        port.write(b"SYST:VERS?\n")
        assert port.read(20) == b"SYST:VERS?\n1999.0\n"
    world = World()
    door = Door(world)
    number = door.inject(fault="echo@byte=3")["number"]
    assert door.faults()["faults"] == [
        {"number": number, "id": "L24", "name": "echo", "fault": "L24@byte=3", "on": False, "since_us": None}
    ]
    conn = world.connect()
    world.put(conn, b"AB")
    assert not door.faults()["faults"][0]["on"]
    world.put(conn, b"C")
    assert door.faults()["faults"][0]["since_us"] == world.now_us
    door.lift_fault(fault=number)
    assert door.faults()["faults"] == []


# -- the same on a socket and on a pseudo-terminal ------------------------------------------------------------

SCENARIO = "skin?fault=L23:lf-to-crlf&fault=L03:rate=1,to=host"
TWICE = b"11999999..00\r\r\n\n"  # the answer 1999.0 LF: its end translated, then every byte twice


def test_on_a_socket():
    with serve("--tcp", "127.0.0.1:0", "--scenario", SCENARIO) as served, served.connect() as connection:
        connection.sendall(b"SYST:VERS?\n")
        heard = b""
        while len(heard) < len(TWICE):
            heard += connection.recv(100)
    assert heard == TWICE


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_on_a_pseudo_terminal(tmp_path):
    device = str(tmp_path / "unit")
    with serve("--pty", device, "--scenario", SCENARIO), open_device(device) as port:
        port.write(b"SYST:VERS?\n")
        assert port.read(len(TWICE)) == TWICE


def test_a_bridge_hangs_up_on_a_socket():
    where = ("--tcp", "127.0.0.1:0", "--speed", "10", "--scenario", "skin?fault=L27:ms=100,up=4")
    with serve(*where) as served:
        for _ in range(2):
            with served.connect() as connection:
                assert ask_tcp(connection, b"SYST:VERS?") == b"1999.0\n"
                assert connection.recv(100) == b""
