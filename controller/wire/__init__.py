"""The wire room: bytes to lines to frozen values, and back; pure. The page is ``docs/protocol.md``."""

from __future__ import annotations

from controller.wire.fields import digest
from controller.wire.framing import LineDecoder, Noise, NoiseKind, seal
from controller.wire.messages import Event, Message, Plain, Reply, Request, Telemetry, parse
from controller.wire.spec import ErrorCode, Fault, UnitState

__all__ = [
    "ErrorCode",
    "Event",
    "Fault",
    "LineDecoder",
    "Message",
    "Noise",
    "NoiseKind",
    "Plain",
    "Reply",
    "Request",
    "Telemetry",
    "UnitState",
    "digest",
    "parse",
    "seal",
]
