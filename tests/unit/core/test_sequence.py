"""What the numbers of telemetry and events say: missing, old, wrapped, begun anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.engine.sequence import EventNumbers, lines_missing, pages
from controller.wire import Telemetry, UnitState

LINE = Telemetry(0x4A17, 100, 82_100, UnitState.HOLD, 1500, 1498, 1499, 6270, 4186, 82_470, 1830, False, True, 0)


@pytest.mark.parametrize(
    ("last", "number", "missing"),
    [
        (100, 101, 0),
        (100, 104, 3),
        (100, 100, None),
        (100, 99, None),
        (0xFFFF, 0, 0),
        (0xFFFE, 1, 2),
        (0, 0xFFFF, None),
        (0, 0x8000, 0x7FFF),
        (0, 0x8001, None),
    ],
)
def test_lines_missing_between_two(last: int, number: int, missing: int | None) -> None:
    assert lines_missing(LINE._replace(number=last), LINE._replace(number=number)) == missing


@pytest.mark.parametrize("number", [0, 7, 100, 0xFFFF])
def test_a_new_session_misses_all_lines_before_its_first_heard(number: int) -> None:
    assert lines_missing(LINE, LINE._replace(sid=0x4A18, number=number)) == number


def test_events_count_from_the_first_heard_and_an_old_one_moves_nothing() -> None:
    events = EventNumbers()
    assert [events.take(number) for number in (500, 501, 501, 500, 504, 503, 505)] == [0, 0, None, None, 2, None, 0]
    assert events.newest == 505


def test_events_wrap() -> None:
    events = EventNumbers()
    assert [events.take(number) for number in (0xFFFF, 0, 0x8000, 0x0001)] == [0, 0, 0x7FFF, None]


def test_events_are_numbered_anew_from_the_boot() -> None:
    events = EventNumbers()
    events.take(500)
    events.restart()
    assert [events.take(number) for number in (1, 4)] == [0, 2]


@pytest.mark.parametrize(
    ("before", "missing", "asked"),
    [
        (5, 1, ["0004"]),
        (20, 8, ["000C"]),
        (20, 9, ["000B", "0013"]),
        (3, 5, ["FFFE"]),
        (100, 99, ["0024", "002C", "0034", "003C", "0044", "004C", "0054", "005C"]),
    ],
)
def test_pages_to_ask_events_from(before: int, missing: int, asked: list[str]) -> None:
    assert pages(before, missing) == asked


@given(st.integers(0, 0xFFFF), st.integers(1, 0x8000))
def test_pages_of_eight_hold_everything_missing_that_the_unit_still_has(before: int, missing: int) -> None:
    told = {(int(first, 16) + more) & 0xFFFF for first in pages(before, missing) for more in range(8)}
    assert {(before - ago) & 0xFFFF for ago in range(1, min(missing, 64) + 1)} <= told
    assert len(pages(before, missing)) <= 8
