r"""The wire log: every line in and out of a unit, as it was, in an order that cannot be changed unseen.

``wire.log`` is what everything else about a run can be rebuilt from, so it is written for two readers: a
person with ``less``, and a program after a crash. The grammar is in ``controller/schemas/README.md``.

* Marks: ``>`` sent, ``<`` received, ``=`` the host's own (JSON), ``+`` and ``.`` the chain.
* What is not printable ASCII is ``\xNN`` and a backslash is ``\\``, in every line sent or received: the
  bytes can be had back (``Entry.raw``). JSON lines have escapes of their own and are left as they are.
* A chain line carries the SHA-256 of every byte of the file before it, so that
  ``head -n 41 wire.log | sha256sum`` proves line 42 without this program. It finds damage and careless
  edits; whoever rewrites the whole file can rewrite the chain, so ``record.json`` keeps the file's digest.
* Hashing and formatting are done by the batch; ``sent`` and ``received`` add one string to a list.

Time comes with each line. A chain line is owed when one second has passed by the lines' own times, which
in virtual time gives the same file for the same run; wall time, injected, decides only when bytes go to
the system (50 ms), to the disk (1 s), and when lines that nothing followed are closed off by a chain line
(1 s). ``durable`` notes and ``checkpoint`` wait for the disk: an intent must be there before its first byte
leaves.

Rejected: one digest a line (a third of the file, and no safer); SQLite (a person cannot read it after the
power cut that matters); a keyed hash (the key would lie beside the log).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeGuard

from controller.errors import RecordError
from controller.journal.line_file import LineFile

MAGIC: Final = "# ionto wire log "
VERSION: Final = 1
HEADER_KEYS: Final = ("run-set", "utc", "host", "port", "unit", "seed")

WRITE_PERIOD_S: Final = 0.05  # a killed process loses what it had not handed over: half a telemetry period
SYNC_PERIOD_S: Final = 1.0  # a power cut loses this much, but for what was durable
CHAIN_PERIOD_US: Final = 1_000_000
# Where wall time stands still, as in a test, memory must not grow with the run.
_MAX_HELD: Final = 4096

_unclean = re.compile(r"[^ -\[\]-~]")
# 20 digits hold any 64-bit number; int() refuses thousands of them, and a reader must not fail on garbage.
_line = re.compile(r"(-?\d{1,20}) (-?\d{1,20}) ([><=+.]) ([ -~]*)", re.ASCII).fullmatch
_escaped = re.compile(r"\\(\\|x[0-9A-Fa-f]{2})")

_encode = json.JSONEncoder(separators=(",", ":"), default=str, allow_nan=False).encode


def _is_clean(line: str | bytes) -> TypeGuard[str]:
    """Whether it may stand as it is; a third of the time of the regular expression."""
    return isinstance(line, str) and line.isascii() and line.isprintable() and "\\" not in line


def escape(line: str | bytes) -> str:
    r"""``line`` in printable ASCII: other bytes as ``\xNN``, a backslash as ``\\``; text counts as UTF-8."""
    raw = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line
    return _unclean.sub(lambda m: r"\\" if m[0] == "\\" else f"\\x{ord(m[0]):02X}", raw.decode("latin-1"))


def unescape(text: str) -> bytes:
    """The bytes that ``escape`` was given."""
    plain = _escaped.sub(lambda m: "\\" if m[1] == "\\" else chr(int(m[1][1:], 16)), text)
    return plain.encode("latin-1", "replace")


class WireLog:
    """Writer. After the first RecordError the file keeps what is whole and every call raises again."""

    def __init__(self, file: LineFile, wall: Callable[[], float]) -> None:
        self._file = file
        self._wall = wall
        self._held: list[str] = []  # lines not yet hashed
        self._ready = bytearray()  # hashed, not yet handed over
        self._sha = sha256()
        self._mono_us = self._utc_us = 0
        self._covered = self._synced = True  # nothing since the last chain line, nothing since the last sync
        self._chain_due_us: int | None = None
        now = wall()
        self._write_due = now + WRITE_PERIOD_S
        self._sync_due = self._quiet_due = now + SYNC_PERIOD_S

    @classmethod
    def create(cls, path: Path | str, header: Mapping[str, str], *, wall: Callable[[], float]) -> Self:
        """Begin ``path``, which must not exist; its header is on the disk when this returns.

        ``header`` holds what is known of HEADER_KEYS, the rest becomes ``-``; further keys follow after them.
        ``wall`` is wall time in seconds and only decides when lines are handed over.

        Raises:
            RecordError: it exists or cannot be written.
        """
        log = cls(LineFile(Path(path)), wall)
        log._held.append(_header_line(header))
        try:
            log._hand_over()
            log._sync(wall())
        except RecordError:
            log.abandon()
            raise
        return log

    @property
    def refusal(self) -> str | None:
        """Why the log takes no more lines; None while it does."""
        return self._file.refusal

    def sent(self, mono_us: int, utc_us: int, line: str | bytes) -> None:
        """A line to the unit, without its line ends. Raises RecordError."""
        text = line if _is_clean(line) else escape(line)
        self._add(mono_us, utc_us, f"{mono_us} {utc_us} > {text}\n")

    def received(self, mono_us: int, utc_us: int, line: str | bytes) -> None:
        """A line from the unit, or the raw bytes of what was not a clean line. Raises RecordError."""
        text = line if _is_clean(line) else escape(line)
        self._add(mono_us, utc_us, f"{mono_us} {utc_us} < {text}\n")

    def note(self, mono_us: int, utc_us: int, kind: str, facts: Mapping[str, object], durable: bool = False) -> None:
        """The host's own; ``durable``: chained and on the disk when this returns. Raises RecordError."""
        self._add(mono_us, utc_us, f"{mono_us} {utc_us} = {_json(kind, facts)}\n")
        if durable:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Chain what was written so far and wait until it is on the disk. Raises RecordError."""
        self._file.check()
        if not self._covered:
            self._chain()
        if not self._synced:
            self._hand_over()
            self._sync(self._wall())

    def flush_if_due(self) -> None:
        """To be called often, costs next to nothing: hands lines over when their time has come.

        Raises:
            RecordError: they cannot be written.
        """
        if self._synced and self._covered:
            return
        self._file.check()
        now = self._wall()
        if now >= self._quiet_due and not self._covered:
            self._chain()
        sync = now >= self._sync_due
        if sync or now >= self._write_due or len(self._held) > _MAX_HELD:
            self._hand_over()
            self._write_due = now + WRITE_PERIOD_S
        if sync:
            self._sync(now)

    def close(self) -> None:
        """Write END and wait for the disk; after a failure only close. Raises RecordError."""
        try:
            if self._file.refusal is None:
                self._held.append(f"{self._mono_us} {self._utc_us} . {self._digest()} END\n")
                self._hand_over()
                self._sync(self._wall())
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the file as it is, without END: what was not handed over is lost. Never raises."""
        self._file.close()
        self._held.clear()
        self._ready.clear()

    # -- the hot path --------------------------------------------------------------------------------------

    def _add(self, mono_us: int, utc_us: int, line: str) -> None:
        if self._file.refusal is not None:
            self._file.check()
        self._held.append(line)
        self._mono_us = mono_us
        self._utc_us = utc_us
        self._covered = self._synced = False
        if self._chain_due_us is None:
            self._chain_due_us = mono_us + CHAIN_PERIOD_US
        elif mono_us >= self._chain_due_us:
            self._chain()

    # -- by the batch --------------------------------------------------------------------------------------

    def _digest(self) -> str:
        """SHA-256 of every byte up to here."""
        data = "".join(self._held).encode("ascii")
        self._held.clear()
        self._sha.update(data)
        self._ready += data
        return self._sha.hexdigest()

    def _chain(self) -> None:
        # It bears the last line's times: the log has no clock, and a reader can check them.
        self._held.append(f"{self._mono_us} {self._utc_us} + {self._digest()}\n")
        self._covered = True
        self._chain_due_us = None
        self._quiet_due = self._wall() + SYNC_PERIOD_S

    def _hand_over(self) -> None:
        self._digest()
        if self._ready:
            self._file.append(bytes(self._ready))
            self._ready.clear()

    def _sync(self, now: float) -> None:
        self._file.sync()
        self._synced = True
        self._sync_due = now + SYNC_PERIOD_S


def _header_line(header: Mapping[str, str]) -> str:
    known = {**dict.fromkeys(HEADER_KEYS, "-"), **{key: value for key, value in header.items() if value}}
    # A blank in a value (a port may have one) would end it, so it goes as \x20.
    fields = [key + "=" + escape(value).replace(" ", r"\x20") for key, value in known.items()]
    return f"{MAGIC}{VERSION}  {'  '.join(fields)}\n"


def _json(kind: str, facts: Mapping[str, object]) -> str:
    whole = {"kind": kind, **facts} | {"kind": kind}  # first in the line, and never overwritten by a fact
    try:
        text = _encode(whole)
    except ValueError:
        # NaN is not JSON; the log of an incident is the last place to lose a line over one.
        text = _encode(_finite(whole))
    return text.replace("\x7f", "\\u007f")  # the one character that json leaves and our grammar does not know


def _finite(value: object) -> object:
    match value:
        case float() if not isfinite(value):
            return str(value)
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value


# -- reading -----------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """A line ``>``, ``<`` or ``=``; ``text`` as it stands in the file, so always printable."""

    line_number: int
    mono_us: int
    utc_us: int
    mark: str
    text: str

    @property
    def raw(self) -> bytes:
        """The bytes on the wire, for ``>`` and ``<``."""
        return unescape(self.text)


class Integrity(Enum):
    WHOLE = "closed whole"
    CUT_OFF = "cut off"
    ALTERED = "damaged or altered"
    TRAILING = "has lines after its end"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the chain says. Lines 1 to ``proven`` are as they were written.

    ``line``: the last whole one (WHOLE, CUT_OFF; 0 = not even the header), the first that the grammar does
    not know or that the chain disproves (ALTERED; the change is in ``proven`` + 1 to ``line``), or the first
    after END (TRAILING).
    """

    integrity: Integrity
    line: int
    proven: int

    @property
    def whole(self) -> bool:
        return self.integrity is Integrity.WHOLE

    def __str__(self) -> str:
        proven = f"lines 1 to {self.proven} are proven" if self.proven else "no line is proven"
        match self.integrity:
            case Integrity.WHOLE:
                return f"closed whole, {self.line} lines"
            case Integrity.CUT_OFF:
                return f"cut off after line {self.line}; {proven}"
            case Integrity.ALTERED if self.line == self.proven + 1:
                return f"damaged or altered at line {self.line}; {proven}"
            case Integrity.ALTERED:
                return f"damaged or altered at line {self.line}, or from line {self.proven + 1} on; {proven}"
            case Integrity.TRAILING:
                return f"has lines after its end, from line {self.line} on; {proven}"


@dataclass(frozen=True, slots=True)
class WireLogContents:
    """``entries`` are all lines that can be read; cut them at ``verdict.proven`` where only proof counts."""

    header: Mapping[str, str]
    entries: tuple[Entry, ...]
    verdict: Verdict


def is_wire_log(path: Path | str) -> bool:
    """Whether it begins as one does, or as much of that as was written; what cannot be read may be one."""
    try:
        with Path(path).open("rb") as file:
            begins = file.read(len(MAGIC))
    except OSError:
        return True
    return MAGIC.encode().startswith(begins)


def read_wire_log(path: Path | str) -> WireLogContents:
    """Read a log, finished or not, damaged or not; a torn last line is dropped.

    Raises:
        RecordError: it cannot be opened, or is no wire log of a version known here.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as exc:
        raise RecordError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    # Latin-1 gives every byte a character, and the grammar then refuses what is not ASCII.
    *lines, torn = data.decode("latin-1").split("\n")
    if not lines:
        if MAGIC.startswith(torn) or torn.startswith(MAGIC):
            return WireLogContents({}, (), Verdict(Integrity.CUT_OFF, 0, 0))
        raise RecordError(f"{path} is not a wire log: it does not begin with {MAGIC!r}")
    header = _read_header(path, lines[0])
    entries, verdict = _judge(lines, data, bool(torn))
    return WireLogContents(header, tuple(entries), verdict)


def _read_header(path: Path | str, line: str) -> dict[str, str]:
    version, *fields = line.removeprefix(MAGIC).split() or [""]
    if not line.startswith(MAGIC) or not re.fullmatch("[0-9]{1,9}", version):
        raise RecordError(f"{path} is not a wire log: it does not begin with {MAGIC!r} and a version")
    if int(version) > VERSION:
        raise RecordError(f"{path} is a wire log of version {version}, newer than this program knows; upgrade ionto")
    pairs = (field.partition("=") for field in fields)
    return {key: unescape(value).decode("utf-8", "replace") for key, _, value in pairs}


def _ended(number: int, *, more: bool) -> Verdict:
    if more:
        return Verdict(Integrity.TRAILING, number + 1, number)
    return Verdict(Integrity.WHOLE, number, number)


def _judge(lines: list[str], data: bytes, torn: bool) -> tuple[list[Entry], Verdict]:
    entries: list[Entry] = []
    sha = sha256()
    view = memoryview(data)
    position, hashed, proven = len(lines[0]) + 1, 0, 0
    altered: Verdict | None = None
    for number, line in enumerate(lines[1:], 2):
        match = _line(line)
        if match is None:
            altered = altered or Verdict(Integrity.ALTERED, number, proven)
        elif match[3] in "+.":
            sha.update(view[hashed:position])
            hashed = position
            # Its own times are not under its hash; they must be those of the line before.
            times = f"{entries[-1].mono_us} {entries[-1].utc_us}" if entries else "0 0"
            if line != f"{times} {match[3]} {sha.hexdigest()}{' END' if match[3] == '.' else ''}":
                altered = altered or Verdict(Integrity.ALTERED, number, proven)
            elif altered is None:
                proven = number
            if match[3] == "." and altered is None:
                return entries, _ended(number, more=number < len(lines) or torn)
        else:
            mono_us, utc_us, mark, text = match.groups()
            entries.append(Entry(number, int(mono_us), int(utc_us), mark, text))
        position += len(line) + 1
    return entries, altered or Verdict(Integrity.CUT_OFF, len(lines), proven)
