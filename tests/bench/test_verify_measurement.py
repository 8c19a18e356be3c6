"""Outcomes, limits and margins, by hand-computed values."""

from __future__ import annotations

from math import inf, nan

import pytest

from controller.bench.measurement import Definition, Limits, Measurement, Outcome


def definition(low: float | None, high: float | None, margin: float = 0.1) -> Definition:
    return Definition(
        name="accuracy.error", title="error", unit="uA", limits=Limits(low, high), how="meter less set-point",
        error_code="ACC-1", margin=margin, instrument="meter",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "value", "outcome", "margin"),
    [
        (-20.0, 20.0, 0.0, Outcome.PASS, 1.0),
        (-20.0, 20.0, 10.0, Outcome.PASS, 0.5),
        (-20.0, 20.0, 18.5, Outcome.MARGINAL, 0.075),
        (-20.0, 20.0, 20.0, Outcome.MARGINAL, 0.0),
        (-20.0, 20.0, 20.1, Outcome.FAIL, -0.005),
        (None, 100.0, 0.0, Outcome.PASS, 1.0),
        (None, 100.0, 95.0, Outcome.MARGINAL, 0.05),
        (None, 100.0, 100.5, Outcome.FAIL, -0.005),
        (-700.0, None, -650.0, Outcome.MARGINAL, 50 / 700),
        (1.0, 1.0, 1.0, Outcome.PASS, None),
        (1.0, 1.0, 0.0, Outcome.FAIL, None),
        (0.0, 0.0, 0.0, Outcome.PASS, None),
        (None, None, 1e9, Outcome.PASS, None),
    ],
)
def test_outcome_and_margin(low, high, value, outcome, margin):
    seen = definition(low, high).measured(value)
    assert seen.outcome is outcome
    assert seen.margin == (None if margin is None else pytest.approx(margin))


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_was_not_measured_and_did_not_fail(value):
    assert definition(0, 1).measured(value).outcome is Outcome.NOT_MEASURED


def test_not_measured_says_why_and_zero_is_a_value():
    seen = definition(0, 1).unmeasured("no meter")
    assert (seen.outcome, seen.value, seen.reason) == (Outcome.NOT_MEASURED, None, "no meter")
    assert definition(0, 1).measured(0.0).outcome is not Outcome.NOT_MEASURED


def test_its_json_is_this_and_comes_back():
    seen = definition(-20.0, 20.0).measured(18.5, calibrated="2026-03-01")
    assert seen.as_dict() == {
        "name": "accuracy.error", "docstring": "error", "outcome": "MARGINAL", "measured_value": 18.5, "units": "uA",
        "validators": ["-20 <= x <= 20"], "limits": {"low": -20.0, "high": 20.0}, "marginal_below": 0.1,
        "margin": 0.075, "method": "meter less set-point", "instrument": "meter", "calibrated": "2026-03-01",
        "error_code": "ACC-1", "reason": None,
    }  # fmt: skip
    assert Measurement.from_dict(seen.as_dict()) == seen


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(1, 2), "1 <= x <= 2"), (Limits(None, 2), "x <= 2"), (Limits(1, None), "1 <= x"),
        (Limits(0, 0), "x == 0"), (Limits(), "any"),
    ],
)  # fmt: skip
def test_limits_in_words(limits, text):
    assert limits.text == text
