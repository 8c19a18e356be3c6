"""``sim://``: a simulated unit as a pySerial port, in this process.

pySerial finds this module by its name (``protocol_<scheme>``). A port makes a world of its own and keeps it
while the port object lives, so that a port that was unplugged and reopened meets the same unit;
``sim://@name`` opens a world that was registered with ``register_world``.

Two kinds of time. A program that knows nothing of simulation gets real time, from ``open`` on and whether
the port is open or not: polling ``in_waiting`` lets time pass. A driver that calls ``use_virtual_time()``
gets a clock that moves only inside its reads and ``wait_until``: no thread, no sleep, the same bytes every
time.

Opening the port raises DTR, as real drivers do, unless the program has set it low before. With ``dtr_resets=1``
that resets the board.

When the port vanishes it raises what a real port raises, as measured on a Linux pseudo-terminal with
pySerial 3.5: SerialException from ``read``, ``write`` and settings, OSError 5 from ``in_waiting``,
``out_waiting`` and the modem lines, ``termios.error`` from ``flush``, the buffer resets and ``send_break``;
and ``is_open`` stays true.
"""

from __future__ import annotations

import errno
import time
from contextlib import suppress
from math import ceil
from typing import Any

from serial import PortNotOpenError, SerialBase, SerialException

from hw_sim import scenario
from hw_sim.door import Door
from hw_sim.endpoints.pace import Pace
from hw_sim.world import World

# Civil time in virtual time starts here, one day a seed: the date of the protocol's golden lines.
EPOCH_S = 1_795_464_000
# What the kernel's own buffer for a tty holds. Beyond it, bytes stay in the unit and are dropped there.
_HELD_BYTES = 4096
_POLL_S = 0.001
_LONG_US = 1_000_000


class _Bench:
    """A world and the real time it lives in, shared by all ports to it."""

    def __init__(self, world: World, speed: int = 0, line: str | None = None, *, dtr_resets: bool = False) -> None:
        self.world = world
        self.speed = speed
        self.line = line or "usb"
        self.dtr_resets = dtr_resets
        self.pace: Pace | None = None

    def pass_time(self) -> None:
        """Bring the world to now; the first look only starts the clock."""
        if self.pace is None:
            self.pace = Pace(self.world, self.speed or 1)
        else:
            self.pace.catch_up()


_registered: dict[str, _Bench] = {}


def register_world(name: str, world: World, line: str | None = None) -> None:
    """Let ``sim://@name`` open ``world``; ``unregister_world`` takes it back."""
    _registered[name] = _Bench(world, line=line)


def unregister_world(name: str) -> None:
    _registered.pop(name, None)


def _us(deadline_s: float) -> int:
    """The first microsecond at which ``deadline_s`` has passed: the product alone may round to one before it."""
    us = ceil(deadline_s * 1e6)
    return us if us / 1e6 >= deadline_s else us + 1


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


class Serial(SerialBase):
    """The port. ``world`` and ``door``, the bench behind it, are there once it was opened."""

    # Of the base class, which is not annotated.
    _port: str | None
    _timeout: float | None
    _dtr_state: bool
    _break_state: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as pySerial has it
        self._bench: _Bench | None = None
        self._door: Door | None = None
        self._conn = 0
        self._held = b""
        self._dtr_was = True
        self._virtual: VirtualClock | None = None
        super().__init__(*args, **kwargs)

    # -- opening -------------------------------------------------------------------------------------------

    def open(self) -> None:
        if self.is_open:
            raise SerialException("Port is already open.")
        if self._port is None:
            raise SerialException("Port must be configured before it can be used.")
        if self._bench is None:
            self._bench = self._make_bench()
            self._door = Door(self._bench.world, self._catch_up)
        self._catch_up()
        world = self._bench.world
        if not world.plugged:
            raise SerialException(errno.ENOENT, f"could not open port {self._port}: the simulated unit is unplugged")
        self._conn = world.connect(self._bench.line)
        self._held = b""
        self._dtr_was = False
        self.is_open = True
        self._dtr_edge()

    def _make_bench(self) -> _Bench:
        text = str(self._port).split("://", 1)[-1]
        if text.startswith("@"):
            bench = _registered.get(text[1:])
            if bench is None:
                known = f"known: {', '.join(_registered)}" if _registered else "none is"
                raise SerialException(errno.ENOENT, f"{self._port}: no world is registered as {text[1:]!r}; {known}")
            return bench
        try:
            chosen = scenario.parse(text)
            return _Bench(chosen.world(), chosen.speed or 0, chosen.line, dtr_resets=chosen.dtr_resets)
        except ValueError as exc:
            raise SerialException(f"{self._port}: {exc}") from exc

    def use_virtual_time(self) -> VirtualClock | None:
        """Hand the time to the caller; None when the address asked for a speed, and real time it is."""
        bench = self._bench
        if bench is None or bench.speed:
            return None
        if self._virtual is None:
            self._virtual = VirtualClock(bench.world)
            bench.pace = None
        return self._virtual

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            if self._bench is not None:
                self._bench.world.disconnect(self._conn)

    @property
    def world(self) -> World:
        if self._bench is None:
            raise PortNotOpenError()
        return self._bench.world

    @property
    def door(self) -> Door:
        if self._door is None:
            raise PortNotOpenError()
        return self._door

    def _reconfigure_port(self) -> None:
        """A simulated line has no electrical settings; a vanished one has nothing to set."""
        if self._is_gone():
            raise SerialException(f"Could not configure port: (5, {'Input/output error'!r})")

    # -- time ----------------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """In real time, bring the world to now."""
        if self._virtual is None and self._bench is not None:
            self._bench.pass_time()

    def _here(self) -> World:
        """The world, at the present time, behind an open port."""
        if not self.is_open:
            raise PortNotOpenError()
        self._catch_up()
        return self.world

    def _is_gone(self) -> bool:
        return self._conn not in self._here().to_host

    def _now_s(self) -> float:
        return time.monotonic() if self._virtual is None else self._virtual.now()

    def _wait(self, left_s: float | None) -> None:
        """Until something may have come, or ``left_s`` are over."""
        if self._virtual is None:
            time.sleep(_POLL_S if left_s is None else min(_POLL_S, left_s))
        else:
            us = _LONG_US if left_s is None else min(_LONG_US, max(1, round(left_s * 1e6)))
            self.world.advance_to(self.world.now_us + us, self._conn)

    def read_until_deadline(self, deadline_s: float) -> bytes:
        """Virtual time: advance until there are bytes, and return them, or to the deadline: none.

        Rounded up to a microsecond: a deadline that was waited for has passed.
        """
        # What ``_here`` and ``take`` do, without their calls: a run comes here 17 000 times.
        if self._bench is None or not self.is_open:
            raise PortNotOpenError()
        world, conn = self._bench.world, self._conn
        held = self._held
        line = world.to_host.get(conn)
        if line is None:
            self._held = b""
            raise _no_data()
        if held or (line.arrivals and line.arrivals[0][0] <= world.now_us):
            self._held = b""
            return held + line.take(world.now_us)
        world.advance_to(_us(deadline_s), conn)
        if conn not in world.to_host:
            raise _no_data()
        return line.take(world.now_us)

    def wait_until(self, deadline_s: float) -> None:
        """Virtual time: let it pass to the deadline, whether the port is open or not."""
        if self._bench is not None:
            self._bench.world.advance_to(_us(deadline_s))

    # -- bytes ---------------------------------------------------------------------------------------------

    def _arrived(self) -> bytes:
        """What came and was not read yet."""
        world = self._here()
        if len(self._held) < _HELD_BYTES and self._conn in world.to_host:
            self._held += world.take(self._conn)
        return self._held

    @property
    def in_waiting(self) -> int:
        if self._is_gone():
            raise OSError(errno.EIO, "Input/output error")
        return len(self._arrived())

    @property
    def out_waiting(self) -> int:
        if self._is_gone():
            raise OSError(errno.EIO, "Input/output error")
        return 0

    def read(self, size: int = 1) -> bytes:
        self._here()
        end_s = None if self._timeout is None else self._now_s() + self._timeout
        while size > 0:
            if self._is_gone():
                raise _no_data()
            left_s = None if end_s is None else end_s - self._now_s()
            if len(self._arrived()) >= size or (left_s is not None and left_s <= 0):
                break
            self._wait(left_s)
        data, self._held = self._held[:size], self._held[size:]
        return data

    def write(self, b: Any, /) -> int:  # noqa: ANN401 - any buffer
        if self._is_gone():
            raise SerialException("write failed: [Errno 5] Input/output error")
        data = bytes(b)
        self.world.put(self._conn, data)
        return len(data)

    def flush(self) -> None:
        if self._is_gone():
            raise _terminal_error()

    def reset_input_buffer(self) -> None:
        if self._is_gone():
            raise _terminal_error()
        self.world.take(self._conn)
        self._held = b""

    def reset_output_buffer(self) -> None:
        if self._is_gone():
            raise _terminal_error()

    def cancel_read(self) -> None:
        """Nothing blocks here."""

    # -- break and modem lines -----------------------------------------------------------------------------

    def send_break(self, duration: float = 0.25) -> None:
        """A BREAK; the unit acts on its beginning, so nobody waits for its end."""
        if self._is_gone():
            raise _terminal_error()
        self.world.act("break")

    def _update_break_state(self) -> None:
        self._modem_line()
        if self._break_state:
            self.world.act("break")

    def _update_rts_state(self) -> None:
        self._modem_line()

    def _update_dtr_state(self) -> None:
        self._modem_line()
        self._dtr_edge()

    def _dtr_edge(self) -> None:
        """A unit takes the fall of DTR for the closing of its port (protocol section 4.4); its rise may reset it."""
        was, self._dtr_was = self._dtr_was, self._dtr_state
        bench = self._bench
        if bench is None or was == self._dtr_state:
            return
        if was:
            bench.world.disconnect(self._conn)
            self._conn = bench.world.connect(bench.line)
        elif bench.dtr_resets and bench.world.plant.powered:
            bench.world.act("power_cycle")

    def _modem_line(self, state: bool = True) -> bool:
        if self._is_gone():
            raise OSError(errno.EIO, "Input/output error")
        return state

    @property
    def cts(self) -> bool:
        return self._modem_line()

    @property
    def dsr(self) -> bool:
        return self._modem_line()

    @property
    def ri(self) -> bool:
        return self._modem_line(False)

    @property
    def cd(self) -> bool:
        return self._modem_line()


def _no_data() -> SerialException:
    return SerialException(
        "device reports readiness to read but returned no data (device disconnected or multiple access on port?)"
    )


def _terminal_error() -> Exception:
    """What tcflush and its like say of a vanished port: neither a SerialException nor an OSError."""
    with suppress(ImportError):
        import termios

        return termios.error(errno.EIO, "Input/output error")
    return SerialException("ClearCommError failed (PermissionError(13, 'Access is denied.', None, 5))")


__all__ = ["Serial", "VirtualClock", "register_world", "unregister_world"]
