"""What can happen next in a state, and what each costs.

Free is what happens by itself or is asked of a person by the state: a frame arrives in order, time passes, what was
held up arrives, a lead is put back, a person stops, resumes, plugs in again, starts the program again. An
intervention is everything else: a frame is lost, held up or doubled, the line is cut, the program is killed, the port
vanishes, the unit is reset, a lead comes off, somebody presses the stop button, asks for a pause or an abort.

Deliveries to the unit and to the host take different frames from different ends and do not disturb each other, so
their order is fixed: the unit's first. An intervention between them changes that, and is tried between them too.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from controller.machine import SessionState, Trigger
from hw_sim.firmware.machine import PAUSED, PAUSING, RAMP_UP
from tests.evidence.search.bench import CUT_STEPS, Bench

LIVES: Final = 2  # programs, one after the other


class Move(NamedTuple):
    name: str
    at: int = 0


_FREE: Final = frozenset(
    {
        "to unit", "to host", "held arrives", "time passes", "nobody resumes", "cut lasts", "cut ends", "stop",
        "resume", "stop byte", "restart", "plug in", "lead back on",
    }
)  # fmt: skip
# What a person does; the rest of what is free comes by itself.
BY_HAND: Final = frozenset({"stop", "resume", "stop byte", "restart", "plug in", "lead back on"})


def is_free(move: Move) -> bool:
    return move.name in _FREE


def is_settled(bench: Bench) -> bool:
    """Unit quiet, no run open, and nobody at the host who still waits for anything."""
    s = bench.world.firmware.rec
    return not bench.up and not s.is_open and not RAMP_UP <= s.st <= PAUSING and (bench.crashed or bench.host.over)


def possible(bench: Bench, held: int) -> list[Move]:
    """Every move from here, with at most ``held`` frames aside."""
    moves = [Move("held arrives", k) for k in range(len(bench.aside)) if not bench.cut]
    if bench.cut is not None:
        if bench.cut[0] != "port gone":
            moves.append(Move("cut ends"))
        if bench.cut[1] < len(CUT_STEPS) and bench.awake:  # long enough for whoever still waits
            moves.append(Move("cut lasts"))
        if bench.cut[0] == "port gone" and bench.host.over and bench.world.firmware.rec.st == PAUSED:
            moves.append(Move("nobody resumes"))
        elif bench.cut[0] == "port gone" and bench.host.over and not is_settled(bench):
            moves.append(Move("time passes"))
    else:
        moves += _on_line(bench, len(bench.aside) < held)
    settled = is_settled(bench)
    if bench.crashed:
        moves += _without_host(bench)
    elif not bench.host.over:
        moves += _with_host(bench)
    return moves if settled else moves + _to_bench(bench)


def _on_line(bench: Bench, room: bool) -> list[Move]:
    cuts = [] if bench.deaf else [Move("line cut"), Move("line to host cut")]
    if bench.up:
        return [
            *cuts,
            Move("to unit"),
            Move("lost to unit"),
            *([Move("twice to unit"), Move("late to unit")] if room else []),
        ]
    if bench.down:
        moves = [*cuts, Move("to host"), *([Move("late to host")] if room else [])]
        if bench.down[0][:1] != b"~":  # a telemetry line alone is lost by holding it up, all of them by a cut
            moves += [Move("lost to host"), *([Move("twice to host")] if room else [])]
        return moves
    moves = [*cuts, Move("time passes")]
    if bench.world.firmware.rec.st == PAUSED and not bench.aside:
        moves.append(Move("nobody resumes"))
    return moves


def _with_host(bench: Bench) -> list[Move]:
    host, engine = bench.host, bench.host.engine
    moves = [Move("crash")]
    if host.port_lost:
        return [*moves, Move("plug in")]
    if bench.cut is None:
        moves.append(Move("unplug"))
    if engine is None:
        return moves
    if not host.stopped:
        moves += [Move("stop"), Move("abort")]
    if engine.course.machine.can(Trigger.PAUSE):
        moves.append(Move("pause"))
    if engine.state is SessionState.PAUSED and not bench.up and not bench.down:
        moves.append(Move("resume"))
    return moves


def _without_host(bench: Bench) -> list[Move]:
    moves = [] if bench.host.life >= LIVES or bench.up else [Move("restart")]
    if RAMP_UP <= bench.world.firmware.rec.st <= PAUSING:
        moves.append(Move("stop byte"))
    return moves


def _to_bench(bench: Bench) -> list[Move]:
    moves = [Move("reset")]
    moves.append(Move("lead off") if bench.world.plant.alpha_drug > 0 else Move("lead back on"))
    if not bench.pressed:
        moves.append(Move("stop button"))
    return moves


def make(bench: Bench, move: Move) -> None:
    """Make the move, on the bench as it stands."""
    match move.name:
        case "to unit" | "lost to unit" | "twice to unit" | "late to unit":
            frame, bench.up = bench.up[0], bench.up[1:]
            if move.name[:1] == "t":
                bench.give_unit(frame)
            if move.name[:5] in ("twice", "late "):
                bench.aside += ((True, frame),)
        case "to host" | "lost to host" | "twice to host" | "late to host":
            frame, bench.down = bench.down[0], bench.down[1:]
            if move.name[:5] in ("twice", "late "):
                bench.aside += ((False, frame),)
            if move.name[:1] == "t":
                bench.give_host(frame)
        case "held arrives":
            to_unit, frame = bench.aside[move.at]
            bench.aside = bench.aside[: move.at] + bench.aside[move.at + 1 :]
            (bench.give_unit if to_unit else bench.give_host)(frame)
        case "time passes":
            _pass_time(bench)
        case "nobody resumes":
            bench.wait_out_pause()
        case "line cut" | "line to host cut":
            bench.cut_line("both" if move.name == "line cut" else "down")
        case "cut lasts":
            bench.last_cut()
        case "cut ends":
            bench.cut = None
        case _:
            _by_hand(bench, move.name)


def _pass_time(bench: Bench) -> None:
    """The host looks at its clock; if that made it say nothing, the next instant comes."""
    if bench.awake:
        bench.give_host(b"")
    if not bench.up:
        bench.tick()


def _by_hand(bench: Bench, what: str) -> None:
    match what:
        case "stop":
            bench.order("stop")
        case "abort":
            bench.order("abort")
        case "pause":
            bench.order("pause")
        case "resume":
            bench.order("resume")
        case "stop byte":
            bench.give_unit(b"\x18")
        case "crash":
            bench.crash()
        case "restart":
            bench.restart()
        case "unplug":
            bench.unplug()
        case "plug in":
            bench.plug()
        case "reset":
            bench.act("power_cycle", stop=True)
        case "lead off":
            bench.act("lift", "drug")
        case "lead back on":
            bench.act("replace", "drug")
        case "stop button":
            bench.pressed = True
            bench.act("local_stop")
        case _:
            raise ValueError(f"{what}: no such move")
