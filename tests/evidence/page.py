"""What the parts said when they were last run, kept in ``results.json``, and the page that is made of it.

Half an hour and the long form are two sections. Each part stands there with the day, the commit and the minutes of its
own run, so that a part can be run again alone, and a long one in a night of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.evidence.part import Effort, Failure, Part

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "evidence.md"
INTRODUCTION: Final = Path(__file__).with_name("introduction.md")
RESULTS: Final = Path(__file__).with_name("results.json")
SECTIONS: Final = {Effort.FULL: "In half an hour", Effort.LONG: "In the long form"}
ONE_LENGTH: Final = ("breaks", "cells")  # whose long form is what half an hour plays

Results = dict[str, dict[str, dict[str, Any]]]


def keep(ran: Mapping[str, tuple[Part, float]], effort: Effort, when: str) -> None:
    """Put these parts (with the seconds each took) into the results, and write the page."""
    results: Results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    section = results.setdefault(effort.name.lower(), {})
    for name, (part, took_s) in ran.items():
        section[name] = {"when": when, "minutes": round(took_s / 60, 1), **asdict(part)}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    PAGE.write_text(page(results, names_of(results)), "utf-8")


def names_of(results: Results) -> list[str]:
    """The parts as the half-hour has them."""
    return list(dict.fromkeys(name for section in results.values() for name in section))


def page(results: Results, names: Sequence[str]) -> str:
    """Markdown for `docs/`. What the long form has not run is said."""
    lines = [INTRODUCTION.read_text("utf-8").rstrip(), ""]
    for effort, title in SECTIONS.items():
        section = results.get(effort.name.lower(), {})
        lines += [f"## {title}", ""]
        for name in names:
            if name in section:
                lines += _told(section[name])
        missing = [name for name in names if name not in section]
        same = [name for name in missing if effort is Effort.LONG and name in ONE_LENGTH]
        missing = [name for name in missing if name not in same]
        if missing:
            lines += [f"Not run at this length, or not to the end: {', '.join(missing)}.", ""]
        if same:
            lines += [f"No longer than in half an hour, and not run again: {', '.join(same)}.", ""]
    return "\n".join(lines)


def _told(entry: dict[str, Any]) -> list[str]:
    part = Part(
        name=entry["name"], counts=entry["counts"], failures=tuple(Failure(**failure) for failure in entry["failures"]),
        lines=tuple(entry["lines"]),
    )  # fmt: skip
    held = "held" if part.held else "**did not hold**"
    took = "" if entry["minutes"] is None else f", {entry['minutes']:g} min"
    return [
        f"### {part.name}", "", f"{held}; {entry['when']}{took}", "",
        "| counted | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in part.counts.items()),
        "", *(f"* {failure.what}: `{failure.repeat}`" for failure in part.failures), *part.lines, "",
    ]  # fmt: skip
