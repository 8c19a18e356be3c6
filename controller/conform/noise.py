"""Random lines: nothing may energise, and the unit goes on speaking the page.

Lines are drawn from a seed, which the report names, so that a failure can be had again. Four kinds: any bytes, any
printable text, a good request with something changed, and well-sealed requests that make no sense. None of them can be
an ARM of the prescription held, because its digest is never sent.
"""

from __future__ import annotations

import random
from typing import Final

from controller.conform.bench import Bench
from controller.conform.check import Check, Evidence, Failed, NotRun
from controller.conform.talk import sealed
from controller.wire import Reply

BATCH: Final = 10  # 2400 bytes at the most, then an answer is waited for: nobody's buffer overflows
VERBS: Final = (
    "BYE", "KEEP", "PRES", "ARM", "START", "SET", "PAUSE", "RESUME", "STOP", "ABORT", "CLEAR", "TELE", "STATUS", "RUN",
    "EVENTS", "SELFTEST", "HELLO", "TAKE", "FLY",
)  # fmt: skip
KEYS: Final = ("I", "Q", "D", "X", "TU", "run", "t", "n", "ms", "id", "vmin", "vmax", "nonce", "host", "POL", "x", "Zz")
VALUES: Final = (
    "0",
    "1",
    "100",
    "4000",
    "6000",
    "00000000",
    "FFFFFFFF",
    "0000",
    "-",
    "+",
    "NONE",
    "A" * 26,
    "4294967295",
)


def lines(b: Bench) -> Evidence:
    rng = random.Random(b.options.seed)
    b.stage(100)
    total = b.options.lines
    for sent in range(0, total, BATCH):
        batch = b"".join(_line(b, rng) for _ in range(min(BATCH, total - sent)))
        b.write(batch, quiet=True)
        b.fence()
        if sent // BATCH % 50 == 49:
            _at_rest(b, sent)
    _at_rest(b, total)
    b.strays.clear()  # a well-sealed request that makes no sense is answered, whatever its number
    return [f"{total} random lines from seed {b.options.seed}: nothing energised, HELLO is answered"]


def _at_rest(b: Bench, sent: int) -> None:
    b.write(b"\x03\n", quiet=True)
    b.hello()
    status = b.status()
    if status.word("st") in ("SELFTEST", "BOOT"):
        b.listen(0.3)
        status = b.status()
    if status.word("st") not in ("IDLE", "DONE") or status.word("set") != "0" or status.integer("i") > 20:
        raise Failed(f"IDLE without current after {sent} random lines", str(dict(status.fields)))
    energised = [line for line in b.telemetry() if line.set_ua or max(line.i_ua, line.i2_ua) > 70]
    if energised:
        raise Failed("no current", str(energised[0]))
    b.heard.clear()
    b.stage(100)


def _line(b: Bench, rng: random.Random) -> bytes:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 80)) + b"\n"
    if kind == 1:
        return bytes(rng.randrange(0x20, 0x7F) for _ in range(rng.randrange(1, 300))) + b"\n"
    good = sealed(b.body(_sense(rng), sid=rng.choice((b.sid, b.sid, 0, rng.randrange(0x10000)))))
    if kind == 2:
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        return bytes(bad) + b"\n"
    return good


def _sense(rng: random.Random) -> str:
    fields = (f"{rng.choice(KEYS)}={rng.choice(VALUES)}" for _ in range(rng.randrange(5)))
    return " ".join((rng.choice(VERBS), *fields))


def while_energised(b: Bench) -> Evidence:
    """Long plain lines and nonsense while current flows: the set-point and the current stay what they are."""
    rng = random.Random(b.options.seed)
    b.hold()
    b.done("TELE ms=50")
    at = len(b.heard)
    for n in range(40):
        length = (20, 33, 64, 100, 200, 238)[n % 6]
        text = bytes(rng.choice(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789~@") for _ in range(length))
        b.write(b"\nX" + text + b"\n", quiet=True)
        b.listen(0.05)
    b.fence()
    lines = b.telemetry(at)
    wrong = [
        line for line in lines if line.set_ua != b.ua or line.i_ua > b.ua * 1.05 + 20 or line.state.value != "HOLD"
    ]
    if wrong or not lines:
        raise Failed(f"HOLD at set={b.ua} all the while", str(wrong[0]) if wrong else "no telemetry")
    return [f"40 nonsense lines of 20 to 238 characters in HOLD: set={b.ua} in {len(lines)} lines of telemetry"]


def all_in_form(b: Bench) -> Evidence:
    """Every line of the whole suite so far."""
    if b.noise:
        raise Failed("every line of the unit in the form of chapter 3, under a right CRC", "; ".join(b.noise[:5]))
    if not b.slowest_s:
        raise NotRun("nothing was asked before this")
    slowest = max(b.slowest_s.items(), key=lambda pair: pair[1])
    return [f"no damaged, poisoned, over-long or misshapen line; the slowest answer: {slowest[0]}, {slowest[1]:.3f} s"]


def no_reply_lost(b: Bench) -> Evidence:
    """Twenty requests, each the moment the one before is answered."""
    for _ in range(20):
        reply: Reply = b.done("STATUS")
        if reply.number != b.number:
            raise Failed(f"{b.number:04X}", f"{reply.number:04X}")
    return ["twenty requests back to back, each answered with its own number"]


CHECKS: Final = (
    Check("NOISE-01", "2.1", "random lines energise nothing, and HELLO is answered behind them", lines),
    Check("NOISE-02", "2.1", "lines that make no sense move nothing while current flows", while_energised, ("load",)),
    Check("NOISE-03", "4.2", "requests one behind the other are all answered", no_reply_lost),
    Check("NOISE-04", "3.4",
          "everything the unit sent in this whole suite was in form and under a right CRC", all_in_form),
)  # fmt: skip
