"""What may stand in a treatment file: every table, every key, and the range of each value.

The file's shape is written once, as typed dictionaries whose values are annotated with their rule; the reader
(``reading``), the nearest-key hints and the test that holds ``schemas/treatment.schema.json`` to this page
all take it from here. A rule judges one value alone and says what was found, what is expected and what to
write instead; what two keys mean together is ``rules``' business.

Rules are named tuples, a seventh of a dataclass's cost at import.

Ranges are those of the bundled unit, ``docs/protocol.md`` and the unit's envelope: a unit that can do less
says so in HELLO and is asked before anything is sent (``prescription.check_against_unit``).
"""

from __future__ import annotations

from math import isfinite, nan
from typing import Annotated, Any, Final, Literal, NamedTuple, Protocol, TypedDict

FORMAT: Final = 1


class Wrong(ValueError):
    """One value breaks its rule; collected as a finding, no caller meets it."""

    def __init__(self, found: str, expected: str, remedy: str) -> None:
        super().__init__(f"found {found}, expected {expected}; {remedy}")


class Rule(Protocol):
    """What one value must be."""

    @property
    def expected(self) -> str:
        """The rule in words, for a key that is missing."""

    @property
    def example(self) -> str:
        """A value as it stands in the file."""

    def check(self, value: object) -> object:
        """The value, or Wrong."""


def shown(value: object) -> str:
    """A value as its writer sees it in the file."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'the text "{value}"'
        case dict():
            return "a table"
        case list():
            return "a list"
        case None:
            return "nothing"
        case _:
            return str(value)


class Span(NamedTuple):
    """A number from ``low`` to ``high``, both included; ``step`` None: any."""

    low: float
    high: float
    unit: str
    example: str
    step: float | None = None
    thousandth: str = ""  # unit a thousand times smaller, in which people write such a value by mistake

    @property
    def expected(self) -> str:
        steps = "" if self.step is None else f" in steps of {self.step:g}"
        return f"{self.low:g} to {self.high:g} {self.unit}{steps}"

    def check(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Wrong(shown(value), self.expected, self._as_number(value))
        if not isfinite(value) or not self.low <= value <= self.high:
            raise Wrong(shown(value), self.expected, self._within(value))
        if self.step is not None:
            near = round(round(value / self.step) * self.step, 6)
            if abs(near - value) > 1e-9:
                raise Wrong(shown(value), self.expected, f"write {near:g}")
        return float(value)

    def _as_number(self, value: object) -> str:
        """The remedy for what is no number: "2,0", "2.0" and "2 mA" mean 2."""
        words = value.replace(",", ".").split() if isinstance(value, str) else []
        try:
            number = float(words[0]) if words else nan
        except ValueError:
            number = nan
        if isfinite(number):
            return f"write {number!r}, without quotes and with a decimal point"
        return f"write a number such as {self.example}"

    def _within(self, value: float) -> str:
        if self.thousandth and value > self.high and self.low <= value / 1000 <= self.high:
            return f"if {self.thousandth} were meant, write {value / 1000:g}"
        return f"write a value in that range, such as {self.example}"


class Choice(NamedTuple):
    """One word of a few."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return " or ".join(f'"{word}"' for word in self.words)

    @property
    def example(self) -> str:
        return f'"{self.words[0]}"'

    def check(self, value: object) -> str:
        if isinstance(value, str):
            if value in self.words:
                return value
            near = [word for word in self.words if word == value.strip().lower()]
            remedy = f'write "{near[0]}"' if near else f"write {self.expected}"
            raise Wrong(shown(value), self.expected, remedy)
        raise Wrong(shown(value), self.expected, f"write {self.expected}, in quotes")


class Answer(NamedTuple):
    """true or false."""

    expected: str = "true or false"
    example: str = "false"

    def check(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise Wrong(shown(value), self.expected, "write true or false, in small letters and without quotes")


class Text(NamedTuple):
    """A line of text."""

    example: str
    longest: int = 120

    @property
    def expected(self) -> str:
        return f"a line of 1 to {self.longest} characters"

    def check(self, value: object) -> str:
        if not isinstance(value, str):
            raise Wrong(shown(value), self.expected, f"write it in quotes, such as {self.example}")
        if not value.strip():
            raise Wrong("an empty text", self.expected, f"write something such as {self.example}")
        if len(value) > self.longest:
            raise Wrong(f"{len(value)} characters", self.expected, "shorten it")
        if not value.isprintable():
            raise Wrong(f"{value!r}", self.expected, "take out line ends, tabs and control characters")
        return value


class Version(NamedTuple):
    """The format of the file; a newer one is refused whole (``reading``)."""

    expected: str = f"the format of the file, {FORMAT}"
    example: str = str(FORMAT)

    def check(self, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= FORMAT:
            return value
        raise Wrong(shown(value), self.expected, f"write format = {FORMAT}")


_Area = Annotated[float, Span(0.1, 500, "cm2", "10.0")]
_Answer = Annotated[bool, Answer()]
_StopOr = Annotated[Literal["stop", "finish"], Choice(("stop", "finish"))]


class DrugTable(TypedDict):
    """[drug]"""

    id: Annotated[str, Text('"lidocaine"')]


class PatchTable(TypedDict, total=False):
    """[patch]"""

    drug_area_cm2: _Area
    return_area_cm2: _Area
    fill_ml: Annotated[float, Span(0.1, 20, "ml", "1.5")]
    rated_ma_min: Annotated[float, Span(0.1, 1000, "mA.min", "80.0")]  # IontoPatch and others: 1 to 160


class _PhaseNeeds(TypedDict):
    pole: Annotated[Literal["+", "-"], Choice(("+", "-"))]
    current_ma: Annotated[float, Span(0.02, 4, "mA", "2.0", 0.01, "uA")]  # 4.0 mA: ActivaDose II manual


class PhaseTable(_PhaseNeeds, total=False):
    """[[phase]]"""

    dose_ma_min: Annotated[float, Span(0.1, 80, "mA.min", "40.0", 0.1)]  # 80: ActivaDose II, Dupel electrodes
    duration_min: Annotated[float, Span(0.02, 480, "min", "20.0")]  # 8 h: the wear of patches
    # IontoDC takes 30 s to 2 mA, Macroduct about 20 s to its peak; the ends are the unit's envelope.
    ramp_up_ma_per_s: Annotated[float, Span(0.02, 0.5, "mA/s", "0.1")]
    ramp_down_ma_per_s: Annotated[float, Span(0.05, 1, "mA/s", "0.2")]
    auto: _Answer


class LimitsTable(TypedDict, total=False):
    """[limits]"""

    impedance_max_kohm: Annotated[float, Span(1, 100, "kohm", "30.0", 0.001, "ohm")]
    impedance_min_kohm: Annotated[float, Span(0, 5, "kohm", "0.2", 0.001, "ohm")]
    voltage_max_v: Annotated[float, Span(5, 54, "V", "54.0", 0.001, "mV")]
    on_time_max_min: Annotated[float, Span(0.1, 720, "min", "30.0")]


class PolicyTable(TypedDict, total=False):
    """[policy]"""

    resistance: Annotated[Literal["stop", "stretch"], Choice(("stop", "stretch"))]
    contact: Annotated[Literal["stop", "pause"], Choice(("stop", "pause"))]
    link: _StopOr
    battery: _StopOr


class ScreeningTable(TypedDict, total=False):
    """[screening]"""

    pacemaker_or_implant: _Answer
    pregnancy: _Answer
    drug_hypersensitivity: _Answer
    damaged_skin: _Answer
    metal_in_current_path: _Answer


class _TreatmentNeeds(TypedDict):
    format: Annotated[int, Version()]
    name: Annotated[str, Text('"Lidocaine, forearm"')]
    load: Annotated[Literal["person", "bench"], Choice(("person", "bench"))]
    phase: list[PhaseTable]


class TreatmentTable(_TreatmentNeeds, total=False):
    """The whole file."""

    drug: DrugTable
    patch: PatchTable
    limits: LimitsTable
    policy: PolicyTable
    screening: ScreeningTable


# Where a key belongs, as a person calls the place.
TABLES: Final[dict[str, type[Any]]] = {
    "the top of the file": TreatmentTable,
    "[drug]": DrugTable,
    "[patch]": PatchTable,
    "[[phase]]": PhaseTable,
    "[limits]": LimitsTable,
    "[policy]": PolicyTable,
    "[screening]": ScreeningTable,
}


def keys_of(table: type[Any]) -> tuple[str, ...]:
    """The keys of a table, those of its bases included."""
    return tuple(sorted(table.__required_keys__ | table.__optional_keys__))
