"""Chapters 3.5, 3.6, 5.3, 5.9, 5.10 and 7: states, their order, and what is told of them."""

from __future__ import annotations

import re
from typing import Final

from controller.conform.bench import Bench
from controller.conform.check import Check, Evidence, Failed
from controller.conform.refusals import paused
from controller.conform.sequence import numbered, wants
from controller.wire import Event, Reply

STATUS_FORM: Final = (
    r"st=[A-Z_]+ set=N i=N i2=N v=N z=N q=N lk=N lim=[01] rl=[01] fl=(0|[1-9A-F][0-9A-F]{0,7}) run=([0-9A-Z]{1,26}|-) "
    r"boot=N now=N"
).replace("N", "(?:0|[1-9][0-9]{0,9})")  # fmt: skip
SENSE_UA: Final = 60
READING_UA: Final = 10  # the offsets and the noise of a reading
CHECK_S: Final = 1.0
TTL_MS: Final = 10_000
RELAY_MS: Final = 40
LATE_MS: Final = 20
PAUSE_MS: Final = 600_000


def at_rest(b: Bench) -> Evidence:
    for what in ("IDLE", "STAGED"):
        at = len(b.heard)
        b.listen(1.0)
        for line in b.telemetry(at):
            if line.set_ua or line.relay or line.lease_ms or line.limited or max(line.i_ua, line.i2_ua) > READING_UA:
                raise Failed(f"{what}: set=0 rl=0 lk=0 lim=0 and no current", str(line))
        if what == "IDLE":
            b.stage()
    return ["1 s of telemetry in IDLE and in STAGED: set=0 rl=0 lk=0 lim=0, i and i2 at rest"]


def status_form(b: Bench) -> Evidence:
    answer = b.answered(b.request("STATUS"), "STATUS")
    body = answer.text.partition(" 00 STATUS ")[2].partition("*")[0]
    if re.match(STATUS_FORM + "( |$)", body) is None:
        raise Failed("the fields of 5.9 in their order and form", answer.text)
    reply = answer.reply
    if reply.integer("boot") != b.facts.boot or reply.word("run") != "-":
        raise Failed(f"boot={b.facts.boot} run=-", str(dict(reply.fields)))
    first = reply.integer("now")
    b.listen(0.5)
    passed_ms = b.status().integer("now") - first
    if abs(passed_ms - 500) > b.slack_ms + 2:
        raise Failed(f"now counts ms: 500 in half a second (and {b.slack_ms} of the line)", str(passed_ms))
    return [answer.text, f"now: {passed_ms} more after 0.5 s"]


def event_numbers(b: Bench) -> Evidence:
    at = len(b.heard)
    b.stage()
    b.write(b"\x03")
    b.fence()
    b.stage()
    b.write(b"\nSTOP\n")
    b.fence()
    b.stage()
    b.done("STOP")
    events = b.events("", at)
    told = [(e.name, e.fields.get("st"), e.fields.get("was"), e.fields.get("by")) for e in events]
    wanted = [
        ("STATE", st, was, by)
        for pair in ("BYTE", "PLAIN", "HOST")
        for st, was, by in (("STAGED", "IDLE", "HOST"), ("IDLE", "STAGED", pair))
    ]
    if told != wanted:
        raise Failed(str(wanted), str(told))
    numbers = [(e.number - events[0].number) & 0xFFFF for e in events]
    if numbers != list(range(6)):
        raise Failed("event numbers that count by one", str([e.number for e in events]))
    return [f"six events STATE, numbered {events[0].number:04X} to {events[-1].number:04X}; by=BYTE, PLAIN, HOST"]


def events_again(b: Bench) -> Evidence:
    for _ in range(6):
        b.stage()
        b.done("STOP")
    lost = b.done("EVENTS n=0001")
    last = lost.hexa("last")
    evidence = []
    for n, first, count in (
        ((last - 9) & 0xFFFF, (last - 9) & 0xFFFF, 8), ((last - 2) & 0xFFFF, (last - 2) & 0xFFFF, 3), (last, last, 1),
        ((last + 1) & 0xFFFF, (last + 1) & 0xFFFF, 0), ((last + 0x7000) & 0xFFFF, (last + 0x7000) & 0xFFFF, 0),
    ):  # fmt: skip
        at = len(b.heard)
        line = b.request(f"EVENTS n={n:04X}")
        reply = b.answered(line, "EVENTS").reply
        b.fence()
        came = [e.number for e in b.events("", at)]
        if (
            reply.hexa("n") != first
            or reply.hexa("last") != last
            or came != [(first + k) & 0xFFFF for k in range(count)]
        ):
            raise Failed(f"EVENTS n={n:04X}: n={first:04X} last={last:04X}, {count} events", f"{reply.fields} {came}")
        evidence.append(f"EVENTS n={n:04X}, last={last:04X}: {count} events")
    at = len(b.heard)
    wants(b.replies_to(line, "EVENTS"), [0], "EVENTS again")
    if b.events("", at):
        raise Failed("a repeat of EVENTS gets the reply only", f"{len(b.events('', at))} events")
    return evidence


def self_test(b: Bench) -> Evidence:
    b.done("TELE ms=20")
    at = len(b.heard)
    reply = b.done("SELFTEST")
    b.listen(0.3)
    if reply.word("res") != "0":
        raise Failed("SELFTEST: res=0", f"res={reply.word('res')}")
    states = [e.fields.get("st") for e in b.events("STATE", at)]
    if states != ["SELFTEST", "IDLE"]:
        raise Failed("SELFTEST, then IDLE", str(states))
    lines = b.telemetry(at)
    if any(line.i_ua > READING_UA for line in lines):
        raise Failed("no current in the self-test", f"{max(line.i_ua for line in lines)} uA")
    closed_ms = 20 * sum(line.relay for line in lines)
    if closed_ms > RELAY_MS:
        raise Failed(f"the relay closed for at most {RELAY_MS} ms", f"{closed_ms} ms")
    if b.query("*TST?") != "0":
        raise Failed("*TST? 0", b.query("*TST?"))
    return ["SELFTEST: res=0, SELFTEST then IDLE, no current; *TST? 0"]


def order(b: Bench) -> Evidence:
    b.done("TELE ms=20")
    at = len(b.heard)
    b.stage(TU=10 * b.ua)
    armed = b.arm()
    b.listen(0.1)
    b.start()
    b.comes("HOLD", b.ua * 0.0101 + 1.0)
    b.keeping = False
    b.done("STOP")
    b.comes("DONE", 1.5, at)
    told = [(e.fields.get("st"), e.fields.get("was"), e.fields.get("by")) for e in b.events("STATE", at)]
    wanted = [
        ("STAGED", "IDLE", "HOST"), ("CHECK", "STAGED", "HOST"), ("ARMED", "CHECK", "UNIT"),
        ("RAMP_UP", "ARMED", "HOST"), ("HOLD", "RAMP_UP", "UNIT"), ("RAMP_DOWN", "HOLD", "HOST"),
        ("DONE", "RAMP_DOWN", "UNIT"),
    ]  # fmt: skip
    if told != wanted:
        raise Failed(str(wanted), str(told))
    return [" > ".join(f"{st} by {by}" for st, _, by in told), *_checked(b, at, armed)]


def _checked(b: Bench, at: int, armed: Reply) -> Evidence:
    """What flows in CHECK, and what ARM says of it."""
    check, ready = (next(e for e in b.events("STATE", at) if e.fields["st"] == st) for st in ("CHECK", "ARMED"))
    lasted_ms = ready.uptime_ms - check.uptime_ms
    if not 1000 * CHECK_S <= lasted_ms <= 2000 or armed.integer("ttl") != TTL_MS:
        raise Failed("CHECK of 1 s within the 2 s of ARM, ttl=10000", f"{lasted_ms} ms, ttl={armed.word('ttl')}")
    inside = [line for line in b.telemetry(at) if check.uptime_ms < line.uptime_ms <= ready.uptime_ms]
    most_ua = max((line.i_ua for line in inside), default=0)
    if most_ua > SENSE_UA + READING_UA or most_ua < 20:
        raise Failed(f"a sense current of at most {SENSE_UA} uA in CHECK", f"{most_ua} uA")
    ohm, said = b.load_ohm, armed.integer("z")
    if ohm is not None and abs(said - ohm) > ohm // 10 + 200:
        raise Failed(f"z={ohm}, the load, to a tenth and 200 ohm", f"z={said}")
    return [f"CHECK {lasted_ms} ms, at most {most_ua} uA, z={said}, ttl={TTL_MS}"]


def armed_ends(b: Bench) -> Evidence:
    b.stage()
    at = len(b.heard)
    b.arm()
    ready = b.comes("ARMED", 0.5, at)
    back = b.comes("STAGED", TTL_MS / 1000 + 1.0, at + 1)
    lasted_ms = back.uptime_ms - ready.uptime_ms
    if abs(lasted_ms - TTL_MS) > LATE_MS:
        raise Failed(f"STAGED after {TTL_MS} ms", f"after {lasted_ms} ms")
    return [f"ARMED for {lasted_ms} ms, then STAGED; START is " + b.refused(b.start_text(), 13)[-2:]]


def pauses(b: Bench) -> Evidence:
    b.hold(TU=5 * b.ua)
    at = len(b.heard)
    b.done("PAUSE")
    pausing = b.comes("PAUSING", 0.5, at)
    b.comes("PAUSED", b.ua * 0.00101 + 0.5, at)
    if pausing.fields.get("by") != "HOST":
        raise Failed("by=HOST", str(dict(pausing.fields)))
    q = b.status().integer("q")
    b.keeping = False
    b.listen(0.5)
    status = b.status()
    if status.word("run") != b.run or status.integer("q") != q or status.integer("rl"):
        raise Failed(f"PAUSED keeps run={b.run} q={q}, rl=0", str(dict(status.fields)))
    at = len(b.heard)
    b.resume()
    b.comes("HOLD", b.ua * 0.00505 + 1.0, at)
    out, _ = b.outcome()
    if b.status().integer("q") < q or out != "RUNNING":
        raise Failed(f"the same run goes on from q={q}", f"q={b.status().word('q')} {out}")
    b.write(b"\nPAUS\n")
    event = b.comes("PAUSING", 0.5, at)
    if event.fields.get("by") != "PLAIN":
        raise Failed("plain PAUSe: by=PLAIN", str(dict(event.fields)))
    return [f"PAUSE: PAUSING, PAUSED with q={q} kept; ARM, RESUME: RAMP_UP, HOLD; plain PAUSe: by=PLAIN"]


def times_out(b: Bench) -> Evidence:
    paused(b)
    at = len(b.heard)
    began = b.mark().unit_ms
    b.done("TELE ms=500")
    b.listen(300.0)
    b.arm()
    b.comes("PAUSED", 12.0)
    done = b.comes("DONE", 310.0, at)
    out, _ = b.outcome()
    lasted_ms = done.uptime_ms - began
    if out != "TIMEOUT" or abs(lasted_ms - PAUSE_MS) > 3000:
        raise Failed("TIMEOUT after 10 min of PAUSED, CHECK and ARMED counted", f"{out} after {lasted_ms} ms")
    return [f"DONE {lasted_ms / 1000:.1f} s after the pause, an ARM between; outcome TIMEOUT"]


def resets(b: Bench) -> Evidence:
    b.hold()
    b.listen(1.0)
    q, boot, sid, number = b.status().integer("q"), b.facts.boot, b.sid, b.number + 2
    b.keeping = False
    b.do("power_cycle")
    b.listen(1.0)
    wants(numbered(b, "STATUS", number), [5], "a session of the boot before")
    b.hello()
    if b.facts.boot == boot or b.sid == sid:
        raise Failed(
            f"another boot than {boot}, sessions counted from elsewhere", f"boot={b.facts.boot} sid={b.sid:04X}"
        )
    out, after = b.outcome()
    if out != "RESET" or after < q:
        raise Failed(f"outcome RESET, q not less than {q}", f"{out} q={after}")
    first = next((e for e in _from_the_first(b) if e.number == 1), None)
    if first is None:
        raise Failed("the first event after a boot numbered 0001", "another")
    return [f"power cut in HOLD at q={q}: boot {boot} > {b.facts.boot}, RUN says RESET q={after}; event 0001 first"]


def _from_the_first(b: Bench) -> list[Event]:
    at = len(b.heard)
    b.done("EVENTS n=0001")
    b.fence()
    return b.events("", at)


def local_stop(b: Bench) -> Evidence:
    b.hold()
    at = len(b.heard)
    b.keeping = False
    b.do("local_stop")
    event = b.comes("RAMP_DOWN", 1.0, at)
    if event.fields.get("by") != "LOCAL":
        raise Failed("by=LOCAL", str(dict(event.fields)))
    b.comes("DONE", 1.5, at)
    return ["the stop button in HOLD: RAMP_DOWN by=LOCAL, DONE"]


CHECKS: Final = (
    Check("STATE-01", "3.5", "without current: set=0, rl=0, lk=0, lim=0, and nothing flows", at_rest),
    Check("STATE-02", "5.9", "STATUS says its fields in the table's order and form; now counts ms", status_form),
    Check("STATE-03", "3.6",
          "every change of state is an event STATE with st, was and by; events count by one", event_numbers),
    Check("STATE-04", "5.10", "EVENTS sends at most 8 again, from n on; a repeat gets the reply only", events_again),
    Check("STATE-05", "5.3", "SELFTEST: res=0, the relay closed for 40 ms at most, no current", self_test),
    Check("STATE-06", "7.1",
          "PRES, ARM, START, STOP: the states of the table; CHECK is 1 s of at most 60 uA", order, ("load",)),
    Check("STATE-07", "5.3", "an arming ends by itself after its ttl", armed_ends, ("load",)),
    Check("STATE-08", "7.1",
          "PAUSE: PAUSING, PAUSED, the dose kept; ARM and RESUME: the same run goes on", pauses, ("load",)),
    Check("STATE-09", "7.1",
          "10 min without RESUME: DONE, outcome TIMEOUT; CHECK and ARMED count", times_out, ("load", "hours")),
    Check("STATE-10", "7.1",
          "a reset closes the run RESET with no less than flowed; boot and session change", resets, ("load", "door")),
    Check("STATE-11", "10", "the stop button of the unit is a STOP by LOCAL", local_stop, ("load", "door")),
)  # fmt: skip
