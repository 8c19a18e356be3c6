"""Templates to pages. jinja2 is imported when a page is made: a verification that writes none does not pay for it.

Whatever comes from a record is escaped; pictures are the one thing that goes in as it is, and ``charts`` and ``figure``
escape every text in them. A name that a template misspells is an error, not an empty place.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from controller.plot.paint import style_sheet

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment(room: str) -> Environment:
    """The templates of ``room``, and behind them those of this one, whose frame every page has."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loaders = [PackageLoader(each) for each in dict.fromkeys((room, "controller.bench.report"))]
    environment = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    # Pictures in cells have no style of their own: hundreds of them share the page's.
    environment.globals["plot_style"] = picture(style_sheet())
    return environment


def rendered(template: str, *, room: str = "controller.bench.report", **values: Any) -> str:  # noqa: ANN401 - whatever a template asks for
    return _environment(room).get_template(template).render(**values)


def picture(svg: str) -> Any:  # noqa: ANN401 - markupsafe.Markup
    """An SVG of this package, to stand in a page as it is."""
    from markupsafe import Markup

    return Markup(svg)
