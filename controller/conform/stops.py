"""Chapters 2.2, 3.4 and 12: what removes the current needs nothing, and works from anywhere."""

from __future__ import annotations

from statistics import median
from typing import Final

from controller.conform.bench import TICK_MS, Bench, Mark
from controller.conform.check import Check, Evidence, Failed
from controller.conform.sealing import counters
from controller.conform.sequence import codes, wants
from controller.conform.talk import crc, sealed
from controller.wire import Event, Reply

STOP_MS: Final = 20
QUIET_MS: Final = 1000
ABORT_MS: Final = 50
QUIET_UA: Final = 50
# A reading of telemetry is a mean of two ticks, and the newest line may be one period old.
SEEN_MS: Final = 2 * TICK_MS


def every_offset(b: Bench) -> Evidence:
    """In STAGED, where an obeyed STOP is seen by IDLE."""
    length = len(sealed(b.body("STATUS")))
    for offset in range(length + 1):
        for byte in (b"\x18", b"\x03"):
            b.stage()
            line = sealed(b.body("STATUS"))
            found = b.replies_to(line[:offset] + byte + line[offset:], "STATUS", number=b.number + 1)
            came = codes(found)
            # Before the line nothing is lost of it; behind it, it may have been executed already.
            allowed = ([0],) if offset <= 1 else ([], [0]) if offset == length else ([],)
            if came not in allowed:
                raise Failed(f"{allowed} to a STATUS with 0x{byte[0]:02X} at its byte {offset}", f"{came}")
            b.number += len(came)
            b.is_in("IDLE", f"0x{byte[0]:02X} at byte {offset} of a line is a STOP")
    return [f"0x18 and 0x03 before each of the {length} bytes of a STATUS and behind it: IDLE every time"]


def energised_offsets(b: Bench) -> Evidence:
    """A run for each; all offsets where time costs nothing, else a few."""
    length = len(sealed(b.body("KEEP t=0000")))
    offsets = range(length + 1) if b.hours else range(0, length + 1, length // 4)
    for offset in offsets:
        byte = b"\x18" if offset % 2 else b"\x03"
        b.begin()
        b.listen(0.1)
        b.keeping = False
        at = len(b.heard)
        line = sealed(b.body(f"KEEP t={b.latest.number if b.latest else 0:04X}"))
        b.replies_to(line[:offset] + byte + line[offset:], "KEEP", number=b.number + 1)
        event = b.comes("RAMP_DOWN", 0.5, at)
        if event.fields.get("by") != "BYTE":
            raise Failed("by=BYTE", str(dict(event.fields)))
        b.comes("DONE", 1.5, at)
        b.write(b"\x03\n")
        b.hello()
    return [f"a stop byte in the middle of a KEEP, at {len(list(offsets))} offsets, each in a run: RAMP_DOWN, DONE"]


def discards(b: Bench) -> Evidence:
    before = counters(b)
    for byte in (b"\x18", b"\x03"):
        at = len(b.heard)
        b.write(b"\n>1234 00" + byte + b"*IDN?\n")
        b.fence()
        if not any(h.text.startswith("IONTO,") for h in b.heard[at:]):
            raise Failed(f"*IDN? behind 0x{byte[0]:02X} is a line of its own, and answered", "no answer")
        b.ignored(b"x" * 20 + byte + b"\n", "a stop byte")
    came = counters(b)
    if came != before:
        raise Failed(f"SYST:COUN? {before}: a stop byte is no damage", str(came))
    return ["what was received of a line is discarded, the byte behind begins a new one; no answer, no count"]


def misshapen_stop(b: Bench) -> Evidence:
    evidence = []
    for verb in ("STOP", "ABORT"):
        for tail in (" x", "  ", " =", " x=1=2", " x=1 x=2", " *5", "*" + crc("x"), " x="):
            b.stage()
            b.number += 1
            found = b.replies_to(sealed(b.body(verb + tail, number=b.number)), verb)
            wants(found, [2], f"{verb}{tail} under a right CRC")
            b.is_in("IDLE", f"{verb}{tail} is obeyed although misshapen")
        evidence.append(f"{verb} with eight kinds of wrong tail: obeyed, 02")
    b.stage()
    b.number += 1
    wants(
        b.replies_to(sealed(b.body("STOP X=1", number=b.number)), "STOP"), [12], "STOP with an unknown upper-case key"
    )
    b.is_in("IDLE", "STOP X=1 is obeyed")
    b.stage()
    b.ignored(f"\n{b.body('STOP')}*00000000\n".encode(), "a STOP whose CRC is wrong")
    b.is_in("STAGED", "a damaged STOP is not obeyed")
    b.refused("STOPS", 1)
    b.is_in("STAGED", "STOPS is no STOP")
    return evidence


def plain_stops(b: Bench) -> Evidence:
    words = (
        "STOP", "stop", "ABOR", "ABORT", "OUTP OFF", "OUTPut 0", ":OUTP   off ;", "  STOP ;", "*RST", "OUTPUT off",
    )  # fmt: skip
    for text in words:
        b.stage()
        b.write(f"\n{text}\n".encode())
        b.fence()
        if text == "*RST":
            b.hello()
        b.is_in("IDLE", f"{text} is a STOP")
    return ["in STAGED each of these leads to IDLE: " + ", ".join(words)]


def from_every_state(b: Bench) -> Evidence:
    b.done("STOP")
    b.is_in("IDLE", "STOP in IDLE changes nothing")
    b.stage()
    b.done("STOP")
    b.is_in("IDLE", "STOP in STAGED")
    b.stage()
    b.arm()
    b.done("STOP")
    b.is_in("IDLE", "STOP in ARMED")
    check_cut_short(b)
    evidence = ["IDLE: IDLE; STAGED, CHECK (ARM answered 13), ARMED: IDLE"]
    for state, way in (("RAMP_UP", _in_ramp), ("HOLD", _in_hold), ("PAUSING", _in_pausing), ("PAUSED", _in_paused)):
        way(b)
        at = len(b.heard)
        b.done("STOP")
        b.keeping = False
        b.comes("DONE", 1.5, at)
        out, _ = b.outcome()
        if out != "STOPPED":
            raise Failed(f"STOP in {state}: outcome STOPPED", out)
        b.done("STOP")
        b.is_in("IDLE", "STOP in DONE")
        evidence.append(f"{state}: DONE, outcome STOPPED; then IDLE")
    return evidence


def check_cut_short(b: Bench) -> None:
    b.stage()
    at = len(b.heard)
    line, number = b.request(f"ARM D={b.digest}"), b.number
    with b.awaiting("ARM", number=number):
        b.write(line)
        b.comes("CHECK", 0.5, at)
        b.done("STOP")
    found = [h for h in b.heard[at:] if isinstance(h.message, Reply) and h.message.verb == "ARM"]
    wants(found, [13], "ARM, its check cut short by STOP")
    b.is_in("IDLE", "STOP in CHECK")


def _in_ramp(b: Bench) -> None:
    b.begin(TU=10 * b.ua)
    b.listen(0.2)


def _in_hold(b: Bench) -> None:
    b.hold()


def _in_pausing(b: Bench) -> None:
    b.hold(TD=20 * b.ua)
    b.done("PAUSE")
    b.listen(0.1)
    b.is_in("PAUSING", "PAUSE, a tenth of a second ago, with TD=20 I")


def _in_paused(b: Bench) -> None:
    b.hold()
    at = len(b.heard)
    b.done("PAUSE")
    b.comes("PAUSED", b.ua * 0.00101 + 0.5, at)


def at_once(b: Bench) -> Evidence:
    """With telemetry twice a second, and the byte sent right behind a line of it: nothing may wait for the next."""
    b.hold()
    b.done("TELE ms=500")
    at = len(b.heard)
    b.until(lambda h: h.text.startswith("~"), 1.0, at)
    mark = b.mark()
    b.keeping = False
    delay_ms, down, done = stopped(b, mark, b"\x18")
    return [
        f"0x18 to RAMP_DOWN: {delay_ms} ms (at most {STOP_MS} and {b.slack_ms} of the line)",
        f"RAMP_DOWN to DONE: {done.uptime_ms - down.uptime_ms} ms",
    ]


def stopped(b: Bench, mark: Mark, data: bytes) -> tuple[int, Event, Event]:
    """Send what stops; how long it took to be obeyed, and the events of RAMP_DOWN and DONE."""
    at = len(b.heard)
    sent_s = b.write(data)
    down = b.comes("RAMP_DOWN", 2.0, at)
    delay_ms = b.since_ms(mark, sent_s, down.uptime_ms)
    if delay_ms > STOP_MS + b.slack_ms:
        raise Failed(f"the stop obeyed within {STOP_MS} ms (and {b.slack_ms} of the line)", f"{delay_ms} ms")
    if down.fields.get("by") != "BYTE":
        raise Failed("by=BYTE", str(dict(down.fields)))
    done = b.comes("DONE", 2.0, at)
    if b.since_ms(mark, sent_s, done.uptime_ms) > QUIET_MS + b.slack_ms:
        raise Failed(f"DONE within {QUIET_MS} ms", f"{b.since_ms(mark, sent_s, done.uptime_ms)} ms")
    return delay_ms, down, done


def backlog(b: Bench) -> Evidence:
    b.hold()
    mark = b.mark()
    b.keeping = False
    delay_ms, _, _ = stopped(b, mark, b"\nMEAS:ALL?" * 20 + b"\x03")
    b.listen(0.1)
    return [f"0x03 behind twenty queries in one write: obeyed after {delay_ms} ms"]


def ramps(b: Bench) -> Evidence:
    """The current falls on the way; it neither stays until it is cut nor turns up again."""
    b.hold()
    b.done("TELE ms=20")
    b.listen(0.1)
    start_ua = b.latest.i_ua if b.latest is not None else b.ua
    at = len(b.heard)
    b.keeping = False
    b.write(b"\x03")
    down = b.comes("RAMP_DOWN", 1.0, at)
    b.listen(1.3)
    lines = [(line.uptime_ms - down.uptime_ms, line) for line in b.telemetry(at)]
    middle = [line.i_ua for ms, line in lines if 500 <= ms <= 560]
    if not middle or max(middle) > start_ua * 8 // 10:
        raise Failed(f"a ramp: at most {start_ua * 8 // 10} uA of {start_ua} half a second on its way", f"{middle}")
    late = [line for ms, line in lines if ms >= QUIET_MS + SEEN_MS]
    if not late or any(line.i_ua > QUIET_UA or line.i2_ua > QUIET_UA for line in late):
        raise Failed(f"at most {QUIET_UA} uA from 1.0 s on", str([(line.i_ua, line.i2_ua) for line in late][:5]))
    if any(line.set_ua for ms, line in lines if ms > 0):
        raise Failed("set=0 from the stop on", str({line.set_ua for ms, line in lines if ms > 0}))
    if any(line.relay for line in late if line.state.value == "DONE"):
        raise Failed("rl=0 in DONE", "rl=1")
    return [f"{start_ua} uA, {middle[0]} after 0.5 s, {late[0].i_ua} after 1.0 s; set=0 from the stop on"]


def twice(b: Bench) -> Evidence:
    b.hold()
    b.done("TELE ms=20")
    mark = b.mark()
    b.keeping = False
    at = len(b.heard)
    b.write(b"\x18")
    b.listen(0.2)
    sent_s = b.write(b"\x18")
    done = b.comes("DONE", 2.0, at)
    aborted(b, b.since_ms(mark, sent_s, done.uptime_ms), done, at)
    return [
        f"a second 0x18 after 200 ms: DONE {b.since_ms(mark, sent_s, done.uptime_ms)} ms later, ABORTED, relay open"
    ]


def aborted(b: Bench, delay_ms: int, done: Event, at: int) -> None:
    """DONE in time, the relay open, the outcome as it must be."""
    if delay_ms > ABORT_MS + b.slack_ms:
        raise Failed(f"DONE within {ABORT_MS} ms", f"{delay_ms} ms")
    b.listen(0.4)
    late = [line for line in b.telemetry(at) if line.uptime_ms - done.uptime_ms >= ABORT_MS + SEEN_MS]
    if not late or any(line.relay or line.i_ua > QUIET_UA for line in late):
        wrong = next((f"rl={line.relay:d} i={line.i_ua}" for line in late if line.relay or line.i_ua > QUIET_UA), "")
        raise Failed(f"relay open and no current {ABORT_MS} ms after an ABORT", wrong or "no telemetry")
    out, _ = b.outcome()
    if out != "ABORTED":
        raise Failed("outcome ABORTED", out)


def abort(b: Bench) -> Evidence:
    b.hold()
    b.done("TELE ms=20")
    b.keeping = False
    at = len(b.heard)
    reply = b.done("ABORT")
    if reply.word("st") != "DONE":
        raise Failed("ABORT: st=DONE", f"st={reply.word('st')}")
    done = b.comes("DONE", 1.0, at)
    aborted(b, 0, done, at)
    return ["ABORT in HOLD: st=DONE, relay open, ABORTED"]


def not_twice(b: Bench) -> Evidence:
    evidence = []
    for what, first, wait_s, second in (
        ("0x18, 0x18 600 ms later", b"\x18", 0.6, b"\x18"), ("0x03 0x03", b"\x03", 0.1, b"\x03"),
        ("0x18 0x03", b"\x18", 0.1, b"\x03"), ("0x03 0x18", b"\x03", 0.1, b"\x18"),
    ):  # fmt: skip
        b.hold()
        b.keeping = False
        b.listen(0.6)
        at = len(b.heard)
        b.write(first)
        b.listen(wait_s)
        b.write(second)
        b.comes("DONE", 1.5, at)
        out, _ = b.outcome()
        if out != "STOPPED":
            raise Failed(f"{what}: STOPPED", out)
        evidence.append(f"{what}: STOPPED")
        b.done("STOP")
    return evidence


def sticks(b: Bench) -> Evidence:
    b.hold()
    at = len(b.heard)
    b.write(b"\x03")
    b.comes("RAMP_DOWN", 1.0, at)
    b.keeping = False
    b.listen(0.1)
    evidence = ["in RAMP_DOWN " + line for line in _cannot_raise(b)]
    b.comes("DONE", 1.5, at)
    b.listen(0.3)
    at = len(b.heard)
    evidence += ["in DONE " + line for line in _cannot_raise(b)]
    b.listen(0.5)
    if any(line.set_ua or line.i_ua > QUIET_UA or line.relay for line in b.telemetry(at)):
        raise Failed("set=0, rl=0 and no current after a STOP", str(b.latest))
    return evidence


def _cannot_raise(b: Bench) -> Evidence:
    return [
        b.refused(f"SET I={b.ua}", 4),
        b.refused(f"RESUME run={b.run} X={b.x()}", 13),
        b.refused(b.start_text(), 13),
        b.refused(f"ARM D={b.digest}", 4),
    ]


def line_break(b: Bench) -> Evidence:
    b.hold()
    b.keeping = False
    at = len(b.heard)
    b.do("line_break")
    event = b.comes("RAMP_DOWN", 1.0, at)
    if event.fields.get("by") != "BYTE":
        raise Failed("by=BYTE", str(dict(event.fields)))
    b.comes("DONE", 1.5, at)
    return ["BREAK in HOLD: RAMP_DOWN by=BYTE, DONE"]


def in_time(b: Bench) -> Evidence:
    """Medians of nine, so that one late slice of a busy host is nobody's fault."""
    evidence = []
    fastest_s = min(_took(b, "STATUS") for _ in range(9))
    for text, promised_ms in (
        ("STOP", STOP_MS), ("ABORT", STOP_MS), ("PAUSE", STOP_MS), ("SET I=100", STOP_MS), ("KEEP t=0000", STOP_MS),
        ("STATUS", 100), ("RUN run=NONE", 100), ("EVENTS n=0000", 100), ("TELE ms=100", 100), ("PRES", 100),
    ):  # fmt: skip
        took_ms = 1000 * median(_took(b, text) for _ in range(9))
        if took_ms > promised_ms + 1000 * fastest_s + 1:
            raise Failed(f"{text} answered within {promised_ms} ms and a round trip", f"{took_ms:.0f} ms")
        evidence.append(f"{text}: {took_ms:.1f} ms")
    return evidence


def _took(b: Bench, text: str) -> float:
    return b.answered(b.request(text), text.partition(" ")[0]).took_s


CHECKS: Final = (
    Check("STOP-01", "2.2", "0x18 and 0x03 are STOP at every offset of a line", every_offset),
    Check("STOP-02", "2.2",
          "a stop byte discards the line begun, is not answered and no damage; behind it begins a new line", discards),
    Check("STOP-03", "3.4",
          "STOP and ABORT under a right CRC are obeyed although misshapen, and answered 02", misshapen_stop),
    Check("STOP-04", "8", "plain STOP, ABORt, OUTPut OFF, OUTPut 0 and *RST stop, in any case and form", plain_stops),
    Check("STOP-05", "12",
          "STOP, ABORT, PAUSE, SET and KEEP are answered within 20 ms, anything else within 100 ms", in_time),
    Check("STOP-06", "2.2", "0x18 and 0x03 stop a current at every offset of a line", energised_offsets, ("load",)),
    Check("STOP-07", "12",
          "stop byte to target zero at most 20 ms, whatever telemetry is on its way", at_once, ("load",)),
    Check("STOP-08", "2.2", "stop bytes are obeyed at once, behind a backlog too", backlog, ("load",)),
    Check("STOP-09", "12", "a STOP ramps down and is quiet (at most 50 uA) within 1.0 s", ramps, ("load",)),
    Check("STOP-10", "2.2",
          "a second 0x18 within 500 ms of the first is ABORT: relay open within 50 ms", twice, ("load",)),
    Check("STOP-11", "2.2", "a second 0x18 later than 500 ms, and any 0x03, is a STOP", not_twice, ("load",)),
    Check("STOP-12", "12", "ABORT opens the output relay within 50 ms; outcome ABORTED", abort, ("load",)),
    Check("STOP-13", "7.1", "STOP works from every state and ends where the table says", from_every_state, ("load",)),
    Check("STOP-14", "7.1", "after a STOP neither SET nor START nor RESUME raises anything", sticks, ("load",)),
    Check("STOP-15", "2.2", "BREAK is a STOP", line_break, ("load", "door")),
)  # fmt: skip
