"""``sim://`` as any pySerial program meets it, in real time."""

from __future__ import annotations

import contextlib
import os
import sys
import time

import pytest
import serial

import hw_sim.endpoints
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.world import World
from tests.sim.endpoints.serving import PATIENCE_S, serial_host

hw_sim.endpoints.register()

IDN = b"IONTO,IONTO-4,SN0001,1.0.0\n"


@pytest.fixture
def port():
    with serial.serial_for_url("sim://", timeout=PATIENCE_S) as opened:
        yield opened


def test_a_query_and_its_answer(port):
    assert port.write(b"*IDN?\n") == 6
    assert port.readline() == IDN


def test_polling_in_waiting_lets_time_pass(port):
    port.write(b"*IDN?\n")
    give_up = time.monotonic() + PATIENCE_S
    while port.in_waiting < len(IDN):
        assert time.monotonic() < give_up
    assert port.read(port.in_waiting) == IDN
    assert port.in_waiting == 0


def test_a_read_that_gets_nothing_lasts_its_time_out(port):
    port.timeout = 0.05
    began = time.monotonic()
    assert port.read(1) == b""
    assert time.monotonic() - began >= 0.05


def test_a_read_that_gets_less_returns_what_came(port):
    port.timeout = 0.2
    port.write(b"*OPC?\n")
    assert port.read(100) == b"1\n"


def test_time_out_zero_returns_what_is_there(port):
    port.timeout = 0
    assert port.read(10) == b""
    assert port.readline() == b""
    assert port.read(0) == b""


def test_without_time_out_a_read_waits_for_its_bytes(port):
    port.timeout = None
    port.write(b"*OPC?\n")
    assert port.read(2) == b"1\n"


def test_several_queries_in_one_write(port):
    port.write(b"*IDN?\n*OPC?\nSYST:PROT?\n")
    assert [port.readline() for _ in range(3)] == [IDN, b"1\n", b"IONTO/1\n"]
    port.write(b"*OPC?\n*IDN?\n")
    assert port.read_until(b"IONTO") == b"1\nIONTO"
    assert port.readline() == IDN[5:]


def test_a_line_in_pieces(port):
    for piece in (b"*I", b"DN", b"?", b"\r\n"):
        port.write(piece)
    assert port.readline() == IDN


def test_what_is_reset_is_gone(port):
    port.write(b"*IDN?\n*OPC?\n")
    assert port.read(1) == b"I"
    port.reset_input_buffer()
    port.write(b"SYST:PROT?\n")
    assert port.readline() == b"IONTO/1\n"


def test_any_buffer_can_be_written(port):
    assert port.write(bytearray(b"*OPC?\n")) == port.write(memoryview(b"*OPC?\n")) == 6
    assert port.read(4) == b"1\n1\n"


def test_options_of_the_address():
    with serial.serial_for_url("sim://bench-5k?sn=SN0042&load=4k7&seed=9", timeout=PATIENCE_S) as port:
        port.write(b"*IDN?\n")
        assert port.readline() == b"IONTO,IONTO-4,SN0042,1.0.0\n"
        assert port.world.seed == 9
        assert port.world.plant.load_ohm == 4700.0


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sim://dryskin", "no scenario 'dryskin' (did you mean dry-skin?); `ionto-sim scenarios` lists them"),
        (
            "sim://?sed=1",
            "unknown option 'sed' (did you mean seed?); known: seed, person, load, line, sn, speed, fault, variant, "
            "dtr_resets",
        ),
        ("sim://?seed=-1", "seed=-1: expected a whole number from 0 to 9223372036854775807"),
        ("sim://?seed=\u00b2", "seed=\u00b2: expected a whole number from 0 to 9223372036854775807"),
        ("sim://?person=", "person=: expected a whole number from 0 to 2147483647"),
        ("sim://?speed=1001", "speed=1001: expected a whole number from 1 to 1000"),
        ("sim://?line=fast", "line=fast: expected usb, direct or a baud rate from 300 to 4000000"),
        ("sim://?sn=SN 42", "sn=SN 42: expected 1 to 12 letters and digits"),
        ("sim://?load=" + "9" * 400, "load=9999999999999999... is no load: `ionto-sim loads` lists them"),
    ],
)
def test_a_wrong_address_gets_one_sentence(url, sentence):
    with pytest.raises(serial.SerialException) as caught:
        serial.serial_for_url(url)
    assert str(caught.value) == f"{url}: {sentence}"


def test_an_unknown_load_gets_one_sentence():
    with pytest.raises(serial.SerialException, match=r"^sim://\?load=wood: 'wood' is no load: use skin, [^\n]*$"):
        serial.serial_for_url("sim://?load=wood")


def test_a_registered_world_is_met_by_its_name_and_by_several_ports():
    register_world("bench", World(serial="SN0077"))
    try:
        with (
            serial.serial_for_url("sim://@bench", timeout=PATIENCE_S) as one,
            serial.serial_for_url("sim://@bench", timeout=PATIENCE_S) as two,
        ):
            one.write(b"*IDN?\n")
            assert one.readline() == b"IONTO,IONTO-4,SN0077,1.0.0\n"
            two.write(b"NONSENSE\nSYST:ERR?\n")
            assert two.readline() == b'-113,"Undefined header"\n'
            assert one.world is two.world
            assert one.in_waiting == 0  # an answer goes to its asker alone
        with pytest.raises(serial.SerialException, match="no world is registered as 'desk'; known: bench"):
            serial.serial_for_url("sim://@desk")
    finally:
        unregister_world("bench")
    with pytest.raises(serial.SerialException, match="no world is registered as 'bench'; none is"):
        serial.serial_for_url("sim://@bench")


def test_two_ports_share_one_real_time():
    register_world("bench", World())
    try:
        with serial.serial_for_url("sim://@bench") as one, serial.serial_for_url("sim://@bench") as two:
            first = one.door.truth()["t_us"]
            second = two.door.truth()["t_us"]
            third = one.door.truth()["t_us"]
        assert first <= second <= third
        assert third - first < 1e6 * PATIENCE_S
    finally:
        unregister_world("bench")


def test_door_and_world_are_there_once_it_was_opened():
    port = serial.serial_for_url("sim://", do_not_open=True)
    with pytest.raises(serial.PortNotOpenError):
        _ = port.door
    with pytest.raises(serial.PortNotOpenError):
        port.write(b"*IDN?\n")
    port.open()
    assert port.door.truth()["state"] == "IDLE"
    with pytest.raises(serial.SerialException, match="already open"):
        port.open()
    port.close()
    port.close()
    assert port.door.truth()["state"] == "IDLE"
    with pytest.raises(serial.PortNotOpenError):
        _ = port.in_waiting


# -- a port that vanishes ----------------------------------------------------------------------------------

OPERATIONS = {
    "in_waiting": lambda p: p.in_waiting,
    "out_waiting": lambda p: p.out_waiting,
    "read": lambda p: p.read(1),
    "read nothing": lambda p: p.read(0),
    "readline": lambda p: p.readline(),
    "read_all": lambda p: p.read_all(),
    "write": lambda p: p.write(b"*IDN?\n"),
    "flush": lambda p: p.flush(),
    "reset_input_buffer": lambda p: p.reset_input_buffer(),
    "reset_output_buffer": lambda p: p.reset_output_buffer(),
    "break_condition": lambda p: setattr(p, "break_condition", True),
    "send_break": lambda p: p.send_break(0.01),
    "cts": lambda p: p.cts,
    "dsr": lambda p: p.dsr,
    "ri": lambda p: p.ri,
    "cd": lambda p: p.cd,
    "dtr": lambda p: setattr(p, "dtr", False),
    "rts": lambda p: setattr(p, "rts", False),
    "timeout": lambda p: setattr(p, "timeout", 0.5),
    "baudrate": lambda p: setattr(p, "baudrate", 9600),
    "is_open": lambda p: p.is_open,
    "cancel_read": lambda p: p.cancel_read(),
    "close": lambda p: p.close(),
}


def _outcome(port, operation):
    try:
        return operation(port)
    except BaseException as exc:
        return type(exc), str(exc)


@pytest.fixture
def vanished_device():
    """A real serial device whose far end has gone."""
    if sys.platform != "linux":
        pytest.skip("the measured behaviour is that of Linux")
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    port = serial.Serial(os.ttyname(slave), timeout=0.2)
    os.close(slave)
    os.close(master)
    yield port
    with contextlib.suppress(OSError):
        port.close()


def test_an_unplugged_port_raises_what_a_real_one_raises(vanished_device, port):
    port.door.unplug()
    simulated = {name: _outcome(port, operation) for name, operation in OPERATIONS.items()}
    real = {name: _outcome(vanished_device, operation) for name, operation in OPERATIONS.items()}
    assert simulated == real


def test_what_was_not_read_goes_with_the_port(port):
    port.write(b"*IDN?\n")
    assert port.read(1) == b"I"
    port.door.unplug()
    with pytest.raises(serial.SerialException, match="returned no data"):
        port.read(1)


def test_replugged_and_reopened_it_is_the_same_unit(port):
    port.write(b"*ESR?\n")
    assert port.readline() == b"128\n"  # power on, told once
    world = port.world
    port.door.unplug()
    port.close()
    with pytest.raises(serial.SerialException, match="could not open port sim://: the simulated unit is unplugged"):
        port.open()
    port.door.replug()
    port.open()
    assert port.world is world
    port.write(b"*ESR?\n")
    assert port.readline() == b"0\n"


def test_real_time_goes_on_while_the_port_is_closed():
    port = serial.serial_for_url("sim://unplugged?speed=200", timeout=PATIENCE_S)
    with pytest.raises(serial.SerialException, match="returned no data"):  # at 60 s, 0.3 s from now
        port.read(1)
    port.close()
    give_up = time.monotonic() + PATIENCE_S
    while not port.is_open:  # at 70 s
        assert time.monotonic() < give_up
        with contextlib.suppress(serial.SerialException):
            port.open()
    assert port.door.truth()["t_us"] >= 70_000_000
    port.close()


def test_the_speed_is_told_in_hello():
    with serial.serial_for_url("sim://?speed=20", timeout=PATIENCE_S) as port:
        assert port.use_virtual_time() is None
        assert serial_host(port).hello()["rate"] == "20"


def test_break_and_dtr(port):
    host = serial_host(port)
    host.hello()
    host.done("PRES", I=500, Q=6000, POL="-")
    port.send_break()
    host.until_state("IDLE")
    assert host.events[-1]["by"] == "BYTE"
    port.dtr = False  # the unit takes it for the closing of its port
    port.dtr = True
    reply = host.ask("STATUS")
    assert reply["code"] == "05"
