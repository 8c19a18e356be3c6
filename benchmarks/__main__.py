"""``make bench``: each figure beside its reference, measured in the same run, as medians.

Absolute times belong to a machine and an hour; the column to compare is the ratio. Nothing here passes or fails.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "dexamethasone-40.toml"
PYTHON = sys.executable
# As an installed program starts: its byte code is on disk after the first run.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
LINE = "~4A17 02F3 82100 st=HOLD set=1500 i=1498 i2=1499 v=6270 z=4186 q=82470 lk=1830 lim=0 rl=1 fl=0*5FBF61D6"

LINE_JSON = json.dumps(dict(pair.split("=") for pair in LINE[:-9].split()[3:]))

ECHO = """
import os, sys, tty
master, slave = os.openpty(); tty.setraw(slave)
print(os.ttyname(slave), flush=True)
reply = b"x" * 120 + b"\\n"
while True:
    data = os.read(master, 4096)
    if b"\\n" in data: os.write(master, reply)
"""
ONE_LINE_MODEL = """
x = 0.0
for _ in range(121500): x += 0.01 * (2.0 - x)
"""


def row(name: str, ours: float, reference: str, theirs: float, unit: str, limit: str) -> None:
    print(
        f"{name:46} {ours:9.2f} {unit:3} | {reference:38} {theirs:9.2f} {unit:3} | ratio {ours / theirs:6.2f} | {limit}"
    )


def process(arguments: list[str], **options: object) -> tuple[float, float]:
    """(wall seconds, peak MB) of one process."""
    start = time.perf_counter()
    child = subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT, **options
    )  # type: ignore[call-overload]
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        raise SystemExit(f"{arguments}: exit {status}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def paired(ours: Callable[[], float], theirs: Callable[[], float], times: int) -> tuple[float, float]:
    """Medians of both, measured in turn."""
    a, b = [], []
    for _ in range(times):
        a.append(ours())
        b.append(theirs())
    return statistics.median(a), statistics.median(b)


def example() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [PYTHON, "-m", "controller", "run", str(EXAMPLE), "--out", folder]
        peaks: list[float] = []

        def ours() -> float:
            wall, peak = process(command, cwd=ROOT)
            peaks.append(peak)
            return wall

        wall, model = paired(ours, lambda: process([PYTHON, "-c", ONE_LINE_MODEL])[0], 5)
        row("example run, whole process", wall, "121 500 steps of a one-line model", model, "s", "at most 1.5 s")
        records = sorted(Path(folder).glob("*/record.json"))
        duration = json.loads(records[0].read_text())["duration_s"]
        print(f"{'':46} {duration / wall:9.0f} times real time ({duration:.0f} s simulated)      | over 800")
        print(f"{'  peak memory':46} {max(peaks):9.1f} MB                                          | at most 50 MB")
    digests = set()
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            process([PYTHON, "-m", "controller", "run", str(EXAMPLE), "--out", folder], cwd=ROOT)
            digests.add(sha256(next(Path(folder).glob("*/trace.csv")).read_bytes()).hexdigest())
    print(f"{'  trace.csv twice':46} {'bit-identical' if len(digests) == 1 else 'DIFFERENT'}")


def status_query() -> None:
    import serial

    from controller.unit import Unit

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "unit")
        sim = subprocess.Popen(
            [PYTHON, "-m", "hw_sim", "serve", "--pty", path], stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT
        )
        echo = subprocess.Popen([PYTHON, "-c", ECHO], stdout=subprocess.PIPE)
        try:
            sim.stdout.readline()  # type: ignore[union-attr]
            device = echo.stdout.readline().decode().strip()  # type: ignore[union-attr]
            with Unit.open(path) as unit, serial.Serial(device, 115_200, timeout=1) as raw:
                unit.ask("TELE", {"ms": 0})

                def ours() -> float:
                    start = time.perf_counter()
                    unit.status()
                    return time.perf_counter() - start

                def theirs() -> float:
                    start = time.perf_counter()
                    raw.write(b">0000 0001 STATUS*00000000\n")
                    raw.readline()
                    return time.perf_counter() - start

                a, b = paired(ours, theirs, 2000)
                name, reference = "status query over a pty, sealed and checked", "pySerial readline, bare Python echo"
                row(name, a * 1e6, reference, b * 1e6, "us", "ratio at most 2.5")
        finally:
            for child in (sim, echo):
                child.terminate()
                child.wait()


def telemetry_line() -> None:
    from controller.limits import SafetyMonitor
    from controller.wire import LineDecoder, Telemetry, parse

    decoder, monitor, data, n = LineDecoder(), SafetyMonitor(1500, 2_400_000), LINE.encode() + b"\n", 2000

    def ours() -> float:
        start = time.perf_counter()
        for _ in range(n):
            for line in decoder.feed(data):
                seen = parse(line)  # type: ignore[arg-type]
                if isinstance(seen, Telemetry):
                    monitor.judge(seen)
        return (time.perf_counter() - start) / n

    def theirs() -> float:
        start = time.perf_counter()
        for _ in range(n):
            json.loads(LINE_JSON)
        return (time.perf_counter() - start) / n

    a, b = paired(ours, theirs, 30)
    row("decode and judge a telemetry line", a * 1e6, "json.loads of its fields", b * 1e6, "us", "at most 20 us")


def starts() -> None:
    a, b = paired(
        lambda: process([PYTHON, "-m", "controller", "--version"], cwd=ROOT)[0],
        lambda: process([PYTHON, "-c", "pass"])[0],
        15,
    )
    row("ionto --version", a * 1e3, "an empty interpreter", b * 1e3, "ms", "at most 100 ms")

    def first_answer() -> float:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            sim = subprocess.Popen(
                [PYTHON, "-m", "hw_sim", "serve", "--pty", f"{folder}/u"],
                stdout=subprocess.PIPE,
                cwd=ROOT,
                env=ENVIRONMENT,
            )
            sim.stdout.readline()  # type: ignore[union-attr]
            fd = os.open(f"{folder}/u", os.O_RDWR | os.O_NOCTTY)
            os.write(fd, b"*IDN?\n")
            answer = os.read(fd, 100)
            wall = time.perf_counter() - start
            os.close(fd)
            sim.terminate()
            sim.wait()
            if b"IONTO" not in answer:
                raise SystemExit(f"unexpected answer {answer!r}")
            return wall

    def bare() -> float:
        start = time.perf_counter()
        echo = subprocess.Popen([PYTHON, "-c", ECHO], stdout=subprocess.PIPE)
        device = echo.stdout.readline().decode().strip()  # type: ignore[union-attr]
        fd = os.open(device, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"*IDN?\n")
        os.read(fd, 100)
        wall = time.perf_counter() - start
        os.close(fd)
        echo.kill()
        echo.wait()
        return wall

    a, b = paired(first_answer, bare, 9)
    row(
        "ionto-sim serve, start to first answer",
        a * 1e3,
        "bare Python responder on a pty",
        b * 1e3,
        "ms",
        "at most 150 ms",
    )


def simulator() -> None:
    """The world without the driver: virtual time, and the calls that tests repeat."""
    from hw_sim.world import World
    from tests.sim.host import Host, VirtualWire, seal

    def timed(call: Callable[[], object], n: int) -> float:
        start = time.perf_counter()
        for _ in range(n):
            call()
        return (time.perf_counter() - start) / n

    world = World(load="skin")
    wire = VirtualWire(world)
    host = Host(wire.send, wire.receive)
    host.start(I=2000, Q=2_400_000)
    host.until_state("HOLD")
    seconds = 120

    conn, number = wire.conn, host.number

    def ours() -> float:
        nonlocal number
        start, end_us, kept_us = time.perf_counter(), world.now_us + seconds * 1_000_000, world.now_us
        while world.now_us < end_us:
            world.advance_to(world.now_us + 1_000_000, conn)
            data = world.take(conn)
            if world.now_us - kept_us >= 250_000 and data[:1] == b"~":
                kept_us, number = world.now_us, number + 1
                world.put(conn, b"\n" + seal(f">{host.sid:04X} {number:04X} KEEP t={data[6:10].decode()}"))
        if world.truth()["state"] != "HOLD":
            raise SystemExit("the run ended")
        return time.perf_counter() - start

    model = ONE_LINE_MODEL.replace("121500", str(seconds * 100))
    wall, line = paired(ours, lambda: timed(lambda: exec(model, {}), 1), 7)
    name = f"{seconds} s of HOLD at 10 Hz with KEEP, no driver"
    row(name, wall * 1e3, f"{seconds * 100} steps of a one-line model", line * 1e3, "ms", "over 600 times")
    print(f"{'':46} {seconds / wall:9.0f} times real time")
    a, b = paired(lambda: timed(lambda: World(load="skin"), 20), lambda: timed(lambda: json.loads(LINE_JSON), 20), 15)
    row("a new world, started and self-tested", a * 1e6, "json.loads of a telemetry line", b * 1e6, "us", "under 1 ms")

    def there_and_back() -> float:
        return timed(lambda: world.restore(world.snapshot()), 50)

    a, b = paired(there_and_back, lambda: timed(lambda: json.loads(LINE_JSON), 50), 15)
    row("snapshot and restore of a world", a * 1e6, "json.loads of a telemetry line", b * 1e6, "us", "under 50 us")


def main() -> None:
    for part in (example, status_query, telemetry_line, starts, simulator):
        part()


main()
