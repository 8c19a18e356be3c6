"""``ionto-sim serve --rfc2217``: pySerial's own client, a plain socket, and a unit whose line is set otherwise."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import serial

from tests.sim.endpoints.serving import PATIENCE_S, Served, ask, serial_host, serve

# pySerial 3.5 still says thread.setDaemon() when it opens rfc2217://.
pytestmark = [pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"), pytest.mark.slow]

IDN = b"IONTO,IONTO-4,SN0001,1.0.0\n"


def _client(served: Served, **settings: object) -> serial.SerialBase:
    return serial.serial_for_url(served.places["rfc2217"], timeout=PATIENCE_S, **settings)


@contextmanager
def _serve(scenario: str = "skin", *more: str) -> Iterator[Served]:
    with serve("--rfc2217", "127.0.0.1:0", "--scenario", scenario, *more) as served:
        yield served


@pytest.fixture
def served():
    with _serve("skin", "--tcp", "127.0.0.1:0", "--bench-door", "127.0.0.1:0") as running:
        yield running


def _raw(served: Served) -> socket.socket:
    port = int(served.places["rfc2217"].rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), PATIENCE_S)


def test_pyserial_opens_it_asks_and_sees_the_modem_lines(served):
    with _client(served, baudrate=115_200) as port:
        assert ask(port, b"*IDN?") == IDN
        assert (port.cts, port.dsr, port.ri, port.cd) == (True, True, False, True)
        port.rts = False
        port.baudrate = 9600  # of no effect on USB
        port.parity, port.stopbits, port.bytesize = "E", 2, 7
        assert ask(port, b"*IDN?") == IDN
        port.write(b"*IDN?\n")
        time.sleep(0.1)
        port.reset_input_buffer()
        port.reset_output_buffer()
        assert ask(port, b"*OPC?") == b"1\n"


@pytest.mark.parametrize("flow", [{"rtscts": True}, {"xonxoff": True}])
def test_flow_control_is_granted_and_has_no_effect(served, flow):
    with _client(served, **flow) as port:
        assert ask(port, b"*IDN?") == IDN


def test_a_write_time_out_is_pyserials_to_refuse(served):
    with pytest.raises(NotImplementedError):
        _client(served, write_timeout=1)
    with _client(served) as port:
        assert ask(port, b"*IDN?") == IDN


def test_every_byte_gets_through_one_by_one(served):
    with _raw(served) as connection:
        connection.sendall(b"\xff\xfb\x2c")
        for byte in b"\n*IDN?\xff\xff\n*ID\xff\xf1N?\n":  # 0xFF poisons the first line; NOP is none of the second
            connection.sendall(bytes((byte,)))
        data = b""
        while not data.endswith(b"\n"):
            data += connection.recv(1000)
        assert data.endswith(IDN)
        assert data.count(IDN) == 1


def test_who_knows_no_telnet_meets_a_plain_port(served):
    with _raw(served) as connection:
        connection.sendall(b"*IDN?\n")
        assert connection.recv(100) == IDN


def test_a_break_stops_the_unit(served):
    with _client(served) as port, served.door() as door:
        host = serial_host(port)
        host.start(I=200, TU=400, Q=60_000)
        host.until(lambda: host.telemetry[-1]["q"] > 0)
        port.break_condition = True
        host.until_state("RAMP_DOWN")
        host.until_state("DONE")
        port.break_condition = False
        assert host.run_facts()["out"] == "STOPPED"
        assert door.call("truth")["i_ua"] == pytest.approx(0, abs=1)


def test_dtr_down_closes_the_units_port(served):
    with _client(served) as port:
        host = serial_host(port)
        host.hello()
        port.dtr = False
        port.dtr = True
        assert host.ask("STATUS")["code"] == "05"  # no such session


def test_one_client_at_a_time(served):
    with _client(served) as port:
        with _raw(served) as second:
            assert second.recv(1) == b""
        assert ask(port, b"*IDN?") == IDN
    for _ in range(5):
        with _raw(served) as connection:
            connection.sendall(b"*OPC?\n")
            assert connection.recv(10) == b"1\n"


def test_a_client_that_negotiates_without_end_is_hung_up_on(served):
    with _raw(served) as connection:
        connection.sendall(b"\xff\xfa\x2c" + bytes(5000))
        with suppress(ConnectionResetError):  # what it did not read is in its buffer
            assert connection.recv(1) == b""
    with _raw(served) as connection:
        connection.sendall(b"*IDN?\n")
        assert connection.recv(100) == IDN


def test_unplugged_the_modem_lines_fall_and_it_hangs_up(served):
    with _raw(served) as connection, served.door() as door:
        connection.sendall(b"\xff\xfb\x2c*OPC?\n")
        data = b""
        while not data.endswith(b"1\n"):
            data += connection.recv(100)
        door.call("unplug")
        last = b""
        while more := connection.recv(100):
            last += more
        assert last == b"\xff\xfa\x2c\x6b\x0b\xff\xf0"  # all low; CTS, DSR and CD have changed
        with _raw(served) as second:
            assert second.recv(1) == b""
        door.call("replug")
        with _client(served) as port:
            assert ask(port, b"*IDN?") == IDN


def test_a_reader_that_suspends_gets_it_all_later(served):
    with _raw(served) as connection:
        connection.sendall(b"\xff\xfb\x2c" + bytes.fromhex("fffa2c08fff0") + b"*OPC?\n*OPC?\n")
        connection.settimeout(0.3)
        before = b""
        with suppress(TimeoutError):
            while b"1" not in before:
                before += connection.recv(100)
        assert b"1\n" not in before
        connection.settimeout(PATIENCE_S)
        connection.sendall(bytes.fromhex("fffa2c09fff0"))
        data = b""
        while len(data) < 4:
            data += connection.recv(100)
        assert data == b"1\n1\n"


# -- a unit with a UART ------------------------------------------------------------------------------------


def test_wrong_settings_are_garbage_until_they_are_right():
    with _serve("skin?line=9600") as served, _client(served, baudrate=19_200) as port:
        port.timeout = 0.5
        port.write(b"*IDN?\n" * 3)
        assert b"IONTO" not in port.read(100)
        port.baudrate = 9600
        port.timeout = PATIENCE_S
        port.write(b"\n")  # ends what the garbage began
        assert ask(port, b"*IDN?") == IDN
        port.parity = "E"
        heard = ask(port, b"*OPC?")
        # As 8E1 every character has a parity bit of its own, where the unit expects the stop bit: it answers what
        # it understood, and 8E1 hears the answer's stop bit as parity.
        assert heard in (b"1\n", b"")
        port.parity = "N"
        port.bytesize = 7
        port.parity = "E"
        port.timeout = 0.5
        port.write(b"*IDN?\n")
        assert IDN not in port.read(100)


def test_the_garbage_is_the_same_every_time():
    def garbage() -> bytes:
        with _serve("skin?line=115200") as served, _client(served, baudrate=115_200) as port:
            assert ask(port, b"*IDN?") == IDN
            port.baudrate = 57_600
            port.timeout = 0.3
            port.write(b"SYST:PROT?\n*IDN?\n" * 4)
            return port.read(1000)

    assert garbage() == garbage()


def test_dtr_resets_the_board_unless_it_is_kept_low():
    with _serve("skin?dtr_resets=1", "--bench-door", "127.0.0.1:0") as served:
        port = serial.serial_for_url(served.places["rfc2217"], timeout=PATIENCE_S, do_not_open=True)
        port.dtr = False
        with port:  # opens it
            assert ask(port, b"*ESR?") == b"128\n"  # bit 7: power on
            assert ask(port, b"*ESR?") == b"0\n"
            port.dtr = True
            assert ask(port, b"*ESR?") == b"128\n"
            port.dtr = True
            assert ask(port, b"*ESR?") == b"0\n"
        with _client(served) as again:
            assert ask(again, b"*ESR?") == b"128\n"


def test_without_the_option_dtr_resets_nothing(served):
    with _client(served) as port:
        assert ask(port, b"*ESR?") == b"128\n"
    with _client(served) as port:
        assert ask(port, b"*ESR?") == b"0\n"


# -- the driver --------------------------------------------------------------------------------------------


def test_ionto_run_delivers_over_it(tmp_path):
    """A board with a UART, which resets when the driver raises DTR."""
    with _serve("bench-5k?line=115200&dtr_resets=1", "--speed", "3") as served:
        command = [sys.executable, "-m", "controller", "run", "--current", "0.5", "--dose", "0.1", "--pole", "-"]
        done = subprocess.run(
            [*command, "--yes", "--json", "--port", served.places["rfc2217"], "--out", str(tmp_path / "runs")],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout[-500:], done.stderr)
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["outcome"] == "DONE"
        assert last["dose_ma_min"] == pytest.approx(0.1, abs=0.01)
        assert last["unit"]["boot"] == 2
