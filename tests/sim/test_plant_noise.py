"""The generator's period is proved, its fields are measured."""

import math

import pytest

from hw_sim.plant import new_plant, step
from hw_sim.plant.noise import LOW22, NORMALS, WORD, seeded_words

PERIOD = 2**60 - 1
FACTORS = (3, 5, 7, 11, 13, 31, 41, 61, 151, 331, 1321)  # of 2^60 - 1

Matrix = list[int]  # images of the 60 unit vectors


def drawn(x: int, y: int) -> tuple[int, int]:
    """As it is written down, in 30 bits: t = x ^ (x << 8), y' = y ^ (y >> 17) ^ t ^ (t >> 11)."""
    t = (x ^ (x << 8)) & WORD
    return y, y ^ (y >> 17) ^ t ^ (t >> 11)


def apply(matrix: Matrix, vector: int) -> int:
    image = 0
    for bit in range(60):
        if vector >> bit & 1:
            image ^= matrix[bit]
    return image


def times(outer: Matrix, inner: Matrix) -> Matrix:
    return [apply(outer, image) for image in inner]


def power(matrix: Matrix, exponent: int) -> Matrix:
    result = [1 << bit for bit in range(60)]
    while exponent:
        if exponent & 1:
            result = times(matrix, result)
        matrix = times(matrix, matrix)
        exponent >>= 1
    return result


def test_period_is_two_to_the_sixty_less_one() -> None:
    one = [1 << bit for bit in range(60)]
    draw = []
    for unit in one:
        x, y = drawn(unit & WORD, unit >> 30)
        draw.append(x | y << 30)
    product = PERIOD
    for factor in FACTORS:
        while product % factor == 0:
            product //= factor
    assert product == 1
    assert power(draw, PERIOD) == one
    assert all(power(draw, PERIOD // factor) != one for factor in FACTORS)


def test_step_draws_once_a_tick_what_is_written_down() -> None:
    assert LOW22 == WORD >> 8
    p = new_plant(seed=4)
    x, y = seeded_words(4)
    for _ in range(1000):
        step(p)
        x, y = drawn(x, y)
        assert (p.rng_x, p.rng_y) == (x, y)


def test_seed_one_begins_with_the_same_words_on_every_machine() -> None:
    p = new_plant(seed=1)
    words = []
    for _ in range(3):
        step(p)
        words.append(p.rng_y)
    assert words == [259474357, 602788701, 467546752]


def test_table_is_the_normal_distribution() -> None:
    assert len(NORMALS) == 1024
    assert list(NORMALS) == sorted(NORMALS)
    assert all(low == -high for low, high in zip(NORMALS, reversed(NORMALS), strict=True))
    # Standard normal quantiles from a printed table: 0.8413 is 1 sigma, 0.97725 is 2 sigma.
    assert NORMALS[int(0.8413 * 1024)] == pytest.approx(1.0, abs=0.005)
    assert NORMALS[int(0.97725 * 1024)] == pytest.approx(2.0, abs=0.02)
    assert math.sqrt(sum(z * z for z in NORMALS) / 1024) == pytest.approx(1.0, abs=0.001)
    assert all((z * 4096).is_integer() for z in NORMALS)


@pytest.mark.parametrize("seed", [0, 1, 2**70])
def test_any_seed_is_a_state_the_generator_can_leave(seed: int) -> None:
    x, y = seeded_words(seed)
    assert 0 <= x <= WORD
    assert 0 < y <= WORD


def series(ticks: int) -> tuple[list[int], list[int], list[int]]:
    p = new_plant(seed=11, noise_i=1.0, noise_i2=2.0, noise_v=3.0)
    rows = []
    for _ in range(ticks):
        step(p)
        rows.append((p.adc_i - 40, p.adc_i2 - 36, p.adc_v - 44))
    i, i2, v = zip(*rows, strict=True)
    return list(i), list(i2), list(v)


def correlation(a: list[int], b: list[int]) -> float:
    def rms(z: list[int]) -> float:
        return math.sqrt(sum(x * x for x in z) / len(z))

    return sum(x * y for x, y in zip(a, b, strict=True)) / len(a) / rms(a) / rms(b)


def test_noise_has_the_rms_it_was_given_and_nothing_in_common() -> None:
    n = 40_000
    channels = series(n)
    for channel, sigma in zip(channels, (1.0, 2.0, 3.0), strict=True):
        mean = sum(channel) / n
        rms = math.sqrt(sum((c - mean) ** 2 for c in channel) / n)
        assert abs(mean) < 4 * sigma / math.sqrt(n)
        assert rms == pytest.approx(math.sqrt(sigma**2 + 1 / 12), rel=0.02)  # and the rounding to a code
    limit = 4.5 / math.sqrt(n)
    for a in channels:
        for b in channels:
            lags = range(1 if a is b else 0, 6)
            assert all(abs(correlation(a[: n - lag], b[lag:])) < limit for lag in lags)
