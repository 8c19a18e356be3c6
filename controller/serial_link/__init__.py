"""Serial ports, as they really behave: the only room that imports ``serial``.

    opening.py   open_link: from a port's name to a line of bytes
    line.py      SerialLink: reading with a deadline, writing, the clock of the line
    reasons.py   every exception of pySerial as one sentence with the remedy
    ports.py     which ports there are, ``sn:SN0042``, one canonical name for each
    locks.py     who holds which port: one file for each holder in a directory of this user
    control.py   the small ear of a running session: `ionto stop` from another process
    asking.py    the other side of it: find the sessions of this user and ask them

pySerial is kept behind this wall for what it is good at: the platforms, and the port as a URL. Its
habits are not let through (facts measured with 3.5): it raises four families of exceptions, one of them
no OSError; ``readline`` forgets its time-out; ``flush`` may hang; a time-out of ``write`` does not say what
went out. So nothing here calls ``readline`` or ``flush``, every wait has our own deadline, and what comes
out is ``PortUnavailable`` (nothing was sent) or ``LinkLost`` (assume current).

Importing this package does not import pySerial (16 ms); opening or listing ports does.
"""

from __future__ import annotations

from controller.serial_link.asking import HolderReply, ask_holder
from controller.serial_link.locks import Holder, holders
from controller.serial_link.opening import open_link
from controller.serial_link.ports import PortInfo, list_ports

__all__ = [
    "Holder",
    "HolderReply",
    "PortInfo",
    "ask_holder",
    "holders",
    "list_ports",
    "open_link",
]
