"""Lines to values: literals, typed readers, and the properties that must hold for any line."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.errors import ProtocolViolation
from controller.wire import (
    Event,
    LineDecoder,
    Noise,
    NoiseKind,
    Plain,
    Reply,
    Request,
    Telemetry,
    UnitState,
    digest,
    parse,
    seal,
)
from tests import naive_wire
from tests.unit.wire.golden import ENTRIES, as_golden

HOLDING = "~4A17 02F3 82100 st=HOLD set=1500 i=1498 i2=1499 v=6270 z=4186 q=82470 lk=1830 lim=0 rl=1 fl=0*5FBF61D6"


def sealed(body: str) -> str:
    return seal(body).decode("ascii").strip("\n")


def test_telemetry_in_base_units_and_in_those_people_read() -> None:
    line = parse(HOLDING)
    assert line == (
        0x4A17, 0x02F3, 82_100, UnitState.HOLD, 1500, 1498, 1499, 6270, 4186, 82_470, 1830, False, True, 0,
    )  # fmt: skip
    assert isinstance(line, Telemetry)
    assert (line.current_ma, line.voltage_v, line.dose_ma_min) == (1.498, 6.27, 1.3745)
    assert (type(line.limited), type(line.relay)) == (bool, bool)


def test_no_impedance_below_20_ua_and_zero_for_a_short() -> None:
    holding = parse(HOLDING)
    assert isinstance(holding, Telemetry)
    assert holding.impedance_ohm == 4186
    assert holding._replace(i_ua=19, z_ohm=0).impedance_ohm is None
    assert holding._replace(i_ua=20, z_ohm=0).impedance_ohm == 0


def test_parse_takes_any_text() -> None:
    assert parse("") == Plain("")
    assert parse("1.5 \u03a9") == Noise(NoiseKind.POISONED, b"1.5 \\u03a9")
    assert parse("~\n") == Noise(NoiseKind.POISONED, b"~\n")
    assert parse("~" + "x" * 600) == Noise(NoiseKind.MISSHAPEN, b"~" + b"x" * 499)


def test_request_writes_integers_in_decimal() -> None:
    request = Request(0x4A17, 3, "START", {"run": "A1", "D": "83615AA8", "X": 13100})
    assert request.line() == ">4A17 0003 START run=A1 D=83615AA8 X=13100"


@pytest.mark.parametrize(
    "request_",
    [
        Request(0x14A17, 1, "KEEP", {}),
        Request(1, 0x10000, "KEEP", {}),
        Request(1, -1, "KEEP", {}),
        Request(1, 1, "", {}),
        Request(1, 1, "KEEP", {"host": "my host"}),
        Request(1, 1, "KEEP", {"host": ""}),
        Request(1, 1, "KEEP", {"host": "a*b"}),
        Request(1, 1, "KEEP", {"Host": "a"}),
        Request(1, 1, "KEEP", {"host": "a\n"}),
    ],
)
def test_request_refuses_what_has_no_form_on_the_wire(request_: Request) -> None:
    with pytest.raises(ValueError, match="section 3"):
        request_.line()


ANSWER = Reply(0x4A17, 4, 0, "STATUS", {
    "st": "HOLD", "lk": "1830", "zero": "0", "off": "-3", "lim": "0", "rl": "1",
    "sid": "4A17", "D": "83615AA8", "fl": "2",
})  # fmt: skip


def test_typed_readers() -> None:
    assert (ANSWER.integer("lk"), ANSWER.integer("zero"), ANSWER.integer("off")) == (1830, 0, -3)
    assert (ANSWER.hexa("sid"), ANSWER.hexa("D"), ANSWER.hexa("fl")) == (0x4A17, 0x83615AA8, 2)
    assert (ANSWER.word("st"), ANSWER.state("st")) == ("HOLD", UnitState.HOLD)
    assert (ANSWER.flag("lim"), ANSWER.flag("rl")) == (False, True)


@pytest.mark.parametrize(
    ("reader", "key", "value", "says"),
    [
        ("word", "lk", None, "reply to KEEP lacks lk"),
        ("integer", "lk", None, "reply to KEEP lacks lk"),
        ("integer", "lk", "01", "reply to KEEP says lk=01, which is not an integer"),
        ("integer", "lk", "-1", "lk=-1, which is not an integer"),
        ("integer", "off", "-0", "off=-0, which is not an integer"),
        ("integer", "lk", "12345678901", "is not an integer"),
        ("integer", "lk", "1_0", "is not an integer"),
        ("hexa", "sid", "A17", "sid=A17, which is not 4 hexadecimal digits"),
        ("hexa", "sid", "4a17", "sid=4a17, which is not hexadecimal"),
        ("hexa", "fl", "02", "fl=02, which is not hexadecimal"),
        ("flag", "rl", "2", "rl=2, which is not 0 or 1"),
        ("state", "st", "HELD", "st=HELD, which is not a state"),
    ],
)
def test_typed_readers_name_the_verb_and_the_key(reader: str, key: str, value: str | None, says: str) -> None:
    reply = Reply(1, 1, 0, "KEEP", {} if value is None else {key: value})
    with pytest.raises(ProtocolViolation, match=says) as caught:
        getattr(reply, reader)(key)
    assert caught.value.heard == (value or "")


def test_readers_of_an_event_name_the_event() -> None:
    with pytest.raises(ProtocolViolation, match="event FAULT lacks id"):
        Event(1, 1, 0, "FAULT", {}).word("id")


def test_no_digest_of_half_a_prescription() -> None:
    with pytest.raises(ProtocolViolation, match=r"without Q, TU, TD, .* has no digest"):
        digest({"I": "1500"})


# Properties

WORDS = st.text("".join(c for c in map(chr, range(0x21, 0x7F)) if c not in "*="), min_size=1, max_size=12)
LOWER_KEYS = st.from_regex("[a-z][a-z0-9]{0,5}", fullmatch=True)
REQUESTS = st.builds(
    Request,
    sid=st.integers(0, 0xFFFF),
    number=st.integers(0, 0xFFFF),
    verb=st.text(string.ascii_uppercase, min_size=1, max_size=12),
    fields=st.dictionaries(LOWER_KEYS, WORDS, max_size=6),
)


@given(REQUESTS)
def test_a_sealed_request_comes_back_as_itself(request_: Request) -> None:
    [line] = LineDecoder(240).feed(seal(request_.line()))
    assert isinstance(line, str)
    assert parse(line) == request_


SEALED = [e["line"] for e in ENTRIES if e["kind"] in ("request", "reply", "telemetry", "event")]


@given(st.sampled_from(SEALED), st.data())
def test_one_changed_byte_never_passes_as_a_sealed_message(line: str, data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(line) - 1))
    flip = data.draw(st.integers(1, 255))
    damaged = bytearray(line.encode("ascii"))
    damaged[where] ^= flip
    for item in LineDecoder().feed(bytes(damaged) + b"\n"):
        message = item if isinstance(item, Noise) else parse(item)
        assert isinstance(message, Noise | Plain)
        # A plain line comes from a changed first character, or from a line end in the middle.
        assert isinstance(message, Noise) or where == 0 or damaged[where] in b"\r\n"


def test_all_swaps_of_neighbours_are_seen() -> None:
    for line in SEALED:
        for at in range(len(line) - 1):
            swapped = line[:at] + line[at + 1] + line[at] + line[at + 2 :]
            if swapped != line:
                assert isinstance(parse(swapped), Noise | Plain), swapped


# Golden bodies with a word or two put in the place of others, sealed again: most of them are nearly right.
ODD_WORDS = st.one_of(
    WORDS,
    st.integers(-5, 10**10).map("i={}".format),
    st.sampled_from(
        [
            "", "=", "t=", "=1", "a=1", "a=1=2", "A=1", "D=1", "X=1", "I=1", "ZMAX=1", "2i=1", "aB=1",
            "a=\x7f", "a\tb=1", "fl=0A", "fl=A", "fl=123456789", "lim=1", "lim=2", "rl=00", "st=IDLE",
            "st=idle", "q=0", "q=00", "q=9999999999", "q=10000000000", "q=\u0663", "HOLD", "KEEP", "keep",
            "PRES", "SET", "K1", "KEEPKEEPKEEPK", "LINK_WARN", "4A17", "4a17", "4A1", "00", "0", "7",
            "4294967295", "4294967296", "~4A17", "<4A17", ">4A17", "!4A17", "#4A17",
        ]
    ),
)  # fmt: skip


@st.composite
def altered_bodies(draw: st.DrawFn) -> str:
    words = draw(st.sampled_from(SEALED))[:-9].split(" ")
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(words)))
        words[start : start + draw(st.integers(0, 1))] = draw(st.lists(ODD_WORDS, max_size=1))
    return " ".join(words)


BODIES = altered_bodies() | st.text(st.characters(min_codepoint=0x1E, max_codepoint=0x80), max_size=30)


@settings(max_examples=400)
@given(BODIES, st.sampled_from(["right", "right", "right", "none", "wrong", "lower"]))
def test_product_and_naive_decoder_agree_on_any_line(body: str, ending: str) -> None:
    checksum = f"{naive_wire.crc32(body.encode()):08X}"  # of UTF-8, where the body is not even ASCII
    seals = {"right": "*" + checksum, "none": "", "wrong": "*00C0FFEE", "lower": "*" + checksum.lower()}
    line = body + seals[ending]
    assert as_golden(parse(line)) == naive_wire.decode_line(line)
