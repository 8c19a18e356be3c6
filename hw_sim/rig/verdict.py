"""A scenario's expectation against what happened: every point by itself, and none that was not asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hw_sim.scenario import Expected

PEAK_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What came of a play. ``cause_us``: the last thing that went wrong before the end; None: nothing did."""

    outcome: str
    events: tuple[tuple[int, str], ...]
    dose_ma_min: float
    true_dose_ma_min: float
    peak_ma: float
    cause_us: int | None
    left_ma: float  # true current 3 s after the end

    @property
    def answer_ms(self) -> float | None:
        """From what went wrong to the unit's next event; None where nothing went wrong or nothing came of it."""
        if self.cause_us is None:
            return None
        after = [at for at, _ in self.events if at >= self.cause_us]
        return (after[0] - self.cause_us) / 1000 if after else None


class Point(NamedTuple):
    what: str
    expected: str
    happened: str
    held: bool


def judge(expected: Expected, happened: Happened) -> list[Point]:
    """One row for each thing that the scenario says, and one that every scenario owes: nothing flows at the end."""
    events = tuple(text for _, text in happened.events)
    points = [Point("outcome", expected.outcome, happened.outcome, expected.outcome == happened.outcome)]
    if expected.events is not None:
        points.append(Point("events", " ".join(expected.events), " ".join(events), expected.events == events))
    if expected.within_ms is not None:
        took = happened.answer_ms
        text = "no answer" if took is None else f"{took:g} ms"
        held = took is not None and took <= expected.within_ms
        points.append(Point("answer", f"within {expected.within_ms} ms", text, held))
    if expected.dose_ma_min is not None:
        low, high = expected.dose_ma_min
        dose = happened.dose_ma_min
        points.append(Point("dose", f"{low:g} to {high:g} mA.min", f"{dose:.4f} mA.min", low <= dose <= high))
    if expected.peak_ma is not None:
        held = happened.peak_ma <= expected.peak_ma
        points.append(Point("peak", f"at most {expected.peak_ma:g} mA", f"{happened.peak_ma:.4f} mA", held))
    points.append(Point("at the end", "no current", f"{happened.left_ma:.4f} mA", happened.left_ma <= 0.01))
    return points
