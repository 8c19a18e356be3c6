"""A line of bytes for asyncio: serialx for real ports, and the bundled simulator in virtual time.

A ``ByteLink`` whose ``read`` takes what is there, and ``wait``, which waits. pySerial has no asyncio; serialx has the
platforms, ``socket://`` and ``rfc2217://``, and is imported when such a port is opened (extra ``asyncio``). The claim
on the port and the ear for ``ionto stop`` are the same as of ``open_link``.

``sim://`` is opened by ``open_link``: its time passes in ``wait``, which takes none. With a speed it lives in real
time, and its reads would hold up the loop: serve it then (``ionto-sim serve``).
"""

from __future__ import annotations

import asyncio
import importlib
import math
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from controller.clock import Clock
from controller.errors import LinkLost, PortUnavailable
from controller.link import ByteLink, ControlRequest
from controller.serial_link.line import REOPEN_PAUSE_S, SLICE_S, LinkClock
from controller.serial_link.opening import announce, open_link, withdraw
from controller.serial_link.output_lock import refuse_to_raise, why_locked
from controller.serial_link.ports import canonical, resolve, scheme_of
from controller.serial_link.reasons import why_lost, why_unavailable

BAUD: Final = 115_200


class AsyncLink(ByteLink, Protocol):
    """A line whose ``read`` takes what is there and never waits; ``wait`` does."""

    async def wait(self, deadline: float) -> None:
        """Until there is something to take, or to look at, or ``deadline`` at most."""


class SerialxLink(asyncio.Protocol):
    """A port by serialx: a device, ``socket://`` or ``rfc2217://``. Made by ``open``."""

    simulated = False

    def __init__(self, port: str, purpose: str) -> None:
        self.port = port
        self.clock: Clock = LinkClock()
        self.locked = why_locked()
        self._device = canonical(resolve(port))
        self._control, self._lock = announce(port, self._device, purpose, private=False)
        self._buffer = bytearray()
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._opening: asyncio.Task[None] | None = None
        self._gone: Exception = ConnectionError("nothing there")
        self._closed = False
        self._reopened_s = -math.inf

    async def open(self) -> None:
        """Raises PortUnavailable."""
        import serialx

        try:
            await self._connect()
        except BaseException as exc:
            self.close()
            if isinstance(exc, OSError | ValueError | serialx.SerialException):
                raise PortUnavailable(self.port, why_unavailable(exc, self._device)) from exc
            raise

    async def _connect(self) -> None:
        """DTR and RTS up, for this process alone, low latency: what ``open_link`` sets is what serialx does anyway."""
        import serialx

        make = serialx.create_serial_connection(self._loop, lambda: self, resolve(self.port), BAUD)
        self._transport, _ = await make

    # -- what asyncio calls

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._event.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self._gone = None, exc or self._gone
        self._event.set()

    # -- what a session calls

    async def wait(self, deadline: float) -> None:
        slice_s = min(SLICE_S, self.clock.real_seconds_until(deadline))
        with suppress(TimeoutError):
            async with asyncio.timeout(slice_s):
                await self._event.wait()
        self._event.clear()
        if self._control is not None:
            self._control.poll()

    def read(self, deadline: float) -> bytes:
        data = bytes(self._buffer)
        self._buffer.clear()
        if not data and self._transport is None:
            raise LinkLost(self.port, why_lost(self._gone))
        return data

    def write(self, data: bytes) -> None:
        refuse_to_raise(self.locked, data)
        if self._transport is None:
            raise LinkLost(self.port, why_lost(self._gone, len(data)))
        try:
            self._transport.write(data)
        except Exception as exc:  # serialx raises again whatever broke the port, and has its own family beside OSError
            raise LinkLost(self.port, why_lost(exc, len(data))) from exc

    def set_rate(self, rate: float) -> None:
        if isinstance(self.clock, LinkClock):
            self.clock.set_rate(rate)

    def requests(self) -> list[ControlRequest]:
        return [] if self._control is None else self._control.requests()

    def wake(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    def reopen(self, deadline: float) -> bool:
        """Begin to open it again, or see whether that has come to an end."""
        if self._closed:
            return False
        if self._opening is None:
            if self.clock.now() < self._reopened_s + REOPEN_PAUSE_S:
                return False
            self._opening = self._loop.create_task(self._connect())
        if not self._opening.done():
            return False
        done, self._opening, self._reopened_s = self._opening, None, self.clock.now()
        return done.exception() is None

    def close(self) -> None:
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
        if self._transport is not None:
            self._transport.close()
        withdraw(self._control, self._lock)


class SimulatedLink:
    """``sim://`` in virtual time: waiting is what makes it pass, and takes none."""

    def __init__(self, port: str, purpose: str) -> None:
        self._link = open_link(port, purpose=purpose)
        self._held = b""
        self._lost: LinkLost | None = None
        if isinstance(self._link.clock, LinkClock):
            self._link.close()
            raise PortUnavailable(port, "in asyncio sim:// has virtual time alone: leave its speed out, or serve it")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of ByteLink: what does not wait
        return getattr(self._link, name)

    async def wait(self, deadline: float) -> None:
        try:
            self._held += self._link.read(deadline)
        except LinkLost as exc:
            self._lost = exc
        await asyncio.sleep(0)

    def read(self, deadline: float) -> bytes:
        data, self._held = self._held, b""
        if not data and self._lost is not None:
            raise self._lost
        return data

    def reopen(self, deadline: float) -> bool:
        self._lost = None
        return self._link.reopen(deadline)


async def open_async(port: str, *, purpose: str) -> AsyncLink:
    """Open ``port`` for this process alone. Raises PortUnavailable."""
    if scheme_of(port) == "sim":
        return cast(AsyncLink, SimulatedLink(port, purpose))
    try:
        importlib.import_module("serialx")
    except ModuleNotFoundError as exc:
        raise PortUnavailable(port, "asyncio needs serialx: pip install 'ionto[asyncio]'") from exc
    link = SerialxLink(port, purpose)
    await link.open()
    return link
