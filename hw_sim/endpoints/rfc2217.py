"""A simulated unit on a serial port of an access server (RFC 2217): the network's way to baud rate, DTR and BREAK.

There is one line behind it, so there is one client at a time; a further one is hung up on. The client sets
the port, and what it sets matters where the unit has a UART (``line=115200``): set otherwise than the unit,
both sides hear garbage. On USB the settings are a formality, as they are with a real one.

Connecting does not raise DTR. The client does, and a unit that resets on it (``dtr_resets``) resets then; an
access server that raises DTR by itself was rejected, because nobody could keep such a unit from resetting.
The fall of DTR closes the unit's port, as on USB. When the unit is unplugged the modem lines fall, and then
the server hangs up, as one does whose device has gone.
"""

from __future__ import annotations

import socket

from hw_sim.endpoints.com_port import BREAK_DETECTED, CD, CTS, DSR, Break, ComPort, Dtr, Event, Purge, Settings
from hw_sim.endpoints.server import READ_BYTES, Station
from hw_sim.endpoints.tcp import Listener
from hw_sim.endpoints.uart import Frame, hear

# Beyond this, what the unit says waits in the unit and is dropped there: the client does not read.
_HELD_BYTES = 4096


class Rfc2217Endpoint(Listener):
    """The access server's port."""

    def __init__(self, station: Station, text: str) -> None:
        self._channel: _ComChannel | None = None
        super().__init__(station, text)

    def _welcome(self, client: socket.socket) -> bool:
        station = self._station
        if self._channel is not None:
            station.receive(self._channel)  # it may have gone without being noticed yet
        if not station.world.plugged or (self._channel is not None and self._channel in station.channels):
            return False
        self._channel = _ComChannel(station, client)
        station.add(self._channel)
        return True

    def look(self) -> None:
        channel = self._channel
        if channel is None or channel not in self._station.channels:
            self._channel = None
            return
        if not self._station.world.plugged:
            channel.port.modem_state(0)
        channel.flush()


class _ComChannel:
    """The client's connection, and the port as it has set it."""

    def __init__(self, station: Station, client: socket.socket) -> None:
        self.conn = 0
        self._station = station
        self._client = client
        self._unit = _frame_of(station.line)
        initial = Settings() if self._unit is None else Settings(baud=self._unit.baud)
        self.port = ComPort(initial, modem=CTS | DSR | CD)
        self._host = _frame(initial)

    def fileno(self) -> int:
        return self._client.fileno()

    def read(self) -> bytes | None:
        """Data goes to the unit from here, because what is said between them must keep its place."""
        try:
            data = self._client.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            return None
        if not data:
            return None
        for event in self.port.receive(data):
            if self.conn not in self._station.world.to_unit:  # a reset or a mishap took the connection
                break
            self._take(event)
        self.flush()
        return None if self.port.broken else b""

    def _take(self, event: Event) -> None:
        world = self._station.world
        match event:
            case bytes():
                self._to_unit(event)
            case Settings():
                self._host = _frame(event)
            case Break():
                world.act("break")
            case Dtr(high):
                self._dtr(high=high)
            case Purge(received, to_send):
                if received:
                    world.take(self.conn)
                    self._station.channels[self] = b""
                if to_send:
                    world.to_unit[self.conn].arrivals.clear()

    def _to_unit(self, data: bytes) -> None:
        world = self._station.world
        if self._unit is not None:
            heard = hear(data, self._host, self._unit)
            data = heard.data
            if heard.errors & BREAK_DETECTED:
                world.act("break")
        if data:
            world.put(self.conn, data)

    def _dtr(self, *, high: bool) -> None:
        station = self._station
        if not high:
            station.world.disconnect(self.conn)
            self.conn = station.world.connect(station.line)
        elif station.dtr_resets and station.world.plant.powered:
            station.world.act("power_cycle")

    def write(self, data: bytes) -> int:
        """From the unit. What the client's settings make of it is told as line state."""
        if self.port.suspended or len(self.port.to_send) > _HELD_BYTES:
            return 0
        taken = len(data)
        if self._unit is not None:
            heard = hear(data, self._unit, self._host)
            data = heard.data
            if heard.errors:
                self.port.line_state(heard.errors)
                data = data or b"\0"  # a terminal's receiver makes a NUL of a BREAK
        self.port.data(data)
        self.flush()
        return taken

    def flush(self) -> None:
        """Send what there is to send, as far as the client takes it."""
        if self.port.to_send:
            try:
                sent = self._client.send(self.port.to_send)
            except OSError:
                return
            del self.port.to_send[:sent]

    def close(self) -> None:
        self._client.close()


def _frame_of(line: str) -> Frame | None:
    """How the unit's own UART is set; None where it has none."""
    return Frame(int(line)) if line.isdecimal() else None


def _frame(settings: Settings) -> Frame:
    return Frame(settings.baud, settings.data_bits, settings.parity)
