"""Lines of the protocol, as the firmware reads and writes them. Its own statement of the page: the host's is elsewhere.

A line is printable ASCII ended by LF or CR. Any other byte poisons it, 240 characters with the end are its
limit; both are counted and the line is dropped to its end. The check is CRC-32 of all before the ``*``.
"""

from binascii import crc32

MAX_CHARS = 239
HEX = "0123456789ABCDEF"


class Receiver:
    """The line buffer of one connection."""

    def __init__(self) -> None:
        self.buf = b""
        self.bad = 0  # 1 poisoned, 2 over-long
        self.poisoned = 0
        self.overlong = 0

    def clear(self) -> None:
        self.buf = b""
        self.bad = 0

    def feed(self, data: bytes) -> list[str]:
        """Bytes in, whole clean lines out; what is unfinished stays for the next call."""
        if data[-1:] == b"\n" and not self.buf and not self.bad:
            lines = _clean(data)
            if lines is not None:
                return lines
        lines = []
        buf = bytearray(self.buf)
        for b in data:
            if 0x20 <= b <= 0x7E:
                if len(buf) < MAX_CHARS:
                    buf.append(b)
                elif not self.bad:
                    self.bad = 2  # the first offence names the line, and character 240 is one, whatever it is
            elif b == 10 or b == 13:
                if self.bad == 1:
                    self.poisoned += 1
                elif self.bad:
                    self.overlong += 1
                elif buf:
                    lines.append(buf.decode())
                self.bad = 0
                buf = bytearray()
            elif not self.bad:
                self.bad = 1 if len(buf) < MAX_CHARS else 2
        self.buf = bytes(buf)
        return lines


def _clean(data: bytes) -> list[str] | None:
    """The lines of what is nothing but whole clean lines, as a host's writes are; None: look byte by byte.

    A fifth of the time, and every KEEP of a run comes this way.
    """
    lines = []
    for piece in data.split(b"\n"):
        if piece:
            if len(piece) > MAX_CHARS or min(piece) < 0x20 or max(piece) > 0x7E:
                return None
            lines.append(piece.decode())
    return lines


def seal(body: str) -> bytes:
    data = body.encode()
    return data + b"*%08X\n" % crc32(data)


def unseal(line: str) -> str | None:
    """The body of a sealed line, or None when the check does not hold."""
    cut = len(line) - 9
    if cut < 1 or line[cut] != "*":
        return None
    body = line[:cut]
    return body if "%08X" % crc32(body.encode()) == line[cut + 1 :] else None


def is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and not text.strip(HEX)  # a fifth of a loop, and this runs for every request


def is_integer(text: str) -> bool:
    """0 or [1-9][0-9]*, at most 10 digits; a minus is CAL's alone (verbs.py)."""
    if not text or len(text) > 10 or (text[0] == "0" and text != "0"):
        return False
    return all("0" <= c <= "9" for c in text)


def is_word(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and "*" not in text and "=" not in text and " " not in text


def is_run_id(text: str) -> bool:
    return 0 < len(text) <= 26 and all("0" <= c <= "9" or "A" <= c <= "Z" for c in text)


def is_optional(key: str) -> bool:
    """A key that may be ignored when it is not known: a lower-case letter followed by such letters and digits."""
    return "a" <= key[0] <= "z" and all("a" <= c <= "z" or "0" <= c <= "9" for c in key)


def request(body: str) -> tuple[int, int, str, list[tuple[str, str]] | None] | None:
    """``>SSSS NNNN VERB k=v ...`` as (session, number, verb, fields).

    None when it is misshapen; but STOP and ABORT whose head is right come with fields None: they are obeyed.
    """
    parts = body.split(" ")
    if len(parts) < 3 or body[0] != ">":
        return None
    sid, number = parts[0][1:], parts[1]
    verb, more, _ = parts[2].partition("*")
    if not is_hex(sid, 4) or not is_hex(number, 4) or not 1 <= len(verb) <= 12:
        return None
    if not (verb.isalpha() and verb.isupper()):  # the line is ASCII: A to Z
        return None
    fields = []
    clean = not more
    for part in parts[3:]:
        at = part.find("=")
        clean = clean and at > 0 and "*" not in part
        fields.append((part[:at], part[at + 1 :]))
    if clean:
        return int(sid, 16), int(number, 16), verb, fields
    return (int(sid, 16), int(number, 16), verb, None) if verb in ("STOP", "ABORT") else None
