"""Reading the ``k=v`` fields of a reply or an event: one reader for each way the page writes a value.

A line that arrived whole may still lack what its verb promises, or hold it in another form. That is no noise
(the checksum was right) but a peer that does not speak IONTO/1, so it is an exception, raised where the
value is needed and naming what was said and the key. Checking every reply against a table when it is
parsed was rejected: it would refuse answers for a field that nobody reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from zlib import crc32

from controller.errors import ProtocolViolation
from controller.wire.spec import PRESCRIPTION_KEYS, UnitState

# Section 3: 0 or no leading zero, at most 10 digits. Possessive: it spares telemetry a tenth of its time.
COUNT: Final = "[1-9][0-9]{0,9}+|0"
SHORTEST_HEX: Final = "[1-9A-F][0-9A-F]{0,7}+|0"

STATES: Final = {state.value: state for state in UnitState}

_COUNT: Final = re.compile(COUNT)
_SIGNED: Final = re.compile("-?[1-9][0-9]{0,9}|0")
_SHORTEST_HEX: Final = re.compile(SHORTEST_HEX)
_HEX: Final = re.compile("[0-9A-F]+")
_CODE: Final = re.compile("[0-9]{2}")

_SIGNED_KEYS: Final = frozenset(("gain", "off"))  # CAL alone
_HEX_DIGITS: Final = {"sid": 4, "t": 4, "n": 4, "last": 4, "D": 8, "nonce": 8}


class TypedFields:
    """Gives a message with ``fields`` its typed readers; each raises ``ProtocolViolation``.

    No abstract class: asking whether a message is one of those costs ten times as much, in every line.
    """

    __slots__ = ()

    fields: Mapping[str, str]

    @property
    def label(self) -> str:
        """What a person calls this message, for the text of the exception."""
        raise NotImplementedError

    def word(self, key: str) -> str:
        try:
            return self.fields[key]
        except KeyError as exc:
            raise ProtocolViolation(f"the unit's {self.label} lacks {key}") from exc

    def integer(self, key: str) -> int:
        """A decimal integer; negative only where the page allows it."""
        form = _SIGNED if key in _SIGNED_KEYS else _COUNT
        return int(self._in_form(key, form, "an integer"))

    def fault_code(self, key: str) -> int:
        """A fault's code: two digits."""
        return int(self._in_form(key, _CODE, "a code of two digits"))

    def hexa(self, key: str) -> int:
        """A hexadecimal number of the width the page gives to ``key``; ``fl`` has the shortest."""
        digits = _HEX_DIGITS.get(key)
        text = self._in_form(key, _SHORTEST_HEX if digits is None else _HEX, "hexadecimal")
        if digits is not None and len(text) != digits:
            raise self._malformed(key, text, f"{digits} hexadecimal digits")
        return int(text, 16)

    def flag(self, key: str) -> bool:
        text = self.word(key)
        if text not in ("0", "1"):
            raise self._malformed(key, text, "0 or 1")
        return text == "1"

    def state(self, key: str) -> UnitState:
        text = self.word(key)
        try:
            return STATES[text]
        except KeyError as exc:
            raise self._malformed(key, text, "a state") from exc

    def _in_form(self, key: str, form: re.Pattern[str], wanted: str) -> str:
        text = self.word(key)
        if form.fullmatch(text) is None:
            raise self._malformed(key, text, wanted)
        return text

    def _malformed(self, key: str, text: str, wanted: str) -> ProtocolViolation:
        return ProtocolViolation(f"the unit's {self.label} says {key}={text}, which is not {wanted}", text)


def digest(fields: Mapping[str, str | int]) -> int:
    """``D`` of section 5: the CRC-32 of a prescription's canonical text; other keys do not count.

    Raises:
        ProtocolViolation: a field of the prescription is missing.
    """
    missing = [key for key in PRESCRIPTION_KEYS if key not in fields]
    if missing:
        raise ProtocolViolation(f"a prescription without {', '.join(missing)} has no digest")
    return crc32(" ".join(f"{key}={fields[key]}" for key in PRESCRIPTION_KEYS).encode("ascii"))
