"""Boards that reset when their port is opened, on ``sim://``."""

from __future__ import annotations

import pytest
import serial

import hw_sim.endpoints
from tests.sim.endpoints.serving import PATIENCE_S, ask, serial_host

hw_sim.endpoints.register()

POWERED_ON, QUIET = b"128\n", b"0\n"  # *ESR?: bit 7, once after a reset


@pytest.fixture
def port():
    made = serial.serial_for_url("sim://?dtr_resets=1", timeout=PATIENCE_S, do_not_open=True)
    yield made
    made.close()


def test_every_opening_resets(port):
    for boot in ("2", "3", "4"):  # the first was its power-on
        port.open()
        assert serial_host(port).hello()["boot"] == boot
        port.close()


def test_dtr_set_low_before_opening_keeps_it_from_that(port):
    port.dtr = False
    port.open()
    assert serial_host(port).hello()["boot"] == "1"
    port.dtr = True
    port.reset_input_buffer()
    assert serial_host(port).hello()["boot"] == "2"
    port.dtr = True  # no edge
    assert serial_host(port).hello()["boot"] == "2"


def test_a_reset_ends_the_run(port):
    port.dtr = False
    port.open()
    host = serial_host(port)
    host.start(I=200, TU=400, Q=60_000)
    host.until(lambda: host.telemetry[-1]["q"] > 0)
    port.dtr = True
    assert port.world.plant.relay == 0
    host = serial_host(port)
    host.hello()
    assert host.run_facts()["out"] == "RESET"


def test_a_board_without_power_is_not_switched_on_by_it(port):
    port.dtr = False
    port.open()
    port.world.act("power_off")
    port.dtr = True
    port.timeout = 0.1
    assert ask(port, b"*IDN?") == b""
    port.dtr = False
    port.world.act("power_on")
    port.timeout = PATIENCE_S
    assert ask(port, b"*ESR?") == POWERED_ON


@pytest.mark.parametrize("address", ["sim://", "sim://?dtr_resets=0"])
def test_without_the_option_nothing_resets(address):
    with serial.serial_for_url(address, timeout=PATIENCE_S) as port:
        assert ask(port, b"*ESR?") == POWERED_ON
        port.dtr = False
        port.dtr = True
        assert ask(port, b"*ESR?") == QUIET
        port.close()
        port.open()
        assert ask(port, b"*ESR?") == QUIET


def test_the_option_is_0_or_1():
    with pytest.raises(serial.SerialException, match="dtr_resets=yes: expected a whole number from 0 to 1"):
        serial.serial_for_url("sim://?dtr_resets=yes")


def test_it_is_the_same_every_time_in_virtual_time():
    def session() -> bytes:
        with serial.serial_for_url("sim://dry-skin?seed=5&dtr_resets=1", timeout=2) as port:
            port.use_virtual_time()
            port.write(b"*IDN?\nSYST:STAT?\nSYST:ERR?\n")
            return port.read(300)

    assert session() == session() != b""
