"""A unit, or something on the line, that answers wrongly: nothing is raised on a lie, and no dose is under-reported.

``Liar`` stands between the world and the port and rewrites whole lines, with a good checksum where it likes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product

import pytest

from controller.journal.wire_log import read_wire_log
from tests.naive_wire import crc32
from tests.rigs import Once, VirtualRig, in_hold, notes, small

pytestmark = pytest.mark.needs("exact_time", "truth")


class Liar:
    """Rewrites lines: ``lie(body)`` gives a new body (sealed again), the same, or None to lose the line."""

    def __init__(self, lie: Callable[[str], str | None]) -> None:
        self._lie = lie
        self.told = 0

    def __call__(self, data: bytes) -> bytes:
        return b"".join(self._line(line) for line in data.splitlines(keepends=True))

    def _line(self, line: bytes) -> bytes:
        body, star, _ = line.decode("ascii").rpartition("*")
        said = self._lie(body) if star else body
        if said == body:
            return line
        self.told += 1
        return b"" if said is None else f"{said}*{crc32(said.encode()):08X}\n".encode()


def reply(verb: str, old: str, new: str) -> Callable[[str], str]:
    return lambda body: body.replace(old, new) if body[0] == "<" and f" {verb} " in body else body


def lost(first: str, verb: str, times: int = 10_000) -> Callable[[str], str | None]:
    """Loses the first ``times`` requests (``>``) or replies (``<``) with this verb."""
    left = [times]

    def lie(body: str) -> str | None:
        if body[0] == first and verb in body.split()[2:4] and left[0]:
            left[0] -= 1
            return None
        return body

    return lie


def raised(record) -> list[str]:
    return [note["verb"] for note in notes(record.folder, "intent")]


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (reply("PRES", "I=2000", "I=2500"), "I=2500 for 2000"),
        (reply("PRES", "POL=-", "POL=+"), "POL=+ for -"),
        (reply("PRES", "Q=60000", "Q=600000"), "Q=600000 for 60000"),
        (reply("PRES", " D=", " D=0000000"), "D="),
    ],
)
def test_a_unit_that_holds_something_else_is_never_armed(rig: VirtualRig, tmp_path, lie, reason) -> None:
    liar = Liar(lie)
    rig.tamper(answer=liar)
    record, run = rig.deliver(small(1.0), tmp_path, breaks=["I12"] if " for " in reason else [])
    assert liar.told
    assert record.outcome in ("REFUSED", "UNKNOWN")
    assert raised(record) == ["PRES"] * len(raised(record))
    assert record.dose_ma_min == 0.0
    if "=" in reason and record.outcome == "REFUSED":
        assert reason in run.results[0].reason


@pytest.mark.parametrize(
    ("times", "first", "verb"),
    list(product((1, 4, 10_000), "><", ("PRES", "ARM", "START"))),
)
def test_a_lost_request_and_a_lost_answer_start_a_run_once_or_never(
    rig: VirtualRig, tmp_path, verb, first, times
) -> None:
    liar = Liar(lost(first, verb, times))
    rig.tamper(**{"answer" if first == "<" else "request": liar})
    record, run = rig.deliver(small(1.0), tmp_path)
    assert liar.told
    if times == 10_000 and (verb, first) != ("START", "<"):
        assert record.outcome in ("REFUSED", "UNKNOWN")
        assert record.dose_ma_min == 0.0
    elif times > 1 and (verb, first) == ("START", "<"):
        # It runs, and its host knows so only when the lease is over: no KEEP goes out while START is outstanding.
        assert (record.outcome, run.results[0].cause) == ("STOPPED", "link")
    else:
        assert record.outcome == "DONE"
        assert record.dose_ma_min == pytest.approx(1.0, abs=rig.tolerance_ma_min)


def test_a_stop_without_an_answer_is_known_to_have_worked(rig: VirtualRig, tmp_path) -> None:
    liar = Liar(lost("<", "STOP"))
    rig.tamper(answer=liar)
    record, run = rig.deliver(small(4.0), tmp_path, Once(in_hold(1.0), lambda run: run.stop()))
    assert liar.told
    assert record.outcome == "STOPPED"
    assert run.is_quiet


@pytest.mark.parametrize(
    ("lie", "outcomes", "breaks"),
    [
        (lambda b: b.replace(" i=20", " i=26") if b[0] == "~" else b, {"STOPPED"}, []),  # more than was set
        (
            lambda b: b.replace(" st=HOLD", " st=IDLE") if b[0] == "~" else b,
            {"STOPPED"},
            ["I01", "I15"],
        ),  # current at rest
        (
            lambda b: b.replace(" q=", " q=9") if b[0] == "~" and "HOLD" in b else b,
            {"STOPPED"},
            ["I07", "I08"],
        ),  # a dose from nowhere
        (lambda b: None if b[0] == "~" and "HOLD" in b else b, {"STOPPED"}, []),  # blind
        (lambda b: b.replace(" sn=SN0001", " sn=SN0666") if " HELLO " in b else b, {"DONE"}, []),  # one name throughout
    ],
)
def test_telemetry_that_cannot_be_true_stops_the_unit(rig: VirtualRig, tmp_path, lie, outcomes, breaks) -> None:
    liar = Liar(lie)
    rig.tamper(answer=liar)
    record, run = rig.deliver(small(2.0), tmp_path, breaks=breaks)
    assert liar.told
    assert record.outcome in outcomes
    if record.outcome == "STOPPED":
        assert run.results[0].breach is not None


def test_telemetry_repeated_under_new_numbers_is_found_out(rig: VirtualRig, tmp_path) -> None:
    """F14: the sensor's world stands still while the current flows; the host's own integral does not."""
    frozen: list[str] = []

    def lie(body: str) -> str:
        if body[0] != "~" or " st=HOLD " not in body:
            return body
        frozen.append(body.partition(" st=")[2])
        return body.partition(" st=")[0] + " st=" + frozen[0]

    rig.tamper(answer=Liar(lie))
    record, run = rig.deliver(small(4.0), tmp_path, breaks=["I07", "I08"])
    assert record.outcome == "STOPPED"
    assert run.results[0].breach.limit == "the unit's dose agrees with the host's own integral"


def test_another_unit_behind_the_same_port_is_told_nothing(rig: VirtualRig, tmp_path) -> None:
    """I38: the cable comes back on a unit with another serial number."""
    swapped: list[str] = []

    def lie(body: str) -> str:
        if swapped and body[0] == "<" and " HELLO " in body:
            return body.replace("sn=SN0001", "sn=SN0002")
        return body

    def swap(_) -> None:
        rig.after(0.4, rig.door.replug)
        rig.door.unplug()
        swapped.append("now")

    rig.tamper(answer=Liar(lie))
    record, run = rig.deliver(small(4.0), tmp_path, Once(in_hold(2.0), swap))
    assert record.outcome == "UNKNOWN"
    assert "another unit answers: SN0002 instead of SN0001" in run.results[0].reason
    log = [entry for entry in read_wire_log(record.folder / "wire.log").entries if entry.mark == ">"]
    after = log[[" HELLO " in entry.text and " run=" in entry.text for entry in log].index(True) + 1 :]
    assert [entry.text.split()[2] for entry in after if entry.text[0] == ">"] == []


@pytest.mark.parametrize("out", ["FAULT:xx", "FAULT:", "WHATEVER", "DONE2"])
def test_an_outcome_that_is_none_ends_in_an_interval(rig: VirtualRig, tmp_path, out) -> None:
    def lie(body: str) -> str:
        return body.replace(" out=DONE", f" out={out}") if body[0] == "<" and " RUN " in body else body

    liar = Liar(lie)
    rig.tamper(answer=liar)
    rig.deliver(small(1.0), tmp_path)
    assert liar.told


@pytest.mark.parametrize("seed", range(12))
def test_noise_on_the_line_never_breaks_a_promise(rig: VirtualRig, tmp_path, seed) -> None:
    """Flipped, lost, doubled and inserted bytes in both directions, one in 2000: any outcome, but a true one."""
    dice = random.Random(seed)

    def noise(data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            match dice.randrange(8000):
                case 0:
                    out.append(byte ^ 1 << dice.randrange(8))
                case 1:
                    pass
                case 2:
                    out += bytes((byte, byte))
                case 3:
                    out += bytes((byte, dice.randrange(256)))
                case _:
                    out.append(byte)
        return bytes(out)

    rig.tamper(answer=noise, request=noise)
    with rig.open() as unit:
        eyes = rig.eyes()
        with unit.deliver(small(2.0), out=tmp_path) as run:
            for _ in run:
                eyes.look()
        rig.settle()
        eyes.end(run.record)
    assert read_wire_log(run.record.folder / "wire.log").verdict.whole
