"""Many units at once: ``ionto-sim serve --units N`` on one side, N sessions of the driver in one process on the other.

    python -m benchmarks.many_units --units 64 --seconds 20

Every unit is in real time, delivers to skin and sends telemetry ten times a second. Printed are the share of a core
and the memory a unit of both processes, and how regularly samples came. The driver has one loop: it calls
``Session.step`` of every session with a deadline that has passed (take what is there, do what is due, do not wait),
and sleeps to the next 20 ms. Linux: processor time and memory are read from ``/proc``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from controller import Treatment, Unit

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "dexamethasone-40.toml"
SWEEP_S = 0.02
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")
# As an installed program starts: its byte code is on disk after the first run.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def processor_s(pid: int | str) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int | str) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


@contextlib.contextmanager
def served(units: int):
    """The process, its ports, and how long it took until the last of them answered."""
    command = [sys.executable, "-m", "hw_sim", "serve", "--json", "--units", str(units), "--tcp", "127.0.0.1:0"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        try:
            ports = [place["tcp"] for place in json.loads(process.stdout.readline())["units"]]
            with socket.create_connection(("127.0.0.1", int(ports[-1].rpartition(":")[2]))) as connection:
                connection.sendall(b"*IDN?\n")
                connection.recv(100)
            yield process, ports, time.perf_counter() - began
        finally:
            process.terminate()


def deliver(ports: list[str], server: int, seconds: float, sweep_s: float) -> dict[str, float]:
    own_mb = resident_mb("self")
    units = [Unit.open(port) for port in ports]
    treatment = Treatment.load(EXAMPLE)
    sessions = [unit.deliver(treatment, out=None) for unit in units]
    counts = dict.fromkeys(range(len(sessions)), 0)
    latest = dict.fromkeys(range(len(sessions)), 0.0)
    widest_s = 0.0

    def sweep() -> None:
        nonlocal widest_s
        for n, session in enumerate(sessions):
            if session.over:
                continue
            samples = session.step(units[n].now)
            if samples:
                counts[n] += len(samples)
                now = time.perf_counter()
                if latest[n]:
                    widest_s = max(widest_s, now - latest[n])
                latest[n] = now

    def sweep_until(end_s: float) -> None:
        due = time.perf_counter()
        while due < end_s and not all(session.over for session in sessions):
            sweep()
            due = max(due + sweep_s, time.perf_counter())
            time.sleep(due - time.perf_counter() if due > time.perf_counter() else 0)

    sweep_until(time.perf_counter() + 3.0)  # STAGE, ARM and START are behind them
    counts, widest_s = dict.fromkeys(counts, 0), 0.0
    began, before = time.perf_counter(), (processor_s(server), processor_s("self"))
    sweep_until(began + seconds)
    took_s = time.perf_counter() - began
    after = (processor_s(server), processor_s("self"))
    figures = {
        "server, share of a core": (after[0] - before[0]) / took_s,
        "driver, share of a core": (after[1] - before[1]) / took_s,
        "driver, MB a unit": (resident_mb("self") - own_mb) / len(ports),
        "samples a second and unit, least": min(counts.values()) / took_s,
        "widest gap between samples, s": widest_s,
        "sessions still running": float(sum(not session.over for session in sessions)),
    }
    for session in sessions:
        session.request_stop()
    sweep_until(time.perf_counter() + 10.0)
    for unit in units:
        unit.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--sweep-ms", type=float, default=SWEEP_S * 1e3)
    options = parser.parse_args()
    with served(1):  # writes the byte code
        pass
    with served(1) as (process, _, start_s):
        alone_mb = resident_mb(process.pid)
        print(f"{'one unit, start to first answer, ms':40} {start_s * 1e3:8.0f}")
    with served(options.units) as (process, ports, start_s):
        print(f"{f'{options.units} units, start to first answer, ms':40} {start_s * 1e3:8.0f}")
        figures = deliver(ports, process.pid, options.seconds, options.sweep_ms / 1e3)
        if options.units > 1:
            figures["server, MB a unit"] = (resident_mb(process.pid) - alone_mb) / (options.units - 1)
    for name, value in figures.items():
        print(f"{name:40} {value:8.3f}")


if __name__ == "__main__":
    main()
