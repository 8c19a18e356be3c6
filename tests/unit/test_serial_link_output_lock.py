"""IONTO_OUTPUT_LOCKED: which bytes may add energy, and that none of them leaves a port."""

from __future__ import annotations

import asyncio
import threading

import pytest

from controller.errors import OutputRefused
from controller.serial_link import open_link
from controller.serial_link.async_line import open_async
from controller.serial_link.output_lock import raises
from controller.wire import Request, seal

REASON = "no load on this bench"


def sealed(verb: str, **fields: str | int) -> bytes:
    return seal(Request(0x1234, 1, verb, fields).line())


@pytest.mark.parametrize(
    ("data", "does"),
    [
        (sealed("ARM"), True),
        (sealed("START", run="CFHOGWGTG3HL"), True),
        (sealed("RESUME"), True),
        (sealed("KEEP") + sealed("START"), True),
        (b"OUTP ON\n", True),
        (b":outp 1\n", True),
        (b"SOUR:CURR 1\n", True),
        (b":sour:curr 2", True),
        (b"OUTP OFF\n", False),
        (b"OUTP 0\n", False),
        (b"*RST\n", False),
        (b"OUTP?\n", False),
        (sealed("STOP"), False),
        (sealed("PAUSE"), False),
        (sealed("KEEP"), False),
        (sealed("SET", I=100), False),
        (b"\x18", False),
        (b"MEAS:ALL?\n", False),
    ],
)
def test_what_may_add_energy(data: bytes, does: bool) -> None:
    assert raises(data) is does


@pytest.fixture
def locked(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONTO_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("IONTO_OUTPUT_LOCKED", REASON)


def test_what_raises_stays_and_what_lowers_goes(locked: None) -> None:
    link = open_link("loop://")
    try:
        with pytest.raises(OutputRefused, match=rf"^the output is locked \(IONTO_OUTPUT_LOCKED\): {REASON}$"):
            link.write(sealed("ARM"))
        link.write(b"\x18")
        assert link.read(link.clock.now() + 5.0) == b"\x18"
    finally:
        link.close()


def test_in_asyncio_too(locked: None) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        heard: list[bytes] = []

        def listen() -> None:
            there, _ = server.accept()
            with there:
                heard.append(there.recv(100))

        thread = threading.Thread(target=listen)
        thread.start()

        async def say() -> None:
            link = await open_async(f"socket://127.0.0.1:{server.getsockname()[1]}", purpose="a test")
            try:
                with pytest.raises(OutputRefused):
                    link.write(sealed("START"))
                link.write(b"\x18")
                await asyncio.to_thread(thread.join, 10.0)
            finally:
                link.close()

        asyncio.run(say())
    assert heard == [b"\x18"]


def test_a_simulated_unit_of_this_process_has_no_terminals(locked: None) -> None:
    link = open_link("sim://")
    try:
        link.write(sealed("ARM"))
    finally:
        link.close()
