"""trace.csv: literal rows, and back."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_mock import MockerFixture

from controller.errors import RecordError
from controller.journal.trace import TraceWriter, read_trace
from controller.sample import Sample
from controller.wire import Telemetry, UnitState

HEAD = (
    "t_s,state,set_ma,current_ma,return_ma,voltage_v,impedance_ohm,dose_ma_min,lease_ms,"
    "compliance_limited,relay,faults,phase\n"
)
# By hand from golden line 9 of the protocol: q=82470 uC / 60 000 = 1.3745 mA.min.
GOLDEN = "82.100,HOLD,1.500,1.498,1.499,6.270,4186,1.374500,1830,0,1,0x0,1\n"
FAULT = "1284.600,FAULT,0.000,-0.001,0.000,0.000,0,40.000017,0,1,0,0x10A,2\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.csv"


def write_two_rows(path: Path) -> None:
    trace = TraceWriter(path)
    trace.row(82.1, "HOLD", 1500, 1498, 1499, 6270, 4186, 82470, 1830, False, True, 0, 1)
    trace.row(1284.6, "FAULT", 0, -1, 0, 0, 0, 2_400_001, 0, True, False, 0x10A, 2)
    trace.close()


def test_rows_are_exactly_this_text(path: Path) -> None:
    write_two_rows(path)
    assert path.read_bytes() == (HEAD + GOLDEN + FAULT).encode()


def test_a_sample_writes_the_same_row(path: Path) -> None:
    trace = TraceWriter(path)
    seen = Telemetry(
        sid=0x4A17, number=0x2F3, uptime_ms=82100, state=UnitState.HOLD, set_ua=1500, i_ua=1498, i2_ua=1499,
        v_mv=6270, z_ohm=4186, q_uc=82470, lease_ms=1830, limited=False, relay=True, faults=0,
    )  # fmt: skip
    trace.sample(Sample(82.1, 1, seen))
    trace.close()
    assert path.read_text() == HEAD + GOLDEN


def test_columns_come_back(path: Path) -> None:
    write_two_rows(path)
    trace = read_trace(path)
    assert len(trace) == 2
    assert list(trace.t_s) == [82.1, 1284.6]
    assert trace.state == ["HOLD", "FAULT"]
    assert list(trace.set_ma) == [1.5, 0.0]
    assert list(trace.current_ma) == [1.498, -0.001]
    assert list(trace.return_ma) == [1.499, 0.0]
    assert list(trace.voltage_v) == [6.27, 0.0]
    assert list(trace.impedance_ohm) == [4186, 0]
    assert list(trace.dose_ma_min) == [1.3745, 40.000017]
    assert list(trace.lease_ms) == [1830, 0]
    assert trace.compliance_limited == [False, True]
    assert trace.relay == [True, False]
    assert trace.faults == [0, 0x10A]
    assert list(trace.phase) == [1, 2]


def test_six_decimals_of_dose_hold_every_microcoulomb(path: Path) -> None:
    trace = TraceWriter(path)
    for q_uc in range(4_799_000, 4_800_000):
        trace.row(0.0, "HOLD", 0, 0, 0, 0, 0, q_uc, 0, False, False, 0, 1)
    trace.close()
    assert [round(dose * 60_000) for dose in read_trace(path).dose_ma_min] == list(range(4_799_000, 4_800_000))


def test_an_empty_trace_is_a_trace(path: Path) -> None:
    TraceWriter(path).close()
    assert path.read_text() == HEAD
    assert len(read_trace(path)) == 0


def test_a_torn_last_row_is_dropped(path: Path) -> None:
    for size in range(len(GOLDEN)):
        path.write_text(HEAD + GOLDEN + FAULT[:size])
        assert len(read_trace(path)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a trace: its first line does not name t_s, state"),
        ("# ionto wire log 1\n", "is not a trace"),
        (HEAD.replace("relay,", ""), "does not name relay$"),
        (HEAD + "1,2\n" + GOLDEN, "line 2 has 2 cells, not 13; it is damaged"),
        (HEAD + GOLDEN.replace("1.498", "1,498"), "line 2 has 14 cells"),
        (HEAD + GOLDEN.replace("1.498", "1.4q8"), "column current_ma is damaged: could not convert"),
        (HEAD + GOLDEN.replace("4186", "9" * 30), "column impedance_ohm is damaged"),
        (HEAD + GOLDEN.replace(",0,1,", ",0,2,"), "column relay is damaged: '2' is neither 0 nor 1"),
    ],
)
def test_what_cannot_be_read_is_named(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(RecordError, match=message):
        read_trace(path)


def test_columns_of_a_later_version_are_passed_over(path: Path) -> None:
    path.write_text("more," + HEAD + "x," + GOLDEN)
    assert list(read_trace(path).current_ma) == [1.498]


def test_a_missing_file_is_a_record_error(path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read: No such file"):
        read_trace(path)


def test_a_trace_is_never_written_over(path: Path) -> None:
    write_two_rows(path)
    with pytest.raises(RecordError, match="exists already"):
        TraceWriter(path)


def test_a_full_disk_is_a_record_error_and_close_still_closes(path: Path, mocker: MockerFixture) -> None:
    trace = TraceWriter(path)
    mocker.patch("os.write", side_effect=OSError(errno.ENOSPC, "No space left on device"))
    close = mocker.spy(os, "close")
    with pytest.raises(RecordError, match="No space left on device"):
        trace.close()
    assert close.call_count == 1
    trace.close()
    assert close.call_count == 1


def test_a_long_run_is_written_as_it_goes(path: Path) -> None:
    trace = TraceWriter(path)
    for number in range(1000):
        trace.row(number / 10, "HOLD", 0, 0, 0, 0, 0, 0, 0, False, False, 0, 1)
    assert path.read_text().count("\n") == 1001
    trace.close()


def test_pandas_is_asked_for_only_when_needed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_two_rows(path)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match="needs pandas, which is not installed") as caught:
        read_trace(path).to_pandas()
    assert caught.value.name == "pandas"
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=dict))
    frame = read_trace(path).to_pandas()
    assert list(frame) == HEAD.strip().split(",")
    assert frame["faults"] == [0, 0x10A]
