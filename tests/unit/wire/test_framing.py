"""Bytes to lines: literal cases, then any chunking against the naive decoder."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.wire import LineDecoder, Noise, NoiseKind, seal
from tests import naive_wire

POISONED, OVERLONG = NoiseKind.POISONED, NoiseKind.OVERLONG


def test_seal_is_exactly_these_bytes() -> None:
    assert seal(">4A17 0004 KEEP t=02F3") == b"\n>4A17 0004 KEEP t=02F3*4F3CFD7D\n"


@pytest.mark.parametrize("body", [">4A17 0004 KEEP\n", ">4A17*", ">4A17 \xe9", ">4A17 \t"])
def test_seal_refuses_what_is_not_one_printable_line(body: str) -> None:
    with pytest.raises(ValueError, match="only printable ASCII"):
        seal(body)


def test_seal_refuses_more_than_240_characters_with_the_end() -> None:
    assert len(seal(">" * 230)) == 241  # the leading LF belongs to the line before
    with pytest.raises(ValueError, match="at most 240"):
        seal(">" * 231)


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (b"*IDN?\n", ["*IDN?"]),
        (b"*IDN?\r", ["*IDN?"]),
        (b"*IDN?\r\n1\r\n", ["*IDN?", "1"]),
        (b"\n\n\r\n\r", []),
        (b"\n", []),
        (b"", []),
        (b"half", []),
        (b" \n", [" "]),
        (b"a\nb\nc", ["a", "b"]),
        (b"\x00\n", [Noise(POISONED, b"\x00")]),
        (b"a\x7fb\nc\n", [Noise(POISONED, b"a\x7fb"), "c"]),
        (b"\xff\xfe\r\nok\n", [Noise(POISONED, b"\xff\xfe"), "ok"]),
        (b"12\x1834\n", [Noise(POISONED, b"12\x1834")]),
        (b"1234567\n", ["1234567"]),
        (b"12345678\n", [Noise(OVERLONG, b"12345678")]),
        (b"1234567890\nab\n", [Noise(OVERLONG, b"12345678"), "ab"]),
        (b"123456\x00890\n", [Noise(POISONED, b"123456\x008")]),
        (b"1234567\x0090\n", [Noise(OVERLONG, b"1234567\x00")]),
    ],
)
def test_cuts_lines_of_at_most_eight_bytes(data: bytes, items: list[str | Noise]) -> None:
    whole, single = LineDecoder(limit=8), LineDecoder(limit=8)
    assert whole.feed(data) == items
    assert [item for byte in data for item in single.feed(bytes([byte]))] == items


def test_a_host_takes_500_bytes_with_the_end() -> None:
    assert LineDecoder().feed(b"x" * 499 + b"\n") == ["x" * 499]
    assert LineDecoder().feed(b"x" * 500 + b"\n") == [Noise(OVERLONG, b"x" * 500)]


def test_an_endless_line_takes_no_memory() -> None:
    decoder = LineDecoder()
    for _ in range(300):
        assert decoder.feed(b"\x55" * 4096) == []
    assert len(decoder._held) == 500
    assert decoder.feed(b"\n~ok\n") == [Noise(OVERLONG, b"\x55" * 500), "~ok"]


NOISY = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"\r", b"\r\n", b"\x18", b"\x00", b"~4A17 02F3 82100*00000000\n", b"*IDN?\n"]),
        st.binary(max_size=12),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(str.encode),
    ),
    max_size=12,
).map(b"".join)


@given(NOISY, st.data())
def test_any_chunking_gives_the_items_of_the_naive_decoder(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    decoder = LineDecoder(limit=16)
    bounds = [0, *cuts, len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(bounds)]
    items = [item for chunk in chunks for item in decoder.feed(chunk)]
    assert items == LineDecoder(limit=16).feed(stream)
    plain = [(item.kind.value,) if isinstance(item, Noise) else item for item in items]
    assert plain == naive_wire.decode_stream(stream, 16)
