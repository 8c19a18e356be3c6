"""Results as the one error that says what may be done now."""

from dataclasses import replace

import pytest

from controller.effects import RunResult
from controller.errors import CommandRefused, IontoError, LinkLost, SafetyTrip, Unacknowledged, UnitFault
from controller.limits import Breach
from controller.outcome import raise_for

DONE = RunResult(run="RUN1", outcome="DONE", q_uc=6000, low_uc=5340, high_uc=6660, peak_ua=1500, duration_s=6.3)
FAULT = replace(DONE, outcome="FAULT:07", fault=7, reason="overcurrent")
BREACH = replace(DONE, outcome="STOPPED", breach=Breach("a limit", "was passed"), cause="limit", reason="the host")
UNKNOWN = replace(DONE, outcome="UNKNOWN", cause="link", reason="the unit did not answer any more")
LINK = replace(DONE, outcome="LINK", cause="link", reason="the unit lost its host")
REFUSED = replace(DONE, outcome="REFUSED", refused=17, reason="a fault is latched")
STOPPED = replace(DONE, outcome="STOPPED", cause="operator", reason="stopped by a person")
BORED = replace(DONE, outcome="BORED")


def test_what_was_delivered_raises_nothing() -> None:
    raise_for([], "sim://")
    raise_for([DONE, DONE], "sim://")


@pytest.mark.parametrize(
    ("result", "error", "facts"),
    [
        (FAULT, UnitFault, {"code": 7}),
        (BREACH, SafetyTrip, {"limit": "a limit", "observed": "was passed"}),
        (replace(BREACH, outcome="DONE"), SafetyTrip, {"limit": "a limit"}),
        (UNKNOWN, Unacknowledged, {"verb": "RUN"}),
        (LINK, LinkLost, {"port": "sim://"}),
        (REFUSED, CommandRefused, {"code": 17}),
        (STOPPED, CommandRefused, {"code": 0}),
        (BORED, CommandRefused, {"code": 0}),
    ],
)
def test_what_was_not_says_why(result: RunResult, error: type[IontoError], facts: dict[str, object]) -> None:
    with pytest.raises(error) as caught:
        raise_for([result], "sim://")
    assert {key: getattr(caught.value, key) for key in facts} == facts
    assert (result.reason if result.breach is None else "was passed") in str(caught.value)


def test_the_first_phase_that_was_not_delivered_decides() -> None:
    with pytest.raises(CommandRefused):
        raise_for([DONE, STOPPED, FAULT], "sim://")
    with pytest.raises(UnitFault):
        raise_for([replace(FAULT, breach=Breach("a limit", "was passed")), STOPPED], "sim://")


def test_an_end_without_a_reason_is_told_by_its_word() -> None:
    with pytest.raises(CommandRefused, match="BORED"):
        raise_for([BORED], "sim://")
