"""The bench door: its page, what each call really does, and what bad clients cannot do."""

from __future__ import annotations

import contextlib
import doctest
import json
import re
import select
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_sim.door import CALLS, Door, DoorConnection
from hw_sim.scenario import parse
from hw_sim.world import World
from tests.sim.endpoints.serving import PATIENCE_S, serve
from tests.sim.host import virtual_host

PAGE = Path(__file__).parents[3] / "docs" / "bench-door.md"
TOKEN = "open-sesame"


def _examples() -> list[tuple[str, str]]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    lines = "".join(text for language, text in blocks if not language).splitlines()
    assert [line[:2] for line in lines] == ["> ", "< "] * (len(lines) // 2)
    return [(sent[2:], got[2:]) for sent, got in zip(lines[::2], lines[1::2], strict=True)]


# -- the page ----------------------------------------------------------------------------------------------


def test_every_example_of_the_page():
    door = Door(parse("skin").world())
    conversation = DoorConnection(door, TOKEN)
    for sent, expected in _examples():
        if sent.startswith('{"token"'):
            door = Door(parse("skin").world())
            conversation = DoorConnection(door, TOKEN)
        elif conversation.closed:
            conversation = _admitted(door)
        assert json.loads(conversation.feed(sent.encode() + b"\n")) == json.loads(expected), sent


def test_the_page_has_an_example_of_every_call_and_every_fact():
    called = {json.loads(sent).get("do") for sent, got in _examples() if sent.startswith("{") and '"ok"' in got}
    assert called - {None} == set(CALLS)
    table = re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8"), re.M)
    documented = [key for cell in table for key in re.findall(r"`(\w+)`", cell)]
    assert documented == list(Door(World()).truth())


def test_the_python_of_the_page():
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted >= 15
    assert results.failed == 0


# -- what the calls do -------------------------------------------------------------------------------------


@pytest.fixture
def holding():
    """A unit that holds 1 mA on skin, its host and its door."""
    world = World()
    host = virtual_host(world)
    host.start(I=1000, Q=600_000)
    host.until_state("HOLD")
    return world, host, Door(world)


def test_the_truth_of_a_run(holding):
    world, host, door = holding
    host.until(lambda: world.now_us >= 30_000_000)
    host.keeping = False
    truth = door.truth()
    assert truth["i_ua"] == pytest.approx(-1000, abs=10)  # POL=-: the bridge is reversed
    assert truth["bridge"] == -1
    assert truth["v_mv"] == pytest.approx(host.telemetry[-1]["v"], rel=0.01)
    # The contact check: 50 uA for a second.
    assert truth["q_uc"] - host.telemetry[-1]["q"] == pytest.approx(50, abs=30)
    assert truth["j_local_ma_cm2"] == pytest.approx(0.1, rel=0.01)  # 1 mA under 10 cm2
    assert truth["relay_closed"] is True
    assert truth["set_ua"] == 1000
    assert truth["state"] == "HOLD"


def test_the_local_density_rises_with_a_peel(holding):
    world, _, door = holding
    door.contact("drug", 0.25)
    world.advance_to(world.now_us + 10_000)
    assert door.truth()["j_local_ma_cm2"] == pytest.approx(0.4, rel=0.02)
    assert door.truth()["contact_drug"] == 0.25


def test_a_lead_that_bounces_puts_its_surge_into_the_skin(holding):
    world, _, door = holding
    before = door.truth()["q_surge_uc"]
    door.lead_off("return")
    world.advance_to(world.now_us + 20_000)
    assert door.truth()["i_ua"] == 0.0
    assert door.truth()["contact_return"] == 0.0
    door.lead_on("return")
    world.advance_to(world.now_us + 10_000)
    surge_uc = door.truth()["q_surge_uc"] - before
    assert 0.1 < surge_uc < 0.7  # 10 nF from at most 60 V


def test_another_load_is_wired_at_once():
    world = World()
    door = Door(world)
    door.load("1k")
    host = virtual_host(world)
    assert int(host.arm(I=500, Q=6000)["fields"]["z"]) == pytest.approx(1000, rel=0.05)


def test_unplug_pulls_every_connection_and_nothing_else(holding):
    world, host, door = holding
    world.connect()
    door.unplug()
    assert world.to_host == {}
    assert door.truth()["state"] == "HOLD"
    assert host._receive() == b""
    door.replug()
    virtual_host(world).hello(run="RUN1")


def test_power_cycle_ends_the_run(holding):
    world, host, door = holding
    door.power_cycle()
    world.advance_to(world.now_us + 10_000)
    assert door.truth()["i_ua"] == 0.0
    assert door.truth()["relay_closed"] is False
    world.advance_to(world.now_us + 1_000_000)
    host.hello()
    assert host.run_facts()["out"] == "RESET"


def test_hang_lets_the_watchdog_act(holding):
    world, _, door = holding
    then = door.hang()["t_us"]
    world.advance_to(then + 150_000)
    assert door.truth()["relay_closed"] is False
    world.advance_to(then + 1_000_000)
    assert door.truth()["state"] == "FAULT"
    assert door.truth()["faults"] == 1 << 15


def test_a_hung_unit_can_be_written_to(holding):
    world, host, door = holding
    then = door.hang()["t_us"]
    host._send(b"*OPC?\n")
    world.advance_to(then + 1_000_000)
    assert door.truth()["faults"] == 1 << 15


def test_a_full_memory_refuses_the_next_run(holding):
    world, host, door = holding
    host.done("STOP")
    host.until_state("DONE")
    door.nvm_full()
    reply = host.arm(I=500, Q=6000)
    reply = host.ask("START", run="RUN2", D=host.digest, X=host.telemetry[-1]["ms"] + 1000)
    assert reply["code"] == "17"
    assert door.truth()["faults"] == 1 << 14
    world.advance_to(world.now_us + 1_000_000)
    assert door.truth()["i_ua"] == 0.0


def test_a_break_stops(holding):
    _, host, door = holding
    door.line_break()
    assert host.until_state("RAMP_DOWN")["by"] == "BYTE"


def test_the_local_button_stops(holding):
    _, host, door = holding
    door.local_stop()
    assert host.until_state("RAMP_DOWN")["by"] == "LOCAL"


def test_the_jumper_is_what_the_firmware_sees():
    world = World()
    door = Door(world)
    door.jumper(False)
    assert world.hal.jumper is False
    door.jumper(True)
    assert world.hal.jumper is True


# -- bad input ---------------------------------------------------------------------------------------------


def _admitted(door: Door | None = None) -> DoorConnection:
    conversation = DoorConnection(door or Door(World()), TOKEN)
    assert conversation.feed(b'{"token": "open-sesame"}\n') == b'{"ok": "welcome"}\n'
    return conversation


@pytest.mark.parametrize(
    "line",
    [
        b'{"do": "truth"}',
        b'{"token": "open-sesam"}',
        b'{"token": ""}',
        b'{"token": null}',
        b'{"token": ["open-sesame"]}',
        b'{"token": "\\ud800"}',
        b"open-sesame",
        b"GET / HTTP/1.1\r",
        b"\xff\xfe",
        b"[" * 4000,
    ],
)
def test_without_the_token_there_is_one_error_and_an_end(line):
    conversation = DoorConnection(Door(World()), TOKEN)
    answer = conversation.feed(line + b'\n{"do": "unplug"}\n')
    assert answer.count(b"\n") == 1
    assert list(json.loads(answer)) == ["error"]
    assert conversation.closed
    assert conversation.feed(b'{"token": "open-sesame"}\n') == b""


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"{", 'expected one JSON object a line, for example {"do": "truth"}'),
        (b"7", 'expected one JSON object a line, for example {"do": "truth"}'),
        (b"[" * 4000, 'expected one JSON object a line, for example {"do": "truth"}'),
        (b'"\xff"', 'expected one JSON object a line, for example {"do": "truth"}'),
        (b'{"do": ["truth"]}', f'do is ["truth"]: give one of {", ".join(CALLS)}'),
        (b"{}", f"do is null: give one of {', '.join(CALLS)}"),
        (b'{"do": "_act", "verb": "hang"}', f'do is "_act": give one of {", ".join(CALLS)}'),
        (b'{"do": "truth", "self": 1}', 'truth takes no "self"'),
        (b'{"do": "load"}', "load needs 'spec'"),
        (b'{"do": "load", "spec": 5000}', "spec is 5000: give a load's name or a resistor, as in '4k7'"),
        (
            b'{"do": "load", "spec": "99999999999999999"}',
            "spec is \"99999999999999999\": give a load's name or a resistor, as in '4k7'",
        ),
        (b'{"do": "lead_off", "lead": ""}', 'lead is "": give one of drug, return, both'),
        (b'{"do": "lead_on", "lead": 3}', "lead is 3: give one of drug, return, both"),
        (
            b'{"do": "contact", "lead": "drug:0", "share": 1}',
            'lead is "drug:0": give one of drug, return, both',
        ),
        (
            b'{"do": "contact", "lead": "drug", "share": true}',
            "share is true: give a number from 0 (lifted) to 1 (all of it)",
        ),
        (
            b'{"do": "contact", "lead": "drug", "share": NaN}',
            "share is NaN: give a number from 0 (lifted) to 1 (all of it)",
        ),
        (
            b'{"do": "contact", "lead": "drug", "share": "0.5"}',
            'share is "0.5": give a number from 0 (lifted) to 1 (all of it)',
        ),
        (b'{"do": "contact", "share": 0.5}', "contact needs 'lead'"),
        (b'{"do": "inject", "fault": 1}', "fault is 1: give one as text, as in 'E01@state=HOLD+5,for=2'"),
        (b'{"do": "inject", "fault": "E01@at=0.1"}', "fault E01@at=0.1: it is 0.5 s already"),
        (b'{"do": "lift_fault", "fault": true}', "fault is true: give its number, id or name"),
        (b'{"do": "lift_fault", "fault": 1}', "no fault 1 is injected; injected: none is"),
        (b'{"do": "advance", "seconds": "1"}', 'seconds is "1": give a number from 0 to 3600'),
        (b'{"do": "advance", "seconds": NaN}', "seconds is NaN: give a number from 0 to 3600"),
        (b'{"do": "snapshot", "name": ""}', 'name is "": give 1 to 40 printable characters'),
        (b'{"do": "restore", "name": "x"}', "no snapshot 'x' is kept; kept: none"),
        (b'{"do": "jumper", "fitted": 1}', "fitted is 1: give true or false"),
    ],
)
def test_a_wrong_call_gets_one_sentence_and_changes_nothing(line, error):
    world = World()
    conversation = _admitted(Door(world))
    before = world.snapshot()
    assert json.loads(conversation.feed(line + b"\n")) == {"error": error}
    assert world.snapshot() == before
    assert "ok" in json.loads(conversation.feed(b'{"do": "truth"}\n'))


@pytest.mark.parametrize("pieces", [[b"A" * 4096], [b"A" * 4096 + b"\n"], [b"A" * 1000] * 5])
def test_a_line_without_end_is_refused_and_the_end(pieces):
    conversation = _admitted()
    answer = b"".join(conversation.feed(piece) for piece in pieces)
    assert json.loads(answer) == {"error": "a request has at most 4096 bytes, line end included"}
    assert conversation.closed


def test_the_longest_line_is_a_request():
    line = b'{"do": "truth"}'.ljust(4095) + b"\n"
    assert "ok" in json.loads(_admitted().feed(line))


@given(st.lists(st.integers(1, 60), max_size=8))
def test_cuts_have_no_meaning(cuts):
    text = b'\r\n{"do": "load", "spec": "5k"}\r\n\n{"do": "lead_off"}\n{"do": 1}\n'
    whole = _admitted().feed(text)
    conversation = _admitted()
    answers = b""
    for cut in cuts:
        answers += conversation.feed(text[:cut])
        text = text[cut:]
    assert answers + conversation.feed(text) == whole
    assert whole.count(b"\n") == 3


# -- over TCP ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served():
    with serve("--tcp", "0", "--bench-door", "127.0.0.1:0") as running:
        yield running


def test_several_clients_see_one_bench(served):
    with served.door() as one, served.door() as two:
        one.call("contact", lead="return", share=0.5)
        assert two.call("truth")["contact_return"] == 0.5
        two.call("lead_on", lead="return")
        assert one.call("truth")["contact_return"] == 1.0


def test_time_passes_for_the_door_too(served):
    with served.door() as door:
        sooner = door.call("truth")["t_us"]
        while door.call("truth")["t_us"] == sooner:
            pass


def test_bad_clients_do_not_kill_it(served):
    host, _, port = served.places["bench_door"].rpartition(":")
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 10_000, b"[" * 4000 + b"\n", b""):
        with socket.create_connection((host, int(port)), PATIENCE_S) as bad:
            heard = b""
            with contextlib.suppress(OSError):  # hung up on meanwhile
                bad.sendall(data)
                bad.shutdown(socket.SHUT_WR)
                while more := bad.recv(4096):
                    heard += more
        assert heard.count(b"\n") <= 1
    with served.door() as door:
        assert door.call("truth")["state"] == "IDLE"


def test_a_client_that_does_not_read_waits_alone(served):
    host, _, port = served.places["bench_door"].rpartition(":")
    with socket.socket() as deaf, served.door() as other:
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            deaf.setsockopt(socket.SOL_SOCKET, buffer, 4096)
        deaf.connect((host, int(port)))
        deaf.sendall(json.dumps({"token": served.places["token"]}).encode() + b"\n")
        deaf.setblocking(False)
        request = b'{"do": "truth"}\n' * 256
        sent = 0
        while select.select([], [deaf], [], 0.5)[1]:  # until the server no longer reads
            sent += deaf.send(request[sent % len(request) :])
        assert other.call("truth")["state"] == "IDLE"
        deaf.settimeout(PATIENCE_S)
        with deaf.makefile("rb") as lines:
            assert lines.readline() == b'{"ok": "welcome"}\n'
            for _ in range(sent // 16):
                assert json.loads(lines.readline())["ok"]["state"] == "IDLE"


def test_the_token_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("IONTO_DOOR_TOKEN", "swordfish")
    with serve("--tcp", "0", "--bench-door", "localhost:0") as served:
        assert served.places["token"] == "swordfish"
        served.door().close()
