"""RFC 2217, the access server's side, sans-IO: a serial port that is set, watched and broken over telnet.

The client asks for a setting; the answer is what is in force afterwards, which is how a refusal is said.
Names and numbers are the RFC's; the answer to command ``n`` is ``n + 100``. The port behind it is a model:
what the client sets is kept here, and what the unit must know of comes out of ``receive`` as events, among
the data and in the order in which it was said.

Nothing is said before the client has: a program that knows no telnet (``nc``) then meets a plain port, as
long as its bytes have no 0xFF. Negotiating at once, as others do, would put nine bytes before its first
line. ECHO is refused, for the unit echoes nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from hw_sim.endpoints.telnet import (
    BINARY,
    BREAK,
    SUPPRESS_GO_AHEAD,
    Agreed,
    Command,
    Said,
    Subnegotiation,
    Telnet,
    escape,
)

COM_PORT: Final = 44
SIGNATURE_TEXT: Final = b"ionto-sim"

(SIGNATURE, SET_BAUDRATE, SET_DATASIZE, SET_PARITY, SET_STOPSIZE, SET_CONTROL, NOTIFY_LINESTATE, NOTIFY_MODEMSTATE,
 FLOWCONTROL_SUSPEND, FLOWCONTROL_RESUME, SET_LINESTATE_MASK, SET_MODEMSTATE_MASK, PURGE_DATA) = range(13)  # fmt: skip
_ANSWER: Final = 100

# Modem state: the levels, and below them (>> 4) that they have changed.
CTS, DSR, RI, CD = 0x10, 0x20, 0x40, 0x80
# Line state: what the receiver of the port found wrong, and that its sender is idle.
PARITY_ERROR, FRAMING_ERROR, BREAK_DETECTED, IDLE = 0x04, 0x08, 0x10, 0x60

BAUD_LOWEST, BAUD_HIGHEST = 50, 4_000_000

# SET-CONTROL: values that set and, for each group, the value that asks.
_FLOW_OUT: Final = (1, 2, 3, 17, 19)  # none, XON/XOFF, hardware, DCD, DSR
_FLOW_IN: Final = (14, 15, 16, 18)  # none, XON/XOFF, hardware, DTR
_BREAK_ON, _BREAK_OFF, _DTR_ON, _DTR_OFF, _RTS_ON, _RTS_OFF = 5, 6, 8, 9, 11, 12
_GROUPS: Final = {
    0: _FLOW_OUT,
    4: (_BREAK_OFF, _BREAK_ON),
    7: (_DTR_OFF, _DTR_ON),
    10: (_RTS_OFF, _RTS_ON),
    13: _FLOW_IN,
}
_GROUP_OF: Final = {value: asks for asks, values in _GROUPS.items() for value in values}


class Settings(NamedTuple):
    """Parity: 1 none, 2 odd, 3 even, 4 mark, 5 space. Stop bits: 1, 2, or 3 for one and a half."""

    baud: int = 115_200
    data_bits: int = 8
    parity: int = 1
    stop_bits: int = 1


_LIMITS: Final = {
    SET_BAUDRATE: ("baud", 4, BAUD_LOWEST, BAUD_HIGHEST),
    SET_DATASIZE: ("data_bits", 1, 5, 8),
    SET_PARITY: ("parity", 1, 1, 5),
    SET_STOPSIZE: ("stop_bits", 1, 1, 3),
}


class Break(NamedTuple):
    """The line is held low: once, at its beginning."""


class Dtr(NamedTuple):
    """DTR rose or fell."""

    high: bool


class Purge(NamedTuple):
    """Forget what the client has not got yet (``received``), or the unit (``to_send``)."""

    received: bool
    to_send: bool


Event: TypeAlias = bytes | Settings | Break | Dtr | Purge


class ComPort:
    """One client and the port it has. DTR and RTS are low until it raises them.

    ``to_send``: what is to go to the client, of ours; the endpoint takes it. ``suspended``: the client wants
    no data now.
    """

    def __init__(self, settings: Settings | None = None, modem: int = CTS | DSR | CD) -> None:
        self.settings = settings or Settings()
        self.suspended = False
        self._telnet = Telnet(frozenset({BINARY, SUPPRESS_GO_AHEAD, COM_PORT}))
        self._agreed = False
        self._control = {asks: values[0] for asks, values in _GROUPS.items()}
        self._modem, self._modem_mask = modem, 0xFF
        self._line, self._line_mask = IDLE, 0

    @property
    def to_send(self) -> bytearray:
        return self._telnet.to_send

    @property
    def broken(self) -> bool:
        return self._telnet.broken

    def receive(self, data: bytes) -> list[Event]:
        """What the client wants of the port, in its order."""
        events: list[Event] = []
        for said in self._telnet.receive(data):
            self._take(said, events)
        return events

    def data(self, data: bytes) -> None:
        """What the port received, for the client."""
        self.to_send.extend(escape(data))

    def modem_state(self, levels: int) -> None:
        """CTS, DSR, RI and CD as they are now; the client is told of a change unless it masked it."""
        changed = (levels ^ self._modem) >> 4
        self._modem = levels
        if changed and self._agreed and (levels | changed) & self._modem_mask:
            self._say(NOTIFY_MODEMSTATE, (levels | changed) & self._modem_mask)

    def line_state(self, errors: int) -> None:
        """Something was wrong with what the port received; the client is told if it asked for that."""
        self._line = errors | IDLE
        if errors & self._line_mask and self._agreed:
            self._say(NOTIFY_LINESTATE, self._line & self._line_mask)

    def _say(self, command: int, value: int | bytes) -> None:
        body = value if isinstance(value, bytes) else bytes((value,))
        self._telnet.send(COM_PORT, bytes((command + _ANSWER,)) + body)

    def _take(self, said: Said, events: list[Event]) -> None:
        match said:
            case bytes():
                before = events[-1] if events else None
                if isinstance(before, bytes):
                    events[-1] = before + said
                elif said:
                    events.append(said)
            case Command(code) if code == BREAK:
                events.append(Break())
            case Command():
                pass  # a telnet for people; nothing of it concerns a port
            case Agreed(option):
                if option == COM_PORT and not self._agreed:
                    self._agreed = True
                    self._telnet.ask(BINARY)
                    self._say(NOTIFY_MODEMSTATE, self._modem & self._modem_mask)
            case Subnegotiation(option, body):
                if option == COM_PORT and self._agreed and body:
                    self._command(body[0], body[1:], events)

    def _command(self, command: int, value: bytes, events: list[Event]) -> None:
        number = int.from_bytes(value, "big")
        if command in _LIMITS:
            self._set(command, number, events)
        elif command == SET_CONTROL and value:
            self._set_control(value[0], events)
        elif command == SIGNATURE and not value:
            self._say(SIGNATURE, SIGNATURE_TEXT)
        elif command in (FLOWCONTROL_SUSPEND, FLOWCONTROL_RESUME):
            self.suspended = command == FLOWCONTROL_SUSPEND
        elif command == NOTIFY_LINESTATE:  # not in the RFC, but pySerial's poll_modem asks so, and others
            self._say(NOTIFY_LINESTATE, self._line)
        elif command == NOTIFY_MODEMSTATE:
            self._say(NOTIFY_MODEMSTATE, self._modem & self._modem_mask)
        elif value:
            self._set_mask_or_purge(command, value[0], events)

    def _set(self, command: int, number: int, events: list[Event]) -> None:
        """0 asks; what cannot be, changes nothing."""
        name, size, lowest, highest = _LIMITS[command]
        if lowest <= number <= highest:
            settings = self.settings._replace(**{name: number})
            if settings != self.settings:
                self.settings = settings
                events.append(settings)
        self._say(command, getattr(self.settings, name).to_bytes(size, "big"))

    def _set_control(self, value: int, events: list[Event]) -> None:
        """The unit has no flow control (protocol section 2): that is kept and told, and has no effect."""
        asks = _GROUP_OF.get(value, value)
        if asks not in self._control:
            return
        if value != asks and value != self._control[asks]:
            self._control[asks] = value
            if value == _BREAK_ON:
                events.append(Break())
            elif value in (_DTR_ON, _DTR_OFF):
                events.append(Dtr(value == _DTR_ON))
        self._say(SET_CONTROL, self._control[asks])

    def _set_mask_or_purge(self, command: int, value: int, events: list[Event]) -> None:
        if command == SET_LINESTATE_MASK:
            self._line_mask = value
        elif command == SET_MODEMSTATE_MASK:
            self._modem_mask = value
        elif command == PURGE_DATA and 1 <= value <= 3:  # 1 what was received, 2 what is to be sent, 3 both
            events.append(Purge(received=value != 2, to_send=value != 1))
        else:
            return
        self._say(command, value)
