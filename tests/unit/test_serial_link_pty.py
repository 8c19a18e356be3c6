"""SerialLink on a real terminal device: a pseudo-terminal, the nearest to hardware a test has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
import serial

from controller.errors import LinkLost, PortUnavailable
from controller.serial_link import Holder, holders, open_link, opening
from controller.serial_link.line import SerialLink

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals that are serial ports", allow_module_level=True)

import tty

FAR_S = 30.0


class Pty:
    """The unit's end of a terminal. The slave stays open here, or the unit's end would die at each close."""

    def __init__(self) -> None:
        self.unit, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.name = os.ttyname(self._slave)
        self.is_there = True

    def unplug(self) -> None:
        if self.is_there:
            self.is_there = False
            os.close(self.unit)
            os.close(self._slave)


@pytest.fixture(autouse=True)
def runtime_dir(tmp_path, monkeypatch):
    directory = tmp_path / "runtime"
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(directory))
    return directory


@pytest.fixture
def pty() -> Iterator[Pty]:
    made = Pty()
    yield made
    made.unplug()


@pytest.fixture
def link(pty: Pty) -> Iterator[SerialLink]:
    opened = open_link(pty.name, purpose="a test")
    yield opened
    opened.close()


def test_bytes_go_both_ways(pty, link):
    os.write(pty.unit, b"IONTO,IONTO-4,SN0042,1.0.0\n")
    assert link.read(link.clock.now() + FAR_S) == b"IONTO,IONTO-4,SN0042,1.0.0\n"
    link.write(b"*IDN?\n")
    assert os.read(pty.unit, 100) == b"*IDN?\n"


def test_all_256_bytes_pass_unchanged(pty, link):
    every = bytes(range(256))
    link.write(every)
    assert os.read(pty.unit, 1000) == every
    os.write(pty.unit, every)
    assert link.read(link.clock.now() + FAR_S) == every


def test_a_past_deadline_takes_what_is_there(pty, link):
    os.write(pty.unit, b"x")
    assert link.read(link.clock.now() - 1.0) == b"x"
    assert link.read(link.clock.now() - 1.0) == b""


def test_a_deadline_longer_than_a_slice_is_met(link):
    deadline = link.clock.now() + 0.12
    assert link.read(deadline) == b""
    assert link.clock.now() >= deadline


def test_unplugged_while_open(pty, link):
    pty.unplug()
    with pytest.raises(LinkLost, match="went away"):
        link.read(link.clock.now() + FAR_S)
    with pytest.raises(LinkLost, match="went away"):
        link.write(b"\n")
    link.close()


def test_a_unit_that_stopped_reading(pty, monkeypatch):
    monkeypatch.setattr(opening, "WRITE_TIMEOUT_S", 0.02)
    link = open_link(pty.name)
    with pytest.raises(LinkLost, match="an unknown part of 1000000 bytes is out"):
        link.write(bytes(1_000_000))
    link.close()


def test_a_second_opening_names_the_first(pty, link):
    with pytest.raises(PortUnavailable, match=f"this program has it open already, as {pty.name}"):
        open_link(pty.name)
    link.write(b"still mine")
    assert os.read(pty.unit, 100) == b"still mine"


def test_a_link_to_the_device_is_the_same_port(pty, link, tmp_path):
    by_id = tmp_path / "usb-ionto"
    by_id.symlink_to(pty.name)
    with pytest.raises(PortUnavailable, match="has it open already"):
        open_link(str(by_id))


def test_a_port_held_by_a_foreign_program(pty):
    with (
        serial.Serial(pty.name, exclusive=True),
        pytest.raises(PortUnavailable, match="another program holds it"),
    ):
        open_link(pty.name)
    assert holders() == []
    open_link(pty.name).close()


def test_a_failed_opening_leaves_nothing_behind(runtime_dir):
    with pytest.raises(PortUnavailable, match="there is no such port"):
        open_link("/dev/no-such-port")
    assert list(runtime_dir.iterdir()) == []


def test_closed_ports_can_be_opened_again(pty, runtime_dir):
    for _ in range(3):
        link = open_link(pty.name)
        link.close()
        link.close()
    assert list(runtime_dir.iterdir()) == []


def test_the_holder_is_listed_while_open(pty, link):
    [holder] = holders()
    assert holder == Holder(
        pid=os.getpid(),
        port=pty.name,
        device=pty.name,
        purpose="a test",
        host=holder.host,
        started_utc=holder.started_utc,
    )
    link.close()
    assert holders() == []


def test_spy_sees_what_passes(pty, tmp_path):
    # The plain device is read through its descriptor; a wrapper of pySerial's must not be bypassed.
    seen = tmp_path / "wire.log"
    link = open_link(f"spy://{pty.name}?file={seen}")
    link.write(b"ping")
    os.write(pty.unit, b"pong")
    assert link.read(link.clock.now() + FAR_S) == b"pong"
    link.close()
    assert "ping" in seen.read_text()
    assert "pong" in seen.read_text()


def test_spy_and_device_are_the_same_port(pty, link):
    with pytest.raises(PortUnavailable, match="has it open already"):
        open_link(f"spy://{pty.name}?file={os.devnull}")
