"""The disk of the host fills during a run: the unit is stopped first, and what is whole is kept."""

from __future__ import annotations

import errno
import os

import pytest

from controller import RecordError
from controller.cli import run_command
from controller.journal import recover
from controller.journal.wire_log import read_wire_log
from tests.rigs import VirtualRig, small

pytestmark = pytest.mark.needs("exact_time", "truth")
FULL = r"wire\.log can no longer be written \(No space left on device\)"


@pytest.fixture
def fill(mocker):
    """From the call on there is so much room on the disk."""

    def fill(room: int) -> None:
        real, left = os.write, [room]

        def write(fd: int, data: bytes) -> int:
            left[0] -= len(data)
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(fd, data)

        mocker.patch("os.write", write)

    return fill


def exhaust(run, eyes) -> None:
    with run:
        for _ in run:
            eyes.look()


@pytest.mark.parametrize("room", [2_000, 40_000])
def test_a_disk_that_fills_stops_the_unit_and_keeps_what_is_whole(
    rig: VirtualRig, tmp_path, mocker, fill, room
) -> None:
    eyes = rig.eyes()
    with rig.open() as unit:
        run = unit.deliver(small(20.0), out=tmp_path)
        fill(room)
        with pytest.raises(RecordError, match=FULL):
            exhaust(run, eyes)
        mocker.stopall()
        assert run.results[0].outcome == "STOPPED"
        assert run.results[0].breach.limit == "everything delivered is on record"
        assert (run.results[0].q_uc > 0) is (room == 40_000)
        assert run.is_quiet
        eyes.end(run.record)
    [folder] = tmp_path.iterdir()
    log = read_wire_log(folder / "wire.log")
    assert log.verdict.line == len((folder / "wire.log").read_bytes().splitlines())
    assert (folder / "wire.log").read_bytes().endswith(b"\n")
    # In virtual time more was delivered after the last line than in 50 ms of real time: the low end only.
    assert recover(folder).dose_interval_ma_min[0] * 60_000 <= eyes.delivered_uc


def test_the_command_says_so_in_a_sentence(rig: VirtualRig, capsys, mocker, fill) -> None:
    fill(40_000)
    code = run_command(["run", "--current", "2", "--dose", "20", "--pole", "-", "--port", rig.port])
    mocker.stopall()
    out, err = capsys.readouterr()
    assert code == 5
    assert "No space left on device" in err
    assert "Traceback" not in out + err
    assert "output   off, measured" in out
