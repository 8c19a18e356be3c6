"""CSV, JSON, Parquet, HTML, overlay and comparison of runs whose traces are known to the row."""

from __future__ import annotations

import csv
import io
import json
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from controller.errors import RecordError
from controller.journal import Record
from controller.journal.trace import COLUMNS, read_trace
from controller.shelf.compare import Row, compare
from controller.shelf.export import to_csv, to_json, to_parquet
from controller.shelf.overlay import overlay
from controller.shelf.page import page
from controller.shelf.told import lines_of
from controller.shelf.traces import begin_row, changed_files, impedance_ohm_at, whole_dose_ma_min
from tests.synthetic_runs import make_run


def loaded(folder, number: int = 0, **facts) -> Record:
    return Record.load(make_run(folder, number, **facts))


def test_csv_is_the_trace_with_the_run_before_it(tmp_path) -> None:
    records = [loaded(tmp_path, n, duration_s=4.0, rate_hz=1.0) for n in range(2)]
    rows = list(csv.reader(io.StringIO("".join(to_csv(records)))))
    a, b = (record.folder.name for record in records)
    assert rows[0] == ["run", *COLUMNS]
    assert [row[0] for row in rows[1:]] == [a] * 4 + [b] * 4
    assert rows[3] == [a, "2.000", "HOLD", "2.000", "2.000", "2.000", "9.996", "4998", "0.000000", "1900", "0", "1",
                       "0x0", "1"]  # fmt: skip


def test_a_trace_with_further_columns_gives_ours_in_our_order(tmp_path) -> None:
    record = loaded(tmp_path, duration_s=2.0)
    path = record.folder / "trace.csv"
    path.write_text("new," + ",".join(reversed(COLUMNS)) + "\n9," + ",".join(f"c{n}" for n in range(13)) + "\n")
    assert "".join(to_csv([record])).splitlines()[1] == f"{record.folder.name}," + ",".join(
        f"c{n}" for n in reversed(range(13))
    )


@pytest.mark.parametrize("convert", [lambda r, _: list(to_csv([r])), lambda r, p: to_parquet([r], p)])
def test_a_torn_last_row_is_left_out_and_a_damaged_one_told(tmp_path, convert) -> None:
    pytest.importorskip("pyarrow")
    record = loaded(tmp_path, duration_s=3.0)
    path = record.folder / "trace.csv"
    whole = path.read_text()
    path.write_text(whole + "3.000,HO")
    convert(record, tmp_path / "a.parquet")
    lines = whole.splitlines(keepends=True)
    path.write_text(lines[0] + lines[1] + "1.0,HOLD\n" + lines[3])
    with pytest.raises(RecordError, match=r"trace\.csv"):
        convert(record, tmp_path / "b.parquet")
    path.unlink()
    with pytest.raises(RecordError, match="no trace there; `ionto runs recover"):
        convert(record, tmp_path / "c.parquet")


def test_json_holds_record_and_columns(tmp_path) -> None:
    record = loaded(tmp_path, duration_s=3.0)
    second = loaded(tmp_path, 1, duration_s=1.0)
    document = json.loads("".join(to_json([record, second])))
    run, other = document["runs"]
    assert other["trace"]["state"] == ["CHECK"]
    assert (document["format"], run["run"]) == (1, record.folder.name)
    assert run["record"] == record.data
    assert list(run["trace"]) == list(COLUMNS)
    assert run["trace"]["state"] == ["CHECK", "CHECK", "HOLD"]
    for name in COLUMNS:
        assert run["trace"][name] == list(getattr(record.trace, name))


@pytest.mark.parametrize("cell", ["NaN", "1_0", ".5", "", "x", "[1]", '"1"'])
@pytest.mark.parametrize("name", ["t_s", "phase", "relay"])
def test_a_damaged_cell_does_not_become_a_damaged_document(tmp_path, name, cell) -> None:
    record = loaded(tmp_path, duration_s=1.0)
    path = record.folder / "trace.csv"
    head, row, _ = path.read_text().split("\n")
    cells = row.split(",")
    cells[COLUMNS.index(name)] = cell
    path.write_text(f"{head}\n{','.join(cells)}\n")
    with pytest.raises(RecordError, match=rf"trace\.csv: column {name} is damaged"):
        list(to_json([record]))


def test_parquet_gives_back_every_cell_and_the_records(tmp_path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    records = [loaded(tmp_path, n, duration_s=30.0, rate_hz=10.0) for n in range(2)]
    path = records[0].folder / "trace.csv"
    path.write_text(path.read_text().replace("0x0,1\n", "0x1E,1\n", 7))
    to_parquet(records, tmp_path / "both.parquet")
    table = pq.read_table(tmp_path / "both.parquet")
    assert table.column_names == ["run", *COLUMNS]
    assert table.num_rows == 600
    rows = table.to_pydict()
    assert rows["run"] == [records[0].folder.name] * 300 + [records[1].folder.name] * 300
    for name in COLUMNS:
        assert rows[name] == [cell for record in records for cell in getattr(record.trace, name)]
    assert rows["faults"][:8] == [30] * 7 + [0]
    about = json.loads(table.schema.metadata[b"ionto"])
    assert about["records"][records[1].folder.name] == records[1].data


def test_parquet_without_pyarrow_is_one_sentence(tmp_path, monkeypatch) -> None:
    record = loaded(tmp_path, duration_s=3.0)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RecordError, match=r"needs pyarrow, which is not installed: python -m pip install 'ionto\[par"):
        to_parquet([record], tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        assert not {"src", "href", "onload"} & {name for name, _ in attrs}

    def handle_data(self, data) -> None:
        self.text += data


def test_the_page_tells_all_and_fetches_nothing(tmp_path) -> None:
    record = loaded(
        tmp_path, outcome="FAULT:02", operator="<b>Anna</b>", treatment__name="A & B <script>", warnings=["look < here"]
    )
    html = page([record])
    seen = _Tags()
    seen.feed(html)
    assert {"script", "b", "link", "img"}.isdisjoint(seen.tags)
    assert seen.tags.count("svg") == 1
    for text in (
        "A & B <script>",
        "<b>Anna</b>",
        "FAULT:02",
        "look < here",
        record.folder.name,
        "not a medical device",
    ):
        assert text in seen.text
    assert "NOT as recorded" not in seen.text
    (record.folder / "plot.svg").write_text("<svg onload='x()'/>")
    (record.folder / "trace.csv").unlink()
    changed = page([record])
    assert changed.count("NOT as recorded") == 2
    assert "onload" not in changed


def test_changed_files_are_named(tmp_path) -> None:
    record = loaded(tmp_path)
    assert changed_files(record) == []
    (record.folder / "wire.log").write_text("other")
    (record.folder / "plot.svg").unlink()
    assert changed_files(record) == ["wire.log", "plot.svg"]
    assert "CHANGED  wire.log is not what the record says it was" in list(lines_of(record))


# -- traces --------------------------------------------------------------------------------------------------------


def test_impedance_is_counted_from_the_first_current(tmp_path) -> None:
    """The trace falls by an ohm a second from 5000; current begins at 2 s: one minute later it is 5000 - 62."""
    trace = loaded(tmp_path, duration_s=400.0, rate_hz=1.0).trace
    assert begin_row(trace) == 2
    assert [impedance_ohm_at(trace, minutes) for minutes in (0, 1, 5, 10)] == [4995.5, 4938, 4698, None]


def test_a_run_without_current_has_no_impedance(tmp_path) -> None:
    trace = loaded(tmp_path, outcome="REFUSED", duration_s=2.0, dose_ma_min=0.0).trace
    assert impedance_ohm_at(trace, 0) is None
    record = loaded(tmp_path, 1)
    (record.folder / "trace.csv").write_text(",".join(COLUMNS) + "\n")
    assert impedance_ohm_at(read_trace(record.folder / "trace.csv"), 1) is None


def test_dose_adds_up_over_phases_and_forgets_the_run_before(tmp_path) -> None:
    record = loaded(tmp_path)
    row = "{t},HOLD,2,2,2,10,5000,{dose},1900,0,1,0x0,{phase}\n"
    steps = [(0, 7.0, 1), (1, 0.0, 1), (2, 1.5, 1), (3, 0.0, 2), (4, 2.0, 2)]
    (record.folder / "trace.csv").write_text(
        ",".join(COLUMNS) + "\n" + "".join(row.format(t=t, dose=dose, phase=phase) for t, dose, phase in steps)
    )
    assert list(whole_dose_ma_min(record.trace)) == [7.0, 0.0, 1.5, 1.5, 3.5]


def test_comparison_has_both_and_the_difference(tmp_path) -> None:
    first = loaded(tmp_path, 0, duration_s=400.0, dose_ma_min=12.0, operator="Anna")
    second = loaded(
        tmp_path, 1, duration_s=700.0, dose_ma_min=10.5, z_ohm=4000, outcome="FAULT:02", unit__serial="SN0001"
    )
    rows = {row.what: row for row in compare(first, second)}
    assert rows["treatment"] == Row("treatment", *["Dexamethasone, lateral epicondylitis"] * 2)
    assert rows["treatment"].same
    assert rows["outcome"] == Row("outcome", "DONE", "FAULT:02")
    assert rows["fault"] == Row("fault", None, 2)
    assert rows["operator"] == Row("operator", "Anna", None)
    assert rows["unit"][1:3] == ("SN0042", "SN0001")
    assert rows["dose (mA.min)"] == Row("dose (mA.min)", 12.0, 10.5, -1.5)
    assert rows["duration (s)"] == Row("duration (s)", 400.0, 700.0, 300.0)
    assert rows["peak (mA)"].same
    assert rows["impedance at 1 min (ohm)"][1:] == (4938, 3938, -1000)
    assert rows["impedance at 10 min (ohm)"][1:] == (None, 3398, None)
    (second.folder / "trace.csv").unlink()
    assert {row.what: row for row in compare(first, second)}["impedance at 1 min (ohm)"][1:] == (4938, None, None)


# -- overlay -------------------------------------------------------------------------------------------------------


def test_runs_lie_over_one_another_from_their_first_current(tmp_path) -> None:
    records = [loaded(tmp_path, n, duration_s=60.0, peak_ma=1.0 + n) for n in range(2)]
    svg = overlay(records)
    root = ElementTree.fromstring(svg)
    told = root.findtext("{http://www.w3.org/2000/svg}desc")
    assert "Current, A: 1 to 1 mA. Current, B: 2 to 2 mA." in told
    assert f"A {records[0].folder.name[:12]}: DONE, 40.00 mA.min; B {records[1].folder.name[:12]}: DONE" in told
    # The contact check before (0 mA) is left out, so the current's lowest is 1, not 0.
    assert 'class="ionto-s-hue0"' in svg
    assert 'class="ionto-s-hue1"' in svg


def test_eight_runs_differ_in_hue_or_dash_and_nine_are_too_many(tmp_path) -> None:
    records = [loaded(tmp_path, n, duration_s=10.0) for n in range(9)]
    svg = overlay(records[:8])
    pens = {
        (path.get("class"), path.get("stroke-dasharray"))
        for path in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")
        if path.get("stroke-linejoin") == "round"
    }
    assert len(pens) == 8
    assert f"; H {records[7].folder.name[:12]}: DONE, 40.00 mA.min" in svg
    with pytest.raises(RecordError, match="9 runs cannot be told apart in one plot; name at most 8"):
        overlay(records)


def test_one_run_is_drawn_in_the_colours_of_its_quantities(tmp_path) -> None:
    svg = overlay([loaded(tmp_path, duration_s=60.0)])
    assert all(f'class="ionto-s-hue{n}"' in svg for n in range(4))
    assert "Dexamethasone, lateral epicondylitis<" in svg


def test_a_trace_without_rows_is_a_plot_without_samples(tmp_path) -> None:
    record = loaded(tmp_path)
    (record.folder / "trace.csv").write_text(",".join(COLUMNS) + "\n")
    assert overlay([record]).count("no samples") >= 4
