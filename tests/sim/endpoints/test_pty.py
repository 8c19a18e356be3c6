"""``ionto-sim serve --pty``: a process of its own, met through its device."""

from __future__ import annotations

import os
import signal
import sys

import pytest
import serial

from tests.sim.endpoints.serving import (
    ask,
    open_device,
    run_out,
    serial_host,
    serve,
    until_answered,
    until_paused,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
linux = pytest.mark.skipif(sys.platform != "linux", reason="a close of the slave is noticed on Linux only")

IDN = b"IONTO,IONTO-4,SN0001,1.0.0\n"


@pytest.fixture
def link(tmp_path):
    return tmp_path / "unit"


@pytest.fixture
def served(link):
    with serve("--pty", str(link)) as running:
        yield running


def test_the_first_line_says_where_it_is(served, link):
    assert served.places == {"unit": "SN0001", "pty": str(link), "scenario": "skin", "speed": 1}
    assert os.readlink(link).startswith("/dev/")
    with open_device(str(link)) as port:
        assert ask(port, b"*IDN?") == IDN


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(link, number):
    with serve("--pty", str(link)) as served, open_device(str(link)) as port:
        assert ask(port, b"*IDN?") == IDN
        assert served.end(number) == 0
        assert not os.path.lexists(link)
        assert served.process.stderr.read() == b""
        with pytest.raises(serial.SerialException):
            port.read(1)


def test_nohup_keeps_it(link):
    program = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from hw_sim.cli import main; main()"
    with serve("--pty", str(link), program=("-c", program)) as served:
        served.process.send_signal(signal.SIGHUP)
        with open_device(str(link)) as port:
            assert ask(port, b"*IDN?") == IDN
        assert served.end() == 0


@linux
def test_a_closed_device_closes_the_session_and_pauses_the_run(link):
    with serve("--pty", str(link), "--tcp", "0") as served, served.connect() as other:
        with open_device(str(link)) as port:
            host = serial_host(port)
            host.start(I=200, TU=400, Q=60_000)
            host.until(lambda: host.telemetry[-1]["q"] > 0)
            sid = host.sid
        until_paused(other)
        with open_device(str(link)) as port:
            host = serial_host(port)
            host.sid = sid
            assert host.ask("STATUS")["code"] == "05"
            host.hello()
            facts = host.run_facts()
            assert (facts["st"], facts["out"]) == ("PAUSED", "RUNNING")
            assert int(facts["q"]) > 0


def test_twenty_reconnects(served, link):
    for _ in range(20):
        with open_device(str(link)) as port:
            assert ask(port, b"*IDN?") == IDN
            assert port.in_waiting == 0


@linux
def test_an_answer_that_was_not_read_is_not_the_next_ones(served, link):
    for _ in range(5):
        with open_device(str(link)) as port:
            port.write(b"SYST:HELP?\n")
            assert port.read(1) == b"*"
        device = os.open(link, os.O_RDWR | os.O_NOCTTY)
        with open_device(str(link)) as port:
            os.close(device)
            assert ask(port, b"*IDN?") == IDN


@linux
def test_a_word_left_in_passing_is_heard(served, link):
    """``echo NONSENSE > device``: open, write and close between two looks of the server."""
    for _ in range(5):
        device = os.open(link, os.O_RDWR | os.O_NOCTTY)
        os.write(device, b"NONSENSE\n")
        os.close(device)
        with open_device(str(link)) as port:
            answer = ask(port, b"SYST:ERR?")
            while answer == b'0,"No error"\n':  # this open may have been the quicker one
                answer = ask(port, b"SYST:ERR?")
            assert answer == b'-113,"Undefined header"\n'


def test_garbage_is_survived_and_counted(served, link):
    noise = bytes(b for b in range(256) if b not in (0x03, 0x18)) * 20
    with open_device(str(link)) as port:
        port.write(noise + b"\n" + b"A" * 1000 + b"\n>0000 0001 HELLO*00000000\n")
        assert ask(port, b"*IDN?") == IDN
        damaged, poisoned, overlong, _ = ask(port, b"SYST:COUN?").split(b",")
        assert int(damaged) == 1
        assert int(poisoned) >= 20
        assert int(overlong) >= 1


def test_a_reader_that_does_not_read_gets_whole_lines_later(served, link):
    with open_device(str(link)) as port:
        for _ in range(40):
            port.write(b"SYST:HELP?\n" * 50)
        port.timeout = 0.2
        lines = until_answered(port.write, lambda: port.read(4096))
        assert len(lines) < 2000
        assert set(lines) == {lines[0]}
        assert lines[0].startswith(b"*IDN?,*OPC?,")


def test_a_name_in_use_is_refused(served, link):
    second = run_out("serve", "--pty", str(link))
    assert second.returncode == 3
    assert second.stderr.count("\n") == 1
    assert f"{link} leads to /dev/" in second.stderr
    assert "is another ionto-sim serving there?" in second.stderr
    with open_device(str(link)) as port:
        assert ask(port, b"*IDN?") == IDN


def test_a_file_of_that_name_is_left_alone(tmp_path):
    file = tmp_path / "notes"
    file.write_text("mine")
    second = run_out("serve", "--pty", str(file))
    assert (second.returncode, second.stdout) == (3, "")
    assert second.stderr == f"Error: {file}: there is a file of that name; choose another --pty\n"
    assert file.read_text() == "mine"


@linux
def test_what_a_killed_server_left_is_taken_over(link):
    with serve("--pty", str(link)) as served:
        served.end(signal.SIGKILL)
    assert os.path.lexists(link)
    with serve("--pty", str(link)), open_device(str(link)) as port:
        assert ask(port, b"*IDN?") == IDN


def test_a_link_that_is_somebody_elses_by_now_stays(link, tmp_path):
    with serve("--pty", str(link)) as served:
        link.unlink()
        link.symlink_to(tmp_path)
        assert served.end() == 0
    assert os.readlink(link) == str(tmp_path)


def test_unplugged_the_device_is_gone_and_comes_back(link):
    with serve("--pty", str(link), "--bench-door", "127.0.0.1:0") as served, served.door() as door:
        with open_device(str(link)) as port:
            assert ask(port, b"*ESR?") == b"128\n"
            door.call("unplug")
            with pytest.raises((serial.SerialException, OSError)):
                port.read(1)
        door.call("truth")  # the turn after the unplugging is over
        assert not os.path.lexists(link)
        door.call("replug")
        door.call("truth")
        with open_device(str(link)) as port:
            assert ask(port, b"*ESR?") == b"0\n"
        assert served.end() == 0
        assert not os.path.lexists(link)
