"""Who holds which port: two never believe, a dead holder blocks nobody."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from controller.errors import PortUnavailable
from controller.serial_link import Holder, holders, locks, open_link
from controller.serial_link.control import ControlServer
from controller.serial_link.locks import Entry, PortLock, claim, runtime_dir
from controller.serial_link.processes import is_running

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX owners and file modes")
DEVICE = "/dev/ttyACM0"
NEVER_S = 60


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def ear() -> Iterator[ControlServer]:
    server = ControlServer()
    yield server
    server.close()


def claim_for(ear: ControlServer, purpose: str = "ionto run", *, wait=None) -> PortLock:
    return claim(
        port=DEVICE,
        device=DEVICE,
        purpose=purpose,
        control_port=ear.port,
        token=ear.token,
        wait=ear.wait if wait is None else wait,
    )


def leave_behind(directory: Path, **changes) -> Path:
    """The file of a holder that ended without a word."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed_port = unused.getsockname()[1]
    said = {
        "pid": os.getpid(),
        "port": DEVICE,
        "device": DEVICE,
        "purpose": "ionto run",
        "host": socket.gethostname(),
        "started_utc": "2026-01-01T00:00:00Z",
        "control_port": closed_port,
        "token": "00",
    } | changes
    key = locks._key(str(said["device"]))
    path = directory / f"{key}.00000000000000000001-1-00000000.lock"
    path.write_text(json.dumps(said))
    return path


def test_the_file_says_who_and_where(directory, ear):
    lock = claim_for(ear)
    [path] = directory.iterdir()
    said = json.loads(path.read_text())
    assert said == {
        "pid": os.getpid(),
        "port": DEVICE,
        "device": DEVICE,
        "purpose": "ionto run",
        "host": socket.gethostname(),
        "started_utc": said["started_utc"],
        "control_port": ear.port,
        "token": ear.token,
    }
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600
    lock.release()
    assert list(directory.iterdir()) == []


def test_a_second_claim_is_refused_and_leaves_no_trace(directory, ear):
    lock = claim_for(ear)
    with pytest.raises(PortUnavailable, match="this program has it open already"):
        claim_for(ear)
    assert len(list(directory.iterdir())) == 1
    lock.release()
    claim_for(ear).release()


def test_other_ports_are_free(ear):
    lock = claim_for(ear)
    other = claim(port="COM7", device="COM7", purpose="", control_port=ear.port, token="", wait=ear.wait)
    assert [holder.port for holder in holders()] == [DEVICE, "COM7"]
    lock.release()
    other.release()


def test_of_two_that_meet_the_older_waits_for_the_younger_to_step_back(ear, monkeypatch):
    younger = claim_for(ear, "the younger")
    monkeypatch.setattr(locks.time, "time_ns", lambda: 1)  # a claim that was begun before, and published after
    waited = []

    def step_back(seconds: float) -> None:
        waited.append(seconds)
        younger.release()

    older = claim_for(ear, "the older", wait=step_back)
    assert waited == [0.002]
    assert [holder.purpose for holder in holders()] == ["the older"]
    older.release()


def test_the_older_gives_up_when_the_younger_holds_the_port(directory, ear, monkeypatch):
    younger = claim_for(ear, "the younger")
    monkeypatch.setattr(locks.time, "time_ns", lambda: 1)
    monkeypatch.setattr(locks, "_RIVAL_LEAVES_WITHIN_S", 0.0)
    with pytest.raises(PortUnavailable):
        claim_for(ear, "the older", wait=lambda seconds: None)
    assert [holder.purpose for holder in holders()] == ["the younger"]
    younger.release()


@pytest.mark.parametrize("pid", [0, -1, 2**40])
def test_impossible_processes_are_not_running(pid):
    if sys.platform == "win32" and pid == 2**40:
        pytest.skip("ctypes truncates it")
    assert not is_running(pid)


def test_a_process_runs_until_it_has_ended():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    assert is_running(child.pid)
    child.communicate("\n", timeout=NEVER_S)
    assert not is_running(child.pid)
    assert is_running(os.getpid())


def test_a_living_process_that_does_not_listen_is_not_the_holder(directory, ear):
    # Its number was given to another process since; here it is ours.
    stale = leave_behind(directory)
    lock = claim_for(ear)
    assert not stale.exists()
    lock.release()


def test_the_file_of_another_machine_is_neither_obeyed_nor_removed(directory, ear):
    foreign = leave_behind(directory, host="elsewhere")
    claim_for(ear).release()
    assert foreign.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}'])
def test_a_file_that_is_not_ours_is_left_alone(directory, ear, text):
    foreign = directory / f"{locks._key(DEVICE)}.1.lock"
    foreign.write_text(text)
    claim_for(ear).release()
    assert foreign.exists()


@pytest.mark.parametrize("changes", [{"pid": "7"}, {"control_port": None}])
def test_a_holder_that_makes_no_sense_blocks_nobody(directory, ear, changes):
    leave_behind(directory, **changes)
    claim_for(ear).release()


def test_an_impossible_control_port_is_a_dead_holder(directory, ear):
    leave_behind(directory, control_port=99_999)
    claim_for(ear).release()
    assert list(directory.iterdir()) == []


def test_a_newer_version_may_write_more(directory, ear):
    leave_behind(directory, control_port=ear.port, mood="good")
    assert [holder.purpose for holder in holders()] == ["ionto run"]


def test_the_token_is_not_shown():
    holder = Holder(pid=1, port="p", device="p", purpose="ionto run", host="h", started_utc="2026-01-01T00:00:00Z")
    entry = Entry(path=Path("x"), holder=holder, control_port=1, token="deadbeef")
    assert "deadbeef" not in repr(entry)
    assert str(holder) == "ionto run (process 1, since 2026-01-01T00:00:00Z)"


@posix_only
def test_the_directory_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.delenv("IONTO_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_dir() == tmp_path / "ionto"
    assert runtime_dir().stat().st_mode & 0o777 == 0o700


@posix_only
def test_without_a_session_directory_the_temporary_one_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("IONTO_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert runtime_dir() == tmp_path / f"ionto-{os.getuid()}"


@posix_only
def test_a_planted_link_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(tmp_path / "link"))
    with pytest.raises(PermissionError, match="IONTO_RUNTIME_DIR"):
        runtime_dir()


# Each line on standard input is an order; what came of it is a line on standard output.
OPENER = """
import os, sys
from controller.errors import PortUnavailable
from controller.serial_link import open_link
import serial  # before the start, so that all try at once
link = None
print("ready", flush=True)
for order in sys.stdin:
    if order == "open\\n":
        try:
            link = open_link(sys.argv[1], purpose="an opener")
            print("held", flush=True)
        except PortUnavailable as exc:
            print(exc.reason, flush=True)
    elif order == "die\\n":
        os._exit(9)
    elif link is not None:
        link.close()
        link = None
"""


class Opener:
    """Another process that opens a port when told to."""

    def __init__(self, port: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", OPENER, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        assert self.hear() == "ready"

    def tell(self, order: str) -> None:
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        return self._process.stdout.readline().rstrip("\n")

    def die(self) -> None:
        self.tell("die")
        assert self._process.wait(NEVER_S) == 9

    def __enter__(self) -> Opener:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(NEVER_S)


@pytest.fixture
def port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"


def test_of_processes_that_open_at_once_never_two_hold(port):
    with ExitStack() as stack:
        openers = [stack.enter_context(Opener(port)) for _ in range(3)]
        held = 0
        for _ in range(8):
            for opener in openers:
                opener.tell("open")
            answers = [opener.hear() for opener in openers]
            assert answers.count("held") <= 1
            assert all("held" in answer for answer in answers)  # "held", or "held by an opener (process ..."
            held += answers.count("held")
            for opener in openers:
                opener.tell("close")
        assert held >= 1


def test_the_refusal_names_the_holder_and_the_way_out(port):
    with Opener(port) as other:
        other.tell("open")
        assert other.hear() == "held"
        with pytest.raises(PortUnavailable) as caught:
            open_link(port)
    assert f"held by an opener (process {other.pid}, since 20" in caught.value.reason
    assert f"`ionto stop --port {port}`" in caught.value.reason


def test_the_port_of_a_process_that_died_is_free(port, directory):
    with Opener(port) as other:
        other.tell("open")
        assert other.hear() == "held"
        other.die()
        assert len(list(directory.iterdir())) == 1
        link = open_link(port)
        assert [holder.pid for holder in holders()] == [os.getpid()]
        link.close()
    assert list(directory.iterdir()) == []
