"""Questions to the index, as SQL that SQLite and PostgreSQL both understand.

One text for both, with ``:name`` parameters and the common part of the two dialects: ``ON CONFLICT ... DO UPDATE``,
``LIMIT``, ``LIKE`` with an escape, DOUBLE PRECISION. The table's name bears the version of the schema: programs of two
versions on one database each keep their own rows, and nothing has to be migrated that can be read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from controller.shelf.entry import SCHEMA, Entry, Measured

TABLE: Final = f"ionto_runs_{SCHEMA}"
MEASURED_TABLE: Final = f"ionto_measured_{SCHEMA}"
_KINDS: Final = {"str": "TEXT", "int": "BIGINT", "float": "DOUBLE PRECISION"}
_ESCAPE: Final = "!"

Parameters = Mapping[str, Any]


def _column(row: type[Entry] | type[Measured], name: str) -> str:
    # Annotations are texts here, as they are written in the class.
    annotation = row.__annotations__[name]
    kind, _, absent = str(getattr(annotation, "__forward_arg__", annotation)).partition(" | ")
    return f"{name} {_KINDS[kind]}" + ("" if absent else " NOT NULL")


def _create(table: str, row: type[Entry] | type[Measured], key: str) -> str:
    columns = ", ".join(_column(row, name) for name in row._fields)
    return f"CREATE TABLE IF NOT EXISTS {table} ({columns}, PRIMARY KEY ({key}))"


def _put(table: str, row: type[Entry] | type[Measured], key: str) -> str:
    values = ", ".join(f":{name}" for name in row._fields)
    updates = ", ".join(f"{name} = excluded.{name}" for name in row._fields if name not in key.split(", "))
    names = ", ".join(row._fields)
    return f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {updates}"


CREATE: Final = (
    _create(TABLE, Entry, "root, id"),
    f"CREATE INDEX IF NOT EXISTS {TABLE}_recorded ON {TABLE} (root, recorded_utc)",
    _create(MEASURED_TABLE, Measured, "root, id, place"),
)
PUT: Final = _put(TABLE, Entry, "root, id")
PUT_MEASURED: Final = _put(MEASURED_TABLE, Measured, "root, id, place")
REMOVE: Final = f"DELETE FROM {TABLE} WHERE root = :root AND id = :id"
REMOVE_MEASURED: Final = f"DELETE FROM {MEASURED_TABLE} WHERE root = :root AND id = :id"
STAMPS: Final = f"SELECT id, stamp FROM {TABLE} WHERE root = :root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which runs; what is None is not asked. ``outcome`` FAULT means any fault, ``treatment`` a part of the name."""

    kind: str | None = None
    recipe: str | None = None
    family: str | None = None
    outcome: tuple[str, ...] = ()
    unit: str | None = None
    operator: str | None = None
    treatment: str | None = None
    since: str | None = None  # ISO 8601, UTC; this and later
    until: str | None = None  # before this
    limit: int | None = None

    @property
    def is_everything(self) -> bool:
        """No run is left out, but for the limit."""
        return self == Query(limit=self.limit)

    def of_kind(self, kind: str) -> Query:
        return replace(self, kind=kind, limit=None)


def moment(text: str, now: datetime, *, whole_day: bool = False) -> str:
    """A day, a time or an age (``30d``, ``12h``) as the index writes times; ``whole_day``: a day means its end.

    Raises:
        ValueError: it is none of these; the sentence says what is.
    """
    try:
        if text[-1:] in ("d", "h") and text[:-1].isdecimal():
            at = now - timedelta(**{"days" if text[-1] == "d" else "hours": int(text[:-1])})
        else:
            at = datetime.fromisoformat(text)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
            if whole_day and len(text) <= len("2026-10-01"):
                at += timedelta(days=1)
    except (ValueError, OverflowError) as exc:
        raise ValueError(
            f"{text} is no time; write a day as 2026-10-01, a time (UTC) as 2026-10-01T14:30, or an age as 30d or 12h"
        ) from exc
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def select(query: Query, root: str | None) -> tuple[str, Parameters]:
    """Newest first; ``root`` None: on all shelves."""
    where, parameters = _where(query, root)
    text = f"SELECT {', '.join(Entry._fields)} FROM {TABLE}{where} ORDER BY recorded_utc DESC, id DESC"
    if query.limit is not None:
        return f"{text} LIMIT :most", {**parameters, "most": query.limit}
    return text, parameters


def count(query: Query, root: str | None) -> tuple[str, Parameters]:
    """How many there are, whatever the limit."""
    where, parameters = _where(query, root)
    return f"SELECT COUNT(*) FROM {TABLE}{where}", parameters


def measured(query: Query, root: str | None) -> tuple[str, Parameters]:
    """The measurements of these verifications."""
    where, parameters = _where(query, root)
    found = f"SELECT root, id FROM {TABLE}{where}"
    names = ", ".join(f"m.{name}" for name in Measured._fields)
    text = f"SELECT {names} FROM {MEASURED_TABLE} m JOIN ({found}) r ON m.root = r.root AND m.id = r.id"
    return f"{text} ORDER BY m.root, m.id, m.place", parameters


def named(beginning: str, root: str) -> tuple[str, Parameters]:
    """Runs whose id, or the id of one of their phases, begins like this."""
    text = (
        f"SELECT {', '.join(Entry._fields)} FROM {TABLE} WHERE root = :root "
        f"AND (id LIKE :start ESCAPE '{_ESCAPE}' OR run_ids LIKE :within ESCAPE '{_ESCAPE}') ORDER BY id"
    )
    plain = _literal(beginning)
    return text, {"root": root, "start": f"{plain}%", "within": f"% {plain}%"}


def _where(query: Query, root: str | None) -> tuple[str, Parameters]:
    tests: list[str] = []
    values: dict[str, Any] = {}

    def test(condition: str, **given: object) -> None:
        tests.append(condition)
        values.update(given)

    if root is not None:
        test("root = :root", root=root)
    for name in ("kind", "recipe", "family"):
        if getattr(query, name) is not None:
            test(f"{name} = :{name}", **{name: getattr(query, name)})
    if query.outcome:
        names = [f"outcome LIKE :outcome{n} ESCAPE '{_ESCAPE}'" for n in range(len(query.outcome))]
        patterns = {f"outcome{n}": _outcome(word) for n, word in enumerate(query.outcome)}
        test(f"({' OR '.join(names)})", **patterns)
    if query.unit is not None:
        test("LOWER(unit) = :unit", unit=query.unit.lower())
    if query.operator is not None:
        test("operator_key = :operator", operator=query.operator.casefold())
    if query.treatment is not None:
        test(f"name_key LIKE :name ESCAPE '{_ESCAPE}'", name=f"%{_literal(query.treatment.casefold())}%")
    if query.since is not None:
        test("recorded_utc >= :since", since=query.since)
    if query.until is not None:
        test("recorded_utc < :until", until=query.until)
    return (f" WHERE {' AND '.join(tests)}" if tests else ""), values


def _outcome(word: str) -> str:
    return "FAULT:%" if word == "FAULT" else _literal(word)


def _literal(text: str) -> str:
    """For LIKE: each character stands for itself."""
    for char in (_ESCAPE, "%", "_"):
        text = text.replace(char, _ESCAPE + char)
    return text
