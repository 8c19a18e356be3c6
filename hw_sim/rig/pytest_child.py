"""`ionto-sim serve` as a child of a test: it ends with its parent, however that ends.

A fixture's finaliser kills its simulator. It does not run when the test process is killed, or leaves by ``os._exit``
as a time-out may; a simulator that went on would keep a port, and a core. So the child holds the reading end of a pipe
from its parent, and ends when that closes.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 1):  # not sys.stdin: its lock, held by this thread, holds up the end of an interpreter
        pass
    os.kill(os.getpid(), signal.SIGTERM)  # the command takes its names and ports away with it


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv[1:1] = ["serve"]
    runpy.run_module("hw_sim", run_name="__main__")  # by its name: the command is above this room
