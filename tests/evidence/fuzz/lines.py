"""The two line receivers, each against the naive decoder of the tests.

A fuzzer does not guess a CRC-32, so every stream is judged twice: as it is, and with the checksum of each line that
has one put right. The second time gets to what lies behind the checksum.
"""

from __future__ import annotations

import re
from contextlib import suppress
from zlib import crc32

from controller.errors import ProtocolViolation
from controller.wire import Event, LineDecoder, Noise, Reply, Request, parse, seal
from hw_sim.firmware import wire as unit_wire
from tests import naive_wire
from tests.unit.wire.golden import as_golden

HOST_LIMIT, UNIT_LIMIT = 500, 240
_SEALED = re.compile(rb"([<>~!][ -)+-~]*)\*[^\n\r]{0,8}")


def resealed(data: bytes) -> bytes:
    """The same with the checksum of every line that has a ``*`` put right."""
    return _SEALED.sub(lambda line: b"%b*%08X" % (line[1], crc32(line[1])), data)


def pieces(data: bytes, size: int) -> list[bytes]:
    """``data`` cut after every ``size`` bytes; 0: in one."""
    return [data[at : at + size] for at in range(0, len(data), size)] if size else [data]


def host_lines(data: bytes) -> None:
    """What the host hears. The first byte says in which portions."""
    for stream in (data[1:], resealed(data[1:])):
        decoder = LineDecoder()
        items = []
        for piece in pieces(stream, data[0] if data else 0):
            items += decoder.feed(piece)
            assert len(decoder._held) <= HOST_LIMIT, "more is kept than the longest line"
        assert items == LineDecoder().feed(stream), "the portions show"
        plain = [(item.kind.value,) if isinstance(item, Noise) else item for item in items]
        assert plain == naive_wire.decode_stream(stream, HOST_LIMIT), "not the lines of the naive decoder"
        for item in items:
            if isinstance(item, str):
                _host_line(item)


def _host_line(line: str) -> None:
    message = parse(line)
    assert as_golden(message) == naive_wire.decode_line(line), line
    if isinstance(message, Request) and len(line) < UNIT_LIMIT:
        assert seal(message.line()).decode() == f"\n{line}\n", "a request does not come back as itself"
    if isinstance(message, Reply | Event):
        for key in (*message.fields, "sid", "nowhere"):
            for read in (message.integer, message.hexa, message.flag, message.state, message.fault_code, message.word):
                with suppress(ProtocolViolation):
                    read(key)


def unit_lines(data: bytes) -> None:
    """What the unit hears."""
    for stream in (data[1:], resealed(data[1:])):
        receiver = unit_wire.Receiver()
        lines = []
        for piece in pieces(stream, data[0] if data else 0):
            lines += receiver.feed(piece)
            assert len(receiver.buf) < UNIT_LIMIT, "more is kept than the longest line"
        naive = naive_wire.decode_stream(stream, UNIT_LIMIT)
        assert lines == [item for item in naive if isinstance(item, str)], "not the lines of the naive decoder"
        assert receiver.poisoned == naive.count(("POISONED",)), "poisoned lines are not counted"
        assert receiver.overlong == naive.count(("OVERLONG",)), "over-long lines are not counted"
        for line in lines:
            _unit_line(line)


def _unit_line(line: str) -> None:
    body = unit_wire.unseal(line)
    found = None if body is None else unit_wire.request(body)
    naive = naive_wire.decode_line(line)
    if naive["kind"] == "request":
        assert found is not None, f"the unit does not take {line!r}"
        sid, number, verb, fields = found
        assert (f"{sid:04X}", f"{number:04X}", verb) == (naive["sid"], naive["number"], naive["verb"]), line
        assert dict(fields or ()) == naive["fields"], line
    elif naive.get("damage") == "BAD_CRC":
        assert found is None, f"the unit acts on a damaged line: {line!r}"
