"""The wire log: literal bytes, every cut, every flipped byte, and a disk that fills up."""

from __future__ import annotations

import errno
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from controller.errors import RecordError
from controller.journal.wire_log import Entry, Integrity, Verdict, WireLog, escape, read_wire_log, unescape

HEADER = {
    "run-set": "01J8ZK6Q3V9T5W0X2Y4A6B8C0D", "utc": "2026-11-23T20:00:00.000Z", "host": "0.1.0",
    "port": "sim://dry-skin", "unit": "SN0042", "seed": "7",
}  # fmt: skip
HEAD = (
    b"# ionto wire log 1  run-set=01J8ZK6Q3V9T5W0X2Y4A6B8C0D  utc=2026-11-23T20:00:00.000Z  host=0.1.0"
    b"  port=sim://dry-skin  unit=SN0042  seed=7\n"
)


class Wall:
    """Wall time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wire.log"


def small_log(path: Path, wall: Wall) -> bytes:
    """Seven lines: header, sent, noise, intent and its chain line, received, END."""
    log = WireLog.create(path, HEADER, wall=wall)
    log.sent(5_000_000, 1_795_464_000_000_000, ">0000 0001 HELLO vmin=1*00000000")
    log.received(5_000_100, 1_795_464_000_000_100, b"\xff\\ok\x00")
    log.note(5_000_200, 1_795_464_000_000_200, "intent", {"verb": "ARM"}, durable=True)
    log.received(5_000_300, 1_795_464_000_000_300, "*OPC 1")
    log.close()
    return path.read_bytes()


def test_the_file_is_exactly_these_bytes(path: Path, wall: Wall) -> None:
    first = (
        HEAD
        + b"5000000 1795464000000000 > >0000 0001 HELLO vmin=1*00000000\n"
        + rb"5000100 1795464000000100 < \xFF\\ok\x00" + b"\n"
        + b'5000200 1795464000000200 = {"kind":"intent","verb":"ARM"}\n'
    )  # fmt: skip
    second = first + b"5000200 1795464000000200 + " + sha256(first).hexdigest().encode() + b"\n"
    third = second + b"5000300 1795464000000300 < *OPC 1\n"
    whole = third + b"5000300 1795464000000300 . " + sha256(third).hexdigest().encode() + b" END\n"
    assert small_log(path, wall) == whole


def test_reading_gives_back_what_was_written(path: Path, wall: Wall) -> None:
    small_log(path, wall)
    contents = read_wire_log(path)
    assert contents.header == HEADER
    assert contents.verdict == Verdict(Integrity.WHOLE, 7, 7)
    assert str(contents.verdict) == "closed whole, 7 lines"
    assert contents.verdict.whole
    assert [entry.line_number for entry in contents.entries] == [2, 3, 4, 6]
    assert contents.entries[0] == Entry(2, 5_000_000, 1_795_464_000_000_000, ">", ">0000 0001 HELLO vmin=1*00000000")
    assert contents.entries[1].raw == b"\xff\\ok\x00"
    assert json.loads(contents.entries[2].text) == {"kind": "intent", "verb": "ARM"}


def test_header_says_dash_for_what_is_not_known(path: Path, wall: Wall) -> None:
    WireLog.create(path, {"host": "0.1.0", "port": "/dev/my port", "unit": ""}, wall=wall).close()
    head = path.read_bytes().split(b"\n")[0]
    assert head == rb"# ionto wire log 1  run-set=-  utc=-  host=0.1.0  port=/dev/my\x20port  unit=-  seed=-"
    assert read_wire_log(path).header["port"] == "/dev/my port"


# -- damage ------------------------------------------------------------------------------------------------


def test_every_cut_reads_and_says_where(path: Path, wall: Wall) -> None:
    data = small_log(path, wall)
    for size in range(len(data)):
        path.write_bytes(data[:size])
        contents = read_wire_log(path)
        lines = data[:size].count(b"\n")
        assert contents.verdict == Verdict(Integrity.CUT_OFF, lines, 5 if lines >= 5 else 0)
        assert len(contents.entries) == [0, 0, 1, 2, 3, 3, 4][lines]
        assert contents.header == (HEADER if lines else {})


def test_a_cut_log_says_what_is_proven(path: Path, wall: Wall) -> None:
    data = small_log(path, wall)
    path.write_bytes(data[: data.index(b"*OPC 1")])
    assert str(read_wire_log(path).verdict) == "cut off after line 5; lines 1 to 5 are proven"
    path.write_bytes(data[: data.index(b" = ")])
    assert str(read_wire_log(path).verdict) == "cut off after line 3; no line is proven"


def test_a_flipped_bit_is_found_wherever_it_is(path: Path, wall: Wall) -> None:
    data = small_log(path, wall)
    start = len(b"# ionto wire log 1  ")  # before it, the file no longer says that it is a wire log
    for at in range(start, len(data)):
        broken = bytearray(data)
        broken[at] ^= 1 << at % 7
        path.write_bytes(broken)
        verdict = read_wire_log(path).verdict
        line = data[:at].count(b"\n") + 1
        if at == len(data) - 1:  # the last LF: nothing but the mark of an unfinished line is gone
            assert verdict == Verdict(Integrity.CUT_OFF, 6, 5)
            continue
        assert verdict.integrity is Integrity.ALTERED
        assert verdict.proven == (5 if line > 5 else 0)
        # The line itself where it lost its form, else the chain line that covers it. A lost LF moves it up.
        chain = (7 if line > 5 else 5) - (data[at] == 0x0A)
        assert verdict.line in (line, line + (broken[at] == 0x0A), chain)


def test_a_line_of_no_known_form_is_named_exactly(path: Path, wall: Wall) -> None:
    data = small_log(path, wall)
    path.write_bytes(data.replace(b" < *OPC", b" ? *OPC"))
    contents = read_wire_log(path)
    assert contents.verdict == Verdict(Integrity.ALTERED, 6, 5)
    assert str(contents.verdict) == "damaged or altered at line 6; lines 1 to 5 are proven"


def test_a_changed_figure_is_found_at_the_next_chain_line(path: Path, wall: Wall) -> None:
    data = small_log(path, wall)
    path.write_bytes(data.replace(b"vmin=1", b"vmin=2"))
    contents = read_wire_log(path)
    assert contents.verdict == Verdict(Integrity.ALTERED, 5, 0)
    assert str(contents.verdict) == "damaged or altered at line 5, or from line 1 on; no line is proven"
    assert len(contents.entries) == 4  # still readable


def test_a_removed_line_is_found(path: Path, wall: Wall) -> None:
    lines = small_log(path, wall).splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert read_wire_log(path).verdict == Verdict(Integrity.ALTERED, 4, 0)


@pytest.mark.parametrize("tail", [b"5000400 1795464000000400 < late\n", b"torn", b"\n", b"\x00\x00"])
def test_whatever_follows_the_end_is_told(path: Path, wall: Wall, tail: bytes) -> None:
    path.write_bytes(small_log(path, wall) + tail)
    contents = read_wire_log(path)
    assert contents.verdict == Verdict(Integrity.TRAILING, 8, 7)
    assert str(contents.verdict) == "has lines after its end, from line 8 on; lines 1 to 7 are proven"
    assert len(contents.entries) == 4


def test_line_ends_of_another_system_are_an_alteration(path: Path, wall: Wall) -> None:
    path.write_bytes(small_log(path, wall).replace(b"\n", b"\r\n"))
    assert read_wire_log(path).verdict == Verdict(Integrity.ALTERED, 2, 0)


@given(st.binary(max_size=300))
def test_garbage_behind_the_header_never_raises(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.log"
    path.write_bytes(HEAD + tail)
    assert not read_wire_log(path).verdict.whole


@pytest.mark.parametrize(
    "data", [b"t_s,state\n", b"\x7fELF", b"# ionto wire log\n", b"# ionto wire log x  utc=-\n", b"\n"]
)
def test_another_file_is_not_a_wire_log(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(RecordError, match="is not a wire log"):
        read_wire_log(path)


def test_a_newer_version_is_told(path: Path) -> None:
    path.write_bytes(HEAD.replace(b"log 1", b"log 2"))
    with pytest.raises(RecordError, match="version 2, newer than this program knows; upgrade ionto"):
        read_wire_log(path)


def test_a_missing_log_is_a_record_error(path: Path) -> None:
    with pytest.raises(RecordError, match=r"wire.log cannot be read: No such file") as caught:
        read_wire_log(path)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


# -- escapes -----------------------------------------------------------------------------------------------


@given(st.binary())
def test_any_bytes_come_back_from_one_printable_line(raw: bytes) -> None:
    text = escape(raw)
    assert text.isascii()
    assert text.isprintable() or not text
    assert unescape(text) == raw


def test_text_that_looks_like_an_escape_comes_back_as_it_was() -> None:
    assert escape(r"a\x41b") == r"a\\x41b"
    assert unescape(r"a\\x41b") == rb"a\x41b"
    assert escape("\n") == r"\x0A"
    assert escape("µ") == r"\xC2\xB5"


def test_what_json_cannot_hold_is_written_all_the_same(path: Path, wall: Wall) -> None:
    log = WireLog.create(path, {}, wall=wall)
    log.note(
        1,
        2,
        "limit",
        {"z": float("nan"), "i": [float("inf"), 0.5], "where": Path("x"), "kind": "lie", "d": "\x7fµ"},
    )
    log.close()
    (entry,) = read_wire_log(path).entries
    assert entry.text == r'{"kind":"limit","z":"nan","i":["inf",0.5],"where":"x","d":"\u007f\u00b5"}'


# -- when lines reach the disk -----------------------------------------------------------------------------


def test_lines_wait_for_50_ms_of_wall_time(path: Path, wall: Wall) -> None:
    log = WireLog.create(path, HEADER, wall=wall)
    log.sent(0, 0, "A")
    wall.now += 0.049
    log.flush_if_due()
    assert path.read_bytes() == HEAD
    wall.now += 0.002
    log.flush_if_due()
    assert path.read_bytes() == HEAD + b"0 0 > A\n"
    log.close()


def test_a_durable_note_is_on_the_disk_before_it_returns(path: Path, wall: Wall, mocker: MockerFixture) -> None:
    log = WireLog.create(path, HEADER, wall=wall)
    sync = mocker.spy(os, "fsync")
    log.note(3, 4, "intent", {"verb": "START"}, durable=True)
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines[1] == b'3 4 = {"kind":"intent","verb":"START"}\n'
    assert lines[2] == b"3 4 + " + sha256(b"".join(lines[:2])).hexdigest().encode() + b"\n"
    assert sync.call_count == 1
    log.checkpoint()  # nothing new: neither a line nor a sync
    assert sync.call_count == 1
    log.abandon()
    assert path.read_bytes() == b"".join(lines)


def test_a_chain_line_follows_each_second_of_the_lines_own_time(path: Path, wall: Wall) -> None:
    log = WireLog.create(path, HEADER, wall=wall)  # wall time stands still
    for tenth in range(25):
        log.received(tenth * 100_000, 0, "~")
    log.close()
    marks = [line.split()[2:3] for line in path.read_bytes().splitlines()[1:]]
    assert [at for at, mark in enumerate(marks) if mark == [b"+"]] == [11, 23]
    assert read_wire_log(path).verdict.whole


def test_a_quiet_line_is_closed_off_after_a_second_of_wall_time(path: Path, wall: Wall, mocker: MockerFixture) -> None:
    log = WireLog.create(path, HEADER, wall=wall)
    sync = mocker.spy(os, "fsync")
    log.received(7, 8, "~")
    wall.now += 1.0
    log.flush_if_due()
    body = HEAD + b"7 8 < ~\n"
    assert path.read_bytes() == body + b"7 8 + " + sha256(body).hexdigest().encode() + b"\n"
    assert sync.call_count == 1
    wall.now += 10.0
    log.flush_if_due()  # nothing new
    assert sync.call_count == 1
    log.abandon()


def test_the_same_lines_give_the_same_file_however_they_are_flushed(tmp_path: Path, wall: Wall) -> None:
    files = []
    for number, every in enumerate((1, 7, 10_000)):
        log = WireLog.create(tmp_path / str(number), HEADER, wall=wall)
        for line in range(200):
            log.received(line * 50_000, line, f"~{line}")
            if line % every == 0:
                wall.now += 0.06
                log.flush_if_due()
                wall.now -= 0.06
        log.close()
        files.append((tmp_path / str(number)).read_bytes())
    assert files[0] == files[1] == files[2]


# -- a disk that refuses -----------------------------------------------------------------------------------


def test_a_log_is_never_written_over(path: Path, wall: Wall) -> None:
    path.write_bytes(b"precious")
    with pytest.raises(RecordError, match="exists already and is not written over") as caught:
        WireLog.create(path, HEADER, wall=wall)
    assert isinstance(caught.value.__cause__, FileExistsError)
    assert path.read_bytes() == b"precious"


def test_a_missing_folder_is_a_record_error(tmp_path: Path, wall: Wall) -> None:
    with pytest.raises(RecordError, match="cannot be created: No such file"):
        WireLog.create(tmp_path / "none" / "wire.log", HEADER, wall=wall)


def test_partial_writes_are_continued(path: Path, wall: Wall, mocker: MockerFixture) -> None:
    real = os.write
    mocker.patch("os.write", side_effect=lambda fd, data: real(fd, bytes(data[:3])))
    data = small_log(path, wall)
    mocker.stopall()
    assert read_wire_log(path).verdict.whole
    assert data.startswith(HEAD)


@pytest.mark.parametrize(("room", "kept"), [(0, b""), (7, b""), (8, b"1 2 < A\n"), (15, b"1 2 < A\n")])
def test_a_full_disk_keeps_what_is_whole_and_refuses_more(
    path: Path, wall: Wall, mocker: MockerFixture, room: int, kept: bytes
) -> None:
    log = WireLog.create(path, HEADER, wall=wall)
    log.received(1, 2, "A")
    log.received(3, 4, "B")
    mocker.patch("os.write", side_effect=_disk_with(room))
    wall.now += 0.06
    with pytest.raises(RecordError, match=r"wire.log can no longer be written .*No space left") as caught:
        log.flush_if_due()
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    mocker.stopall()
    assert path.read_bytes() == HEAD + kept
    assert log.refusal is not None
    for refused in (
        lambda: log.sent(5, 6, "C"), lambda: log.received(5, 6, "C"), lambda: log.note(5, 6, "x", {}),
        log.checkpoint, log.flush_if_due,
    ):  # fmt: skip
        with pytest.raises(RecordError, match="can no longer be written"):
            refused()
    log.close()  # closes, and neither raises nor writes
    assert path.read_bytes() == HEAD + kept
    assert read_wire_log(path).verdict == Verdict(Integrity.CUT_OFF, 2 if kept else 1, 0)


def test_a_disk_that_cannot_sync_refuses_more(path: Path, wall: Wall, mocker: MockerFixture) -> None:
    log = WireLog.create(path, HEADER, wall=wall)
    mocker.patch("os.fsync", side_effect=OSError(errno.EIO, "Input/output error"))
    with pytest.raises(RecordError, match="Input/output error"):
        log.note(1, 2, "intent", {}, durable=True)
    mocker.stopall()
    with pytest.raises(RecordError, match="can no longer be written"):
        log.checkpoint()
    log.abandon()


def test_a_disk_full_from_the_start_leaves_no_open_file(path: Path, wall: Wall, mocker: MockerFixture) -> None:
    mocker.patch("os.write", side_effect=_disk_with(10))
    close = mocker.spy(os, "close")
    with pytest.raises(RecordError, match="No space left"):
        WireLog.create(path, HEADER, wall=wall)
    assert close.call_count == 2  # the folder, once synced, and the log
    assert path.read_bytes() == b""


def test_a_closed_log_takes_no_more(path: Path, wall: Wall) -> None:
    data = small_log(path, wall)
    log = WireLog.create(path.with_name("second"), HEADER, wall=wall)
    log.close()
    log.close()
    with pytest.raises(RecordError, match="second is closed"):
        log.sent(1, 1, "A")
    assert path.read_bytes() == data


def _disk_with(room: int):
    real = os.write
    left = [room]

    def write(fd: int, data: bytes) -> int:
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = real(fd, bytes(data[: left[0]]))
        left[0] -= taken
        return taken

    return write
