"""What the tests of the firmware share: a bench, new for each test."""

from collections.abc import Callable

import pytest

from tests.sim.firmware.bench import Bench


@pytest.fixture
def bench() -> Bench:
    """A unit on 5 kohm, powered, nothing said yet."""
    return Bench()


@pytest.fixture
def at() -> Callable[..., Bench]:
    """A new unit in a given state."""
    return lambda state, **fields: Bench().to(state, **fields)
