"""``ionto-sim credibility``: the page that says how far the simulator may be believed, made anew."""

from __future__ import annotations

from pathlib import Path

import click

DISAGREES = 8


@click.command(epilog="\b\nExample:\n  ionto-sim credibility\n  ionto-sim credibility --out docs")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Write simulator.md and its plots there.")
def credibility(out: Path | None) -> int:
    """Compare the model with ten published observations; exit code 8 where it disagrees.

    With --out the whole page is written: reference run, peeling, error budget of the front end, and what stays unseen.
    """
    from hw_sim.credibility.observations import OBSERVATIONS

    held = True
    for row in OBSERVATIONS:
        got = row.compute()
        held &= got.agrees
        unit = "" if row.unit == "times" else f" {row.unit}"
        low = "" if got.low == float("-inf") else f"{got.low:g} to "
        sign = "agrees   " if got.agrees else "DISAGREES"
        click.echo(f"{row.number:2} {sign} {got.value:8.3g}{unit:10} of {low}{got.high:g}  {row.standing:9} {row.what}")
    if out is not None:
        from hw_sim.rig.credibility_page import page

        for name, text in page().items():
            path = out / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            except OSError as exc:
                raise click.UsageError(f"--out: {path} cannot be written: {exc.strerror or exc}") from exc
            click.echo(str(path), err=True)
    return 0 if held else DISAGREES
