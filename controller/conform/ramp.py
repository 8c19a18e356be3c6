"""Chapters 3.5, 5.6, 6 and 7.1: ramps, the plateau, and the charge. By the unit's own readings and its own clock.

A unit that misreads its current cannot be found out by its readings; that takes a meter (``ionto verify``). What can be
found out is whether its readings agree with each other and with what was asked for.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from controller.conform.bench import DOSE_UC, TICK_MS, Bench
from controller.conform.check import Check, Evidence, Failed, NotRun
from controller.wire import Telemetry

QUIET_UA: Final = 50
FLOOR_UA: Final = 20
RISE: Final = 1.1  # of the slew, over 100 ms
NOISE_UA: Final = 6
Q_STEP_UC: Final = 600
Q_SLACK_UC: Final = 3
WRAP_IN_S: Final = 6
UPTIME_SPAN: Final = 1 << 32


def accuracy_ua(ua: int) -> float:
    """1 % and 10 uA; below 0.1 mA 1 % and 2 uA."""
    return ua * 0.01 + (10 if ua >= 100 else 2)


def durations(b: Bench) -> Evidence:
    evidence = []
    for ua, tu_ms in ((b.ua, 2 * b.ua), (b.ua, 10 * b.ua), (100, 5000), (100, 777)):
        at = len(b.heard)
        up = b.begin(ua, TU=tu_ms)
        top = b.comes("HOLD", tu_ms * 0.00101 + 1.0, at)
        lasted_ms = top.uptime_ms - up.uptime_ms
        if not tu_ms - TICK_MS <= lasted_ms <= tu_ms * 1.005 + 3 * TICK_MS:
            raise Failed(f"TU={tu_ms}: RAMP_UP of {tu_ms} to {tu_ms * 1.005:.0f} ms and a tick", f"{lasted_ms} ms")
        evidence.append(f"I={ua} TU={tu_ms}: {lasted_ms} ms")
        b.keeping = False
        b.done("ABORT")
        b.done("STOP")
    return evidence


def straight(b: Bench) -> Evidence:
    tu_ms = 10 * b.ua
    at = len(b.heard)
    up = b.begin(TU=tu_ms)
    b.done("TELE ms=20")
    b.comes("HOLD", tu_ms * 0.00101 + 1.0, at)
    lines = [line for line in b.telemetry(at) if line.uptime_ms > up.uptime_ms and line.state.value == "RAMP_UP"]
    worst, where = 0.0, lines[0]
    for line in lines:
        # Readings are means of two ticks: a tick behind the ramp.
        asked = b.ua * (line.uptime_ms - up.uptime_ms - TICK_MS) / tu_ms
        if abs(line.i_ua - asked) > worst:
            worst, where = abs(line.i_ua - asked), line
    allowed = accuracy_ua(b.ua) + 3 * TICK_MS * b.ua / tu_ms + 0.02 * b.ua
    if worst > allowed:
        raise Failed(f"a straight ramp, to {allowed:.0f} uA", f"i={where.i_ua} at {where.uptime_ms - up.uptime_ms} ms")
    if {line.set_ua for line in lines} != {b.ua}:
        raise Failed(f"set={b.ua}, what the unit is heading for", str({line.set_ua for line in lines}))
    return [f"{len(lines)} readings in RAMP_UP, the worst {worst:.0f} uA off the line; set={b.ua} all the way"]


def plateau(b: Bench) -> Evidence:
    evidence = []
    for ua in {b.ua, 100, 50, 20}:
        b.hold(ua, 60_000 if ua < 100 else None)
        b.done("TELE ms=20")
        b.listen(0.5)
        at = len(b.heard)
        b.listen(1.0)
        lines = b.telemetry(at)
        means = [sum(values) / len(lines) for values in ([x.i_ua for x in lines], [x.i2_ua for x in lines])]
        if any(abs(mean - ua) > accuracy_ua(ua) for mean in means):
            raise Failed(f"i and i2 {ua} uA to {accuracy_ua(ua):.0f}", f"i={means[0]:.1f} i2={means[1]:.1f}")
        if any(not line.relay or line.limited for line in lines):
            raise Failed("rl=1 lim=0 in HOLD", str(lines[0]))
        evidence.append(f"I={ua}: i={means[0]:.1f} i2={means[1]:.1f} uA, means of a second")
        b.keeping = False
        b.done("ABORT")
        b.done("STOP")
    return evidence


def quotient(b: Bench) -> Evidence:
    b.hold(TU=10 * b.ua)
    lines = b.telemetry()
    for line in lines:
        z = (1000 * line.v_mv + line.i_ua // 2) // line.i_ua if line.i_ua >= FLOOR_UA else 0
        if line.z_ohm != z:
            raise Failed(f"z={z} for i={line.i_ua} v={line.v_mv}", f"z={line.z_ohm}")
    ohm, last = b.load_ohm, lines[-1]
    if ohm is not None and abs(last.z_ohm - ohm) > ohm // 10 + 200:
        raise Failed(f"z={ohm}, the load, to a tenth and 200 ohm", f"z={last.z_ohm}")
    if any(line.i_ua >= FLOOR_UA for line in lines) is False:
        raise Failed("readings of a current", "none")
    return [f"{len(lines)} lines: z is (1000 v + i/2) / i, rounded down, 0 below {FLOOR_UA} uA; z={last.z_ohm} in HOLD"]


def dose(b: Bench) -> Evidence:
    """A whole run to its dose, the smallest there is."""
    td_ms = b.ua * 5
    at = len(b.heard)
    b.begin(uc=DOSE_UC, TD=td_ms)
    b.done("TELE ms=20")
    down = b.comes("RAMP_DOWN", 2 * DOSE_UC / b.ua + 5, at)
    done = b.comes("DONE", td_ms * 0.002 + 2.0, at)
    b.keeping = False
    b.listen(1.0)
    out, q = b.outcome()
    if out != "DONE" or down.fields.get("by") != "UNIT":
        raise Failed("outcome DONE, RAMP_DOWN by=UNIT", f"{out}, by={down.fields.get('by')}")
    off_uc = DOSE_UC * 0.005 + Q_STEP_UC
    if abs(q - DOSE_UC) > off_uc:
        raise Failed(f"q={DOSE_UC}, both ramps included, to {off_uc:.0f}", f"q={q}")
    lines = b.telemetry(at)
    evidence = [f"Q={DOSE_UC}: DONE, q={q}", _integral(lines, q), _monotone(lines)]
    _is_quiet([line for line in lines if line.uptime_ms > done.uptime_ms + 50 + 2 * TICK_MS])
    lasted_ms = done.uptime_ms - down.uptime_ms
    if not td_ms * 0.9 <= lasted_ms <= td_ms * 1.005 + 5 * TICK_MS:
        raise Failed(f"RAMP_DOWN of TD={td_ms}", f"{lasted_ms} ms")
    return [*evidence, f"RAMP_DOWN {lasted_ms} ms of TD={td_ms}; no current in DONE"]


def _integral(lines: list[Telemetry], q_uc: int) -> str:
    """The readings, summed over the unit's time, are the charge it reports."""
    uc = sum(
        (after.uptime_ms - before.uptime_ms) * (before.i_ua + after.i_ua) / 2000
        for before, after in pairwise(lines)
        if before.state.value in ("RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING")
    )
    if abs(uc - q_uc) > 0.02 * q_uc + Q_STEP_UC / 2:
        raise Failed(f"q={uc:.0f}, the integral of i", f"q={q_uc}")
    return f"the integral of i is {uc:.0f} uC"


def _monotone(lines: list[Telemetry]) -> str:
    for before, after in pairwise(line for line in lines if line.state.value not in ("CHECK", "ARMED", "STAGED")):
        if after.q_uc < before.q_uc:
            raise Failed("a charge that never falls in a run", f"q={before.q_uc}, then {after.q_uc}")
    return "q never falls"


def _is_quiet(lines: list[Telemetry]) -> None:
    wrong = [line for line in lines if max(line.i_ua, line.i2_ua) > QUIET_UA or line.relay or line.set_ua]
    if wrong or not lines:
        raise Failed("no current, rl=0, set=0 in DONE", str(wrong[0]) if wrong else "no telemetry")


def turns_early(b: Bench) -> Evidence:
    """A dose smaller than its two ramps."""
    ua, tu_ms, td_ms = b.ua, 20 * b.ua, 5 * b.ua
    if ua * (tu_ms + td_ms) // 2000 <= DOSE_UC:
        raise NotRun("the two ramps of this current are less than the smallest dose")
    at = len(b.heard)
    b.begin(uc=DOSE_UC, TU=tu_ms, TD=td_ms)
    b.comes("DONE", (tu_ms + td_ms) / 1000 + 2, at)
    b.keeping = False
    out, q = b.outcome()
    states = [e.fields.get("st") for e in b.events("STATE", at)]
    if out != "DONE" or "HOLD" in states or abs(q - DOSE_UC) > DOSE_UC * 0.005 + Q_STEP_UC:
        raise Failed(f"RAMP_UP, RAMP_DOWN, DONE with q={DOSE_UC}", f"{states} {out} q={q}")
    return [f"Q={DOSE_UC} with TU={tu_ms} TD={td_ms}: turned round in the ramp, q={q}"]


def lowered(b: Bench) -> Evidence:
    ua, td_ms = b.ua, 20 * b.ua
    low = ua // 20 * 10
    b.hold(TD=td_ms, CONT="PAUSE")
    b.done("TELE ms=20")
    evidence = [b.refused(f"SET I={ua + 10}", 3), b.refused(f"SET I={ua - 5}", 3), b.refused("SET I=10", 3)]
    b.done(f"SET I={ua}")
    at, mark = len(b.heard), b.mark()
    reply = b.done(f"SET I={low}")
    b.listen(td_ms * 0.00055 + 0.5)
    lines = b.telemetry(at)
    if reply.integer("I") != low or lines[-1].set_ua != low or lines[-1].state.value != "HOLD":
        raise Failed(f"SET I={low}: I={low}, set={low}, HOLD", f"{dict(reply.fields)} {lines[-1]}")
    reached = next((line for line in lines if line.i_ua <= low + accuracy_ua(low) + NOISE_UA), None)
    took_ms = -1 if reached is None else reached.uptime_ms - mark.unit_ms
    due_ms = td_ms * (ua - low) // ua
    if reached is None or took_ms < due_ms * 0.7 - b.slack_ms or took_ms > due_ms * 1.1 + 100 + b.slack_ms:
        raise Failed(f"{low} uA after {due_ms} ms, at the slew of TD", f"after {took_ms} ms")
    evidence.append(b.refused(f"SET I={ua}", 3))
    at = len(b.heard)
    b.done("PAUSE")
    b.comes("PAUSED", td_ms * 0.0011 + 0.5, at)
    at = len(b.heard)
    b.resume()
    b.comes("HOLD", ua * 0.00202 + 1.0, at)
    if b.status().integer("set") != low:
        raise Failed(f"RESUME ramps to {low}", f"set={b.status().word('set')}")
    return [*evidence, f"SET I={low}: {low} uA after {took_ms} ms (TD: {due_ms}); RESUME ramps to {low}"]


def goes_on(b: Bench) -> Evidence:
    ua, td_ms, tu_ms = b.ua, 5 * b.ua, 5 * b.ua
    at = len(b.heard)
    b.hold(TU=tu_ms, TD=td_ms)
    b.done("TELE ms=20")
    b.listen(0.5)
    b.done("PAUSE")
    pausing, paused = b.comes("PAUSING", 0.5, at), b.comes("PAUSED", td_ms * 0.00101 + 0.5, at)
    down_ms = paused.uptime_ms - pausing.uptime_ms
    if not td_ms * 0.9 <= down_ms <= td_ms * 1.005 + 5 * TICK_MS:
        raise Failed(f"PAUSING of TD={td_ms}", f"{down_ms} ms")
    q = b.status().integer("q")
    up = b.resume()
    b.listen(0.1)
    first = b.telemetry()[-1]
    most = (first.uptime_ms - up.uptime_ms) * ua / tu_ms + accuracy_ua(ua) + NOISE_UA
    if first.i_ua > most:
        raise Failed(f"RESUME ramps from zero: at most {most:.0f} uA", f"{first.i_ua} uA")
    b.comes("HOLD", tu_ms * 0.00101 + 1.0)
    b.listen(0.3)
    after = b.status().integer("q")
    ramp_uc = ua * tu_ms // 2000
    if not q + ramp_uc * 0.8 <= after <= q + ramp_uc * 1.2 + ua:
        raise Failed(f"q goes on from {q} by the ramp's {ramp_uc} uC", f"q={after}")
    b.keeping = False
    return [f"PAUSING {down_ms} ms of TD={td_ms}; RESUME from zero; q {q} > {after}", _monotone(b.telemetry(at))]


def stopped(b: Bench) -> Evidence:
    """What a STOP leaves of the dose."""
    at = len(b.heard)
    b.hold(TU=5 * b.ua)
    b.done("TELE ms=20")
    b.listen(1.0)
    b.keeping = False
    b.done("STOP")
    b.comes("DONE", 1.5, at)
    b.listen(0.3)
    last = b.telemetry()[-1].q_uc
    out, q = b.outcome()
    if out != "STOPPED" or q < last or b.status().integer("q") != q:
        raise Failed(f"STOPPED, q={last} in RUN and STATUS", f"{out} q={q}, STATUS {b.status().word('q')}")
    return [f"STOPPED at q={q}", _monotone(b.telemetry(at))]


def slew(b: Bench) -> Evidence:
    """Whatever is asked: no rise above 1.1 of the slew, over every 100 ms of a run with a pause in it."""
    ua, tu_ms = b.ua, 4 * b.ua
    at = len(b.heard)
    b.hold(TU=tu_ms)
    b.done("TELE ms=20")
    b.done("PAUSE")
    b.comes("PAUSED", ua * 0.00101 + 0.5)
    b.resume()
    b.comes("HOLD", tu_ms * 0.00101 + 1.0)
    b.listen(0.3)
    lines = [line for line in b.telemetry(at) if line.state.value in ("RAMP_UP", "HOLD")]
    for n, line in enumerate(lines):
        for before in lines[max(0, n - 5) : n]:
            span_ms = line.uptime_ms - before.uptime_ms
            most = RISE * span_ms * ua / tu_ms + 2 * NOISE_UA + 0.02 * ua
            if span_ms <= 100 and line.i_ua - before.i_ua > most:
                raise Failed(f"a rise of at most {most:.0f} uA in {span_ms} ms", f"{line.i_ua - before.i_ua} uA")
    over = [line.i_ua for line in lines if line.i_ua > ua * 1.05 + 20]
    if over:
        raise Failed(f"never above {ua} uA by 5 % and 20 uA", f"{over[0]} uA")
    return [f"{len(lines)} readings of two ramps: no rise above {RISE} of the slew, none above the set-point"]


def over_the_wrap(b: Bench) -> Evidence:
    """The unit's uptime begins again at zero in HOLD: dose, lease and state know nothing of it."""
    b.do("inject", fault=f"F11:what=uptime,left={WRAP_IN_S}")
    b.hello()
    b.hold()
    at = len(b.heard)
    b.listen(WRAP_IN_S + 1.0)
    lines = b.telemetry(at)
    if not lines or lines[-1].uptime_ms >= lines[0].uptime_ms:
        raise Failed("the uptime begins again at zero", f"{[line.uptime_ms for line in lines[-2:]]}")
    for before, line in pairwise(lines):
        span_ms = (line.uptime_ms - before.uptime_ms) % UPTIME_SPAN
        meant_uc = line.i_ua * span_ms / 1000
        if abs(line.q_uc - before.q_uc - meant_uc) > 0.1 * meant_uc + Q_SLACK_UC:
            raise Failed(f"q rises by {meant_uc:.0f} uC in {span_ms} ms", f"from {before.q_uc} to {line.q_uc}")
        if line.state.value != "HOLD" or line.lease_ms < b.facts.lease_ms // 2:
            raise Failed("HOLD, the lease kept full", f"{line.state.value}, lk={line.lease_ms}")
    return [f"uptime {lines[0].uptime_ms} to {lines[-1].uptime_ms}: q {lines[0].q_uc} to {lines[-1].q_uc} uC, HOLD"]


CHECKS: Final = (
    Check("RAMP-01", "6", "a ramp lasts TU, up to half a per cent longer and never shorter", durations, ("load",)),
    Check("RAMP-02", "7.1", "the ramp is straight; set is what the unit is heading for", straight, ("load",)),
    Check("RAMP-03", "3.5",
          "in HOLD both channels show the set-point, to 1 % and 10 uA (below 0.1 mA 2 uA)", plateau, ("load",)),
    Check("RAMP-04", "3.5", "z is (1000 v + i/2) / i rounded down, 0 below 20 uA", quotient, ("load",)),
    Check("RAMP-05", "6",
          "the dose includes both ramps and is the integral of the current; DONE has none", dose, ("load",)),
    Check("RAMP-06", "6", "a dose smaller than its two ramps turns round early", turns_early, ("load", "output")),
    Check("RAMP-07", "5.6", "SET lowers at the slew of TD, never raises, and RESUME ramps to it", lowered, ("load",)),
    Check("RAMP-08", "7.1", "PAUSE ramps down in TD; RESUME ramps from zero, and q goes on", goes_on, ("load",)),
    Check("RAMP-09", "7.2",
          "a STOP leaves the charge that has flowed, in telemetry, STATUS and RUN", stopped, ("load",)),
    Check("RAMP-10", "7.1", "no rise is steeper than the ramp, and none goes above the set-point", slew, ("load",)),
    Check("RAMP-11", "3.2",
          "the uptime wraps at 2^32 ms in a run: dose, lease and state go on", over_the_wrap, ("load", "door")),
)  # fmt: skip
