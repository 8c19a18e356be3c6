"""Every way a port does not open: one sentence with the remedy. And what the simulator's port is asked."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import types

import pytest
import serial
from pytest_mock import MockerFixture

from controller.errors import PortUnavailable, Unacknowledged
from controller.link import ByteLink
from controller.serial_link import holders, open_link, opening
from controller.serial_link.reasons import why_unavailable

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX error numbers and file modes")


@pytest.fixture(autouse=True)
def runtime_dir(tmp_path, monkeypatch):
    directory = tmp_path / "runtime"
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(directory))
    return directory


def could_not_open(number: int) -> serial.SerialException:
    return serial.SerialException(number, f"could not open port /dev/ttyACM0: [Errno {number}] ...")


def could_not_configure(number: int, text: str) -> serial.SerialException:
    """As serialposix raises it: no number of its own, the ``termios.error`` behind it."""
    import termios

    try:
        try:
            raise termios.error(number, text)
        except termios.error as exc:
            raise serial.SerialException(f"Could not configure port: {exc}")  # noqa: B904 - as pySerial does
    except serial.SerialException as exc:
        return exc


@posix_only
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOENT, "there is no such port; "),
        (errno.EACCES, "no permission: the port belongs to group "),
        (errno.EBUSY, "another program holds it: close it"),
        (errno.EAGAIN, "another program holds it: close it"),
        (errno.EISDIR, "this is not a serial port; "),
        (errno.ENXIO, "the name is there, but no device behind it; "),
    ],
)
def test_what_the_open_call_says(number, sentence):
    assert why_unavailable(could_not_open(number), "/dev/ttyACM0").startswith(sentence)


@posix_only
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOTTY, "this is not a serial port; "),
        (errno.EIO, "the name is there, but no device behind it; "),
    ],
)
def test_what_the_terminal_layer_says(number, sentence):
    assert why_unavailable(could_not_configure(number, "..."), "/dev/ttyS9").startswith(sentence)


def test_what_windows_says():
    # All there is on Windows is the repr of an OSError in the text.
    absent = serial.SerialException("could not open port 'COM9': FileNotFoundError(2, 'Cannot find', None, 2)")
    assert why_unavailable(absent, "COM9").startswith("there is no such port; ")


@posix_only
def test_permission_names_the_group_of_the_device_and_the_ways_out(tmp_path):
    import grp

    device = tmp_path / "ttyACM0"
    device.touch()
    group = grp.getgrgid(device.stat().st_gid).gr_name
    reason = why_unavailable(could_not_open(errno.EACCES), str(device))
    assert f"group {group}; join it (`sudo usermod -aG {group} $USER`" in reason
    assert "udev rule" in reason


@pytest.mark.skipif(sys.platform != "linux", reason="ModemManager is Linux's")
def test_a_held_cdc_port_mentions_modemmanager():
    assert "ModemManager" in why_unavailable(could_not_open(errno.EBUSY), "/dev/ttyACM0")
    assert "ModemManager" not in why_unavailable(could_not_open(errno.EBUSY), "/dev/ttyUSB0")


@posix_only
@pytest.mark.parametrize("port", ["/tmp", os.devnull, __file__])
def test_a_file_or_directory_is_not_a_serial_port(port):
    with pytest.raises(PortUnavailable, match="this is not a serial port"):
        open_link(port)


def test_connection_refused():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets it meanwhile
        with pytest.raises(PortUnavailable, match="nobody listens there"):
            open_link(f"socket://127.0.0.1:{unused.getsockname()[1]}")


def test_host_unknown(mocker: MockerFixture):
    mocker.patch("socket.getaddrinfo", side_effect=socket.gaierror(-2, "Name or service not known"))
    with pytest.raises(PortUnavailable, match="nobody knows this host"):
        open_link("socket://bench-3:5025")


def test_host_silent(mocker: MockerFixture):
    mocker.patch("socket.create_connection", side_effect=TimeoutError("timed out"))
    with pytest.raises(PortUnavailable, match="the host does not answer"):
        open_link("socket://192.0.2.1:5025")


@pytest.mark.parametrize("port", ["socket://bench-3", "socket://bench-3:99999", "socket://bench-3:x"])
def test_an_address_without_a_port(port):
    with pytest.raises(PortUnavailable, match="write it as socket://host:port"):
        open_link(port)


def test_an_unknown_kind_of_port():
    with pytest.raises(PortUnavailable, match="there is no port of the kind ftp://; use a device, sn:"):
        open_link("ftp://bench-3")


def test_an_exception_the_caller_is_handling_is_not_taken_for_the_cause():
    try:
        raise Unacknowledged("START")  # a TimeoutError, which is not about this port
    except Unacknowledged:
        with pytest.raises(PortUnavailable, match="there is no port of the kind"):
            open_link("ftp://bench-3")


def test_the_cause_is_chained(mocker: MockerFixture):
    refused = serial.SerialException(errno.EBUSY, "busy")
    mocker.patch.object(serial.Serial, "open", side_effect=refused)
    with pytest.raises(PortUnavailable) as caught:
        open_link("/dev/ttyUSB7")
    assert caught.value.__cause__ is refused
    assert caught.value.port == "/dev/ttyUSB7"


def test_an_interrupted_opening_gives_the_port_back(mocker: MockerFixture):
    mocker.patch.object(serial.Serial, "open", side_effect=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        open_link("/dev/ttyUSB7")
    assert holders() == []


def test_how_a_device_is_opened(mocker: MockerFixture):
    made = mocker.spy(serial, "serial_for_url")
    mocker.patch.object(serial.Serial, "open", autospec=True, side_effect=serial.SerialException("stop here"))
    with pytest.raises(PortUnavailable):
        open_link("/dev/ttyUSB7")
    port = made.spy_return
    assert (port.baudrate, port.bytesize, port.parity, port.stopbits) == (115_200, 8, "N", 1)
    assert (port.xonxoff, port.rtscts, port.dsrdtr) == (False, False, False)
    assert (port.dtr, port.rts, port.write_timeout) == (True, True, 0.5)
    assert port.exclusive is (True if os.name == "posix" else None)


def test_rfc2217_is_opened_without_a_write_time_out(mocker: MockerFixture):
    # It would raise NotImplementedError, and after 3 s of negotiation at that.
    made = mocker.spy(serial, "serial_for_url")
    mocker.patch("serial.rfc2217.Serial.open", side_effect=serial.SerialException("stop here"))
    with pytest.raises(PortUnavailable, match="stop here"):
        open_link("rfc2217://bench-3:2217")
    assert made.spy_return.write_timeout is None


@posix_only
def test_a_runtime_directory_open_to_others_is_refused(runtime_dir):
    runtime_dir.mkdir()
    runtime_dir.chmod(0o777)
    with pytest.raises(PortUnavailable, match="can be written by others: set IONTO_RUNTIME_DIR"):
        open_link("/dev/ttyUSB7")


def test_importing_the_package_does_not_import_pyserial():
    code = "import sys, controller.serial_link; print('serial' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


class UnitTime:
    """A clock that stands still but for what the port lets pass."""

    def __init__(self) -> None:
        self.now_s = 5.0

    def now(self) -> float:
        return self.now_s

    def utc_s(self) -> float:
        return 1_000_000_000.0 + self.now_s

    def real_seconds_until(self, deadline: float) -> float:
        return 0.0


class TimedPort(serial.SerialBase):
    """The least a ``sim://`` port is: it owns its time and answers each write 2 s later."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.virtual_clock = UnitTime()
        self._answer = b""

    def open(self):
        if self.port == "sim://nowhere":
            raise serial.SerialException("no scenario 'nowhere'")
        self.is_open = True

    def close(self):
        self.is_open = False

    def _reconfigure_port(self): ...

    def use_virtual_time(self):
        return None if "speed=" in self.port else self.virtual_clock

    def read_until_deadline(self, deadline_s: float) -> bytes:
        if not self.is_open:
            raise serial.PortNotOpenError
        comes_at = self.virtual_clock.now_s + 2.0
        answer = self._answer if comes_at <= deadline_s else b""
        self.virtual_clock.now_s = comes_at if answer else deadline_s
        return answer

    @property
    def in_waiting(self):
        return 0

    def read(self, size=1):
        return b"real time"[:size]

    def write(self, data):
        self._answer = data
        return len(data)


@pytest.fixture
def simulator(monkeypatch):
    package, handler = types.ModuleType("far_end"), types.ModuleType("far_end.protocol_sim")
    package.__path__ = []
    handler.Serial = TimedPort
    monkeypatch.setitem(sys.modules, "far_end", package)
    monkeypatch.setitem(sys.modules, "far_end.protocol_sim", handler)
    monkeypatch.setattr(opening, "_SIM_HANDLERS", "far_end")
    monkeypatch.setattr(serial, "protocol_handler_packages", ["serial.urlhandler"])


def test_on_sim_the_read_is_what_makes_time_pass(simulator):
    link: ByteLink = open_link("sim://")
    assert link.simulated
    assert link.clock.now() == 5.0
    assert link.read(8.0) == b""
    assert link.clock.now() == 8.0
    link.write(b"*IDN?\n")
    assert link.read(20.0) == b"*IDN?\n"
    assert link.clock.now() == 10.0
    link.set_rate(50.0)  # the port owns the clock
    assert link.clock.now() == 10.0
    link.close()


def test_sim_at_a_speed_runs_in_wall_time(simulator):
    link = open_link("sim://?speed=20")
    assert link.simulated
    assert link.read(link.clock.now()) == b"r"
    link.set_rate(20.0)
    assert link.clock.real_seconds_until(link.clock.now() + 20.0) <= 1.0
    link.close()


def test_simulated_worlds_are_private_but_listed(simulator):
    first, second = open_link("sim://", purpose="one"), open_link("sim://", purpose="two")
    assert [holder.purpose for holder in holders()] == ["one", "two"]
    first.close()
    second.close()
    assert holders() == []


def test_a_simulator_needs_no_runtime_directory(simulator, runtime_dir):
    runtime_dir.write_text("in the way")
    link = open_link("sim://")
    assert link.read(6.0) == b""
    assert link.requests() == []
    link.close()


def test_a_closed_sim_port_is_link_lost(simulator):
    link = open_link("sim://")
    link.close()
    with pytest.raises(OSError, match="closed while it was in use"):
        link.read(6.0)


def test_a_scenario_that_is_not_there(simulator):
    with pytest.raises(PortUnavailable, match=r"^sim://nowhere: no scenario 'nowhere'$"):
        open_link("sim://nowhere")


def test_without_the_simulator_sim_says_what_to_install(monkeypatch):
    monkeypatch.setattr(opening, "_SIM_HANDLERS", "far_end_that_is_not_there")
    monkeypatch.setattr(serial, "protocol_handler_packages", ["serial.urlhandler"])
    with pytest.raises(PortUnavailable, match=r"the simulator is not installed .* install ionto"):
        open_link("sim://")
