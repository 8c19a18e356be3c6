"""What is evidence, and that nothing else than what was named goes."""

from __future__ import annotations

import os
import sys

import pytest

from controller.errors import RecordError
from controller.journal import Record
from controller.shelf.index import Shelf
from controller.shelf.prune import Candidate, candidates, named_in, remove, sweep
from controller.shelf.query import Query
from tests.synthetic_runs import make_run


def reason(folder, references=()) -> str | None:
    [candidate] = candidates([folder], references)
    assert candidate.folder == folder
    return candidate.reason


@pytest.mark.parametrize("outcome", ["DONE", "STOPPED", "REFUSED"])
def test_an_orderly_end_may_go(tmp_path, outcome) -> None:
    assert reason(make_run(tmp_path, outcome=outcome)) is None


@pytest.mark.parametrize("outcome", ["FAULT:01", "FAULT:32", "RESET", "LINK", "TIMEOUT", "UNKNOWN", "ABORTED"])
def test_any_other_end_is_evidence(tmp_path, outcome) -> None:
    assert reason(make_run(tmp_path, outcome=outcome)) == f"it ended as {outcome}"


def test_a_stop_by_the_host_is_evidence_and_one_by_the_operator_is_not(tmp_path) -> None:
    for number, (cause, expected) in enumerate({"limit": "it was stopped by limit", "operator": None}.items()):
        folder = make_run(tmp_path, number, outcome="STOPPED")
        record = folder / "record.json"
        record.write_text(record.read_text().replace('"cause": ""', f'"cause": "{cause}"'))
        assert reason(folder) == expected


def test_the_treatment_of_a_person_is_evidence_unless_simulated(tmp_path) -> None:
    assert reason(make_run(tmp_path, 0, treatment__load="person")) == "it is the treatment of a person"
    assert reason(make_run(tmp_path, 1, treatment__load="person", unit__simulated=True)) is None


def test_a_folder_with_something_of_somebody_is_evidence(tmp_path) -> None:
    folder = make_run(tmp_path)
    (folder / "keep").touch()
    assert reason(folder) == "its folder holds keep, which ionto did not write"


def test_what_cannot_be_read_is_evidence(tmp_path) -> None:
    folder = make_run(tmp_path)
    (folder / "record.json").write_text('{"format": 1}')
    assert reason(folder) == "it has no readable record"
    (folder / "record.json").unlink()
    os.utime(folder / "wire.log", (1_000_000_000, 1_000_000_000))
    assert candidates([folder], ()) == [Candidate(folder, "it has no readable record")]


def test_a_run_that_is_being_written_is_open(tmp_path) -> None:
    folder = make_run(tmp_path, recorded=False)
    assert candidates([folder], ()) == [Candidate(folder, "it is being written", is_open=True)]


def test_a_report_that_names_a_run_or_its_phase_holds_it(tmp_path) -> None:
    shelf = tmp_path / "runs"
    folders = [make_run(shelf, n) for n in range(5)]
    phase = Record.load(folders[1]).runs[0]["run"]
    (shelf / "verify-1").mkdir()
    (shelf / "verify-1" / "report.json").write_text(f'{{"record": "runs/{folders[0].name}/record.json"}}')
    (shelf / "junit.xml").write_text(f"<case name='x-{phase}-y'/>")
    elsewhere = tmp_path / "reports"
    elsewhere.mkdir()
    (elsewhere / "note.md").write_text(f"seen in {folders[2].name}-2024 already")
    (elsewhere / "data.bin").write_text(folders[3].name)
    names = named_in([shelf, elsewhere])
    assert [reason(folder, names) for folder in folders] == ["a report names it"] * 3 + [None] * 2


def test_records_of_runs_do_not_hold_one_another(tmp_path) -> None:
    folder = make_run(tmp_path)
    assert named_in([tmp_path]) == set()
    assert reason(folder, named_in([tmp_path])) is None


def test_a_folder_of_reports_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(RecordError, match="no such folder; correct its name, or leave it out"):
        named_in([tmp_path / "reprots"])


def test_a_report_that_is_too_large_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("controller.shelf.prune._LARGEST", 3)
    (tmp_path / "big.json").write_text("[1,2]")
    with pytest.raises(RecordError, match=r"big\.json: too large to look for runs in it"):
        named_in([tmp_path])


def test_a_run_goes_whole_and_alone(tmp_path) -> None:
    first, second = make_run(tmp_path, 0), make_run(tmp_path, 1)
    remove(first)
    assert [path.name for path in tmp_path.iterdir()] == [second.name]
    with Shelf.open(tmp_path) as shelf:
        assert [entry.id for entry in shelf.entries(Query())] == [second.name]


def test_an_interrupted_deletion_is_no_run_and_is_finished(tmp_path, monkeypatch) -> None:
    folder = make_run(tmp_path, 0)
    monkeypatch.setattr("shutil.rmtree", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        remove(folder)
    monkeypatch.undo()
    with Shelf.open(tmp_path) as shelf:
        assert shelf.entries(Query()) == []
    assert named_in([tmp_path]) == set()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _interrupted(_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_of_a_linked_run_the_link_goes_and_the_run_stays(tmp_path) -> None:
    real = make_run(tmp_path / "elsewhere")
    (tmp_path / "runs").mkdir()
    link = tmp_path / "runs" / real.name
    link.symlink_to(real, target_is_directory=True)
    remove(link)
    assert not link.exists()
    assert (real / "record.json").exists()


def test_what_cannot_be_deleted_is_told(tmp_path) -> None:
    with pytest.raises(RecordError, match="cannot be deleted"):
        remove(tmp_path / "gone")
