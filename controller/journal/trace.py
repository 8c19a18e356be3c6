"""``trace.csv``: one row a telemetry line, in the units people use; and the way back into columns.

Comma, LF, header line, no quoting (no cell can hold a comma): every spreadsheet and ``pandas.read_csv``
read it without an option. Decimals are fixed so that nothing of the wire's integers is lost: 3 for
mA, V and s, 6 for mA.min (1 uC = 0.000017 mA.min). ``faults`` begins with ``0x``, because a spreadsheet
takes a bare ``1E2`` for a hundred. ``impedance_ohm`` is the unit's own figure, which is 0 below 20 uA,
where it means nothing (protocol, section 3).

The trace is a convenience: it can be rebuilt from the wire log, so it is not synced line by line, and a
torn last row is dropped when it is read. A row that is damaged further up is an error, not a gap.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from controller.errors import RecordError
from controller.journal.line_file import LineFile
from controller.units import UC_PER_MA_MIN

if TYPE_CHECKING:
    from controller.sample import Sample

COLUMNS: Final = (
    "t_s", "state", "set_ma", "current_ma", "return_ma", "voltage_v", "impedance_ohm", "dose_ma_min",
    "lease_ms", "compliance_limited", "relay", "faults", "phase",
)  # fmt: skip
_ROW: Final = "%.3f,%s,%.3f,%.3f,%.3f,%.3f,%d,%.6f,%d,%d,%d,0x%X,%d\n"
# A minute and a half of rows at 10 Hz: a long run does not grow in memory.
_MAX_HELD: Final = 1000

_Cell = TypeVar("_Cell")


class TraceWriter:
    """Writer. Rows are held until ``flush``, ``close`` or the thousandth; after a RecordError no more."""

    def __init__(self, path: Path | str) -> None:
        """Create ``path``, which must not exist. Raises RecordError."""
        self._file = LineFile(Path(path))
        # Samples are formatted by the batch: between the turns of a run the same work costs twice the time.
        self._held: list[str | Sample] = [",".join(COLUMNS) + "\n"]

    def row(
        self,
        t_s: float,
        state_name: str,
        set_ua: int,
        i_ua: int,
        i2_ua: int,
        v_mv: int,
        z_ohm: int,
        q_uc: int,
        lease_ms: int,
        limited: bool,
        relay: bool,
        faults: int,
        phase: int,
    ) -> None:
        """One telemetry line, in the wire's integers. Raises RecordError."""
        self._held.append(
            _ROW
            % (
                t_s, state_name, set_ua / 1000, i_ua / 1000, i2_ua / 1000, v_mv / 1000, z_ohm,
                q_uc / UC_PER_MA_MIN, lease_ms, limited, relay, faults, phase,
            )
        )  # fmt: skip
        if len(self._held) > _MAX_HELD:
            self.flush()

    def sample(self, sample: Sample) -> None:
        """The same from a sample."""
        self._held.append(sample)
        if len(self._held) > _MAX_HELD:
            self.flush()

    def flush(self) -> None:
        """Hand the rows held to the operating system. Raises RecordError."""
        self._file.append("".join([item if isinstance(item, str) else _text(item) for item in self._held]).encode())
        self._held.clear()

    def close(self) -> None:
        """Write what is held, wait for the disk, close; a second time does nothing. Raises RecordError."""
        try:
            if self._file.refusal is None:
                self.flush()
                self._file.sync()
        finally:
            self._file.close()
            self._held.clear()


def _text(sample: Sample) -> str:
    t_s, phase, (_, _, _, state, set_ua, i_ua, i2_ua, v_mv, z_ohm, q_uc, lease_ms, lim, relay, fl) = sample
    return _ROW % (
        t_s, state.value, set_ua / 1000, i_ua / 1000, i2_ua / 1000, v_mv / 1000, z_ohm,
        q_uc / UC_PER_MA_MIN, lease_ms, lim, relay, fl, phase,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The columns of a trace, one item a row each; names and units are those of the file."""

    t_s: array[float]
    state: list[str]
    set_ma: array[float]
    current_ma: array[float]
    return_ma: array[float]
    voltage_v: array[float]
    impedance_ohm: array[int]
    dose_ma_min: array[float]
    lease_ms: array[int]
    compliance_limited: list[bool]
    relay: list[bool]
    faults: list[int]
    phase: array[int]

    def __len__(self) -> int:
        return len(self.t_s)

    def to_pandas(self) -> Any:  # noqa: ANN401  pandas is no dependency, so its types cannot be named
        """The trace as a ``pandas.DataFrame``, columns as in the file.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ModuleNotFoundError as exc:
            raise ModuleNotFoundError(
                "Trace.to_pandas() needs pandas, which is not installed: python -m pip install pandas",
                name="pandas",
            ) from exc
        return pandas.DataFrame({name: list(getattr(self, name)) for name in COLUMNS})


def read_trace(path: Path | str) -> Trace:
    """Read a trace; columns are found by name, further ones are passed over, a torn last row is dropped.

    Raises:
        RecordError: it cannot be opened, a column is missing, or a row above the last is damaged.
    """
    try:
        text = Path(path).read_text("utf-8", "replace")
    except OSError as exc:
        raise RecordError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    head, *lines = text.split("\n")[:-1] or [""]  # behind the last LF is nothing, or a torn row
    names = head.split(",")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise RecordError(f"{path} is not a trace: its first line does not name {', '.join(missing)}")
    rows = [line.split(",") for line in lines]
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise RecordError(f"{path}: line {number} has {len(row)} cells, not {len(names)}; it is damaged")
    return _Columns(path, names, rows).trace()


class _Columns:
    """Cells to values, a column at a time: several times as fast as row by row."""

    def __init__(self, path: Path | str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._path = path
        self._names = names
        self._rows = rows

    def _cells(self, name: str, convert: Callable[[str], _Cell]) -> list[_Cell]:
        index = self._names.index(name)
        try:
            return [convert(row[index]) for row in self._rows]
        except ValueError as exc:
            raise RecordError(f"{self._path}: column {name} is damaged: {exc}") from exc

    def _reals(self, name: str) -> array[float]:
        return array("d", self._cells(name, float))

    def _integers(self, name: str) -> array[int]:
        try:
            return array("q", self._cells(name, int))
        except OverflowError as exc:
            raise RecordError(f"{self._path}: column {name} is damaged: {exc}") from exc

    def trace(self) -> Trace:
        return Trace(
            t_s=self._reals("t_s"),
            state=self._cells("state", str),
            set_ma=self._reals("set_ma"),
            current_ma=self._reals("current_ma"),
            return_ma=self._reals("return_ma"),
            voltage_v=self._reals("voltage_v"),
            impedance_ohm=self._integers("impedance_ohm"),
            dose_ma_min=self._reals("dose_ma_min"),
            lease_ms=self._integers("lease_ms"),
            compliance_limited=self._cells("compliance_limited", _flag),
            relay=self._cells("relay", _flag),
            faults=self._cells("faults", lambda cell: int(cell, 16)),
            phase=self._integers("phase"),
        )


def _flag(cell: str) -> bool:
    if cell not in ("0", "1"):
        raise ValueError(f"{cell!r} is neither 0 nor 1")
    return cell == "1"
