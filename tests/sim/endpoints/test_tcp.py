"""``ionto-sim serve --tcp``: several clients, bad clients, and instruments' programs."""

from __future__ import annotations

import select
import signal
import socket
import struct
import subprocess
import sys
from itertools import pairwise

import pytest
import serial

from tests.sim.endpoints.serving import (
    PATIENCE_S,
    ask,
    ask_tcp,
    run_out,
    serve,
    socket_host,
    until_answered,
    until_paused,
)

IDN = b"IONTO,IONTO-4,SN0001,1.0.0\n"


@pytest.fixture
def served():
    with serve("--tcp", "127.0.0.1:0") as running:
        yield running


def test_it_is_a_pyserial_url(served):
    assert served.places["tcp"] == f"socket://127.0.0.1:{served.port}"
    with serial.serial_for_url(served.places["tcp"], timeout=PATIENCE_S) as port:
        assert ask(port, b"*IDN?") == IDN


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_hangs_up(served, number):
    with served.connect() as connection:
        assert ask_tcp(connection, b"*IDN?") == IDN
        assert served.end(number) == 0
        assert connection.recv(1) == b""
        assert served.process.stderr.read() == b""


def test_answers_go_to_their_askers(served):
    clients = [served.connect() for _ in range(8)]
    for client in clients:
        client.sendall(b"*IDN?\nSYST:PR")
    for client in clients:
        client.sendall(b"OT?\n")
    for client in clients:
        with client, client.makefile("rb") as lines:
            assert [lines.readline(), lines.readline()] == [IDN, b"IONTO/1\n"]


def test_half_closed_clients_get_their_answer(served):
    """``printf '*IDN?\\n' | nc``"""
    with served.connect() as connection:
        connection.sendall(b"*IDN?\n")
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as lines:
            assert lines.read() == IDN


def test_a_client_that_goes_closes_its_session_and_pauses_its_run(served):
    with served.connect() as connection:
        host = socket_host(connection)
        host.start(I=200, TU=400, Q=60_000)
        host.until(lambda: host.telemetry[-1]["q"] > 0)
        sid = host.sid
    with served.connect() as connection:
        until_paused(connection)
        host = socket_host(connection)
        host.sid = sid
        assert host.ask("STATUS")["code"] == "05"
        host.hello()
        facts = host.run_facts()
        assert (facts["st"], facts["out"]) == ("PAUSED", "RUNNING")
        assert int(facts["q"]) > 0


def test_twenty_reconnects_gentle_and_rude(served):
    for n in range(20):
        connection = served.connect()
        assert ask_tcp(connection, b"*IDN?") == IDN
        if n % 2:  # a reset instead of an end
            connection.sendall(b"SYST:HELP?\n" * 10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def test_garbage_is_survived(served):
    noise = bytes(b for b in range(256) if b not in (0x03, 0x18)) * 400
    with served.connect() as one, served.connect() as two:
        one.sendall(noise + b"\n*IDN?\n")
        assert ask_tcp(two, b"*IDN?") == IDN
        with one.makefile("rb") as lines:
            assert lines.readline() == IDN


def test_nobody_waits_for_a_reader_that_does_not_read(served):
    with socket.socket() as deaf, served.connect() as other:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(PATIENCE_S)
        deaf.connect(("127.0.0.1", served.port))
        for _ in range(20):  # 540 000 bytes of answers: more than he is given room for
            deaf.sendall(b"*IDN?\n" * 1000)
            assert ask_tcp(other, b"*IDN?") == IDN
        lines = until_answered(deaf.sendall, lambda: _what_comes(deaf))
        assert len(lines) < 20_000
        assert set(lines) == {IDN}


def _what_comes(connection: socket.socket) -> bytes:
    """What is there, or comes soon; nothing when it is silent."""
    return connection.recv(1 << 20) if select.select([connection], [], [], 0.2)[0] else b""


def test_more_clients_than_there_is_room_for_are_hung_up_on(served):
    clients = [served.connect() for _ in range(32)]
    for client in clients:
        assert ask_tcp(client, b"*OPC?") == b"1\n"
    with served.connect() as too_many:
        assert too_many.recv(1) == b""
    clients.pop().close()
    assert ask_tcp(clients[0], b"*OPC?") == b"1\n"
    while True:  # until the server has seen the place free
        with served.connect() as next_one:
            next_one.sendall(b"*OPC?\n")
            try:
                if next_one.recv(2) == b"1\n":
                    break
            except ConnectionResetError:
                pass
    for client in clients:
        client.close()


def test_a_port_in_use_is_one_sentence(served):
    second = run_out("serve", "--tcp", f"127.0.0.1:{served.port}")
    assert (second.returncode, second.stdout) == (3, "")
    assert second.stderr == (
        "Error: that port is in use: is another ionto-sim there? choose another, or 0 for any free one\n"
    )


def test_speed_is_told_in_hello_and_kept():
    with serve("--tcp", "0", "--speed", "50") as served, served.connect() as connection:
        assert served.places["speed"] == 50
        host = socket_host(connection)
        assert host.hello()["rate"] == "50"
        host.until(lambda: len(host.telemetry) >= 50)  # 5 s of the unit's in 0.1 s
        assert host.telemetry[49]["ms"] - host.telemetry[0]["ms"] == 4900


def test_speed_and_line_of_the_scenario_are_used():
    with serve("--tcp", "0", "--scenario", "5k?speed=3".replace("5k", "bench-5k")) as served:
        assert (served.places["scenario"], served.places["speed"]) == ("bench-5k", 3)
    with serve("--tcp", "0", "--scenario", "skin?line=9600") as served, served.connect() as connection:
        host = socket_host(connection)
        host.hello()
        ms = [int(host.done("STATUS")["now"]) for _ in range(4)]
        # About 180 bytes to and fro at 1.04 ms each.
        assert all(later - sooner > 150 for sooner, later in pairwise(ms))


def test_unplugged_it_hangs_up_until_it_is_replugged():
    with serve("--tcp", "0", "--bench-door", "127.0.0.1:0") as served, served.door() as door:
        with served.connect() as connection:
            assert ask_tcp(connection, b"*ESR?") == b"128\n"
            door.call("unplug")
            assert connection.recv(1) == b""
        with served.connect() as connection:
            assert connection.recv(1) == b""
        with served.door() as second:  # the bench is still there
            second.call("replug")
        with served.connect() as connection:
            assert ask_tcp(connection, b"*ESR?") == b"0\n"


def test_the_loopback_of_ipv6():
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback")
    with serve("--tcp", "[::1]:0") as served:
        assert served.places["tcp"].startswith("socket://[::1]:")
        with serial.serial_for_url(served.places["tcp"], timeout=PATIENCE_S) as port:
            assert ask(port, b"*IDN?") == IDN


def test_pyvisa_asks_and_stops_what_another_client_started(served):
    pyvisa = pytest.importorskip("pyvisa")
    pytest.importorskip("pyvisa_py")
    with served.connect() as connection:
        host = socket_host(connection)
        host.start(I=200, Q=60_000)
        manager = pyvisa.ResourceManager("@py")
        unit = manager.open_resource(
            f"TCPIP::127.0.0.1::{served.port}::SOCKET", read_termination="\n", write_termination="\n"
        )
        try:
            unit.timeout = PATIENCE_S * 1000
            assert unit.query("*IDN?") == "IONTO,IONTO-4,SN0001,1.0.0"
            state, amps, volts, ohms, coulombs = unit.query("MEAS:ALL?").split(",")
            assert state in ("RAMP_UP", "HOLD", "PAUSING", "PAUSED")
            assert [len(text.partition(".")[2]) for text in (amps, volts, coulombs)] == [6, 3, 6]
            assert float(ohms) > 0
            unit.write("STOP")
            host.until(lambda: any(e["name"] == "STATE" and e["st"] == "DONE" for e in host.events))
            assert unit.query("SYST:ERR?") == '0,"No error"'
            assert unit.query("MEAS:ALL?").startswith("DONE,0.0000")
        finally:
            unit.close()
            manager.close()
        assert host.run_facts()["out"] == "STOPPED"


HIDE_POSIX = """
import sys
import serial
for name in ("termios", "fcntl", "tty", "pty"):
    sys.modules[name] = None
import hw_sim.endpoints.protocol_sim, hw_sim.endpoints.pty, hw_sim.endpoints.rfc2217, hw_sim.endpoints.fleet
from hw_sim.cli import commands, main
"""


def test_without_posix_modules_everything_imports_and_tcp_serves():
    with (
        serve("--tcp", "0", program=("-c", HIDE_POSIX + "main()")) as served,
        served.connect() as connection,
    ):
        assert ask_tcp(connection, b"*IDN?") == IDN


def test_without_posix_modules_a_vanished_port_says_what_windows_says():
    check = HIDE_POSIX + (
        "import hw_sim.endpoints as e; e.register()\n"
        "port = serial.serial_for_url('sim://')\n"
        "port.door.unplug()\n"
        "try: port.flush()\n"
        "except serial.SerialException as exc: print(exc)\n"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout == "ClearCommError failed (PermissionError(13, 'Access is denied.', None, 5))\n"
