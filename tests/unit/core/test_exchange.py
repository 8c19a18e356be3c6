"""Requests and replies: what is sent, what is taken, and what a line that loses and doubles can do to it."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.errors import ProtocolViolation
from controller.exchange import Confirmed, Exchange, Refused, Uncertain, Verdict
from controller.wire import Reply, Request, parse

GREETING = {"v": "1", "sid": "4A17", "nonce": "5F2A90C1", "boot": "163"}
HELLO = {"vmin": 1, "vmax": 1, "nonce": "5F2A90C1", "host": "ionto", "utc": 1795464000}
DIGEST = {"D": "83615AA8"}
# From the page, section 11; each with the LF that kills a line half received before.
HELLO_BYTES = b"\n>0000 0001 HELLO vmin=1 vmax=1 nonce=5F2A90C1 host=ionto utc=1795464000*E6A94BCC\n"
ARM_BYTES = b"\n>4A17 0002 ARM D=83615AA8*0BECF34E\n"
KEEP_BYTES = b"\n>4A17 0004 KEEP t=02F3*4F3CFD7D\n"
LAST_BYTES = b"\n>4A17 FFFF STATUS*A956B119\n"


def opened(upto: int = 0) -> Exchange:
    """A session 4A17 in which ``upto`` requests were answered."""
    exchange = Exchange()
    exchange.begin("HELLO", HELLO, 0.0)
    assert isinstance(exchange.on_reply(Reply(0, 1, 0, "HELLO", GREETING)), Confirmed)
    for number in range(1, upto + 1):
        exchange.begin("STATUS", {}, 0.0)
        assert isinstance(exchange.on_reply(Reply(0x4A17, number, 0, "STATUS", {})), Confirmed)
    return exchange


# -- what is sent ------------------------------------------------------------------------------------------------


def test_a_new_exchange_has_no_session_and_nothing_out() -> None:
    exchange = Exchange()
    assert (exchange.open, exchange.pending, exchange.due, exchange.first) == (False, None, None, b"")
    assert exchange.on_time(1e9) is None
    assert exchange.give_up() is None


def test_hello_is_exactly_these_bytes() -> None:
    exchange = Exchange()
    assert exchange.begin("HELLO", HELLO, 0.0) == Request(0, 1, "HELLO", HELLO)
    assert exchange.first == HELLO_BYTES
    assert (exchange.pending, exchange.open) == ("HELLO", False)


def test_requests_are_exactly_these_bytes_and_count_from_0001() -> None:
    exchange = opened(upto=1)
    exchange.begin("ARM", DIGEST, 0.0)
    assert exchange.first == ARM_BYTES
    exchange = opened(upto=3)
    exchange.begin("KEEP", {"t": "02F3"}, 0.0)
    assert exchange.first == KEEP_BYTES


@pytest.mark.parametrize(
    ("verb", "sends", "apart_s"),
    [("STATUS", 4, 0.25), ("KEEP", 4, 0.25), ("START", 4, 0.5), ("ARM", 2, 2.5), ("SELFTEST", 2, 2.5)],
)
def test_it_is_sent_again_byte_for_byte_and_then_given_up(verb: str, sends: int, apart_s: float) -> None:
    exchange = opened()
    exchange.begin(verb, {}, 10.0)
    first = exchange.first
    for sent in range(1, sends):
        assert exchange.due == 10.0 + sent * apart_s
        assert exchange.on_time(10.0 + sent * apart_s - 0.001) is None
        assert exchange.on_time(10.0 + sent * apart_s) == first
    assert exchange.on_time(10.0 + sends * apart_s - 0.001) is None
    assert exchange.on_time(10.0 + sends * apart_s) == Uncertain(verb)
    assert (exchange.retries, exchange.open, exchange.pending) == (sends - 1, False, None)


def test_one_request_at_a_time_and_none_without_a_session() -> None:
    exchange = Exchange()
    with pytest.raises(RuntimeError, match="STATUS: no session is open"):
        exchange.begin("STATUS", {}, 0.0)
    exchange.begin("HELLO", HELLO, 0.0)
    with pytest.raises(RuntimeError, match="STATUS: HELLO is still outstanding"):
        exchange.begin("STATUS", {}, 0.0)
    with pytest.raises(RuntimeError, match="STOP: no session is open"):
        exchange.begin("STOP", {}, 0.0)


@pytest.mark.parametrize("verb", ["STOP", "ABORT"])
def test_a_stop_takes_the_place_of_what_is_out_which_is_never_sent_again(verb: str) -> None:
    exchange = opened()
    exchange.begin("START", {"run": "R"}, 0.0)
    assert exchange.begin(verb, {}, 0.1).number == 2
    assert (exchange.pending, exchange.due) == (verb, 0.35)
    assert exchange.on_reply(Reply(0x4A17, 1, 0, "START", {"run": "R", "st": "RAMP_UP"})) is None
    assert exchange.on_time(0.35) == exchange.first
    answer = Reply(0x4A17, 2, 0, verb, {"st": "RAMP_DOWN"})
    assert exchange.on_reply(answer) == Confirmed(verb, answer)


def test_ffff_is_the_last_number_and_its_answer_is_still_taken() -> None:
    exchange = opened(upto=0xFFFE)
    assert exchange.open
    exchange.begin("STATUS", {}, 0.0)
    assert exchange.first == LAST_BYTES
    assert not exchange.open
    assert isinstance(exchange.on_reply(Reply(0x4A17, 0xFFFF, 0, "STATUS", {})), Confirmed)
    with pytest.raises(RuntimeError, match="no session is open"):
        exchange.begin("STATUS", {}, 0.0)
    exchange.begin("HELLO", HELLO, 0.0)
    assert exchange.first == HELLO_BYTES


# -- what is taken -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        Reply(0x4A16, 1, 0, "STATUS", {}),
        Reply(0x4A17, 2, 0, "STATUS", {}),
        Reply(0x4A17, 0, 0, "STATUS", {}),
        Reply(0x4A17, 1, 0, "STOP", {}),
        Reply(0x4A17, 1, 5, "KEEP", {}),
    ],
)
def test_only_the_reply_with_its_session_number_and_verb_is_taken(reply: Reply) -> None:
    exchange = opened()
    exchange.begin("STATUS", {}, 0.0)
    assert exchange.on_reply(reply) is None
    assert (exchange.strays, exchange.pending) == (1, "STATUS")
    answer = Reply(0x4A17, 1, 0, "STATUS", {"st": "IDLE"})
    assert exchange.on_reply(answer) == Confirmed("STATUS", answer)
    assert exchange.on_reply(answer) is None
    assert exchange.strays == 2


@pytest.mark.parametrize("verb", ["HELLO", "TAKE"])
@pytest.mark.parametrize("code", [0, 10, 18])
def test_an_answer_with_another_nonce_belongs_to_an_earlier_hello(verb: str, code: int) -> None:
    exchange = Exchange()
    exchange.begin(verb, HELLO, 0.0)
    old = {**GREETING, "nonce": "00000001"}
    assert exchange.on_reply(Reply(0, 1, code, verb, old)) is None
    assert (exchange.strays, exchange.pending) == (1, verb)
    assert exchange.on_reply(Reply(0, 1, code, verb, GREETING)) is not None


def test_a_refusal_of_hello_may_lack_the_nonce_but_its_greeting_may_not() -> None:
    exchange = Exchange()
    exchange.begin("HELLO", HELLO, 0.0)
    with pytest.raises(ProtocolViolation, match="reply to HELLO lacks nonce"):
        exchange.on_reply(Reply(0, 1, 0, "HELLO", {"sid": "4A17"}))
    assert exchange.on_reply(Reply(0, 1, 12, "HELLO", {})) == Refused("HELLO", 12, Reply(0, 1, 12, "HELLO", {}))
    assert not exchange.open


@pytest.mark.parametrize(
    ("code", "still_open"), [(5, False), (7, False), (8, False), (4, True), (17, True), (25, True)]
)
def test_a_refusal_of_the_session_or_its_sequence_ends_the_session(code: int, still_open: bool) -> None:
    """And proves nothing: the line may have doubled the request, and the HELLO before it, which closed the session."""
    exchange = opened()
    exchange.begin("ARM", DIGEST, 0.0)
    refusal = Reply(0x4A17, 1, code, "ARM", {})
    expected = Refused("ARM", code, refusal) if still_open else Uncertain("ARM")
    assert exchange.on_reply(refusal) == expected
    assert exchange.open is still_open


def test_a_repeat_that_meets_a_closed_session_is_uncertain_because_the_first_may_have_been_executed() -> None:
    exchange = opened()
    exchange.begin("START", {"run": "R"}, 0.0)
    exchange.on_time(0.5)
    assert exchange.on_reply(Reply(0x4A17, 1, 5, "START", {})) == Uncertain("START")
    assert not exchange.open


def test_bye_ends_the_session_and_take_opens_one() -> None:
    exchange = opened()
    exchange.begin("BYE", {}, 0.0)
    assert exchange.open
    assert isinstance(exchange.on_reply(Reply(0x4A17, 1, 0, "BYE", {})), Confirmed)
    assert not exchange.open
    exchange.begin("TAKE", HELLO, 0.0)
    assert isinstance(exchange.on_reply(Reply(0, 1, 0, "TAKE", {**GREETING, "sid": "0001"})), Confirmed)
    assert (exchange.open, exchange.sid) == (True, 1)


def test_what_is_given_up_is_uncertain_its_session_void_and_its_reply_a_stray() -> None:
    exchange = opened()
    exchange.begin("START", {"run": "R"}, 0.0)
    assert exchange.give_up() == Uncertain("START")
    assert (exchange.open, exchange.sid) == (False, 0)
    assert exchange.on_reply(Reply(0x4A17, 1, 0, "START", {"run": "R", "st": "RAMP_UP"})) is None
    assert exchange.strays == 1


# -- a line that loses, doubles and reorders -----------------------------------------------------------------------


class Peer:
    """The unit's half of section 4, at its shortest: it executes, remembers the last line and answers."""

    def __init__(self) -> None:
        self.sid = 0x4A16
        self.last = 0
        self.cached = (b"", b"")
        self.hello = (b"", b"")
        self.executed: list[bytes] = []

    def take(self, line: bytes) -> bytes:
        request = parse(line.strip().decode())
        assert isinstance(request, Request)
        if request.verb == "HELLO":
            return self._greet(request, line)
        if request.sid != self.sid:
            return answer(request, 5)
        if request.number == self.last:
            return self.cached[1] if line == self.cached[0] else answer(request, 8)
        if request.number != self.last + 1:
            return answer(request, 7)
        self.last = request.number
        code = 4 if request.verb == "PAUSE" else 0
        if not code:
            self.executed.append(line)
        self.cached = (line, answer(request, code))
        return self.cached[1]

    def _greet(self, request: Request, line: bytes) -> bytes:
        if line == self.hello[0] and self.last == 0:
            return self.hello[1]
        self.sid, self.last = self.sid + 1, 0
        self.hello = (line, answer(request, 0, f" sid={self.sid:04X} nonce={request.fields['nonce']}"))
        return self.hello[1]


def answer(request: Request, code: int, fields: str = "") -> bytes:
    return f"<{request.sid:04X} {request.number:04X} {code:02d} {request.verb}{fields}".encode()


def read(line: bytes) -> Reply:
    """A reply of the peer's, which needs no checksum here."""
    head, *pairs = line.decode()[1:].split(" ", 4)
    number, code, verb, *fields = pairs
    said = dict(pair.split("=") for pair in " ".join(fields).split())
    return Reply(int(head, 16), int(number, 16), int(code), verb, said)


class Line:
    """Each message arrives, is lost, doubled or held back, as ``fate`` says; what is held arrives with a later one."""

    def __init__(self, fate: st.DataObject) -> None:
        self._fate = fate
        self._held: deque[bytes] = deque()

    def carry(self, message: bytes) -> list[bytes]:
        fates = ["arrives", "lost", "doubled", "held", "before a late one", "after a late one"]
        match self._fate.draw(st.sampled_from(fates)):
            case "lost":
                return []
            case "doubled":
                return [message, message]
            case "held":
                self._held.append(message)
                return []
            case "before a late one":
                return [message, *self._late()]
            case "after a late one":
                return [*self._late(), message]
        return [message]

    def _late(self) -> list[bytes]:
        return [self._held.popleft()] if self._held else []


@given(st.data())
def test_over_a_bad_line_nothing_is_executed_twice_and_every_verdict_is_true(data: st.DataObject) -> None:
    exchange, peer, out, back = Exchange(), Peer(), Line(data), Line(data)
    now = 0.0
    for count in range(data.draw(st.integers(1, 12))):
        verb = data.draw(st.sampled_from(["STATUS", "START", "PAUSE", "ARM"])) if exchange.open else "HELLO"
        exchange.begin(verb, {"nonce": f"{count:08X}"}, now)
        line, verdict = exchange.first, None
        while verdict is None:
            for reply in [reply for arrived in out.carry(line) for reply in back.carry(peer.take(arrived))]:
                verdict = exchange.on_reply(read(reply)) or verdict
            if verdict is None:
                now = exchange.due or now
                came = exchange.on_time(now)
                assert came in (line, Uncertain(verb))
                verdict = came if isinstance(came, Uncertain) else None
        check(verdict, line, peer)
    assert len(set(peer.executed)) == len(peer.executed)


def check(verdict: Verdict, line: bytes, peer: Peer) -> None:
    match verdict:
        case Confirmed("HELLO"):
            assert verdict.reply.word("nonce").encode() in line
        case Confirmed():
            assert peer.executed.count(line) == 1
        case Refused(code=4):
            assert line not in peer.executed
        case _:  # uncertain, or the session is gone: the engine asks RUN
            assert peer.executed.count(line) <= 1
