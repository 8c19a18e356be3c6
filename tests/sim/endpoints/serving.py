"""``ionto-sim serve`` as a process of its own, for tests: started, spoken to, ended, with every wait bounded."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import serial

from tests.sim.host import Host

PATIENCE_S = 30.0  # of every read; a busy machine is slow, a dead server is silent for ever


class Served:
    """A running server and what its first line said."""

    def __init__(self, process: subprocess.Popen[bytes], places: dict[str, Any]) -> None:
        self.process = process
        self.places = places

    @property
    def port(self) -> int:
        return int(self.places["tcp"].rpartition(":")[2])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)

    def door(self) -> Door:
        host, _, port = self.places["bench_door"].rpartition(":")
        door = Door(socket.create_connection((host, int(port)), PATIENCE_S))
        assert door.ask({"token": self.places["token"]}) == {"ok": "welcome"}
        return door


class Door:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._lines = connection.makefile("rb")

    def ask(self, request: object) -> dict[str, Any]:
        self.connection.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(self._lines.readline())

    def call(self, name: str, **arguments: object) -> dict[str, Any]:
        answer = self.ask({"do": name, **arguments})
        assert "ok" in answer, answer
        return answer["ok"]

    def close(self) -> None:
        self._lines.close()
        self.connection.close()

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@contextmanager
def serve(*arguments: str, program: tuple[str, ...] = ("-m", "hw_sim")) -> Iterator[Served]:
    """Start it and wait for its first line; whatever happens, it is ended."""
    command = [sys.executable, *program, "serve", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield Served(process, json.loads(_first_line(process)))
        finally:
            if process.poll() is None:
                process.kill()


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(PATIENCE_S), "the server said nothing"
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read().decode())
    return line


def socket_host(connection: socket.socket) -> Host:
    """A host on a TCP connection; a silence of ``PATIENCE_S`` raises TimeoutError."""

    def receive() -> bytes:
        data = connection.recv(65_536)
        assert data, "the server hung up"
        return data

    return Host(connection.sendall, receive)


def serial_host(port: serial.SerialBase) -> Host:
    """A host on a pySerial port with a time-out."""

    def receive() -> bytes:
        data = port.read(1)
        assert data, "the unit is silent"
        return data + port.read(port.in_waiting)

    return Host(port.write, receive)


def open_device(path: str) -> serial.Serial:
    return serial.Serial(path, timeout=PATIENCE_S, exclusive=True)


def ask(port: serial.SerialBase, query: bytes) -> bytes:
    """A plain query, and the next line."""
    port.write(query + b"\n")
    return port.readline()


def ask_tcp(connection: socket.socket, query: bytes) -> bytes:
    """The same on a socket that nothing else is read from."""
    connection.sendall(query + b"\n")
    with connection.makefile("rb") as lines:
        return lines.readline()


def until_paused(connection: socket.socket) -> None:
    """Ask until the unit is PAUSED; from outside any session, for a run that was left has none."""
    state = ""
    while state != "PAUSED":
        state = ask_tcp(connection, b"MEAS:ALL?").decode().partition(",")[0]
        assert state in ("RAMP_UP", "HOLD", "PAUSING", "PAUSED")


def until_answered(send: Callable[[bytes], object], receive: Callable[[], bytes]) -> list[bytes]:
    """Read on, asking ``*OPC?`` at every silence, until it is answered; the lines before that."""
    data = b""
    while b"\n1\n" not in data:
        more = receive()
        if not more:
            send(b"*OPC?\n")
        data += more
    return data[: data.index(b"\n1\n") + 1].splitlines(keepends=True)


def run_out(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    command = [sys.executable, "-m", "hw_sim", *arguments]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=environment, check=False)
