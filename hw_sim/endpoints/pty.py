"""A simulated unit on a pseudo-terminal: for programs that want a serial device. POSIX only.

The device has a name of the user's choice, a link that stays the same from run to run and over an
unplugging, as those under ``/dev/serial/by-id`` do. While the unit is unplugged there is no device, and a
program that had it open gets the errors of a vanished one.

On Linux the unit notices when a program closes the device, as a unit notices DTR: no program, no slave, and
the master says HUP. The slave is not held open for that reason. Elsewhere it is held (the master would
fail), and a close goes unnoticed; and a program that opens the device before the close of the last was seen
counts as the same. A pseudo-terminal has no modem lines and no baud rate.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from pathlib import Path

from hw_sim.endpoints.server import READ_BYTES, Station

_NOTICES_CLOSE = sys.platform == "linux"


class PtyEndpoint:
    """The link and, while the unit is plugged in, the master; a channel is a program that has it open."""

    is_polled = True

    def __init__(self, station: Station, path: str) -> None:
        self._station = station
        self._link = Path(path)
        self._terminal: _Terminal | None = None
        self._channel: _PtyChannel | None = None
        self._plug_in()
        station.endpoints.append(self)

    def look(self) -> None:
        if self._channel is not None and self._channel not in self._station.channels:
            self._channel = None
        if self._terminal is None:
            if self._station.world.plugged:
                with contextlib.suppress(OSError):  # the name was taken meanwhile: the device waits until it is free
                    self._plug_in()
        elif not self._station.world.plugged:
            self._pull_out()
        elif self._channel is None and self._terminal.is_open():
            self._channel = _PtyChannel(self._terminal.master)
            self._station.add(self._channel)

    def close(self) -> None:
        self._pull_out()

    def _plug_in(self) -> None:
        _make_room(self._link)
        terminal = _Terminal()
        try:
            self._link.symlink_to(terminal.device)
        except OSError:
            terminal.close()
            raise
        self._terminal = terminal

    def _pull_out(self) -> None:
        if self._channel is not None:
            self._station.drop(self._channel)
            self._channel = None
        if self._terminal is not None:
            with contextlib.suppress(OSError):  # somebody else's by now, or nobody's
                if os.readlink(self._link) == self._terminal.device:
                    self._link.unlink()
            self._terminal.close()
            self._terminal = None


def _make_room(link: Path) -> None:
    """A link that leads nowhere is what a killed server left; anything else with that name is somebody's."""
    if link.is_symlink() and not link.exists():
        link.unlink()
    elif link.is_symlink():
        raise FileExistsError(
            f"{link} leads to {os.readlink(link)}, which is alive: is another ionto-sim serving there? "
            "choose another --pty, or remove the link"
        )
    elif link.exists():
        raise FileExistsError(f"{link}: there is a file of that name; choose another --pty")


class _Terminal:
    """A pseudo-terminal in raw mode."""

    def __init__(self) -> None:
        import tty

        self._tty = tty
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        os.set_blocking(self.master, False)
        if _NOTICES_CLOSE:
            os.close(self._slave)
            self._poll = select.poll()
            self._poll.register(self.master, select.POLLHUP | select.POLLIN)

    def is_open(self) -> bool:
        """Whether a program has the device open, or had it and left a word (``echo STOP > device``)."""
        if not _NOTICES_CLOSE:
            return True
        state = self._poll.poll(0)
        if state and state[0][1] == select.POLLHUP:
            return False
        self._tty.setraw(self.master)  # the kernel resets a slave's modes when the last program closes it
        return True

    def close(self) -> None:
        os.close(self.master)
        if not _NOTICES_CLOSE:
            os.close(self._slave)


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
