"""One body, several rigs: a simulated unit in this process, on a pseudo-terminal, on TCP, or real hardware.

A rig says what its bench ``can`` do, how large a dose is worth its time, and how exact its bench is; a test says what
it ``needs``. The unit behind a rig is the same; only what lies between differs.

    open_electrode, set_load, unplug, power_cycle   what can be done to the bench
    truth                                           the true current and charge can be read
    exact_time                                      virtual time: the test holds the clock
    process                                         the unit is served to other processes, so `ionto` can be one
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from controller import Record, Sample, Session, Treatment, Unit
from controller.journal.wire_log import read_wire_log
from hw_sim.door import Door
from hw_sim.endpoints import protocol_sim
from hw_sim.world import TICK_US, World
from tests.monitors import Eyes, is_zero, one_whole_record

ROOT = Path(__file__).parents[1]
PATIENCE_S = 30.0  # of every wait: a busy machine is slow, a dead process is silent for ever
# A host that gets no processor for 1 s of the unit's time is blind and stops the run: a busy one may lose 125 ms.
SPEED = 8
STEP_S = 1.0  # the longest turn of the loop
SOON_S = 0.1  # while something is to happen to the bench
SERVED = ("pty", "tcp")
KINDS = ("virtual", *SERVED, "hardware")
_BENCH = frozenset({"open_electrode", "set_load", "unplug", "power_cycle", "truth"})
CAN = {
    "virtual": _BENCH | {"exact_time"},
    "pty": _BENCH | {"process"},
    "tcp": _BENCH | {"process"},
    "hardware": frozenset(),
}


def small(dose_ma_min: float = 1.0, current_ma: float = 2.0, **policy: str) -> Treatment:
    """A bench load with the steepest ramps."""
    phase = {"pole": "-", "current_ma": current_ma, "dose_ma_min": dose_ma_min, "ramp_up_ma_per_s": 0.5,
             "ramp_down_ma_per_s": 1.0}  # fmt: skip
    return Treatment.from_dict(
        {"format": 1, "name": "system test", "load": "bench", "policy": policy, "phase": [phase]}
    )


class Rig:
    """A unit and its bench. ``door`` has the calls of docs/bench-door.md, where the rig can."""

    kind = ""
    port = ""
    dose_ma_min = 1.0
    tolerance_ma_min = 0.015  # of a delivered dose: 0.5 % + 600 uC, and what telemetry rounds
    speed = 1  # of the unit's time against the host's
    apart_us: int | None = None  # host time less bench time, where that is known
    door: Any = None

    def __init__(self) -> None:
        self.abandoned = False  # the test left current to the unit's lease
        self.watching = Eyes(None)  # of the delivery under way
        self._later: list[tuple[int, Callable[[], Any]]] = []

    @property
    def can(self) -> frozenset[str]:
        return CAN[self.kind]

    def open(self) -> Unit:
        return Unit.open(self.port)

    def truth(self) -> dict[str, Any]:
        return self.door.truth()

    def hang(self) -> dict[str, Any]:
        """The unit's processor stops, and the monitors know when."""
        self.watching.broken("processor")
        return self.door.hang()

    def after(self, seconds: float, act: Callable[[], Any]) -> None:
        """Something happens to the bench in ``seconds`` of its time, if the run is still on."""
        self._later.append((self.truth()["t_us"] + round(seconds * 1e6), act))

    def eyes(self) -> Eyes:
        """All monitors over the next run, from before it is begun; with the truth where the bench shows it."""
        return Eyes(self.truth if "truth" in self.can else None, speed=self.speed, apart_us=self.apart_us)

    def deliver(
        self,
        treatment: Treatment,
        out: Path,
        at: Callable[[Session, Sample], None] | None = None,
        *,
        breaks: Collection[str] = (),
        **options: Any,
    ) -> tuple[Record, Session]:
        """Deliver under the eyes of the monitors; ``at`` may act at every sample. ``out`` gets the one record.

        ``breaks``: the invariants that are violated because somebody in the test lies; every other one has to hold.
        """
        self.watching = eyes = self.eyes()
        with self.open() as unit, ExitStack() as stack:
            run = stack.enter_context(unit.deliver(treatment, out=out, **options))
            rounds = Rounds(run)
            while not run.over:
                for sample in run.step(unit.now + (SOON_S if self._later else STEP_S)):
                    if "truth" in self.can:
                        eyes.look()
                    if at is not None:
                        at(run, sample)
                self._happen()
                if rounds.are_stuck():
                    self.abandoned = True
                    stack.pop_all()  # it would never leave its block either
                    raise AssertionError(f"stuck at {unit.now} s in {run.state}")
            self.settle()
            eyes.end(run.record, breaks)
        assert run.error is None, run.error
        assert one_whole_record(out).data == run.record.data
        return run.record, run

    def _happen(self) -> None:
        if self._later and self._later[0][0] <= self.truth()["t_us"]:
            self._later.pop(0)[1]()

    def settle(self) -> None:
        """Let a unit that was left alone come to rest: its lease, and a second of ramp."""
        raise NotImplementedError

    def close(self) -> None:
        """Put the bench back and judge it: nothing flows."""


class Rounds:
    """A host's loop must let time pass: one that goes round without is stuck for ever."""

    MOST = 2000

    def __init__(self, run: Session) -> None:
        self._run = run
        self._now = run.unit.now
        self._still = 0

    def are_stuck(self) -> bool:
        now = self._run.unit.now
        self._still = self._still + 1 if now == self._now else 0
        self._now = now
        return self._still > self.MOST


class VirtualRig(Rig):
    kind = "virtual"
    apart_us = 0
    LEASE_AND_RAMP_US = 3_200_000

    def __init__(self, load: str = "skin", seed: int = 3) -> None:
        super().__init__()
        self.world = World(load=load, seed=seed)
        self.door = Door(self.world)
        protocol_sim.register_world("rig", self.world)
        self.port = "sim://@rig"

    def tamper(self, answer: Callable[[bytes], bytes] = bytes, request: Callable[[bytes], bytes] = bytes) -> None:
        """Put somebody on the line: what the unit sends passes ``answer``, what the host writes ``request``."""
        sent, put = World.sent, World.put
        self.world.sent = lambda conn, data: sent(self.world, conn, answer(data))  # type: ignore[method-assign]
        self.world.put = lambda conn, data: put(self.world, conn, request(data))  # type: ignore[method-assign]

    def settle(self) -> None:
        if not is_zero(self.truth()):
            self.world.advance_to(self.world.now_us + self.LEASE_AND_RAMP_US)

    def close(self) -> None:
        protocol_sim.unregister_world("rig")
        if self.abandoned:
            self.settle()
        self.world.advance_to(self.world.now_us + 2 * TICK_US)  # the relay opens in the tick after DONE was told
        assert is_zero(self.truth()), self.truth()


class HardwareRig(Rig):
    kind = "hardware"

    def __init__(self, port: str) -> None:
        super().__init__()
        self.port = port

    def settle(self) -> None: ...


class DoorClient:
    """The bench door over TCP: the same calls as ``Door``."""

    def __init__(self, where: str, token: str) -> None:
        host, _, port = where.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        self._lines = self._socket.makefile("rb")
        self._ask({"token": token})

    def _ask(self, request: dict[str, Any]) -> Any:
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self._lines.readline())
        assert "ok" in answer, answer
        return answer["ok"]

    def __getattr__(self, call: str) -> Callable[..., Any]:
        return lambda **arguments: self._ask({"do": call, **arguments})

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class ServedRig(Rig):
    """`ionto-sim serve` in a process of its own."""

    dose_ma_min = 0.2

    def __init__(self, kind: str, folder: Path, *, speed: int = SPEED, scenario: str = "skin") -> None:
        super().__init__()
        self.kind, self.speed = kind, speed
        where = ["--pty", str(folder / "unit")] if kind == "pty" else ["--tcp", "127.0.0.1:0"]
        self._process = spawn(
            "-m", "hw_sim", "serve", *where, "--speed", str(speed), "--json", "--scenario", scenario,
            "--bench-door", "127.0.0.1:0",
        )  # fmt: skip
        said = json.loads(first_line(self._process))
        self.port = said[kind]
        self.door = DoorClient(said["bench_door"], said["token"])

    def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask the door until it is so; every question waits for its answer, so that nothing spins."""
        give_up = time.monotonic() + PATIENCE_S
        while not is_so(truth := self.truth()):
            assert time.monotonic() < give_up, truth
        return truth

    def settle(self) -> None:
        self.until(is_zero)

    def close(self) -> None:
        try:
            self.door.replug()
            truth = self.until(is_zero) if self.abandoned else self.truth()
            assert is_zero(truth), truth
        finally:
            self.door.close()
            end(self._process)


def spawn(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A Python of ours as a child. Its environment is the test's own, with this checkout first on its path."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
        env=environment, **{"stdin": subprocess.DEVNULL, **options},
    )  # fmt: skip


def first_line(process: subprocess.Popen[str]) -> str:
    """The first line of a child's output, before anything else was read of it."""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(PATIENCE_S), "the child said nothing"
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line


def end(process: subprocess.Popen[str]) -> None:
    """Ask a child of ours to end; it has to, with exit code 0."""
    process.terminate()
    try:
        assert process.wait(PATIENCE_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
        process.stderr.close()


class Once:
    """Acts at the first sample for which it is time; ``done`` says that it did."""

    def __init__(self, when: Callable[[Sample], bool], act: Callable[[Session], Any]) -> None:
        self._when = when
        self._act = act
        self.done = False

    def __call__(self, run: Session, sample: Sample) -> None:
        if not self.done and self._when(sample):
            self.done = True
            self._act(run)


def in_state(name: str) -> Callable[[Sample], bool]:
    return lambda sample: sample.state.name == name


def in_hold(seconds: float) -> Callable[[Sample], bool]:
    """In HOLD for so long, by the unit's own time."""
    since: list[float] = []

    def when(sample: Sample) -> bool:
        if sample.state.name != "HOLD":
            return False
        since.append(sample.t_s)
        return sample.t_s - since[0] >= seconds

    return when


@contextmanager
def in_terminal(*arguments: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """`ionto` with a terminal for its input: (the master to type into, the process)."""
    master, slave = os.openpty()
    child = spawn("-m", "controller", *arguments, stdin=slave)
    os.close(slave)
    try:
        yield master, child
    finally:
        os.close(master)
        if child.poll() is None:
            child.kill()
            child.wait()
        child.stdout.close()
        child.stderr.close()


def notes(folder: Path, kind: str) -> list[dict[str, Any]]:
    """What the log of a run says of this kind."""
    entries = [json.loads(e.text) for e in read_wire_log(folder / "wire.log").entries if e.mark == "="]
    return [entry for entry in entries if entry["kind"] == kind]


def unit_ms(record: Record, event: str) -> int:
    """The unit's own time of the one event in the log of a run that reads so."""
    [line] = [line for line in (record.folder / "wire.log").read_text().splitlines() if event in line]
    return int(line.split()[5])  # mono utc < !SSSS EEEE ms


def write_small(path: Path, dose_ma_min: float, current_ma: float) -> str:
    """The file of ``small``."""
    path.write_text(
        f'format = 1\nname = "system test"\nload = "bench"\n\n[[phase]]\npole = "-"\ncurrent_ma = {current_ma}\n'
        f"dose_ma_min = {dose_ma_min}\nramp_up_ma_per_s = 0.5\nramp_down_ma_per_s = 1.0\n"
    )
    return str(path)
