"""The drug table, the pole that drives each drug, and how much of it a charge can carry.

Like charges repel: an anion moves into the skin under the negative electrode only. The table (``drugs.toml``)
says for each fact where it comes from, and "textbook" where nobody looked it up.

Faraday's law gives the mass that a charge carries if the drug carries all of it; it carries a fraction t,
its transport number, and the ions of skin and vehicle carry the rest. Where t is not known the mass at t =
1 is an upper bound and is called one: the true figure is often a tenth of it, and a guess in between would
look like knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from controller.treatment.prescription import Pole
from controller.units import UC_PER_MA_MIN

FARADAY_C_PER_MOL: Final = 96_485.332_12  # e * N_A, exact in the SI since 2019, here to ten digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """One entry of the table; None where it holds no figure."""

    id: str
    name: str
    pole: Literal["+", "-", "either"]
    concentration: str | None = None
    molar_mass_g_mol: float | None = None
    z: int | None = None
    transport: float | None = None
    use: str | None = None
    source: str

    def refuses(self, pole: Pole) -> str | None:
        """Why this drug is not delivered from that pole; None when it is."""
        if self.pole in ("either", pole.value):
            return None
        ion, driving = ("an anion", "negative") if self.pole == "-" else ("a cation", "positive")
        return (
            f'found "{pole.value}", expected "{self.pole}" for {self.name}: it is {ion}, like charges repel, '
            f"only the {driving} electrode drives it into the skin; on {pole.value} it stays in the patch; "
            f'write pole = "{self.pole}" and see that the leads agree'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugEstimate:
    """Mass by Faraday's law. ``transport`` None: not known, ``mg`` is the bound at 1."""

    drug: str
    mg: float
    transport: float | None
    source: str

    @property
    def is_upper_bound(self) -> bool:
        return self.transport is None

    def __str__(self) -> str:
        if self.transport is None:
            kind = "upper bound, as if it carried the whole current; its transport number is not known"
        else:
            kind = f"estimate, at a transport number of {self.transport:g}"
        return f"{self.drug}: {self.mg:.3g} mg ({kind}; source: {self.source})"


@cache
def drugs() -> dict[str, Drug]:
    """The whole table by id."""
    import tomllib

    text = Path(__file__).with_name("drugs.toml").read_text("utf-8")
    return {key: Drug(id=key, **entry) for key, entry in tomllib.loads(text).items()}


def unknown_drug(asked: str) -> str:
    """The sentence for an id that is not in the table, with the nearest ones."""
    from difflib import get_close_matches

    names = {drug.name: key for key, drug in drugs().items()} | {key: key for key in drugs()}
    close = get_close_matches(asked.lower(), names, n=3, cutoff=0.6)
    near = list(dict.fromkeys(names[name] for name in close))
    if near:
        remedy = "did you mean " + " or ".join(f'"{key}"' for key in near) + "?"
        return f'found "{asked}", expected a drug of the table; {remedy}'
    known = ", ".join(drugs())
    return f'found "{asked}", expected one of {known}; choose one, or leave [drug] out on a bench load'


def estimate(drug: Drug, dose_ma_min: float) -> DrugEstimate | None:
    """What a dose carries of a drug; None where its molar mass or charge number is not in the table."""
    if drug.molar_mass_g_mol is None or drug.z is None:
        return None
    share = 1.0 if drug.transport is None else drug.transport
    charge_c = dose_ma_min * UC_PER_MA_MIN / 1e6
    grams = share * charge_c * drug.molar_mass_g_mol / (drug.z * FARADAY_C_PER_MOL)
    return DrugEstimate(drug=drug.name, mg=1000 * grams, transport=drug.transport, source=drug.source)
