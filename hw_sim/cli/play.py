"""``ionto-sim play``: a scenario from both ends in one process, what was expected of it, and what happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hw_sim.rig.play import Play

NOT_AS_EXPECTED = 8


_EXAMPLE = """\b
Example:
  ionto-sim play peeling --plot peeling.svg
  ionto-sim play noisy-usb preset:dexamethasone-40
  ionto-sim play --all"""


@click.command(epilog=_EXAMPLE)
@click.argument("scenario", required=False)
@click.argument("treatment", required=False, metavar="[TREATMENT.toml|preset:NAME]")
@click.option("--all", "everything", is_flag=True, help="Play every scenario that ships; one line each.")
@click.option("--plot", "plot", metavar="FILE.svg", type=click.Path(path_type=Path), help="Truth beside telemetry.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Keep the driver's record there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a scenario.")
def play(
    scenario: str | None, treatment: str | None, everything: bool, plot: Path | None, out: Path | None, as_json: bool
) -> int:
    """Play a scenario with the driver, in virtual time; exit code 8 when it did not go as expected.

    Without a treatment the scenario's own is given, and judged by what the scenario expects of it. With another one
    nothing is expected; what happened is told, truth beside telemetry. The invariants are judged in either.
    """
    if everything == (scenario is not None):
        raise click.UsageError("name a scenario (`ionto-sim scenarios` lists them), or give --all")
    if everything:
        return _everything(as_json)
    played = _played(str(scenario), treatment, out)
    if plot is not None:
        from hw_sim.rig.picture import picture

        try:
            plot.write_text(picture(played), encoding="utf-8")
        except OSError as exc:
            raise click.UsageError(f"--plot: {plot} cannot be written: {exc.strerror or exc}") from exc
    _tell(played, as_json)
    if plot is not None:
        click.echo(f"plot      {plot}", err=as_json)
    return 0 if played.held else NOT_AS_EXPECTED


def _played(name: str, treatment: str | None, out: Path | None) -> Play:
    from controller import IontoError, Treatment
    from hw_sim.rig.play import play as play_both
    from hw_sim.scenario import parse

    try:
        given = None if treatment is None else Treatment.load(treatment, bench=True)
        return play_both(parse(name), given, out=out)
    except (IontoError, ValueError) as exc:
        raise click.UsageError(str(exc)) from exc


def _everything(as_json: bool) -> int:
    from hw_sim.rig.play import every
    from hw_sim.scenario import SCENARIOS

    wrong = 0
    for played in every(iter(SCENARIOS.values())):
        if isinstance(played, tuple):
            name, text, held = played[0].name, str(played[1]), False
        else:
            name, held = played.scenario.name, played.held
            wants = [f"{p.what}: {p.happened}, expected {p.expected}" for p in played.points if not p.held]
            text = "; ".join([*wants, *(f"{number} {said}" for number, said in played.broken.items())])
        wrong += not held
        if as_json:
            click.echo(json.dumps({"scenario": name, "held": held, "problem": text}))
        else:
            click.echo(f"{'as expected' if held else 'NOT':12} {name:24} {text}".rstrip())
    click.echo(f"{wrong} not as expected" if wrong else "all as expected", err=True)
    return NOT_AS_EXPECTED if wrong else 0


def _tell(played: Play, as_json: bool) -> None:
    happened = played.happened
    if as_json:
        click.echo(json.dumps(_facts(played)))
        return
    click.echo(f"{played.scenario.name}: {played.scenario.expect}")
    click.echo(f"treatment {played.treatment.name}")
    click.echo(f"outcome   {happened.outcome}")
    click.echo(f"events    {' '.join(text for _, text in happened.events) or 'none: no current was asked for'}")
    click.echo(f"dose      {happened.true_dose_ma_min:.4f} mA.min flowed, the unit says {happened.dose_ma_min:.4f}")
    click.echo(f"current   at most {happened.peak_ma:.3f} mA; {happened.left_ma:.3f} mA 3 s after the end")
    for point in played.points:
        sign = "  held" if point.held else "  NOT "
        click.echo(
            f"{sign}  {point.what}: expected {point.expected}" + ("" if point.held else f", was {point.happened}")
        )
    for number, said in played.broken.items():
        click.echo(f"  NOT   {number} {said}")
    if not played.broken:
        click.echo("  held  invariants: none violated")
    if played.points or played.broken:
        click.echo("as expected" if played.held else "NOT as expected")


def _facts(played: Play) -> dict[str, Any]:
    happened = played.happened
    return {
        "scenario": played.scenario.name,
        "expect": played.scenario.expect,
        "treatment": played.treatment.name,
        "seed": played.scenario.seed,
        "outcome": happened.outcome,
        "events": [{"t_s": at / 1e6, "event": text} for at, text in happened.events],
        "dose_ma_min": round(happened.dose_ma_min, 6),
        "true_dose_ma_min": round(happened.true_dose_ma_min, 6),
        "peak_ma": round(happened.peak_ma, 6),
        "answer_ms": happened.answer_ms,
        "left_ma": round(happened.left_ma, 6),
        "points": [point._asdict() for point in played.points],
        "violated": played.broken,
        "held": played.held if played.points or played.broken else None,
        "record": None if played.record is None or played.record.folder is None else str(played.record.folder),
    }
