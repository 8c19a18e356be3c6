"""Yield, Cp and Cpk: every figure computed by hand."""

from __future__ import annotations

from math import isclose, sqrt

import pytest

from controller.shelf.capability import Attempt, Capability, Cause, Yield, capability, pareto, yield_of


def near(got: float | None, expected: float) -> bool:
    return got is not None and isclose(got, expected, rel_tol=1e-9)


def test_both_limits() -> None:
    found = capability([1.0, 2.0, 3.0], -1.0, 6.0)  # mean 2, s 1
    assert (found.n, found.mean, found.s) == (3, 2.0, 1.0)
    assert near(found.cp, 7 / 6)
    assert near(found.cpk, 1.0), "the nearer limit is 3 below"
    assert near(found.cpk_at_least, 1 - 1.6449 * sqrt(1 / 27 + 1 / 4))
    assert found.note == "fewer than 25 units: a rough estimate"


@pytest.mark.parametrize(("low", "high", "cpk"), [(None, 5.0, 1.0), (0.5, None, 0.5), (None, 1.0, -1 / 3)])
def test_one_limit_has_no_cp(low, high, cpk) -> None:
    found = capability([1.0, 2.0, 3.0], low, high)
    assert found.cp is None
    assert near(found.cpk, cpk)


def test_zero_is_a_limit_and_a_value() -> None:
    found = capability([-1.0, 0.0, 1.0], 0.0, 0.0)
    assert (found.mean, found.cp, found.cpk) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Capability(0, note="never measured")),
        ([4.5], Capability(1, 4.5, note="one unit has no spread")),
        ([0.0, 0.0], Capability(2, 0.0, 0.0, note="all values are the same")),
    ],
)
def test_without_a_spread_there_is_no_figure(values, expected) -> None:
    assert capability(values, -1.0, 1.0) == expected


def test_the_last_digit_of_a_number_is_no_spread() -> None:
    assert 0.1 + 0.2 != 0.3
    found = capability([0.1 + 0.2, 0.3, 0.3], 0.0, 1.0)
    assert (found.s, found.cpk, found.note) == (0.0, None, "all values are the same")


def test_without_limits_there_is_no_figure() -> None:
    assert capability([1.0, 3.0], None, None) == Capability(2, 2.0, sqrt(2), note="no limits")


def test_from_twenty_five_on_it_is_no_rough_estimate() -> None:
    assert capability([1.0, 2.0] * 12, 0, 3).note != ""
    assert capability([1.0, 2.0] * 12 + [1.5], 0, 3).note == ""


ATTEMPTS = [
    Attempt("A", True, None),
    Attempt("B", False, "ripple"),
    Attempt("C", False, "ripple"),
    Attempt("B", False, "dose"),
    Attempt("B", True, None),
    Attempt("A", False, "trip time"),
]


def test_the_first_attempt_and_the_last_count() -> None:
    found = yield_of(ATTEMPTS)
    assert found == Yield(units=3, first_pass=1, final=1, attempts=6), "B passed in the end, A did not"
    assert near(found.first_pass_yield, 1 / 3)
    assert near(found.final_yield, 1 / 3)


def test_no_units_have_no_yield() -> None:
    assert yield_of([]) == Yield(0, 0, 0, 0)
    assert yield_of([]).first_pass_yield is None
    assert yield_of([]).final_yield is None


def test_what_fails_first_the_most_frequent_first() -> None:
    assert pareto(ATTEMPTS) == [
        Cause("ripple", 2, 0.5, 0.5),
        Cause("dose", 1, 0.25, 0.75),
        Cause("trip time", 1, 0.25, 1.0),
    ]
    assert pareto([Attempt("A", False, None)]) == [Cause("not named", 1, 1.0, 1.0)]
    assert pareto([]) == []
