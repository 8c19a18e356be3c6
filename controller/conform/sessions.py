"""Chapters 2.3, 4.1, 4.4 and 5.2: who is the host, since when, and until when."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import Final

from controller.conform.bench import Bench
from controller.conform.check import Check, Evidence, Failed, NotRun
from controller.conform.sequence import numbered, wants
from controller.conform.talk import sealed
from controller.errors import LinkLost
from controller.wire import Reply

# The reply to HELLO, in the order of the table of 5.2.
FORMS: Final = {
    "v": "1", "sid": "[0-9A-F]{4}", "nonce": "[0-9A-F]{8}", "boot": "0|[1-9][0-9]{0,9}", "sn": "[!-)+-<>-~]{1,12}",
    "fw": "[!-)+-<>-~]{1,12}", "model": "[!-)+-<>-~]{1,12}", "lease": "[1-9][0-9]{2,4}", "imax": "[1-9][0-9]{1,3}",
    "qmax": "[1-9][0-9]{3,9}", "vcomp": "[1-9][0-9]{3,9}", "cap": "[!-)+-<>-~]{1,40}", "rate": "[1-9][0-9]{0,9}",
}  # fmt: skip
CAPABILITIES: Final = frozenset({"SIM", "NVM", "CAL", "TONE"})


def greeting(b: Bench) -> Evidence:
    nonce = b.nonce()
    body = b.body(b.opening(nonce=nonce), sid=0, number=7)
    answer = b.answered(sealed(body), "HELLO", sid=0, number=7)
    fields = answer.reply.fields
    if answer.reply.code or list(fields)[: len(FORMS)] != list(FORMS):
        raise Failed("00 and " + " ".join(FORMS), answer.text)
    b.sid, b.number = answer.reply.hexa("sid"), 0
    for key, form in FORMS.items():
        if re.fullmatch(form, fields[key]) is None:
            raise Failed(f"{key}={form}", f"{key}={fields[key]}")
    if fields["nonce"] != nonce:
        raise Failed(f"the nonce of the request, {nonce}", fields["nonce"])
    if b.sid == 0 or not 500 <= answer.reply.integer("lease") <= 10_000 or answer.reply.integer("imax") > 4000:
        raise Failed("sid not 0000, lease 500 to 10000, imax at most 4000", answer.text)
    return [answer.text, "the number 0007 of the request came back; the numbers of session 0000 are not checked"]


def counts_on(b: Bench) -> Evidence:
    boot, first = b.facts.boot, b.sid
    b.hello()
    second = b.sid
    b.hello()
    if (second - first) % 0x10000 not in (1, 2) or (b.sid - second) % 0x10000 not in (1, 2):
        raise Failed("session numbers that count on", f"{first:04X} {second:04X} {b.sid:04X}")
    if b.facts.boot != boot:
        raise Failed(f"boot={boot}, which changes with a boot only", f"boot={b.facts.boot}")
    wants(numbered(b, "STATUS", 1, sid=second), [5], "the session before, which HELLO closed")
    return [f"sessions {first:04X} {second:04X} {b.sid:04X}, boot {boot}; the one before is answered 05"]


def hello_again(b: Bench) -> Evidence:
    line = sealed(b.body(b.opening(), sid=0, number=1))
    first = b.answered(line, "HELLO", sid=0, number=1)
    b.sid, b.number = first.reply.hexa("sid"), 0
    again = b.replies_to(line, "HELLO", sid=0, number=1)
    if [h.text for h in again] != [first.text]:
        raise Failed(f"the cached reply {first.text}", ", ".join(h.text for h in again) or "none")
    b.done("STATUS")
    third = b.answered(line, "HELLO", sid=0, number=1)
    if third.reply.word("sid") == first.reply.word("sid"):
        raise Failed("a new session, once 0001 was executed", third.text)
    b.sid, b.number = third.reply.hexa("sid"), 0
    return ["the same HELLO before 0001: the cached reply; after it: a new session"]


def versions(b: Bench) -> Evidence:
    sid, evidence = b.sid, []
    for fields, code in (
        ("vmin=2 vmax=3 nonce=0000A001", 10), ("vmin=3 vmax=2 nonce=0000A002", 10),
        ("vmin=0 vmax=0 nonce=0000A003", 10),
        ("vmin=2 vmax=3 nonce=xyz", 10), ("vmin=2 vmax=3", 10),
    ):  # fmt: skip
        reply = b.open_by(f"HELLO {fields} host=conform")
        nonce = re.search("nonce=([0-9A-F]{8})$", fields)
        wanted = {"v": "1"} | ({"nonce": nonce[1]} if nonce else {})
        if reply.code != code or dict(reply.fields) != wanted:
            raise Failed(f"HELLO {fields}: {code} {wanted}", f"{reply.code:02d} {dict(reply.fields)}")
        evidence.append(f"HELLO {fields}: {code}")
    b.sid = sid
    b.done("STATUS")
    reply = b.open_by(f"HELLO vmin=0 vmax=9 nonce={b.nonce()} host=conform")
    if reply.code or reply.word("v") != "1":
        raise Failed("HELLO vmin=0 vmax=9: 00 v=1", f"{reply.code:02d} {dict(reply.fields)}")
    return [*evidence, "a refused HELLO closes nothing: the session before went on", "HELLO vmin=0 vmax=9: 00 v=1"]


def refused_hello(b: Bench) -> Evidence:
    sid, evidence = b.sid, []
    for fields, code in (
        ("", 12), ("vmin=1 vmax=1 host=conform", 12), ("vmin=1 vmax=1 nonce=00000001", 12),
        ("vmin=1 vmax=1 nonce=1 host=conform", 2), ("vmin=1 vmax=1 nonce=0000000a host=conform", 2),
        ("vmin=1 vmax=1 nonce=00000001 host=thirteen-long", 2), ("vmin=1 vmax=1 nonce=00000001 host=conform X=1", 12),
        ("vmin=01 vmax=1 nonce=00000001 host=conform", 2),
    ):  # fmt: skip
        reply = b.open_by(f"HELLO {fields}".rstrip())
        if reply.code != code or reply.fields:
            raise Failed(f"HELLO {fields}: {code:02d} without fields", f"{reply.code:02d} {dict(reply.fields)}")
        evidence.append(f"HELLO {fields}: {code:02d}")
    b.sid = sid
    b.done("STATUS")
    return evidence


def only_in_zero(b: Bench) -> Evidence:
    return [b.refused(b.opening(verb), 1) + " inside a session" for verb in ("HELLO", "TAKE")]


def run_has_no_effect(b: Bench) -> Evidence:
    b.hello(more=" run=NEVERSTARTED")
    b.stage()
    b.hello(more=" run=NEVERSTARTED")
    b.is_in("STAGED", "HELLO in STAGED changes nothing there")
    return ["HELLO run=NEVERSTARTED in IDLE and STAGED: 00, nothing changed"]


def take_stops(b: Bench) -> Evidence:
    b.stage()
    reply = b.open_by(b.opening("TAKE"))
    if reply.code:
        raise Failed("TAKE: 00", f"{reply.code:02d}")
    b.is_in("IDLE", "TAKE is a STOP, which unstages")
    b.stage()
    sid = b.sid
    reply = b.open_by("TAKE vmin=2 vmax=3 nonce=0000B001 host=conform")
    if reply.code != 10:
        raise Failed("TAKE vmin=2 vmax=3: 10", f"{reply.code:02d}")
    b.sid = sid
    b.is_in("IDLE", "the STOP of a TAKE is executed even if the rest is refused")
    return ["TAKE in STAGED: IDLE, a new session", "a TAKE that is refused (10): IDLE all the same"]


def bye(b: Bench) -> Evidence:
    b.stage()
    sid = b.sid
    line = b.request("BYE")
    if b.answered(line, "BYE").reply.code:
        raise Failed("BYE: 00", "a refusal")
    wants(b.replies_to(line, "BYE"), [5], "a repeat of BYE")
    _is_silent(b, "BYE")
    b.hello()
    b.is_in("IDLE", "BYE is a STOP, which unstages")
    wants(numbered(b, "STATUS", 3, sid=sid), [5], "the session that BYE closed")
    return ["BYE in STAGED: 00, IDLE; its repeat 05; no telemetry and no event afterwards"]


def rst(b: Bench) -> Evidence:
    b.stage()
    number = b.number
    b.write(b"\n*RST\n")
    b.fence()
    _is_silent(b, "*RST")
    wants(numbered(b, "STATUS", number + 1), [5], "the session that *RST closed")
    b.hello()
    b.is_in("IDLE", "*RST is a STOP, which unstages")
    return ["*RST in STAGED: IDLE, the session closed, the line silent"]


def _is_silent(b: Bench, after: str) -> None:
    b.fence()
    at = len(b.heard)
    b.listen(0.6)
    if b.heard[at:]:
        raise Failed(f"no line unasked after {after}", b.heard[at].text)


def port_closes(b: Bench) -> Evidence:
    b.stage()
    number = b.number + 1
    if not reopened(b):
        raise Failed("a port that opens again", "it did not in 5 s")
    wants(numbered(b, "STATUS", number), [5], "the session of the connection that was closed")
    b.hello()
    return ["the port closed and opened again: the session is answered 05"]


def reopened(b: Bench) -> bool:
    """Close the port and open it again, as an unplugged cable does.

    The second time within half a second the port stays closed until that is over: long enough for a pseudo-terminal,
    whose far end has to look whether anybody is there.
    """
    deadline_s = b.now_s + 5.0
    b.link.reopen(deadline_s)
    while b.now_s < deadline_s:
        if b.link.reopen(b.now_s + 0.5):
            with suppress(LinkLost):
                b.listen(0.2)
                return True
    return False


def cancels_arming(b: Bench) -> Evidence:
    b.stage()
    b.arm()
    b.is_in("ARMED", "ARM was answered 00")
    b.hello()
    b.is_in("STAGED", "HELLO cancels ARMED")
    b.arm()
    b.done("BYE")
    b.hello()
    b.is_in("IDLE", "BYE is a STOP")
    return ["HELLO in ARMED: STAGED; BYE in ARMED: IDLE"]


def held(b: Bench) -> Evidence:
    """The current stays on all the while; the lease is what it was."""
    b.hold()
    refused = b.open_by(b.opening(nonce="0000C001"))
    if refused.code != 18 or dict(refused.fields) != {"v": "1", "nonce": "0000C001"}:
        raise Failed("HELLO while energised: 18 v=1 nonce=0000C001", f"{refused.code:02d} {dict(refused.fields)}")
    wrong = b.open_by(b.opening(more=" run=NEVERSTARTED"))
    if wrong.code != 18:
        raise Failed("HELLO with another run: 18", f"{wrong.code:02d}")
    b.is_in("HOLD", "a refused HELLO changes nothing")
    at, sid = len(b.heard), b.sid
    b.hello(more=f" run={b.run}")
    if b.sid == sid:
        raise Failed("a new session", f"{sid:04X} again")
    b.listen(0.5)
    states = {line.state.value for line in b.telemetry(at)}
    if states != {"HOLD"}:
        raise Failed("HOLD throughout: HELLO with the run leaves it untouched", ", ".join(sorted(states)) or "silence")
    return ["HELLO in HOLD: 18; with another run: 18; with the run: 00, and the current goes on"]


def take_energised(b: Bench) -> Evidence:
    b.hold()
    b.keeping = False
    at = len(b.heard)
    reply = b.open_by(b.opening("TAKE"))
    if reply.code:
        raise Failed("TAKE while energised: 00", f"{reply.code:02d}")
    b.comes("DONE", 2.0, at)
    out, _ = b.outcome()
    if out != "STOPPED":
        raise Failed("outcome STOPPED", out)
    return ["TAKE in HOLD: 00 at once, ramp down, STOPPED"]


def two_connections(b: Bench) -> Evidence:
    """By a socket of our own: the port's lock is for one program, and this is one."""
    host, _, port = b.link.port.removeprefix("socket://").partition("?")[0].rpartition(":")
    b.stage()
    try:
        other = socket.create_connection((host, int(port)), 2.0)
    except OSError as exc:
        raise NotRun(f"no second client is let in: {exc}") from exc
    with other:
        other.settimeout(2.0)
        lines = other.makefile("rb")
        try:
            other.sendall(sealed(b.body("STATUS")) + b"*IDN?\n")
            first, second = lines.readline().decode(), lines.readline().decode()
        except OSError as exc:
            raise NotRun(f"a second client is not served: {exc}") from exc
        if not first:
            raise NotRun("a second client is hung up on")
        if f" {b.number + 1:04X} 05 STATUS" not in first or not second.startswith("IONTO,"):
            raise Failed("05 to a session of another connection, then *IDN?'s line", first + second)
        if any("IONTO," in h.text for h in b.fence()):
            raise Failed("plain replies go to the asker", "they came on another connection")
        other.sendall(b"\x03")
        b.listen(0.2)
    b.is_in("IDLE", "a stop byte counts from any connection")
    b.listen(0.2)
    b.done("STATUS")
    return ["a second client: 05 for the first one's session, its own plain answers; its stop byte counts"]


def unasked(b: Bench) -> Evidence:
    at = len(b.heard)
    b.listen(1.0)
    if not b.telemetry(at):
        raise Failed("telemetry inside a session", "none in 1 s")
    foreign = [h.text for h in b.heard[at:] if isinstance(h.message, Reply)]
    if foreign:
        raise Failed("telemetry and events only", foreign[0])
    return [f"{len(b.telemetry(at))} lines of telemetry in 1 s, nothing else"]


CHECKS: Final = (
    Check("SES-01", "5.2",
          "HELLO answers with the fields of its table, in form and order, and the nonce it was sent", greeting),
    Check("SES-02", "4.1",
          "each HELLO takes the next session number and closes the session before; boot stays", counts_on),
    Check("SES-03", "4.1", "the same HELLO before 0001 gets the cached reply; behind it a new session", hello_again),
    Check("SES-04", "5.2",
          "no common version is 10 with v and nonce, judged before all else; a refused HELLO closes nothing", versions),
    Check("SES-05", "5.2", "other refusals of HELLO carry nothing", refused_hello),
    Check("SES-06", "4.1", "HELLO and TAKE in another session than 0000 are 01", only_in_zero),
    Check("SES-07", "4.1", "run in HELLO has no effect unless energised", run_has_no_effect),
    Check("SES-08", "4.1", "TAKE is a STOP, executed even if the rest is refused", take_stops),
    Check("SES-09", "5.2", "BYE is a STOP, then closes the session; its repeat is 05", bye),
    Check("SES-10", "8", "*RST is a STOP, then closes the session: the line falls silent", rst),
    Check("SES-11", "3.1", "inside a session only telemetry and events come unasked", unasked),
    Check("SES-12", "4.4", "the closing of its port closes a session", port_closes),
    Check("SES-13", "2.3",
          "a session's number is 05 on another connection; a stop counts from any", two_connections, ("tcp",)),
    Check("SES-14", "4.1", "HELLO and a closed session cancel ARMED", cancels_arming, ("load",)),
    Check("SES-15", "4.1",
          "while energised HELLO is 18, unless it names the run, which goes on untouched", held, ("load",)),
    Check("SES-16", "4.1", "TAKE while energised is a STOP, answered at once and never 18", take_energised, ("load",)),
)  # fmt: skip
