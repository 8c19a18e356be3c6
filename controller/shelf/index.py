"""The shelf: all runs of a folder, through an index that follows the folder.

Before the first question every run's folder is looked at once (size and time of its record) and what is new, changed
or gone is brought over. Trusting the index alone was rejected: a run that was copied in, recovered or deleted by hand
would be shown as it was, and a person may act on it. The look costs 40 ms for 10 000 runs on a local disk.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from controller.errors import RecordError
from controller.shelf import query as sql
from controller.shelf.entry import RECORD, VERIFICATION_RECORD, WIRE_LOG, Entry, Measured, read_rows, stamp_of
from controller.shelf.query import Parameters, Query
from controller.shelf.store import LabStore, LocalStore, Store

INDEX: Final = "runs.sqlite"
HERE: Final = "."  # the shelf beside the index: a folder of runs can be moved and renamed with it
_MANY: Final = 1000  # runs to read anew: a second or so, worth a word
# Not damage: somebody else writes, or nobody may.
_UNAVAILABLE: Final = ("BUSY", "LOCKED", "READONLY", "CANTOPEN", "IOERR", "FULL", "PERM", "AUTH")
_SHOWN: Final = 3


class Shelf:
    """All runs of ``folder``, up to date when it is made; made by ``open``."""

    def __init__(self, folder: Path, store: Store, root: str, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.root = root
        self._store = store
        self._scope = HERE if root == HERE else None
        self._refresh(say)

    @classmethod
    def open(cls, folder: Path | str, say: Callable[[str], None] = lambda _: None) -> Self:
        """The runs of a folder; ``say`` gets a sentence where this takes a while."""
        folder = Path(folder)
        if not any(True for _ in _stamps(folder)):
            return cls(folder, LocalStore(None), HERE, say)  # leave no index in a folder that holds no runs
        for _ in range(2):
            store = None
            try:
                store = LocalStore(folder / INDEX)
                return cls(folder, store, HERE, say)
            except sqlite3.Error as exc:
                if store is not None:
                    store.close()
                if _is_unavailable(exc) or not _removed(folder):
                    break
        return cls(folder, LocalStore(None), HERE, say)

    @classmethod
    def lab(cls, folder: Path | str, url: str, station: str, say: Callable[[str], None] = lambda _: None) -> Self:
        """The same runs, and those of all other stations, in a lab's database.

        Raises:
            RecordError: it cannot be used; the sentence says why.
        """
        folder = Path(folder)
        return cls(folder, LabStore(url), f"{station}:{folder.resolve()}", say)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._store.close()

    def _refresh(self, say: Callable[[str], None]) -> None:
        known = dict(self._store.rows(sql.STAMPS, {"root": self.root}))
        there = dict(_stamps(self.folder))
        # In one order everywhere: two programs that write the same rows must not wait for each other for ever.
        fresh = sorted((name, stamp) for name, stamp in there.items() if known.get(name) != stamp)
        gone = [{"root": self.root, "id": name} for name in sorted(known.keys() - there.keys())]
        changed = [{"root": self.root, "id": name} for name, _ in fresh if name in known]
        if len(fresh) >= _MANY:
            say(f"reading {len(fresh)} records that are new in {self.folder}")
        read = [read_rows(self.folder / name, self.root, stamp) for name, stamp in fresh]
        steps: list[tuple[str, list[Parameters]]] = [
            (sql.REMOVE_MEASURED, [*changed, *gone]),
            (sql.REMOVE, list(gone)),
            (sql.PUT, [entry._asdict() for entry, _ in read]),
            (sql.PUT_MEASURED, [row._asdict() for _, rows in read for row in rows]),
        ]
        if any(parameters for _, parameters in steps):
            self._store.change([(text, parameters) for text, parameters in steps if parameters])

    def entries(self, query: Query) -> list[Entry]:
        """Newest first; in a lab's database those of all stations."""
        return [Entry(*row) for row in self._store.rows(*sql.select(query, self._scope))]

    def count(self, query: Query) -> int:
        return int(self._store.rows(*sql.count(query, self._scope))[0][0])

    def measured(self, query: Query) -> dict[tuple[str, str], list[Measured]]:
        """The measurements of these verifications, by root and id, in the order of the record."""
        found: dict[tuple[str, str], list[Measured]] = {}
        for row in self._store.rows(*sql.measured(query, self._scope)):
            each = Measured(*row)
            found.setdefault((each.root, each.id), []).append(each)
        return found

    def place_of(self, entry: Entry) -> str:
        """Its folder; on another station's shelf ``station:folder``."""
        return str(self.folder / entry.id) if entry.root == self.root else f"{entry.root}{os.sep}{entry.id}"

    def find(self, name: str) -> Path:
        """The folder of a run: by its id, the beginning of its id or of a phase's, ``last``, or a path.

        Raises:
            RecordError: there is none, or several begin like this.
        """
        if is_run(Path(name)):
            return Path(name)
        found = self._last() if name == "last" else self._named(name)
        if len(found) == 1:
            return self.folder / found[0].id
        if not found:
            raise RecordError(f"{name}: no such run in {self.folder}; `ionto runs list` shows what there is")
        ids = ", ".join(entry.id for entry in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise RecordError(f"{name}: {len(found)} runs begin like this ({ids}); write more of the id")

    def _last(self) -> list[Entry]:
        return [Entry(*row) for row in self._store.rows(*sql.select(Query(limit=1), self.root))]

    def _named(self, name: str) -> list[Entry]:
        if not name:
            return []
        name = name.upper()
        found = [Entry(*row) for row in self._store.rows(*sql.named(name, self.root))]
        return [entry for entry in found if entry.id == name] or found


def is_run(folder: Path) -> bool:
    """Whether the files of a run or a verification are there."""
    return any((folder / file).exists() for file in (WIRE_LOG, RECORD, VERIFICATION_RECORD))


def _stamps(folder: Path) -> Iterator[tuple[str, str]]:
    base = os.fspath(folder)
    for name in _names(base):
        if name.startswith(".") or not name.isprintable():  # bytes that are no text: no folder of this program
            continue
        stamp = stamp_of(f"{base}/{name}")
        if stamp is not None:
            yield name, stamp


def _names(base: str) -> Iterable[str]:
    try:
        return os.listdir(base)
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise RecordError(
            f"{base}: cannot be read ({(exc.strerror or str(exc)).lower()}); name another with --out"
        ) from exc


def _is_unavailable(exc: sqlite3.Error) -> bool:
    name = getattr(exc, "sqlite_errorname", "")
    return any(name.startswith(f"SQLITE_{kind}") for kind in _UNAVAILABLE)


def _removed(folder: Path) -> bool:
    """A damaged index is not mended: it is made anew."""
    try:
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                (folder / (INDEX + suffix)).unlink()
    except OSError:
        return False
    return True
