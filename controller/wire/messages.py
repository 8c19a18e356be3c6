"""Lines to frozen values and back (protocol, sections 3 to 5). Pure, and strict on purpose.

Strict, because the checksum is blind to a firmware that writes another thing than the page says: ``i=0150``
or ``fl=0a`` under a right checksum is a fault of the peer, and a reader that guesses hides it. Every form
the page does not allow is ``Noise``; a unit that sends such lines shows in the counters at once. Lenient are
three things: lower-case keys nobody here knows are kept and may be ignored (new facts), events nobody knows
are returned all the same, and replies and events may order their fields as they like.

``parse`` never raises. A line of the right form that lacks what its verb promises is met later, by the typed
readers (``controller.wire.fields``).

Telemetry is the hot path: 10 lines a second from a unit, but thousands from a simulated one that runs as fast
as it can. It is one expression, built from the field table, and one tuple: 4 us with the checksum. Reading
it like a reply, by way of a dictionary, took 8 us before it had checked the form of a single number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias
from zlib import crc32

from controller.units import ma_from_ua, ma_min_from_uc
from controller.wire.fields import COUNT, SHORTEST_HEX, STATES, TypedFields
from controller.wire.framing import Noise, NoiseKind
from controller.wire.spec import MAX_PLAIN, PRESCRIPTION_KEYS, UnitState

_HEX4: Final = "([0-9A-F]{4})"
_VERB: Final = "([A-Z]{1,12})"
_WORD: Final = "[!-)+-<>-~]+"  # printable, but no space, "*" or "="
_LOWER_KEY: Final = "[a-z][a-z0-9]*"
_FIELDS: Final = f"((?: (?:{_LOWER_KEY}|[A-Z][A-Z0-9]*)={_WORD})*)"
_SEAL: Final = r"\*([0-9A-F]{8})"

# Section 3, in the order in which the unit sends them.
_TELEMETRY_FIELDS: Final = {
    "st": "[A-Z_]+",
    **dict.fromkeys(("set", "i", "i2", "v", "z", "q", "lk"), COUNT),
    **dict.fromkeys(("lim", "rl"), "[01]"),
    "fl": SHORTEST_HEX,
}
_TELEMETRY: Final = re.compile(
    f"~{_HEX4} {_HEX4} ({COUNT})"
    + "".join(f" {key}=({form})" for key, form in _TELEMETRY_FIELDS.items())
    + f"((?: {_LOWER_KEY}={_WORD})*){_SEAL}"
)
_EVENT: Final = re.compile(f"!{_HEX4} {_HEX4} ({COUNT}) ([A-Z_]{{1,12}}){_FIELDS}{_SEAL}")
_REPLY: Final = re.compile(f"<{_HEX4} {_HEX4} ([0-9]{{2}}) {_VERB}{_FIELDS}{_SEAL}")
_REQUEST_BODY: Final = re.compile(f">{_HEX4} {_HEX4} {_VERB}{_FIELDS}")
_REQUEST: Final = re.compile(_REQUEST_BODY.pattern + _SEAL)
_SEALED: Final = re.compile(r"[^*]*\*[0-9A-F]{8}")

_UPTIME_SPAN: Final = 1 << 32  # section 3: the unit's uptime wraps there
_IMPEDANCE_FLOOR_UA: Final = 20  # section 3: below it the unit reports no impedance

# Upper-case keys by verb (sections 5 and 6). Another upper-case key would change a meaning unknown here.
_NONE: Final = frozenset[str]()
_REQUEST_CAPITALS: Final = {
    "PRES": frozenset(PRESCRIPTION_KEYS),
    "ARM": frozenset("D"),
    "START": frozenset("DX"),
    "SET": frozenset("I"),
    "RESUME": frozenset("X"),
}
_REPLY_CAPITALS: Final = {"PRES": frozenset((*PRESCRIPTION_KEYS, "D")), "SET": frozenset("I")}


class Request(NamedTuple):
    """What a host asks. Integer values are written in decimal; what the page wants in hex comes as text."""

    sid: int
    number: int
    verb: str
    fields: Mapping[str, str | int]

    def line(self) -> str:
        """The request without its seal, to be given to ``seal``.

        Raises:
            ValueError: the values make no request of section 3, which is a mistake of the caller.
        """
        fields = "".join(f" {key}={value}" for key, value in self.fields.items())
        text = f">{self.sid:04X} {self.number:04X} {self.verb}{fields}"
        if _REQUEST_BODY.fullmatch(text) is None:
            raise ValueError(f"not a request of the protocol's section 3: {text!r}")
        return text


@dataclass(frozen=True, slots=True)
class Reply(TypedFields):
    """A unit's answer; ``code`` 0 is done, another one a refusal (``ErrorCode``) that changed nothing."""

    sid: int
    number: int
    code: int
    verb: str
    fields: Mapping[str, str]

    @property
    def label(self) -> str:
        return f"reply to {self.verb}"


@dataclass(frozen=True, slots=True)
class Event(TypedFields):
    """Something that happened in the unit; ``number`` counts since its boot, modulo 2^16."""

    sid: int
    number: int
    uptime_ms: int
    name: str
    fields: Mapping[str, str]

    @property
    def label(self) -> str:
        return f"event {self.name}"


class Telemetry(NamedTuple):
    """The unit's measurements at ``uptime_ms``; ``number`` counts since HELLO, modulo 2^16."""

    sid: int
    number: int
    uptime_ms: int
    state: UnitState
    set_ua: int
    i_ua: int
    i2_ua: int
    v_mv: int
    z_ohm: int
    q_uc: int
    lease_ms: int
    limited: bool
    relay: bool
    faults: int

    @property
    def current_ma(self) -> float:
        return ma_from_ua(self.i_ua)

    @property
    def voltage_v(self) -> float:
        return self.v_mv / 1000

    @property
    def dose_ma_min(self) -> float:
        return ma_min_from_uc(self.q_uc)

    @property
    def impedance_ohm(self) -> int | None:
        """None where the current is too small to tell; 0 is a short circuit."""
        return self.z_ohm if self.i_ua >= _IMPEDANCE_FLOOR_UA else None


class Plain(NamedTuple):
    """A line of the plain door (section 8); it has no checksum, so nothing rests on it."""

    text: str


Message: TypeAlias = Request | Reply | Telemetry | Event | Plain | Noise


def parse(line: str) -> Message:
    """The message in one line as ``LineDecoder`` gives it; its first character decides what it is."""
    return _READERS.get(line[:1], _plain)(line)


def _telemetry(line: str) -> Telemetry | Noise:
    found = _TELEMETRY.fullmatch(line)
    if found is None:
        return _rejected(line)
    sid, number, uptime, st, set_, i, i2, v, z, q, lk, lim, rl, fl, more, seal = found.groups()
    if crc32(line[:-9].encode()) != int(seal, 16):
        return _rejected(line)
    uptime_ms = int(uptime)
    state = STATES.get(st)
    if state is None or uptime_ms >= _UPTIME_SPAN or (more and not _is_news(more)):
        return _rejected(line)
    # As Telemetry(...) would, whose own __new__ is a Python call of 14 arguments.
    return tuple.__new__(Telemetry, (
        int(sid, 16), int(number, 16), uptime_ms, state,
        int(set_), int(i), int(i2), int(v), int(z), int(q), int(lk),
        lim == "1", rl == "1", int(fl, 16),
    ))  # fmt: skip


def _is_news(fields: str) -> bool:
    """Whether telemetry's trailing fields are new facts, each named once, and none the table's own again."""
    read = _read_fields(fields, _NONE)
    return read is not None and read.keys().isdisjoint(_TELEMETRY_FIELDS)


def _event(line: str) -> Event | Noise:
    found = _EVENT.fullmatch(line)
    if found is None or not _is_intact(line):
        return _rejected(line)
    sid, number, uptime, name, text, _ = found.groups()
    fields = _read_fields(text, _NONE)
    if fields is None or int(uptime) >= _UPTIME_SPAN:
        return _rejected(line)
    return Event(int(sid, 16), int(number, 16), int(uptime), name, fields)


def _reply(line: str) -> Reply | Noise:
    found = _REPLY.fullmatch(line)
    if found is None or not _is_intact(line):
        return _rejected(line)
    sid, number, code, verb, text, _ = found.groups()
    fields = _read_fields(text, _REPLY_CAPITALS.get(verb, _NONE))
    if fields is None:
        return _rejected(line)
    return Reply(int(sid, 16), int(number, 16), int(code), verb, fields)


def _request(line: str) -> Request | Noise:
    found = _REQUEST.fullmatch(line)
    if found is None or not _is_intact(line):
        return _rejected(line)
    sid, number, verb, text, _ = found.groups()
    fields = _read_fields(text, _REQUEST_CAPITALS.get(verb, _NONE))
    if fields is None:
        return _rejected(line)
    return Request(int(sid, 16), int(number, 16), verb, fields)


def _plain(line: str) -> Plain | Noise:
    return Plain(line) if line.isascii() and line.isprintable() else _noise(NoiseKind.POISONED, line)


_READERS: Final = {"~": _telemetry, "<": _reply, "!": _event, ">": _request}


def _read_fields(text: str, capitals: frozenset[str]) -> dict[str, str] | None:
    """The fields of a line whose form is right; None if a key comes twice or an upper-case one is unknown."""
    fields: dict[str, str] = {}
    for pair in text.split():
        key, _, value = pair.partition("=")
        if key in fields or (key.isupper() and key not in capitals):
            return None
        fields[key] = value
    return fields


def _is_intact(line: str) -> bool:
    return crc32(line[:-9].encode()) == int(line[-8:], 16)


def _rejected(line: str) -> Noise:
    """Says why: damage is named before form, because damage explains any form."""
    if not (line.isascii() and line.isprintable()):
        return _noise(NoiseKind.POISONED, line)
    damaged = _SEALED.fullmatch(line) is not None and not _is_intact(line)
    return _noise(NoiseKind.BAD_CRC if damaged else NoiseKind.MISSHAPEN, line)


def _noise(kind: NoiseKind, line: str) -> Noise:
    return Noise(kind, line[:MAX_PLAIN].encode("ascii", "backslashreplace")[:MAX_PLAIN])
