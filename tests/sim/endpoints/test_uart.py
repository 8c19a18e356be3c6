"""What a UART hears: frames drawn by hand, and what is known of real lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_sim.endpoints.com_port import BREAK_DETECTED, FRAMING_ERROR, PARITY_ERROR
from hw_sim.endpoints.uart import EVEN, MARK, NONE, ODD, SPACE, Frame, Heard, hear, parity_bit

HOST = Frame(115_200)
ALL = bytes(range(256))


def test_equal_settings_hear_everything():
    assert hear(ALL, HOST, HOST) == Heard(ALL, 0)
    seven = Frame(9600, 7, EVEN)
    assert hear(ALL, seven, seven) == Heard(ALL[:128] * 2, 0)  # the eighth bit is not sent


@pytest.mark.parametrize("parity", [NONE, ODD, EVEN, MARK, SPACE])
@given(data=st.binary(max_size=20), baud=st.sampled_from([300, 9600, 115_200, 1_000_000]), percent=st.integers(-3, 3))
def test_three_percent_are_forgiven(parity, data, baud, percent):
    sender = Frame(baud * 100, 8, parity)
    assert hear(data, sender, Frame(baud * (100 + percent), 8, parity)) == Heard(data, 0)


def test_ten_percent_are_not():
    # 0x55 on the line: 0 1 0 1 0 1 0 1 0 and idle. Sampled 10 % slowly, the sixth data bit falls into the seventh.
    heard = hear(b"\x55", Frame(110_000), Frame(100_000))
    assert heard.data != b"\x55"


def test_half_the_rate_sees_every_bit_twice():
    # 0x33 sent at 9600 is 0 11001100 1; a receiver at 19200 samples it at every half bit: start 0, then
    # 0 | 1111 0000 1111 0000: data 0,1,1,1,1,0,0,0 = 0x1E, then 0 where the stop should be: framing error.
    heard = hear(b"\x33", Frame(9600), Frame(19_200))
    assert heard.data[:1] == b"\x1e"
    assert heard.errors & FRAMING_ERROR


def test_twice_the_rate_sees_every_other_bit():
    # 0xFE at 19200: low for the start bit and bit 0, one bit of the receiver; then high: 0xFF.
    assert hear(b"\xfe", Frame(19_200), Frame(9600)) == Heard(b"\xff", 0)
    # 0xFF: low for half a bit only, high again when the receiver looks: nothing.
    assert hear(b"\xff", Frame(19_200), Frame(9600)) == Heard(b"", 0)


def test_7e1_heard_as_8n1_has_the_parity_as_bit_7():
    sent = b"A" + b"C"  # two ones, three ones
    assert hear(sent, Frame(115_200, 7, EVEN), HOST) == Heard(b"A" + b"\xc3", 0)
    assert hear(sent, Frame(115_200, 7, ODD), HOST) == Heard(b"\xc1" + b"C", 0)


def test_8n1_heard_as_7e1_is_wrong_in_every_other_character():
    assert hear(b"A", HOST, Frame(115_200, 7, EVEN)) == Heard(b"A", 0)
    assert hear(b"C", HOST, Frame(115_200, 7, EVEN)) == Heard(b"C", PARITY_ERROR)


def test_8e1_heard_as_8n1_is_a_framing_error_where_the_parity_is_0():
    assert hear(b"C", Frame(115_200, 8, EVEN), HOST) == Heard(b"C", 0)
    assert hear(b"A", Frame(115_200, 8, EVEN), HOST) == Heard(b"A", FRAMING_ERROR)


def test_a_zero_sent_slowly_is_a_break():
    assert hear(b"\0", Frame(9600), HOST) == Heard(b"", BREAK_DETECTED)
    assert hear(b"\x18", Frame(19_200), HOST).errors & BREAK_DETECTED  # start and three zeros: 24 bits low


def test_parity_by_hand():
    assert [parity_bit(0b101, p) for p in (ODD, EVEN, MARK, SPACE)] == [1, 0, 1, 0]
    assert [parity_bit(0b111, p) for p in (ODD, EVEN, MARK, SPACE)] == [0, 1, 1, 0]


@given(
    st.binary(max_size=30),
    st.integers(50, 4_000_000),
    st.integers(5, 8),
    st.integers(1, 5),
    st.integers(0, 30),
)
def test_portions_make_no_difference_and_no_setting_breaks_it(data, baud, bits, parity, cut):
    sender = Frame(baud, bits, parity)
    whole = hear(data, sender, HOST)
    one, two = hear(data[:cut], sender, HOST), hear(data[cut:], sender, HOST)
    assert whole == Heard(one.data + two.data, one.errors | two.errors)
    assert hear(data, HOST, sender) == hear(data, HOST, sender)
