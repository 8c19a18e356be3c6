"""``ionto runs``: each command as it is typed, over synthetic folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from controller.cli import run_command
from tests.synthetic_runs import FIRST_S, make_many, make_run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def told(capsys):
    def run(*arguments: str) -> tuple[int, str, str]:
        code = run_command(["runs", *arguments])
        streams = capsys.readouterr()
        assert "Traceback" not in streams.err
        return code, streams.out, streams.err

    return run


@pytest.fixture
def shelf(tmp_path) -> Path:
    """Three runs in the folder that is looked in by default, below the working folder."""
    folder = tmp_path / "runs"
    make_run(folder, 0, operator="Anna")
    make_run(folder, 1, outcome="FAULT:02", dose_ma_min=1.5, unit__serial="SN0007", duration_s=60.0)
    make_run(folder, 2, treatment__name="Lidocaine, forearm")
    return folder


def ids(shelf: Path) -> list[str]:
    return sorted(path.name for path in shelf.iterdir() if path.is_dir())


def test_list_has_the_newest_first(told, shelf) -> None:
    code, out, err = told("list")
    a, b, c = ids(shelf)
    name = "Dexamethasone, lateral epicondylitis"
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{c}  2026-09-23 14:13  DONE          40.000 of 40 mA.min     SN0042    Lidocaine, forearm",
        f"{b}  2026-09-22 14:13  FAULT:02       1.500 of 40 mA.min     SN0007    {name}",
        f"{a}  2026-09-21 14:13  DONE          40.000 of 40 mA.min     SN0042    Anna  {name}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--outcome", "fault"], [1]),
        (["--outcome", "FAULT:2"], [1]),
        (["--outcome", "done", "--outcome", "no-record"], [2, 0]),
        (["--unit", "SN0007"], [1]),
        (["--operator", "anna"], [0]),
        (["--treatment", "lido"], [2]),
        (["--since", "2026-09-22"], [2, 1]),
        (["--until", "2026-09-22"], [1, 0]),
        (["--since", "2026-09-22T14:13:21"], [2]),
        (["--since", "36500d"], [2, 1, 0]),
        (["--limit", "1"], [2]),
        (["--limit", "0"], [2, 1, 0]),
    ],
)
def test_list_takes_filters(told, shelf, options, found) -> None:
    code, out, _ = told("list", *options, "--json")
    names = ids(shelf)
    assert code == 0
    assert [row["id"] for row in json.loads(out)] == [names[n] for n in found]


def test_list_says_how_many_are_left_out_and_what_is_empty(told, shelf, tmp_path) -> None:
    assert told("list", "--limit", "2")[2] == "2 of 3; --limit 0 lists all\n"
    assert told("list", "--unit", "SN9")[1] == "no runs in runs that are asked for\n"
    assert told("list", "--out", "nowhere")[1] == "no runs in nowhere\n"
    assert json.loads(told("list", "--out", "nowhere", "--json")[1]) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--outcome", "BROKEN"], "BROKEN is no outcome; write one of DONE, STOPPED"),
        (["list", "--since", "yesterday"], "yesterday is no time; write a day as 2026-10-01"),
        (["show", "zzz"], "zzz: no such run in runs; `ionto runs list` shows what there is"),
        (["show", "00MU"], "00MU: 3 runs begin like this"),
        (["plot", "last", "--to", "no/such/folder/x.svg"], "name another file with --to"),
        (["plot", "last", "--to", "-", "--json"], "--json and --to - both want standard output"),
        (["export", "last", "--format", "parquet", "--to", "-"], "parquet is no text: name a file with --to"),
        (["prune"], "which runs? Name some with --until"),
        (["prune", "--keep", "1"], "1 run to delete: add --yes, or --dry-run to look first"),
    ],
)
def test_wrong_input_is_one_sentence(told, shelf, arguments, said) -> None:
    code, _, err = told(*arguments)
    assert code == 2
    assert said in err


def test_show_tells_the_run(told, shelf) -> None:
    name = ids(shelf)[1]
    code, out, _ = told("show", name[:7])
    assert code == 0
    for line in (
        f"run      {name}", "outcome  FAULT:02", "dose     1.500 of 40 mA.min (between 1.49 and 1.51)",
        "unit     SN0007 (IONTO-4, firmware 1.0.0), on /dev/ttyACM0", f"files    runs/{name}".replace("/", os.sep),
    ):  # fmt: skip
        assert line in out.splitlines()
    assert json.loads(told("show", "last", "--json")[1])["run_set"] == ids(shelf)[2]


def test_recover_makes_the_record_and_the_list_knows_it(told, tmp_path) -> None:
    name = make_run(tmp_path / "runs", recorded=False).name
    assert "ionto runs recover" in told("list")[1]
    assert json.loads(told("recover", "last", "--json")[1])["complete"] is False
    assert [row["outcome"] for row in json.loads(told("list", "--json")[1])] == ["REFUSED"]
    assert ids(tmp_path / "runs") == [name]


def test_plot_writes_one_or_several(told, shelf, tmp_path) -> None:
    a, b, _ = ids(shelf)
    assert told("plot", a)[1] == f"wrote {a}.svg\n"
    assert (tmp_path / f"{a}.svg").read_text("utf-8").startswith("<svg")
    assert json.loads(told("plot", a, b, "--to", "both.svg", "--json")[1]) == {"file": "both.svg"}
    assert "2 runs</title>" in (tmp_path / "both.svg").read_text("utf-8")
    assert told("plot", a, "--to", "-")[1].startswith("<svg")


def test_compare_marks_what_differs(told, shelf) -> None:
    a, b, _ = ids(shelf)
    code, out, _ = told("compare", a, b)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == [a, b, "difference"]
    assert "* outcome                   DONE                        FAULT:02" in lines
    assert "* dose (mA.min)             40                          1.5                         -38.5" in lines
    assert "  peak (mA)                 2                           2" in lines
    assert "* impedance at 5 min (ohm)  4698                        -" in lines
    rows = {row["what"]: row for row in json.loads(told("compare", a, b, "--json")[1])["rows"]}
    assert rows["unit"] == {"what": "unit", "first": "SN0042", "second": "SN0007", "difference": None, "same": False}


@pytest.mark.parametrize(
    ("form", "start"), [("csv", "run,t_s,"), ("json", '{"format": 1'), ("html", "<!doctype html>")]
)
def test_export_writes_a_file_or_standard_output(told, shelf, tmp_path, form, start) -> None:
    a = ids(shelf)[0]
    assert told("export", a, "--format", form)[1] == f"wrote {a}.{form}\n"
    assert (tmp_path / f"{a}.{form}").read_text("utf-8").startswith(start)
    assert told("export", a, "--format", form, "--to", "-")[1] == (tmp_path / f"{a}.{form}").read_text("utf-8")


def test_export_of_several_runs_to_parquet(told, shelf, tmp_path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    a, b, _ = ids(shelf)
    assert told("export", a, b, "--format", "parquet")[1] == "wrote runs.parquet\n"
    assert set(pq.read_table(tmp_path / "runs.parquet")["run"].to_pylist()) == {a, b}


def test_export_warns_of_a_file_that_was_changed(told, shelf) -> None:
    a = ids(shelf)[0]
    trace = shelf / a / "trace.csv"
    trace.write_text("\n".join(trace.read_text().splitlines()[:-1]) + "\n")
    _, _, err = told("export", a)
    assert err == f"warning: {Path('runs') / a}: trace.csv is not what the record says it was\n"


def test_a_damaged_trace_leaves_no_half_file(told, shelf, tmp_path) -> None:
    a = ids(shelf)[0]
    (shelf / a / "trace.csv").write_text("nothing\n")
    code, _, err = told("export", a)
    assert code == 2
    assert "is not a trace: its first line does not name t_s" in err
    assert not (tmp_path / f"{a}.csv").exists()


# -- prune ---------------------------------------------------------------------------------------------------------


def test_prune_keeps_evidence_and_says_why(told, shelf) -> None:
    a, b, c = ids(shelf)
    code, out, err = told("prune", "--until", "2026-12-31", "--dry-run")
    assert code == 0
    assert out.splitlines() == [f"keep    {b}  it ended as FAULT:02", f"delete  {c}", f"delete  {a}"]
    assert err == "2 of 3 runs would be deleted\n"
    assert ids(shelf) == [a, b, c]
    code, out, _ = told("prune", "--until", "2026-12-31", "--yes", "--json")
    assert json.loads(out) == {"deleted": [c, a], "kept": {b: "it ended as FAULT:02"}, "dry_run": False}
    assert ids(shelf) == [b]
    assert [row["id"] for row in json.loads(told("list", "--json")[1])] == [b]


def test_prune_keeps_the_newest_and_takes_evidence_by_force_alone(told, shelf) -> None:
    _, b, c = ids(shelf)
    assert told("prune", "--keep", "1", "--yes")[0] == 0
    assert ids(shelf) == [b, c]
    code, out, _ = told("prune", "--outcome", "FAULT", "--force", "--yes")
    assert (code, out) == (0, f"delete  {b}  although it ended as FAULT:02\n")
    assert ids(shelf) == [c]


def test_prune_looks_into_reports_elsewhere(told, shelf, tmp_path) -> None:
    a, _, c = ids(shelf)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "verify.json").write_text(json.dumps({"run": a}))
    out = told("prune", "--outcome", "DONE", "--reports", "reports", "--yes")[1]
    assert out.splitlines() == [f"keep    {a}  a report names it", f"delete  {c}"]
    code, _, err = told("prune", "--keep", "1", "--reports", "reprots", "--yes")
    assert (code, "no such folder" in err) == (2, True)


def test_force_does_not_take_a_run_that_is_being_written(told, tmp_path) -> None:
    name = make_run(tmp_path / "runs", recorded=False).name
    out = told("prune", "--outcome", "NO-RECORD", "--force", "--yes")[1]
    assert out == f"keep    {name}  it is being written\n"


def test_a_no_deletes_nothing(told, shelf, monkeypatch) -> None:
    monkeypatch.setattr("controller.cli.prune.sys.stdin", type("Tty", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    code, _, err = told("prune", "--keep", "1")
    assert (code, len(ids(shelf))) == (6, 3)
    assert err.endswith("interrupted\n")


# -- settings ------------------------------------------------------------------------------------------------------


def test_the_folder_comes_from_option_environment_file_or_default(told, shelf, tmp_path, monkeypatch) -> None:
    shelf.rename(tmp_path / "elsewhere")
    assert told("list", "--json")[1] == "[]\n"
    config = tmp_path / "config.toml"
    config.write_text('out = "elsewhere"\n')
    monkeypatch.setenv("IONTO_CONFIG", str(config))
    assert len(json.loads(told("list", "--json")[1])) == 3
    monkeypatch.setenv("IONTO_OUT", "nowhere")
    assert told("list", "--json")[1] == "[]\n"
    assert len(json.loads(told("list", "--out", "elsewhere", "--json")[1])) == 3
    config.write_text("outt = 5\n")
    code, _, err = told("list")
    assert (code, f"{config}: outt: unknown key; did you mean out?" in err) == (2, True)


def test_a_lab_lists_all_stations_and_its_absence_hides_nobodys_runs(told, shelf, tmp_path, monkeypatch) -> None:
    pytest.importorskip("sqlalchemy")
    monkeypatch.setenv("IONTO_STORE", f"sqlite:///{tmp_path / 'lab.sqlite'}")
    monkeypatch.setenv("IONTO_STATION", "bench 2")
    assert len(json.loads(told("list", "--json")[1])) == 3
    monkeypatch.setenv("IONTO_STATION", "bench 1")
    name = make_run(tmp_path / "mine", 9).name
    _, out, err = told("list", "--out", "mine")
    lines = out.splitlines()
    assert (len(lines), err) == (4, "")
    assert lines[0].startswith(name)
    assert lines[1].endswith(f"  [bench 2:{shelf}{os.sep}{ids(shelf)[2]}]")
    monkeypatch.setenv("IONTO_STORE", "sqlite:////nowhere/at/all/lab.sqlite")
    code, out, err = told("list", "--out", "mine")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "the lab's store sqlite:////nowhere/at/all/lab.sqlite does not answer: unable to open" in err
    assert "Listed are the runs in mine alone" in err


def test_a_list_of_hundreds_needs_neither_driver_nor_plot_nor_lab(tmp_path) -> None:
    """And what it lists is what a filter over the folders would."""
    (tmp_path / "runs").mkdir()
    make_many(tmp_path / "runs", 400)
    assert run_command(["runs", "list"]) == 0
    code = (
        "import sys; from controller.cli import run_command; run_command(['runs', 'list', '--limit', '1'])\n"
        "heavy = {'serial', 'transitions', 'cattrs', 'sqlalchemy', 'pyarrow', 'controller.plot'}\n"
        "sys.exit(str(heavy & set(sys.modules) or ''))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip().splitlines() == ["1 of 400; --limit 0 lists all"]
    assert FIRST_S + 399 * 3600 == 1_791_436_400  # 2026-10-08 05:13:20 UTC
    assert "  2026-10-08 05:13  REFUSED " in done.stdout
