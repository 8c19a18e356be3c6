"""Folders of runs as the program leaves them, without running anything: hundreds for a test, ten thousand for a figure.

The record goes through ``Recorder``, the trace through ``TraceWriter`` and the log through ``WireLog``, so that a
format that changes there changes here. For a crowd of folders only the record is made anew each time, as a text.
"""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path

from controller.effects import RunResult
from controller.journal.journal import utc_text
from controller.journal.record import Recorder, file_digests
from controller.journal.trace import TraceWriter
from controller.journal.wire_log import WireLog

DAY_S = 86_400
FIRST_S = 1_790_000_000  # 2026-09-21 14:13:20 UTC
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PLOT = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title>run</title></svg>\n'


def run_id(utc_s: float, number: int) -> str:
    """Time in milliseconds, then a number, in base 36, as ``Unit`` makes them."""

    def digits(value: int, width: int) -> str:
        text = ""
        while value:
            value, digit = divmod(value, 36)
            text = DIGITS[digit] + text
        return text.rjust(width, "0")

    return digits(round(utc_s * 1000), 10) + digits(number, 16)


def begin_of(started_s: float, changes: dict) -> dict:
    """What a session says at its beginning; ``changes`` by key, ``unit__serial`` within a table."""
    begin = {
        "treatment": {
            "format": 1, "name": "Dexamethasone, lateral epicondylitis", "load": "bench",
            "phase": [{"pole": "-", "current_ma": 2.0, "dose_ma_min": 40.0}],
        },
        "target_ma_min": 40.0,
        "unit": {
            "serial": "SN0042", "model": "IONTO-4", "firmware": "1.0.0", "boot": 163, "port": "/dev/ttyACM0",
            "simulated": False, "lease_ms": 2000,
        },
        "operator": None, "station": None,
        "host": {"version": "0.1.0", "python": "3.11.7", "platform": "Linux"},
        "scenario": None, "seed": None, "warnings": [], "started_utc": utc_text(started_s),
    }  # fmt: skip
    for key, value in changes.items():
        *way, last = key.split("__")
        place = begin
        for step in way:
            place = place[step]
        place[last] = value
    return copy.deepcopy(begin)


def make_run(
    shelf: Path,
    number: int = 0,
    *,
    outcome: str = "DONE",
    dose_ma_min: float = 40.0,
    peak_ma: float = 2.0,
    duration_s: float = 1215.0,
    z_ohm: int = 5000,
    rate_hz: float = 1.0,
    recorded: bool = True,
    started_s: float | None = None,
    **changes: object,
) -> Path:
    """One whole folder: log, trace, plot, record. ``recorded`` False: cut off before the record."""
    started_s = FIRST_S + number * DAY_S if started_s is None else started_s
    name = run_id(started_s, number)
    begin = begin_of(started_s, changes)
    folder = shelf / name
    folder.mkdir(parents=True)
    log = WireLog.create(
        folder / "wire.log",
        {"run-set": name, "utc": begin["started_utc"], "host": "0.1.0", "port": begin["unit"]["port"],
         "unit": begin["unit"]["serial"], "seed": "-" if begin["seed"] is None else str(begin["seed"])},
        wall=time.monotonic,
    )  # fmt: skip
    log.note(0, round(started_s * 1e6), "begin", begin)
    log.close()
    if not recorded:
        return folder
    _trace(folder / "trace.csv", duration_s, rate_hz, peak_ma, z_ohm)
    (folder / "plot.svg").write_text(PLOT)
    recorder = Recorder(name, begin)
    q_uc = round(dose_ma_min * 60_000)
    fault = int(outcome[6:]) if outcome.startswith("FAULT:") else None
    recorder.end(
        1,
        RunResult(run=run_id(started_s + 1, number), outcome=outcome, q_uc=q_uc, low_uc=q_uc - 600, high_uc=q_uc + 600,
                  peak_ua=round(peak_ma * 1000), duration_s=duration_s, fault=fault),
    )  # fmt: skip
    data = recorder.data(
        ended_utc=utc_text(started_s + duration_s), counters={}, complete=True,
        files=file_digests(folder, ("wire.log", "trace.csv", "plot.svg")),
    )  # fmt: skip
    (folder / "record.json").write_text(json.dumps(data, indent=1) + "\n")
    return folder


def _trace(path: Path, duration_s: float, rate_hz: float, peak_ma: float, z_ohm: int) -> None:
    """Two seconds of contact check, a level hold, impedance falling by an ohm a second."""
    writer = TraceWriter(path)
    i_ua = round(peak_ma * 1000)
    for n in range(round(duration_s * rate_hz)):
        t_s = n / rate_hz
        checking = t_s < 2
        z = z_ohm - int(t_s)
        writer.row(
            t_s, "CHECK" if checking else "HOLD", 0 if checking else i_ua, 0 if checking else i_ua,
            0 if checking else i_ua, 0 if checking else i_ua * z // 1000, 0 if checking else z,
            0 if checking else round(i_ua * (t_s - 2)), 1900, False, not checking, 0, 1,
        )  # fmt: skip
    writer.close()


def make_many(shelf: Path, number: int) -> None:
    """``number`` folders with log and record, an hour apart: 0.2 ms each."""
    model = make_run(shelf / "model", 0)
    text = (model / "record.json").read_text()
    log = (model / "wire.log").read_bytes()
    operators = ('"Anna"', '"Ben"', "null")
    outcomes = ("DONE",) * 17 + ("STOPPED", "FAULT:01", "REFUSED")
    for n in range(number):
        started_s = FIRST_S + n * 3600
        folder = shelf / run_id(started_s, n)
        folder.mkdir()
        changed = (
            text.replace(model.name, folder.name)
            .replace(utc_text(FIRST_S), utc_text(started_s))
            .replace('"SN0042"', f'"SN{n % 50:04}"')
            .replace('"operator": null', f'"operator": {operators[n % 3]}')
            .replace('"DONE"', f'"{outcomes[n % 20]}"')
        )
        (folder / "wire.log").write_bytes(log)
        (folder / "record.json").write_text(changed)
    for file in model.iterdir():
        file.unlink()
    model.rmdir()
    model.parent.rmdir()
