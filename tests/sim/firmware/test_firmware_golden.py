"""The golden lines against the firmware: what it reads, what it refuses, and its own words byte for byte.

A unit is made to be the one of the golden lines (session 4A17, boot 163, SN0042); each line that a unit says is
then provoked, and compared as text. Values that a bench cannot have (1498 uA to the digit) are written into the
control record, because the words are what is tested here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hw_sim.firmware import verbs, wire
from hw_sim.firmware.machine import NAMES
from hw_sim.firmware.output import NOTE_FAULT, NOTE_LINK, NOTE_WARN
from hw_sim.firmware.wire import Receiver
from tests.sim.firmware.bench import Bench
from tests.sim.firmware.golden import RUN, SAID, TO_UNIT, expect, golden_unit, note

# -- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", TO_UNIT, ids=note)
def test_the_unit_reads_the_line_as_written(entry: dict[str, Any]) -> None:
    receiver = Receiver()
    lines = receiver.feed(entry["line"].encode("latin-1") + b"\n")
    assert (receiver.poisoned, receiver.overlong) == (
        int(entry.get("damage") == "POISONED"),
        int(entry.get("damage") == "OVERLONG"),
    )
    if entry.get("damage") in ("POISONED", "OVERLONG"):
        assert lines == []
        return
    assert lines == [entry["line"]]
    if entry["kind"] == "plain":
        assert lines[0].strip()[0] not in "><~!"
        return
    body = wire.unseal(lines[0])
    read = None if body is None else wire.request(body)
    if entry["kind"] == "request":
        number, sid = int(entry["number"], 16), int(entry["sid"], 16)
        assert read == (sid, number, entry["verb"], list(entry["fields"].items()))
    elif "obeyed" in entry:
        assert read == (0x4A17, 0x21, "STOP", None)
    elif "refusal" in entry:
        assert read is not None
        assert read[3] is not None
        assert verbs.check(read[2], read[3]) == (int(entry["refusal"]), {})
    else:
        assert read is None


@pytest.mark.parametrize("entry", [e for e in TO_UNIT if e.get("refusal")], ids=note)
def test_the_unit_answers_the_refusal_that_the_line_deserves(entry: dict[str, Any]) -> None:
    bench = golden_unit("HOLD" if entry["refusal"] == "18" or " SET " in entry["line"] else "STAGED")
    head = entry["line"].split(" ")
    expect(bench, int(head[1], 16))
    bench.put(b"\n" + entry["line"].encode() + b"\n")
    assert [reply["code"] for reply in bench.replies[-1:]] == [entry["refusal"]]


@pytest.mark.parametrize("entry", [e for e in TO_UNIT if e["kind"] == "noise" and "refusal" not in e], ids=note)
def test_noise_is_not_answered_and_is_counted_once(entry: dict[str, Any]) -> None:
    bench = expect(golden_unit("HOLD"), int(entry["line"][6:10], 16) if entry["line"][6:10].isdigit() else 4)
    assert bench.put(entry["line"].encode("latin-1") + b"\n") == []
    place = {"BAD_CRC": 0, "MISSHAPEN": 0, "POISONED": 1, "OVERLONG": 2}[entry["damage"]]
    counters = ["0", "0", "0"]
    counters[place] = "1"
    assert bench.query("SYST:COUN?") == ",".join([*counters, "163"])
    assert bench.state == "HOLD"


def test_a_misshapen_stop_with_a_good_checksum_is_obeyed_and_answered_02() -> None:
    bench = expect(golden_unit("HOLD"), 0x21)
    bench.put(b">4A17 0021 STOP now please*80989677\n")
    assert bench.state == "RAMP_DOWN"
    assert bench.replies[-1]["line"].startswith("<4A17 0021 02 STOP*")


# -- speaking ----------------------------------------------------------------------------------------------------


def put(line: str, bench: Bench) -> list[str]:
    """What the unit says to a golden request."""
    expect(bench, int(line[6:10], 16))
    return bench.put(line.encode() + b"\n")


def request(start: str) -> str:
    """The golden request that begins so."""
    [line] = [e["line"] for e in TO_UNIT if e["kind"] == "request" and e["line"].startswith(start)]
    return str(line)


def hello(start: str, state: str = "IDLE", *, sid: int = 0x4A17) -> list[str]:
    bench = golden_unit(state)
    bench.world.firmware.session.next_sid = sid
    return bench.put(request(start).encode() + b"\n")


def ask(start: str, state: str = "IDLE", **fields: int | str) -> list[str]:
    return put(request(start), golden_unit(state, **fields))


def next_request(number: int, text: str, state: str = "IDLE") -> list[str]:
    bench = expect(golden_unit(state), number)
    bench.ask(text)
    return [bench.replies[-1]["line"]]


def faulted(codes: tuple[int, ...]) -> Bench:
    bench = golden_unit("FAULT")
    bench.world.firmware.rec.fl = sum(1 << (code - 1) for code in codes)
    bench.ticks(200)
    return bench


def held(**record: int) -> Bench:
    """An idle unit whose record says what the golden line says; not one tick passes."""
    bench = golden_unit()
    s = bench.world.firmware.rec
    for name, value in record.items():
        setattr(s, name, value)
    s.i_1, s.i2_1, s.v_1 = s.i, s.i2, s.v
    return bench


def uptime(bench: Bench, ms: int) -> Bench:
    bench.world.powered_us = bench.world.now_us - ms * 1000
    return bench


GOLDEN_HOLD = {
    "st": 7, "tgt": 1_500_000, "i": 1_498_000, "i2": 1_499_000, "v": 6270, "q": 82_470, "lease": 183, "relay_fb": 1,
    "is_open": 1,
}  # fmt: skip


def telemetry(number: int, ms: int, sid: int = 0x4A17, **record: int) -> list[str]:
    bench = uptime(held(**record), ms)
    session = bench.world.firmware.session
    session.sid, session.tele_no = sid, number
    session.telemetry()
    return bench.hear()


def event(number: int, ms: int, body: str = "", **record: int) -> list[str]:
    """An event told by ``body``, or by the note in the record as the tick leaves it."""
    bench = uptime(held(**{"told": record.get("st", 2), **record}), ms)
    firmware = bench.world.firmware
    firmware.event_no, firmware.run = number - 1, RUN
    if body:
        firmware.event(body)
    else:
        firmware.after()
    return bench.hear()


def state_event(number: int, ms: int, was: int, st: int, by: int) -> list[str]:
    return event(number, ms, told=was, st=st, by=by)


def status(number: int, ms: int, **record: int) -> list[str]:
    bench = uptime(held(**record), ms)
    bench.world.firmware.run = RUN
    return put(request(">4A17 0016 STATUS"), bench) if number == 0x16 else [ask_at(bench, number, "STATUS")]


def ask_at(bench: Bench, number: int, text: str) -> str:
    expect(bench, number)
    return str(bench.ask(text)["line"])


def armed_reply() -> list[str]:
    bench = golden_unit("STAGED")
    bench.world.firmware.rec.st = 5
    bench.world.firmware.rec.chk_z = 41_800
    session = bench.world.firmware.session
    session.waiting, session.waiting_no = "ARM", 2
    session.checked()
    return bench.hear()


def check_failed(load: str, stop: bool) -> list[str]:
    bench = expect(golden_unit("STAGED"), 0x0B)
    bench.world.act("load", load)
    bench.number += 1
    bench.silent(0x4A17, bench.number, f"ARM D={bench.digest}")
    bench.ticks(30)
    if stop:
        bench.query("STOP")
    bench.ticks(130)
    return [bench.replies[-1]["line"]]


def started() -> list[str]:
    bench = uptime(golden_unit("ARMED"), 12_150)
    bench.world.firmware.digest = "83615AA8"
    return put(request(">4A17 0003 START"), bench)


def known_run(bench: Bench, outcome: int, q: int, st: int) -> Bench:
    bench.world.firmware.store.runs = ((RUN, outcome, q, 0, 0),)
    bench.world.firmware.rec.st = st
    return bench


def calibrated() -> list[str]:
    bench = golden_unit()
    bench.world.hal.calibrates = True
    return put(request(">4A17 001D CAL"), expect(bench, 0x1D))


def window_full() -> list[str]:
    bench = golden_unit("ARMED")
    bench.world.hal.jumper = False
    store = bench.world.firmware.store
    store.window = (*store.window[:3], 9_600_000, *store.window[4:])
    return [ask_at(bench, 0x20, f"START run=Z D={bench.digest} X={bench.now_ms + 500}")]


def start_again() -> list[str]:
    bench = uptime(held(**GOLDEN_HOLD), 82_000)
    bench.world.firmware.run = RUN
    return [ask_at(bench, 5, f"START run={RUN} D=83615AA8 X=82500")]


def resumed(locked: int, number: int = 9) -> list[str]:
    bench = Bench(serial="SN0042").to("STAGED")
    assert (bench.arm()["code"], bench.start(RUN)["code"]) == ("00", "00")
    bench.until("HOLD")
    bench.ask("PAUSE")
    bench.until("PAUSED")
    assert bench.arm()["code"] == "00"
    bench.world.firmware.rec.locked = locked
    bench.sid = bench.world.firmware.session.sid = 0x4A17
    return [ask_at(bench, number, f"RESUME run={RUN} X={bench.now_ms}")]


def out_of_step(number: int, last: int) -> list[str]:
    bench = expect(golden_unit(), last + 1)
    return [bench.send(0x4A17, number, "STATUS")["line"]]


def dead_session(line: str) -> list[str]:
    return golden_unit().put(line.encode() + b"\n")


def refused_hello() -> list[str]:
    return [golden_unit().send(0, 5, "HELLO vmin=1 vmax=1 nonce=12345678")["line"]]


def kept() -> list[str]:
    bench = expect(golden_unit("HOLD"), 4)
    session = bench.world.firmware.session
    session.tele_no, session.tele_made = 0x2F3, 64
    session.telemetry()
    return put(request(">4A17 0004 KEEP"), bench)[-1:]


def events_from(number: int, n: str) -> list[str]:
    bench = golden_unit()
    bench.world.firmware.event_no = 7
    bench.world.firmware.events = tuple((k, 1000 * k, "LINK_WARN lk=1000") for k in range(1, 8))
    return [ask_at(bench, number, f"EVENTS n={n}")]


def self_tested() -> list[str]:
    bench = golden_unit()
    put(request(">4A17 001C SELFTEST"), bench)
    bench.ticks(30)
    return [bench.replies[-1]["line"]]


def closed_twice() -> list[str]:
    bench = golden_unit()
    line = request(">4A17 0012 BYE")
    return [*put(line, bench), *bench.put(line.encode() + b"\n")]


PROVOKED: dict[str, Callable[[], list[str]]] = {
    "<0000 0001 00 HELLO v=1 sid=4A17": lambda: hello(">0000 0001 HELLO vmin=1 vmax=1 nonce=5F2A90C1"),
    "<4A17 0001 00 PRES": lambda: ask(">4A17 0001 PRES"),
    "<4A17 0002 00 ARM": armed_reply,
    "<4A17 0003 00 START": started,
    "~4A17 02F3 82100": lambda: telemetry(0x2F3, 82_100, **GOLDEN_HOLD),
    "<4A17 0004 00 KEEP": kept,
    "!4A17 0007 85230 FAULT": lambda: event(
        7, 85_230, note=NOTE_FAULT, f_id=2, f_z=31_320, f_i=1500, f_v=46_980, f_q=87_160, f_open=1
    ),
    "<4A17 0005 09 START": lambda: late_start(),
    "<4A17 0005 15 START": start_again,
    "<4A16 00FF 05 STOP": lambda: dead_session(request(">4A16 00FF STOP")),
    "<0000 0002 00 TAKE": lambda: hello(">0000 0002 TAKE", sid=0x4A18),
    "<0000 0003 10 HELLO": lambda: hello(">0000 0003 HELLO"),
    "<0000 0004 18 HELLO": lambda: hello(">0000 0004 HELLO", "HOLD"),
    "<0000 0005 12 HELLO": refused_hello,
    "<0000 0006 05 STATUS": lambda: dead_session(request(">0000 0006 STATUS")),
    "<4A17 0012 00 BYE": closed_twice,
    "<4A17 0012 05 BYE": closed_twice,
    "<4A17 0006 00 PRES": lambda: ask(">4A17 0006 PRES"),
    "<4A17 0007 00 PRES": lambda: ask(">4A17 0007 PRES"),
    "<4A17 0008 03 PRES": lambda: ask(">4A17 0008 PRES"),
    "<4A17 0009 12 PRES": lambda: ask(">4A17 0009 PRES"),
    "<4A17 000A 14 ARM": lambda: ask(">4A17 000A ARM", "STAGED"),
    "<4A17 000B 16 ARM": lambda: check_failed("open", stop=False),
    "<4A17 000B 13 ARM": lambda: check_failed("5k", stop=True),
    "<4A17 000C 00 SET": lambda: ask(">4A17 000C SET", "HOLD"),
    "<4A17 000D 02 SET": lambda: ask(">4A17 000D SET", "HOLD"),
    "<4A17 000E 00 PAUSE": lambda: ask(">4A17 000E PAUSE", "HOLD"),
    "<4A17 0009 00 RESUME": lambda: resumed(0),
    "<4A17 0009 25 RESUME": lambda: resumed(1),
    "<4A17 000F 00 STOP": lambda: ask(">4A17 000F STOP", "HOLD"),
    "<4A17 0010 00 ABORT": lambda: ask(">4A17 0010 ABORT", "HOLD"),
    "<4A17 0011 00 CLEAR": lambda: put(request(">4A17 0011 CLEAR"), faulted((2,))),
    "<4A17 0011 17 CLEAR": lambda: next_request(0x11, "CLEAR id=01", "FAULT"),
    "<4A17 0013 00 CLEAR": lambda: [ask_at(faulted((1, 2, 11, 20)), 0x13, "CLEAR id=01")],
    "<4A17 0014 00 TELE": lambda: ask(">4A17 0014 TELE"),
    "<4A17 0015 00 TELE": lambda: ask(">4A17 0015 TELE"),
    "<4A17 0016 00 STATUS": lambda: status(0x16, 82_137, **GOLDEN_HOLD),
    "<4A17 0017 00 STATUS": lambda: status(0x17, 2**32 - 1, i=0, i2=0, v=0),
    "<4A17 0018 00 RUN": lambda: put(request(">4A17 0018 RUN"), known_run(golden_unit(), 102, 87_160, 12)),
    "<4A17 0019 06 RUN": lambda: ask(">4A17 0019 RUN"),
    "<4A17 001A 00 EVENTS": lambda: events_from(0x1A, "0004"),
    "!4A17 0004 13120 STATE": lambda: state_event(4, 13_120, was=5, st=6, by=1),
    "!4A17 0005 43150 STATE": lambda: state_event(5, 43_150, was=6, st=7, by=0),
    "!4A17 0006 61000 WARN": lambda: event(6, 61_000, note=NOTE_WARN, warn=5),
    "<4A17 001B 00 EVENTS": lambda: events_from(0x1B, "0008"),
    "<4A17 001C 00 SELFTEST": self_tested,
    "<4A17 001D 00 CAL": calibrated,
    "<4A17 001E 01 FLY": lambda: ask(">4A17 001E FLY"),
    "<4A17 0030 07 STATUS": lambda: out_of_step(0x30, 0x1F),
    "<4A17 001F 08 STATUS": lambda: out_of_step(0x1F, 0x1F),
    "<4A17 0020 04 SET": lambda: next_request(0x20, "SET I=800"),
    "<4A17 0020 20 START": window_full,
    "<4A17 0020 17 START": lambda: next_request(0x20, "START run=Z D=83615AA8 X=0", "FAULT"),
    "~4A17 0000 5120": lambda: telemetry(0, 5120, i=0, i2=0, v=0),
    "~FFFF FFFF 4294967295": lambda: telemetry(
        0xFFFF, 2**32 - 1, sid=0xFFFF, st=12, q=4_800_000, fl=0x80402, i=0, i2=0, v=0
    ),
    "~4A17 0100 20000": lambda: telemetry(
        0x100, 20_000, st=6, tgt=900_000, i=610_000, i2=611_000, v=48_510, q=4120, lease=199, limited=1, relay_fb=1
    ),
    "~4A17 0101 20100": lambda: telemetry(0x101, 20_100, st=4, i=50_000, i2=50_000, v=2090, relay_fb=1),
    "!4A17 0008 85240 STATE": lambda: state_event(8, 85_240, was=8, st=12, by=0),
    "!4A17 0009 90000 STATE": lambda: state_event(9, 90_000, was=7, st=8, by=3),
    "!4A17 000A 95000 CLEAR": lambda: event(10, 95_000, "CLEAR id=02"),
    "!4A17 000B 96000 LINK_WARN": lambda: event(11, 96_000, note=NOTE_LINK, lease=100),
    "!4A17 0001 12 FAULT": lambda: event(1, 12, note=NOTE_FAULT, f_id=16),
}

# Of other units, or not of version 1.
NOT_OURS = (
    "<0000 0001 00 HELLO v=1 sid=0001",
    "<4A17 001F 00 KEEP",
    "~4A17 02F4 82200",
    "!4A17 000C 97000 COFFEE",
)


def late_start() -> list[str]:
    bench = uptime(golden_unit("ARMED"), 12_150)
    return [ask_at(bench, 5, f"START run={RUN} D={bench.digest} X=12149")]


def test_every_line_that_a_unit_says_is_provoked_or_named_as_not_ours() -> None:
    assert len(PROVOKED) + len(NOT_OURS) == len(SAID)
    for line in SAID:
        assert sum(line.startswith(start) for start in (*PROVOKED, *NOT_OURS)) == 1, line


@pytest.mark.parametrize("start", PROVOKED)
def test_the_unit_says_the_line_byte_for_byte(start: str) -> None:
    [golden] = [line for line in SAID if line.startswith(start)]
    assert golden in PROVOKED[start]()


def test_states_of_the_golden_lines_have_the_numbers_used_here() -> None:
    assert [NAMES[n] for n in (2, 4, 5, 6, 7, 8, 12)] == [
        "IDLE", "CHECK", "ARMED", "RAMP_UP", "HOLD", "RAMP_DOWN", "FAULT",
    ]  # fmt: skip
