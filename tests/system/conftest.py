"""One body, several rigs: a simulated unit in this process, on a pseudo-terminal, on TCP; hardware by ``--port``.

A rig says what its bench can do; a test says what it needs. After every test the true output is zero.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from controller import Unit
from hw_sim.door import Door
from hw_sim.endpoints import protocol_sim
from hw_sim.world import World

# A host that gets no processor for 1 s of the unit's time is blind and stops the run: leave a busy machine room.
SPEED = 10


class VirtualRig:
    name = "virtual"
    can = frozenset({"door", "exact_time"})

    def __init__(self, load: str) -> None:
        self.world = World(load=load, seed=3)
        self.door = Door(self.world)
        protocol_sim.register_world("rig", self.world)
        self.port = "sim://@rig"

    def open(self) -> Unit:
        return Unit.open(self.port)

    def truth(self) -> dict:
        return self.door.truth()

    def close(self) -> None:
        self.world.advance_to(self.world.now_us + 5_000_000)
        protocol_sim.unregister_world("rig")


class DoorClient:
    """The bench door over TCP: the same calls as ``Door``."""

    def __init__(self, where: str, token: str) -> None:
        host, port = where.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        self._lines = self._socket.makefile("rwb")
        self._ask({"token": token})

    def _ask(self, request: dict) -> dict:
        self._lines.write(json.dumps(request).encode() + b"\n")
        self._lines.flush()
        answer = json.loads(self._lines.readline())
        assert "ok" in answer, answer
        return answer["ok"]

    def __getattr__(self, call: str):
        return lambda **arguments: self._ask({"do": call, **arguments})

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class ServedRig:
    can = frozenset({"door"})

    def __init__(self, kind: str, load: str, tmp_path) -> None:
        self.name = kind
        where = ["--pty", str(tmp_path / "unit")] if kind == "pty" else ["--tcp", "127.0.0.1:0"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hw_sim", "serve", *where, "--speed", str(SPEED), "--json",
             "--scenario", f"skin?load={load}", "--bench-door", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        said = json.loads(self._process.stdout.readline())
        self.port = said[kind]
        self.door = DoorClient(said["bench_door"], said["token"])

    def open(self) -> Unit:
        return Unit.open(self.port)

    def truth(self) -> dict:
        return self.door.truth()

    def close(self) -> None:
        self.door.close()
        self._process.terminate()
        self._process.stdout.close()
        assert self._process.wait(10) == 0


class HardwareRig:
    name = "hardware"
    can = frozenset()

    def __init__(self, port: str) -> None:
        self.port = port

    def open(self) -> Unit:
        return Unit.open(self.port)

    def close(self) -> None: ...


@pytest.fixture(params=["virtual", "pty", "tcp", "hardware"])
def rig(request, tmp_path):
    needs = {need for mark in request.node.iter_markers("needs") for need in mark.args}
    kind = request.param
    port = request.config.getoption("--port")
    if kind == "hardware" and not port:
        pytest.skip("no hardware: give --port PORT")
    if kind == "pty" and os.name != "posix":
        pytest.skip("pseudo-terminals are POSIX")
    if not needs <= {"virtual": VirtualRig, "hardware": HardwareRig}.get(kind, ServedRig).can:
        pytest.skip(f"{kind} cannot do {', '.join(needs)}")
    load = "skin"
    if kind == "virtual":
        made = VirtualRig(load)
    elif kind == "hardware":
        made = HardwareRig(port)
    else:
        made = ServedRig(kind, load, tmp_path)
    threads = set(threading.enumerate())
    try:
        yield made
    finally:
        if "door" in made.can:
            made.door.replug()
            truth = made.truth()
            made.close()
            if made.name == "virtual":
                truth = made.truth()
            assert abs(truth["i_ua"]) <= 10 or truth["state"] in ("DONE", "IDLE", "FAULT"), truth
            assert not truth["relay_closed"], truth
        else:
            made.close()
    assert set(threading.enumerate()) <= threads
