"""What goes wrong inside the unit's processor and memory (F01 to F27)."""

from __future__ import annotations

from typing import Final

from hw_sim.faults.fault import Arguments, Bench, Fault, one_of

SLOT: Final = one_of("slot", "run", "system", what="record of the newest run, or of the system")


def _hang(bench: Bench, args: Arguments) -> None:
    bench.act("hang")


def _newest(bench: Bench, args: Arguments) -> str:
    """The slot written last of its kind; a unit without a run has only the system's."""
    runs = {slot: text for slot, text in bench.hal.nvm.items() if slot.startswith("run")}
    if args.word("slot") == "system" or not runs:
        return "sys"
    return max(runs, key=lambda slot: int(runs[slot].split(b" ", 1)[0]))


def _flip(bench: Bench, args: Arguments) -> None:
    slot = _newest(bench, args)
    text = bench.hal.nvm[slot]
    bench.hal.nvm[slot] = text[:3] + bytes((text[3] ^ 1,)) + text[4:]
    bench.act("power_cycle")


def _tear(bench: Bench, args: Arguments) -> None:
    slot = _newest(bench, args)
    text = bench.hal.nvm[slot]
    bench.hal.nvm[slot] = text[: len(text) // 2]
    bench.act("power_cycle")


def _fill(bench: Bench, args: Arguments) -> None:
    bench.act("nvm_full")


def _free(bench: Bench, args: Arguments) -> None:
    bench.act("nvm_free")


FAULTS: Final = (
    Fault("F01", "hang", "the processor stops; its watchdog goes on", _hang, instant=True),
    Fault("F07", "bad-record", "a bit of a record flips, and the power fails", _flip, (SLOT,), instant=True),
    Fault("F08", "torn-record", "the power fails in the middle of writing a record", _tear, (SLOT,), instant=True),
    Fault("F09", "memory-full", "the non-volatile memory refuses every write", _fill, lift=_free),
)
