"""``python -m tests.evidence.fuzz.corpora``: makes the seeds in ``corpus/`` from sessions that were really run.

A few treatments are delivered on ``sim://``; their wire logs give the lines of both directions, and whole sessions for
the live unit (the same bytes after the same time). Scenario and treatment presets, the calls of the bench door and the
queries of the plain door are there as they ship. One line of a kind is enough.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from controller import Treatment, Unit
from controller.journal.wire_log import read_wire_log
from hw_sim.door import CALLS
from hw_sim.firmware.scpi import HELP
from tests.evidence.fuzz.live import MOST_TICKS, written
from tests.sim.firmware.bench import Bench

HERE = Path(__file__).parent / "corpus"
ROOT = Path(__file__).parents[3]
_LONGEST_LOG, _CUT_LOG = 15_000, 4000


def main() -> int:
    os.environ["IONTO_CONFIG"] = os.devnull
    with tempfile.TemporaryDirectory() as scratch:
        for number, port in enumerate(("sim://bench-5k", "sim://lead-off-pauses", "sim://?seed=3"), 1):
            _delivered(f"run{number}", port, Path(scratch) / str(number))
    for number, state in enumerate(("STAGED", "HOLD", "DONE", "PAUSED", "RAMP_DOWN"), 1):
        _keep("unit_session", f"to-{state.lower()}", b"\x00" + written(_recorded(state)))
        _keep("unit_session", f"again-{number}", b"\x01" + written(_recorded(state)))
    for number, query in enumerate(HELP.split(",")):
        _keep("plain_door", f"query{number:02d}", f"{query}\n".encode())
    _keep("plain_door", "all", HELP.replace(",", "\n").encode() + b"\nSOUR:CURR 0.001\nOUTP ON\nmeasure:current?;\n")
    _keep("planted", "idn", b"*IDN?\nSTOP\n")
    _calls()
    for path in sorted((ROOT / "hw_sim/scenario/presets").glob("*.toml"))[::3]:
        _keep("scenario", path.stem, path.read_bytes())
    for path in sorted((ROOT / "controller/treatment/presets").glob("*.toml")):
        _keep("treatment", path.stem, path.read_bytes())
    _keep("config", "all", b'format = 1\nport = "sim://"\nout = "~/runs"\noperator = "A"\nstation = "B"\n'
          b'telemetry_hz = 20\nstore = "postgresql+psycopg://a:b@c/d"\n')  # fmt: skip
    _keep("config", "wrong", b"port = 1\ntelemetry_hz = 999\npotr = ''\n")
    return 0


def _keep(target: str, name: str, data: bytes) -> None:
    folder = HERE / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def _delivered(name: str, port: str, out: Path) -> None:
    treatment = Treatment.short(2.0, 0.1, "-")
    with Unit.open(port) as unit, unit.deliver(treatment, out=out, telemetry_ms=500) as session:
        for _ in session:
            pass
    log = next(out.rglob("wire.log"))
    whole = log.read_bytes()
    _keep("wire_log", name, whole[:_LONGEST_LOG] if name == "run1" else whole[:_CUT_LOG])
    entries = read_wire_log(log).entries
    for target, mark in (("host_lines", "<"), ("unit_lines", ">")):
        lines = [entry.raw for entry in entries if entry.mark == mark]
        # One of a kind, the newest: by verb, name or, of telemetry, state.
        kinds = {line.split(b" ")[2 if mark == ">" else 3]: line for line in lines if line.count(b" ") > 2}
        for kind, line in kinds.items():
            _keep(target, kind.decode().replace("=", "-").lower(), b"\x00" + line + b"\n")
        _keep(target, name, b"\x10" + b"\n".join(list(kinds.values())[:6]) + b"\n")


def _recorded(state: str) -> list[tuple[int, bytes]]:
    """What a bench said to reach a state, and after how many ticks each time."""
    bench = Bench()
    steps: list[tuple[int, bytes]] = []
    put, last = bench.world.put, bench.world.now_us

    def recording(conn: int, data: bytes) -> None:
        nonlocal last
        steps.append(((bench.world.now_us - last) // 10_000, data))
        last = bench.world.now_us
        put(conn, data)

    bench.world.put = recording  # type: ignore[method-assign]
    bench.to(state, TU=2000, TD=1000)
    bench.ticks(20)
    steps.append(((bench.world.now_us - last) // 10_000, b""))
    if sum(ticks for ticks, _ in steps) > MOST_TICKS:
        raise SystemExit(f"the way to {state} is longer than an input may be")
    return steps


def _calls() -> None:
    samples = {
        "spec": "4k7", "lead": "drug", "share": 0.5, "fitted": True, "fault": "E01@state=HOLD+5,for=2", "seconds": 0.5,
        "name": "here",
    }  # fmt: skip
    told = []
    for call, (_, required, optional) in CALLS.items():
        told.append(json.dumps({"do": call, **{key: samples[key] for key in (*required, *optional)}}).encode())
        _keep("bench_door", call, b"\x00" + told[-1] + b"\n")
    _keep("bench_door", "all", b"\x07" + b"\n".join(told) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
