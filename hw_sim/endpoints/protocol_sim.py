"""``sim://``: a simulated unit as a pySerial port, in this process.

pySerial finds this module by its name (``protocol_<scheme>``). A port makes a world of its own and keeps it while the
port object lives, so that a port that was unplugged and reopened meets the same unit; ``sim://@name`` opens a world
that was registered with ``register_world``.

Two kinds of time. A program that knows nothing of simulation gets real time: polling ``in_waiting`` lets time
pass. A driver that calls ``use_virtual_time()`` gets a clock that moves only inside ``read_until_deadline``: no thread,
no sleep, the same bytes every time. When the port vanishes it raises what a real port raises, as measured on a
Linux pseudo-terminal with pySerial 3.5: SerialException from read and write, OSError 5 from ``in_waiting``,
``termios.error`` from the buffer resets, and ``is_open`` stays true.
"""

from __future__ import annotations

import contextlib
import time
from math import ceil
from typing import Any

import serial
from serial import PortNotOpenError, SerialBase, SerialException

from hw_sim import scenario
from hw_sim.door import Door
from hw_sim.world import World

# Civil time in virtual time starts here, one day a seed: the date of the protocol's golden lines.
EPOCH_S = 1_795_464_000
_registered: dict[str, World] = {}


def register_world(name: str, world: World) -> None:
    """Let ``sim://@name`` open ``world``; ``unregister_world`` takes it back."""
    _registered[name] = world


def unregister_world(name: str) -> None:
    _registered.pop(name, None)


class VirtualClock:
    """The world's own time. Nothing waits: reading the port is what makes it pass."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.seed = world.seed

    def now(self) -> float:
        return self._world.now_us / 1e6

    def utc_s(self) -> float:
        return EPOCH_S + self.seed % 10_000 * 86_400 + self._world.now_us / 1e6

    def real_seconds_until(self, deadline: float) -> float:
        return 0.0


class Serial(SerialBase):  # type: ignore[misc]
    """The port. ``door`` is the bench behind it: truth, loads, leads (``docs/bench-door.md``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.world: World | None = None
        self.door: Door
        self._conn = 0
        self._speed = 0
        self._real: tuple[float, int] | None = None  # real time and simulated time of the same instant
        self._line = "usb"
        self._url = ""
        self._held = b""
        self._virtual: VirtualClock | None = None
        super().__init__(*args, **kwargs)

    # -- opening -------------------------------------------------------------------------------------------

    def open(self) -> None:
        if self.is_open:
            raise SerialException("Port is already open.")
        if self._port is None:
            raise SerialException("Port must be configured before it can be used.")
        if self.world is None:
            self._make_world()
        world = self.world
        assert world is not None  # noqa: S101 - _make_world has set it
        if not world.plugged:
            raise SerialException(2, f"could not open port {self._port}: the simulated unit is unplugged")
        self._conn = world.connect(self._line)
        self._held = b""
        self._real = None
        self.is_open = True

    def _make_world(self) -> None:
        text = str(self._port).split("://", 1)[-1]
        if text.startswith("@"):
            world = _registered.get(text[1:])
            if world is None:
                raise SerialException(2, f"no world is registered as {text[1:]!r}")
            self.world = world
        else:
            try:
                chosen = scenario.parse(text)
                self.world = chosen.world()
            except ValueError as exc:
                raise SerialException(f"{self._port}: {exc}") from exc
            self._speed, self._line = chosen.speed, chosen.line
        self.door = Door(self.world)

    def use_virtual_time(self) -> VirtualClock | None:
        """Hand the time to the caller; None when the address asked for a speed, and real time it is."""
        if self._speed or self.world is None:
            return None
        if self._virtual is None:
            self._virtual = VirtualClock(self.world)
        return self._virtual

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            if self.world is not None:
                self.world.disconnect(self._conn)

    def _reconfigure_port(self) -> None:
        """A simulated line has no electrical settings."""

    # -- time ----------------------------------------------------------------------------------------------

    def _pass_time(self) -> World:
        """In real time, bring the world to now."""
        world = self._here()
        if self._virtual is None:
            now = time.monotonic()
            if self._real is None:
                self._real = (now, world.now_us)
            world.advance_to(self._real[1] + int((now - self._real[0]) * 1e6 * (self._speed or 1)))
        return world

    def _here(self) -> World:
        if not self.is_open or self.world is None:
            raise PortNotOpenError()
        return self.world

    def read_until_deadline(self, deadline_s: float) -> bytes:
        """Virtual time: advance until there are bytes, and return them, or to the deadline, and return none.

        Rounded up to a microsecond: a deadline that was waited for has passed.
        """
        world = self._here()
        conn = self._conn
        if conn in world.to_host:
            data = world.to_host[conn].take(world.now_us)
            if data:
                return data
            world.advance_to(ceil(deadline_s * 1e6), conn)
        if conn not in world.to_host:
            raise SerialException(
                "device reports readiness to read but returned no data (device disconnected or multiple access on port?)"
            )
        return world.to_host[conn].take(world.now_us)

    def wait_until(self, deadline_s: float) -> None:
        """Virtual time: let it pass to the deadline, whether the port is open or not."""
        if self.world is not None:
            self.world.advance_to(ceil(deadline_s * 1e6))

    # -- bytes ---------------------------------------------------------------------------------------------

    @property
    def in_waiting(self) -> int:
        world = self._pass_time()
        if self._conn not in world.to_host:
            raise OSError(5, "Input/output error")
        self._held += world.take(self._conn)
        return len(self._held)

    def read(self, size: int = 1) -> bytes:
        give_up = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            world = self._pass_time()
            if self._conn not in world.to_host:
                raise SerialException(
                    "device reports readiness to read but returned no data "
                    "(device disconnected or multiple access on port?)"
                )
            self._held += world.take(self._conn)
            left = None if give_up is None else give_up - time.monotonic()
            if len(self._held) >= size or (left is not None and left <= 0):
                data, self._held = self._held[:size], self._held[size:]
                return data
            if self._virtual is None:
                time.sleep(0.001 if left is None else min(0.001, left))
            else:
                world.advance_to(world.now_us + 1000)

    def write(self, b: Any, /) -> int:
        world = self._pass_time()
        if self._conn not in world.to_unit:
            raise SerialException("write failed: [Errno 5] Input/output error")
        data = bytes(serial.to_bytes(b))
        world.put(self._conn, data)
        return len(data)

    def flush(self) -> None:
        if self._conn not in self._here().to_unit:
            _gone()

    def reset_input_buffer(self) -> None:
        if self._conn not in self._pass_time().to_host:
            _gone()
        self._here().take(self._conn)
        self._held = b""

    def reset_output_buffer(self) -> None:
        if self._conn not in self._here().to_unit:
            _gone()

    @property
    def out_waiting(self) -> int:
        return 0

    def cancel_read(self) -> None:
        """Nothing blocks here."""

    # -- modem lines: there, and without effect on this unit -------------------------------------------------

    def _update_break_state(self) -> None:
        if self._break_state:
            self._here().act("break")

    def _update_rts_state(self) -> None: ...

    def _update_dtr_state(self) -> None: ...

    @property
    def cts(self) -> bool:
        return True

    @property
    def dsr(self) -> bool:
        return True

    @property
    def ri(self) -> bool:
        return False

    @property
    def cd(self) -> bool:
        return True


def _gone() -> None:
    """What tcflush says of a vanished port: not a SerialException and not an OSError."""
    with contextlib.suppress(ImportError):
        import termios

        raise termios.error(5, "Input/output error")
    raise SerialException("ClearCommError failed")


__all__ = ["Serial", "VirtualClock", "register_world", "unregister_world"]
