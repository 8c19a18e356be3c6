"""What pySerial raises, told as one sentence with the remedy.

Four families come out of a port (measured with 3.5): SerialException, which is an OSError; OSError
itself; ``termios.error``, which is neither; and TypeError, AttributeError or ValueError when the object was
closed meanwhile and its descriptor is None or -1. SerialTimeoutException is a SerialException *and* an
OSError, so it is looked for first.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
from contextlib import suppress
from typing import Final

from controller.serial_link.locks import held_by, holder_of
from controller.serial_link.ports import name_ports, scheme_of

# A line of 240 bytes takes 21 ms at 115200 baud. What does not go out in 0.5 s never will, and
# the shortest lease a unit may have is 0.5 s.
WRITE_TIMEOUT_S: Final = 0.5


def _port_errors() -> tuple[type[Exception], ...]:
    common = (OSError, TypeError, AttributeError, ValueError)
    if sys.platform == "win32":
        return common
    else:  # not after the return: mypy follows the platform only so
        from termios import error

        return (*common, error)


PORT_ERRORS: Final = _port_errors()


def why_lost(exc: Exception, size: int = 0) -> str:
    """Why an open port failed; ``size`` bytes were being written."""
    from serial import PortNotOpenError, SerialTimeoutException

    match exc:
        case SerialTimeoutException():
            how_much = f"an unknown part of {size} bytes is out"
            what = f"the unit stopped reading: after {WRITE_TIMEOUT_S:g} s {how_much}"
        case PortNotOpenError() | TypeError() | AttributeError() | ValueError() | OSError(errno=errno.EBADF):
            what = f"the port was closed while it was in use ({exc})"
        case _:
            what = f"the port went away ({exc}): unplugged, switched off, or read by another program"
    return f"{what}; reconnect, then ask the unit what it did"


def why_unavailable(exc: Exception, device: str) -> str:
    """Why a port could not be opened."""
    match _origin(exc):
        case socket.gaierror():
            return "nobody knows this host: check its name and the network"
        case TimeoutError():
            return "the host does not answer: check its address, the network and firewalls"
        # Pieces of an address that pySerial takes apart unchecked.
        case TypeError() | KeyError() | ValueError() if scheme_of(device) in ("socket", "rfc2217"):
            return f"write it as {scheme_of(device)}://host:port"
    match _error_number(exc):
        case errno.ENOENT:
            return f"there is no such port; {name_ports()}"
        case errno.EACCES | errno.EPERM if sys.platform != "win32":
            return _no_permission(device)
        case errno.EACCES | errno.EBUSY | errno.EAGAIN:  # Windows says "access denied" to the second opener
            return _held(device)
        case errno.ENOTTY | errno.EISDIR | errno.EINVAL:
            return f"this is not a serial port; {name_ports()}"
        case errno.ENXIO | errno.ENODEV | errno.EIO:
            return f"the name is there, but no device behind it; {name_ports()}"
        case errno.ECONNREFUSED:
            return "nobody listens there: switch the unit or its bridge on, or correct the address"
    if re.search(r"protocol .* not known", str(exc)):
        known = "a device, sn:<serial number>, socket://, rfc2217://, spy:// or sim://"
        return f"there is no port of the kind {scheme_of(device)}://; use {known}"
    return str(exc).removeprefix(f"{device}: ")


def _origin(exc: BaseException) -> BaseException:
    """What a SerialException was raised over: the real error, whose text pySerial puts into its own.

    The text is compared because a caller may be handling some other exception while he opens a port, and
    Python then names that one as the context.
    """
    over = exc.__context__
    return over if over is not None and str(over) and str(over) in str(exc) else exc


def _error_number(exc: BaseException) -> int | None:
    for found in (exc, _origin(exc)):
        number = found.args[0] if found.args else None
        if isinstance(number, int):  # OSError and termios.error alike
            return number
    # Windows: the repr of an OSError in the text of a SerialException is all there is.
    shown = re.search(r"Error\((\d+),", str(exc))
    return int(shown[1]) if shown else None


def _no_permission(device: str) -> str:
    group = "dialout"
    if sys.platform != "win32":
        import grp

        with suppress(OSError, KeyError):
            group = grp.getgrgid(os.stat(device).st_gid).gr_name
    return (
        f"no permission: the port belongs to group {group}; join it (`sudo usermod -aG {group} $USER`, then"
        " log in again) or install the udev rule that `ionto doctor` shows"
    )


def _held(device: str) -> str:
    holder = holder_of(device)
    if holder is not None:
        return held_by(holder)
    sentence = "another program holds it: close it (a terminal, a logger, another user's session)"
    if sys.platform == "linux" and "ttyACM" in device:
        return f"{sentence}; just plugged in, ModemManager tries it for 10 s (`ionto doctor` stops that)"
    return sentence
