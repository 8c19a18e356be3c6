"""Chapter 10: faults by their code, event and action, and the time of the bundled unit's own table.

Thresholds are a unit's own. The times here are those that its manual promises, with what the line takes on top; a unit
with another manual reads its figures from the evidence. What needs somebody at the bench asks the bench door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from controller.conform.bench import FULL_UA, OUTPUT_UA, TICK_MS, Bench
from controller.conform.check import Check, Evidence, Failed, NotRun
from controller.wire import Event

# What they need: current above 0.1 mA, and hands at the bench.
DRIVEN: Final = ("load", "output")
TOUCHED: Final = ("load", "door")
ARRANGED: Final = (*DRIVEN, "door")

RAMP_MS: Final = 1000
AT_ONCE_MS: Final = 50
CLEARABLE_S: Final = 2.1
TIME_CAP_MS: Final = 2000
LATCHED_S: Final = 3.0
COMPLIANCE_SOURCE_MV: Final = 54_000
NAMES: Final = {
    1: "OPEN", 2: "Z_HIGH", 3: "Z_LOW", 4: "COMPLIANCE", 5: "CONTACT", 6: "STEP", 7: "OVERCURRENT", 8: "TRACKING",
    9: "SENSOR", 10: "LEAKAGE", 12: "TIME_CAP", 13: "SUPPLY", 14: "SELFTEST", 15: "NVM", 16: "WATCHDOG",
    18: "INTERLOCK", 19: "TEMPERATURE",
}  # fmt: skip


def trips(
    b: Bench, code: int, within_ms: int, cause: Callable[[], object] = lambda: None, *, at_once: bool, after_ms: int = 0
) -> Evidence:
    """``cause`` is followed by this fault, its event, its action, its outcome, and it latches."""
    at, mark, before_s = len(b.heard), b.mark(), b.now_s
    cause()
    allowed_ms = within_ms + b.slack_ms + round(1000 * (b.now_s - before_s))
    fault = b.event("FAULT", allowed_ms / 1000 + 2.0, at)
    delay_ms = b.since_ms(mark, before_s, fault.uptime_ms)
    _names(b, fault, code)
    if not after_ms - TICK_MS <= delay_ms <= allowed_ms:
        raise Failed(f"fault {code:02d} {after_ms} to {allowed_ms} ms after its cause", f"after {delay_ms} ms")
    end = b.comes("FAULT", 3.0, at)
    lasted_ms = end.uptime_ms - fault.uptime_ms
    if lasted_ms > (AT_ONCE_MS if at_once else RAMP_MS + 2 * TICK_MS):
        raise Failed("FAULT at once" if at_once else "FAULT within a ramp of 1 s", f"after {lasted_ms} ms")
    if not at_once and not any(e.fields.get("st") == "RAMP_DOWN" for e in b.events("STATE", at)):
        raise Failed("RAMP_DOWN, then FAULT", "FAULT at once")
    b.keeping = False
    return [f"fault {code:02d} {NAMES[code]} after {delay_ms} ms, FAULT {lasted_ms} ms later", *_latched(b, code)]


def _names(b: Bench, fault: Event, code: int) -> None:
    fields = fault.fields
    if fields.get("id") != f"{code:02d}" or fields.get("name") != NAMES[code]:
        raise Failed(f"FAULT id={code:02d} name={NAMES[code]}", str(dict(fields)))
    if list(fields)[:7] != ["id", "name", "z", "i", "v", "q", "run"] or fields["run"] != b.run:
        raise Failed(f"id name z i v q run={b.run}", str(dict(fields)))


def _latched(b: Bench, code: int) -> Evidence:
    b.listen((AT_ONCE_MS + 2 * TICK_MS) / 1000)
    status, (out, q) = b.status(), b.outcome()
    if not status.hexa("fl") >> code - 1 & 1 or status.integer("rl") or status.word("run") != "-":
        raise Failed(f"bit {code - 1} of fl, rl=0, no run open", str(dict(status.fields)))
    if out != f"FAULT:{code:02d}":
        raise Failed(f"outcome FAULT:{code:02d}", out)
    return [f"fl={status.word('fl')}, outcome {out} q={q}"]


def opened(b: Bench) -> Evidence:
    b.hold(CONT="STOP")
    evidence = trips(b, 1, 150, lambda: b.wire(None), at_once=True)
    b.wire(b.load_ohm)
    b.listen(CLEARABLE_S)
    b.done("CLEAR id=01")
    b.is_in("IDLE", "CLEAR, 2 s after the lead is back")
    return evidence


def opened_pauses(b: Bench) -> Evidence:
    b.hold(CONT="PAUSE")
    at = len(b.heard)
    b.wire(None)
    b.event("WARN", 1.0, at, id="01")
    b.comes("PAUSED", 0.5, at)
    b.keeping = False
    b.wire(b.load_ohm)
    at = len(b.heard)
    b.listen(4.0)
    if b.events("STATE", at) or b.status().hexa("fl"):
        raise Failed("PAUSED, no fault, and nothing resumes", str([e.fields for e in b.events("STATE", at)]))
    b.resume()
    return ["CONT=PAUSE: WARN 01, PAUSED, no fault; stays so for 4 s; ARM, RESUME: on"]


def contact_again(b: Bench) -> Evidence:
    """The lead is off for 30 ms, too short for a fault: nothing may have been stored up."""
    b.hold()
    b.done("TELE ms=20")
    b.listen(0.5)
    evidence = []
    for n in range(3):
        at = len(b.heard)
        b.wire(None)
        b.listen(0.02 + 0.01 * n)
        b.wire(b.load_ohm)
        b.listen(1.5)
        most = max(line.i_ua for line in b.telemetry(at))
        if most > b.ua * 1.05 + 20:
            raise Failed(f"at most {b.ua * 1.05 + 20:.0f} uA when the contact is back", f"{most} uA")
        evidence.append(f"off for {20 + 10 * n} ms: at most {most} uA afterwards")
        if b.state != "HOLD":
            break
    return evidence


def shorted(b: Bench) -> Evidence:
    """At 0.1 mA, where a fall of the voltage is not yet a STEP."""
    b.hold(100)
    return trips(b, 3, 600, lambda: b.wire(0), at_once=False, after_ms=400)


def steps(b: Bench) -> Evidence:
    b.needs_room(3 * OUTPUT_UA)
    b.hold(OUTPUT_UA)
    b.listen(1.0)
    ohm = b.load_ohm or 5000
    at = len(b.heard)
    b.wire(ohm * 2)
    b.event("WARN", 1.0, at, id="06")
    b.comes("PAUSED", 0.5, at)
    b.wire(ohm)
    b.resume()
    b.comes("HOLD", 4.0)
    b.listen(1.0)
    return ["the first rise: WARN 06, PAUSED, no fault", *trips(b, 6, 150, lambda: b.wire(ohm * 2), at_once=True)]


def fell(b: Bench) -> Evidence:
    b.hold(OUTPUT_UA)
    b.listen(1.0)
    ohm = b.load_ohm or 5000
    return trips(b, 6, 150, lambda: b.wire(ohm // 2), at_once=True)


def worsened(b: Bench) -> Evidence:
    b.needs_room(OUTPUT_UA * 3 // 2)
    b.hold(OUTPUT_UA)
    ohm = b.load_ohm or 5000
    b.listen(45.0)
    at = len(b.heard)
    b.wire(ohm * 109 // 100)
    b.event("WARN", 15.0, at, id="05")
    return ["9 % more: WARN 05", *trips(b, 5, 12_000, lambda: b.wire(ohm * 120 // 100), at_once=False)]


def too_high(b: Bench) -> Evidence:
    """By the prescription's own limit: no hand at the bench is needed."""
    ohm = b.load_ohm
    ua = OUTPUT_UA * 3 // 2  # judged from 1.0 mA on, which a reading of 1.0 mA may miss by its noise
    if ohm is None or ohm < 1500 or not b.bears(ua):
        raise NotRun("it needs a declared load of 1.5 to 20 kohm")
    b.hold(ua, ZMAX=ohm * 8 // 10 // 10 * 10)
    return trips(b, 2, 30_700, at_once=False, after_ms=29_000)


def too_low(b: Bench) -> Evidence:
    ohm = b.load_ohm
    if ohm is None or ohm < 1000 or b.door is None:
        raise NotRun("it needs a load that somebody turns down")
    b.hold(100, ZMIN=min(5000, ohm * 9 // 10))
    return trips(b, 3, 600, lambda: b.wire(ohm * 8 // 10), at_once=False, after_ms=400)


def _limiting_mv(b: Bench) -> int:
    """A VMAX that the load does not let FULL_UA through with, at the least what the page allows."""
    ohm = b.load_ohm
    if ohm is None or ohm * FULL_UA // 1000 * 0.6 < 5000:
        raise NotRun("it needs a declared load of 2.1 kohm or more")
    return min(COMPLIANCE_SOURCE_MV, max(5000, ohm * FULL_UA // 1000 * 6 // 10))


def limited_stops(b: Bench) -> Evidence:
    mv = _limiting_mv(b)
    at = len(b.heard)
    b.begin(FULL_UA, VMAX=mv)
    warn = b.event("WARN", 12.0, at, id="04")
    evidence = trips(b, 4, 9500, at_once=False, after_ms=8000)
    return [f"VMAX={mv}: WARN 04 at {warn.uptime_ms} ms", *evidence]


def limited_stretches(b: Bench) -> Evidence:
    """The charge is what flows, not what was asked for."""
    mv = _limiting_mv(b)
    at = len(b.heard)
    b.begin(FULL_UA, VMAX=mv, LIM="STRETCH")
    b.listen(FULL_UA * 0.002 + 15.0)
    lines = [line for line in b.telemetry(at) if line.limited]
    if not lines or b.state not in ("RAMP_UP", "HOLD"):
        raise Failed("lim=1, and the run goes on with LIM=STRETCH", b.state)
    first, last = lines[0], lines[-1]
    asked_uc = (last.uptime_ms - first.uptime_ms) * sum(line.i_ua for line in lines) // len(lines) // 1000
    risen = last.q_uc - first.q_uc
    if abs(risen - asked_uc) > asked_uc * 0.03 + 100:
        raise Failed(f"q rises by what flows, {asked_uc} uC", f"{risen} uC")
    above = [line.v_mv for line in lines if line.v_mv > mv * 1.02]
    if above or {line.set_ua for line in lines} != {FULL_UA}:
        raise Failed(f"v at most VMAX={mv}, set={FULL_UA}", str(above[:3] or {line.set_ua for line in lines}))
    return [f"LIM=STRETCH, VMAX={mv}: lim=1 at {last.i_ua} uA, q by what flows ({risen} uC), no fault in 15 s"]


def time_cap(b: Bench) -> Evidence:
    """On-time counts from START; nothing but TMAX is needed."""
    at, up = _times_out(b)
    fault = b.events("FAULT", at)[0]
    _names(b, fault, 12)
    delay_ms = fault.uptime_ms - up.uptime_ms
    if abs(delay_ms - TIME_CAP_MS) > 2 * TICK_MS:
        raise Failed(f"fault 12 after TMAX={TIME_CAP_MS} ms", f"after {delay_ms} ms")
    return [f"TMAX={TIME_CAP_MS}: fault 12 after {delay_ms} ms", *_latched(b, 12)]


def told_once(b: Bench) -> Evidence:
    """For as long as it stays latched; an alarm that goes on is one that people switch off."""
    at, _ = _times_out(b)
    b.listen(LATCHED_S)
    told = [event for event in b.events("FAULT", at) if event.fields.get("id") == "12"]
    if len(told) != 1:
        raise Failed(f"one event FAULT id=12 in {LATCHED_S:g} s", f"{len(told)}")
    return [f"one event FAULT id=12, latched for {LATCHED_S:g} s"]


def _times_out(b: Bench) -> tuple[int, Event]:
    """A run that its TMAX ends: where its lines begin, and its RAMP_UP."""
    b.stage(TMAX=TIME_CAP_MS)
    b.arm()
    at = len(b.heard)
    up = b.start()
    b.event("FAULT", TIME_CAP_MS / 1000 + 2.0, at)
    b.comes("FAULT", 2.0, at)
    b.keeping = False
    return at, up


def _injected(fault: str, code: int, within_ms: int, *, at_once: bool = True) -> Callable[[Bench], Evidence]:
    """A fault of the bench door in HOLD."""

    def check(b: Bench) -> Evidence:
        b.hold()
        b.listen(0.5)
        return [fault, *trips(b, code, within_ms, lambda: b.do("inject", fault=fault), at_once=at_once)]

    return check


def over_current(b: Bench) -> Evidence:
    """A fifth more than was asked for: below the hardware's limit, so that the firmware alone can see it."""
    b.hold(OUTPUT_UA)
    b.listen(0.5)
    fault = f"E10:ma={OUTPUT_UA * 1.2 / 1000:g}"
    return [fault, *trips(b, 7, 150, lambda: b.do("inject", fault=fault), at_once=True)]


def interlock_at_rest(b: Bench) -> Evidence:
    at = len(b.heard)
    b.run = "-"
    b.do("inject", fault="E22:what=open")
    fault = b.event("FAULT", 1.0, at)
    _names(b, fault, 18)
    b.comes("FAULT", 0.5, at)
    b.listen(2.5)
    evidence = [b.refused("CLEAR id=18", 17) + " while it is open"]
    b.do("lift_fault", fault="E22")
    b.listen(CLEARABLE_S)
    b.done("CLEAR id=18")
    b.is_in("IDLE", "CLEAR, 2 s after it closed")
    return ["in IDLE: fault 18, FAULT", *evidence, "closed for 2.1 s: CLEAR 00, IDLE"]


def watchdog(b: Bench) -> Evidence:
    b.hold()
    boot = b.facts.boot
    b.keeping = False
    b.do("hang")
    b.listen(1.5)
    b.hello()
    status = b.status()
    if b.facts.boot == boot or not status.hexa("fl") >> 15 & 1 or status.word("st") != "FAULT":
        raise Failed("a reset, fault 16 found set, FAULT", f"boot={b.facts.boot} {dict(status.fields)}")
    out, _ = b.outcome()
    if out != "RESET":
        raise Failed("outcome RESET", out)
    b.listen(CLEARABLE_S)
    b.done("CLEAR id=16")
    return [f"the processor stopped in HOLD: boot {boot} > {b.facts.boot}, fault 16, outcome RESET; cleared by hand"]


def keeps_latched(b: Bench) -> Evidence:
    at = len(b.heard)
    b.begin(TMAX=1000)
    b.comes("FAULT", 4.0, at)
    b.keeping = False
    b.do("power_cycle")
    b.listen(1.0)
    b.hello()
    status = b.status()
    if not status.hexa("fl") >> 11 & 1 or status.word("st") != "FAULT":
        raise Failed("fault 12 still latched after a reset", str(dict(status.fields)))
    return ["power cut in FAULT: fault 12 is still latched"]


def bad_record(b: Bench) -> Evidence:
    """One bit of the newer slot of the faults' record, while the power is off."""
    at = len(b.heard)
    b.begin(TMAX=1000)
    b.comes("FAULT", 4.0, at)
    b.keeping = False
    b.do("inject", fault="F07:slot=system,how=bit")
    b.listen(1.0)
    b.hello()
    status = b.status()
    if not status.hexa("fl") >> 14 & 1 or status.word("st") != "FAULT":
        raise Failed("fault 15: a record that does not check is never replaced by a default", str(dict(status.fields)))
    return [f"a bit of a record flipped while the power was off: fault 15, fl={status.word('fl')}"]


def tests_itself(b: Bench) -> Evidence:
    """The reference 10 % off, and a relay that is welded: found by SELFTEST, and nothing arms."""
    evidence = []
    for fault in ("E16", "E12"):
        b.do("inject", fault=fault)
        reply = b.say("SELFTEST")
        b.listen(0.3)
        status = b.status()
        seen = status.hexa("fl") >> 13 & 1
        if not seen or (reply.code == 0 and reply.word("res") != "1"):
            raise Failed(f"{fault}: SELFTEST res=1 or 17, fault 14", f"{reply.code:02d} {dict(reply.fields)}")
        said = "17" if reply.code else f"res={reply.word('res')}"
        evidence.append(f"{fault}: SELFTEST {said}, fault 14, {status.word('st')}")
        b.rest()
    return evidence


def supply_low(b: Bench) -> Evidence:
    b.stage()
    at = len(b.heard)
    b.do("inject", fault="E18:charge=5,ohm=2")
    b.event("WARN", 2.0, at, id="13")
    if b.status().hexa("fl"):
        raise Failed("a low supply latches nothing at rest", f"fl={b.status().word('fl')}")
    return ["WARN 13, no fault; " + b.refused(f"ARM D={b.digest}", 17)]


CHECKS: Final = (
    Check("FAULT-01", "10",
          "12 TIME_CAP: on-time reaches TMAX, whatever the sensors say; ramp down", time_cap, ("load",)),
    Check("FAULT-02", "10", "02 Z_HIGH: v/i above ZMAX from 30 s into HOLD; ramp down in 1 s", too_high, DRIVEN),
    Check("FAULT-03", "10",
          "04 COMPLIANCE with LIM=STOP: WARN after 1 s, ramp down after 10 s limited", limited_stops, DRIVEN),
    Check("FAULT-04", "10",
          "LIM=STRETCH: goes on lower and longer; the charge is what flows", limited_stretches, DRIVEN),
    Check("FAULT-05", "10", "01 OPEN: at once; cleared by hand 2 s after its cause has gone", opened, TOUCHED),
    Check("FAULT-06", "10",
          "OPEN with CONT=PAUSE: PAUSED, WARN, no fault; resumed by hand only", opened_pauses, TOUCHED),
    Check("FAULT-07", "7.1",
          "a contact lost for a moment: no more than the set-point when it is back", contact_again, TOUCHED),
    Check("FAULT-08", "10", "03 Z_LOW: a short; ramp down in 1 s", shorted, TOUCHED),
    Check("FAULT-09", "10", "03 Z_LOW: v below ZMIN times i; ramp down in 1 s", too_low, TOUCHED),
    Check("FAULT-10", "10",
          "06 STEP: the first rise of a run pauses it, another is at once", steps, ARRANGED),
    Check("FAULT-11", "10", "06 STEP: a fall is at once", fell, ARRANGED),
    Check("FAULT-12", "10",
          "05 CONTACT: v above its running minimum; WARN first, then ramp down", worsened, ARRANGED),
    Check("FAULT-13", "10", "07 OVERCURRENT: current above the target; at once", over_current, ARRANGED),
    Check("FAULT-14", "10",
          "08 TRACKING: the current does not follow; at once", _injected("E11", 8, 400), ARRANGED),
    Check("FAULT-15", "10",
          "09 SENSOR: a channel stuck or apart; at once", _injected("S07:percent=30", 9, 250), ARRANGED),
    Check("FAULT-16", "10",
          "10 LEAKAGE: less comes back than goes out; at once", _injected("E09:kohm=20", 10, 250), ARRANGED),
    Check("FAULT-17", "10", "18 INTERLOCK: at once", _injected("E22:what=open", 18, 50), TOUCHED),
    Check("FAULT-18", "10",
          "18 INTERLOCK latches without current too; CLEAR only once it is closed", interlock_at_rest, ("door",)),
    Check("FAULT-19", "10", "19 TEMPERATURE: at once", _injected("E21:celsius=65", 19, 200), TOUCHED),
    Check("FAULT-20", "10",
          "13 SUPPLY low at rest is a WARN, refuses (17) and latches nothing", supply_low, TOUCHED),
    Check("FAULT-21", "10",
          "16 WATCHDOG: a dead processor is reset, and it is found set afterwards", watchdog, TOUCHED),
    Check("FAULT-22", "10", "a reset does not clear a latched fault", keeps_latched, TOUCHED),
    Check("FAULT-23", "10",
          "15 NVM: a record that does not check is a fault, never a default", bad_record, TOUCHED),
    Check("FAULT-24", "5.3", "14 SELFTEST: reference and relay are looked at", tests_itself, ("door",)),
    Check("FAULT-25", "3.6", "a fault is told once, however long it is latched", told_once, ("load",)),
)  # fmt: skip
