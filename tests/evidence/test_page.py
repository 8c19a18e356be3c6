"""The page says what the results say, each part with its own day, and what was not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evidence import page
from tests.evidence.part import Effort, Failure, Part


def test_a_part_run_again_alone_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(page, "PAGE", tmp_path / "evidence.md")
    one, two = Part(name="the one", counts={"tries": 3}), Part(name="the two", counts={"tries": 4})
    page.keep({"one": (one, 60.0), "two": (two, 90.0)}, Effort.FULL, "Monday, at a")
    wrong = Part(name="the two", counts={"tries": 5}, failures=(Failure(what="it broke", repeat="again"),))
    page.keep({"two": (wrong, 30.0), "cells": (two, 30.0)}, Effort.FULL, "Tuesday, at b")
    page.keep({"one": (one, 600.0)}, Effort.LONG, "Sunday, at c")
    half_hour, long_form = (tmp_path / "evidence.md").read_text("utf-8").split("## In the long form")
    assert "### the one\n\nheld; Monday, at a, 1 min\n\n| counted | |\n| --- | --- |\n| tries | 3 |" in half_hour
    assert "**did not hold**; Tuesday, at b, 0.5 min" in half_hour
    assert "* it broke: `again`" in half_hour
    assert half_hour.count("| tries | 4 |") == 1
    assert "held; Sunday, at c, 10 min" in long_form
    assert "Not run at this length, or not to the end: two." in long_form
    assert "No longer than in half an hour, and not run again: cells." in long_form


def test_the_page_is_made_of_the_results() -> None:
    results = json.loads(page.RESULTS.read_text("utf-8"))
    assert page.PAGE.read_text("utf-8") == page.page(results, page.names_of(results))
