"""Loads that somebody recorded: a CSV of time and resistance, as ``load=trace:FILE.csv``.

Two columns, ``time_s`` since power-on and ``ohm``; a first line of names is passed over, further columns too. Between
two rows the resistance runs straight; before the first and behind the last it is theirs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

PREFIX: Final = "trace:"
MOST_BYTES: Final = 16_000_000


def rows_of(path: Path | str) -> list[tuple[float, float]]:
    """The rows of a file.

    Raises:
        ValueError: one sentence with the file and the line.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MOST_BYTES + 1)
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "is no text in UTF-8"
        raise ValueError(f"{path}: cannot be read: {why}; check the path") from exc
    if len(text) > MOST_BYTES:
        raise ValueError(f"{path}: has more than {MOST_BYTES // 1_000_000} MB; a row a second is enough for skin")
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split(",")
        try:
            rows.append((float(cells[0]), float(cells[1])))
        except (ValueError, IndexError) as exc:
            if line.strip() and number > 1:
                raise ValueError(f"{path}: line {number} is {line[:40]!r}: expected time_s,ohm") from exc
    if not rows:
        raise ValueError(f"{path}: has no row of time_s,ohm")
    return rows
