"""What goes wrong in the unit's processor and memory, whatever code runs in it; what is wrong with the code: code.py.

F04 and F05 take the power away for no time at all, which is what a reset is to everything but a stopwatch. F06 flips a
bit of one number of the control record; a state that is none is a processor that has lost its way. F10 changes how long
the tick really is, which the unit goes on to count as 10 ms. F11 puts a counter close to its end; a clock put there has
not counted as time passed.
"""

from __future__ import annotations

from typing import Final

from hw_sim.faults.fault import Arguments, Bench, Fault, a_number, one_of
from hw_sim.firmware import wire
from hw_sim.firmware.machine import IDLE, NAMES
from hw_sim.firmware.nvm import LAYOUT
from hw_sim.plant import set_step

TICK_US: Final = 10_000  # of a sound clock
SEAL_LENGTH: Final = 10  # the star, eight digits, the line end
OLD_LAYOUT: Final = "v1"
FLIPPED: Final = {"set": "tgt", "limit": "vmax", "dose": "q"}
SLOT: Final = one_of("slot", "run", "system", what="record of the newest run, or of the system")


def _hang(bench: Bench, args: Arguments) -> None:
    bench.act("hang")


def _newest(bench: Bench, args: Arguments) -> str:
    """The slot written last of its kind; a unit without a run has only the system's."""
    runs = {slot: text for slot, text in bench.hal.nvm.items() if slot.startswith("run")}
    if args.word("slot") == "system" or not runs:
        return "sys"
    return max(runs, key=lambda slot: int(runs[slot].split(b" ", 1)[0]))


def _spoil(bench: Bench, args: Arguments) -> None:
    slot = _newest(bench, args)
    text = bench.hal.nvm[slot]
    if args.word("how") == "bit":
        bench.hal.nvm[slot] = text[:3] + bytes((text[3] ^ 1,)) + text[4:]
    else:
        body = text[:-SEAL_LENGTH].decode()
        bench.hal.nvm[slot] = wire.seal(body.replace(f" {LAYOUT} ", f" {OLD_LAYOUT} ", 1))
    bench.act("power_cycle")


def _tear(bench: Bench, args: Arguments) -> None:
    slot = _newest(bench, args)
    text = bench.hal.nvm[slot]
    bench.hal.nvm[slot] = text[: len(text) // 2]
    bench.act("power_cycle")


def _fill(bench: Bench, args: Arguments) -> None:
    if args.word("what") == "full":
        bench.act("nvm_full")
    else:
        bench.hal.nvm_slow_us = round(args.number("ms") * 1000)


def _free(bench: Bench, args: Arguments) -> None:
    bench.act("nvm_free")
    bench.hal.nvm_slow_us = 0


def _reset(bench: Bench, args: Arguments) -> None:
    bench.act("power_cycle")


def _again(bench: Bench, args: Arguments, elapsed_s: float) -> float | None:
    if elapsed_s:
        bench.act("power_cycle")
    return args.number("every")


def _flip(bench: Bench, args: Arguments) -> None:
    s, bit = bench.firmware.rec, int(args.number("bit"))
    if args.word("what") != "state":
        name = FLIPPED[args.word("what")]
        setattr(s, name, getattr(s, name) ^ (1 << bit))
        return
    state = s.st ^ (1 << bit % 4)
    if state < len(NAMES):
        s.st = state
    else:
        bench.act("hang")


def _clock(bench: Bench, args: Arguments) -> None:
    _run_at(bench, round(TICK_US / (1.0 + args.number("percent") / 100)))


def _clock_again(bench: Bench, args: Arguments) -> None:
    _run_at(bench, TICK_US)


def _run_at(bench: Bench, tick_us: int) -> None:
    """Everything the unit counts is counted in ticks; its uptime goes on from where it is."""
    bench.powered_us = bench.now_us - (bench.now_us - bench.powered_us) * tick_us // bench.tick_us
    bench.tick_us = tick_us
    set_step(bench.plant, tick_us / 1e6)


def _wrap(bench: Bench, args: Arguments) -> None:
    unit, left = bench.firmware, int(args.number("left"))
    match args.word("what"):
        case "uptime":
            bench.powered_us = bench.now_us - (2**32 - left * 1000) * 1000
            unit.store.window_at = unit.now()
        case "event":
            unit.event_no = 0x10000 - left
        case "telemetry":
            unit.session.tele_no = 0x10000 - left
            unit.session.tele_made = 0
        case _:
            unit.session.next_sid = 0x10000 - left


def _flood(bench: Bench, args: Arguments) -> None:
    for n in range(int(args.number("events"))):
        bench.firmware.event(f"NOISE n={n}")


def _contradict(bench: Bench, args: Arguments) -> None:
    s = bench.firmware.rec
    if args.word("pair") == "idle-with-output":
        s.st = IDLE
    else:
        s.is_open = 0


def _turn(bench: Bench, args: Arguments) -> None:
    bench.firmware.rec.bridge = -bench.firmware.rec.bridge


def _nothing(bench: Bench, args: Arguments) -> None:
    """The course does it."""


FAULTS: Final = (
    Fault("F01", "hang", "the processor stops; its watchdog goes on", _hang, instant=True),
    Fault("F04", "reset", "the processor starts anew; with event=3 or event=STATE at that event", _reset, instant=True),
    Fault(
        "F05", "boot-loop", "the processor starts anew again and again", _nothing,
        (a_number("every", 0.3, 0.01, 3600, "s between two"),), course=_again,
    ),
    Fault(
        "F06", "bit-flip", "a bit of the control record flips", _flip,
        (
            one_of("what", "set", "limit", "dose", "state", what="set-point (nA), limit (mV), dose (uC), state"),
            a_number("bit", 19, 0, 30, "0 is the lowest; a state has four"),
        ),
        instant=True,
    ),
    Fault(
        "F07", "bad-record", "a bit of a record flips, or it is of an old layout, and the power fails", _spoil,
        (SLOT, one_of("how", "bit", "layout", what="a bit, or another version's layout")), instant=True,
    ),
    Fault("F08", "torn-record", "the power fails in the middle of writing a record", _tear, (SLOT,), instant=True),
    Fault(
        "F09", "memory-full", "the non-volatile memory refuses every write, or takes its time", _fill,
        (one_of("what", "full", "slow", what="full, or slow"), a_number("ms", 200, 1, 10_000, "a write when slow")),
        lift=_free,
    ),
    Fault(
        "F10", "clock", "the unit's clock runs too fast, or too slow", _clock,
        (a_number("percent", 5, -20, 20, "too fast"),), lift=_clock_again,
    ),
    Fault(
        "F11", "wrap", "a counter comes close to its end", _wrap,
        (
            one_of("what", "uptime", "telemetry", "event", "session", what="which one"),
            a_number("left", 10, 1, 60_000, "s of uptime, or numbers, to its end"),
        ),
        instant=True,
    ),
    Fault(
        "F13", "event-flood", "more events at once than are kept", _flood,
        (a_number("events", 80, 1, 10_000, "events"),), instant=True,
    ),
    Fault(
        "F18", "illegal-pair", "two things the unit knows of itself contradict each other", _contradict,
        (one_of("pair", "idle-with-output", "run-not-open", what="IDLE with the output as it was, or no run open"),),
        instant=True,
    ),
    Fault("F23", "flip", "the bridge turns, whatever flows", _turn, instant=True),
)  # fmt: skip
