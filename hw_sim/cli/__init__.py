"""``ionto-sim``: the simulated unit from the command line. The only room of the simulator that prints.

Whatever goes wrong ends as one sentence on standard error and an exit code: 2 wrong usage or input, 3 a
port or a device that cannot be had, 1 a bug of ours.
"""

from __future__ import annotations

import sys

import click

BUG, USAGE = 1, 2


def main() -> None:
    """Entry point of the command."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    from hw_sim.cli.commands import cli

    try:
        result = cli.main(args=arguments, prog_name="ionto-sim", standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except click.Abort:
        return 0
    except Exception as exc:  # the last door: what comes here is a bug, and says where its log is
        click.echo(f"internal error ({type(exc).__name__}: {exc}); please report it with {_log(exc)}", err=True)
        return BUG
    return result if isinstance(result, int) else 0


def _log(exc: Exception) -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="ionto-sim-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.writelines(traceback.format_exception(exc))
    return log.name
