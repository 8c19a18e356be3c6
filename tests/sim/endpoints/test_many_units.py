"""``ionto-sim serve --units N``: one process, one loop, N units that know nothing of each other."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from itertools import pairwise

import pytest
import serial

from hw_sim.endpoints.fleet import Wanted, numbered, open_units
from hw_sim.endpoints.server import Server
from hw_sim.scenario import parse
from tests.sim.endpoints.serving import PATIENCE_S, Door, ask, ask_tcp, open_device, run_out, serve, socket_host


def _free_ports(count: int) -> int:
    """The first of ``count`` ports in a row that are free now."""
    for first in range(20_000, 60_000, 211):
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    raise AssertionError("no ports are free")


def _connect(place: str) -> socket.socket:
    host, _, port = place.removeprefix("socket://").rpartition(":")
    return socket.create_connection((host, int(port)), PATIENCE_S)


# -- numbers -----------------------------------------------------------------------------------------------


def test_serial_numbers_and_seeds_count_up():
    units = numbered(parse("dry-skin?seed=7&sn=AB098&line=9600"), 4)
    assert [(u.serial, u.seed) for u in units] == [("AB098", 7), ("AB099", 8), ("AB100", 9), ("AB101", 10)]
    assert {(u.name, u.load, u.line) for u in units} == {("dry-skin", "dry-skin", "9600")}
    assert [u.serial for u in numbered(parse(""), 64)][62:] == ["SN0063", "SN0064"]


def test_one_unit_may_be_called_anything():
    assert numbered(parse("skin?sn=BENCH"), 1)[0].serial == "BENCH"


@pytest.mark.parametrize("name", ["BENCH", "SN98", "99"])
def test_a_name_that_cannot_be_counted_up_is_refused(name):
    with pytest.raises(ValueError, match=f"sn={name}: 3 serial numbers are counted up from it"):
        numbered(parse(f"skin?sn={name}"), 3)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted(tcp="127.0.0.1:65534"), "127.0.0.1:65534: there are no 3 ports from there on"),
        (Wanted(tcp="6000", door="6002"), "--bench-door: its ports run into those of --tcp; begin at 6004 or above"),
        (Wanted(tcp="6003", rfc2217="6000"), "--tcp: its ports run into those of --rfc2217; begin at 6004 or above"),
        (Wanted(tcp="0", rfc2217="x"), "x: expected HOST:PORT"),
    ],
)
def test_ports_that_cannot_be_had_are_refused_with_a_sentence(wanted, sentence):
    server = Server()
    try:
        with pytest.raises(ValueError, match=re.escape(sentence)):
            open_units(server, numbered(parse(""), 4), wanted)
    finally:
        server.close()


# -- ports -------------------------------------------------------------------------------------------------


def test_each_has_its_port_its_number_and_its_own_state():
    with serve("--units", "5", "--tcp", "127.0.0.1:0", "--rfc2217", "127.0.0.1:0") as served:
        places = served.places["units"]
        assert [place["unit"] for place in places] == ["SN0001", "SN0002", "SN0003", "SN0004", "SN0005"]
        assert len({place["tcp"] for place in places} | {place["rfc2217"] for place in places}) == 10
        assert (served.places["scenario"], served.places["speed"]) == ("skin", 1)
        connections = [_connect(place["tcp"]) for place in places]
        for place, connection in zip(places, connections, strict=True):
            assert ask_tcp(connection, b"*IDN?") == f"IONTO,IONTO-4,{place['unit']},1.0.0\n".encode()
        host = socket_host(connections[2])
        host.start(I=200, TU=400, Q=60_000)
        host.until(lambda: host.telemetry[-1]["q"] > 0)
        states = [ask_tcp(c, b"MEAS:ALL?").partition(b",")[0] for n, c in enumerate(connections) if n != 2]
        assert states == [b"IDLE"] * 4
        for connection in connections:
            connection.close()


def test_ports_count_up_from_a_given_one():
    first = _free_ports(6)
    with serve("--units", "3", "--tcp", f"127.0.0.1:{first}", "--bench-door", f"127.0.0.1:{first + 3}") as served:
        places = served.places["units"]
        assert [place["tcp"] for place in places] == [f"socket://127.0.0.1:{first + n}" for n in range(3)]
        assert [place["bench_door"] for place in places] == [f"127.0.0.1:{first + 3 + n}" for n in range(3)]


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_devices_are_numbered_and_gone_at_the_end(tmp_path):
    path = str(tmp_path / "unit")
    with serve("--units", "3", "--pty", path) as served:
        assert [place["pty"] for place in served.places["units"]] == [f"{path}-1", f"{path}-2", f"{path}-3"]
        for n in (3, 1, 2):
            with open_device(f"{path}-{n}") as port:
                assert ask(port, b"*IDN?") == f"IONTO,IONTO-4,SN000{n},1.0.0\n".encode()
        assert served.end() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_one_name_in_the_way_leaves_no_device_behind(tmp_path):
    (tmp_path / "unit-3").write_text("mine")
    done = run_out("serve", "--units", "4", "--pty", str(tmp_path / "unit"))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"Error: {tmp_path / 'unit-3'}: there is a file of that name; choose another --pty\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["unit-3"]


def test_each_has_a_door_to_itself_and_one_token_opens_all():
    with serve("--units", "3", "--tcp", "0", "--bench-door", "127.0.0.1:0") as served:
        places, token = served.places["units"], served.places["token"]
        doors = [Door(_connect(place["bench_door"])) for place in places]
        for door in doors:
            assert door.ask({"token": token}) == {"ok": "welcome"}
        doors[1].call("unplug")
        with _connect(places[1]["tcp"]) as connection:
            assert connection.recv(1) == b""
        for n in (0, 2):
            with _connect(places[n]["tcp"]) as connection:
                assert ask_tcp(connection, b"*OPC?") == b"1\n"
        doors[2].call("load", spec="4k7")
        ages_us = [door.call("truth")["t_us"] for door in doors]
        assert max(ages_us) - min(ages_us) < 1_000_000  # they live in the same time
        for door in doors:
            door.close()


def test_units_one_is_a_list_of_one():
    with serve("--units", "1", "--tcp", "0") as served:
        [place] = served.places["units"]
        assert place["unit"] == "SN0001"


def test_telemetry_of_many_keeps_its_beat():
    """Ten lines a second each, none dropped, none early: two seconds of the units' in one of ours."""
    with serve("--units", "16", "--tcp", "0", "--speed", "2") as served, contextlib.ExitStack() as held:
        hosts = [socket_host(held.enter_context(_connect(place["tcp"]))) for place in served.places["units"]]
        for host in hosts:
            host.hello()
        for host in hosts:
            host.until(lambda host=host: len(host.telemetry) >= 20)
            ms = [line["ms"] for line in host.telemetry]
            assert {later - sooner for sooner, later in pairwise(ms)} == {100}


def test_seeds_differ_and_the_first_is_the_scenarios():
    with serve("--units", "2", "--tcp", "0", "--scenario", "skin?seed=9") as served:
        with contextlib.ExitStack() as held:
            connections = [held.enter_context(_connect(place["tcp"])) for place in served.places["units"]]
            nonces = {socket_host(connection).hello()["sn"] for connection in connections}
        assert nonces == {"SN0001", "SN0002"}


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")
def test_rfc2217_of_many():
    with serve("--units", "3", "--rfc2217", "0", "--scenario", "skin?sn=X7") as served:
        for n, place in enumerate(served.places["units"]):
            with serial.serial_for_url(place["rfc2217"], timeout=PATIENCE_S) as port:
                assert ask(port, b"*IDN?") == f"IONTO,IONTO-4,X{7 + n},1.0.0\n".encode()
