"""``ionto plan``: what would be delivered; nothing is sent and no port is opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.choice import json_option
from controller.profile import Profile
from controller.treatment import Treatment
from controller.units import ma_min_from_uc

if TYPE_CHECKING:
    from controller.plot import PlannedPhase


@click.command()
@click.argument("treatment", metavar="TREATMENT.toml|preset:NAME")
@click.option("--bench", is_flag=True, help="as a bench load: no screening asked")
@click.option("--plot", "plot_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg")
@json_option
def plan(treatment: str, bench: bool, plot_path: Path | None, as_json: bool) -> None:
    """Show the profile, time, charge, density, drug estimate and warnings of a treatment; send nothing.

    \b
    Example:  ionto plan preset:macroduct --bench --plot plan.svg
    """
    what = Treatment.load(treatment, bench=bench)
    profiles = [Profile.of(p) for p in what.prescriptions()]
    if plot_path is not None:
        from controller.plot import plan_plot

        _write(plot_path, plan_plot(what.name, _phases(what, profiles)))
    phases = [
        {
            "pole": prescription.pole.value,
            "current_ma": prescription.i_ua / 1000,
            "dose_ma_min": ma_min_from_uc(prescription.q_uc),
            "duration_s": round(profile.duration_s, 1),
            "peak_ma": round(profile.peak_ua / 1000, 3),
            "density_ma_cm2": what.density_ma_cm2(number),
        }
        for number, (prescription, profile) in enumerate(zip(what.prescriptions(), profiles, strict=True))
    ]
    estimate = what.drug_estimate()
    if as_json:
        click.echo(
            json.dumps(
                {
                    "name": what.name,
                    "load": what.load_kind,
                    "phases": phases,
                    "drug_estimate": None if estimate is None else str(estimate),
                    "warnings": list(what.warnings()),
                }
            )
        )
        return
    click.echo(what.name)
    for number, phase in enumerate(phases, 1):
        density = "" if phase["density_ma_cm2"] is None else f", {phase['density_ma_cm2']:.3f} mA/cm2"
        seconds = int(profiles[number - 1].duration_s)
        click.echo(
            f"phase {number}  {phase['peak_ma']:g} mA on pole {phase['pole']}, {phase['dose_ma_min']:g} mA.min in "
            f"{seconds // 60} min {seconds % 60:02d} s{density}"
        )
    if estimate is not None:
        click.echo(f"drug     {estimate}")
    for warning in what.warnings():
        click.echo(f"warning  {warning}")
    if plot_path is not None:
        click.echo(f"plot     {plot_path}")


def _phases(what: Treatment, profiles: list[Profile]) -> list[PlannedPhase]:
    from controller.plot import PlannedPhase

    return [
        PlannedPhase(profile.points(), f"pole {phase.pole.value}")
        for profile, phase in zip(profiles, what.phases, strict=True)
    ]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as exc:
        raise click.UsageError(f"{path}: {exc.strerror or exc}; choose another file for --plot") from exc
