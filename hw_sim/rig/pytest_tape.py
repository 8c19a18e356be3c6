"""The tape of the pytest plugin: every line between the driver and a unit, and the monitors over it, live.

A program under test opens its unit itself, with ``Unit.open(port)``, and must not have to know that it is watched. So
the plugin stands where the driver asks for a line of bytes (``open_link`` and its brother for asyncio), for as long as
a test with a bench runs, and puts a ``TappedLink`` around what comes back. That covers a simulated unit, a served one
and real hardware alike. Rejected: listening inside the simulated world, which would be blind on hardware; and a hook of
``Unit``'s own, whose two log callbacks belong to the run that is being recorded. What another process says to the unit
is not on this tape.

On hardware the tap is also a lock: a line that adds energy goes through only where the test says ``energises`` and the
person at the bench has allowed it. What removes energy always goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from controller.errors import OutputRefused
from controller.monitors import Violated, Watch
from controller.serial_link.output_lock import raises
from controller.wire import LineDecoder, Telemetry, parse

REST: Final = frozenset({"IDLE", "STAGED", "ARMED", "PAUSED", "DONE", "FAULT", "BOOT", "SELFTEST"})
QUIET_UA: Final = 50
LOAD_SEEN_UA: Final = 200  # below it the quotient of two readings says little: they are good to 1 % and 10 uA
LOAD_SHARE: Final = 0.25
STOP: Final = b"\x18"


class Line(NamedTuple):
    number: int
    link: int
    t_us: int
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.number:6} {self.t_us / 1e6:12.6f} {self.link} {self.mark} {self.text}"


class Tape:
    """``lines`` is what was said; ``links`` are open or were, each with its own monitors.

    ``locked`` says why nothing may raise the output; ``load_ohm`` is what the person at the bench says hangs on the
    unit, None where nobody has to; ``problems`` is what the bench itself found at the end of the test.
    """

    def __init__(self, place: Callable[[], Path]) -> None:
        self._place = place
        self._kept: Path | None = None
        self.lines: list[Line] = []
        self.links: list[TappedLink] = []
        self.problems: list[str] = []
        self.left_on = False
        self.locked: str | None = None
        self.load_ohm: float | None = None

    def add(self, link: TappedLink, mark: str, text: str | bytes) -> Line:
        shown = text if isinstance(text, str) else text.decode("latin-1")
        if not shown.isprintable():
            shown = shown.encode("unicode_escape").decode("ascii")
        line = Line(len(self.lines) + 1, link.number, link.now_us, mark, shown)
        self.lines.append(line)
        return line

    def note_left_on(self, how: str) -> None:
        """The first to see it says it; the rest of the taking down sees the same current go."""
        if not self.left_on:
            self.left_on = True
            self.problems.append(f"current was left on: {how}")

    def violations(self, excused: frozenset[str] = frozenset()) -> list[str]:
        """One sentence for each invariant that did not hold, with the line that showed it."""
        found = []
        for link in self.links:
            for finding in link.watch.finish():
                verdict = finding.verdict
                if isinstance(verdict, Violated) and finding.id not in excused:
                    at = self.lines[verdict.line - 1] if 0 < verdict.line <= len(self.lines) else None
                    found.append(
                        f"{finding.id} {finding.title}: {finding.property}\n    {verdict}\n    line {verdict.line}: "
                        f"{'none was sent yet' if at is None else f'{at.mark} {at.text}'}"
                    )
        return found

    def keep(self) -> Path:
        """Write the whole tape, by now, into its file: number, seconds, link, direction, line."""
        if self._kept is None:
            self._kept = self._place()
        self._kept.write_text("".join(f"{line}\n" for line in self.lines), encoding="utf-8")
        return self._kept


class TappedLink:
    """A line of bytes with the tape beside it; whatever else is asked of it, the line itself answers."""

    def __init__(self, link: Any, tape: Tape) -> None:  # noqa: ANN401 - the driver's ByteLink, or another like it
        self._link = link
        self._tape = tape
        self._decoder = LineDecoder()
        self.number = len(tape.links) + 1
        self.watch = Watch()
        self.open = True
        self.newest: Telemetry | None = None
        tape.links.append(self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._link, name)

    @property
    def now_us(self) -> int:
        now_s: float = self._link.clock.now()
        return round(now_s * 1e6)

    def read(self, deadline: float) -> bytes:
        data: bytes = self._link.read(deadline)
        self.heard(data)
        return data

    def heard(self, data: bytes) -> None:
        """Bytes that came from the unit."""
        for line in self._decoder.feed(data) if data else ():
            text = line if isinstance(line, str) else line.raw
            number = self._tape.add(self, "<", text).number
            self.watch.received(self.now_us, text, number)
            if isinstance(text, str) and text.startswith("~"):
                message = parse(text)
                if isinstance(message, Telemetry):
                    self.newest = message
                    self._check_load(message)

    def _check_load(self, seen: Telemetry) -> None:
        """Current into something else than what was declared, a person perhaps, ends here."""
        declared_ohm = self._tape.load_ohm
        if declared_ohm is None or seen.i_ua < LOAD_SEEN_UA:
            return
        ohm = seen.v_mv * 1000 / seen.i_ua
        if abs(ohm - declared_ohm) > declared_ohm * LOAD_SHARE:
            self._tape.locked = f"the load is {ohm:.0f} ohm, and --ionto-load says {declared_ohm:g}: look at the bench"
            self.write(STOP)
            raise OutputRefused(self._tape.locked)

    def write(self, data: bytes) -> None:
        text = data.strip(b"\n").decode("latin-1")
        if self._tape.locked is not None and raises(data):
            raise OutputRefused(self._tape.locked)
        self.watch.sent(self.now_us, text, self._tape.add(self, ">", text).number)
        self._link.write(data)

    def close(self) -> None:
        self.open = False
        self._link.close()

    @property
    def carries(self) -> bool:
        """Whether the newest telemetry was of current, or of a state that may have some."""
        seen = self.newest
        return seen is not None and (seen.state.value not in REST or seen.i_ua > QUIET_UA)


@contextmanager
def tapped(tape: Tape) -> Iterator[None]:
    """As long as this lasts, every line that the driver opens in this process has ``tape`` beside it."""
    from controller import serial_link
    from controller.serial_link import async_line

    opening, opening_async = serial_link.open_link, async_line.open_async

    def open_tapped(port: str, **options: Any) -> TappedLink:  # noqa: ANN401
        return TappedLink(opening(port, **options), tape)

    async def open_async_tapped(port: str, **options: Any) -> TappedLink:  # noqa: ANN401
        return TappedLink(await opening_async(port, **options), tape)

    serial_link.open_link = open_tapped  # type: ignore[assignment]
    async_line.open_async = open_async_tapped
    try:
        yield
    finally:
        serial_link.open_link, async_line.open_async = opening, opening_async
