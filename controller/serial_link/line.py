"""SerialLink: a pySerial port as a ByteLink.

Three ways to wait, chosen when the port is opened:

* by ``select`` over the port and the control socket, where the port has a descriptor (POSIX devices and
  pseudo-terminals, ``socket://`` everywhere): bytes and requests wake it at once. A plain device is then
  read by ``os.read``, because pySerial's ``read`` would select a second time;
* by ``read(1)`` with a time-out and then ``in_waiting``, where it has none (Windows, ``rfc2217://``,
  ``loop://``, ``sim://`` in real time); requests are looked for between slices;
* by ``read_until_deadline`` of a port that owns its time (``sim://``): simulated time passes in there.

No wait is longer than ``SLICE_S``, so that a call of ``wake()`` from another thread or from a signal handler
is noticed. A port belongs to the thread that reads it; closing it from another one ends in LinkLost.
"""

from __future__ import annotations

import errno
import math
import os
import select
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Final, Protocol

from controller.clock import Clock, SystemClock
from controller.errors import LinkLost, ProtocolViolation
from controller.link import ControlRequest
from controller.serial_link.control import ControlServer
from controller.serial_link.locks import PortLock
from controller.serial_link.output_lock import refuse_to_raise, why_locked
from controller.serial_link.reasons import PORT_ERRORS, why_lost

# A stop request from another thread is heard within this.
SLICE_S: Final = 0.05
# More than telemetry at 100 Hz gathers in a slice; the kernel's own buffer for a tty is 4096.
_CHUNK: Final = 4096
# A port that opens and vanishes again at once (a bridge without its unit) is tried twice a second.
REOPEN_PAUSE_S: Final = 0.5
# How often a port in virtual time looks up from its work: a whole treatment runs in 2 s there.
_LOOK_UP_S: Final = 0.02


class RawPort(Protocol):
    """What is used of a pySerial port."""

    timeout: float | None

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...
    def open(self) -> None: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


class TimedPort(RawPort, Protocol):
    """A port that owns its time: ``sim://`` unless its URL says ``speed=N``."""

    def read_until_deadline(self, deadline_s: float, /) -> bytes: ...
    def wait_until(self, deadline_s: float, /) -> None: ...


class LinkClock:
    """Wall time; ``set_rate`` makes it run faster from then on, without a jump.

    The clock starts before the unit has said its rate, and deadlines set until then stay meaningful.
    """

    def __init__(self) -> None:
        self._wall = SystemClock()
        self._rate = 1.0
        self._wall_then = self._then = self._wall.now()
        self._utc_then = self._wall.utc_s()

    def now(self) -> float:
        return self._then + (self._wall.now() - self._wall_then) * self._rate

    def utc_s(self) -> float:
        if self._rate == 1.0:
            return self._wall.utc_s()
        return self._utc_then + (self.now() - self._then)

    def real_seconds_until(self, deadline: float) -> float:
        return max(0.0, (deadline - self.now()) / self._rate)

    def set_rate(self, rate: float) -> None:
        if not (math.isfinite(rate) and rate > 0.0):
            raise ProtocolViolation(f"{rate:g} unit seconds a second cannot be; the unit's HELLO is wrong")
        utc_s = self.utc_s()
        self._wall_then, self._then = self._wall.now(), self.now()
        self._utc_then, self._rate = utc_s, rate


class SerialLink:
    """One open port. Made by ``open_link``."""

    def __init__(
        self,
        raw: RawPort,
        *,
        port: str,
        device: str,
        simulated: bool = False,
        control: ControlServer | None = None,
        lock: PortLock | None = None,
    ) -> None:
        self.port = port
        self.device = device
        self.simulated = simulated
        self.locked = "" if simulated else why_locked()
        self.clock: Clock = LinkClock()
        self._raw = raw
        self._control = control
        self._lock = lock
        self._woken = False
        self._closed = False
        self._fd = -1
        self._selects = self._is_direct = False
        self._timeout = raw.timeout
        # Setting the time-out of rfc2217:// talks to the far end for 50 ms or more.
        self._may_set_timeout = not device.lower().startswith("rfc2217:")
        self._timed: TimedPort | None = None
        self._looked_up = -math.inf
        self._reopened_s = -math.inf

    @property
    def bench_door(self) -> object | None:
        """The bench behind a simulated port, for who judges a unit; None on any other. The driver never uses it."""
        return getattr(self._raw, "door", None)

    def use_descriptor(self, fd: int, *, direct: bool) -> None:
        """Wait by ``select``; ``direct``: read and write the descriptor itself, for nothing is in between."""
        self._fd, self._selects, self._is_direct = fd, True, direct
        if not direct:
            self._raw.timeout = 0.0  # read() then takes what is there

    def use_port_time(self, timed: TimedPort, clock: Clock) -> None:
        """Let the port's own time be the time of the link."""
        self._timed = timed
        self.clock = clock

    def read(self, deadline: float) -> bytes:
        """See ByteLink. Raises LinkLost."""
        if self._timed is not None:
            return self._read_in_port_time(self._timed, deadline)
        while True:
            wait_s = 0.0 if self._woken else min(SLICE_S, self.clock.real_seconds_until(deadline))
            data = self._wait_by_select(wait_s) if self._selects else self._wait_in_slices(wait_s)
            if data:
                return data
            if self._woken or wait_s <= 0.0:
                self._woken = False
                return b""

    def write(self, data: bytes) -> None:
        """See ByteLink. Raises LinkLost; OutputRefused where the output is locked around this process."""
        refuse_to_raise(self.locked, data)
        try:
            rest = data[self._write_direct(data) :] if self._is_direct else data
            if rest:
                self._raw.write(rest)
        except PORT_ERRORS as exc:
            raise LinkLost(self.port, why_lost(exc, len(data))) from exc

    def set_rate(self, rate: float) -> None:
        """See ByteLink. Raises ProtocolViolation for a rate that cannot be."""
        if isinstance(self.clock, LinkClock):
            self.clock.set_rate(rate)

    def requests(self) -> list[ControlRequest]:
        return [] if self._control is None else self._control.requests()

    def reopen(self, deadline: float) -> bool:
        """See ByteLink. The lock and the ear stay: the port is still ours, and a stop is still heard."""
        if self._closed:
            self._wait_without_port(deadline)  # or who asks again and again would spin
            return False
        self._fd = -1
        close_port(self._raw, self.device)
        again_s = self._reopened_s + REOPEN_PAUSE_S
        if self.clock.now() < again_s:
            self._wait_without_port(min(deadline, again_s))
            return False
        try:
            self._raw.open()
        except PORT_ERRORS:
            self._wait_without_port(deadline)
            return False
        self._reopened_s = self.clock.now()
        if self._selects:
            self._fd = self._raw.fileno()
        return True

    def _wait_without_port(self, deadline: float) -> None:
        if self._timed is not None:
            self._timed.wait_until(deadline)
            return
        wait_s = min(SLICE_S, self.clock.real_seconds_until(deadline))
        if self._control is not None and not self._closed:
            self._control.wait(wait_s)
        else:
            threading.Event().wait(wait_s)

    def wake(self) -> None:
        """End the read in progress, or the next one, within a slice. From any thread or a signal handler."""
        self._woken = True

    def close(self) -> None:
        if self._closed:
            return
        self._closed, self._fd = True, -1
        close_port(self._raw, self.device)
        # In this order: who finds no lock finds the port free, and a lock without an ear counts as dead.
        if self._lock is not None:
            self._lock.release()
        if self._control is not None:
            self._control.close()

    def _read_in_port_time(self, timed: TimedPort, deadline: float) -> bytes:
        now = time.monotonic()
        if self._control is not None and now - self._looked_up > _LOOK_UP_S:
            self._looked_up = now
            self._woken |= self._control.poll()
        if self._woken:
            self._woken = False
            return b""
        try:
            return timed.read_until_deadline(deadline)
        except PORT_ERRORS as exc:
            raise LinkLost(self.port, why_lost(exc)) from exc

    def _wait_by_select(self, wait_s: float) -> bytes:
        control = self._control
        try:
            fds = (self._fd,) if control is None else (self._fd, *control.fds)
            ready = select.select(fds, (), (), wait_s)[0]
            data = self._take() if self._fd in ready else b""
        except PORT_ERRORS as exc:
            raise LinkLost(self.port, why_lost(exc)) from exc
        if control is not None and ready and ready[-1] != self._fd and control.poll():
            # Who got bytes looks for requests next in any case; only an empty-handed wait has to end early.
            self._woken |= not data
        return data

    def _take(self) -> bytes:
        if not self._is_direct:
            return self._raw.read(_CHUNK)
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:  # select was wrong, as it may be
            return b""
        if not data:
            raise OSError(errno.EIO, "the device is ready to read but returns nothing")
        return data

    def _wait_in_slices(self, wait_s: float) -> bytes:
        if self._control is not None and self._control.poll():
            self._woken = True
            return b""
        try:
            if self._may_set_timeout and wait_s != self._timeout:
                self._raw.timeout = self._timeout = wait_s
            first = self._raw.read(1)
            there = self._raw.in_waiting if first else 0
            return first + self._raw.read(there) if there else first
        except PORT_ERRORS as exc:
            raise LinkLost(self.port, why_lost(exc)) from exc

    def _write_direct(self, data: bytes) -> int:
        """How much the kernel took at once: nearly always all, and then there is nothing to wait for."""
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0


def close_port(raw: RawPort, device: str) -> None:
    """Close, whatever state it is in: after an unplug close() may fail in every way read() does.

    ``socket://`` is closed by hand. pySerial sleeps 0.3 s there for the benefit of the server, and when the
    far end has gone first it forgets to close its socket (its shutdown fails, and it ignores that).
    """
    wire_log = getattr(getattr(raw, "formatter", None), "output", None)
    if wire_log is not None and wire_log is not sys.stderr:
        wire_log.close()  # spy://?file=..., which pySerial leaves to the garbage collector
    inner = getattr(raw, "_socket", None) if device.lower().startswith("socket:") else None
    if isinstance(inner, socket.socket):
        _hang_up(inner)
        raw.is_open = False  # type: ignore[attr-defined]
        return
    with suppress(*PORT_ERRORS):
        raw.close()


def _hang_up(inner: socket.socket) -> None:
    """Close so that what was written last, a STOP, arrives.

    A socket closed with unread bytes in it is reset, and a reset may overtake what is still under way.
    """
    with suppress(OSError):  # ends with BlockingIOError when there is nothing more
        inner.shutdown(socket.SHUT_WR)
        for _ in range(64):
            inner.recv(65_536)
    inner.close()
