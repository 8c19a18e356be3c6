r"""A capture of a line by any other program: time, direction, line; read as the entries of a wire log.

    12.340  TX  >0000 0001 HELLO vmin=1 vmax=1 nonce=5F2A90C1*...
    12.342  RX  <0000 0001 00 HELLO v=1 sid=4A17 ...

A time is seconds, a clock time (``14:03:07.120``, past midnight too) or an ISO date and time; to the unit is ``>``,
``TX``, ``OUT`` or ``SENT``, from it ``<``, ``RX``, ``IN`` or ``RECV``, a colon behind it or not. Empty lines and those
that begin with ``#`` are nobody's. ``\xNN`` is a byte and ``\\`` a backslash, as in a wire log: a stop byte is a
line of its own.

There is no chain in it and nothing that a host wrote down: what it proves is what whoever wrote it says.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from pathlib import Path
from typing import Final

from controller.errors import RecordError
from controller.journal.wire_log import Entry, escape

DIRECTIONS: Final = {
    ">": ">", "TX": ">", "OUT": ">", "SENT": ">", "<": "<", "RX": "<", "IN": "<", "RECV": "<",
}  # fmt: skip
DAY_US: Final = 86_400_000_000
_line = re.compile(r"(\S+(?: \d\d:\S+)?)[\t ]+([<>]|[A-Za-z]+):?[\t ](.*)").fullmatch
_plain = re.compile(r"(?:[ -\[\]-~]|\\\\|\\x[0-9A-Fa-f]{2})*").fullmatch


def read_capture(path: Path | str) -> tuple[Entry, ...]:
    """Its lines, with times from its first line on.

    Raises:
        RecordError: it cannot be read, or a line of it is none of a capture; the sentence names the line.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as exc:
        raise RecordError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    entries: list[Entry] = []
    first_us = last_us = 0
    for number, line in enumerate(data.decode("latin-1").split("\n"), 1):
        text = line.removesuffix("\r")
        if not text.strip() or text.startswith("#"):
            continue
        match = _line(text)
        at_us = None if match is None else _time_us(match[1])
        mark = None if match is None else DIRECTIONS.get(match[2].upper())
        if match is None or at_us is None or mark is None:
            raise RecordError(
                f"{path}, line {number}: {text:.40}: expected a wire log of ours, or a capture with a time, > or <, "
                f"and the line, such as 12.340 > *IDN?"
            )
        if not entries:
            first_us = last_us = at_us
        if ":" in match[1] and at_us < last_us - DAY_US // 2:
            at_us += (last_us - at_us + DAY_US // 2) // DAY_US * DAY_US
        if at_us < last_us:
            raise RecordError(f"{path}, line {number}: {match[1]} is earlier than the line before; sort it by time")
        last_us = at_us
        said = match[3] if _plain(match[3]) else escape(match[3].encode("latin-1"))
        entries.append(Entry(number, at_us - first_us, at_us - first_us, mark, said))
    return tuple(entries)


def _time_us(text: str) -> int | None:
    try:
        if ":" not in text:
            return round(float(text) * 1e6) if len(text) <= 24 else None
        if len(text) > 16:
            return round(datetime.fromisoformat(text).timestamp() * 1e6)
        at = time.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond
