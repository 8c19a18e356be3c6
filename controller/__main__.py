"""``python -m controller`` is ``ionto``."""

from controller.cli import main

main()
