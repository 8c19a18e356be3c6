"""``ionto``: the composition root. The only room that prints, picks a port and a clock, or ends the process.

Each command lives in a file of its own and is imported when it is asked for: ``ionto --version`` costs no pySerial
and no state machine. Every error of the package becomes one sentence and an exit code here, never a traceback.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import click

from controller.cli import exits
from controller.version import __version__

# command -> (module, its one-line help, kept here so that ``--help`` imports nothing)
COMMANDS: Final = {
    "run": ("run", "Deliver a treatment: check, ramp, hold to the dose, ramp down, record."),
    "plan": ("plan", "Show what would be delivered; send nothing."),
    "treatments": ("treatments", "Presets, and a commented file to start from."),
    "ports": ("ports", "Ports, with who holds them."),
    "info": ("info", "Identity, limits, faults and counters of a unit."),
    "stop": ("orders", "STOP now, whatever runs and whoever holds the port."),
    "pause": ("orders", "Pause the running session."),
    "resume": ("orders", "Resume the paused session."),
    "clear": ("clear", "Clear latched faults."),
    "console": ("console", "Type plain or sealed commands; reads and stops, never raises the current."),
    "doctor": ("doctor", "What is wrong with this machine's set-up, and how to mend it."),
    "report": ("report", "A verification as a page, as JUnit XML, CSV or JSON."),
    "runs": ("runs", "What is on record: list, show, plot, compare, export, yield, recover, prune."),
    "verify": ("verify", "Bench acceptance of a unit: measure, judge, record."),
    "conform": ("conform", "Check a unit, sentence by sentence, against the protocol's page."),
    "config": ("config", "What is set, and where each value comes from."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"controller.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean `ionto {near[0]}`?" if near else " `ionto --help` lists the commands."
            raise click.UsageError(f"there is no command {args[0]!r}.{hint}", ctx) from exc


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ionto")
def cli() -> None:
    """Drive a current-controlled iontophoresis unit, or the simulated one.

    \b
    Example:  ionto run preset:dexamethasone-40 --bench
    An engineering tool, not a medical device.
    """


def main() -> None:
    """Entry point of the command."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    try:
        result = cli.main(args=arguments, prog_name="ionto", standalone_mode=False)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return exits.STOPPED
    except click.ClickException as exc:
        exc.show()
        return exits.USAGE
    except BrokenPipeError:
        return exits.STOPPED
    except Exception as exc:
        code, sentence = exits.of_error(exc)
        click.echo(sentence, err=True)
        return code
    return result if isinstance(result, int) else exits.DONE
