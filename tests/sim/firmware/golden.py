"""The golden lines by direction, and the unit that they are about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sim.firmware.bench import Bench

ENTRIES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "golden_lines.json").read_text(encoding="utf-8")
)
TO_UNIT = [entry for entry in ENTRIES if entry["to"] == "unit"]
SAID = [
    entry["line"] for entry in ENTRIES if entry["to"] == "host" and entry["kind"] in ("reply", "telemetry", "event")
]
RUN = "01J8ZK6Q3V9T5W0X2Y4A6B8C0D"


def note(entry: dict[str, Any]) -> str:
    return f"{entry['line'][:24]} {entry['note']}"


def golden_unit(state: str = "IDLE", **fields: int | str) -> Bench:
    """The unit of the golden lines, in a state, its session 4A17 and its next request to be named by ``expect``."""
    bench = Bench(serial="SN0042").to(state, **fields)
    bench.world.hal.simulated = bench.world.hal.calibrates = False
    bench.world.firmware.store.boot = 163
    bench.sid = bench.world.firmware.session.sid = 0x4A17
    return bench


def expect(bench: Bench, number: int) -> Bench:
    bench.number = bench.world.firmware.session.last = number - 1
    return bench
