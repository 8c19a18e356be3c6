"""What a page shows of a verification, in the order in which people ask: verdict, why, what, with what, the rest.

All words are made here and the template only places them, so that a report can be tested without reading HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from controller.bench.measurement import Measurement
from controller.bench.record import DISCLAIMER, Instrument, PhaseRecord, Verdict, VerificationRecord
from controller.bench.report.cells import margin_bar
from controller.bench.report.pages import picture
from controller.bench.report.plots import Drawing, drawings
from controller.bench.report.words import NONE, limits_text, number
from controller.plot.paint import unit_sign


class Outcome(NamedTuple):
    """``kind``: the style; word and sign say the same without a colour."""

    word: str
    kind: str
    sign: str


_OUTCOMES: Final = {
    "PASS": Outcome("PASS", "pass", "✔"),
    "MARGINAL": Outcome("MARGINAL", "marginal", "▲"),
    "FAIL": Outcome("FAIL", "fail", "✘"),
    "NOT_MEASURED": Outcome("NOT MEASURED", "none", "○"),
}
_NOT_REACHED: Final = Outcome("NOT MEASURED", "none", "○")


class Fact(NamedTuple):
    name: str
    value: str


class Line(NamedTuple):
    """A row of the table of measurements."""

    name: str
    title: str
    note: str
    value: str
    limits: str
    margin: str
    bar: object
    outcome: Outcome
    how: str
    first: bool


class Section(NamedTuple):
    title: str
    note: str
    outcome: Outcome
    lines: list[Line]


class View(NamedTuple):
    about: str
    verdict: Outcome
    said: list[str]
    loud: list[str]
    simulated: bool
    facts: list[Fact]
    instruments: Sequence[Instrument]
    sections: list[Section]
    figures: list[Drawing]
    circumstances: list[Fact]
    files: list[Fact]
    details: list[Fact]
    footer: str


def outcome_of(word: str) -> Outcome:
    """ERROR, TIMEOUT and ABORTED are no verdict on the unit."""
    return _OUTCOMES.get(word, Outcome(word, "none", "!"))


def view_of(record: VerificationRecord) -> View:
    first = record.first_failing
    roles = {each.role: each for each in record.instruments}
    return View(
        about=str(_of(record.metadata, "recipe", "description") or ""),
        verdict=outcome_of(record.outcome), said=list(_said(record)), loud=list(_loud(record)),
        simulated=bool(_of(record.metadata, "unit", "simulated")),
        facts=list(_facts(record)), instruments=record.instruments,
        sections=[_section(phase, first, roles) for phase in record.phases],
        figures=[each._replace(svg=picture(each.svg)) for each in drawings(record.series)],
        circumstances=list(_circumstances(record)),
        files=[Fact(name, digest) for name, digest in record.files.items()],
        details=[Fact(detail.code, detail.description) for detail in record.outcome_details], footer=DISCLAIMER,
    )  # fmt: skip


def utc_text(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _of(data: Mapping[str, Any], *way: str) -> Any:  # noqa: ANN401 - of JSON
    for step in way:
        found = data.get(step) if isinstance(data, Mapping) else None
        if found is None:
            return None
        data = found
    return data


def _said(record: VerificationRecord) -> Iterator[str]:
    counts = Counter(each.outcome for each in record.measurements)
    told = ", ".join(f"{times} {outcome_of(word).word.lower()}" for word, times in counts.items())
    yield f"{counts.total()} measurements: {told}." if counts else "Nothing was to be measured."
    first = record.first_failing
    if first is not None:
        d = first.definition
        yield f"First to fail: {first.name} ({d.title}), {_value(first)}, allowed {limits_text(*d.limits, d.unit)}."
    if record.outcome not in (Verdict.PASS, Verdict.FAIL):
        yield "This is no verdict on the unit: not measured is not failed."
        yield from (f"{detail.description} [{detail.code}]" for detail in record.outcome_details)


def _loud(record: VerificationRecord) -> Iterator[str]:
    for each in record.instruments:
        if each.overdue:
            serial = f" {each.serial}" if each.serial else ""
            yield f"Calibration of the {each.role} {each.name}{serial} was due on {each.due}; it was used all the same."
    if not record.complete:
        yield "This record was recovered from its log after the verification was cut off."
    yield from record.warnings


def _facts(record: VerificationRecord) -> Iterator[Fact]:
    data = record.metadata
    model, firmware = _of(data, "unit", "model"), _of(data, "unit", "firmware")
    yield Fact("Unit", record.dut_id)
    yield Fact("Model, firmware", ", ".join(filter(None, (model, firmware))) or NONE)
    yield Fact("Operator", record.operator_id or "not named")
    place = _of(data, "station", "location")
    yield Fact("Station", f"{record.station_id}, {place}" if place else record.station_id)
    yield Fact("Began", utc_text(record.start_time_millis))
    minutes, seconds = divmod(round((record.end_time_millis - record.start_time_millis) / 1000), 60)
    yield Fact("Took", f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s")
    yield Fact("Attempt", str(record.attempt))
    yield Fact("Recipe", " · ".join(filter(None, (record.test_name, _of(data, "recipe", "family")))))
    yield Fact("Recipe, SHA-256", str(_of(data, "recipe", "sha256") or NONE))


def _circumstances(record: VerificationRecord) -> Iterator[Fact]:
    yield Fact("verification", record.id)
    yield Fact("ended", utc_text(record.end_time_millis))
    for name in ("unit", "station", "host"):
        for key, value in (_of(record.metadata, name) or {}).items():
            if value is not None:
                yield Fact(f"{name}, {key.replace('_', ' ')}", _plain(value))
    for key, value in record.metadata.items():
        if key not in ("unit", "station", "host", "recipe") and value is not None:
            yield Fact(key.replace("_", " "), _plain(value))


def _plain(value: object) -> str:
    return "yes" if value is True else "no" if value is False else str(value)


def _section(phase: PhaseRecord, first: Measurement | None, roles: Mapping[str, Instrument]) -> Section:
    outcome = _NOT_REACHED if phase.outcome is None else outcome_of(phase.outcome)
    note = " ".join(detail.description for detail in phase.outcome_details)
    if phase.runs:
        note = " · ".join(filter(None, (note, f"runs {', '.join(phase.runs)}")))
    lines = [_line(each, each is first, roles) for each in phase.measurements.values()]
    return Section(phase.title, note, outcome, lines)


def _line(each: Measurement, first: bool, roles: Mapping[str, Instrument]) -> Line:
    d = each.definition
    bar = "" if each.value is None or each.margin is None else margin_bar(each.value, *d.limits)
    margin = NONE if each.margin is None else f"{100 * each.margin:.0f} %".replace("-", "−")
    instrument = roles.get(d.instrument or "")
    with_what = d.instrument or "" if instrument is None else instrument.name
    return Line(
        each.name, d.title, each.reason or "", _value(each), limits_text(*d.limits, d.unit), margin, picture(bar),
        outcome_of(each.outcome), " · ".join(filter(None, (d.how, with_what))), first,
    )  # fmt: skip


def _value(each: Measurement) -> str:
    if each.value is None:
        return NONE
    return f"{number(each.value, 5)} {unit_sign(each.definition.unit)}".strip()
