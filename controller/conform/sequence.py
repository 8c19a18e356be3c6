"""Chapter 4.2: what a request's number decides. Only those that say so pass current."""

from __future__ import annotations

from typing import Final

from controller.conform.bench import Bench
from controller.conform.check import Check, Evidence, Failed
from controller.conform.talk import Heard, sealed
from controller.wire import Reply


def codes(found: list[Heard]) -> list[int]:
    return [h.message.code for h in found if isinstance(h.message, Reply)]


def wants(found: list[Heard], wanted: list[int], what: str) -> None:
    """These answers, in this order, and no other."""
    came = codes(found)
    if came != wanted:
        text = " ".join(f"{code:02d}" for code in wanted) or "no answer"
        raise Failed(f"{text} to {what}", ", ".join(h.text for h in found) or "no answer")


def numbered(b: Bench, verb: str, number: int, *, sid: int | None = None) -> list[Heard]:
    """A request with a number of our choice, and what it was answered."""
    return b.replies_to(sealed(b.body(verb, sid=sid, number=number)), verb.split(" ")[0], sid=sid, number=number)


def next_number(b: Bench) -> Evidence:
    if b.number != 1:
        raise Failed("0001 the first number behind HELLO and STATUS", f"{b.number:04X}")
    for _ in range(20):
        b.done("STATUS")
    return [f"numbers 0001 to {b.number:04X} taken one after the other, each reply with the number of its request"]


def repeat(b: Bench) -> Evidence:
    """A self-test would be seen again in the events, if it were done again."""
    line = b.request("SELFTEST")
    first = b.answered(line, "SELFTEST")
    at = len(b.heard)
    again = b.replies_to(line, "SELFTEST") + b.replies_to(line, "SELFTEST")
    if [h.text for h in again] != [first.text] * 2:
        raise Failed(f"the cached reply {first.text}, each time", ", ".join(h.text for h in again) or "no answer")
    b.listen(0.5)
    if b.events("STATE", at):
        raise Failed("a repeat is not executed", f"a second {b.events('STATE', at)[0].fields}")
    b.done("STATUS")
    return [f"SELFTEST three times: {first.text} each time, executed once"]


def repeat_of_start(b: Bench) -> Evidence:
    b.stage()
    b.arm()
    at = len(b.heard)
    line = b.request(b.start_text())
    first = b.answered(line, "START")
    if first.reply.code:
        raise Failed("START: 00", f"{first.reply.code:02d}")
    b.listen(0.3)
    again = b.replies_to(line, "START")
    if [h.text for h in again] != [first.text]:
        raise Failed(f"the cached reply {first.text}", ", ".join(h.text for h in again) or "no answer")
    b.write(b"\x03\n")
    b.comes("DONE", 2.0, at)
    late = b.replies_to(line, "START")
    if [h.text for h in late] != [first.text]:
        raise Failed(f"the cached reply {first.text}", ", ".join(h.text for h in late) or "no answer")
    b.listen(0.5)
    ups = [e for e in b.events("STATE", at) if e.fields.get("st") == "RAMP_UP"]
    if len(ups) != 1:
        raise Failed("one RAMP_UP: a START that comes again is not executed again", f"{len(ups)}")
    b.is_in("DONE", "the run was stopped")
    return ["START again in RAMP_UP and again in DONE: the same reply, one RAMP_UP"]


def other_bytes(b: Bench) -> Evidence:
    b.done("TELE ms=100")
    wants(numbered(b, "STATUS", b.number), [8], "the last number with other bytes")
    wants(numbered(b, "STATUS", b.number + 1), [5], "the next number, after 08 has closed the session")
    at = len(b.heard)
    b.listen(0.4)
    if b.telemetry(at):
        raise Failed("no telemetry: 08 closes the session", f"{len(b.telemetry(at))} lines in 0.4 s")
    return ["the last number with other bytes: 08; then 05 and silence"]


def other_bytes_raise(b: Bench) -> Evidence:
    """The number of a STATUS, used once more for START."""
    b.stage()
    b.arm()
    text = b.start_text()  # which asks for the time: the newest number is now that of a STATUS
    wants(numbered(b, text, b.number), [8], "START under the number of the STATUS before")
    at = len(b.heard)
    b.hello()
    b.listen(0.3)
    raised = [line.set_ua for line in b.telemetry(at) if line.set_ua]
    if raised:
        raise Failed("no set-point from a request whose number was used", f"set={raised[0]}")
    return ["START under a number that was used: 08, no current"]


def gap(b: Bench) -> Evidence:
    last = b.number
    for ahead in (2, 3, 0x100, 0x7FFF):
        wants(numbered(b, "STATUS", last + ahead), [7], f"a number {ahead} ahead of the last")
    wants(numbered(b, "STATUS", last + 2), [7], "the same gap again: 07 is not cached, and uses nothing")
    b.done("STATUS")
    return ["numbers 2, 3, 256 and 32767 ahead: 07 each; then the next number is taken"]


def older(b: Bench) -> Evidence:
    for _ in range(3):
        b.done("STATUS")
    last = b.number
    for behind in (1, 2, last):
        wants(numbered(b, "STATUS", last - behind), [7], f"a number {behind} behind the last")
    b.done("STATUS")
    return ["numbers behind the last: 07; then the next number is taken"]


def no_session(b: Bench) -> Evidence:
    other = b.sid % 0xFFFF + 1
    for sid in (other, 0xFFFF if other != 0xFFFF else 1, 0):
        wants(numbered(b, "STATUS", b.number + 1, sid=sid), [5], f"session {sid:04X}")
    b.done("STATUS")
    return ["STATUS in another session and in session 0000: 05; the open one goes on"]


def refusal_uses(b: Bench) -> Evidence:
    line = b.request("ARM D=00000000")
    first = b.answered(line, "ARM")
    if first.reply.code != 4:
        raise Failed("ARM in IDLE: 04", f"{first.reply.code:02d}")
    again = b.replies_to(line, "ARM")
    if [h.text for h in again] != [first.text]:
        raise Failed(f"the cached refusal {first.text}", ", ".join(h.text for h in again) or "no answer")
    b.done("STATUS")
    b.refused("FLY", 1)
    wants(numbered(b, "STATUS", b.number), [8], "the number of a refused request with other bytes")
    return ["a refusal uses its number: its repeat gets the cached refusal, other bytes 08"]


def pending(b: Bench) -> Evidence:
    """While SELFTEST is on, a repeat and another request are ignored, and the latter's number is still free."""
    line = b.request("SELFTEST")
    at = len(b.heard)
    with b.awaiting("SELFTEST") as key:
        b.write(line + line + sealed(b.body("STATUS")) + line)
        b.until(lambda h: isinstance(h.message, Reply), 3.0, at)
        b.fence()
    replies = [h for h in b.heard[at:] if isinstance(h.message, Reply)]
    if [(h.message.sid, h.message.number, h.message.verb) for h in replies if isinstance(h.message, Reply)] != [key]:
        raise Failed("one answer, to SELFTEST", ", ".join(h.text for h in replies) or "none")
    b.done("STATUS")
    return ["SELFTEST, its repeats and a STATUS in one write: one answer; the STATUS's number is still free"]


def stop_pending(b: Bench) -> Evidence:
    test, at = b.request("SELFTEST"), len(b.heard)
    first = b.number
    with b.awaiting("SELFTEST"), b.awaiting("STOP", number=first + 1):
        b.write(test + b.request("STOP"))
        b.until(lambda h: isinstance(h.message, Reply) and h.message.verb == "STOP", 1.0, at)
    replies = [(h.message.verb, h.message.code) for h in b.heard[at:] if isinstance(h.message, Reply)]
    if replies != [("SELFTEST", 13), ("STOP", 0)]:
        raise Failed("SELFTEST 13, then STOP 00", str(replies))
    b.listen(0.5)
    return ["STOP behind a pending SELFTEST: 13 to that, then STOP's own 00"]


def stop_anyhow(b: Bench) -> Evidence:
    """In STAGED, where an obeyed STOP is seen by IDLE."""
    evidence = []
    for verb in ("STOP", "ABORT"):
        for what, sid, ahead, code in (
            ("another session", b.sid % 0xFFFF + 1, 1, 5), ("session 0000", 0, 1, 5), ("a gap", None, 9, 7),
            ("an old number", None, -1, 7),
        ):  # fmt: skip
            b.stage()
            wants(numbered(b, verb, b.number + ahead, sid=sid), [code], f"{verb} with {what}")
            b.is_in("IDLE", f"{verb} with {what} is obeyed")
            evidence.append(f"{verb} with {what}: obeyed, {code:02d}")
    return evidence


def stop_again(b: Bench) -> Evidence:
    b.stage()
    line = b.request("STOP")
    first = b.answered(line, "STOP")
    number = b.number
    b.stage()
    wants(b.replies_to(line, "STOP", number=number), [7], "a STOP of the number before")
    b.is_in("IDLE", "a STOP is obeyed each time it arrives")
    line = b.request("STOP")
    first = b.answered(line, "STOP")
    again = b.replies_to(line, "STOP")
    if [h.text for h in again] != [first.text]:
        raise Failed(f"the cached reply {first.text}", ", ".join(h.text for h in again) or "no answer")
    return ["an old STOP is obeyed again and answered 07; a repeat gets the cached reply"]


def last_number(b: Bench) -> Evidence:
    """65 535 requests."""
    while b.number < 0xFFFF:
        line = b.request("STATUS")
        b.answered(line, "STATUS", quiet=True)
        if len(b.heard) > 1000:
            b.heard.clear()
    found = numbered(b, "STATUS", 0x10000)
    if 0 in codes(found):
        raise Failed("no number after FFFF: a refusal", ", ".join(h.text for h in found))
    sid = b.sid
    b.hello()
    if b.sid == sid:
        raise Failed("a new session", f"{b.sid:04X} again")
    return ["FFFF is taken, 0000 behind it refused; HELLO opens the next session"]


CHECKS: Final = (
    Check("SEQ-01", "4.2", "requests are numbered from 0001; a reply carries the number of its request", next_number),
    Check("SEQ-02", "4.2",
          "the last number with the same bytes gets the cached reply, and nothing is executed", repeat),
    Check("SEQ-03", "4.2",
          "a START that comes again gets the cached reply and starts nothing", repeat_of_start, ("load",)),
    Check("SEQ-04", "4.2", "the last number with other bytes is 08, and the session is closed", other_bytes),
    Check("SEQ-05", "4.2", "a number that was used starts nothing", other_bytes_raise, ("load",)),
    Check("SEQ-06", "4.2", "a number ahead of the next is 07, which uses no number and is not cached", gap),
    Check("SEQ-07", "4.2", "a number behind the last is 07", older),
    Check("SEQ-08", "4.2", "no such session is 05; so is any verb but HELLO and TAKE in session 0000", no_session),
    Check("SEQ-09", "4.2", "a refusal uses its number and is cached", refusal_uses),
    Check("SEQ-10", "4.2", "while a request is executed its repeat and other requests are ignored", pending),
    Check("SEQ-11", "4.2", "a STOP while a request is executed: 13 to that, then the STOP's answer", stop_pending),
    Check("SEQ-12", "4.2", "STOP and ABORT are obeyed whatever their session and number", stop_anyhow),
    Check("SEQ-13", "4.2", "STOP is obeyed each time it arrives, a repeat included", stop_again),
    Check("SEQ-14", "4.2", "after FFFF there is no next number: a new session follows", last_number, ("long",)),
)  # fmt: skip
