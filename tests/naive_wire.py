"""A third reading of docs/protocol.md, sections 2 to 5: slow, plain, and sharing nothing with the product.

It exists to disagree. The host's decoder and the firmware are both quick and clever in their own way; this
one is neither, so that whoever doubts a line can follow it with a finger: the checksum bit by bit, the line
cut with ``split``, no regular expression, no import. A decoded line is a dictionary in the form of the
entries of ``vectors/golden_lines.json``: every value is the text on the wire.
"""

HEX = "0123456789ABCDEF"
DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = "abcdefghijklmnopqrstuvwxyz"

STATES = (
    "BOOT", "SELFTEST", "IDLE", "STAGED", "CHECK", "ARMED", "RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING",
    "PAUSED", "DONE", "FAULT",
)  # fmt: skip
TELEMETRY_KEYS = ["st", "set", "i", "i2", "v", "z", "q", "lk", "lim", "rl", "fl"]
PRESCRIPTION_KEYS = [
    "I", "Q", "TU", "TD", "TMAX", "ZMAX", "ZMIN", "VMAX", "POL", "LIM", "CONT", "LOSS", "BATT",
]  # fmt: skip
REQUEST_CAPITALS = {
    "PRES": PRESCRIPTION_KEYS,
    "ARM": ["D"],
    "START": ["D", "X"],
    "SET": ["I"],
    "RESUME": ["X"],
}
REPLY_CAPITALS = {"PRES": [*PRESCRIPTION_KEYS, "D"], "SET": ["I"]}


def crc32(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            lowest_bit = register & 1
            register >>= 1
            if lowest_bit:
                register ^= 0xEDB88320
    return register ^ 0xFFFFFFFF


def digest(fields: dict) -> str:
    text = " ".join(key + "=" + fields[key] for key in PRESCRIPTION_KEYS)
    return f"{crc32(text.encode()):08X}"


def decode_stream(data: bytes, limit: int) -> list:
    """Lines as text, noise as ("POISONED" or "OVERLONG"); what has no end yet is not reported."""
    items = []
    line = ""
    offence = None
    for byte in data:
        if byte in (10, 13):
            if offence is not None:
                items.append((offence,))
            elif line != "":
                items.append(line)
            line = ""
            offence = None
        elif offence is None:
            if len(line) + 1 == limit:
                offence = "OVERLONG"
            elif byte < 0x20 or byte > 0x7E:
                offence = "POISONED"
            else:
                line += chr(byte)
    return items


def decode_line(line: str) -> dict:
    for character in line:
        if not " " <= character <= "~":
            return noise("POISONED")
    if line[:1] not in (">", "<", "~", "!"):
        return {"kind": "plain"}
    body, checksum = line[:-9], line[-8:]
    if line.count("*") != 1 or line[-9:-8] != "*" or not is_hex(checksum, 8):
        return noise("MISSHAPEN")
    if f"{crc32(body.encode()):08X}" != checksum:
        return noise("BAD_CRC")
    decode = {">": decode_request, "<": decode_reply, "~": decode_telemetry, "!": decode_event}[line[0]]
    message = decode(body[1:].split(" "))
    return noise("MISSHAPEN") if message is None else message


def noise(damage: str) -> dict:
    return {"kind": "noise", "damage": damage}


def decode_request(words: list) -> dict | None:
    if len(words) < 3 or not is_hex(words[0], 4) or not is_hex(words[1], 4) or not is_verb(words[2]):
        return None
    fields = read_fields(words[3:], REQUEST_CAPITALS.get(words[2], []))
    if fields is None:
        return None
    return {"kind": "request", "sid": words[0], "number": words[1], "verb": words[2], "fields": fields}


def decode_reply(words: list) -> dict | None:
    if len(words) < 4 or not is_hex(words[0], 4) or not is_hex(words[1], 4) or not is_verb(words[3]):
        return None
    code = words[2]
    if len(code) != 2 or not only(code, DIGITS):
        return None
    fields = read_fields(words[4:], REPLY_CAPITALS.get(words[3], []))
    if fields is None:
        return None
    head = {"kind": "reply", "sid": words[0], "number": words[1], "code": code, "verb": words[3]}
    return {**head, "fields": fields}


def decode_telemetry(words: list) -> dict | None:
    if len(words) < 3 or not is_hex(words[0], 4) or not is_hex(words[1], 4) or not is_uptime(words[2]):
        return None
    fields = read_fields(words[3:], [])
    if fields is None or list(fields)[:11] != TELEMETRY_KEYS:
        return None
    if fields["st"] not in STATES:
        return None
    for key in ("set", "i", "i2", "v", "z", "q", "lk"):
        if not is_count(fields[key]):
            return None
    if fields["lim"] not in ("0", "1") or fields["rl"] not in ("0", "1"):
        return None
    if not is_shortest_hex(fields["fl"]):
        return None
    known = {key: fields[key] for key in TELEMETRY_KEYS}
    return {"kind": "telemetry", "sid": words[0], "number": words[1], "uptime_ms": words[2], "fields": known}


def decode_event(words: list) -> dict | None:
    if len(words) < 4 or not is_hex(words[0], 4) or not is_hex(words[1], 4) or not is_uptime(words[2]):
        return None
    name = words[3]
    if not 1 <= len(name) <= 12 or not only(name, UPPER + "_"):
        return None
    fields = read_fields(words[4:], [])
    if fields is None:
        return None
    head = {"kind": "event", "sid": words[0], "number": words[1], "uptime_ms": words[2], "name": name}
    return {**head, "fields": fields}


def read_fields(words: list, capitals: list) -> dict | None:
    fields: dict = {}
    for word in words:
        parts = word.split("=")
        if len(parts) != 2 or parts[0] == "" or parts[1] == "":
            return None
        key, value = parts
        if key in fields:
            return None
        if key[0] in UPPER:
            if not only(key, UPPER + DIGITS) or key not in capitals:
                return None
        elif key[0] not in LOWER or not only(key, LOWER + DIGITS):
            return None
        fields[key] = value
    return fields


def only(text: str, alphabet: str) -> bool:
    return all(character in alphabet for character in text)


def is_verb(text: str) -> bool:
    return 1 <= len(text) <= 12 and only(text, UPPER)


def is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and only(text, HEX)


def is_shortest_hex(text: str) -> bool:
    return 1 <= len(text) <= 8 and only(text, HEX) and (text == "0" or text[0] != "0")


def is_count(text: str) -> bool:
    return 1 <= len(text) <= 10 and only(text, DIGITS) and (text == "0" or text[0] != "0")


def is_uptime(text: str) -> bool:
    return is_count(text) and int(text) < 4294967296
