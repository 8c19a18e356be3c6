"""Where every random number of the plant comes from.

One generator, Marsaglia's xorshift over two words, lives in the record and is drawn once a tick (in
`tick.step`). Its words have 30 bits: a 30-bit integer is one digit of CPython and a small integer of a
microcontroller, and no intermediate value leaves 31 bits, so that the same lines compile with signed 64-bit
integers (an unsigned 64-bit word mixed with signed constants turns into a float under Numba). One 64-bit word
was tried: 1.8 times the cost. The shifts 8, 11, 17 have the full period 2^60 - 1, which the tests prove.

The 30 bits are three indices of 10 bits into a table of normal quantiles. The table stands for a
transcendental function per sample; its entries are multiples of 1/4096, so that no C library can round one
differently.
"""

from __future__ import annotations

import math
from typing import Final

from .record import Plant

WORD: Final = 0x3FFF_FFFF
LOW22: Final = 0x3F_FFFF  # what of a word a left shift by 8 keeps
_LEVELS: Final = 1024
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF

SIGMA: Final = 0.35
# physics.md section 1: spread of ln(g0) between people; 3-4 fold, Ramsay et al.


def _quantile(p: float, guess: float) -> float:
    """The normal quantile by Newton's method, from the neighbouring level's as a guess."""
    x = guess
    for _ in range(30):
        density = math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
        step = (0.5 * (1.0 + math.erf(x / math.sqrt(2.0))) - p) / density
        x -= step
        if abs(step) < 1e-12:
            break
    return x


def _normals() -> tuple[float, ...]:
    half: list[float] = []
    x = -3.3
    for level in range(_LEVELS // 2):
        x = _quantile((level + 0.5) / _LEVELS, x)
        half.append(round(x * 4096.0) / 4096.0)
    return (*half, *(-x for x in reversed(half)))


NORMALS: Final[tuple[float, ...]] = _normals()


def _scrambled(seed: int, stream: int) -> int:
    """64 well mixed bits of (seed, stream): splitmix64, so that seeds 1 and 2 share nothing."""
    z = (seed + (2 * stream + 1) * 0x9E37_79B9_7F4A_7C15) & _M64
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & _M64
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & _M64
    return z ^ (z >> 31)


def seeded_words(seed: int) -> tuple[int, int]:
    """The two words a seed starts from; never both zero, the one state the generator cannot leave."""
    bits = _scrambled(seed, 0)
    return bits & WORD, (bits >> 30) & WORD | 1


def draw(p: Plant) -> int:
    """30 bits: what `tick.step` has inlined."""
    rng = p.rng_x
    rng ^= (rng & LOW22) * 256
    last = p.rng_y
    p.rng_x = last
    rng ^= (rng >> 11) ^ last ^ (last >> 17)
    p.rng_y = rng
    return rng


def draw_person(seed: int, n: int) -> tuple[float, float]:
    """Person `n` of a population: factors on g0 under the drug and the return electrode (median 1)."""
    bits = _scrambled(_scrambled(seed, 1) ^ n, 2)
    return math.exp(SIGMA * NORMALS[bits & 1023]), math.exp(SIGMA * NORMALS[(bits >> 10) & 1023])
