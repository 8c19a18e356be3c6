"""Which runs may go, and how they go.

Disk space is cheap and evidence is not, so the question is put the other way round: a run is kept for any of the
reasons below, and what no reason holds may go. The reasons are read from the folder itself at that moment, never from
the index.

Evidence is
* a run that did not end as anybody asked: a fault, a reset, a limit, a link that was lost, an end that nobody heard;
* a run without a readable record, which nobody can have looked at;
* a verification: what proves next year that a unit was within its limits, or was not;
* a treatment of a person on a unit that is not simulated;
* a run that another document names: any text in the folder of runs, or in a folder of reports, that has its id;
* a run with a file in its folder that this program did not write: somebody put it there (an empty file does).
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from controller.errors import RecordError
from controller.journal import Record
from controller.shelf.entry import RECORD, VERIFICATION_RECORD, WIRE_LOG
from controller.shelf.index import is_run

_ORDERLY: Final = frozenset({"DONE", "STOPPED", "REFUSED"})
_OURS: Final = frozenset(
    {WIRE_LOG, RECORD, "trace.csv", "plot.svg", "trace.csv.part", "plot.svg.part", "record.json.part"}
)
_TEXTS: Final = frozenset({".json", ".xml", ".html", ".md", ".txt", ".csv", ".toml"})
_ID: Final = re.compile(r"[0-9A-Z]{26}")
_WORD: Final = re.compile(r"[\w-]+")  # a folder may have been renamed
_LARGEST: Final = 50_000_000  # bytes of one report
# A session hands its lines over at least once a second; a paused one hears telemetry every half second.
_OPEN_S: Final = 60.0
_GOING: Final = ".going-"


class Candidate(NamedTuple):
    """A run that was asked about. ``reason``: why it stays; None: it may go. ``is_open``: nothing makes it go now."""

    folder: Path
    reason: str | None
    is_open: bool = False


def candidates(folders: Collection[Path], references: Collection[str]) -> list[Candidate]:
    """What speaks for keeping each of these runs."""
    return [
        Candidate(folder, "it is being written", is_open=True)
        if _is_open(folder)
        else Candidate(folder, _reason(folder, references))
        for folder in folders
    ]


def named_in(folders: Collection[Path]) -> set[str]:
    """Ids of runs and phases that stand in any text of these folders, run folders left out.

    Raises:
        RecordError: a text cannot be read, so that nobody knows what it names.
    """
    names: set[str] = set()
    for folder in folders:
        for path in _texts(folder):
            text = _text(path)
            names.update(_ID.findall(text), _WORD.findall(text))
    return names


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        text = path.read_text("utf-8", "replace") if size <= _LARGEST else None
    except OSError as exc:
        raise RecordError(f"{path}: cannot be read ({exc.strerror or exc}), so what it names is not known") from exc
    if text is None:
        raise RecordError(f"{path}: too large to look for runs in it; move it to another folder")
    return text


def remove(folder: Path) -> None:
    """Delete a run's folder. It is renamed first: half a run would look like one that was cut off.

    Raises:
        RecordError: it cannot be deleted.
    """
    going = folder.with_name(_GOING + folder.name)
    try:
        if folder.is_symlink():
            folder.unlink()
            return
        folder.rename(going)
        shutil.rmtree(going)
    except OSError as exc:
        raise RecordError(f"{folder}: cannot be deleted ({exc.strerror or exc})") from exc


def sweep(shelf: Path) -> None:
    """Finish what an interrupted ``remove`` left behind."""
    for left in shelf.glob(_GOING + "*"):
        with suppress(OSError):
            shutil.rmtree(left)


def _reason(folder: Path, references: Collection[str]) -> str | None:
    if (folder / VERIFICATION_RECORD).exists():
        return "it is a verification"
    foreign = sorted(set(_names(folder)) - _OURS)
    if foreign:
        return f"its folder holds {foreign[0]}, which ionto did not write"
    try:
        data = Record.load(folder).data
        ids = {folder.name, str(data["run_set"]), *(str(run["run"]) for run in data["runs"])}
        treated = data["treatment"]["load"] == "person" and not data["unit"]["simulated"]
        outcome = str(data["outcome"])
        causes = {str(run.get("cause") or "operator") for run in data["runs"] if run["outcome"] == "STOPPED"}
    except (RecordError, KeyError, TypeError, AttributeError):
        return "it has no readable record"
    if outcome not in _ORDERLY:
        return f"it ended as {outcome}"
    if causes - {"operator"}:
        return f"it was stopped by {min(causes - {'operator'})}"
    if treated:
        return "it is the treatment of a person"
    return "a report names it" if ids & set(references) else None


def _is_open(folder: Path) -> bool:
    """A session writes it, or did a minute ago: then nothing is certain yet."""
    if (folder / RECORD).exists() or (folder / VERIFICATION_RECORD).exists():
        return False
    try:
        return abs(time.time() - (folder / WIRE_LOG).stat().st_mtime) < _OPEN_S
    except OSError:
        return False


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as exc:
        raise RecordError(f"{folder}: cannot be read ({exc.strerror or exc})") from exc


def _texts(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():  # a name that is misspelt must not free what its reports hold
        raise RecordError(f"{folder}: no such folder; correct its name, or leave it out")
    for where, below, files in os.walk(folder, onerror=_refuse):
        here = Path(where)
        below[:] = [name for name in below if not is_run(here / name) and not name.startswith(_GOING)]
        yield from (here / name for name in files if Path(name).suffix.lower() in _TEXTS)


def _refuse(exc: OSError) -> None:
    raise RecordError(f"{exc.filename}: cannot be read ({exc.strerror or exc}), so what it names is not known") from exc
