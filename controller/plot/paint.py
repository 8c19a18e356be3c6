"""Colours, text and its width.

Every colour is an attribute (light), with a class that the style sheet inside the file overrides in dark.
The attribute is what Inkscape, librsvg, a PDF converter or a mail program shows. Contrast of text and
curves against the ground is at least 4.5 : 1 in both (WCAG 2.2, 1.4.3), the grid is fainter on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import Final
from zlib import crc32

# light, dark. Curve hues differ in lightness too, for a grey print.
PALETTE: Final[dict[str, tuple[str, str]]] = {
    "ground": ("#ffffff", "#13171d"),
    "ink": ("#1a212b", "#e6eaf0"),
    "mute": ("#5a6573", "#9ba6b4"),
    "grid": ("#e8ebef", "#272e38"),
    "axis": ("#aab3be", "#4d5866"),
    "alarm": ("#c1121f", "#ff7b7b"),
    "caution": ("#8f5700", "#f2b24d"),
    "hue0": ("#0a5ea8", "#63b3f7"),
    "hue1": ("#a84a0e", "#f0a060"),
    "hue2": ("#0c7265", "#4fcbb4"),
    "hue3": ("#6430c0", "#b99cff"),
}
HUES: Final = 4

# What XML cannot hold at all (its section 2.2), beside surrogates, which go where text is encoded.
NOT_XML: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF], "\ufffd")
_ESCAPES: Final = {
    **NOT_XML,
    **str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}),
}
_UNITS: Final = {"kohm": "kΩ", "ohm": "Ω", "mA.min": "mA·min", "uA": "µA", "uC": "µC", "us": "µs"}

_FONTS: Final = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"
BOLDER: Final = 1.1  # how much wider semi-bold text is
_BOLD: Final = ' font-weight="600"'
_ROUND: Final = 'stroke-linejoin="round"'

# Widths in em, of a wide face (DejaVu Sans), so that labels keep apart in any other.
_NARROW, _SPACE, _LOWER, _UPPER, _WIDE = 0.34, 0.32, 0.61, 0.70, 0.96
_WIDTHS: Final = {
    **dict.fromkeys("abcdeghknopqsuvxyz_+=0123456789-·→", _LOWER),
    **dict.fromkeys("fijlrtI.,:;'|!()[]/", _NARROW),
    **dict.fromkeys("mwMW@%…", _WIDE),
    " ": _SPACE,
}


def fill(name: str) -> str:
    return f'class="ionto-f-{name}" fill="{PALETTE[name][0]}"'


def stroke(name: str, width: float) -> str:
    return f'class="ionto-s-{name}" stroke="{PALETTE[name][0]}" stroke-width="{width:g}" fill="none"'


def style_sheet() -> str:
    """Class names begin with ``ionto-``: a page that takes the SVG in keeps its own style."""
    rules = "".join(
        f".ionto-f-{name}{{fill:{dark}}}.ionto-s-{name}{{stroke:{dark}}}" for name, (_, dark) in PALETTE.items()
    )
    return f"<style>@media screen and (prefers-color-scheme:dark){{{rules}}}</style>"


def plain(text: str) -> str:
    """``text`` for XML: escaped, and without the characters that XML cannot hold at all."""
    return text.encode("utf-8", "replace").decode().translate(_ESCAPES)


def unit_sign(unit: str) -> str:
    """``kohm`` and ``mA.min`` as they are printed."""
    return _UNITS.get(unit, unit)


def width_px(text: str, size_px: float) -> float:
    """A width that ``text`` will not exceed in common faces."""
    return sum(_WIDTHS.get(char, _UPPER) for char in text) * size_px


def shorten(text: str, width: float, size_px: float) -> str:
    """``text``, or as much of its start as fits ``width`` with an ellipsis."""
    if width_px(text, size_px) <= width:
        return text
    room = width - width_px("…", size_px)
    ends = accumulate(width_px(char, size_px) for char in text)
    return text[: sum(1 for _ in takewhile(lambda end: end <= room, ends))].rstrip() + "…"


def wrap(text: str, width: float, size_px: float, most: int) -> list[str]:
    """``text`` in at most ``most`` lines, broken at blanks; the last is shortened if need be."""
    lines: list[str] = []
    for word in text.split():
        if lines and (len(lines) == most or width_px(f"{lines[-1]} {word}", size_px) <= width):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [shorten(line, width, size_px) for line in lines]


def text_at(
    x: float,
    y: float,
    text: str,
    paint: str,
    size_px: float,
    *,
    anchor: str = "start",
    bold: bool = False,
    halo: bool = False,
    unit: str = "",
) -> str:
    """A text element; ``halo`` interrupts lines behind it, ``unit`` follows in a lighter hand."""
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    place = f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size_px:g}"{at}{_BOLD if bold else ""}'
    words = plain(text)
    after = f'<tspan dx="6" font-weight="400" {fill("mute")}>{plain(unit)}</tspan>' if unit else ""
    # Twice the text: paint-order does a halo with one element, and where a viewer does not know it, the
    # halo covers the text.
    under = f"<g {stroke('ground', 4)} {_ROUND}>{place}>{words}{after}</text></g>" if halo else ""
    return f"{under}{place} {fill(paint)}>{words}{after}</text>"


def document(title: str, description: str, body: Sequence[str], width: float, height: float) -> str:
    """The SVG text around ``body``; ``description`` is the picture in words."""
    # Several plots may stand in one page, and ids must differ there.
    key = f"ionto-{crc32((title + description).encode('utf-8', 'replace')):08x}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:.0f}" width="{width:g}" '
        f'height="{height:.0f}" role="img" aria-labelledby="{key}-t {key}-d" font-family="{_FONTS}" '
        'style="max-width:100%;height:auto">\n'
        f'<title id="{key}-t">{plain(title)}</title>\n<desc id="{key}-d">{plain(description)}</desc>\n'
        f'{style_sheet()}\n<rect width="100%" height="100%" {fill("ground")}/>\n' + "\n".join(body) + "\n</svg>\n"
    )
