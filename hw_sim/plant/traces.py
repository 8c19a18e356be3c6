"""Recorded loads: tables of (time, ohm), read between their rows.

A table cannot live in a flat record. It is kept here, once, under the checksum of its numbers, and the record carries
that number, the time and the row: a snapshot stays plain numbers and is whole for every plant of this process. A table
is never changed or forgotten.
"""

from __future__ import annotations

import math
import zlib
from array import array
from collections.abc import Sequence
from typing import Final

from .record import Plant

MOST_OHM: Final = 1e9
_TABLES: Final[dict[int, tuple[tuple[float, float], ...]]] = {}


def kept(rows: Sequence[tuple[float, float]]) -> int:
    """The number under which a table is known; never 0.

    Raises:
        ValueError: the rows are no trace; one sentence that names the row.
    """
    table = tuple((float(time_s), float(ohm)) for time_s, ohm in rows)
    if not table:
        raise ValueError("A trace needs at least one row of time_s and ohm.")
    before_s = -math.inf
    for n, (time_s, ohm) in enumerate(table, 1):
        if not math.isfinite(time_s) or time_s <= before_s:
            raise ValueError(f"Row {n} of the trace is at {time_s:g} s: times are finite and rise from row to row.")
        if not 0.0 <= ohm <= MOST_OHM:
            raise ValueError(f"Row {n} of the trace has {ohm:g} ohm: give 0 to {MOST_OHM:g}.")
        before_s = time_s
    number = zlib.crc32(array("d", [x for row in table for x in row]).tobytes()) or 1
    while _TABLES.setdefault(number, table) != table:  # another table with the same checksum
        number += 1
    return number


def ohm_at(p: Plant) -> float:
    """The resistance now; behind the last row the trace is over, and the load stays as it was left."""
    table = _TABLES[p.trace]
    last = len(table) - 1
    row = p.trace_row
    while row < last and table[row + 1][0] <= p.trace_s:
        row += 1
    p.trace_row = row
    at_s, ohm = table[row]
    if row == last:
        if p.trace_s >= at_s:
            p.trace = 0
        return ohm
    if p.trace_s <= at_s:
        return ohm
    next_s, next_ohm = table[row + 1]
    return ohm + (next_ohm - ohm) * (p.trace_s - at_s) / (next_s - at_s)
