"""What a UART hears when the sender is set otherwise: wrong baud rate, wrong parity, another number of bits.

No noise is drawn for that. A frame is a row of levels in time, and the receiver samples it as a UART does: it
waits for the falling edge, looks in the middle of the start bit and then once a bit of its own. So what comes
out is the garbage a real line would give, the same for the same bytes: rates that are 3 % apart understand
each other, 7E1 heard as 8N1 has bit 7 set in every other character, and a zero sent at a sixth of the rate
is a BREAK.

Each character is heard by itself, with the line idle before and after. Back to back, the receiver would
sometimes fall into step in the middle of the next one; but then the garbage would depend on the portions in
which bytes happen to arrive, and nothing could be repeated.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from hw_sim.endpoints.com_port import BREAK_DETECTED, FRAMING_ERROR, PARITY_ERROR

NONE, ODD, EVEN, MARK, SPACE = 1, 2, 3, 4, 5


class Frame(NamedTuple):
    """Stop bits make no difference to what is heard: a receiver looks at the first."""

    baud: int
    data_bits: int = 8
    parity: int = NONE


class Heard(NamedTuple):
    """``errors`` are bits of RFC 2217's line state. A BREAK has no characters."""

    data: bytes
    errors: int


def parity_bit(value: int, parity: int) -> int:
    odd_ones = value.bit_count() & 1
    return {ODD: 1 - odd_ones, EVEN: odd_ones, MARK: 1, SPACE: 0}[parity]


def hear(data: bytes, sender: Frame, receiver: Frame) -> Heard:
    """``data`` sent as ``sender`` is set, heard as ``receiver`` is."""
    if sender == receiver and sender.data_bits == 8:
        return Heard(data, 0)
    heard = [_hear_one(byte, sender, receiver) for byte in data]
    errors = 0
    for one in heard:
        errors |= one.errors
    return Heard(b"".join(one.data for one in heard), errors)


@lru_cache(maxsize=4096)
def _hear_one(byte: int, sender: Frame, receiver: Frame) -> Heard:
    """Look for falling edges, bit of the sender by bit; what a frame has taken has none."""
    levels = _levels(byte, sender)
    data, errors = bytearray(), 0
    at = 0
    while at < len(levels):
        is_edge = not levels[at] and (at == 0 or levels[at - 1])
        end, value, wrong = _sample(levels, at, sender, receiver) if is_edge else (at, None, 0)
        errors |= wrong
        if value is not None:
            data.append(value)
        at = end + 1
    return Heard(bytes(data), errors)


def _levels(byte: int, frame: Frame) -> tuple[int, ...]:
    """Start bit, data with the lowest bit first, parity; the stop bit is the idle line."""
    value = byte & ((1 << frame.data_bits) - 1)
    bits = tuple(value >> n & 1 for n in range(frame.data_bits))
    return (0, *bits, parity_bit(value, frame.parity)) if frame.parity != NONE else (0, *bits)


def _sample(levels: tuple[int, ...], at: int, sender: Frame, receiver: Frame) -> tuple[int, int | None, int]:
    """One frame from the falling edge at bit ``at``: the sender's bit at which it ends, its value if there is one,
    and what was wrong with it.
    """

    def bit(halves: int) -> int:
        """The sender's bit under way, so many halves of the receiver's bits after the edge."""
        return at + halves * sender.baud // (2 * receiver.baud)

    def level(halves: int) -> int:
        n = bit(halves)
        return levels[n] if n < len(levels) else 1

    if level(1):
        return at, None, 0  # too short for a start bit
    value = sum(level(2 * n + 3) << n for n in range(receiver.data_bits))
    halves = 2 * receiver.data_bits + 3
    wrong = parity = 0
    if receiver.parity != NONE:
        parity = level(halves)
        halves += 2
        wrong |= PARITY_ERROR * (parity != parity_bit(value, receiver.parity))
    if level(halves):
        return bit(halves), value, wrong
    if value or parity:
        return bit(halves), value, wrong | FRAMING_ERROR
    return bit(halves), None, BREAK_DETECTED
