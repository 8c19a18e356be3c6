"""A file of lines that only grows, and that never ends in half a line by our own doing.

``wire.log`` and ``trace.csv`` are evidence. They are created exclusively, so that no run can write over
another's record, and written with ``os.write`` and no buffer of Python's in between: what this class
says is handed over, the operating system has, and a killed process cannot take it back. A write may be
partial (a full disk gives what it has left, then the error); then the file is cut back to its last whole
line and takes no more. After a failed fsync the same: the kernel may have dropped the pages and report
success the next time, so that trying again would prove nothing.

Rejected: ``open(..., "a")`` with ``flush()``, which loses count of what was written when a flush fails
half-way, and tries the rest again at every later call and once more when the object dies.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from controller.errors import RecordError

# O_BINARY: Windows would otherwise write CR LF, and the hash chain covers bytes. O_CLOEXEC: a child must
# not keep a log open that we say is closed (Python opens that way by itself on Windows).
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class LineFile:
    """Append whole lines; after the first failure the file keeps what is whole and refuses the rest."""

    def __init__(self, path: Path) -> None:
        """Create ``path``, which must not exist. Raises RecordError."""
        self._path = path
        self._size = 0
        self.refusal: str | None = None  # why the file takes no more lines; None while it does
        try:
            self._fd = os.open(path, _FLAGS, 0o666)
        except FileExistsError as exc:
            raise RecordError(f"{path} exists already and is not written over; choose another folder") from exc
        except OSError as exc:
            raise RecordError(f"{path} cannot be created: {exc.strerror}") from exc
        _sync_folder(path.parent)

    def check(self) -> None:
        """Raise RecordError if the file takes no more lines."""
        if self.refusal is not None:
            raise RecordError(self.refusal)

    def append(self, data: bytes) -> None:
        """Hand ``data``, whole lines, to the operating system. Raises RecordError."""
        self.check()
        rest = memoryview(data)
        try:
            while rest:
                taken = os.write(self._fd, rest)
                if taken == 0:  # not promised never to happen, and the loop would not end
                    raise OSError(errno.EIO, "the disk takes nothing")
                rest = rest[taken:]
        except OSError as exc:
            written = len(data) - len(rest)
            self._cut_back(self._size + data.rfind(b"\n", 0, written) + 1)
            raise self._refuse(exc) from exc
        self._size += len(data)

    def sync(self) -> None:
        """Return when everything handed over is on the disk. Raises RecordError."""
        self.check()
        try:
            os.fsync(self._fd)
        except OSError as exc:
            raise self._refuse(exc) from exc

    def close(self) -> None:
        """Close; a second time does nothing. Never raises: errors that matter were raised by ``sync``."""
        if self._fd < 0:
            return
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._fd = -1
        if self.refusal is None:
            self.refusal = f"{self._path} is closed"

    def _refuse(self, exc: OSError) -> RecordError:
        self.refusal = (
            f"{self._path} can no longer be written ({exc.strerror or exc}); what is whole was kept: "
            "free space or mend the disk before the next run"
        )
        return RecordError(self.refusal)

    def _cut_back(self, size: int) -> None:
        # Should even this fail, the readers drop a torn last line.
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, size)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself last: a synced file without a directory entry is lost (fsync(2), Notes)."""
    # Windows cannot open a folder, and some network file systems refuse to sync one.
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
