"""A simulated unit on a pseudo-terminal: for programs that want a serial device. POSIX only.

On Linux the unit notices when a program closes the device, as a unit notices DTR: no program, no slave, and the
master says HUP. The slave is not held open for that reason. Elsewhere it is held (the master would fail), and a
close goes unnoticed. A pseudo-terminal has no modem lines and no baud rate.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from pathlib import Path

from hw_sim.endpoints.server import READ_BYTES, Server

_NOTICES_CLOSE = sys.platform == "linux"


class PtyEndpoint:
    """Owns the master; a channel exists while a program has the slave open."""

    def __init__(self, server: Server, path: str | None) -> None:
        import tty

        self._server = server
        self._tty = tty
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.device = os.ttyname(slave)
        os.set_blocking(self.master, False)
        self._slave = slave
        if _NOTICES_CLOSE:
            os.close(slave)
            self._poll = select.poll()
            self._poll.register(self.master, select.POLLHUP)
        self.path = self._link(path)
        self._channel: _PtyChannel | None = None
        server.watchers.append(self)
        self.look()

    def _link(self, path: str | None) -> str:
        """A name that stays the same from run to run."""
        if path is None:
            return self.device
        link = Path(path)
        if link.is_symlink():
            link.unlink()
        link.symlink_to(self.device)  # FileExistsError: something that is not ours has the name
        return path

    def look(self) -> None:
        if self._channel is not None and self._channel not in self._server.channels:
            self._channel = None
        if self._channel is None and self._server.world.plugged and self._is_open():
            if _NOTICES_CLOSE:
                self._tty.setraw(self.master)  # the kernel resets a slave's modes when it is opened anew
            self._channel = _PtyChannel(self.master)
            self._server.add(self._channel)

    def _is_open(self) -> bool:
        return not _NOTICES_CLOSE or not self._poll.poll(0)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.master)
        if not _NOTICES_CLOSE:
            os.close(self._slave)
        if self.path != self.device:
            with contextlib.suppress(OSError):
                Path(self.path).unlink()


class _PtyChannel:
    def __init__(self, master: int) -> None:
        self.conn = 0
        self._master = master

    def fileno(self) -> int:
        return self._master

    def read(self) -> bytes | None:
        try:
            return os.read(self._master, READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:  # EIO: the program closed the device
            return None

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except OSError:
            return 0

    def close(self) -> None:
        """The master stays: another program may open the device."""
