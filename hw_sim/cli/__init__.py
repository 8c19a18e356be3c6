"""``ionto-sim``: the simulated unit from the command line."""

from __future__ import annotations


def main() -> None:
    """Entry point of the command."""
    from hw_sim.cli.commands import cli

    cli(prog_name="ionto-sim")
