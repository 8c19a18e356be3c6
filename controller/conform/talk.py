"""Bytes to and from the unit under test, with nothing in between that would correct a mistake.

The driver's own exchange cannot be used: it never sends a wrong line, and it drops answers that nobody waits for, which
is what this suite has to see. So a line is a number of bytes here, ``request`` is the one that is right, and everything
heard is kept with its time. An answer to a line that none was due to is a *stray*, and fails the check it came in.

"Is not answered" is seen without waiting: the line is sent, then a plain ``*OPC?`` behind it (``fence``); a connection
is a queue, so whatever the line called forth stands before the answer to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias
from zlib import crc32

from controller.conform.check import Breach, Failed
from controller.link import ByteLink
from controller.wire import Event, LineDecoder, Message, Noise, Plain, Reply, Telemetry, parse
from controller.wire.spec import REPLY_TIMEOUT_S

Key: TypeAlias = tuple[int, int, str]  # session, number and verb of a reply

# What the unit promises (section 12), seconds; an answer is waited for longer, so that "late" is not "never".
QUICK: Final = frozenset({"STOP", "ABORT", "PAUSE", "SET", "KEEP"})
PROMISED_S: Final = {"ARM": 2.0, "SELFTEST": 2.0, "START": 0.25}
PATIENCE_S: Final = 1.0
KEEP_PERIOD_S: Final = 0.25
LOG_LINES: Final = 60
# Above the ceiling by so much, twice in a row, and everything is stopped: noise and the accuracy of a reading.
CEILING_MARGIN_UA: Final = 25


@dataclass(frozen=True, slots=True)
class Heard:
    """A line, when it came (link's clock), and what it is."""

    t_s: float
    text: str
    message: Message


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply with its raw line and how long it took."""

    reply: Reply
    text: str
    took_s: float


def crc(body: str) -> str:
    return f"{crc32(body.encode('latin-1')):08X}"


def sealed(body: str) -> bytes:
    """Any body under a right checksum, with an LF before it, whatever the page thinks of the body."""
    return f"\n{body}*{crc(body)}\n".encode("latin-1")


def shown(data: bytes) -> str:
    """Bytes as a person reads them."""
    return repr(data.strip(b"\n"))[1:] if data.strip(b"\n") else repr(data)[1:]


class Talk:
    """One connection and, at most times, one session on it."""

    def __init__(self, link: ByteLink, ceiling_ua: int) -> None:
        self.link = link
        self.ceiling_ua = ceiling_ua
        self.sid = 0
        self.number = 0
        self.heard: list[Heard] = []
        self.noise: list[str] = []
        self.log: list[str] = []
        self.strays: list[str] = []
        self.slowest_s: dict[str, float] = {}
        self.latest: Telemetry | None = None
        self.keeping = False
        self._keep_due_s = 0.0
        self._due: set[Key] = set()
        self._decoder = LineDecoder()
        self._above = 0
        self._hushed = False

    # -- bytes -----------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        return self.link.clock.now()

    def write(self, data: bytes, *, quiet: bool = False) -> float:
        """Send; when that was."""
        if not quiet:
            self._log(f"> {shown(data)}")
        now = self.now_s
        self.link.write(data)
        return now

    def _log(self, line: str) -> None:
        self.log.append(f"{self.now_s:10.3f} {line}")
        if len(self.log) > 4 * LOG_LINES:
            del self.log[: -2 * LOG_LINES]

    def _read(self, deadline_s: float) -> None:
        data = self.link.read(deadline_s)
        now = self.now_s
        for item in self._decoder.feed(data):
            if isinstance(item, Noise):
                self._take(Heard(now, shown(item.raw), item))
            else:
                self._take(Heard(now, item, parse(item)))

    def _take(self, heard: Heard) -> None:
        self.heard.append(heard)
        match heard.message:
            case Telemetry() as line:
                self.latest = line
                self._watch(line)
                return
            case Noise():
                self.noise.append(heard.text)
            case Reply() as reply:
                if (reply.sid, reply.number, reply.verb) not in self._due:
                    self.strays.append(heard.text)
                if reply.verb == "KEEP" and self._hushed:
                    return
            case _:
                pass
        self._log(f"< {heard.text}")

    def _watch(self, line: Telemetry) -> None:
        """The guard of the whole suite: no more current than was allowed, whatever a check is about."""
        too_much = min(line.i_ua, line.i2_ua) > self.ceiling_ua * 1.05 + CEILING_MARGIN_UA
        self._above = self._above + 1 if too_much else 0
        if self._above >= 2:
            self.keeping = False
            self.link.write(b"\x18\x18")
            raise Breach(
                f"the unit says {line.i_ua} uA (return {line.i2_ua} uA) where no more than {self.ceiling_ua} uA are "
                "allowed; it was sent ABORT"
            )

    # -- time ------------------------------------------------------------------------------------------------------

    def until(self, wanted: Callable[[Heard], bool], timeout_s: float, since: int | None = None) -> Heard | None:
        """The first thing heard, from place ``since`` (now) on, that is wanted; None after ``timeout_s``."""
        at = len(self.heard) if since is None else since
        deadline_s = self.now_s + timeout_s
        while True:
            while at < len(self.heard):
                if wanted(self.heard[at]):
                    return self.heard[at]
                at += 1
            if self.now_s >= deadline_s:
                return None
            self._turn(deadline_s)

    def listen(self, seconds: float) -> list[Heard]:
        """Everything heard in so long."""
        at = len(self.heard)
        deadline_s = self.now_s + seconds
        while self.now_s < deadline_s:
            self._turn(deadline_s)
        return self.heard[at:]

    def _turn(self, deadline_s: float) -> None:
        if not self.keeping:
            self._read(deadline_s)
            return
        if self.now_s >= self._keep_due_s:
            self.keep()
        self._read(min(deadline_s, self._keep_due_s))

    def keep(self, *, number: int | None = None) -> Reply:
        """KEEP by the newest telemetry, or by line ``number``."""
        self._keep_due_s = self.now_s + KEEP_PERIOD_S
        newest = self.latest.number if self.latest is not None else 0
        was, self.keeping = self.keeping, False
        self._hushed = was
        reply = self._ask(f"KEEP t={newest if number is None else number:04X}", quiet=was).reply
        self._hushed, self.keeping = False, was and reply.code == 0
        return reply

    # -- lines -----------------------------------------------------------------------------------------------------

    def body(self, text: str, *, sid: int | None = None, number: int | None = None) -> str:
        """A request without its seal; the next of this session unless told otherwise. Uses no number."""
        sid = self.sid if sid is None else sid
        number = self.number + 1 if number is None else number
        return f">{sid:04X} {number & 0xFFFF:04X} {text}"

    def request(self, text: str) -> bytes:
        """The next request of this session, sealed; its number is used."""
        line = sealed(self.body(text))
        self.number += 1
        return line

    def say(self, text: str) -> Reply:
        """The next request and its answer."""
        return self._ask(text).reply

    def _ask(self, text: str, *, quiet: bool = False) -> Answer:
        line = self.request(text)
        return self.answered(line, text.split(" ", 1)[0], quiet=quiet)

    def answered(
        self, line: bytes, verb: str, *, sid: int | None = None, number: int | None = None, quiet: bool = False
    ) -> Answer:
        """Send ``line`` and wait for the reply that bears this session, number and verb."""
        at = len(self.heard)
        keeping, self.keeping = self.keeping, False
        with self.awaiting(verb, sid=sid, number=number) as key:
            sent_s = self.write(line, quiet=quiet)
            found = self.until(lambda h: _is_reply(h, key), REPLY_TIMEOUT_S.get(verb, 0.25) + PATIENCE_S, at)
        self.keeping = keeping
        if found is None or not isinstance(found.message, Reply):
            raise Failed(f"an answer to {shown(line)}", "none")
        took_s = found.t_s - sent_s
        self.slowest_s[verb] = max(took_s, self.slowest_s.get(verb, 0.0))
        return Answer(found.message, found.text, took_s)

    def done(self, text: str) -> Reply:
        """The next request, which has to be answered 00."""
        reply = self.say(text)
        if reply.code:
            raise Failed(f"{text}: 00", f"{reply.code:02d}")
        return reply

    def refused(self, text: str, code: int) -> str:
        """The next request, which has to be refused with ``code`` and no fields; a line of evidence."""
        reply = self.say(text)
        if reply.code != code:
            raise Failed(f"{text}: {code:02d}", f"{reply.code:02d}")
        if reply.fields and code != 15:
            raise Failed(f"{text}: {code:02d} without fields", str(dict(reply.fields)))
        return f"{text}: {code:02d}"

    def fence(self) -> list[Heard]:
        """A plain query, answered; what was heard before its answer, telemetry left out."""
        at = len(self.heard)
        self.write(b"\n*OPC?\n")
        found = self.until(lambda h: isinstance(h.message, Plain) and h.text == "1", PATIENCE_S, at)
        if found is None:
            raise Failed("*OPC?: 1, always, at once", "nothing")
        return [h for h in self.heard[at:] if h is not found and not isinstance(h.message, Telemetry)]

    def ignored(self, data: bytes, what: str) -> None:
        """Send ``data``, to which nothing may be said."""
        self.write(data)
        said = [h for h in self.fence() if isinstance(h.message, Reply | Plain | Noise)]
        if said:
            raise Failed(f"no answer to {what}: {shown(data)}", said[0].text)

    def replies_to(self, data: bytes, verb: str, *, sid: int | None = None, number: int | None = None) -> list[Heard]:
        """Send ``data``; every answer with this session, number and verb before that to a query sent behind it."""
        with self.awaiting(verb, sid=sid, number=number) as key:
            self.write(data)
            return [h for h in self.fence() if _is_reply(h, key)]

    @contextmanager
    def awaiting(self, verb: str, *, sid: int | None = None, number: int | None = None) -> Iterator[Key]:
        """While this lasts, an answer with this session, number and verb is no stray."""
        key = (self.sid if sid is None else sid, (self.number if number is None else number) & 0xFFFF, verb)
        self._due.add(key)
        try:
            yield key
        finally:
            self._due.discard(key)

    def query(self, text: str) -> str:
        """A plain query and its one line."""
        at = len(self.heard)
        self.write(f"\n{text}\n".encode())
        found = self.until(lambda h: isinstance(h.message, Plain), PATIENCE_S, at)
        if found is None:
            raise Failed(f"one line of answer to {text}", "none")
        return found.text

    def events(self, name: str = "", since: int = 0) -> list[Event]:
        """The events heard from place ``since`` on."""
        return [h.message for h in self.heard[since:] if isinstance(h.message, Event) and name in ("", h.message.name)]


def _is_reply(heard: Heard, key: Key) -> bool:
    m = heard.message
    return isinstance(m, Reply) and (m.sid, m.number, m.verb) == key
