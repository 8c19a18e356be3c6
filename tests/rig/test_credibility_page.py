"""``docs/simulator.md`` is what the command makes now, and the command tells of a disagreement."""

from __future__ import annotations

from pathlib import Path

import pytest

from hw_sim.cli import run_command
from hw_sim.credibility import observations
from hw_sim.credibility.observations import Result
from hw_sim.rig.credibility_page import bands, page

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_in_docs_is_up_to_date() -> None:
    made = page()
    assert made["simulator.md"] == (DOCS / "simulator.md").read_text(encoding="utf-8"), (
        "make it anew: ionto-sim credibility --out docs"
    )
    for name, text in made.items():
        assert (DOCS / name).is_file()
        assert name.endswith(".md") or text.startswith("<svg")
    assert "DISAGREES" not in made["simulator.md"]


def test_the_mark_stands_where_the_value_lies() -> None:
    row = observations.OBSERVATIONS[0]
    assert 'class="m" x="557.5"' in bands([(row, Result(2.0, 2.0, 4.0))])
    assert 'class="m" x="677.5"' in bands([(row, Result(3.0, 2.0, 4.0))])
    assert 'class="m" x="821.5"' in bands([(row, Result(99.0, 2.0, 4.0))])


def test_a_disagreement_ends_with_8(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(observations.OBSERVATIONS)
    rows[5] = rows[5]._replace(compute=lambda: Result(1.5, 1.18, 1.22))
    monkeypatch.setattr(observations, "OBSERVATIONS", tuple(rows[5:7]))
    assert run_command(["credibility"]) == 8
    assert capsys.readouterr().out.split()[1] == "DISAGREES"


def test_a_folder_that_cannot_be_made_is_a_sentence(capsys, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw_sim.rig.credibility_page.page", lambda: {"simulator.md": ""})
    (tmp_path / "file").write_text("")
    assert run_command(["credibility", "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
