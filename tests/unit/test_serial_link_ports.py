"""Finding ports: what is listed, ``sn:SN0042``, one name for one port."""

from __future__ import annotations

import os
import sys

import pytest
from pytest_mock import MockerFixture
from serial.tools.list_ports_common import ListPortInfo

from controller.errors import PortUnavailable
from controller.serial_link import list_ports, open_link
from controller.serial_link.control import ControlServer
from controller.serial_link.locks import claim
from controller.serial_link.ports import canonical, name_ports, resolve


@pytest.fixture(autouse=True)
def runtime_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(tmp_path))


def usb(device: str, serial_number: str | None) -> ListPortInfo:
    found = ListPortInfo(device)
    found.vid, found.pid, found.serial_number = 0x2E8A, 0x000A, serial_number
    found.description = "IONTO-4"
    return found


@pytest.fixture
def connected(mocker: MockerFixture):
    ports = [usb("/dev/ttyACM10", "SN0042"), usb("/dev/ttyACM2", "SN0007"), ListPortInfo("/dev/ttyS0")]
    return mocker.patch("serial.tools.list_ports.comports", return_value=ports)


def test_ports_are_listed_in_natural_order(connected):
    assert [info.device for info in list_ports()] == ["/dev/ttyACM2", "/dev/ttyACM10", "/dev/ttyS0"]
    first, _, last = list_ports()
    assert (first.vid, first.pid, first.serial_number, first.description) == (0x2E8A, 10, "SN0007", "IONTO-4")
    assert (last.vid, last.pid, last.serial_number, last.holder) == (None, None, None, None)


def test_the_holder_is_named(connected):
    ear = ControlServer()
    lock = claim(
        port="sn:SN0007",
        device=canonical("/dev/ttyACM2"),
        purpose="ionto run",
        control_port=ear.port,
        token=ear.token,
        wait=ear.wait,
    )
    first, second, _ = list_ports()
    lock.release()
    ear.close()
    assert first.holder is not None
    assert (first.holder.purpose, first.holder.pid, first.holder.port) == (
        "ionto run",
        os.getpid(),
        "sn:SN0007",
    )
    assert second.holder is None


@pytest.mark.parametrize("name", ["sn:SN0042", "SN:sn0042"])
def test_a_serial_number_finds_the_port_it_is_on(connected, name):
    assert resolve(name) == "/dev/ttyACM10"


def test_a_serial_number_nobody_carries(connected):
    with pytest.raises(PortUnavailable, match=r"sn:SN9: no port carries .*/dev/ttyACM2 \(SN0007\), .*/dev/ttyS0$"):
        open_link("sn:SN9")


def test_no_serial_number_means_no_port(connected):
    with pytest.raises(PortUnavailable, match="no port carries"):
        resolve("sn:")


def test_two_ports_with_one_serial_number_are_not_guessed_between(connected):
    connected.return_value = [usb("/dev/ttyACM0", "SN0042"), usb("/dev/ttyACM1", "SN0042")]
    with pytest.raises(PortUnavailable, match="/dev/ttyACM0, /dev/ttyACM1 all carry"):
        resolve("sn:SN0042")


def test_a_device_unplugged_while_it_is_listed(connected):
    # int(None, 16): its files in /sys went while pySerial read them.
    connected.side_effect = [
        TypeError("int() can't convert non-string with explicit base"),
        [usb("/dev/ttyACM0", None)],
    ]
    assert [info.device for info in list_ports()] == ["/dev/ttyACM0"]


def test_no_ports_at_all(connected):
    connected.return_value = []
    assert name_ports() == "no serial port is connected"


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("socket://Bench-3:5025", "socket://bench-3:5025"),
        ("SOCKET://bench-3:5025/?logging=debug", "socket://bench-3:5025"),
        ("rfc2217://bench-3:2217?ign_set_control", "rfc2217://bench-3:2217"),
        ("spy:///dev/no-such-port?file=wire.log", "/dev/no-such-port"),
    ],
)
def test_one_name_for_one_port(name, same):
    assert canonical(name) == canonical(same)


@pytest.mark.skipif(sys.platform == "win32", reason="links to devices")
def test_a_link_is_its_device(tmp_path):
    (tmp_path / "by-id").symlink_to("/dev/null")
    assert canonical(str(tmp_path / "by-id")) == "/dev/null"


@pytest.mark.skipif(sys.platform == "win32", reason="macOS's device names")
def test_both_nodes_of_a_line_on_macos_are_one_port():
    assert canonical("/dev/tty.usbmodem14101") == canonical("/dev/cu.usbmodem14101")
