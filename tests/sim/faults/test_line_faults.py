"""What each fault of the line does to bytes, in both directions: literal bytes in, literal bytes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_sim.endpoints.uart import Frame, hear
from hw_sim.faults.damage import HELD_US, heard
from hw_sim.line import Line
from hw_sim.world import World
from tests.sim.host import virtual_host

REQUEST = b"\n>4A17 0003 START run=R1 D=83615AA8 X=13100*0000AAAA\n"
REPLY = b"<4A17 0003 00 START run=R1 st=RAMP_UP*5E2B58A6\n"
TELEMETRY = b"~4A17 02F3 82100 st=HOLD set=1500*5FBF61D6\n"
EVENT = b"!4A17 0007 85230 FAULT id=02*E4423370\n"
NOW_US = 500_000


class Wire:
    """A world with one connection and one fault; what was written on either side lies on the line."""

    def __init__(self, *faults: str, seed: int = 1) -> None:
        self.world = World(seed=seed)
        self.conn = self.world.connect()
        for fault in faults:
            self.world.act("inject", fault)

    def write(self, towards: str, *writes: bytes) -> bytes:
        """What is on the line after all were written now, not yet arrived."""
        for data in writes:
            if towards == "unit":
                self.world.put(self.conn, data)
            else:
                self.world.sent(self.conn, data)
        return b"".join(data for _, data in self.line(towards).arrivals)

    def line(self, towards: str) -> Line:
        return (self.world.to_unit if towards == "unit" else self.world.to_host)[self.conn]

    def times_us(self, towards: str) -> list[int]:
        """When what lies there will arrive, from now."""
        return [at - self.world.now_us for at, _ in self.line(towards).arrivals]

    def is_over(self) -> bool:
        return self.world.faults().listed() == []


BOTH = pytest.mark.parametrize("towards", ["unit", "host"])


# -- a line without faults, and one whose faults are over -----------------------------------------------------


@BOTH
def test_a_world_without_line_faults_has_plain_lines(towards):
    wire = Wire("S07")
    assert type(wire.line(towards)) is Line
    wire.world.act("inject", "L02@at=100")
    assert type(wire.line(towards)) is Line


TO = ("L01:rate=1", "L02:rate=1", "L03:rate=1", "L04:rate=1", "L06:rate=1", "L07:rate=1", "L08:rate=1", "L09:ms=9",
      "L10", "L11:rate=1", "L18:how=baud", "L22:share=1", "L23:how=lf-lost", "L26")  # fmt: skip


@BOTH
@pytest.mark.parametrize("fault", TO)
def test_a_fault_of_the_other_direction_leaves_a_line_alone(towards, fault):
    to = "to=" + ("host" if towards == "unit" else "unit")
    wire = Wire(f"{fault},{to}" if ":" in fault else f"{fault}:{to}")
    assert wire.write(towards, b"*IDN?\n", EVENT) == b"*IDN?\n" + EVENT
    assert wire.times_us(towards) == [1000, 1000]


@BOTH
def test_lifted_the_line_is_as_it_was(towards):
    wire = Wire("L02:rate=1@for=2")
    assert wire.write(towards, b"lost\n") == b""
    wire.world.advance_to(NOW_US + 2_000_000)
    assert wire.write(towards, b"STAGED\n") == b"STAGED\n"
    assert wire.is_over()


# -- exactly at a byte ----------------------------------------------------------------------------------------

AT_A_BYTE = [
    ("L01", 4, b"ABC\x45EF\n", 0x44),  # one bit of the fourth
    ("L02", 4, b"ABCEF\n", None),
    ("L03", 4, b"ABCDDEF\n", None),
    ("L07", 4, b"ABC\nDEF\n", None),
    ("L06", 1, b"ABCDEF", None),
    ("L06", 7, b"ABCDEF", None),
]


@BOTH
@pytest.mark.parametrize(("fault", "byte", "left", "one"), AT_A_BYTE)
def test_struck_by_a_byte_it_acts_once(towards, fault, byte, left, one):
    """Written in two portions, so that the byte is counted over them."""
    wire = Wire(f"{fault}@byte={towards}:{byte}")
    found = wire.write(towards, b"AB", b"CDEF\n")
    if one is None:
        assert found == left
    else:
        assert found[:3] + found[4:] == left[:3] + left[4:]
        assert (found[3] ^ one).bit_count() == 1
    assert wire.is_over()
    assert wire.world.faults().struck[0][:2] == (NOW_US, fault)
    assert wire.write(towards, b"GHI\n") == found + b"GHI\n"


@BOTH
def test_noise_begins_at_its_byte_and_has_its_length(towards):
    wire = Wire(f"L04:length=3@byte={towards}:4")
    found = wire.write(towards, b"AAAA", b"AAAA\n")
    assert found[:3] == b"AAA"
    assert found[6:] == b"AA\n"
    assert found[3:6] != b"AAA"
    assert wire.is_over()


@BOTH
def test_what_lasts_begins_at_its_byte(towards):
    fault = "L16" if towards == "unit" else "L17"
    wire = Wire(f"{fault}@byte={towards}:4,for=1")
    assert wire.write(towards, b"ABCDEF\n") == b"ABC"
    assert wire.write(towards, b"GHI\n") == b"ABC"
    wire.world.advance_to(NOW_US + 1_000_000)
    wire.world.take(wire.conn)
    assert wire.write(towards, b"JKL\n") == b"JKL\n"


@BOTH
def test_by_chance_it_strikes_again_and_again(towards):
    wire = Wire("L02@p=0.1")
    left = wire.write(towards, *[b"0123456789"] * 100)
    assert 850 < len(left) < 950
    assert len(wire.world.faults().struck) == 1000 - len(left)
    assert [fault["on"] for fault in wire.world.faults().listed()] == [False]


# -- rates ----------------------------------------------------------------------------------------------------


@BOTH
def test_bits_are_inverted_at_their_rate(towards):
    wire = Wire("L01:rate=0.01")
    found = wire.write(towards, *[b"\x55" * 100] * 100)
    assert len(found) == 10_000
    # 80 000 bits: 800 expected, standard deviation 28
    assert sum((byte ^ 0x55).bit_count() for byte in found) == pytest.approx(800, abs=140)
    hit = [sum((byte ^ 0x55) >> bit & 1 for byte in found) for bit in range(8)]
    assert all(60 < n < 140 for n in hit), hit


@BOTH
@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("L02:rate=1", b""),
        ("L03:rate=1", b"AABB\n\n"),
        ("L06:rate=1", b"AB"),
        ("L07:rate=1", b"\nA\nB\n\n"),
        ("L23:lf-to-crlf", b"AB\r\n"),
        ("L23:lf-to-cr", b"AB\r"),
        ("L23:lf-lost", b"AB"),
        ("L23:cr-to-lf", b"AB\n"),
        ("L22:share=1,to=both", b""),
        ("L22:share=0,to=both", b"AB\n"),
    ],
)
def test_at_every_opportunity(towards, fault, left):
    assert Wire(fault).write(towards, b"AB\n") == left


@BOTH
def test_control_characters_are_swallowed(towards):
    wire = Wire("L23:xonxoff")
    assert wire.write(towards, b"A\x11B\x13\x03\x18\r") == b"AB\x03\x18\r"
    assert Wire("L23:signals").write(towards, b"A\x11\x03\x18\x1a\x1c") == b"A\x11\x18"
    assert Wire("L23:cr-to-lf").write(towards, b"A\r") == b"A\n"


@BOTH
def test_half_of_all_portions_are_stolen(towards):
    wire = Wire("L22:to=both")
    left = wire.write(towards, *[b"0123456789"] * 1000)
    assert len(left) == pytest.approx(5000, abs=400)


# -- writes ---------------------------------------------------------------------------------------------------


@BOTH
def test_a_write_stops_short(towards):
    wire = Wire("L08:rate=1")
    left = wire.write(towards, b"ABCDEFGHIJ\n")
    assert b"ABCDEFGHIJ\n".startswith(left)
    assert len(left) < 11


@BOTH
def test_the_rest_of_a_write_comes_later_and_before_what_follows(towards):
    wire = Wire(f"L08:rest=late@byte={towards}:1")
    assert wire.write(towards, b"ABCDEFGHIJ\n", b"KLM\n") == b"ABCDEFGHIJ\nKLM\n"
    assert wire.times_us(towards)[-2:] == [21_000, 21_000]


# -- lines ----------------------------------------------------------------------------------------------------


def test_a_request_is_lost_and_nothing_else():
    wire = Wire("L12")
    assert wire.write("unit", b"*IDN?\n", REQUEST, REQUEST) == b"*IDN?\n\n" + REQUEST
    assert wire.is_over()


def test_a_request_is_known_by_its_verb():
    keep = b"\n>4A17 0002 KEEP t=02F3*4F3CFD7D\n"
    stop = b"\n>4A17 0002 STOP*1E08F0A1\n"
    wire = Wire("L12:verb=STOP,n=2")
    assert wire.write("unit", keep, stop, REQUEST, stop, stop) == keep + b"\n" + REQUEST + b"\n" + stop


def test_a_request_in_portions_is_lost_as_a_whole():
    wire = Wire("L12")
    assert wire.write("unit", b">4A17 0003", b" START run=R1", b" X=1*0000AAAA\nSTO", b"P\n") == b"STOP\n"


@pytest.mark.parametrize("stop", [b"\x18", b"\x03"])
def test_a_stop_byte_in_the_middle_of_a_lost_request_comes_through(stop):
    wire = Wire("L12")
    assert wire.write("unit", b">4A17 0003 STA", stop) == b">4A17 0003 STA" + stop


def test_a_request_that_is_held_when_the_fault_is_lifted_comes_through():
    wire = Wire("L12")
    assert wire.write("unit", b">4A17 0003 STA") == b""
    wire.world.act("lift_fault", "L12")
    assert wire.write("unit", b"RT*0\n") == b">4A17 0003 START*0\n"


def test_a_line_already_begun_is_not_taken_for_one_that_begins():
    wire = Wire("L12@byte=unit:3")
    assert wire.write("unit", b"XX>4A17 0003 START*0\n", REQUEST) == b"XX>4A17 0003 START*0\n\n"


def test_replies_and_news_are_lost_each_by_its_own_fault():
    all_ = (REPLY, TELEMETRY, EVENT, b"IONTO,4\n")
    assert Wire("L13").write("host", *all_) == TELEMETRY + EVENT + b"IONTO,4\n"
    assert Wire("L13:verb=KEEP").write("host", *all_) == b"".join(all_)
    assert Wire("L13:verb=START").write("host", *all_) == TELEMETRY + EVENT + b"IONTO,4\n"
    assert Wire("L14:rate=1").write("host", *all_) == REPLY + b"IONTO,4\n"
    assert Wire("L14:rate=1,what=events").write("host", *all_) == REPLY + TELEMETRY + b"IONTO,4\n"
    assert Wire("L14:rate=1,what=telemetry").write("host", *all_) == REPLY + EVENT + b"IONTO,4\n"


@BOTH
def test_sealed_lines_come_twice(towards):
    line = REQUEST if towards == "unit" else REPLY
    wire = Wire("L11:rate=1")
    assert wire.write(towards, b"plain\n", line) == b"plain\n" + line + line.lstrip(b"\n")


@BOTH
def test_the_second_comes_late(towards):
    line = REQUEST if towards == "unit" else REPLY
    wire = Wire(f"L11:late=0.3@byte={towards}:1")
    assert wire.write(towards, line) == line
    wire.world.advance_to(NOW_US + 299_000)
    wire.world.take(wire.conn)
    assert wire.write(towards) == b""
    wire.world.advance_to(NOW_US + 300_000)
    assert wire.write(towards) == line.lstrip(b"\n")
    assert wire.times_us(towards) == [1000]


# -- times ----------------------------------------------------------------------------------------------------


@BOTH
def test_everything_comes_later(towards):
    wire = Wire("L09:ms=300")
    assert wire.write(towards, b"AB\n") == b"AB\n"
    assert wire.times_us(towards) == [301_000]


@BOTH
def test_nothing_overtakes_when_a_delay_ends_or_varies(towards):
    wire = Wire("L09:ms=300@for=0.1", "L09:ms=0,jitter=50")
    wire.write(towards, b"A\n")
    wire.world.advance_to(NOW_US + 100_000)
    found = wire.write(towards, *(bytes((65 + n, 10)) for n in range(1, 9)))
    assert found == b"A\nB\nC\nD\nE\nF\nG\nH\nI\n"
    times = wire.times_us(towards)
    assert times == sorted(times)
    assert times[0] >= 201_000


@BOTH
def test_an_adapter_hands_over_in_portions_of_16_ms(towards):
    wire = Wire("L09:ms=0,batch=16")
    wire.write(towards, b"A\n")
    wire.world.advance_to(NOW_US + 3_000)
    wire.write(towards, b"B\n")
    assert [at % 16_000 for at, _ in wire.line(towards).arrivals] == [1000, 1000]  # and the frame of USB
    assert wire.times_us(towards)[0] == wire.times_us(towards)[1] <= 17_000


@BOTH
def test_a_stall_holds_everything_and_lets_it_go_at_once_in_order(towards):
    wire = Wire(f"L10@byte={towards}:3,for=2")
    wire.write(towards, b"A\nB\n")
    wire.world.advance_to(NOW_US + 1_900_000)
    taken = wire.world.take(wire.conn)
    assert taken == (b"A\n" if towards == "host" else b"")
    assert wire.write(towards, b"C\n") == b"B\nC\n"
    assert [at for at, _ in wire.line(towards).arrivals] == [HELD_US] * 2
    wire.world.advance_to(NOW_US + 2_100_000)
    if towards == "host":
        assert wire.world.take(wire.conn) == b"B\nC\n"
    assert wire.times_us(towards) == []


def test_what_is_held_has_an_end():
    wire = Wire("L10")
    wire.write("unit", *[b"A"] * 5000)
    assert len(wire.line("unit").arrivals) == 2048


# -- the wrong settings ---------------------------------------------------------------------------------------


def test_seven_even_against_eight_none():
    """A (0x41) has two ones, C (0x43) three: its parity bit is read as bit 7."""
    assert Wire("L18:parity").write("unit", b"AC\n") == b"A\xc3\n"
    assert Wire("L18:parity").write("host", b"A\xc3\n") == b"AC\n"
    assert Wire("L18:strip").write("unit", b"A\xc3\x98\n") == b"AC\x18\n"


def test_half_the_rate_is_garbage_and_3_percent_off_is_not():
    found = Wire("L18:baud=57600").write("host", b"*IDN?\n")
    assert found == hear(b"*IDN?\n", Frame(115_200), Frame(57_600)).data
    assert found != b"*IDN?\n"
    assert Wire("L18:how=baud,baud=112000").write("host", b"*IDN?\n") == b"*IDN?\n"


def test_a_slow_zero_is_a_break_to_the_unit():
    wire = Wire()
    host = virtual_host(wire.world)
    host.arm(I=500, Q=60_000)
    wire.world.act("inject", "L18:baud=9600")
    assert wire.write("unit", b"\x00") == b""
    assert wire.world.truth()["state"] == "IDLE"


@given(st.binary(max_size=8), st.integers(30_000, 400_000))
def test_a_wrong_rate_is_heard_as_a_uart_hears_it(data, baud):
    for byte in data:
        whole = hear(bytes((byte,)), Frame(115_200), Frame(baud))
        mine = heard(byte, 115_200, baud)
        assert mine == whole.data or mine is None
