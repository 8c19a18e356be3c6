"""Everything that can go wrong, as instructions to the caller.

    IontoError
    ├── TreatmentError(ValueError)       nothing was sent; correct the treatment
    ├── LinkError
    │   ├── PortUnavailable(OSError)     nothing was sent; choose or free the port
    │   └── LinkLost(OSError)            assume current until the lease is over; reconnect and ask
    ├── CommandRefused                   certain: the unit did nothing; read .code
    ├── OutputRefused                    certain: nothing that adds energy was sent; the text says who forbade it
    ├── Unacknowledged(TimeoutError)     unknown: ask the unit before anything else
    ├── UnitFault                        the unit latched a fault; the current is off; CLEAR it by hand
    ├── SafetyTrip                       the host stopped the unit
    ├── IllegalTransition                not possible now; nothing was done
    ├── ProtocolViolation                the peer does not speak IONTO/1
    └── RecordError(OSError)             the record cannot be written; the unit was stopped first

"It did not happen" and "I do not know" are different classes. Facts ride as attributes. Line noise is
not here: it is a value that is counted (``controller.wire.framing``).
"""

from __future__ import annotations


class IontoError(Exception):
    """Root of all errors of this package; catch it to catch everything that is not a bug."""


class TreatmentError(IontoError, ValueError):
    """The treatment cannot be delivered as written. Nothing was sent; correct every problem named.

    ``problems`` holds one sentence for each mistake, all of them at once.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class LinkError(IontoError):
    """The port, or what is behind it."""


class PortUnavailable(LinkError, OSError):
    """The port could not be opened. Nothing was sent; the text names the remedy."""

    def __init__(self, port: str, reason: str) -> None:
        super().__init__(f"{port}: {reason}")
        self.port = port
        self.reason = reason


class LinkLost(LinkError, OSError):
    """The port vanished while open. Assume current until the unit's lease is over; reconnect and ask."""

    def __init__(self, port: str, reason: str) -> None:
        super().__init__(f"{port}: {reason}")
        self.port = port
        self.reason = reason


class CommandRefused(IontoError):
    """Certain: the unit did nothing. ``code`` is the two-digit error of the protocol's section 9."""

    def __init__(self, verb: str, code: int, text: str) -> None:
        super().__init__(f"the unit refused {verb}: {text} ({code:02d})")
        self.verb = verb
        self.code = code


class OutputRefused(IontoError):
    """Something around this program forbids current here. Nothing that adds energy was sent."""


class Unacknowledged(IontoError, TimeoutError):
    """Unknown: ``verb`` may or may not have been executed. Ask STATUS and RUN before anything else."""

    def __init__(self, verb: str, detail: str = "") -> None:
        super().__init__(f"no answer to {verb}: it is not known whether the unit obeyed{detail}")
        self.verb = verb


class UnitFault(IontoError):
    """The unit latched a fault and its current is off. Find the cause, then CLEAR ``code`` by hand."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class SafetyTrip(IontoError):
    """The host stopped the unit: ``limit`` was passed, ``observed`` is what was seen."""

    def __init__(self, limit: str, observed: str) -> None:
        super().__init__(f"{limit}: {observed}")
        self.limit = limit
        self.observed = observed


class IllegalTransition(IontoError):
    """What was asked is not possible in ``state``. Nothing was done and nothing has changed."""

    def __init__(self, state: str, trigger: str) -> None:
        super().__init__(f"{trigger} is not possible in {state}")
        self.state = state
        self.trigger = trigger


class ProtocolViolation(IontoError):
    """The peer does not speak IONTO/1, or another version of it. ``heard`` is what it said instead."""

    def __init__(self, text: str, heard: str = "") -> None:
        super().__init__(text)
        self.heard = heard


class RecordError(IontoError, OSError):
    """The record cannot be written (disk full, no permission). The unit was stopped before this was raised."""
