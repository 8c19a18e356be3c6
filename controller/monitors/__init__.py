"""The invariants as monitors: the same ones in every test, in every campaign, and over the log of a finished run.

    watch = Watch()
    replay(watch, read_wire_log("runs/.../wire.log").entries)
    for finding in watch.finish(): ...

Pure: facts in, verdicts out; nobody here opens a file or asks what time it is. ``docs/invariants.md`` is the list.
"""

from __future__ import annotations

from controller.monitors.catalogue import MONITORS, UNJUDGED
from controller.monitors.monitor import Monitor
from controller.monitors.promises import PROMISES, Promises
from controller.monitors.verdict import Finding, Held, NotObservable, Verdict, Violated
from controller.monitors.watch import Watch, replay

__all__ = [
    "MONITORS",
    "PROMISES",
    "UNJUDGED",
    "Finding",
    "Held",
    "Monitor",
    "NotObservable",
    "Promises",
    "Verdict",
    "Violated",
    "Watch",
    "replay",
]
