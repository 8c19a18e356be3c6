"""What a bad line does to the bytes that are written on it, and to the time they take (L01 to L18, L22, L23, L27, L28).

Each function takes what is written in one go and answers with what of it is left. Whole lines are judged when their
end has come, so a line that may be lost is held until then; only lines of the kind in question are, and a stop byte in
the middle of one lets it go. So what a fault does not mean passes as it came, at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hw_sim.faults.cable import BentLine, Cable, Mishap

HELD_US: Final = 1 << 62  # the arrival of what a stall holds
BAUD: Final = 115_200  # the unit's
LONGEST_LINE: Final = 512  # longer than any line of the protocol: whatever is longer is none
_PARTS: Final = re.compile(rb"[^\r\n]*[\r\n]|[^\r\n]+")

Damage = Callable[["Cable", "BentLine", "Mishap", bytes], bytes]
Delay = Callable[["Cable", "Mishap", int], int]


# -- bytes ---------------------------------------------------------------------------------------------------


def _each(c: Cable, m: Mishap, data: bytes, chance: float, change: Callable[[int], bytes]) -> bytes:
    """``change`` for the bytes that are hit."""
    out = bytearray()
    for byte in data:
        if c.hits(m, chance):
            out += change(byte)
        else:
            out.append(byte)
    return bytes(out)


def _bit_errors(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    """``rate`` a bit, eight bits a byte: one draw a byte, and where it hits, which bits."""
    rate = m.number_of("rate")
    good = 1.0 - rate
    good *= good  # of two bits; powers by multiplication round the same on every machine
    good *= good
    good *= good

    def flip(byte: int) -> bytes:
        first = c.draw() >> 20 & 7
        for bit in range(first + 1, 8):
            if not m.sure and c.draw() < rate * 2**30:
                byte ^= 1 << bit
        return bytes((byte ^ 1 << first,))

    return _each(c, m, data, 1.0 - good, flip)


def _drops(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    return _each(c, m, data, m.number_of("rate"), lambda _: b"")


def _duplicates(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    return _each(c, m, data, m.number_of("rate"), lambda byte: bytes((byte, byte)))


def _bursts(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    """Noise in the place of ``length`` bytes in a row, over the ends of writes."""
    out = bytearray()
    left = line.counts.get(m.number, 0)
    for byte in data:
        if not left and m.left >= 0 and (m.sure or c.draw() < m.number_of("rate") * 2**30):
            left = int(m.number_of("length"))
        out.append(c.draw() >> 11 & 255 if left else byte)
        if left:
            left -= 1
            line.counts[m.number] = left
            if not left:
                c.hits(m, 1.0)
    return bytes(out)


def _ends_lost(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    return re.sub(rb"\n", lambda end: b"" if c.hits(m, m.number_of("rate")) else end[0], data)


def _ends_inserted(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    return _each(c, m, data, m.number_of("rate"), lambda byte: bytes((10, byte)))


def _short_writes(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    """Of a write only the beginning goes; the rest is lost, or comes a little later."""
    if not c.hits(m, m.number_of("rate")):
        return data
    kept = c.draw() % len(data)
    if m.word("rest") == "late":
        line.rest = data[kept:]
    return data[:kept]


def _nothing(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    return b""


def _steals(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    """Two readers of one port: a portion goes to one or the other, and ends anywhere."""
    at = c.draw() % (len(data) + 1)
    return b"".join(part for part in (data[:at], data[at:]) if part and not c.hits(m, m.number_of("share")))


_TRANSLATIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "xonxoff": lambda data: data.translate(None, b"\x11\x13"),
    "lf-to-crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "lf-to-cr": lambda data: data.replace(b"\n", b"\r"),
    "cr-to-lf": lambda data: data.replace(b"\r", b"\n"),
    "lf-lost": lambda data: data.replace(b"\n", b""),
    "signals": lambda data: data.translate(None, b"\x03\x1a\x1c"),  # Ctrl-C, -Z, -\ of a terminal in cooked mode
}


def _translates(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    return _TRANSLATIONS[m.word("how")](data)


def _wrong_settings(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    """The host's port is set otherwise than the unit's 115200 8N1."""
    how, baud = m.word("how"), int(m.number_of("baud"))
    if how == "strip":
        return bytes(byte & 0x7F for byte in data)
    if how == "parity":  # 7E1 against 8N1: a byte's last bit is the parity of the others, and is not looked at
        if line.towards == "host":
            return bytes(byte & 0x7F for byte in data)
        return bytes(byte & 0x7F | (byte & 0x7F).bit_count() % 2 << 7 for byte in data)
    found = [heard(byte, baud, BAUD) if line.towards == "unit" else heard(byte, BAUD, baud) for byte in data]
    if line.towards == "unit" and None in found:
        c.bench.act("break")
    return b"".join(part for part in found if part is not None)


@lru_cache(maxsize=1024)
def heard(byte: int, sent: int, at: int) -> bytes | None:
    """A character sent at one rate, sampled in the middle of the bits of another. None: the line was low for a whole
    character, which is a BREAK.
    """
    levels = [0, *(byte >> n & 1 for n in range(8)), 1]
    out = bytearray()
    edge = 0
    while edge < len(levels):
        if levels[edge] or (edge and not levels[edge - 1]):
            edge += 1
            continue
        seen = [edge + (2 * n + 1) * sent // (2 * at) for n in range(10)]
        bits = [levels[n] if n < len(levels) else 1 for n in seen]
        if not any(bits):
            return None
        if not bits[0]:
            out.append(sum(bit << n for n, bit in enumerate(bits[1:9])))
            edge = seen[-1]
        edge += 1
    return bytes(out)


# -- lines ---------------------------------------------------------------------------------------------------


def _lines(c: Cable, line: BentLine, m: Mishap, data: bytes, firsts: bytes, judge: Callable[[bytes], bytes]) -> bytes:
    """``judge`` for whole lines that begin with one of ``firsts``; what is not finished waits."""
    out = bytearray()
    begun = line.held.pop(m.number, b"")
    passing = not begun and bool(line.counts.pop(m.number, not line.fresh))
    for part in _PARTS.findall(data):
        ended = part[-1:] in (b"\n", b"\r")
        if not passing:
            begun += part
            lets_go = begun[:1] not in firsts or b"\x18" in begun or b"\x03" in begun or len(begun) > LONGEST_LINE
            if begun[:1] in (b"\n", b"\r") or lets_go:
                passing, part, begun = True, begun, b""
            elif ended:
                out += judge(begun)
                begun = b""
        if passing:
            out += part
            passing = not ended
    if m.number not in c.on:  # it was over with one of them
        return bytes(out + begun)
    if begun:
        line.held[m.number] = begun
    line.counts[m.number] = int(passing)
    return bytes(out)


def _is_verb(text: bytes, m: Mishap) -> bool:
    """Whether a request or its reply is of the verb that is meant."""
    wanted = m.word("verb")
    words = text.decode("ascii", "replace").split("*")[0].split(" ")
    return wanted in ("any", *words[2:4])


def _requests_lost(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    def judge(text: bytes) -> bytes:
        return b"" if _is_verb(text, m) and c.hits(m, m.number_of("rate")) else text

    return _lines(c, line, m, data, b">", judge)


def _replies_lost(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    def judge(text: bytes) -> bytes:
        return b"" if _is_verb(text, m) and c.hits(m, m.number_of("rate")) else text

    return _lines(c, line, m, data, b"<", judge)


def _news_lost(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    firsts = {"both": b"~!", "telemetry": b"~", "events": b"!"}[m.word("what")]
    return _lines(c, line, m, data, firsts, lambda text: b"" if c.hits(m, m.number_of("rate")) else text)


def _lines_twice(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    def judge(text: bytes) -> bytes:
        if not c.hits(m, m.number_of("rate")):
            return text
        late_us = round(m.number_of("late") * 1e6)
        if not late_us:
            return text + text
        c.bench.later(c.bench.now_us + late_us, "bytes", f"{line.towards} {line.conn} {text.hex()}")
        return text

    return _lines(c, line, m, data, b">" if line.towards == "unit" else b"<~!", judge)


# -- times ---------------------------------------------------------------------------------------------------


def _latency(c: Cable, m: Mishap, at_us: int) -> int:
    """In portions, as an adapter hands over what came in its 16 ms: the end of the portion."""
    jitter_us = round(m.number_of("jitter") * 1000)
    at_us += round(m.number_of("ms") * 1000) + (c.draw() % (jitter_us + 1) if jitter_us else 0)
    batch_us = round(m.number_of("batch") * 1000)
    return -(-at_us // batch_us) * batch_us if batch_us else at_us


def _bridge(c: Cable, m: Mishap, at_us: int) -> int:
    return at_us + round(m.number_of("ms") * 1000)


def _stall(c: Cable, m: Mishap, at_us: int) -> int:
    return HELD_US


DAMAGE: Final[dict[str, Damage]] = {
    "L01": _bit_errors,
    "L02": _drops,
    "L03": _duplicates,
    "L04": _bursts,
    "L06": _ends_lost,
    "L07": _ends_inserted,
    "L08": _short_writes,
    "L11": _lines_twice,
    "L12": _requests_lost,
    "L13": _replies_lost,
    "L14": _news_lost,
    "L16": _nothing,
    "L17": _nothing,
    "L18": _wrong_settings,
    "L22": _steals,
    "L23": _translates,
}
DELAYS: Final[dict[str, Delay]] = {"L09": _latency, "L10": _stall, "L27": _bridge, "L28": _stall}
STALLS: Final = ("L10", "L28")
