"""Values out of a record as every database takes them; what cannot be taken raises, and is told with its folder."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from pathlib import Path


def real(value: object) -> float:
    """JSON as Python reads it has NaN; a database has not."""
    number = float(value)  # type: ignore[arg-type]  # what is no number raises, and is told
    if not isfinite(number):
        raise ValueError(f"{value} is no quantity")
    return number


def whole_number(value: object, most: int = 1 << 31) -> int:
    number = int(value)  # type: ignore[call-overload]  # as above
    if not 0 <= number < most:
        raise ValueError(f"{value} is no code")
    return int(number)


def plain(value: object) -> str:
    """Text that every database takes: no lone surrogates, no NUL."""
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def text(value: object) -> str | None:
    """A station may be a text, or a table of its own."""
    return None if value is None else plain(value)


def written_utc(folder: Path) -> str:
    for name in ("wire.log", "record.json", "verification.json"):
        try:
            written = datetime.fromtimestamp((folder / name).stat().st_mtime, UTC)
        except OSError:
            continue
        return written.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ""
