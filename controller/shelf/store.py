"""Where the rows are: ``runs.sqlite`` beside the folders, or the lab's database.

SQLite comes with Python and opens in a few milliseconds; SQLAlchemy takes 0.3 s to import, which is half of what a list
may take. So the index beside the folders is spoken to directly, and SQLAlchemy is imported when a lab's database is
named, for what it is good at: URLs, drivers, and their ways to write a parameter. Both get the same SQL.

A lab's server is on a network, and a network goes away in the middle of anything. So nothing waits for it without an
end, what is sent is sent whole or not at all, and sending it again changes nothing: the folders are the truth, the
server has a copy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from controller.errors import RecordError
from controller.shelf.query import CREATE, Parameters

if TYPE_CHECKING:
    from sqlalchemy import URL

# Another `ionto runs` brings the index up to date: 10 000 new runs take it a second or two.
_PATIENCE_S: Final = 5.0

# To connect; and how long a server may be silent on an open connection before it counts as gone. libpq's own are
# minutes and, for the second, two hours.
_SERVER: Final = {
    "connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 5, "keepalives_interval": 2,
    "keepalives_count": 3,
}  # fmt: skip
_DRIVER: Final = "postgresql+psycopg"
# Any number, the same in each version: two stations that make the tables at the same moment fail otherwise, for
# PostgreSQL's IF NOT EXISTS looks first and makes afterwards.
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(1768910959)"

Step = tuple[str, Sequence[Parameters]]


class Store(Protocol):
    """A table of runs. Every error of a database leaves as RecordError, or sqlite3.Error from the local one."""

    def rows(self, text: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """What a question finds."""

    def change(self, steps: Sequence[Step]) -> None:
        """All of them or none."""

    def close(self) -> None:
        """No more after this."""


class LocalStore:
    """SQLite; ``path`` None: in memory."""

    def __init__(self, path: Path | None) -> None:
        self._base = sqlite3.connect(":memory:" if path is None else path, timeout=_PATIENCE_S, isolation_level=None)
        try:
            # A reader does not wait for a writer. On a network drive SQLite keeps its older way by itself.
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = OFF")  # what a power cut damages is made anew
            for statement in CREATE:
                self._base.execute(statement)
        except BaseException:
            self._base.close()
            raise

    def rows(self, text: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        return self._base.execute(text, dict(parameters)).fetchall()

    def change(self, steps: Sequence[Step]) -> None:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            for text, parameters in steps:
                self._base.executemany(text, [dict(each) for each in parameters])
            self._base.execute("COMMIT")
        except BaseException:
            self._base.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._base.close()


class LabStore:
    """Any database that SQLAlchemy reaches and that knows ON CONFLICT: PostgreSQL, SQLite."""

    def __init__(self, url: str) -> None:
        """Raises RecordError: SQLAlchemy or the driver is missing, or the database does not answer."""
        try:
            import sqlalchemy
            from sqlalchemy.exc import SQLAlchemyError
        except ModuleNotFoundError as exc:
            raise RecordError(
                "the lab's store needs SQLAlchemy, which is not installed: python -m pip install 'ionto[lab]'"
            ) from exc
        self._text = sqlalchemy.text
        self._failures: tuple[type[Exception], ...] = (SQLAlchemyError, OSError)
        try:
            address = sqlalchemy.make_url(url)
            if address.drivername in ("postgres", "postgresql"):  # as every other program writes it
                address = address.set(drivername=_DRIVER)
            self._shown = address.render_as_string(hide_password=True)
            self._engine = sqlalchemy.create_engine(address, pool_pre_ping=True, connect_args=_waiting(address))
            self.change([(statement, ()) for statement in _dialect(self._engine.dialect.name)])
        except ModuleNotFoundError as exc:
            raise RecordError(
                f"the lab's store needs the driver {exc.name}, which is not installed: python -m pip install {exc.name}"
            ) from exc
        except (SQLAlchemyError, ValueError) as exc:  # ValueError: a port that is no number
            raise RecordError(f"the lab's store cannot be used: {_first_line(exc)}; correct IONTO_STORE") from exc

    def rows(self, text: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        try:
            with self._engine.connect() as connection:
                return [tuple(row) for row in connection.execute(self._text(text), dict(parameters))]
        except self._failures as exc:
            raise self._unreachable(exc) from exc

    def change(self, steps: Sequence[Step]) -> None:
        try:
            with self._engine.begin() as connection:
                for text, parameters in steps:
                    connection.execute(self._text(text), [dict(each) for each in parameters] or None)
        except self._failures as exc:
            raise self._unreachable(exc) from exc

    def close(self) -> None:
        self._engine.dispose()

    def _unreachable(self, exc: Exception) -> RecordError:
        return RecordError(f"the lab's store {self._shown} does not answer: {_first_line(exc)}; `ionto config show`")


def _waiting(address: URL) -> dict[str, int]:
    """What the URL says itself goes before."""
    if address.drivername != _DRIVER:
        return {}
    return {name: value for name, value in _SERVER.items() if name not in address.query}


def _dialect(name: str) -> Sequence[str]:
    """One schema. PostgreSQL sorts texts by the language of its database; here the order is that of the bytes."""
    if name != "postgresql":
        return CREATE
    return [_ONE_AT_A_TIME, *(statement.replace(" TEXT", ' TEXT COLLATE "C"') for statement in CREATE)]


def _first_line(exc: Exception) -> str:
    cause = getattr(exc, "orig", None) or exc
    return str(cause).strip().partition("\n")[0]
