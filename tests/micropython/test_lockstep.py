"""The firmware files, unchanged, under MicroPython: the same integers as here, and no allocation in the tick.

MicroPython is its WebAssembly build under Node, as close to a microcontroller's as a desk comes: small integers
of 31 bits, a heap that can be locked. With the heap locked whatever allocates raises MemoryError, a product
beyond 2^30 as well as a forgotten tuple. The Unix port was rejected: its small integers have 63 bits, which
hides the products.

Each run starts its own Node, because a locked heap that was hit is no state to go on from.
"""

import json
import os
import shutil
import subprocess
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hw_sim.firmware.machine import IDLE, NAMES
from hw_sim.firmware.record import FIELDS
from tests import naive_wire
from tests.micropython import dialogue, recording
from tests.micropython.recording import Tape

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "hw_sim" / "firmware"
PACKAGE = HERE / "node_modules" / "@micropython" / "micropython-webassembly-pyscript"
TICKS = 10_000

Runner = Callable[[str, Path], dict]


def missing() -> str | None:
    """What is not installed, with the remedy; None when all is there."""
    if shutil.which("node") is None:
        return "Node.js is not installed: install version 20 or later to run the firmware under MicroPython."
    if not PACKAGE.exists():
        return "MicroPython is not installed: run `npm install` in tests/micropython."
    return None


@pytest.fixture(scope="module")
def micropython() -> Runner:
    """Run a job of driver.py over a folder. Without Node the test is skipped; in CI that is a failure."""
    absent = missing()
    if absent is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(absent)

    def run(job: str, folder: Path) -> dict:
        command = ["node", str(HERE / "run.mjs"), job, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@dataclass(frozen=True, slots=True)
class Replay:
    """What MicroPython made of a tape."""

    refused: int | None  # the tick that wanted memory
    differs: int | None  # the first tick after which any field differs from CPython's
    fields: dict[str, tuple[int, int]]  # fields that differ at the end: theirs, ours
    allocated: int  # bytes, over all ticks, with the heap free to use
    us_per_tick: float


def replay(run: Runner, tape: Tape, folder: Path, stride: int = 1) -> Replay:
    """``stride``: how many ticks one CRC stands for; 1 names the very tick that differs."""
    tape.write(folder, stride)
    result = run("lockstep", folder)
    theirs = array("I", bytes.fromhex(result["crcs"]))
    ours = tape.crcs[stride - 1 :: stride]
    ends = zip(FIELDS, result["record"], tape.record.snapshot(), strict=True)
    return Replay(
        refused=result["refused"],
        differs=next((k * stride for k, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b), None),
        fields={name: (a, b) for name, a, b in ends if a != b},
        allocated=result["bytes"],
        us_per_tick=result["us"] / len(tape.crcs),
    )


def agree(seen: Replay) -> None:
    assert seen.refused is None
    assert seen.differs is None
    assert seen.fields == {}
    assert seen.allocated == 0
    print(f"{seen.allocated} bytes allocated, {seen.us_per_tick:.1f} us of processor time a tick")


# -- the tick ------------------------------------------------------------------------------------------------


def test_a_treatment_gives_the_same_integers_and_allocates_nothing(micropython: Runner, tmp_path: Path) -> None:
    tape = recording.treatment(TICKS)
    assert len(tape.crcs) == TICKS
    assert {NAMES[st] for st in tape.states} == set(NAMES[IDLE:])
    assert tape.told == {
        "WARN 11",  # link lost
        "WARN 04", "FAULT 01",  # voltage limit, electrode off
        "WARN 06", "FAULT 06",  # jerk, short
        "WARN 05", "FAULT 05",  # peel
    }  # fmt: skip
    agree(replay(micropython, tape, tmp_path))


def test_no_converter_code_and_no_prescription_makes_the_tick_allocate(micropython: Runner, tmp_path: Path) -> None:
    tape = recording.extremes(TICKS // 2, seed=2)
    assert tape.told >= {f"FAULT {code:02d}" for code in (1, 6, 7, 8, 9, 12)}
    agree(replay(micropython, tape, tmp_path))


LONG = int(os.environ.get("LOCKSTEP_TICKS", "100000"))
STRIDE = 1000


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_the_same_integers_for_a_long_time(micropython: Runner, tmp_path: Path) -> None:
    """Treatments and extremes by turns, another seed each; ``LOCKSTEP_TICKS=1000000`` for the long one."""
    seen, told = [], set()
    for n in range(LONG // TICKS):
        tape = recording.extremes(TICKS, seed=n) if n % 2 else recording.treatment(TICKS, seed=n)
        told |= tape.told
        seen.append(replay(micropython, tape, tmp_path, STRIDE))
        assert (n, seen[-1].refused, seen[-1].differs, seen[-1].fields, seen[-1].allocated) == (n, None, None, {}, 0)
    assert told >= {f"FAULT {code:02d}" for code in (1, 5, 6, 7, 8, 9, 12)}
    us = sum(each.us_per_tick for each in seen) / len(seen)
    print(f"{TICKS * len(seen)} ticks, {us:.1f} us a tick, 0 bytes; told: {', '.join(sorted(told))}")


# -- that the test can fail ----------------------------------------------------------------------------------

SHORT = 600  # ticks: into the first HOLD of the treatment


@pytest.fixture(scope="module")
def beginning() -> Tape:
    return recording.treatment(SHORT)


def spoil(folder: Path, line: str) -> None:
    """The firmware with a tick that does one thing more."""
    sound = (FIRMWARE / "control.py").read_text()
    spoiled = folder / "hw_sim" / "firmware" / "control.py"
    spoiled.parent.mkdir(parents=True)
    spoiled.write_text(f"{sound}\n\n_sound = tick\n\n\ndef tick(s):\n    {line}\n    return _sound(s)\n")


def test_a_product_beyond_31_bits_is_refused(micropython: Runner, beginning: Tape, tmp_path: Path) -> None:
    spoil(tmp_path, "s.adc_i << 17")
    seen = replay(micropython, beginning, tmp_path)
    # 8192 << 17 is 2^30, the first integer that is not small; 0.625 mA read so.
    assert seen.refused == next(k for k in range(SHORT) if beginning.inputs[4 * k] >= 8192)
    assert seen.refused > 145  # the tick of START: the ones before were allowed
    assert seen.allocated > 0


def test_a_tuple_is_refused(micropython: Runner, beginning: Tape, tmp_path: Path) -> None:
    spoil(tmp_path, "(s.i, s.v)")
    assert replay(micropython, beginning, tmp_path).refused == 0


def test_one_nanoampere_tick_of_dose_is_found(micropython: Runner, beginning: Tape, tmp_path: Path) -> None:
    spoil(tmp_path, "s.carry += s.on_time == 299")
    seen = replay(micropython, beginning, tmp_path)
    assert seen.refused is None
    # START came before tick 145, which makes on_time 1; before tick 444 it is 299.
    assert seen.differs == 444
    assert seen.fields.keys() == {"carry"}


# -- the whole unit ------------------------------------------------------------------------------------------


def test_the_whole_unit_boots_and_sends_the_same_bytes(micropython: Runner, tmp_path: Path) -> None:
    heard = micropython("dialogue", tmp_path)
    assert heard["imported"] == sorted(path.stem for path in FIRMWARE.glob("*.py"))

    identity, hello = heard["greeting"]
    assert identity == "IONTO,IONTO-4,SN0042,1.0.0\n"
    assert naive_wire.decode_line(hello.rstrip("\n"))["code"] == "00"
    assert [identity, hello] == dialogue.conversation(dialogue.GREETING)

    sent = "".join(heard["sent"])
    assert [word in sent for word in ("out=DONE", "out=RESET", "out=STOPPED", "out=FAULT:01")] == [True] * 4
    assert heard["sent"] == dialogue.conversation(dialogue.STEPS)
