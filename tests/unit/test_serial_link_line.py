"""SerialLink over ports that misbehave as pySerial's do, and over those every platform has."""

from __future__ import annotations

import errno
import math
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import serial
from pytest_mock import MockerFixture

from controller.errors import LinkLost, ProtocolViolation
from controller.serial_link import open_link
from controller.serial_link.line import LinkClock, SerialLink

FAR_S = 30.0  # never reached unless the test fails


@pytest.fixture(autouse=True)
def runtime_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(tmp_path))


def _gone() -> list[Exception]:
    """What a port raised when its far end vanished, pySerial 3.5 (facts D1)."""
    raised: list[Exception] = [
        serial.SerialException("device reports readiness to read but returned no data"),
        OSError(errno.EIO, "Input/output error"),
    ]
    if sys.platform != "win32":
        import termios

        raised.append(termios.error(5, "Input/output error"))
    return raised


CLOSED = [
    TypeError("'NoneType' object cannot be interpreted as an integer"),
    AttributeError("'NoneType' object has no attribute 'recv'"),
    ValueError("file descriptor cannot be a negative integer (-1)"),
    serial.PortNotOpenError(),
    OSError(errno.EBADF, "Bad file descriptor"),
]


def link_over(raw) -> SerialLink:
    return SerialLink(raw, port="COM5", device="COM5")


@pytest.fixture
def raw(mocker: MockerFixture):
    port = mocker.Mock(spec=serial.Serial)
    port.timeout = 0.05
    port.in_waiting = 0
    return port


@pytest.mark.parametrize("error", _gone(), ids=lambda error: type(error).__name__)
def test_a_vanished_port_is_link_lost_with_its_cause(raw, error):
    raw.read.side_effect = raw.write.side_effect = error
    link = link_over(raw)
    with pytest.raises(LinkLost, match=r"^COM5: the port went away .*unplugged.* ask the unit") as reading:
        link.read(link.clock.now())
    with pytest.raises(LinkLost, match="went away") as writing:
        link.write(b"\n")
    assert reading.value.__cause__ is writing.value.__cause__ is error


@pytest.mark.parametrize("error", CLOSED, ids=lambda error: type(error).__name__)
def test_a_port_closed_under_way_is_link_lost(raw, error):
    raw.read.side_effect = raw.write.side_effect = error
    link = link_over(raw)
    with pytest.raises(LinkLost, match="closed while it was in use"):
        link.read(link.clock.now())
    with pytest.raises(LinkLost, match="closed while it was in use"):
        link.write(b"\n")


@pytest.mark.parametrize("error", _gone(), ids=lambda error: type(error).__name__)
def test_close_survives_a_vanished_port(raw, error):
    raw.close.side_effect = error
    link = link_over(raw)
    link.close()
    link.close()
    assert raw.close.call_count == 1


def test_a_port_that_vanishes_between_byte_and_count_is_link_lost(raw, mocker: MockerFixture):
    raw.read.return_value = b"<"
    type(raw).in_waiting = mocker.PropertyMock(side_effect=OSError(5, "Input/output error"))
    link = link_over(raw)
    with pytest.raises(LinkLost, match="went away"):
        link.read(link.clock.now() + FAR_S)


def test_a_timed_out_write_says_that_an_unknown_part_is_out(raw):
    # A SerialTimeoutException is an OSError as well: the order of the cases is what is tested.
    raw.write.side_effect = serial.SerialTimeoutException("Write timeout")
    with pytest.raises(LinkLost, match=r"stopped reading: after 0\.5 s an unknown part of 7 bytes is out"):
        link_over(raw).write(b"*IDN?\r\n")


def test_one_byte_brings_all_that_is_there(raw):
    raw.read.side_effect = [b"<", b"0001 0002"]
    raw.in_waiting = 9
    link = link_over(raw)
    assert link.read(link.clock.now() + FAR_S) == b"<0001 0002"
    assert [call.args for call in raw.read.call_args_list] == [(1,), (9,)]


def test_the_time_out_is_set_only_when_it_changes(mocker: MockerFixture):
    class Port:
        in_waiting = 0
        sets: list[float] = []  # noqa: RUF012 - one test, one class

        @property
        def timeout(self):
            return 0.05

        @timeout.setter
        def timeout(self, value):
            self.sets.append(value)

        read = mocker.Mock(side_effect=[b"", b"", b"", b"x", b"", b"y"])

    port = Port()
    link = link_over(port)
    assert link.read(math.inf) == b"x"
    assert link.read(math.inf) == b"y"
    assert port.sets == []
    port.read.side_effect = [b""]
    assert link.read(link.clock.now() - 1.0) == b""
    assert port.sets == [0.0]


def test_rfc2217_keeps_its_time_out(mocker: MockerFixture):
    # Setting it there renegotiates with the far end, 50 ms or more.
    port = mocker.Mock(spec=serial.Serial, timeout=0.01, in_waiting=0)
    port.read.return_value = b""
    link = SerialLink(port, port="rfc2217://h:1", device="rfc2217://h:1")
    assert link.read(link.clock.now() + 0.001) == b""
    assert port.timeout == 0.01


def test_loop_reads_back_what_was_written():
    link = open_link("loop://")
    try:
        link.write(b"*IDN?\n")
        assert link.read(link.clock.now() + FAR_S) == b"*IDN?\n"
        assert link.read(link.clock.now() + 0.02) == b""
        assert not link.simulated
    finally:
        link.close()


def test_a_deadline_is_not_early():
    link = open_link("loop://")
    try:
        deadline = link.clock.now() + 0.07
        assert link.read(deadline) == b""
        assert link.clock.now() >= deadline
    finally:
        link.close()


def test_wake_from_another_thread_ends_the_read():
    link = open_link("loop://")
    caller = threading.Thread(target=link.wake)
    try:
        start = link.clock.now()
        caller.start()
        assert link.read(start + FAR_S) == b""
        assert link.clock.now() < start + FAR_S
    finally:
        caller.join()
        link.close()


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(FAR_S)
        yield server


def _open(peer: socket.socket) -> tuple[SerialLink, socket.socket]:
    link = open_link(f"socket://127.0.0.1:{peer.getsockname()[1]}")
    far, _ = peer.accept()
    far.settimeout(FAR_S)
    return link, far


def test_tcp_carries_bytes_both_ways(peer):
    link, far = _open(peer)
    with far:
        link.write(b"\n>0000 0001 HELLO\n")
        assert far.recv(100) == b"\n>0000 0001 HELLO\n"
        far.sendall(b"<0000 0001 00 HELLO\n" * 100)  # pySerial's in_waiting never says more than 1 here
        heard = link.read(link.clock.now() + FAR_S)
        assert heard.startswith(b"<0000 0001 00 HELLO\n<0000")
        link.close()


def test_small_lines_are_not_held_back_on_tcp(peer):
    link, far = _open(peer)
    with far:
        assert link._raw._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        link.close()


def test_tcp_peer_that_hangs_up_is_link_lost(peer):
    link, far = _open(peer)
    far.close()
    with pytest.raises(LinkLost, match="socket disconnected"):
        link.read(link.clock.now() + FAR_S)
    link.close()


def test_the_last_line_before_close_arrives_though_unread_bytes_wait_here(peer):
    link, far = _open(peer)
    with far:
        far.sendall(b"~telemetry nobody reads\n")
        link.read(link.clock.now() + FAR_S)
        far.sendall(b"~telemetry nobody reads\n" * 50)
        link.write(b"\x18")
        link.close()
        assert far.recv(10) == b"\x18"
        assert far.recv(10) == b""  # an orderly end, not a reset


def test_use_after_close_is_link_lost(peer):
    link, far = _open(peer)
    with far:
        link.close()
        with pytest.raises(LinkLost, match="closed"):
            link.read(link.clock.now() + FAR_S)
        with pytest.raises(LinkLost, match="closed"):
            link.write(b"\n")


def test_the_clock_runs_at_the_rate_told_and_does_not_jump():
    clock = LinkClock()
    start, before = time.monotonic(), clock.now()
    clock.set_rate(1000.0)
    after, end = clock.now(), time.monotonic()
    assert 0.0 <= after - before <= (end - start) * 1000.0 + 1e-6
    assert 0.0 < clock.real_seconds_until(clock.now() + 1000.0) <= 1.0
    assert clock.real_seconds_until(before - 1.0) == 0.0


def test_civil_time_follows_the_rate():
    clock = LinkClock()
    clock.set_rate(1000.0)
    start, first = clock.now(), clock.utc_s()
    second, end = clock.utc_s(), clock.now()
    assert 0.0 < second - first <= end - start + 1e-5  # utc_s has a resolution of 0.2 us


def test_a_link_keeps_its_clock_when_the_rate_is_told(raw):
    link = link_over(raw)
    clock = link.clock
    link.set_rate(20.0)
    assert link.clock is clock
    assert clock.real_seconds_until(clock.now() + 20.0) <= 1.0


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_cannot_be_is_refused(raw, rate):
    with pytest.raises(ProtocolViolation, match="HELLO is wrong"):
        link_over(raw).set_rate(rate)


def test_a_port_that_opens_and_vanishes_is_not_opened_again_for_half_a_second(raw, mocker: MockerFixture) -> None:
    link = link_over(raw)
    now = [100.0]
    mocker.patch.object(link, "clock", mocker.Mock(now=lambda: now[0], real_seconds_until=lambda deadline: 0.0))
    assert link.reopen(100.2)
    for _ in range(1000):
        assert not link.reopen(now[0] + 0.2)
    assert raw.open.call_count == 1
    now[0] += 0.5
    assert link.reopen(now[0] + 0.2)
    assert raw.open.call_count == 2
