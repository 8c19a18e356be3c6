"""``ionto stop``, ``pause``, ``resume``: to the running session, through its lock file; ``stop`` to a bare unit too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from controller.cli import exits
from controller.cli.choice import json_option, port_option, port_to_stop
from controller.link import Verb
from controller.serial_link import HolderReply, ask_holder
from controller.wire import UnitState
from controller.wire.spec import ENERGISED

if TYPE_CHECKING:
    from controller.unit import Unit

ANSWER_S = 4.0  # a stop is answered when the output is seen to be off: 1 s of ramp, then telemetry
SETTLE_S = 2.5
QUIET_MA = 0.05
_ENERGISED = frozenset(state.value for state in ENERGISED)


@click.command()
@port_option
@json_option
def stop(port: str | None, as_json: bool) -> int:
    """STOP now: asks every running session of this user, or the one on PORT; opens a port only when nobody holds it.

    \b
    Example:  ionto stop
    """
    replies = ask_holder(port, "stop", ANSWER_S)
    if replies:
        return _report(replies, "stop", as_json)
    target = port_to_stop(port)
    if target is None or target.startswith("sim://"):
        click.echo(json.dumps([]) if as_json else "no session is running, and no port was named (--port)")
        return exits.DONE
    return _stop_bare(target, as_json)


def _stop_bare(port: str, as_json: bool) -> int:
    """Nobody holds the port: stop bytes and the plain door, which need no session."""
    from controller.serial_link import open_link
    from controller.unit import Unit

    row: dict[str, Any] = {"port": port, "state": None, "current_ma": None, "zero": False, "problem": None}
    unit = Unit(open_link(port, purpose="ionto stop"))
    try:
        unit.brake()
        give_up = unit.now + SETTLE_S
        while not row["zero"] and unit.now < give_up:
            row |= _reading(unit)
    finally:
        unit.link.close()
    if as_json:
        click.echo(json.dumps([row]))
    else:
        reading = "" if row["state"] is None else f"{row['state']}, {row['current_ma']:.3f} mA"
        not_off = "" if row["problem"] or row["zero"] else ": STILL FLOWING, take the electrodes off"
        click.echo(f"{port}: {row['problem'] or reading}{not_off}")
    return exits.DONE if row["zero"] else exits.UNCERTAIN


def _reading(unit: Unit) -> dict[str, Any]:
    """What the plain door says; what is no reading comes from something that is no unit."""
    from controller.errors import Unacknowledged

    try:
        answer = unit.query("MEAS:ALL?")
    except Unacknowledged:
        return {"problem": "STOP was sent, but no unit answers: look at it; in doubt, take the electrodes off"}
    unit.pump(unit.now + 0.05)
    state, *numbers = answer.split(",")
    try:
        i_ma = float(numbers[0]) * 1000
        state = UnitState(state).value
    except (IndexError, ValueError):
        return {"problem": f'STOP was sent, but what answers is not an ionto unit; it said "{answer[:60]}"'}
    zero = abs(i_ma) <= QUIET_MA and state not in _ENERGISED
    return {"state": state, "current_ma": i_ma, "zero": zero, "problem": None}


@click.command()
@port_option
@json_option
def pause(port: str | None, as_json: bool) -> int:
    """Pause the running session: ramp to zero, keep the dose.

    \b
    Example:  ionto pause
    """
    return _order(port, "pause", as_json)


@click.command()
@port_option
@json_option
def resume(port: str | None, as_json: bool) -> int:
    """Resume the paused session: the contact is measured again, then it ramps up.

    \b
    Example:  ionto resume
    """
    return _order(port, "resume", as_json)


def _order(port: str | None, verb: Verb, as_json: bool) -> int:
    replies = ask_holder(port, verb, ANSWER_S)
    if not replies:
        click.echo(json.dumps([]) if as_json else f"no session is running that could {verb}", err=not as_json)
        return exits.REFUSED
    return _report(replies, verb, as_json)


def _report(replies: list[HolderReply], verb: Verb, as_json: bool) -> int:
    rows: list[dict[str, Any]] = []
    for reply in replies:
        answer = reply.answer or {}
        rows.append({"port": reply.holder.port, "pid": reply.holder.pid, "problem": reply.problem or None, **answer})
    if as_json:
        click.echo(json.dumps(rows))
    else:
        for row in rows:
            click.echo(_sentence(row, verb))
    bad = [
        row for row in rows if row["problem"] or not row.get("done", False) or (verb == "stop" and not row.get("zero"))
    ]
    return (exits.UNCERTAIN if verb == "stop" else exits.REFUSED) if bad else exits.DONE


def _sentence(row: dict[str, Any], verb: Verb) -> str:
    who = f"{row['port']} (pid {row['pid']})"
    if row["problem"]:
        return f"{who}: {row['problem']}"
    if not row.get("done", False):
        return f"{who}: cannot {verb} in {row.get('state')}"
    current = "" if row.get("current_ua") is None else f", {row['current_ua'] / 1000:.3f} mA"
    if verb == "stop" and not row.get("zero"):
        return f"{who}: stopped, but the output was not seen to be off{current}: look at the unit"
    return f"{who}: {verb} done, {row.get('state')}{current}"
