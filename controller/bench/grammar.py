"""What may stand in a recipe and in a station file: every table, every key, and the range of each value.

The rules and the reader that tells every mistake at once are those of treatments (``controller.treatment``); here are
the tables. A table of a recipe has the name of its procedure, and ``steps`` says which are done, in which order. Every
limit stands in ``recipes/acceptance.toml``, with where it comes from; no procedure has one of its own.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple, TypedDict

from controller.treatment.grammar import Answer, Choice, Rule, Span, Text, Version, Wrong, shown


class Many(NamedTuple):
    """A list of at least ``least`` values, each by one rule."""

    rule: Rule
    example: str
    least: int = 1

    @property
    def expected(self) -> str:
        return f"a list of {self.least} or more, each {self.rule.expected}"

    def check(self, value: object) -> list[Any]:
        if not isinstance(value, list):
            raise Wrong(shown(value), self.expected, f"write it in brackets, such as {self.example}")
        if len(value) < self.least:
            raise Wrong(f"{len(value)} values", self.expected, f"write a list such as {self.example}")
        if len(set(map(str, value))) < len(value):
            raise Wrong("one value twice", self.expected, "take out what is there twice")
        return [self.rule.check(each) for each in value]


class Date(NamedTuple):
    """A calendar day; TOML has a type for it, and text is accepted."""

    expected: str = "a day, as in 2026-10-01"
    example: str = "2026-10-01"

    def check(self, value: object) -> str:
        from datetime import date, datetime

        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError:
            raise Wrong(shown(value), self.expected, "write year-month-day") from None


# fmt: off
STEPS: Final = (
    "self_test", "leakage", "telemetry", "contact_check", "polarity", "accuracy", "ripple", "ramp", "compliance",
    "dose", "stopping", "lease", "trips", "restart", "hold", "calibration",
)
TRIPS: Final = (
    "open", "step", "short", "z_low", "z_high", "compliance", "time_cap", "overcurrent", "leak", "frozen_sensor",
    "interlock", "hot",
)
WAYS: Final = ("stop", "stop_byte", "abort", "abort_bytes", "line_break", "local_stop")
# fmt: on

_Current = Annotated[float, Span(0.02, 4, "mA", "2.0", 0.01, "uA")]
_Currents = Annotated[list[float], Many(Span(0.02, 4, "mA", "2.0", 0.01, "uA"), "[0.5, 2.0]")]
_Load = Annotated[float, Span(0.2, 400, "kohm", "5.0", None, "ohm")]
_Loads = Annotated[list[float], Many(Span(0.2, 400, "kohm", "5.0", None, "ohm"), "[1.0, 5.0]")]
_Percent = Annotated[float, Span(0, 100, "percent", "1.0")]
_Microamps = Annotated[float, Span(0, 1000, "uA", "10.0")]
_Seconds = Annotated[float, Span(0.01, 3600, "s", "1.0")]
_Millis = Annotated[float, Span(0, 60_000, "ms", "100.0")]
_Answer = Annotated[bool, Answer()]


class SelfTestTable(TypedDict):
    """[self_test]"""

    longest_s: _Seconds


class LeakageTable(TypedDict):
    """[leakage]"""

    rest_ua: _Microamps
    current_ma: _Current
    load_kohm: _Load
    channels_percent: _Percent
    channels_ua: _Microamps


class TelemetryTable(TypedDict):
    """[telemetry]"""

    periods_ms: Annotated[list[float], Many(Span(20, 500, "ms", "100", 10), "[20, 100, 500]")]
    lines: Annotated[float, Span(5, 1000, "lines", "25", 1)]
    rate_percent: _Percent
    reply_ms: _Millis


class ContactTable(TypedDict):
    """[contact_check]"""

    good_kohm: _Loads
    refused_kohm: Annotated[list[float], Many(Span(0.001, 999, "kohm", "450.0"), "[450.0]")]
    z_percent: _Percent
    z_ohm: Annotated[float, Span(0, 100_000, "ohm", "500")]
    sense_ua: _Microamps
    sense_within_ua: _Microamps
    longest_s: _Seconds


class PolarityTable(TypedDict):
    """[polarity]"""

    current_ma: _Current
    load_kohm: _Load
    error_percent: _Percent
    error_ua: _Microamps


class RampTable(TypedDict):
    """[ramp]"""

    current_ma: _Current
    load_kohm: _Load
    slews_ma_per_s: Annotated[list[float], Many(Span(0.05, 0.5, "mA/s", "0.1"), "[0.1, 0.5]")]
    slew_percent: _Percent
    shape_percent: _Percent
    overshoot_percent: _Percent
    overshoot_ua: _Microamps


class AccuracyTable(TypedDict):
    """[accuracy]"""

    set_points_ma: _Currents
    loads_kohm: _Loads
    settle_s: _Seconds
    mean_s: _Seconds
    error_percent: _Percent
    error_ua: _Microamps
    small_below_ma: _Current
    small_error_ua: _Microamps
    linearity_ua: _Microamps


class RippleTable(TypedDict):
    """[ripple]"""

    set_points_ma: _Currents
    load_kohm: _Load
    span_s: _Seconds
    ripple_percent: _Percent
    ripple_ua: _Microamps


class ComplianceTable(TypedDict):
    """[compliance]"""

    current_ma: _Current
    load_kohm: _Load
    voltages_v: Annotated[list[float], Many(Span(5, 54, "V", "54.0", 0.001, "mV"), "[20.0, 54.0]")]
    low_share: Annotated[float, Span(0.5, 1, "of VMAX", "0.88")]
    high_share: Annotated[float, Span(0.5, 1.1, "of VMAX", "0.91")]


class DoseTable(TypedDict):
    """[dose]"""

    doses_ma_min: Annotated[list[float], Many(Span(0.1, 80, "mA.min", "1.0", 0.1), "[0.5, 10.0]")]
    current_ma: _Current
    load_kohm: _Load
    with_pause: _Answer
    with_stop: _Answer
    reported_percent: _Percent
    delivered_percent: _Percent
    both_uc: Annotated[float, Span(0, 100_000, "uC", "600")]


class StoppingTable(TypedDict):
    """[stopping]"""

    ways: Annotated[list[str], Many(Choice(WAYS), '["stop", "abort"]')]
    current_ma: _Current
    load_kohm: _Load
    quiet_ua: _Microamps
    stop_ms: _Millis
    abort_ms: _Millis


class LeaseTable(TypedDict):
    """[lease]"""

    current_ma: _Current
    load_kohm: _Load
    quiet_ua: _Microamps
    early_ms: _Millis
    late_ms: _Millis


class TripsTable(TypedDict):
    """[trips]"""

    faults: Annotated[list[str], Many(Choice(TRIPS), '["open", "short"]')]
    current_ma: _Current
    load_kohm: _Load
    quiet_ua: _Microamps
    open_ms: _Millis
    step_ms: _Millis
    short_ms: _Millis
    z_low_ms: _Millis
    z_high_ms: _Millis
    z_high_quiet_kohm: _Load
    z_high_trip_kohm: _Load
    compliance_ms: _Millis
    time_cap_percent: _Percent
    overcurrent_ms: _Millis
    leak_ms: _Millis
    frozen_sensor_ms: _Millis
    interlock_ms: _Millis
    hot_ms: _Millis


class RestartTable(TypedDict):
    """[restart]"""

    current_ma: _Current
    load_kohm: _Load
    off_ms: _Millis
    watchdog_ms: _Millis
    after_s: _Seconds
    rest_ua: _Microamps
    dose_percent: _Percent
    dose_uc: Annotated[float, Span(0, 100_000, "uC", "600")]


class HoldTable(TypedDict):
    """[hold]"""

    current_ma: _Current
    load_kohm: _Load
    minutes: Annotated[float, Span(0.5, 240, "min", "10.0")]
    mean_s: _Seconds
    drift_percent: _Percent
    drift_ua: _Microamps


class CalibrationTable(TypedDict):
    """[calibration]"""

    low_ma: _Current
    high_ma: _Current
    load_kohm: _Load
    settle_s: _Seconds
    mean_s: _Seconds
    error_percent: _Percent
    error_ua: _Microamps


class FamilyTable(TypedDict):
    """[family]"""

    name: Annotated[str, Text('"IONTO-4"')]
    models: Annotated[list[str], Many(Text('"IONTO-4"', 12), '["IONTO-4"]')]


class _RecipeNeeds(TypedDict):
    format: Annotated[int, Version()]
    name: Annotated[str, Text('"acceptance"', 40)]


class RecipeTable(_RecipeNeeds, total=False):
    """The whole file; ``steps`` and tables that are not here are those of ``extends``."""

    description: Annotated[str, Text('"after every repair"')]
    extends: Annotated[str, Text('"acceptance"')]
    steps: Annotated[list[str], Many(Choice(STEPS), '["self_test", "accuracy"]')]
    family: FamilyTable
    self_test: SelfTestTable
    leakage: LeakageTable
    telemetry: TelemetryTable
    contact_check: ContactTable
    polarity: PolarityTable
    ramp: RampTable
    accuracy: AccuracyTable
    ripple: RippleTable
    compliance: ComplianceTable
    dose: DoseTable
    stopping: StoppingTable
    lease: LeaseTable
    trips: TripsTable
    restart: RestartTable
    hold: HoldTable
    calibration: CalibrationTable


RECIPE_TABLES: Final[dict[str, type[Any]]] = {
    "the top of the file": RecipeTable, "[family]": FamilyTable,
    "[self_test]": SelfTestTable, "[leakage]": LeakageTable, "[telemetry]": TelemetryTable,
    "[contact_check]": ContactTable, "[polarity]": PolarityTable, "[ramp]": RampTable, "[accuracy]": AccuracyTable,
    "[ripple]": RippleTable, "[compliance]": ComplianceTable, "[dose]": DoseTable, "[stopping]": StoppingTable,
    "[lease]": LeaseTable, "[trips]": TripsTable, "[restart]": RestartTable, "[hold]": HoldTable,
    "[calibration]": CalibrationTable,
}  # fmt: skip


class InstrumentTable(TypedDict, total=False):
    """[meter], [load]"""

    driver: Annotated[str, Choice(("scpi", "decade", "door", "prompts"))]
    address: Annotated[str, Text('"GPIB0::22::INSTR"', 200)]
    backend: Annotated[str, Text('"@py"')]
    token: Annotated[str, Text('"the door\'s token"')]
    quantity: Annotated[Literal["current", "voltage"], Choice(("current", "voltage"))]
    setup: Annotated[str, Text('"CONF:CURR:DC"')]
    query: Annotated[str, Text('"READ?"')]
    scale: Annotated[float, Span(1e-9, 1e9, "uA or mV for each unit that the meter answers in", "1e6")]
    command: Annotated[str, Text('"SOUR:RES {ohm:g}"')]
    open_command: Annotated[str, Text('"OUTP OFF"')]
    serial: Annotated[str, Text('"MY12345678"')]
    calibrated: Annotated[str, Date()]
    calibration_due: Annotated[str, Date()]


class StationTable(TypedDict, total=False):
    """[station]"""

    name: Annotated[str, Text('"bench 1"')]
    location: Annotated[str, Text('"room 204"')]
    time_zone: Annotated[str, Text('"Europe/Berlin"')]


class StationFile(TypedDict, total=False):
    """The whole file."""

    format: Annotated[int, Version()]
    station: StationTable
    meter: InstrumentTable
    load: InstrumentTable


STATION_TABLES: Final[dict[str, type[Any]]] = {
    "the top of the file": StationFile, "[station]": StationTable, "[meter]": InstrumentTable,
    "[load]": InstrumentTable,
}  # fmt: skip
