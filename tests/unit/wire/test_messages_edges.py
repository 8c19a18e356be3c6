"""Forms of a line at the edges of the page: leading zeros, digits beyond nine, upper-case keys where none is known."""

import pytest

from controller.errors import ProtocolViolation
from controller.wire import Event, Noise, NoiseKind, Reply, parse, seal
from tests import naive_wire


def sealed(body: str) -> str:
    return seal(body).decode("ascii").strip("\n")


def test_a_number_of_fixed_width_keeps_its_leading_zeros() -> None:
    reply = Reply(0, 1, 0, "HELLO", {"sid": "0A17", "nonce": "0000000F"})
    assert (reply.hexa("sid"), reply.hexa("nonce")) == (0x0A17, 15)


@pytest.mark.parametrize(("text", "code"), [("02", 2), ("20", 20)])
def test_a_faults_code_has_two_digits(text: str, code: int) -> None:
    assert Event(1, 1, 1, "FAULT", {"id": text}).fault_code("id") == code


@pytest.mark.parametrize("text", ["2", "002", "0A", ""])
def test_another_form_of_a_faults_code_is_refused(text: str) -> None:
    with pytest.raises(ProtocolViolation, match="a code of two digits"):
        Event(1, 1, 1, "FAULT", {"id": text}).fault_code("id")


def test_a_fault_without_a_code_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="lacks id"):
        Event(1, 1, 1, "FAULT", {}).fault_code("id")


def test_an_events_number_is_hexadecimal() -> None:
    event = parse(sealed("!4A17 00FF 5 WARN id=02"))
    assert isinstance(event, Event)
    assert (event.sid, event.number) == (0x4A17, 0xFF)


@pytest.mark.parametrize("body", ["!4A17 0007 5 WARN ID=02", ">4A17 0007 NEWVERB A=1", "<4A17 0007 00 NEWVERB A=1"])
def test_an_upper_case_key_that_nobody_knows_is_refused_everywhere(body: str) -> None:
    noise = parse(sealed(body))
    assert isinstance(noise, Noise)
    assert noise.kind is NoiseKind.MISSHAPEN
    assert naive_wire.decode_line(sealed(body)) == {"kind": "noise", "damage": "MISSHAPEN"}


@pytest.mark.parametrize("line", ["~*0", "~", "<1*23", "!*00000000", ">*"])
def test_a_sealed_line_too_short_for_its_seal_is_misshapen_to_both_decoders(line: str) -> None:
    kind = "BAD_CRC" if line == "!*00000000" else "MISSHAPEN"
    assert naive_wire.decode_line(line) == {"kind": "noise", "damage": kind}
    message = parse(line)
    assert isinstance(message, Noise)
    assert message.kind.value == kind
