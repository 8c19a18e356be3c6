"""What is asked of a session from outside its loop: by other threads, signal handlers, other processes.

Nobody but the loop touches the engine. A thread leaves its order here and wakes the read in progress; another
process (``ionto stop``) is heard by the link. The loop takes both once a step, obeys, and answers. A stop is not
answered when it was sent but when the current was seen to be off, because that is what the asker waits to know.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from controller.engine import Engine, Order
from controller.link import ByteLink, ControlRequest, Verb
from controller.sample import Sample

_NOTHING: Final = ()


class Call(NamedTuple):
    """``request`` is None for a call of this process, which expects no answer."""

    verb: Verb
    by: str
    request: ControlRequest | None = None


class Ear:
    """``stops`` are the requests to stop that wait for their answer."""

    def __init__(self, link: ByteLink) -> None:
        self.stops: list[ControlRequest] = []
        self._link = link
        self._calls: deque[Call] = deque()

    def call(self, order: Order, by: str) -> None:
        """Leave an order for the loop; from any thread or a signal handler."""
        self._calls.append(Call(order, by))
        self._link.wake()

    def listen(self) -> Sequence[Call]:
        """What was asked since the last time, this process first."""
        requests = self._link.requests()
        if not requests and not self._calls:
            return _NOTHING
        calls = [self._calls.popleft() for _ in range(len(self._calls))]
        return calls + [Call(request.verb, "another process", request) for request in requests]

    def answer(self, call: Call, reply: Mapping[str, object]) -> None:
        """Answer a call that was heeded; one to stop is kept for ``answer_stops``."""
        if call.request is None:
            return
        if call.verb in ("stop", "abort"):
            self.stops.append(call.request)
        else:
            call.request.answer(reply)

    def answer_stops(self, reply: Mapping[str, object]) -> None:
        """Answer the stops: the current is off, or the run is over."""
        for request in self.stops:
            request.answer(reply)
        self.stops.clear()


def situation(engine: Engine, seen: Sample | None, serial: str, *, quiet: bool, done: bool) -> dict[str, object]:
    """What another process is told: whether it was ``done``, and how things stand."""
    return {
        "done": done,
        "state": engine.state.name,
        "run": engine.run,
        "current_ua": None if seen is None else seen.unit.i_ua,
        "zero": quiet,
        "dose_ma_min": None if seen is None else round(seen.dose_ma_min, 6),
        "unit": serial,
    }
