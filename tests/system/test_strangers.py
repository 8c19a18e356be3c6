"""A port on which something else answers: nothing that raises is ever sent there, no record is begun, exit code 3."""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator

import pytest

from controller.cli import run_command
from tests.rigs import write_small

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
GARBAGE = bytes(range(256)) * 4 + b"~\n<!>\n" * 20
PIECE_S = 0.1  # garbage at 10 kB/s: about a kilobyte each


def echo(heard: bytes) -> bytes:
    return heard


def modem(heard: bytes) -> bytes:
    return b"\r\nERROR\r\n" * heard.count(b"\n")


def unasked(_: bytes) -> bytes:
    return b""


class Stranger:
    """Something on the other end of a pseudo-terminal or a socket. ``heard`` is what was written to it."""

    def __init__(self, kind: str, answer: Callable[[bytes], bytes]) -> None:
        self.heard = b""
        self._answer = answer
        self._over, self._wake = os.pipe()
        if kind == "pty":
            self._fd, self._slave = os.openpty()
            tty.setraw(self._fd)
            tty.setraw(self._slave)
            self.port = os.ttyname(self._slave)
            self._listener = None
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._talk)
        self._thread.start()

    def _talk(self) -> None:
        connection = None
        if self._listener is not None:
            connection, _ = self._listener.accept()
            self._fd = connection.fileno()
        os.set_blocking(self._fd, False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._fd, selectors.EVENT_READ)
            selector.register(self._over, selectors.EVENT_READ)
            due_s = time.monotonic()
            while True:
                ready = {key.fd for key, _ in selector.select(max(0.0, due_s - time.monotonic()))}
                if self._over in ready:
                    break
                try:
                    if self._fd in ready:
                        heard = os.read(self._fd, 4096)
                        if not heard:
                            break
                        self.heard += heard
                        os.write(self._fd, self._answer(heard))
                    if time.monotonic() >= due_s:
                        due_s = time.monotonic() + PIECE_S
                        if self._answer is unasked:
                            os.write(self._fd, GARBAGE)
                except OSError:  # nobody reads, or nobody is there any more
                    pass
        if connection is not None:
            connection.close()

    def close(self) -> None:
        os.write(self._wake, b"x")
        self._thread.join()
        if self._listener is None:
            os.close(self._fd)
            os.close(self._slave)
        else:
            self._listener.close()
        os.close(self._over)
        os.close(self._wake)


CASES = [("pty", echo), ("tcp", echo), ("pty", modem), ("tcp", unasked)]


@pytest.fixture(params=CASES, ids=[f"{kind}-{answer.__name__}" for kind, answer in CASES])
def stranger(request: pytest.FixtureRequest) -> Iterator[Stranger]:
    made = Stranger(*request.param)
    yield made
    made.close()


def test_a_stranger_is_greeted_and_left_alone(stranger: Stranger, capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("controller.unit.BOOT_PATIENCE_S", 0.5)
    code = run_command(["run", write_small(tmp_path / "small.toml", 0.2, 1.0), "--port", stranger.port, "--yes"])
    out, err = capsys.readouterr()
    assert code == 3
    assert out == ""
    assert "this is not an ionto unit; it said " in err
    assert len(err.strip().splitlines()) == 1
    lines = [line for line in stranger.heard.split(b"\n") if line]
    assert lines
    assert all(b" HELLO " in line for line in lines)
    assert not (tmp_path / "runs").exists()
