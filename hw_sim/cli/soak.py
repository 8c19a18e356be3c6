"""``ionto-sim soak``: hours of treatments with whatever can go wrong, and what did not hold."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hw_sim.rig.soak import Sum
    from hw_sim.rig.soak_episode import Told

FOUND = 8
STUCK_S = 60.0  # of real time for one episode, which takes a second or two

_EXAMPLE = """\b
Example:
  ionto-sim soak --hours 12 --seed 3
  ionto-sim soak --episodes 500
  ionto-sim soak --seed 3 --episode 137"""


class Stuck(Exception):
    """No simulated time passes any more."""


@click.command(epilog=_EXAMPLE)
@click.option("--hours", type=click.FloatRange(0.01, 10_000), help="Of virtual time; 1 where nothing else is said.")
@click.option("--episodes", type=click.IntRange(1, 10_000_000), help="So many, instead of hours.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Another seed, another soak."
)
@click.option("--episode", type=click.IntRange(0, 10_000_000), help="This one again, told in full.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def soak(hours: float | None, episodes: int | None, seed: int, episode: int | None, as_json: bool) -> int:
    """Treatment after treatment with random faults, loads and operators; exit code 8 when something did not hold.

    After each episode everything is lifted: the unit must come to rest without current, IDLE must be reachable, and the
    dose must be within the prescription and within what the record says. Every line of a find ends with the command
    that repeats it.
    """
    from hw_sim.rig.soak import repeat

    if sum(given is not None for given in (hours, episodes, episode)) > 1:
        raise click.UsageError("--hours, --episodes and --episode: give one of them")
    if episode is not None:
        with _guarded() as guard:
            guard()
            told = repeat(seed, episode)
        _tell_one(told, as_json)
        return FOUND if told.finds else 0
    length = f"--hours {1.0 if hours is None else hours:g}" if episodes is None else f"--episodes {episodes}"
    total = _soak(seed, 1.0 if hours is None and episodes is None else hours, episodes, as_json)
    if total is None:
        return 0
    leak = total.leak()
    _tell_sum(total, leak, f"ionto-sim soak {length} --seed {seed}", as_json)
    return FOUND if total.finds or leak else 0


def _soak(seed: int, hours: float | None, episodes: int | None, as_json: bool) -> Sum | None:
    from hw_sim.rig.soak import soak as play

    total: Sum | None = None
    with _guarded() as guard:
        guard()
        try:
            for told, total in play(seed, math.inf if hours is None else hours, episodes):
                guard()
                _tell_finds(told, seed, err=as_json)
                if total.episodes % 50 == 0:
                    click.echo(f"{total.episodes} episodes, {total.lasted_s / 3600:.1f} h", err=True)
        except Exception:
            click.echo(f"broke off in: {_again(seed, 0 if total is None else total.episodes)}", err=True)
            raise
    return total


def _again(seed: int, episode: int) -> str:
    return f"ionto-sim soak --seed {seed} --episode {episode}"


@contextmanager
def _guarded() -> Iterator[Any]:
    """A call that gives the next episode its real time; where the system has no such timer, as much as it wants."""
    if not hasattr(signal, "setitimer"):
        yield lambda: None
        return

    def stuck(*_: object) -> None:
        raise Stuck(f"an episode took more than {STUCK_S:g} s of real time")

    before = signal.signal(signal.SIGALRM, stuck)
    try:
        yield lambda: signal.setitimer(signal.ITIMER_REAL, STUCK_S, STUCK_S)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _tell_finds(told: Told, seed: int, *, err: bool) -> None:
    for find in told.finds:
        click.echo(f"NOT  {find.what}: {find.seen}", err=err)
        click.echo(f"     {_again(seed, find.episode)}", err=err)


def _tell_one(told: Told, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({
            "episode": told.plan.number, "plan": told.plan.lines(), "outcomes": told.outcomes, "error": told.error,
            "struck": told.struck, "true_uc": round(told.true_uc), "lasted_s": told.lasted_s, "notes": told.notes,
            "finds": [find._asdict() for find in told.finds],
        }))  # fmt: skip
        return
    for line in told.plan.lines():
        click.echo(line)
    click.echo(f"struck    {' '.join(told.struck) or 'nothing'}")
    click.echo(f"outcome   {' '.join(told.outcomes) or 'none'} {told.error}".rstrip())
    click.echo(f"lasted    {told.lasted_s:.1f} s; {told.true_uc:.0f} uC flowed")
    for note in told.notes:
        click.echo(f"note      {note}")
    for find in told.finds:
        click.echo(f"NOT       {find.what}: {find.seen}")


def _tell_sum(total: Sum, leak: str, again: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({
            "seed": total.seed, "episodes": total.episodes, "hours": round(total.lasted_s / 3600, 3),
            "outcomes": total.outcomes, "errors": total.errors, "struck": total.struck,
            "finds": [find._asdict() | {"repeat": _again(total.seed, find.episode)} for find in total.finds],
            "leak": leak, "repeat": again,
            "held": [sample._asdict() for sample in total.held],
        }))  # fmt: skip
        return
    click.echo(f"{total.episodes} episodes, {total.lasted_s / 3600:.2f} h, seed {total.seed}")
    for name, counted in (("outcomes", total.outcomes), ("errors", total.errors), ("struck", total.struck)):
        click.echo(f"{name:9} {' '.join(f'{key} {n}' for key, n in sorted(counted.items())) or 'none'}")
    if total.held:
        click.echo(
            f"held      {total.held[0].objects} objects after the first shift, {total.held[-1].objects} at the end"
        )
    if leak:
        click.echo(f"NOT  what is held does not grow: {leak}\n     {again}")
    click.echo(f"{len(total.finds)} finds" if total.finds else "all held")
