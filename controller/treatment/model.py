"""A treatment: what is to be delivered, to what, under which limits.

A Treatment that exists is deliverable: every way to make one, from a file, from a record, from code, passes
through the same check (``grammar`` for each value, ``rules`` for what they mean together), and a failing
one raises with all its mistakes. So nothing after this room has to ask again whether a density was looked
at or a question answered.

``on_bench`` is the way from a person's treatment to a load box or a simulator: the same currents, no
screening and no density claimed. There is no way back but the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from os import PathLike, fspath
from typing import Any, Literal

from controller.errors import TreatmentError
from controller.profile import Profile
from controller.treatment.drugs import Drug, DrugEstimate, drugs, estimate
from controller.treatment.grammar import FORMAT, shown
from controller.treatment.parts import Limits, Patch, Phase, Policy, Screening
from controller.treatment.prescription import Pole, Prescription
from controller.treatment.reading import parsed, structured
from controller.treatment.rules import AREAS, DENSITY_WARN_MA_CM2, density_ma_cm2, mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One or more phases, each a run of the unit with its own arming.

    Raises:
        TreatmentError: one sentence for each mistake, all at once.
    """

    name: str
    load_kind: Literal["person", "bench"]
    phases: tuple[Phase, ...]
    drug: Drug | None = None
    patch: Patch = field(default_factory=Patch)
    limits: Limits = field(default_factory=Limits)
    policy: Policy = field(default_factory=Policy)
    screening: Screening = field(default_factory=Screening)
    source: str = field(default="treatment", compare=False)

    def __post_init__(self) -> None:
        _checked(self.as_dict(), self.source)

    # -- where they come from
    # ----------------------------------------------------------------------------------

    @classmethod
    def load(cls, where: str | PathLike[str], *, bench: bool = False) -> Treatment:
        """Read a treatment file, or a preset by the name ``preset:NAME``.

        Args:
            where: path or preset.
            bench: take it as a bench load, whatever it says.

        Raises:
            TreatmentError: no such file, or one sentence for each mistake in it.
        """
        from controller.treatment.catalogue import text_of

        source = fspath(where)
        return cls.from_toml(text_of(source), source, bench=bench)

    @classmethod
    def from_toml(cls, text: str, source: str, *, bench: bool = False) -> Treatment:
        """Read the text of a treatment file; ``source`` names it in every sentence."""
        return cls.from_dict(parsed(text, source), source, bench=bench)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: str = "treatment", *, bench: bool = False) -> Treatment:
        """The inverse of ``as_dict``."""
        if not isinstance(data, Mapping):
            raise TreatmentError([f"{source}: found {shown(data)}, expected the tables of a treatment"])
        table = _checked({**data, "load": "bench"} if bench else data, source)
        drug = table.get("drug")
        return cls(
            name=table["name"],
            load_kind=table["load"],
            phases=tuple(Phase(**{**phase, "pole": Pole(phase["pole"])}) for phase in table["phase"]),
            drug=None if drug is None else drugs()[drug["id"]],
            patch=Patch(**table.get("patch", {})),
            limits=Limits(**table.get("limits", {})),
            policy=Policy(**table.get("policy", {})),
            screening=Screening(**table.get("screening", {})),
            source=source,
        )

    @classmethod
    def short(cls, current_ma: float, dose_ma_min: float, pole: Pole | str) -> Treatment:
        """One phase into a bench load, without a file."""
        sign = pole.value if isinstance(pole, Pole) else pole
        asked = ((current_ma, "mA"), (dose_ma_min, "mA.min"))
        phase = {"pole": sign, "current_ma": current_ma, "dose_ma_min": dose_ma_min}
        what = " to ".join(f"{shown(value).removesuffix('.0')} {unit}" for value, unit in asked)
        name = f"Bench load, {what}, pole {sign}"
        return cls.from_dict({"format": FORMAT, "name": name, "load": "bench", "phase": [phase]}, "the short form")

    def on_bench(self) -> Treatment:
        """The same as a bench load; the patch stays for information."""
        return replace(self, load_kind="bench")

    # -- what they say
    # -----------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """The treatment as in the file: plain values, defaults written out, what is absent left out."""
        whole: dict[str, Any] = {"format": FORMAT, "name": self.name, "load": self.load_kind}
        if self.drug is not None:
            whole["drug"] = {"id": self.drug.id}
        whole["patch"] = _said(self.patch)
        whole["phase"] = [{**_said(phase), "pole": phase.pole.value} for phase in self.phases]
        whole |= {"limits": _said(self.limits), "policy": _said(self.policy)}
        whole["screening"] = _said(self.screening)
        return {key: value for key, value in whole.items() if value != {}}

    def prescriptions(self) -> tuple[Prescription, ...]:
        """What the unit is told, one for each phase."""
        return tuple(phase.prescription(self.limits, self.policy) for phase in self.phases)

    @property
    def dose_ma_min(self) -> float:
        """Charge of all phases together, whatever their poles."""
        return round(sum(phase.charge_ma_min for phase in self.phases), 1)

    @property
    def planned_s(self) -> float:
        """Time with current of all phases together, pauses between them not counted."""
        return sum(Profile.of(prescription).duration_s for prescription in self.prescriptions())

    def density_ma_cm2(self, phase: int) -> float | None:
        """At the drug electrode, phases counted from 0; None on a bench load or without an area."""
        area = self.patch.drug_area_cm2
        if self.load_kind == "bench" or area is None:
            return None
        return density_ma_cm2(self.phases[phase], area)

    def drug_estimate(self) -> DrugEstimate | None:
        """Mass of drug by Faraday's law; None without a drug or where its molar mass is not known."""
        return None if self.drug is None else estimate(self.drug, self.dose_ma_min)

    def warnings(self) -> tuple[str, ...]:
        """What is allowed and should still be known, one sentence each."""
        return tuple(_warnings(self))


def _checked(data: Mapping[str, Any], source: str) -> Any:  # noqa: ANN401 - TreatmentTable, entered by key
    table, problems = structured(data)
    problems += mistakes(table, data) if table else []
    if problems:
        problems.sort(key=lambda problem: problem.rank)
        raise TreatmentError([problem.sentence(source) for problem in problems])
    return table


def _said(part: Patch | Phase | Limits | Policy | Screening) -> dict[str, Any]:
    return {key: value for key, value in asdict(part).items() if value is not None}


def _warnings(treatment: Treatment) -> Iterator[str]:
    for number, phase in enumerate(treatment.phases, 1):
        if treatment.load_kind == "person":
            yield from _dense(number, phase, treatment.patch)
        prescription = phase.prescription(treatment.limits, treatment.policy)
        profile = Profile.of(prescription)
        if profile.is_triangle:
            yield (
                f"phase {number}: {phase.charge_ma_min:g} mA.min is less than the two ramps; "
                f"the current turns round at {profile.peak_ua / 1000:.2f} of {phase.current_ma:g} mA"
            )
        if phase.duration_min is not None:
            product = phase.current_ma * phase.duration_min
            if product - phase.charge_ma_min > 1e-6:
                asked = f"{phase.duration_min:g} min at {phase.current_ma:g} mA are {product:.3f} mA.min"
                yield f"phase {number}: {asked}, delivered rounded down as {phase.charge_ma_min:g}"
    if len({phase.pole for phase in treatment.phases}) > 1:
        yield "the pole changes between phases: The Fischer does so, Hidrex advises against it"
    if treatment.load_kind == "person" and treatment.patch.rated_ma_min is None:
        yield "rated_ma_min is not given: whether the patch can carry the dose is not checked"


def _dense(number: int, phase: Phase, patch: Patch) -> Iterator[str]:
    for key in AREAS:
        area: float | None = getattr(patch, key)
        if area is None or density_ma_cm2(phase, area) <= DENSITY_WARN_MA_CM2 + 1e-9:
            continue
        yield (
            f"phase {number}: {density_ma_cm2(phase, area):.3f} mA/cm2 on {key} is above "
            f"{DENSITY_WARN_MA_CM2:g}: watch the skin, a larger electrode is kinder"
        )
