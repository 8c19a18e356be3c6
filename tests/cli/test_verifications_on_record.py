"""``ionto runs`` and ``ionto report`` over verifications: each command as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from controller.bench.report import to_csv, to_html
from controller.cli import run_command
from tests.synthetic_runs import FIRST_S, make_run
from tests.synthetic_verifications import put, verification


@pytest.fixture
def told(capsys):
    def run(*arguments: str) -> tuple[int, str, str]:
        code = run_command(list(arguments))
        streams = capsys.readouterr()
        assert "Traceback" not in streams.err
        return code, streams.out, streams.err

    return run


@pytest.fixture
def ids(tmp_path) -> tuple[str, str, str]:
    """A run, a verification that failed and the same unit's second one that passed, in the usual folder."""
    shelf = tmp_path / "runs"
    run = make_run(shelf, 0).name
    bad = put(shelf, verification(gain=1.03, number=1, started_s=FIRST_S + 3600, samples=2)).name
    good = put(shelf, verification(attempt=2, number=2, started_s=FIRST_S + 7200, samples=2)).name
    return run, bad, good


def test_list_shows_both_kinds_and_filters_by_kind_recipe_serial_and_outcome(told, ids) -> None:
    run, bad, good = ids
    code, out, _ = told("runs", "list")
    assert code == 0
    assert out.splitlines()[:2] == [
        f"{good}  2026-09-21 16:13  PASS        23 measured               SN0042    Anna  acceptance",
        f"{bad}  2026-09-21 15:13  FAIL        23 measured               SN0042    Anna  acceptance"
        "  first to fail: accuracy.1mA.1kohm",
    ]
    for options, found in (
        (["--kind", "verification"], [good, bad]), (["--kind", "run"], [run]),
        (["--recipe", "acceptance"], [good, bad]), (["--recipe", "smoke"], []),
        (["--outcome", "FAIL"], [bad]), (["--serial", "sn0042"], [good, bad, run]),
    ):  # fmt: skip
        rows = json.loads(told("runs", "list", *options, "--json")[1])
        assert [row["id"] for row in rows] == found
    [row] = json.loads(told("runs", "list", "--outcome", "FAIL", "--json")[1])
    assert (row["kind"], row["failing"], row["family"]) == ("verification", "accuracy.1mA.1kohm", "IONTO-4")


def test_show_tells_the_verification(told, ids) -> None:
    code, out, _ = told("runs", "show", ids[1])
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "FAIL  acceptance  SN0042"
    assert "  first to fail" not in out
    assert (
        "  First to fail: accuracy.1mA.1kohm (Current error at 1 mA into 1 kΩ), 31.484 µA, allowed −25 … 25 µA."
        in lines
    )
    assert any(line.startswith("  * accuracy.1mA.1kohm ") and line.endswith("31.484 µA  −25 … 25") for line in lines)
    assert any(line.startswith("  - dose.full ") and line.endswith("left out by the recipe") for line in lines)
    assert json.loads(told("runs", "show", "last", "--json")[1])["outcome"] == "PASS"


def test_compare_lays_measurements_side_by_side(told, ids) -> None:
    run, bad, good = ids
    _, out, _ = told("runs", "compare", bad, good, "--json")
    rows = {row["what"]: row for row in json.loads(out)["rows"]}
    assert (rows["outcome"]["first"], rows["outcome"]["second"]) == ("FAIL", "PASS")
    assert rows["accuracy.1mA.1kohm (uA)"]["difference"] == pytest.approx(-29.0)
    assert rows["trip.open_lead.time (ms)"]["same"] is True
    assert rows["dose.full (mA.min)"]["first"] is None
    code, _, err = told("runs", "compare", run, good)
    assert (code, err) == (2, "these are runs and verifications; name one kind\n")


def test_export_knows_verifications(told, ids, tmp_path) -> None:
    run, bad, good = ids
    assert told("runs", "export", bad, good)[1] == "wrote verifications.csv\n"
    lines = (tmp_path / "verifications.csv").read_text("utf-8").splitlines()
    assert (len(lines), sum(line.startswith("verification,recipe") for line in lines)) == (1 + 2 * 24, 1)
    assert told("runs", "export", good, "--to", "-")[1] == to_csv(
        verification(attempt=2, number=2, started_s=FIRST_S + 7200)
    )
    document = json.loads(told("runs", "export", bad, good, "--format", "json", "--to", "-")[1])
    assert [each["outcome"] for each in document["verifications"]] == ["FAIL", "PASS"]
    assert told("runs", "export", good, "--format", "html", "--to", "-")[1].startswith("<!doctype html>")
    for arguments, said in (
        ((bad, good, "--format", "html"), "a page holds one verification"),
        ((good, "--format", "parquet"), "parquet holds the traces of runs"),
        ((run, good), "name one kind"),
    ):
        code, _, err = told("runs", "export", *arguments)
        assert (code, said in err) == (2, True)


def test_a_verification_has_no_trace_to_plot(told, ids) -> None:
    code, _, err = told("runs", "plot", ids[1])
    assert (code, err) == (2, f"{ids[1]}: this is a verification, and no run; `ionto report {ids[1]}` makes its page\n")


def test_prune_deletes_a_verification_by_force_alone(told, ids, tmp_path) -> None:
    run, bad, good = ids
    _, out, _ = told("runs", "prune", "--until", "2026-12-31", "--yes")
    assert out.splitlines() == [f"keep    {good}  it is a verification", f"keep    {bad}  it is a verification",
                                f"delete  {run}"]  # fmt: skip
    assert told("runs", "prune", "--outcome", "FAIL", "--force", "--yes")[1] == (
        f"delete  {bad}  although it is a verification\n"
    )
    assert sorted(path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()) == [good]


# -- report --------------------------------------------------------------------------------------------------------


def test_report_writes_each_format(told, ids, tmp_path) -> None:
    _, bad, good = ids
    assert told("report", bad)[1] == f"wrote {bad}.html\n"
    record = verification(gain=1.03, number=1, started_s=FIRST_S + 3600, samples=2)
    assert (tmp_path / f"{bad}.html").read_text("utf-8") == to_html(record)
    assert json.loads(told("report", "--format", "junit", "-o", "j.xml", "--json")[1]) == {"file": "j.xml"}
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("failures") == "0", "last is the newest verification"
    assert json.loads(told("report", str(Path("runs") / good), "--format", "json", "-o", "-")[1])["id"] == good
    file = Path("runs") / bad / "verification.json"
    assert told("report", str(file), "--format", "csv", "-o", "-")[1] == to_csv(record)


def test_what_cannot_be_reported_is_one_sentence(told, ids, tmp_path) -> None:
    run, _, good = ids
    for arguments, said in (
        ((run,), "no verification there"),
        (("zzz",), "zzz: no such run in runs"),
        ((good, "-o", "no/such/x.html"), "name another file with -o"),
        ((good, "-o", "-", "--json"), "both want standard output"),
        (("last", "--out", "nowhere"), "no verification in nowhere; `ionto verify` makes one"),
    ):
        code, _, err = told("report", *arguments)
        assert (code, said in err) == (2, True), err


# -- yield ---------------------------------------------------------------------------------------------------------


def test_yield_in_lines_json_and_as_a_page(told, ids, tmp_path) -> None:
    code, out, err = told("runs", "yield", "--recipe", "acceptance", "--html", "y.html")
    assert (code, err) == (0, "wrote y.html\n")
    lines = out.splitlines()
    assert lines[:3] == [
        "acceptance · IONTO-4: 1 units, 2 attempts with a verdict",
        "  first-pass yield  0.0 % (0 of 1)",
        "  final yield       100.0 % (1 of 1)",
    ]
    assert any("trip.open_lead.time" in line and line.endswith("≤ 100 ms  (one unit has no spread)") for line in lines)
    assert lines[-1] == "     1 x  accuracy.1mA.1kohm  (up to here 100.0 %)"
    page = (tmp_path / "y.html").read_text("utf-8")
    assert "First-pass yield" in page
    assert "<script" not in page
    [family] = json.loads(told("runs", "yield", "--json")[1])
    assert (family["first_pass_yield"], family["final_yield"], family["units"]) == (0.0, 1.0, 1)
    assert family["causes"] == [{"name": "accuracy.1mA.1kohm", "times": 1, "share": 1.0, "up_to_here": 1.0}]


def test_yield_of_nothing(told, ids) -> None:
    assert told("runs", "yield", "--family", "OTHER")[:2] == (0, "no verifications that are asked for\n")
    assert told("runs", "yield", "--since", "0d", "--json")[1] == "[]\n"
    assert told("runs", "yield", "--since", "soon")[0] == 2
