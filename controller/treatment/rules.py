"""What the keys of a treatment mean together, and why one is refused.

``grammar`` has judged each value alone; here are the rules between them. Each is a function that yields its
findings and needs only the values it names: what is missing or was refused already is passed over, so every
rule that can speak does, and no mistake is told twice.

Where the numbers come from: 0.5 mA/cm2 is the usual working limit of the field, LidoSite runs at 0.354;
patches are worn for about 8 h; 160 mA.min in 24 h is the unit's own dose window. What only concerns skin is
asked of ``load = "person"`` alone: a drug, both areas and their density, the wear, the screening.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, cast

from controller.profile import Profile
from controller.treatment.drugs import Drug, drugs, unknown_drug
from controller.treatment.grammar import TreatmentTable
from controller.treatment.parts import Limits, Patch, Phase, Policy
from controller.treatment.prescription import Pole
from controller.treatment.reading import KeyPath, Problem

DENSITY_WARN_MA_CM2: Final = 0.3
DENSITY_MAX_MA_CM2: Final = 0.5
PLANNED_MAX_S: Final = 8 * 3600
WINDOW_MA_MIN: Final = 160.0  # beyond it the unit refuses (error 20)
AREAS: Final = ("drug_area_cm2", "return_area_cm2")
_TINY: Final = 1e-9  # what binary fractions may add

# Why each question of the screening is asked.
SCREENING: Final = {
    "pacemaker_or_implant": "current through the body can disturb or inhibit an implanted device",
    "pregnancy": "neither current nor drug dose is established as safe in pregnancy",
    "drug_hypersensitivity": "the drug goes straight into the tissue and cannot be taken back",
    "damaged_skin": "current crowds into broken or freshly scarred skin and burns it",
    "metal_in_current_path": "metal draws the current together and the tissue beside it burns",
}


class Draft(NamedTuple):
    """``table`` is what was understood, ``raw`` what was written: absent is not the same as refused."""

    table: TreatmentTable
    raw: Mapping[str, Any]

    @property
    def person(self) -> bool:
        """A load of "Person" is refused, and what it needs is told all the same."""
        return str(self.raw.get("load")).strip().lower() == "person"

    def wrote(self, *path: str | int) -> bool:
        """The key stands in the file, right or wrong; or no one can tell, as its table is no table."""
        value: Any = self.raw
        for key in path:
            match value:
                case dict() if key in value:
                    value = value[key]
                case list() if isinstance(key, int) and key < len(value):
                    value = value[key]
                case _:
                    return not isinstance(value, dict)
        return True

    @property
    def drug(self) -> Drug | None:
        return drugs().get(self.table.get("drug", {}).get("id", ""))

    @property
    def phases(self) -> list[Phase | None]:
        """The phases that are complete; None holds the place of one that is not."""
        return [phase_of(cast("dict[str, Any]", table)) for table in self.table.get("phase", [])]


def phase_of(table: Mapping[str, Any]) -> Phase | None:
    """A phase of checked values; None without pole or current, or unless one of dose and duration."""
    needed = "pole" in table and "current_ma" in table
    if not needed or ("dose_ma_min" in table) is ("duration_min" in table):
        return None
    return Phase(**{**table, "pole": Pole(table["pole"])})


def mistakes(table: TreatmentTable, raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Every finding of every rule."""
    draft = Draft(table, raw)
    if raw.get("phase") == []:
        text = "found none, expected at least one; add a [[phase]] with pole, current_ma and dose_ma_min"
        yield Problem(("phase",), text)
    yield from _drug(draft)
    for number in range(len(table.get("phase", []))):
        yield from _dose(draft, number)
        yield from _time(draft, number)
    yield from _window(draft)
    yield from _charge(draft)
    if draft.person:
        yield from _density(draft)
        yield from _wear(draft)
        yield from _screening(draft)


def _drug(draft: Draft) -> Iterator[Problem]:
    """The drug is in the table, and each phase drives it into the skin."""
    asked = draft.table.get("drug", {}).get("id")
    if asked is None:
        if draft.person and not draft.wrote("drug"):
            text = 'missing, expected for load = "person", because the pole must fit the drug'
            yield Problem(("drug",), f"{text}; add [drug] and its id")
    elif draft.drug is None:
        yield Problem(("drug", "id"), unknown_drug(asked))
    else:
        for number, phase in enumerate(draft.table.get("phase", [])):
            reason = draft.drug.refuses(Pole(phase["pole"])) if "pole" in phase else None
            if reason is not None:
                yield Problem(("phase", number, "pole"), reason)


def _dose(draft: Draft, number: int) -> Iterator[Problem]:
    """Exactly one of dose and duration; a duration is worth a deliverable dose; the first phase asks."""
    here: KeyPath = ("phase", number)
    given = [key for key in ("dose_ma_min", "duration_min") if draft.wrote(*here, key)]
    if len(given) == 0:
        text = "found neither dose_ma_min nor duration_min, expected one of them"
        yield Problem(here, f"{text}; add a line such as dose_ma_min = 40.0")
    elif len(given) == 2 and isinstance(draft.raw["phase"][number], dict):
        text = "found dose_ma_min and duration_min, expected one of them: dose = current x duration"
        yield Problem(here, f"{text}; remove one")
    phase = draft.phases[number]
    if phase is not None and phase.duration_min is not None and not 0.1 <= phase.charge_ma_min <= 80:
        found = f"{phase.duration_min:g} min at {phase.current_ma:g} mA, {phase.charge_ma_min:g} mA.min"
        text = f"found {found}, expected a dose of 0.1 to 80 mA.min; change current or duration"
        yield Problem((*here, "duration_min"), text)
    if number == 0 and draft.table["phase"][0].get("auto"):
        text = "found true, expected false: the first phase always starts by hand; remove the line"
        yield Problem((*here, "auto"), text)


def _time(draft: Draft, number: int) -> Iterator[Problem]:
    """The plan fits eight hours, and the longest on-time lets it end."""
    phase = draft.phases[number]
    seconds = _seconds(phase)
    if phase is None or seconds is None:
        return
    planned = f"{phase.charge_ma_min:g} mA.min at {phase.current_ma:g} mA is {seconds / 60:.1f} min"
    if seconds > PLANNED_MAX_S:
        text = f"found {planned}, expected at most 480 min with current; raise the current or lower the dose"
        yield Problem(("phase", number), text)
    limits = Limits(**draft.table.get("limits", {}))
    if limits.tmax_ms is not None and limits.tmax_ms < seconds * 1000:
        text = f"found {limits.on_time_max_min:g} min, expected more than phase {number + 1} takes ({planned})"
        remedy = "raise it or remove it: without it the unit allows 1.5 times the plan"
        yield Problem(("limits", "on_time_max_min"), f"{text}; {remedy}")


def _seconds(phase: Phase | None) -> float | None:
    """Planned time with current; None where there is no dose to plan with."""
    if phase is None or phase.charge_ma_min <= 0:
        return None
    return Profile.of(phase.prescription(Limits(), Policy())).duration_s


def _window(draft: Draft) -> Iterator[Problem]:
    """The impedance window is open."""
    limits = Limits(**draft.table.get("limits", {}))
    if limits.zmin_ohm >= limits.zmax_ohm:
        found = f"a window from {limits.zmin_ohm / 1000:g} to {limits.zmax_ohm / 1000:g} kohm"
        remedy = "correct impedance_min_kohm or impedance_max_kohm"
        yield Problem(("limits",), f"found {found}, expected its lower end below its upper end; {remedy}")


def _charge(draft: Draft) -> Iterator[Problem]:
    """All phases together stay within what the electrode can carry, and within the unit's 24 hours."""
    total = sum(phase.charge_ma_min for phase in draft.phases if phase is not None)
    rated = Patch(**draft.table.get("patch", {})).rated_ma_min
    if rated is not None and total > rated + _TINY:
        text = f"found {total:g} mA.min in all phases, expected at most the {rated:g} that the patch can carry"
        remedy = "beyond it the pH at the skin shifts: lower the dose or take a larger patch"
        yield Problem(("patch", "rated_ma_min"), f"{text}; {remedy}")
    if draft.person and total > WINDOW_MA_MIN + _TINY:
        text = f"found {total:g} mA.min in all phases, expected at most {WINDOW_MA_MIN:g} in 24 h"
        yield Problem(("phase",), f"{text}; lower the doses")


def density_ma_cm2(phase: Phase, area_cm2: float) -> float:
    """The set-point over an electrode's whole area; an electrode that peels is worse."""
    return phase.current_ma / area_cm2


def _density(draft: Draft) -> Iterator[Problem]:
    """Both electrodes carry the same current, and either can burn."""
    patch = cast("dict[str, float]", draft.table.get("patch", {}))
    for key in AREAS:
        area_cm2 = patch.get(key)
        if area_cm2 is not None:
            yield from _too_dense(draft, key, area_cm2)
        elif not draft.wrote("patch", key):
            text = 'missing, expected for load = "person", because the current density must be known'
            yield Problem(("patch", key), f"{text}; add {key} = the conducting area")


def _too_dense(draft: Draft, key: str, area_cm2: float) -> Iterator[Problem]:
    for number, phase in enumerate(draft.phases):
        if phase is None or density_ma_cm2(phase, area_cm2) <= DENSITY_MAX_MA_CM2 + _TINY:
            continue
        found = f"{phase.current_ma:g} mA on the {area_cm2:g} cm2 of {key}"
        text = f"found {found}, {density_ma_cm2(phase, area_cm2):.2f} mA/cm2"
        remedy = f"write at most {DENSITY_MAX_MA_CM2 * area_cm2:.2f} or take a larger electrode"
        where = ("phase", number, "current_ma")
        yield Problem(where, f"{text}, expected at most {DENSITY_MAX_MA_CM2:g}: denser current burns; {remedy}")


def _wear(draft: Draft) -> Iterator[Problem]:
    """A person wears the patch through all phases."""
    planned = [seconds for phase in draft.phases if (seconds := _seconds(phase)) is not None]
    if sum(planned) > PLANNED_MAX_S >= max(planned):
        text = f"found {sum(planned) / 60:.1f} min in all phases, expected at most 480 min of wear"
        yield Problem(("phase",), f"{text}; shorten them")


def _screening(draft: Draft) -> Iterator[Problem]:
    """Each question answered, each with false."""
    answers = cast("dict[str, bool]", draft.table.get("screening", {}))
    for question, reason in SCREENING.items():
        if answers.get(question):
            text = f"found true, expected false: {reason}; do not treat this person"
            yield Problem(("screening", question), text)
        elif not draft.wrote("screening", question):
            text = f'unanswered, expected an answer for load = "person": {reason}'
            yield Problem(("screening", question), f"{text}; ask, then write {question} = false")
