"""The golden lines, and the product's messages in the form in which those write them."""

import json
from pathlib import Path
from typing import Any

from controller.wire import Event, Message, Noise, Plain, Reply, Request, Telemetry

ENTRIES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "golden_lines.json").read_text(encoding="utf-8")
)
LIMIT = {"host": 500, "unit": 240}
DECODED = ("kind", "sid", "number", "code", "uptime_ms", "verb", "name", "fields", "damage")


def note(entry: dict[str, Any]) -> str:
    return f"{entry['line'][:24]} {entry['note']}"


def expected(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in DECODED if key in entry}


def as_golden(message: Message) -> dict[str, Any]:
    match message:
        case Noise(kind=kind):
            return {"kind": "noise", "damage": kind.value}
        case Plain():
            return {"kind": "plain"}
        case Request(sid=sid, number=number, verb=verb, fields=fields):
            return {**head("request", sid, number), "verb": verb, "fields": dict(fields)}
        case Reply(sid=sid, number=number, code=code, verb=verb, fields=fields):
            return {**head("reply", sid, number), "code": f"{code:02d}", "verb": verb, "fields": dict(fields)}
        case Event(sid=sid, number=number, uptime_ms=ms, name=name, fields=fields):
            return {**head("event", sid, number), "uptime_ms": str(ms), "name": name, "fields": dict(fields)}
        case Telemetry():
            return {
                **head("telemetry", message.sid, message.number),
                "uptime_ms": str(message.uptime_ms),
                "fields": {
                    "st": message.state.value,
                    "set": str(message.set_ua),
                    "i": str(message.i_ua),
                    "i2": str(message.i2_ua),
                    "v": str(message.v_mv),
                    "z": str(message.z_ohm),
                    "q": str(message.q_uc),
                    "lk": str(message.lease_ms),
                    "lim": str(int(message.limited)),
                    "rl": str(int(message.relay)),
                    "fl": f"{message.faults:X}",
                },
            }


def head(kind: str, sid: int, number: int) -> dict[str, str]:
    return {"kind": kind, "sid": f"{sid:04X}", "number": f"{number:04X}"}
