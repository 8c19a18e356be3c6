"""Runs for other programs: CSV, JSON, Parquet.

All hold the same: the columns of ``trace.csv`` under their names, before them the run's id, so that several runs can be
stacked in one table. JSON and Parquet carry the records too; CSV has no place for them.

Rows are not turned into objects on the way: CSV goes through as text, JSON as columns of text, Parquet through
pyarrow's own reader of CSV. A run of 40 min at 50 Hz has 120 000 rows, and a Python loop over their 1.6 million cells
would take seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from controller.errors import RecordError
from controller.journal import Record
from controller.journal.trace import COLUMNS

FORMAT: Final = 1
_HEADER: Final = ",".join(COLUMNS)
_COMMAS: Final = _HEADER.count(",")


def to_csv(records: Sequence[Record]) -> Iterator[str]:
    """The text in pieces, header first. Raises RecordError: a trace is missing or damaged."""
    yield f"run,{_HEADER}\n"
    for record in records:
        name, lines = _name(record), _lines(_trace(record))
        if lines:
            yield f"{name}," + f"\n{name},".join(lines) + "\n"


def to_json(records: Sequence[Record]) -> Iterator[str]:
    """One document in pieces: each run's record, and its trace as columns. Raises RecordError, as ``to_csv``."""
    yield f'{{"format": {FORMAT}, "runs": ['
    for number, record in enumerate(records):
        head = json.dumps({"run": _name(record), "record": record.data})
        yield (", " if number else "") + head.removesuffix("}") + ', "trace": {'
        yield ", ".join(_json_columns(_trace(record))) + "}}"
    yield "]}\n"


def to_parquet(records: Sequence[Record], path: Path) -> None:
    """One file with all runs; the records are in its metadata, under ``ionto``.

    Raises:
        RecordError: pyarrow is missing, a trace is missing or damaged, or the file cannot be written.
    """
    arrow = _pyarrow("pyarrow")
    table = arrow.concat_tables([_table(arrow, record) for record in records])
    about = json.dumps({"format": FORMAT, "records": {_name(record): record.data for record in records}})
    table = table.replace_schema_metadata({b"ionto": about.encode()})
    try:
        _pyarrow("pyarrow.parquet").write_table(table, path)
    except OSError as exc:
        raise RecordError(f"{path}: cannot be written: {exc.strerror or exc}; name another file with --to") from exc


def _name(record: Record) -> str:
    return str(record.data["run_set"]) if record.folder is None else record.folder.name


def _trace(record: Record) -> Path:
    if record.folder is None:
        raise RecordError("this run was not kept on disk")
    path = record.folder / "trace.csv"
    if not path.exists():
        raise RecordError(f"{path}: no trace there; `ionto runs recover {record.folder}` rebuilds it from wire.log")
    return path


def _read(path: Path) -> str:
    """Whole rows only: behind the last LF is nothing, or a torn row."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as exc:
        raise RecordError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    return text[: text.rfind("\n") + 1]


def _lines(path: Path) -> list[str]:
    """Rows of a trace, with the cells of COLUMNS in their order."""
    head, *lines = _read(path).split("\n")[:-1] or [""]
    commas = head.count(",")
    for number, line in enumerate(lines, 2):
        if line.count(",") != commas:
            raise RecordError(f"{path}: line {number} has {line.count(',') + 1} cells, not {commas + 1}; it is damaged")
    if head == _HEADER:
        return lines
    places = _places(path, head.split(","))  # of a later version, which may have further columns
    return [",".join([cells[place] for place in places]) for cells in (line.split(",") for line in lines)]


def _places(path: Path, names: Sequence[str]) -> list[int]:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise RecordError(f"{path} is not a trace: its first line does not name {', '.join(missing)}")
    return [names.index(name) for name in COLUMNS]


def _json_columns(path: Path) -> Iterator[str]:
    """Numbers as they stand in the trace: to read them and to write them again takes three times as long."""
    lines = _lines(path)
    cells = ",".join(lines).split(",") if lines else []
    for place, name in enumerate(COLUMNS):
        column = cells[place :: len(COLUMNS)]
        try:
            write = _WORDS.get(name)
            if write is None:
                text = f"[{','.join(column)}]"
                _check(_NUMBERS.decode(text), len(lines))  # a damaged cell must not become a damaged document
            else:
                words = {cell: write(cell) for cell in set(column)}
                text = f"[{','.join([words[cell] for cell in column])}]"
        except (ValueError, KeyError) as exc:
            raise RecordError(f"{path}: column {name} is damaged: {exc}") from exc
        yield f'"{name}": {text}'


def _check(numbers: list[object], rows: int) -> None:
    if len(numbers) != rows or not set(map(type, numbers)) <= {int, float}:
        raise ValueError("a cell is no number")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


_NUMBERS: Final = json.JSONDecoder(parse_constant=_refuse)
_WORDS: Final[Mapping[str, Callable[[str], str]]] = {
    "state": json.dumps,
    "faults": lambda cell: str(int(cell, 16)),
    "compliance_limited": {"0": "false", "1": "true"}.__getitem__,
    "relay": {"0": "false", "1": "true"}.__getitem__,
}


# -- Parquet -------------------------------------------------------------------------------------------------------


def _pyarrow(name: str) -> Any:  # noqa: ANN401 - it may be missing, so that its types cannot be named
    try:
        return import_module(name)
    except ModuleNotFoundError as exc:
        raise RecordError(
            "the format parquet needs pyarrow, which is not installed: python -m pip install 'ionto[parquet]'"
        ) from exc


def _table(arrow: Any, record: Record) -> Any:  # noqa: ANN401 - pyarrow, a Table
    path, csv = _trace(record), _pyarrow("pyarrow.csv")
    text = _read(path)
    _places(path, text.partition("\n")[0].split(","))
    types = {
        **dict.fromkeys(COLUMNS, arrow.float64()),
        **dict.fromkeys(("state", "faults"), arrow.dictionary(arrow.int32(), arrow.string())),
        **dict.fromkeys(("compliance_limited", "relay"), arrow.bool_()),
        "impedance_ohm": arrow.int64(), "lease_ms": arrow.int32(), "phase": arrow.int16(),
    }  # fmt: skip
    try:
        table = csv.read_csv(
            arrow.BufferReader(text.encode()),
            convert_options=csv.ConvertOptions(column_types=types, include_columns=list(COLUMNS), null_values=[]),
        )
        place = COLUMNS.index("faults")
        table = table.set_column(place, "faults", _masks(arrow, table.column(place)))
    except (arrow.ArrowInvalid, ValueError) as exc:
        raise RecordError(f"{path} is damaged: {str(exc).partition(chr(10))[0]}") from exc
    run = arrow.DictionaryArray.from_arrays(arrow.array([0] * len(table), arrow.int32()), [_name(record)])
    return table.add_column(0, "run", run)


def _masks(arrow: Any, column: Any) -> Any:  # noqa: ANN401 - pyarrow, a ChunkedArray
    """``0x1E`` to 30, once for each text that there is."""
    chunks = [
        arrow.array([int(text, 16) for text in chunk.dictionary.to_pylist()], arrow.int64()).take(chunk.indices)
        for chunk in column.chunks
    ]
    return arrow.chunked_array(chunks, arrow.int64())
