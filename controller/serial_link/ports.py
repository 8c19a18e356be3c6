"""Which ports there are, and one canonical name for each.

A USB device changes its name when it comes back (ttyACM0, then ttyACM1, while the old handle is open), so
a unit is best named by its serial number: ``sn:SN0042``. And one device has several names, so locks go by
the canonical one: links resolved, macOS's two nodes for one line taken together, options of a URL left out.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from controller.errors import PortUnavailable
from controller.serial_link.locks import Holder, entries

if TYPE_CHECKING:
    from serial.tools.list_ports_common import ListPortInfo

_BY_SERIAL_NUMBER: Final = "sn:"
_URL: Final = re.compile(r"([a-z0-9+.-]+)://([^?#]*)", re.IGNORECASE)
_WRAPPER: Final = re.compile(r"(?:spy|alt)://([^?#]+)", re.IGNORECASE)  # pySerial's, around a device


@dataclass(frozen=True, slots=True, kw_only=True)
class PortInfo:
    """A serial port of this machine. None where it is not USB, or does not say."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    description: str
    holder: Holder | None = None  # None: no program of this user that we know of


def list_ports() -> list[PortInfo]:
    """The serial ports of this machine in natural order, each with the program that holds it."""
    holder_by_device = {entry.holder.device: entry.holder for entry in entries()}
    return [
        PortInfo(
            device=found.device,
            vid=found.vid,
            pid=found.pid,
            serial_number=found.serial_number,
            description=found.description,
            holder=holder_by_device.get(canonical(found.device)),
        )
        for found in _found()
    ]


def _found() -> list[ListPortInfo]:
    from serial.tools import list_ports as pyserial

    for _ in range(3):
        # A device that is unplugged while pySerial reads its entry: int(None, 16). It is gone the next time.
        with suppress(OSError, TypeError, ValueError):
            return sorted(pyserial.comports())
    return []


def resolve(port: str) -> str:
    """The device or URL behind a name; ``sn:`` is looked up. Raises PortUnavailable."""
    if not port.lower().startswith(_BY_SERIAL_NUMBER):
        return port
    wanted = port[len(_BY_SERIAL_NUMBER) :].casefold()
    there = list_ports()
    found = [info.device for info in there if info.serial_number and info.serial_number.casefold() == wanted]
    match found:
        case [device]:
            return device
        case []:
            raise PortUnavailable(port, f"no port carries this serial number; {name_ports(there)}")
        case _:
            raise PortUnavailable(port, f"{', '.join(found)} all carry this serial number: name one of them")


def name_ports(there: list[PortInfo] | None = None) -> str:
    """What is connected, for the end of a sentence."""
    ports = list_ports() if there is None else there
    if not ports:
        return "no serial port is connected"
    named = (f"{info.device} ({info.serial_number})" if info.serial_number else info.device for info in ports)
    return f"connected: {', '.join(named)}"


def scheme_of(port: str) -> str:
    """The kind of URL, in lower case; empty for a device."""
    return port.partition("://")[0].lower() if "://" in port else ""


def canonical(device: str) -> str:
    """One name for one port, whatever it was called."""
    if wrapped := _WRAPPER.match(device):
        return canonical(wrapped[1])
    if url := _URL.match(device):
        return f"{url[1].lower()}://{url[2].lower().rstrip('/')}"
    if os.name == "nt":
        return device.upper().removeprefix("\\\\.\\")
    path = os.path.realpath(device)
    # macOS: tty.x waits for carrier, cu.x does not; the line is the same.
    return re.sub(r"^/dev/tty\.", "/dev/cu.", path)
