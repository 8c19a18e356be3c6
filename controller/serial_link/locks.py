"""Who holds which port: one small file for each holder, in a directory only this user can read.

The file names the process, what it is doing and where it can be asked to stop. It stands beside
``exclusive=True``, which guards the device itself but not a TCP port, and names nobody.

Why not one file for each port: removing the file of a dead holder is a race. Two newcomers both find it
dead; the slower one then removes the fresh file of the faster one, and both believe. Here every holder
publishes a file under a name of its own, never used again, so that removing a dead one can hit nobody
else. To hold a port is: publish, then look. Of any two claims one was published second, its owner
looks after that and sees the first; so two can never both see nobody. The younger steps back at
once. The older waits a moment for it, and steps back as well if it stays: then that one had looked before
we published. ``flock`` was left out: it names nobody, and Windows has another one.

A holder is dead when its process is, or when nobody listens at its control port: a process number is
soon in use again, a zombie still has one, and neither listens.
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Final

from controller.errors import PortUnavailable
from controller.serial_link.processes import is_running

# A younger rival sees us in its next look, some 0.2 ms after it published; a loaded machine takes longer.
_RIVAL_LEAVES_WITHIN_S: Final = 0.25
_LOOK_AGAIN_S: Final = 0.002
# Loopback refuses or accepts in microseconds; only a full backlog (a hung session) makes it wait.
_PROBE_S: Final = 0.2
_SUFFIX: Final = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A running program that holds a port."""

    pid: int
    port: str  # as it was asked for: sn:SN0042
    device: str  # what that is: /dev/ttyACM0
    purpose: str
    host: str
    started_utc: str  # ISO 8601

    def __str__(self) -> str:
        return f"{self.purpose} (process {self.pid}, since {self.started_utc})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A lock file: the holder, and how to talk to it."""

    path: Path
    holder: Holder
    control_port: int
    token: str = field(repr=False)  # whoever has it can stop the session


def runtime_dir() -> Path:
    """The directory of this user's lock files, made if need be. Raises OSError with the remedy."""
    chosen = os.environ.get("IONTO_RUNTIME_DIR")
    path = Path(chosen) if chosen else _usual_dir()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform != "win32":
        found = path.lstat()
        # Somebody who may write here could lend us his own stop button, or his name for ours.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise PermissionError(f"{path} can be written by others: set IONTO_RUNTIME_DIR to a directory of yours")
    return path


def _usual_dir() -> Path:
    import tempfile  # 4 ms, and only needed for this

    if sys.platform == "win32":
        return Path(tempfile.gettempdir(), "ionto")  # %TEMP% belongs to the user
    # A cron job or `su` has no XDG_RUNTIME_DIR but must meet the session of the desktop all the same.
    for base in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.getuid()}"):
        if base and os.access(base, os.W_OK | os.X_OK):
            return Path(base, "ionto")
    return Path(tempfile.gettempdir(), f"ionto-{os.getuid()}")


def holders() -> list[Holder]:
    """The programs of this user that hold a port now, oldest first; simulated ports included."""
    return [entry.holder for entry in entries()]


def holder_of(device: str) -> Holder | None:
    """Who holds the port with this canonical name."""
    return next((entry.holder for entry in entries() if entry.holder.device == device), None)


def entries() -> list[Entry]:
    """The lock files of living holders, oldest first; those of dead ones are removed on the way."""
    try:
        return _living(runtime_dir().glob(f"*{_SUFFIX}"))
    except OSError:  # no directory, hence no holders
        return []


def _living(paths: Iterator[Path]) -> list[Entry]:
    found = [entry for path in paths if (entry := _load(path)) is not None]
    alive = [entry for entry in found if _is_alive(entry)]
    for entry in found:
        if entry not in alive and entry.holder.host == socket.gethostname():
            _remove(entry.path)
    return sorted(alive, key=lambda entry: _age_order(entry.path))


def _load(path: Path) -> Entry | None:
    """None when it has just been removed, or is not one of ours (a file appears whole or not at all)."""
    try:
        said = json.loads(path.read_bytes())
        # By name, so that a newer version may write more.
        holder = Holder(**{known.name: said[known.name] for known in fields(Holder)})
        if not isinstance(holder.pid, int) or not isinstance(said["control_port"], int):
            return None
        return Entry(path=path, holder=holder, control_port=said["control_port"], token=said["token"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _is_alive(entry: Entry) -> bool:
    if not is_running(entry.holder.pid):
        return False
    try:
        socket.create_connection(("127.0.0.1", entry.control_port), timeout=_PROBE_S).close()
    except (ConnectionRefusedError, OverflowError):
        return False
    except OSError:
        return True  # a full backlog: it lives, but does not listen just now
    return True


class PortLock:
    """This process's claim on a port, in force while the file is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = os.getpid()

    def release(self) -> None:
        if os.getpid() == self._owner:  # a forked child has no claim to give up
            _remove(self._path)


def claim(
    *,
    port: str,
    device: str,
    purpose: str,
    control_port: int,
    token: str,
    wait: Callable[[float], object] | None,
) -> PortLock:
    """Hold ``device``, or raise PortUnavailable with the name of who does. OSError: no place for the file.

    ``wait`` lets a moment pass while two openers sort themselves out. None publishes the
    holder without excluding anybody: the worlds of ``sim://`` are private, but want to hear a stop.
    """
    holder = Holder(
        pid=os.getpid(),
        port=port,
        device=device,
        purpose=purpose,
        host=socket.gethostname(),
        started_utc=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    path = _publish(holder, {"control_port": control_port, "token": token})
    lock = PortLock(path)
    if wait is not None:
        try:
            _settle(path, holder, wait)
        except BaseException:
            lock.release()
            raise
    return lock


def _publish(holder: Holder, ear: dict[str, object]) -> Path:
    """Write the file; it appears under its own name whole, for nobody may read half of it."""
    unique = f"{time.time_ns():020d}-{holder.pid}-{os.urandom(4).hex()}"
    path = runtime_dir() / f"{_key(holder.device)}.{unique}{_SUFFIX}"
    draft = path.with_suffix(".draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(holder) | ear, file)
        draft.rename(path)
    except OSError:
        _remove(draft)
        raise
    return path


def _settle(path: Path, holder: Holder, wait: Callable[[float], object]) -> None:
    """Return when nobody else claims the port; raise PortUnavailable when this claim has to go."""
    give_up = time.monotonic() + _RIVAL_LEAVES_WITHIN_S
    while rivals := _rivals(path, holder.device):
        oldest = rivals[0]
        if _age_order(oldest.path) < _age_order(path) or time.monotonic() > give_up:
            raise PortUnavailable(holder.port, held_by(oldest.holder))
        wait(_LOOK_AGAIN_S)


def _rivals(path: Path, device: str) -> list[Entry]:
    same_key = path.parent.glob(f"{_key(device)}.*{_SUFFIX}")
    others = _living(other for other in same_key if other != path)
    return [entry for entry in others if entry.holder.device == device]


def held_by(holder: Holder) -> str:
    """One sentence with the remedy."""
    if holder.pid == os.getpid():
        return f"this program has it open already, as {holder.port}: close that one first"
    return f"held by {holder}: wait for it, or end it with `ionto stop --port {holder.port}`"


def _key(device: str) -> str:
    """The first part of the file name of a canonical port: readable, and seldom shared with another."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", device)[-24:].strip("-")
    return f"{readable}-{zlib.crc32(device.encode()):08x}"


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _age_order(path: Path) -> str:
    return path.name.partition(".")[2]
