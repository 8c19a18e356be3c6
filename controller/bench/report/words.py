"""Numbers and limits as people write them, and texts that a file can hold."""

from __future__ import annotations

from typing import Final

from controller.plot.paint import NOT_XML, unit_sign

NONE: Final = "–"
_LARGEST: Final = 1e9  # from here on an exponent is easier to read


def percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f} %"


def number(value: float | None, digits: int = 4) -> str:
    if value is None:
        return NONE
    large = 10**digits <= abs(value) < _LARGEST
    return (f"{value:.0f}" if large else f"{value:.{digits}g}").replace("-", "−")


def limits_text(low: float | None, high: float | None, unit: str) -> str:
    sign = f" {unit_sign(unit)}" if unit else ""
    match low, high:
        case None, None:
            return NONE
        case None, _:
            return f"≤ {number(high)}{sign}"
        case _, None:
            return f"≥ {number(low)}{sign}"
        case _ if low == high:
            return f"= {number(low)}{sign}"
        case _:
            return f"{number(low)} … {number(high)}{sign}"


def xml_text(text: str) -> str:
    """For a writer of XML, which escapes and does not look whether XML can hold it; a name may be anything."""
    return text.encode("utf-8", "replace").decode().translate(NOT_XML)
