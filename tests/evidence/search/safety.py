"""What must hold in every state that can be reached, of host and unit together.

The unit's own state says most of it. What it cannot say (was this request executed before, has a stop come since the
last ARM) is remembered beside it in a ``Ghost``, which the search carries and nothing else sees. The ghost hears the
firmware execute and begin; it takes nobody's word for either.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from controller.exchange import Confirmed, Refused, Uncertain
from controller.machine import SessionState
from hw_sim.firmware.machine import HOLD, NAMES, PAUSING, RAMP_UP
from hw_sim.firmware.main import outcome_word
from tests.evidence.search.host import PRESCRIPTION, Host, Judged

if TYPE_CHECKING:
    from tests.evidence.search.bench import Bench

_S = SessionState
# The host knows that current flows, or may flow.
CARRYING: Final = frozenset(
    {
        _S.STARTING, _S.RAMPING_UP, _S.HOLDING, _S.RAMPING_DOWN, _S.PAUSING, _S.STOPPING, _S.UNCERTAIN, _S.LOST,
        _S.ABANDONED,
    }
)  # fmt: skip
_REMEMBERED: Final = 8
_QUIET_UA: Final = 50


@dataclass(frozen=True, slots=True)
class Executed:
    """The unit executed a request, whose bytes these are."""

    sid: int
    number: int
    verb: str
    line: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """The unit began to ramp up."""

    resumed: bool


Seen: TypeAlias = Executed | Begun


@dataclass(frozen=True, slots=True)
class Ghost:
    """``sent``: request numbers with the newest bytes sent under them; ``executed``: what the unit executed;
    ``began``: the requests that began a ramp; ``starts``: how often each run was started; ``may_begin``: an ARM was
    executed, and since then neither a stop nor a ramp came.
    """

    sent: tuple[tuple[int, int, bytes], ...] = ()
    executed: tuple[Executed, ...] = ()
    began: tuple[Executed, ...] = ()
    starts: dict[str, int] = field(default_factory=dict)
    may_begin: bool = False


def is_stop(frame: bytes) -> bool:
    """Whether the unit has to obey it from any state."""
    return b"\x18" in frame or frame[11:].startswith((b" STOP", b" ABORT"))


def sent(ghost: Ghost, frame: bytes) -> Ghost:
    """The host has sent it."""
    if frame[:1] == b"\x18":
        return ghost
    body = frame.strip(b"\n")[:-9]
    sid, number = int(body[1:5], 16), int(body[6:10], 16)
    if ghost.sent and ghost.sent[-1] == (sid, number, body):
        return ghost
    others = [entry for entry in ghost.sent if entry[:2] != (sid, number)]
    return replace(ghost, sent=(*others[-_REMEMBERED:], (sid, number, body)))


def heard(ghost: Ghost, seen: tuple[Seen, ...], run: str, *, stop: bool, raised: bool) -> tuple[Ghost, str | None]:
    """What the unit did in one step, after a stop if there was one; the first thing that it should not have done."""
    wrong = None
    if stop:
        ghost = replace(ghost, may_begin=False)
    for what in seen:
        if isinstance(what, Executed):
            wrong = wrong or _execution(ghost, what)
            ghost = replace(
                ghost, executed=(*ghost.executed[-_REMEMBERED:], what), may_begin=ghost.may_begin or what.verb == "ARM"
            )
            continue
        if not what.resumed:
            starts = {**ghost.starts, run: min(2, ghost.starts.get(run, 0) + 1)}
            ghost = replace(ghost, starts=starts)
            if starts[run] > 1:
                wrong = wrong or f"I11: {run} was started a second time"
        if not ghost.may_begin:
            wrong = wrong or "I14: the unit raised the current without an ARM since the last stop or ramp"
        began = ghost.executed[-1:] if any(isinstance(other, Executed) for other in seen) else ()
        ghost = replace(ghost, may_begin=False, began=(*ghost.began[-_REMEMBERED:], *began))
    if raised and not any(isinstance(what, Begun) for what in seen):
        wrong = wrong or "I12: the unit raised its set-point without START or RESUME"
    return ghost, wrong


def _execution(ghost: Ghost, what: Executed) -> str | None:
    """The rule of sessions and numbers: each at most once, in order, and only what its sender means by it."""
    for other in ghost.executed:
        if other.sid == what.sid and other.number >= what.number:
            return f"the unit executed request {what.number:04X} ({what.verb}) after {other.number:04X} ({other.verb})"
    for sid, number, line in ghost.sent:
        if (sid, number) == (what.sid, what.number):
            if line == what.line:
                return None
            meant = line.decode().split(" ")[2]
            return f"the unit executed a stale request: {what.verb} {number:04X}, by which the host now means {meant}"
    return f"the unit executed a request that nobody remembers: {what.verb} {what.number:04X}"


def verdict(ghost: Ghost, judged: Judged) -> str | None:
    """What the host concluded is what the unit did (I27)."""
    asked, body = judged.request, judged.data.strip(b"\n")[:-9]
    if asked.verb in ("HELLO", "TAKE"):
        return None
    done = [what for what in ghost.executed if (what.sid, what.number, what.line) == (asked.sid, asked.number, body)]
    began = any(what in ghost.began for what in done)
    who = f"{asked.verb} {asked.number:04X}"
    match judged.verdict:
        case Confirmed() if not done:
            return f"I27: the host takes {who} for confirmed, and the unit has not executed it"
        case Confirmed() if asked.verb in ("START", "RESUME") and not began:
            return f"I27: the host takes {who} for confirmed, and no ramp was begun"
        case Refused(_, code, _) if code not in (5, 7, 8) and not done:
            return f"I27: the host takes {who} for refused, and the unit has not looked at it"
        case Refused() if began:
            return f"I27: the host takes {who} for refused, and the unit began the ramp"
        case Refused(_, 5 | 7 | 8, _) if done:
            return f"I27: the host takes {who} for not executed, and it was"
        case Confirmed() | Refused() | Uncertain():
            return None


def joint(bench: Bench) -> str | None:
    """What host and unit may not be together."""
    s = bench.world.firmware.rec
    flows = RAMP_UP <= s.st <= PAUSING
    if s.tgt > PRESCRIPTION.i_ua * 1000 or s.prog > PRESCRIPTION.i_ua * 1000:
        return f"I02: the set-point is {max(s.tgt, s.prog) // 1000} uA, more than anybody prescribed"
    host = bench.host
    ours = bench.world.firmware.run == host.run
    if bench.crashed or not ours:
        if flows and s.st <= HOLD and s.lease <= 0:
            return f"I20: {NAMES[s.st]} without a host, and the lease is over"
    elif flows and host.state not in CARRYING:
        return f"the unit is in {NAMES[s.st]} while the host believes {host.state.name}"
    return None if bench.crashed else _end(bench, host, flows and ours)


def _end(bench: Bench, host: Host, flows: bool) -> str | None:
    """What the host says at the end is what the unit has on record, and is quiet."""
    result = None if host.engine is None else host.engine.result
    if result is None or result.outcome == "UNKNOWN":
        return None
    unit = bench.world.firmware
    if flows or (unit.run == host.run and bench.world.plant.i_a * 1e6 > _QUIET_UA):
        return f"I30: the host says {result.outcome} while {bench.world.plant.i_a * 1e6:.0f} uA flow"
    kept = unit.store.find(host.run)
    if kept is None:
        known = result.outcome == "REFUSED" or (result.outcome == "STOPPED" and not result.q_uc)
        return None if known else f"I27: the host says {result.outcome}, and the unit never heard of the run"
    if result.outcome != outcome_word(kept[1]) or result.q_uc != kept[2]:
        return (
            f"I27: the host says {result.outcome} with {result.q_uc} uC, "
            f"the unit has {outcome_word(kept[1])} with {kept[2]} uC"
        )
    return None
