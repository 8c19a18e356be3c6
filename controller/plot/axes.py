"""Scales and round ticks: 1, 2 or 5 times a power of ten, and for time what a clock has."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Final, NamedTuple

_CLOCK_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_SECONDS_UP_TO: Final = 120.0
_MINUTES_UP_TO: Final = 3 * 3600.0
_HEADROOM: Final = 0.08  # a curve that touches the frame looks cut off
_NEGLIGIBLE: Final = 0.02  # sensor noise around zero does not open a negative half
# A lead that comes off sends the impedance up a thousandfold for two samples; on a linear axis that would
# be all there is to see.
_LOG_FROM: Final = 20.0
_TICK_PX: Final = 28
_FINEST: Final = 1e-9  # no quantity here has a digit there; what differs by less is level


class Tick(NamedTuple):
    value: float
    label: str


class Scale(NamedTuple):
    """Values to pixels; ``log``: of the value's decimal logarithm."""

    low: float
    high: float
    start_px: float
    end_px: float
    log: bool = False

    @property
    def line(self) -> tuple[float, float]:
        """Slope and offset: px = slope * (value or log10(value)) + offset."""
        low, high = (log10(self.low), log10(self.high)) if self.log else (self.low, self.high)
        slope = (self.end_px - self.start_px) / (high - low)
        return slope, self.start_px - slope * low

    def px(self, value: float) -> float:
        slope, offset = self.line
        return slope * (log10(value) if self.log else value) + offset


def nice_step(span: float, most: int) -> float:
    """The smallest round step that cuts ``span`` into at most ``most`` pieces."""
    raw = span / most
    power = 10.0 ** floor(log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))


def decimals(step: float) -> int:
    return max(0, -floor(log10(step) + 1e-9))


def _multiples(low: float, high: float, step: float) -> list[float]:
    places = decimals(step)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(number * step, places) + 0.0 for number in range(first, last + 1)]


def value_ticks(scale: Scale) -> list[Tick]:
    """Ticks of a value axis, at least 28 px apart."""
    if scale.log:
        return _log_ticks(scale)
    most = max(2, int(abs(scale.end_px - scale.start_px) / _TICK_PX))
    step = nice_step(scale.high - scale.low, most)
    places = decimals(step)
    return [Tick(value, f"{value:.{places}f}".replace("-", "−")) for value in _multiples(scale.low, scale.high, step)]


def _log_ticks(scale: Scale) -> list[Tick]:
    decades = range(floor(log10(scale.low)), ceil(log10(scale.high)) + 1)
    decade_px = abs(scale.line[0])
    factors = (1, 2, 5) if decade_px * 0.3 >= _TICK_PX / 2 else (1,)
    every = ceil(_TICK_PX / 2 / decade_px)
    values = [factor * 10.0**decade for decade in decades if decade % every == 0 for factor in factors]
    return [Tick(value, f"{value:g}") for value in values if scale.low <= value <= scale.high]


def time_ticks(low: float, high: float, most: int) -> tuple[list[Tick], str]:
    """Ticks of the time axis in seconds, and what their labels mean."""
    raw = (high - low) / most
    if raw <= 1:
        step = nice_step(high - low, most)
    else:
        step = next((float(s) for s in _CLOCK_S if s >= raw), nice_step((high - low) / 86_400, most) * 86_400)
    values = _multiples(low, high, step)
    if high <= _SECONDS_UP_TO:
        places = decimals(step)
        return [Tick(value, f"{value:.{places}f}".replace("-", "−")) for value in values], "s"
    if high <= _MINUTES_UP_TO:
        return [Tick(value, clock_text(value)) for value in values], "min:s"
    return [Tick(value, f"{int(value) // 3600}:{int(value) // 60 % 60:02d}") for value in values], "h:min"


def clock_text(t_s: float) -> str:
    """Minutes and seconds, to the second below."""
    whole = int(t_s)
    return f"{whole // 60}:{whole % 60:02d}"


def value_scale(values: Sequence[tuple[float, float]], sample: Sequence[float], top: float, bottom: float) -> Scale:
    """A scale from ``bottom`` to ``top`` pixels over all ``values``, pairs of lowest and highest.

    It begins at zero, because a current that looks doubled should have doubled. It is logarithmic where
    all of ``sample`` is positive and its peak is far above what is usual.
    """
    low = min((pair[0] for pair in values), default=0.0)
    high = max((pair[1] for pair in values), default=0.0)
    if sample and low > _FINEST and high > _LOG_FROM * sorted(sample)[(len(sample) - 1) // 2]:
        return Scale(low / 1.2, high * 1.2, bottom, top, log=True)
    high = max(high, 0.0)
    low = 0.0 if low > -_NEGLIGIBLE * high or low >= 0 else low
    if high - low < _FINEST:
        high = low + 1.0
    room = _HEADROOM * (high - low)
    return Scale(low - room if low < 0 else low, high + room, bottom, top)
