"""The benches of the pytest plugin: a world in this process, a simulator in another one, a port with a real unit.

Every bench has a ``port`` to open, says after a test whether current was left on (``judge``), and sees it off. What the
truth is depends on the bench: a world and a served simulator have a bench door; a unit on somebody's desk has its own
word, and a stop byte.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from controller import CommandRefused, IontoError, Unit, serial_link
from hw_sim.door import CALLS, Door
from hw_sim.endpoints.protocol_sim import register_world, unregister_world
from hw_sim.rig.pytest_tape import QUIET_UA, REST, STOP, Tape
from hw_sim.scenario import Scenario

ZERO_UA: Final = 10
STOPPED_S: Final = 1.1  # a stop byte is followed by quiet within a second (docs/protocol.md, section 12)
OPENS_S: Final = 0.02  # two ticks
PATIENCE_S: Final = 30.0  # a busy machine is slow, a dead process is silent for ever
PURPOSE: Final = "the ionto pytest plugin"

_numbers = count(1)


class VirtualBench(Door):
    """A unit on a bench in this process, in virtual time: time passes while somebody reads, and in ``advance``.

    All calls of the bench door are methods; ``world`` is the bench itself, ``port`` what a program opens.
    """

    def __init__(self, scenario: Scenario, tape: Tape) -> None:
        self.scenario = scenario
        self.world = scenario.world()
        super().__init__(self.world)
        self._tape = tape
        self._name = f"ionto-{next(_numbers)}"
        self.port = f"sim://@{self._name}"
        register_world(self._name, self.world, scenario.line)

    def judge(self) -> None:
        """Note current that was left on."""
        judge_truth(self._tape, self)

    def close(self) -> None:
        self.judge()
        hang_up(self._tape)
        if self.world.plugged and flows(self.truth()):
            self._stop()
        unregister_world(self._name)

    def _stop(self) -> None:
        world = self.world
        conn = world.connect()
        world.put(conn, STOP)
        world.advance_to(world.now_us + round(STOPPED_S * 1e6))
        world.disconnect(conn)


class DoorClient:
    """The bench door over TCP (docs/bench-door.md): every call of it is a method, with arguments by name."""

    def __init__(self, where: str, token: str) -> None:
        host, _, port = where.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        self._lines = self._socket.makefile("rb")
        self._ask({"token": token})

    def _ask(self, request: dict[str, Any]) -> Any:  # noqa: ANN401 - what JSON has
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the simulator behind the bench door is gone")
        answer = json.loads(line)
        if "ok" not in answer:
            raise ValueError(answer["error"])
        return answer["ok"]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in CALLS:
            raise AttributeError(name)
        return lambda **arguments: self._ask({"do": name, **arguments})

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class ServedBench:
    """`ionto-sim serve` in another process, which ends with this one."""

    def __init__(self, scenario: str, tape: Tape, *, kind: str, speed: int, folder: Path) -> None:
        self._tape = tape
        where = ["--pty", str(folder / "unit")] if kind == "pty" else ["--tcp", "127.0.0.1:0"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hw_sim.rig.pytest_child", *where, "--scenario", scenario, "--speed", str(speed),
             "--json", "--bench-door", "127.0.0.1:0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, env=_paths(),
        )  # fmt: skip
        try:
            said = json.loads(self._first_line())
            self.port: str = said[kind]
            self.door = DoorClient(said["bench_door"], said["token"])
        except BaseException:
            self._kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def _first_line(self) -> str:
        process = self._process
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - pipes, by the call above
        too_long = threading.Timer(PATIENCE_S, process.kill)
        too_long.start()
        try:
            line = process.stdout.readline()
        finally:
            too_long.cancel()
        if not line:
            process.kill()
            raise RuntimeError(f"the simulator did not begin: {process.stderr.read().strip() or 'it said nothing'}")
        return line

    def judge(self) -> None:
        """Note current that was left on, or that the simulator is no more."""
        try:
            judge_truth(self._tape, self.door)
        except (OSError, ValueError) as exc:
            self._tape.problems.append(f"the simulator is gone: {exc}; {self._last_words()}")

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        said = "" if self._process.poll() is None or self._process.stderr is None else self._process.stderr.read()
        return f"exit code {self._process.poll()}{', it said: ' + said.strip() if said else ''}"

    def close(self) -> None:
        self.judge()
        hang_up(self._tape)
        self.door.close()
        self._kill()

    def _kill(self) -> None:
        process = self._process
        process.terminate()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


class OutsideBench:
    """A port that somebody gave: hardware, or a simulator that somebody else serves, which says so in HELLO."""

    def __init__(self, port: str, tape: Tape) -> None:
        self.port = port
        self._tape = tape

    def judge(self) -> None:
        """Note current that was left on, by what the unit said last on a line that is still open."""
        if any(link.open and link.carries for link in self._tape.links):
            self._tape.problems.append(
                "current was left on: the unit's newest telemetry says so, and nobody stopped it"
            )

    def close(self) -> None:
        """Stop whatever runs, then ask the unit."""
        self.judge()
        hang_up(self._tape)
        self._tape.locked = "the test is over"
        try:
            try:
                self._ask()
            except CommandRefused:  # a run goes on whose host is gone
                self._stop()
                self._ask()
        except IontoError as exc:
            self._tape.problems.append(f"nobody knows whether current was left on: {exc}")

    def _ask(self) -> None:
        with Unit.open(self.port, purpose=PURPOSE) as unit:
            seen = unit.status()
            if seen.i_ua > QUIET_UA or seen.state.value not in REST:
                self._tape.note_left_on(f"STATUS says {seen.state.value}, {seen.i_ua} uA")
                unit.stop()

    def _stop(self) -> None:
        self._tape.note_left_on("the unit says that a run goes on under a host that is gone")
        link = serial_link.open_link(self.port, purpose=PURPOSE)
        try:
            stop_by_hand(link)
        finally:
            link.close()


def simulates(port: str) -> bool:
    """Whether the unit on ``port`` says that it is simulated.

    Raises:
        IontoError: it could not be asked.
    """
    with Unit.open(port, purpose=PURPOSE) as unit:
        return unit.facts.simulated


def flows(truth: dict[str, Any]) -> bool:
    """Whether something flows, or could."""
    return abs(truth["i_ua"]) > ZERO_UA or bool(truth["relay_closed"])


def judge_truth(tape: Tape, door: Any) -> None:  # noqa: ANN401 - a Door, or its like over TCP
    truth = door.truth()
    if flows(truth) and truth["state"] in REST:  # told in the tick that turns off, and the relay opens in the next
        door.advance(seconds=OPENS_S)
        truth = door.truth()
    if flows(truth):
        relay = "closed" if truth["relay_closed"] else "open"
        tape.note_left_on(f"truly {truth['i_ua']:.0f} uA in {truth['state']}, the relay is {relay}")


def hang_up(tape: Tape) -> None:
    """Stop what runs on every line that the test left open, and close the line."""
    for link in tape.links:
        if link.open:
            with suppress(IontoError, OSError):
                stop_by_hand(link)
            link.close()


def stop_by_hand(link: Any) -> None:  # noqa: ANN401 - a TappedLink, by whoever opened it
    """One stop byte, and the line kept open until it was obeyed: closing at once may take it away again."""
    before = link.newest
    link.write(STOP)
    if hasattr(link, "wait"):  # asyncio's: its loop is gone, and nobody would hear
        return
    end = link.clock.now() + STOPPED_S
    while link.clock.now() < end and (link.newest is before or link.carries):
        link.read(end)


def _paths() -> dict[str, str]:
    """The child finds the simulator where this process did, whatever folder it runs in."""
    home = str(Path(__file__).parents[2])
    given = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": home if not given else os.pathsep.join((home, given))}
