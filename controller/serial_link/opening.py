"""open_link: from a port's name to a line of bytes, or one sentence that says what to do.

What is set before a port is opened, and why:

* 115200 8N1 (protocol section 2), no flow control;
* DTR and RTS on: a CDC device (TinyUSB, MicroPython) sends nothing to a host that has not raised DTR. A
  board that resets on it resets with its current off, and HELLO waits for it. Both are set *before*
  ``open``, where pySerial forgives a port that has no such lines (a pseudo-terminal: OSError 25); set
  afterwards they would raise;
* ``exclusive=True`` on POSIX devices, for otherwise a second program opens the port as well and takes every
  other byte. Windows ports are exclusive always;
* a write time-out, except on ``rfc2217://``, which has none and says so by NotImplementedError;
* low latency on Linux: an FTDI adapter otherwise holds bytes back for 16 ms; TCP_NODELAY on
  ``socket://``, where a second small line would wait up to 40 ms for the first to be acknowledged.

``sim://`` is a pySerial URL handler of the simulator's package, found by its name, which stands here and
nowhere else: the driver reaches the simulator as it reaches a unit.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from controller.errors import PortUnavailable
from controller.serial_link.control import ControlServer
from controller.serial_link.line import SLICE_S, SerialLink, TimedPort, close_port
from controller.serial_link.locks import PortLock, claim
from controller.serial_link.ports import canonical, resolve, scheme_of
from controller.serial_link.reasons import PORT_ERRORS, WRITE_TIMEOUT_S, why_unavailable

if TYPE_CHECKING:
    import serial

_SIM_HANDLERS: Final = "hw_sim.endpoints"
# These live inside this process: nobody else can mean the same one.
_PRIVATE_SCHEMES: Final = frozenset({"sim", "loop"})
# rfc2217:// keeps the time-out it is opened with, so its slices are short: a deadline is met within this.
_RFC2217_SLICE_S: Final = 0.01
# KeyError: an option of a URL that pySerial looks up unchecked.
_OPEN_ERRORS: Final[tuple[type[Exception], ...]] = (*PORT_ERRORS, NotImplementedError, KeyError)


def open_link(port: str, *, purpose: str = "a program that uses ionto") -> SerialLink:
    """Open ``port`` (device, pySerial URL or ``sn:SN0042``) for this process alone.

    ``purpose`` is what others are told who want the port too. Raises PortUnavailable.
    """
    raw = _make(port, resolve(port))
    scheme = scheme_of(port)
    is_private = scheme in _PRIVATE_SCHEMES
    device = port if is_private else canonical(raw.port or port)
    control = lock = None
    try:
        control, lock = announce(port, device, purpose, private=is_private)
        raw.open()
        link = SerialLink(raw, port=port, device=device, simulated=scheme == "sim", control=control, lock=lock)
        _set_up(link, raw, device)
    except BaseException as exc:
        close_port(raw, device)
        withdraw(control, lock)
        if isinstance(exc, _OPEN_ERRORS) and not isinstance(exc, PortUnavailable):
            raise PortUnavailable(port, why_unavailable(exc, device)) from exc
        raise
    return link


def _make(port: str, url: str) -> serial.Serial:
    """The port object, not open yet. Raises PortUnavailable."""
    import serial

    scheme = scheme_of(url)
    if scheme == "sim":
        _offer_simulator(port)
    try:
        raw = serial.serial_for_url(
            url,
            do_not_open=True,
            baudrate=115_200,
            timeout=_RFC2217_SLICE_S if scheme == "rfc2217" else SLICE_S,
            write_timeout=None if scheme == "rfc2217" else WRITE_TIMEOUT_S,
        )
        raw.dtr = raw.rts = True
        if os.name == "posix" and "://" not in (raw.port or ""):
            raw.exclusive = True
    except _OPEN_ERRORS as exc:
        raise PortUnavailable(port, why_unavailable(exc, url)) from exc
    return raw


def _offer_simulator(port: str) -> None:
    """Import the handler ourselves: pySerial takes every ImportError for an unknown protocol."""
    import serial

    if _SIM_HANDLERS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(_SIM_HANDLERS)
    try:
        importlib.import_module(f"{_SIM_HANDLERS}.protocol_sim")
    except ModuleNotFoundError as exc:
        reason = f"the simulator is not installed (no module {exc.name}): install ionto with its hw_sim package"
        raise PortUnavailable(port, reason) from exc


def announce(port: str, device: str, purpose: str, *, private: bool) -> tuple[ControlServer | None, PortLock | None]:
    """Open the ear and claim the port. A private simulated world is nobody else's, and can do without."""
    control = None
    try:
        control = ControlServer()
        lock = claim(
            port=port,
            device=device,
            purpose=purpose,
            control_port=control.port,
            token=control.token,
            wait=None if private else control.wait,
        )
    except OSError as exc:
        withdraw(control, None)
        if private:
            return None, None
        if isinstance(exc, PortUnavailable):
            raise
        raise PortUnavailable(port, f"the session could not be announced to `ionto stop`: {exc}") from exc
    return control, lock


def withdraw(control: ControlServer | None, lock: PortLock | None) -> None:
    if lock is not None:
        lock.release()
    if control is not None:
        control.close()


def _set_up(link: SerialLink, raw: serial.Serial, device: str) -> None:
    """Choose how to wait, and take delays out of the way."""
    import serial

    ask_for_virtual_time = getattr(raw, "use_virtual_time", None)
    if ask_for_virtual_time is not None:
        clock = ask_for_virtual_time()
        if clock is not None:
            link.use_port_time(cast(TimedPort, raw), clock)
        return
    over_socket = scheme_of(device) == "socket"
    if over_socket:
        _send_at_once(getattr(raw, "_socket", None))
    if sys.platform == "linux" and hasattr(raw, "set_low_latency_mode"):
        # It raises for a pseudo-terminal, and for a driver without the notion.
        with suppress(ValueError, OSError, NotImplementedError):
            raw.set_low_latency_mode(True)
    fd = _descriptor(raw)
    if fd is not None and (over_socket or os.name == "posix"):
        link.use_descriptor(fd, direct=os.name == "posix" and type(raw) is serial.Serial)


def _send_at_once(inner: object) -> None:
    if isinstance(inner, socket.socket):
        inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _descriptor(raw: serial.Serial) -> int | None:
    try:
        return raw.fileno()
    except (OSError, AttributeError):  # io.UnsupportedOperation is an OSError
        return None
