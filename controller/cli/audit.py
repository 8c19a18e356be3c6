"""``ionto runs audit``: whether what must always hold did hold in a run, by its wire log.

A log of any unit will do: a wire log, whose own chain is judged with it (I39), and the record against the log (I28),
where there is one; or what another program captured, as lines of time, direction and text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli import exits
from controller.cli.choice import json_option
from controller.cli.choosing import out_option, say, shelf_of

if TYPE_CHECKING:
    from controller.monitors import Finding


@click.command()
@click.argument("path")
@out_option
@json_option
def audit(path: str, out: str | None, as_json: bool) -> int:
    """Judge a run by what must always hold: PATH is a folder, a wire log, an id, or `last`.

    Exit code 8: something did not hold. What a log cannot show is "not observable", with the reason.

    \b
    Examples:  ionto runs audit last
               ionto runs audit captured.txt --json     lines such as "12.340 > *IDN?"
    """
    log = _log(path, out)
    findings, chain = _judge(log)
    held = sum(finding.verdict.word == "held" for finding in findings)
    violated = [finding for finding in findings if finding.verdict.word == "violated"]
    if as_json:
        whole = {"log": str(log), "chain": chain, "violated": len(violated), "findings": [_row(f) for f in findings]}
        click.echo(json.dumps(whole))
    else:
        for finding in findings:
            click.echo(f"{finding.id}  {finding.title:20}  {finding.verdict}")
        say(f"{log}: {chain}")
        say(f"{len(violated)} violated, {held} held, {len(findings) - len(violated) - held} not observable")
    if violated:
        return exits.VIOLATED
    if not held:
        raise click.ClickException(f"{log}: nothing in it can be judged; is it the log of a run?")
    return exits.DONE


def _log(path: str, out: str | None) -> Path:
    """The wire log that is meant: a path goes before an id."""
    given = Path(path)
    if given.is_file():
        return given
    if given.is_dir():
        return given / "wire.log"
    with shelf_of(out) as shelf:
        return shelf.find(path) / "wire.log"


def _judge(log: Path) -> tuple[list[Finding], str]:
    from controller.journal.capture import read_capture
    from controller.journal.wire_log import Integrity, is_wire_log, read_wire_log
    from controller.monitors import Watch, replay

    watch = Watch()
    if not is_wire_log(log):
        replay(watch, read_capture(log))
        return watch.finish(), "a capture, without a chain"
    contents = read_wire_log(log)
    if not contents.entries and contents.verdict.integrity is Integrity.ALTERED:
        raise click.ClickException(f"{log}: there is no line of a run in it to judge")
    replay(watch, contents.entries)
    proven = contents.verdict.integrity in (Integrity.WHOLE, Integrity.CUT_OFF)
    watch.chained(proven, contents.verdict.line, str(contents.verdict))
    runs = _recorded(log)
    if runs is not None:
        watch.recorded(runs)
    return watch.finish(), str(contents.verdict)


def _recorded(log: Path) -> list[Any] | None:
    """The runs of the record beside the log; None where there is none, or none that can be read."""
    from controller.errors import RecordError
    from controller.journal import Record

    try:
        return list(Record.load(log.parent).runs)
    except (RecordError, KeyError):
        return None


def _row(finding: Finding) -> dict[str, Any]:
    from controller.monitors import Violated

    verdict = finding.verdict
    where = (
        {"line": verdict.line, "t_us": verdict.t_us, "times": verdict.times} if isinstance(verdict, Violated) else {}
    )
    return {
        "id": finding.id, "title": finding.title, "property": finding.property, "verdict": verdict.word,
        "said": str(verdict), **where,
    }  # fmt: skip
