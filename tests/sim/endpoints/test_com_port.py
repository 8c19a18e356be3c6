"""Telnet and RFC 2217 without a socket: literal bytes in, literal bytes and events out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_sim.endpoints.com_port import CD, CTS, DSR, FRAMING_ERROR, Break, ComPort, Dtr, Purge, Settings
from hw_sim.endpoints.telnet import Agreed, Command, Subnegotiation, Telnet

# What pySerial 3.5 says when it opens rfc2217://: DO ECHO, WILL SGA, DO SGA, DO and WILL COM-PORT.
HELLO = bytes.fromhex("fffd01 fffb03 fffd03 fffd2c fffb2c")


def client_says(port: ComPort, hexadecimal: str) -> tuple[list[object], str]:
    """Events, and what was sent back."""
    port.to_send.clear()
    events = port.receive(bytes.fromhex(hexadecimal))
    return list(events), port.to_send.hex(" ")


@pytest.fixture
def port():
    agreed = ComPort()
    assert agreed.receive(HELLO) == []
    return agreed


def test_what_pyserial_says_first_and_what_it_is_told():
    port = ComPort()
    assert port.to_send == b""
    assert port.receive(HELLO) == []
    assert port.to_send == bytes.fromhex(
        "fffc01"  # WONT ECHO
        "fffd03 fffb03"  # DO, WILL SUPPRESS-GO-AHEAD
        "fffb2c"  # WILL COM-PORT
        "fffd00 fffb00"  # DO, WILL BINARY: our own wish
        "fffa2c 6b b0 fff0"  # CTS, DSR and CD are on
        "fffd2c"  # DO COM-PORT
    )
    # It agrees: no answer, or the two would go on for ever.
    assert client_says(port, "fffb00 fffd00") == ([], "")


def test_options_are_confirmed_once_and_unknown_ones_refused():
    telnet = Telnet(frozenset({0}))
    assert list(telnet.receive(b"\xff\xfb\x00\xff\xfb\x00")) == [Agreed(0, by_them=True)]
    assert telnet.to_send == b"\xff\xfd\x00"
    telnet.to_send.clear()
    assert list(telnet.receive(b"\xff\xfc\x00\xff\xfc\x00")) == []  # WONT, and again
    assert telnet.to_send == b"\xff\xfe\x00"
    telnet.to_send.clear()
    assert not list(
        telnet.receive(bytes.fromhex("fffd18 fffb18 fffe18 fffc18"))
    )  # TERMINAL-TYPE: what is off, stays off
    assert telnet.to_send == b"\xff\xfc\x18\xff\xfe\x18"


def test_a_wish_that_is_refused_stays_so():
    telnet = Telnet(frozenset({0}))
    telnet.ask(0)
    assert telnet.to_send == b"\xff\xfd\x00\xff\xfb\x00"
    telnet.to_send.clear()
    assert list(telnet.receive(b"\xff\xfc\x00\xff\xfe\x00")) == []
    assert telnet.to_send == b""


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"*IDN?\n", [b"*IDN?\n"]),
        (b"a\xff\xffb", [b"a\xffb"]),
        (b"a\xff\xf3b", [b"a", Command(0xF3), b"b"]),
        (b"\xff\xfa\x2c\x01\xff\xff\x00\x00\x00\xff\xf0", [Subnegotiation(0x2C, b"\x01\xff\x00\x00\x00")]),
        (b"\xff\xfa\x2c\x05\xff\xfb\x00x", [Agreed(0, by_them=True), b"x"]),  # broken off by WILL BINARY
        (b"\xff\xfa\xff\xf0x", [b"x"]),  # says nothing
        (b"one\r\x00two\r\n", [b"one\rtwo\r\n"]),  # CR NUL is a carriage return
        (b"\xff\xfb\x00\r\x00", [Agreed(0, by_them=True), b"\r\x00"]),  # unless it is binary
    ],
)
def test_bytes_and_what_they_say_in_any_portions(sent, said):
    assert _joined(Telnet(frozenset({0})).receive(sent)) == said
    for cut in range(len(sent) + 1):
        telnet = Telnet(frozenset({0}))
        assert _joined([*telnet.receive(sent[:cut]), *telnet.receive(sent[cut:])]) == said
    telnet = Telnet(frozenset({0}))
    assert _joined([s for n in range(len(sent)) for s in telnet.receive(sent[n : n + 1])]) == said


def _joined(events):
    out = []
    for event in events:
        if isinstance(event, bytes) and out and isinstance(out[-1], bytes):
            out[-1] += event
        elif event != b"":
            out.append(event)
    return out


@given(st.lists(st.binary(max_size=12) | st.sampled_from([b"\xff", b"\xff\xfa\x2c", b"\xff\xf0", b"\xff\xfb\x2c"])))
def test_portions_make_no_difference_to_anything(pieces):
    whole, in_pieces = ComPort(), ComPort()
    events = whole.receive(b"".join(pieces))
    assert _joined([e for piece in pieces for e in in_pieces.receive(piece)]) == events
    assert in_pieces.to_send == whole.to_send
    assert in_pieces.settings == whole.settings


def test_a_subnegotiation_without_end_is_no_conversation():
    telnet = Telnet(frozenset())
    assert list(telnet.receive(b"\xff\xfa\x2c" + bytes(1000))) == []
    assert not telnet.broken
    assert list(telnet.receive(bytes(1000))) == []
    assert telnet.broken


@pytest.mark.parametrize(
    ("sent", "settings", "answer"),
    [
        ("fffa2c 01 00002580 fff0", Settings(baud=9600), "ff fa 2c 65 00 00 25 80 ff f0"),
        ("fffa2c 01 0000ffff00 fff0", Settings(baud=65280), "ff fa 2c 65 00 00 ff ff 00 ff f0"),
        ("fffa2c 02 07 fff0", Settings(data_bits=7), "ff fa 2c 66 07 ff f0"),
        ("fffa2c 03 03 fff0", Settings(parity=3), "ff fa 2c 67 03 ff f0"),
        ("fffa2c 04 02 fff0", Settings(stop_bits=2), "ff fa 2c 68 02 ff f0"),
        # 0 asks; what cannot be is answered with what is.
        ("fffa2c 01 00000000 fff0", None, "ff fa 2c 65 00 01 c2 00 ff f0"),
        ("fffa2c 01 fff0", None, "ff fa 2c 65 00 01 c2 00 ff f0"),
        ("fffa2c 01 00000001 fff0", None, "ff fa 2c 65 00 01 c2 00 ff f0"),
        ("fffa2c 02 09 fff0", None, "ff fa 2c 66 08 ff f0"),
        ("fffa2c 03 06 fff0", None, "ff fa 2c 67 01 ff f0"),
        ("fffa2c 04 00 fff0", None, "ff fa 2c 68 01 ff f0"),
    ],
)
def test_settings(port, sent, settings, answer):
    assert client_says(port, sent) == ([settings] if settings else [], answer)
    assert port.settings == (settings or Settings())


@pytest.mark.parametrize(
    ("value", "events", "answer"),
    [
        ("08", [Dtr(high=True)], "08"),
        ("09", [], "09"),  # it is low already
        ("07", [], "09"),
        ("0b", [], "0b"),  # RTS: kept and told
        ("0a", [], "0c"),
        ("05", [Break()], "05"),
        ("06", [], "06"),
        ("04", [], "06"),
        ("00", [], "01"),
        ("02", [], "02"),
        ("03", [], "03"),
        ("11", [], "11"),
        ("0d", [], "0e"),
        ("10", [], "10"),
    ],
)
def test_control(port, value, events, answer):
    assert client_says(port, f"fffa2c 05 {value} fff0") == (events, f"ff fa 2c 69 {answer} ff f0")


def test_dtr_and_break_are_edges(port):
    events, _ = client_says(port, "fffa2c0508fff0 fffa2c0508fff0 41 fffa2c0505fff0 fffa2c0505fff0 fffa2c0506fff0")
    assert events == [Dtr(high=True), b"A", Break()]
    assert client_says(port, "fffa2c0509fff0 fffa2c0507fff0") == (
        [Dtr(high=False)],
        "ff fa 2c 69 09 ff f0 ff fa 2c 69 09 ff f0",
    )
    assert client_says(port, "fff3 fff3") == ([Break(), Break()], "")  # telnet's own


def test_purge(port):
    assert client_says(port, "fffa2c 0c 01 fff0") == ([Purge(True, False)], "ff fa 2c 70 01 ff f0")
    assert client_says(port, "fffa2c 0c 02 fff0") == ([Purge(False, True)], "ff fa 2c 70 02 ff f0")
    assert client_says(port, "fffa2c 0c 03 fff0") == ([Purge(True, True)], "ff fa 2c 70 03 ff f0")


@pytest.mark.parametrize("sent", ["0c 00", "0c 04", "05 14", "05", "0d 01", "ffff", ""])
def test_what_the_rfc_does_not_know_is_passed_over(port, sent):
    assert client_says(port, f"fffa2c {sent} fff0 41") == ([b"A"], "")


def test_modem_state_is_told_when_it_changes(port):
    port.to_send.clear()
    port.modem_state(CTS | DSR | CD)
    assert port.to_send == b""
    port.modem_state(CTS)
    assert port.to_send.hex(" ") == "ff fa 2c 6b 1a ff f0"  # CTS; DSR and CD have changed
    assert client_says(port, "fffa2c 07 fff0") == ([], "ff fa 2c 6b 10 ff f0")
    assert client_says(port, "fffa2c 0b 80 fff0") == ([], "ff fa 2c 6f 80 ff f0")  # only CD is of interest
    port.to_send.clear()
    port.modem_state(CTS | DSR)
    assert port.to_send == b""
    port.modem_state(CTS | DSR | CD)
    assert port.to_send.hex(" ") == "ff fa 2c 6b 80 ff f0"


def test_line_state_is_told_to_who_asked(port):
    port.to_send.clear()
    port.line_state(FRAMING_ERROR)
    assert port.to_send == b""
    assert client_says(port, "fffa2c 0a 0c fff0") == ([], "ff fa 2c 6e 0c ff f0")
    port.to_send.clear()
    port.line_state(FRAMING_ERROR)
    assert port.to_send.hex(" ") == "ff fa 2c 6a 08 ff f0"
    assert client_says(port, "fffa2c 06 fff0") == ([], "ff fa 2c 6a 68 ff f0")


def test_flow_control_of_the_connection(port):
    assert client_says(port, "fffa2c 08 fff0") == ([], "")
    assert port.suspended
    client_says(port, "fffa2c 09 fff0")
    assert not port.suspended


def test_the_signature_is_told_to_who_asks(port):
    assert client_says(port, "fffa2c 00 fff0")[1] == (b"\xff\xfa\x2c\x64ionto-sim\xff\xf0").hex(" ")
    assert client_says(port, "fffa2c 00 6d65 fff0") == ([], "")


def test_data_is_escaped(port):
    port.to_send.clear()
    port.data(b"a\xffb\r\n")
    assert port.to_send == b"a\xff\xffb\r\n"


def test_nothing_is_set_before_the_option_is_agreed_on():
    port = ComPort()
    assert client_says(port, "fffa2c 05 08 fff0 fffa2c 01 00002580 fff0") == ([], "")
    port.modem_state(0)
    assert port.to_send == b""
    assert port.settings == Settings()
