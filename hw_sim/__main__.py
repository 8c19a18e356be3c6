"""``python -m hw_sim``: the command ``ionto-sim`` where it is not installed."""

from hw_sim.cli import main

main()
