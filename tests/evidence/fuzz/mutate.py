"""Seeded mutations of a corpus, without any coverage: the short form, and what runs where atheris does not install."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random


def mutations(seeds: Sequence[bytes], words: Sequence[bytes], longest: int, seed: int) -> Iterator[bytes]:
    """Endless inputs; the same ones for the same seed."""
    random = Random(seed)
    while True:
        data = bytearray(random.choice(seeds) if seeds else b"")
        for _ in range(random.randint(1, 6)):
            _CHANGES[random.randrange(len(_CHANGES))](random, data, seeds, words)
        yield bytes(data[:longest])


def _flip(random: Random, data: bytearray, *_: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _replace(random: Random, data: bytearray, *_: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(b"\x00\x01\x09\x0a\x0d\x18\x20\"'*=09AZaz\x7f\x80\xff")


def _insert(random: Random, data: bytearray, _: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    data[at:at] = random.choice(words) if words else random.randbytes(random.randint(1, 8))


def _delete(random: Random, data: bytearray, *_: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    del data[at : at + random.randint(1, 1 + len(data) // 4)]


def _repeat(random: Random, data: bytearray, *_: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    data[at:at] = data[at : at + random.randint(1, 40)] * random.randint(1, 4)


def _splice(random: Random, data: bytearray, seeds: Sequence[bytes], _: Sequence[bytes]) -> None:
    if seeds:
        other = random.choice(seeds)
        at = random.randint(0, len(data))
        data[at:] = other[random.randint(0, len(other)) :]


def _swap(random: Random, data: bytearray, *_: Sequence[bytes]) -> None:
    if len(data) > 1:
        a, b = random.randrange(len(data)), random.randrange(len(data))
        data[a], data[b] = data[b], data[a]


def _digits(random: Random, data: bytearray, *_: Sequence[bytes]) -> None:
    """Another number where there is one."""
    places = [at for at, byte in enumerate(data) if 0x30 <= byte <= 0x39]
    if places:
        at = random.choice(places)
        data[at : at + 1] = random.choice((b"0", b"-1", b"9", b"65536", b"4294967296", b"1e9", b"0.5"))


_CHANGES = (_flip, _replace, _insert, _delete, _repeat, _splice, _swap, _digits)
