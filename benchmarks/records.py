"""The shelf: a list out of ten thousand runs, and a long run exported.

    python -m benchmarks.records

The runs are synthetic, their folders as the program leaves them (``tests.synthetic_runs``). Whole processes are
measured, as a person at a terminal waits for them, beside an empty interpreter in the same run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from tests.synthetic_runs import make_many, make_run

ROOT = Path(__file__).resolve().parent.parent
RUNS = 10_000
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPATH": str(ROOT),
    "IONTO_CONFIG": os.devnull,
}


def seconds(arguments: list[str], cwd: Path) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=cwd, env=ENVIRONMENT, check=True, capture_output=True)
    return time.perf_counter() - begin


def median(arguments: list[str], cwd: Path, times: int = 7) -> float:
    return statistics.median(seconds(arguments, cwd) for _ in range(times))


def show(name: str, wall_s: float, limit: str) -> None:
    print(f"{name:62} {wall_s * 1000:8.0f} ms | {limit}")


def a_list(folder: Path) -> None:
    make_many(folder / "runs", RUNS)
    command = ["-m", "controller", "runs", "list"]
    show("an empty interpreter", median(["-c", "pass"], folder), "")
    show(f"runs list, {RUNS} runs, no index yet", seconds(command, folder), "")
    show(f"runs list, the newest 50 of {RUNS}", median(command, folder), "at most 600 ms")
    show(
        "  --outcome FAULT --since 2026-10-01",
        median([*command, "--outcome", "FAULT", "--since", "2026-10-01"], folder),
        "",
    )
    make_run(folder / "runs", 10_000)
    show("  one run more", seconds(command, folder), "")
    (folder / "runs" / "runs.sqlite").write_bytes(b"damaged" * 1000)
    show("  index damaged: made anew", seconds(command, folder), "")


def an_export(folder: Path) -> None:
    run = make_run(folder / "long", duration_s=2400.0, rate_hz=50.0)
    for form in ("csv", "json", "html", *(["parquet"] if find_spec("pyarrow") else [])):
        command = ["-m", "controller", "runs", "export", str(run), "--format", form, "--to", str(folder / f"x.{form}")]
        show(f"export --format {form}, 40 min at 50 Hz", median(command, folder, 3), "at most 1000 ms")
    command = ["-m", "controller", "runs", "plot", str(run), "--to", str(folder / "x.svg")]
    show("plot, 40 min at 50 Hz", median(command, folder, 3), "")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "runs").mkdir()
        a_list(Path(folder))
        an_export(Path(folder))


if __name__ == "__main__":
    main()
