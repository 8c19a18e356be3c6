"""Chapters 2 and 3: bytes to lines, seals, parts and fields. Nothing here passes current."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from controller.conform.bench import Bench
from controller.conform.check import Check, Evidence, Failed
from controller.conform.talk import crc, sealed, shown
from controller.wire import Reply

LINE_MOST: Final = 240
STOPS: Final = (0x03, 0x18)
ENDS: Final = (0x0A, 0x0D)
# One of each kind of byte that is no character: controls, DEL, and the upper half.
POISON: Final = (0x00, 0x01, 0x07, 0x09, 0x1B, 0x7F, 0x80, 0xC3, 0xFF)


def counters(b: Bench) -> list[int]:
    """Bad or misshapen, poisoned, over-long, resets."""
    text = b.query("SYST:COUN?")
    try:
        values = [int(each) for each in text.split(",")]
    except ValueError as exc:
        raise Failed("SYSTem:COUNters?: four integers", text) from exc
    if len(values) != 4:
        raise Failed("SYSTem:COUNters?: four integers", text)
    return values


def rise(b: Bench, before: list[int], which: int, by: int, what: str) -> None:
    """Only counter ``which`` has risen, by so much."""
    wanted = [value + (by if n == which else 0) for n, value in enumerate(before)]
    came = counters(b)
    if came != wanted:
        raise Failed(f"SYST:COUN? {','.join(map(str, wanted))} after {what}", ",".join(map(str, came)))


def answered_once(b: Bench, data: bytes, what: str) -> None:
    """``data`` ends in the STATUS that has this session's next number: answered 00, once."""
    b.number += 1
    found = b.replies_to(data, "STATUS")
    codes = [h.message.code for h in found if isinstance(h.message, Reply)]
    if codes != [0]:
        raise Failed(f"one answer 00 to {what}", ", ".join(h.text for h in found) or "none")


def whole(b: Bench) -> Evidence:
    answer = b.answered(b.request("STATUS"), "STATUS")
    body, _, seal = answer.text.rpartition("*")
    if seal != crc(body):
        raise Failed(f"the reply sealed by {crc(body)}", answer.text)
    if answer.reply.code or answer.reply.number != b.number or answer.reply.sid != b.sid:
        raise Failed(f"<{b.sid:04X} {b.number:04X} 00 STATUS", answer.text)
    return [answer.text]


def wrong_digit(b: Bench) -> Evidence:
    before = counters(b)
    good = b.body("STATUS")
    seal = crc(good)
    for place in range(8):
        digit = "0" if seal[place] != "0" else "1"
        b.ignored(f"\n{good}*{seal[:place]}{digit}{seal[place + 1 :]}\n".encode(), "a line whose CRC is wrong")
    rise(b, before, 0, 8, "eight damaged lines")
    answered_once(b, sealed(b.body("STATUS")), "the same request undamaged: a damaged line uses no number")
    return ["each of the eight digits of a CRC changed: no answer, eight counted, no number used"]


def lower_case_seal(b: Bench) -> Evidence:
    n = next(n for n in range(200) if crc(b.body(f"STATUS x={n}")).lower() != crc(b.body(f"STATUS x={n}")))
    body = b.body(f"STATUS x={n}")
    before = counters(b)
    b.ignored(f"\n{body}*{crc(body).lower()}\n".encode(), "a CRC in lower case")
    rise(b, before, 0, 1, "a CRC in lower case")
    return [f"*{crc(body).lower()}: no answer, counted"]


def every_bit(b: Bench) -> Evidence:
    """One bit of a TELE flipped at a time: none of them may change the telemetry rate or be answered."""
    good = sealed(b.body("TELE ms=20")).strip(b"\n")
    sent = 0
    for place in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[place] ^= 1 << bit
            if bad[place] in (*STOPS, *ENDS):
                continue
            b.write(b"\n" + bytes(bad) + b"\n", quiet=True)
            sent += 1
        _no_reply(b, f"TELE with a bit of byte {place} flipped")
    answered_once(b, sealed(b.body("STATUS")), "the next request")
    return [f"{sent} lines, each TELE ms=20 with one bit flipped: none answered"]


def _no_reply(b: Bench, what: str) -> None:
    said = [h for h in b.fence() if isinstance(h.message, Reply)]
    if said:
        raise Failed(f"no answer to {what}", said[0].text)


def misshapen(b: Bench) -> Evidence:
    s, n = f"{b.sid:04X}", f"{b.number + 1:04X}"
    good = f">{s} {n} STATUS"
    wrong = {
        "no CRC": f"\n{good}\n".encode(),
        "seven digits of a CRC": f"\n{good}*{crc(good)[:7]}\n".encode(),
        "a blank behind the CRC": f"\n{good}*{crc(good)} \n".encode(),
        "a blank before the *": sealed(good + " "),
        "two stars": sealed(good + "*" + crc(good)),
        "two spaces": sealed(f">{s}  {n} STATUS"),
        "a session of three digits": sealed(f">{s[1:]} {n} STATUS"),
        "a session of five digits": sealed(f">0{s} {n} STATUS"),
        "a number of three digits": sealed(f">{s} {n[1:]} STATUS"),
        "no number": sealed(f">{s} STATUS"),
        "no verb": sealed(f">{s} {n}"),
        "a verb in lower case": sealed(f">{s} {n} status"),
        "a verb with a digit": sealed(f">{s} {n} STATUS2"),
        "a verb of thirteen letters": sealed(f">{s} {n} STATUSSTATUSS"),
        "a number in lower-case hex": sealed(f">{s} 00a1 STATUS"),
        "a field without =": sealed(f"{good} x"),
        "a field without a key": sealed(f"{good} =1"),
    }
    before = counters(b)
    for what, data in wrong.items():
        b.ignored(data, what)
    rise(b, before, 0, len(wrong), f"{len(wrong)} misshapen lines")
    answered_once(b, sealed(good), "the same request in form: a misshapen line uses no number")
    return ["not answered, counted, no number used: " + ", ".join(wrong)]


def line_ends(b: Bench) -> Evidence:
    for name, end in {"LF": b"\n", "CR": b"\r", "CR LF": b"\r\n", "three LF": b"\n\n\n"}.items():
        body = b.body("STATUS")
        answered_once(b, f"{body}*{crc(body)}".encode() + end, f"a line ended by {name}")
    return ["LF, CR, CR LF and LF LF LF end one line each"]


def half_line(b: Bench) -> Evidence:
    answered_once(b, b">12" + sealed(b.body("STATUS")), "a request behind half a line")
    return [">12 then LF then a request: the request is answered"]


def chunks(b: Bench) -> Evidence:
    line = sealed(b.body("STATUS"))
    b.number += 1
    at = len(b.heard)
    with b.awaiting("STATUS"):
        for n in range(len(line)):
            b.write(line[n : n + 1], quiet=True)
            b.listen(0.001)
        b.fence()
    found = [h for h in b.heard[at:] if isinstance(h.message, Reply)]
    if len(found) != 1:
        raise Failed("one answer to a request that came byte by byte", ", ".join(h.text for h in found) or "none")
    answered_once(b, b"\n*OP" + b"C?\n" + sealed(b.body("STATUS")), "two lines in one write")
    return [f"{len(line)} writes of one byte are one request; two lines in one write are two"]


def poisoned(b: Bench) -> Evidence:
    before = counters(b)
    for byte in POISON:
        for at in (1, 12):
            line = bytearray(sealed(b.body("STATUS")))
            line.insert(at, byte)
            b.ignored(bytes(line), f"a line with byte 0x{byte:02X} in it")
    rise(b, before, 1, 2 * len(POISON), f"{2 * len(POISON)} poisoned lines")
    answered_once(b, sealed(b.body("STATUS")), "the request behind them")
    return ["dropped to their ends and counted: lines with " + " ".join(f"0x{byte:02X}" for byte in POISON)]


def longest(b: Bench) -> Evidence:
    before = counters(b)
    for length, fits in ((LINE_MOST, True), (LINE_MOST + 1, False), (LINE_MOST + 300, False)):
        pad = length - len(b.body("STATUS x=")) - len("*CCCCCCCC\n")
        data = sealed(b.body("STATUS x=" + "1" * pad))
        if fits:
            answered_once(b, data, f"a line of {length} characters with its end")
        else:
            b.ignored(data, f"a line of {length} characters with its end")
    rise(b, before, 2, 2, "two over-long lines")
    answered_once(b, sealed(b.body("STATUS")), "the request behind them")
    return [
        f"{LINE_MOST} characters with the end are taken; {LINE_MOST + 1} and {LINE_MOST + 300} are dropped, counted"
    ]


def first_offence(b: Bench) -> Evidence:
    before = counters(b)
    b.ignored(b"\n" + b"x" * 10 + b"\x00" + b"x" * 300 + b"\n", "a poisoned line that is also too long")
    rise(b, before, 1, 1, "a line poisoned at 11 and over-long at 240")
    before = counters(b)
    b.ignored(b"\n" + b"x" * 250 + b"\x00" + b"x" * 10 + b"\n", "an over-long line with a bad byte behind 240")
    rise(b, before, 2, 1, "a line over-long at 240 with a bad byte behind it")
    return ["a bad byte within the first 239 names it poisoned, else the 240th character over-long; counted once"]


def echoes(b: Bench) -> Evidence:
    before = counters(b)
    status = b.body("STATUS")[1:]
    for first in "<~!":
        b.ignored(sealed(f"{first}{status}"), f"a line that begins with {first}")
        b.ignored(f"\n{first}nothing\n".encode(), f"a line that begins with {first}")
    rise(b, before, 0, 0, "lines that begin with <, ~ and !")
    error = b.query("SYST:ERR?")
    if not error.startswith("0,"):
        raise Failed('SYST:ERR? 0,"No error"', error)
    return ["lines that begin with <, ~ and ! are ignored: no answer, no count, no error"]


def no_echo(b: Bench) -> Evidence:
    line = sealed(b.body("STATUS"))
    b.number += 1
    b.replies_to(line, "STATUS")
    sent = line.strip(b"\n").decode()
    if any(h.text == sent for h in b.heard):
        raise Failed("no echo", sent)
    return ["what is sent does not come back"]


def fields(b: Bench) -> Evidence:
    evidence = []
    for text, code in (
        ("TELE ms=100 mood=calm x9=1", 0), ("TELE mood=calm ms=100", 0), ("TELE ms=100 MOOD=1", 12),
        ("TELE ms=100 Mood=1", 12), ("TELE ms=100 m-d=1", 12), ("TELE ms=100 ms=100", 2), ("TELE ms=", 2),
        ("TELE ms=1=1", 2), ("TELE", 12), ("TELE ms=100 I=100", 12), ("KEEP t=0000 I=100", 12), ("STATUS x=1 x=1", 2),
    ):  # fmt: skip
        came = b.say(text).code
        if came != code:
            raise Failed(f"{text}: {code:02d}", f"{came:02d}")
        evidence.append(f"{text}: {code:02d}")
    return evidence


def forms(b: Bench) -> Evidence:
    evidence = []
    for text, code in (
        ("TELE ms=0100", 2), ("TELE ms=+100", 2), ("TELE ms=-100", 2), ("TELE ms=-0", 2), ("TELE ms=1e2", 2),
        ("TELE ms=0x64", 2), ("TELE ms=12345678901", 2), ("TELE ms=1234567890", 3), ("KEEP t=0", 2),
        ("KEEP t=00a0", 2), ("KEEP t=00000", 2), ("CLEAR id=1", 2), ("CLEAR id=001", 2), ("RUN run=abc", 2),
        ("RUN run=A-B", 2), (f"RUN run={'A' * 27}", 2), (f"RUN run={'A' * 26}", 6),
    ):  # fmt: skip
        evidence.append(b.refused(text, code))
    return evidence


def telemetry_form(b: Bench) -> Evidence:
    at = len(b.heard)
    b.hello()
    b.listen(1.2)
    lines = b.telemetry(at)
    if [line.number for line in lines[:10]] != list(range(10)):
        raise Failed("telemetry numbered from 0000 on after HELLO", str([f"{line.number:04X}" for line in lines]))
    steps = {after.uptime_ms - before.uptime_ms for before, after in pairwise(lines)}
    if steps != {100}:
        raise Failed("a line every 100 ms of uptime", f"steps of {sorted(steps)} ms")
    texts = [h.text for h in b.heard[at:] if h.text.startswith("~")]
    return [f"{len(lines)} lines, numbered from 0000, 100 ms apart", shown(texts[0].encode())]


def rates(b: Bench) -> Evidence:
    evidence = []
    for ms in (20, 50, 100, 500):
        at = len(b.heard)
        b.done(f"TELE ms={ms}")
        b.listen(max(0.3, 3.5 * ms / 1000))
        times = [line.uptime_ms for line in b.telemetry(at)]
        steps = {after - before for before, after in pairwise(times[1:])}
        if steps != {ms}:
            raise Failed(f"TELE ms={ms}: a line every {ms} ms", f"steps of {sorted(steps)} ms")
        evidence.append(f"TELE ms={ms}: {len(times)} lines, {ms} ms apart")
    b.done("TELE ms=0")
    at = len(b.heard)
    b.listen(0.6)
    if b.telemetry(at):
        raise Failed("TELE ms=0: no telemetry", f"{len(b.telemetry(at))} lines in 0.6 s")
    for ms in (1, 10, 19, 25, 501, 510):
        evidence.append(b.refused(f"TELE ms={ms}", 3))
    return evidence


CHECKS: Final = (
    Check("SEAL-01", "3.2",
          "a request under a right CRC is answered under one, with its session, number and verb", whole),
    Check("SEAL-02", "3.4",
          "a line whose CRC is wrong is not acted on, not answered, counted, and uses no number", wrong_digit),
    Check("SEAL-03", "3.2", "the CRC is eight upper-case hex digits", lower_case_seal),
    Check("SEAL-04", "3.4", "a request with any one bit flipped is never obeyed", every_bit),
    Check("SEAL-05", "3.4",
          "a misshapen line is not acted on and not answered; it is counted with the damaged ones", misshapen),
    Check("SEAL-06", "2.1", "a line is ended by LF or CR; an empty line is ignored", line_ends),
    Check("SEAL-07", "2.1",
          "a leading LF ends a line that was half received, and the request behind it counts", half_line),
    Check("SEAL-08", "2.1", "how the bytes were cut into reads and packets has no meaning", chunks),
    Check("SEAL-09", "2.1",
          "a byte that is not 0x20 to 0x7E poisons its line, which is dropped to its end and counted", poisoned),
    Check("SEAL-10", "2.1",
          "a line has at most 240 characters with its end; a longer one is dropped and counted", longest),
    Check("SEAL-11", "2.1", "the first offence in a line names it, and it is counted once", first_offence),
    Check("SEAL-12", "3.1", "lines that begin with <, ~ or ! are ignored, without answer, error or count", echoes),
    Check("SEAL-13", "2.1", "the unit does not echo", no_echo),
    Check("SEAL-14", "3.3",
          "unknown lower-case keys are ignored, others 12; a key twice, an empty value, = in a value 02", fields),
    Check("SEAL-15", "3.3", "integers, hex, codes and runs have one form each; another is 02", forms),
    Check("SEAL-16", "3.5",
          "after HELLO telemetry comes every 100 ms, numbered from 0000, in the table's form", telemetry_form),
    Check("SEAL-17", "5.8", "TELE sets the time between lines, 0 (off) or 20 to 500 ms in steps of 10", rates),
)  # fmt: skip
