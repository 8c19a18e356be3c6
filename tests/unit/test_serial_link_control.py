"""`ionto stop` and its kind: heard inside a read, answered once, and never in the way of the line."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from controller.link import ControlRequest
from controller.serial_link import HolderReply, ask_holder, open_link
from controller.serial_link.control import CLIENTS_MAX, LINE_MAX, ControlServer
from controller.serial_link.line import SerialLink

FAR_S = 30.0  # never reached unless the test fails


@pytest.fixture(autouse=True)
def runtime_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def server() -> Iterator[ControlServer]:
    made = ControlServer()
    yield made
    made.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def caller(stack: ExitStack, server: ControlServer, said: bytes = b"") -> socket.socket:
    conn = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), FAR_S))
    conn.sendall(said)
    return conn


def line(server: ControlServer, verb: object) -> bytes:
    return json.dumps({"token": server.token, "verb": verb}).encode() + b"\n"


def hear(server: ControlServer) -> list[ControlRequest]:
    """Requests, as soon as there are any."""
    for _ in range(int(FAR_S * 10)):
        server.wait(0.1)
        if heard := server.requests():
            return heard
    return []


def word(server: ControlServer, conn: socket.socket) -> bytes:
    """What the server says on this connection; nothing when it hangs up without a word."""
    conn.settimeout(0.01)
    for _ in range(int(FAR_S * 100)):
        server.poll()
        try:
            return conn.recv(1000)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    return b"(it stays connected and says nothing)"


def test_a_request_is_heard_and_answered(server, stack):
    conn = caller(stack, server, line(server, "stop"))
    [request] = hear(server)
    assert request.verb == "stop"
    request.answer({"zero_ma": 0.0})
    request.answer({"a second": "answer"})
    assert conn.makefile("rb").read() == b'{"zero_ma": 0.0}\n'
    assert server.requests() == []


def test_a_request_may_come_in_pieces(server, stack):
    whole = line(server, "pause")
    conn = caller(stack, server, whole[:10])
    server.wait(0.1)
    server.wait(0.1)
    assert server.requests() == []
    conn.sendall(whole[10:])
    assert [request.verb for request in hear(server)] == ["pause"]


@pytest.mark.parametrize(
    "said",
    [
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b'{"verb": "stop"}\n',
        b'{"token": "", "verb": "stop"}\n',
        b'{"token": null, "verb": "stop"}\n',
        b'{"token": "\\ud800", "verb": "stop"}\n',
        b'["token", "verb"]\n',
        b"\xff\xfe\x00\n",
        b"x" * (LINE_MAX + 1),
        b"[" * 500 + b"\n",
    ],
    ids=[
        "empty",
        "http",
        "no token",
        "empty token",
        "null",
        "surrogate",
        "array",
        "binary",
        "endless",
        "nested",
    ],
)
def test_who_does_not_know_the_token_gets_no_word(server, stack, said):
    conn = caller(stack, server, said)
    assert word(server, conn) == b""
    assert server.requests() == []
    assert len(server.fds) == 1


@pytest.mark.parametrize("verb", ["start", "", 7, None, ["stop"]])
def test_an_unknown_verb_is_told_the_known_ones(server, stack, verb):
    conn = caller(stack, server, line(server, verb))
    if verb is None:
        assert word(server, conn) == b""
        return
    assert "is not one of stop, pause, resume, abort, status" in json.loads(word(server, conn))["error"]
    assert server.requests() == []


def test_silent_callers_cannot_keep_a_stop_out(server, stack):
    for _ in range(3 * CLIENTS_MAX):
        caller(stack, server)
    caller(stack, server, line(server, "stop"))
    assert [request.verb for request in hear(server)] == ["stop"]
    assert len(server.fds) <= 1 + CLIENTS_MAX


def test_requests_nobody_takes_are_bounded(server, stack):
    callers = [caller(stack, server, line(server, "status")) for _ in range(3 * CLIENTS_MAX)]
    assert b"busy" in word(server, callers[-1])
    assert len(server.requests()) == CLIENTS_MAX


def test_requests_nobody_answers_are_dropped_oldest_first(server, stack):
    first = caller(stack, server, line(server, "status"))
    taken = hear(server)
    for _ in range(CLIENTS_MAX):
        caller(stack, server, line(server, "status"))
        taken += hear(server)
    assert len(taken) == CLIENTS_MAX + 1
    assert first.recv(1000) == b""
    taken[0].answer({"too": "late"})


def test_closing_hangs_up_on_everybody(server, stack):
    asked, silent = caller(stack, server, line(server, "stop")), caller(stack, server)
    [request] = hear(server)
    server.wait(0.1)
    server.close()
    assert asked.recv(1000) == b""
    assert is_gone(silent)
    request.answer({"too": "late"})


def is_gone(conn: socket.socket) -> bool:
    try:
        return conn.recv(1000) == b""
    except ConnectionError:  # it was still in the queue of the listener
        return True


def test_a_caller_that_left_does_not_disturb_the_answer(server, stack):
    caller(stack, server, line(server, "stop")).close()
    [request] = hear(server)
    request.answer({"zero_ma": 0.0})


def test_an_answer_may_hold_what_json_does_not_know(server, stack):
    conn = caller(stack, server, line(server, "status"))
    [request] = hear(server)
    request.answer({"state": ValueError})
    assert b"ValueError" in conn.recv(1000)


ASKER = """
import json, sys
from controller.serial_link import ask_holder
replies = ask_holder(None if sys.argv[1] == "-" else sys.argv[1], sys.argv[2], 30.0)
print(json.dumps([[reply.holder.purpose, reply.answer, reply.problem] for reply in replies]))
"""


@pytest.fixture(params=["loop://", "socket://", "sim://"])
def link(request, stack) -> SerialLink:
    """One for each way to wait: slices, select, the port's own time."""
    port = request.param
    if port == "socket://":
        far = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = f"socket://127.0.0.1:{far.getsockname()[1]}"
    if port == "sim://":
        pytest.importorskip("hw_sim.endpoints.protocol_sim", reason="the simulator is not built yet")
    opened = open_link(port, purpose="a treatment")
    stack.callback(opened.close)
    return opened


def read_until_asked(link: SerialLink) -> list[ControlRequest]:
    """In simulated time seconds pass in microseconds, so it is real time that bounds this."""
    give_up = threading.Event()
    timer = threading.Timer(FAR_S, give_up.set)
    timer.start()
    try:
        while not give_up.is_set():
            link.read(link.clock.now() + 10.0)
            if heard := link.requests():
                return heard
    finally:
        timer.cancel()
        timer.join()
    return []


def test_another_process_asks_and_is_answered(link):
    with subprocess.Popen(
        [sys.executable, "-c", ASKER, link.port, "status"], stdout=subprocess.PIPE, text=True
    ) as asker:
        [request] = read_until_asked(link)
        assert request.verb == "status"
        request.answer({"state": "HOLD", "current_ma": 2.0})
        said, _ = asker.communicate(timeout=FAR_S)
    assert json.loads(said) == [["a treatment", {"state": "HOLD", "current_ma": 2.0}, ""]]


class Asking(threading.Thread):
    """ask_holder, from a thread of its own."""

    def __init__(self, port: str | None, verb: str, timeout_s: float = FAR_S) -> None:
        super().__init__()
        self._question = (port, verb, timeout_s)
        self.replies: list[HolderReply] = []
        self.start()

    def run(self) -> None:
        self.replies = ask_holder(*self._question)

    def done(self) -> list[HolderReply]:
        self.join(2 * FAR_S)
        return self.replies


def test_a_request_ends_a_read_early():
    link = open_link("loop://")
    asking = Asking(None, "stop")
    start = link.clock.now()
    assert link.read(start + FAR_S) == b""
    assert link.clock.now() < start + FAR_S
    [request] = link.requests()
    request.answer({"ok": True})
    link.close()
    assert [reply.answer for reply in asking.done()] == [{"ok": True}]


def test_bytes_and_a_request_at_once_lose_neither(stack):
    far = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    link = open_link(f"socket://127.0.0.1:{far.getsockname()[1]}")
    stack.callback(link.close)
    unit = stack.enter_context(far.accept()[0])
    unit.sendall(b"~telemetry\n")
    asking = Asking(link.port, "stop")
    heard, requests = b"", []
    for _ in range(1000):
        heard += link.read(link.clock.now() + 1.0)
        requests += link.requests()
        if heard and requests:
            break
    assert heard == b"~telemetry\n"
    requests[0].answer({})
    assert [reply.answer for reply in asking.done()] == [{}]


def test_everybody_is_asked_before_anybody_is_waited_for():
    first, second = open_link("loop://", purpose="first"), open_link("loop://", purpose="second")
    asking = Asking(None, "stop")
    [late] = read_until_asked(second)
    [early] = read_until_asked(first)  # the second was asked though the first had not answered
    late.answer({"unit": 2})
    early.answer({"unit": 1})
    first.close()
    second.close()
    assert [reply.answer for reply in asking.done()] == [{"unit": 1}, {"unit": 2}]


def test_a_session_that_does_not_read_is_a_problem_not_an_exception():
    link = open_link("loop://", purpose="hangs")
    [reply] = ask_holder("loop://", "stop", 0.05)
    link.close()
    assert (reply.holder.purpose, reply.answer) == ("hangs", None)
    assert reply.problem == "no answer within 0.05 s; it may be busy or hang"


def test_a_session_that_ends_without_an_answer():
    link = open_link("loop://")
    asking = Asking(None, "stop")
    assert len(read_until_asked(link)) == 1
    link.close()
    assert [(reply.answer, reply.problem) for reply in asking.done()] == [(None, "the session ended without an answer")]


def test_nobody_to_ask():
    assert ask_holder(None, "stop", FAR_S) == []
    assert ask_holder("COM7", "stop", FAR_S) == []
    assert ask_holder("sn:SN9", "stop", FAR_S) == []


def test_only_the_session_on_that_port_is_asked(stack):
    far = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = f"socket://127.0.0.1:{far.getsockname()[1]}"
    link, other = open_link(port), open_link("loop://")
    stack.callback(link.close)
    stack.callback(other.close)
    asking = Asking(port + "?logging=error", "abort")  # another spelling of the same port
    [request] = read_until_asked(link)
    request.answer({"zero_ma": 0.0})
    assert [reply.holder.port for reply in asking.done()] == [port]
    other.read(other.clock.now())
    assert other.requests() == []
