"""The record of a treatment: what ``record.json`` holds, and how it is built from what was heard.

A ``Recorder`` is fed by the live session and, after a crash, by what its wire log kept: one way to a record, so that
a recovered one cannot differ in kind. Everything in ``record.json`` follows from what it was fed.
"""

from __future__ import annotations

import json
import platform
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from controller.effects import RunResult
from controller.errors import RecordError
from controller.journal.trace import Trace, read_trace
from controller.plot import EventMark, Panel, Series, run_plot
from controller.sample import Sample
from controller.units import ma_from_ua, ma_min_from_uc
from controller.version import __version__
from controller.wire.spec import FAULT_TEXT

FORMAT: Final = 1
DISCLAIMER: Final = (
    "Engineering tool, not a medical device; not for use on people without a cleared device and a clinician."
)
_OK: Final = "DONE"
_ENDED: Final = "STOPPED"
_BATCH: Final = 1000
_KEYS: Final = frozenset({
    "complete", "dose_interval_ma_min", "dose_ma_min", "duration_s", "ended_utc", "fault", "outcome", "peak_ma", "runs",
    "started_utc", "treatment", "unit", "warnings",
})  # fmt: skip


@dataclass(frozen=True)
class Record:
    """A finished treatment. ``data`` is ``record.json``, ``folder`` where it lies (None: nothing on disk)."""

    data: Mapping[str, Any]
    folder: Path | None = None

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a run's folder, or its ``record.json``.

        Raises:
            RecordError: there is none, or it is not a record of a format known here.
        """
        path = Path(path)
        file = path / "record.json" if path.is_dir() else path
        try:
            data = json.loads(file.read_text("utf-8"))
        except FileNotFoundError as exc:
            raise RecordError(f"{file}: no record there; `ionto runs recover` rebuilds one from wire.log") from exc
        except (OSError, ValueError) as exc:
            raise RecordError(f"{file}: not a readable record: {exc}") from exc
        if not isinstance(data, dict) or not isinstance(data.get("format"), int):
            raise RecordError(f"{file}: not a record of this program")
        if data["format"] > FORMAT:
            raise RecordError(f"{file}: record format {data['format']} is newer than this program knows; upgrade ionto")
        missing = _KEYS - data.keys()
        if missing:
            raise RecordError(
                f"{file}: a record without {', '.join(sorted(missing))}; `ionto runs recover` rebuilds it"
            )
        return cls(data, file.parent)

    @property
    def outcome(self) -> str:
        """The first outcome that is not DONE, or DONE."""
        return str(self.data["outcome"])

    @property
    def runs(self) -> Sequence[Mapping[str, Any]]:
        return self.data["runs"]  # type: ignore[no-any-return]

    @property
    def dose_ma_min(self) -> float:
        return float(self.data["dose_ma_min"])

    @property
    def dose_interval_ma_min(self) -> tuple[float, float]:
        low, high = self.data["dose_interval_ma_min"]
        return low, high

    @property
    def trace(self) -> Trace:
        """Every telemetry line, as columns; ``trace.to_pandas()`` where pandas is installed.

        Raises:
            RecordError: nothing was kept on disk.
        """
        if self.folder is None:
            raise RecordError("this run was not kept on disk")
        return read_trace(self.folder / "trace.csv")


class Curves:
    """What the plot shows, in compact columns: 12 000 lines take 500 kB."""

    def __init__(self) -> None:
        self.t_s = array("d")
        self.i_ma = array("f")
        self.set_ma = array("f")
        self.v_v = array("f")
        self.z_kohm = array("f")
        self.dose_ma_min = array("f")
        self._before_uc = 0
        self._phase = 1
        self._last_uc = 0

    def add(self, sample: Sample) -> None:
        """The dose adds up over the phases; impedance below 20 uA has no meaning and is left out (NaN)."""
        t_s, phase, unit = sample
        if phase != self._phase:
            self._before_uc += self._last_uc
            self._phase = phase
        elif unit.q_uc < self._last_uc:
            # Before START the unit still shows the last run's dose.
            self._last_uc = 0
        self._last_uc = unit.q_uc
        self.t_s.append(t_s)
        self.i_ma.append(unit.i_ua * 1e-3)
        self.set_ma.append(unit.set_ua * 1e-3)
        self.v_v.append(unit.v_mv * 1e-3)
        self.z_kohm.append(unit.z_ohm * 1e-3 if unit.i_ua >= 20 else float("nan"))
        self.dose_ma_min.append((self._before_uc + unit.q_uc) / 60_000)


class Recorder:
    """Collects one treatment; ``data`` and ``plot`` are pure functions of what it was fed."""

    def __init__(self, run_set: str, begin: Mapping[str, Any]) -> None:
        self.run_set = run_set
        self.begin = begin
        self._curves = Curves()
        self._samples: list[Sample] = []
        self.marks: list[EventMark] = []
        self.runs: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.t_s = 0.0

    def sample(self, sample: Sample) -> None:
        self.t_s = sample.t_s
        self._samples.append(sample)
        if len(self._samples) >= _BATCH:
            self._draw()

    def _draw(self) -> None:
        for sample in self._samples:
            self._curves.add(sample)
        self._samples.clear()

    def event(self, name: str, fields: Mapping[str, str]) -> None:
        """An event of the unit, as a mark in the plot."""
        if name == "STATE":
            self.marks.append(EventMark(self.t_s, fields.get("st", ""), "state"))
        elif name == "FAULT":
            self.marks.append(EventMark(self.t_s, f"FAULT {fields.get('id', '')} {fields.get('name', '')}", "fault"))
        elif name == "WARN":
            code = fields.get("id", "")
            text = FAULT_TEXT.get(int(code), "") if code.isdigit() else ""
            self.marks.append(EventMark(self.t_s, f"WARN {code}", "warning"))
            self.warnings.append(f"at {self.t_s:.1f} s the unit warned ({code}): {text}")
        elif name == "LINK_WARN":
            self.warnings.append(f"at {self.t_s:.1f} s half of the unit's lease was gone")

    def note(self, kind: str, facts: Mapping[str, Any]) -> None:
        """A line of the host's own."""
        if kind == "operator":
            self.marks.append(EventMark(self.t_s, str(facts.get("what", "")), "operator"))
        elif kind == "limit":
            self.marks.append(EventMark(self.t_s, "host limit", "fault"))
            self.warnings.append(f"at {self.t_s:.1f} s: {facts.get('limit')}: {facts.get('observed')}")
        elif kind == "link_lost":
            self.marks.append(EventMark(self.t_s, "link lost", "warning"))
            self.warnings.append(f"at {self.t_s:.1f} s the port vanished: {facts.get('reason')}")
        elif kind == "callback_error":
            self.warnings.append(f"at {self.t_s:.1f} s the calling program failed: {facts.get('error')}")

    def end(self, phase: int, result: RunResult) -> None:
        self.runs.append(
            {
                "run": result.run,
                "phase": phase,
                "outcome": result.outcome,
                "dose_ma_min": _dose(result.q_uc),
                "dose_interval_ma_min": [_dose(result.low_uc), _dose(result.high_uc)],
                "peak_ma": ma_from_ua(result.peak_ua),
                "duration_s": round(result.duration_s, 3),
                "fault": result.fault,
                "refused": result.refused,
                "cause": result.cause,
                "reason": result.reason,
            }
        )

    def data(
        self, *, ended_utc: str, counters: Mapping[str, int], files: Mapping[str, str], complete: bool
    ) -> dict[str, Any]:
        """``record.json``. ``complete``: closed by the session itself, not recovered."""
        runs = self.runs
        ended_early = len(runs) < len(self.begin["treatment"]["phase"])  # between two phases
        at_best = (_ENDED if ended_early else _OK) if runs else "REFUSED"
        outcome = next((run["outcome"] for run in runs if run["outcome"] != _OK), at_best)
        return {
            "format": FORMAT,
            "run_set": self.run_set,
            "complete": complete,
            "treatment": self.begin["treatment"],
            "runs": runs,
            "outcome": outcome,
            "dose_ma_min": round(sum(run["dose_ma_min"] for run in runs), 6),
            "dose_interval_ma_min": [round(sum(run["dose_interval_ma_min"][end] for run in runs), 6) for end in (0, 1)],
            "peak_ma": max((run["peak_ma"] for run in runs), default=0.0),
            "duration_s": round(sum(run["duration_s"] for run in runs), 3),
            "fault": next((run["fault"] for run in runs if run["fault"] is not None), None),
            "unit": self.begin["unit"],
            "station": self.begin.get("station"),
            "operator": self.begin.get("operator"),
            "host": self.begin["host"],
            "scenario": self.begin.get("scenario"),
            "seed": self.begin.get("seed"),
            "counters": dict(sorted(counters.items())),
            "warnings": [*self.begin.get("warnings", []), *self.warnings],
            "started_utc": self.begin["started_utc"],
            "ended_utc": ended_utc,
            "files": dict(files),
            "note": DISCLAIMER,
        }

    def plot(self) -> str:
        """``plot.svg``: current, voltage, impedance and dose, with the events marked."""
        self._draw()
        c = self._curves
        unit = self.begin["unit"]
        where = "simulated unit" if unit["simulated"] else "unit"
        return run_plot(
            self.begin["treatment"]["name"],
            f"{where} {unit['serial']}, {self.begin['started_utc']}. {DISCLAIMER}",
            (
                Panel(
                    "Current", "mA", (Series("set-point", c.t_s, c.set_ma, "target"), Series("measured", c.t_s, c.i_ma))
                ),
                Panel("Voltage", "V", (Series("voltage", c.t_s, c.v_v),)),
                Panel("Impedance", "kohm", (Series("impedance", c.t_s, c.z_kohm),)),
                Panel("Dose", "mA.min", (Series("dose", c.t_s, c.dose_ma_min),), target=self.begin["target_ma_min"]),
            ),
            self.marks,
        )


def host_facts() -> dict[str, str]:
    """Version and platform of this host, for the record."""
    # platform.platform() would start a process to ask for more than anybody reads.
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return {"version": __version__, "python": platform.python_version(), "platform": system}


def file_digests(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """SHA-256 of the files that are there."""
    digests = {}
    for name in names:
        path = folder / name
        if path.exists():
            digests[name] = sha256(path.read_bytes()).hexdigest()
    return digests


def _dose(q_uc: int) -> float:
    return round(ma_min_from_uc(q_uc), 6)
