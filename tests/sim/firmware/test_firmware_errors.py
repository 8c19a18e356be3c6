"""What a request may carry, and which refusal is answered when several apply (sections 3.3, 5, 6 and 9)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.naive_wire import crc32
from tests.sim.firmware.bench import Bench

At = Callable[..., Bench]
PRES = {"I": "1500", "Q": "2400000", "POL": "-"}


def pres(**fields: str) -> str:
    return "PRES " + " ".join(f"{key}={value}" for key, value in (PRES | fields).items())


# -- prescription ------------------------------------------------------------------------------------------------


def test_defaults_are_those_of_the_page(bench: Bench) -> None:
    bench.hello()
    held = bench.ask(pres())["fields"]
    # TMAX = 3 (1000 * 2400000 / 1500 + (15000 + 7500) / 2) / 2 = 3 (1600000 + 11250) / 2
    text = (
        "I=1500 Q=2400000 TU=15000 TD=7500 TMAX=2416875 ZMAX=30000 ZMIN=200 VMAX=54000 POL=- LIM=STOP CONT=STOP "
        "LOSS=STOP BATT=STOP"
    )
    assert " ".join(f"{k}={v}" for k, v in held.items()) == f"{text} D={crc32(text.encode()):08X}"


def test_tmax_rounds_down_at_each_division(bench: Bench) -> None:
    bench.hello()
    # 1000 * 6000 / 70 = 85714.28; (701 + 358) / 2 = 529.5; 3 * 86243 / 2 = 129364.5
    assert bench.ask(pres(I="70", Q="6000", TU="701", TD="358"))["fields"]["TMAX"] == "129364"


def test_tmax_by_default_above_12_h_is_refused_and_can_be_given(bench: Bench) -> None:
    bench.hello()
    assert bench.code(pres(I="20", Q="576000")) == "03"  # 28 800 s of plan: 12 h and 450 ms
    assert bench.code(pres(I="20", Q="576000", TMAX="43200000")) == "00"
    assert bench.code(pres(I="20", Q="570000")) == "00"


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("I", ("20", "4000"), ("10", "4010", "0", "1505")),
        ("Q", ("6000", "4800000"), ("0", "5999", "4806000", "6001")),
        ("TU", ("3000", "75000"), ("2999", "75001", "0")),
        ("TD", ("1500", "30000"), ("1499", "30001", "0")),
        ("TMAX", ("1000", "43200000"), ("999", "43200001", "0")),
        ("ZMAX", ("1000", "100000"), ("999", "100001")),
        ("ZMIN", ("0", "5000"), ("5001",)),
        ("VMAX", ("5000", "54000"), ("4999", "54001")),
        ("POL", ("+", "-"), ()),
        ("LIM", ("STOP", "STRETCH"), ()),
        ("CONT", ("STOP", "PAUSE"), ()),
        ("LOSS", ("STOP", "FINISH"), ()),
        ("BATT", ("STOP", "FINISH"), ()),
    ],
)
def test_ranges_of_the_prescription(bench: Bench, key: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    bench.hello()
    more = {"TMAX": "43200000"} if key == "I" else {}
    for value in good:
        ramps = {"TU": str(10 * int(value)), "TD": str(5 * int(value))} if key == "I" else {}
        assert bench.ask(pres(**{**more, **ramps, key: value}))["fields"][key] == value
    held = bench.world.firmware.canon
    for value in bad:
        assert bench.code(pres(**{**more, key: value})) == "03", value
    for value in ("01500", "+5", "1.5", "1e3", "-1", "-0", "12345678901", "on", "stop"):
        assert bench.code(pres(**{**more, key: value})) == "02", value
    assert bench.world.firmware.canon == held  # a refused PRES leaves what was staged
    assert bench.state == "STAGED"


@pytest.mark.parametrize("missing", ["I", "Q", "POL"])
def test_i_q_and_pol_are_required(bench: Bench, missing: str) -> None:
    bench.hello()
    text = "PRES " + " ".join(f"{key}={value}" for key, value in PRES.items() if key != missing)
    assert bench.code(text) == "12"


def test_order_is_free_and_the_digest_does_not_depend_on_it(bench: Bench) -> None:
    bench.hello()
    one = bench.ask("PRES POL=- Q=2400000 I=1500")["fields"]
    assert bench.ask(pres())["fields"] == one


def test_a_new_prescription_replaces_the_old_one_and_its_digest(at: At) -> None:
    bench = at("STAGED")
    old = bench.digest
    bench.prescribe(I=500)
    assert bench.digest != old
    assert bench.code(f"ARM D={old}") == "14"
    assert bench.arm()["code"] == "00"


# -- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("t=0000", "00"),
        ("mood=calm t=0000", "00"),
        ("t=0000 a1=x", "00"),
        ("mood=calm", "12"),  # required missing
        ("t=0000 I=20", "12"),  # known elsewhere, not here
        ("t=0000 MOOD=1", "12"),
        ("t=0000 Mood=1", "12"),
        ("t=0000 mooD=1", "12"),
        ("t=0000 1a=1", "12"),
        ("t=0000 a_b=1", "12"),
        ("t=0000 1=1", "12"),
        ("t=0000 mood=", "02"),
        ("t=0000 mood=a=b", "02"),
        ("t=0000 mood=1 mood=2", "02"),
        ("t=0000 t=0001", "02"),
        ("t=0000 t=0000 MOOD=1", "12"),
        ("t=000", "02"),
        ("t=00000", "02"),
        ("t=abcd", "02"),
    ],
)
def test_keys_known_and_unknown(bench: Bench, fields: str, code: str) -> None:
    bench.hello()
    assert bench.code(f"KEEP {fields}") == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("RUN run=A", "06"),
        ("RUN run=ABCDEFGHIJKLMNOPQRSTUVWXYZ", "06"),
        ("RUN run=ABCDEFGHIJKLMNOPQRSTUVWXYZ0", "02"),
        ("RUN run=a", "02"),
        ("RUN run=A-1", "02"),
        ("RUN run=-", "02"),
        ("TELE ms=0", "00"),
        ("TELE ms=20", "00"),
        ("TELE ms=500", "00"),
        ("TELE ms=10", "03"),
        ("TELE ms=25", "03"),
        ("TELE ms=510", "03"),
        ("TELE ms=020", "02"),
        ("EVENTS n=0001", "00"),
        ("EVENTS n=1", "02"),
        ("CLEAR id=00", "03"),
        ("CLEAR id=21", "03"),
        ("CLEAR id=2", "02"),
        ("CLEAR id=002", "02"),
        ("CLEAR id=02", "04"),
        ("SET I=0", "03"),
        ("SET I=4010", "03"),
        ("SET I=25", "03"),
        ("SET I=100", "04"),
        ("CAL ch=I gain=0 off=0", "00"),
        ("CAL ch=V gain=-50000 off=2000", "00"),
        ("CAL ch=I gain=0", "12"),
        ("CAL ch=I2 gain=0 off=0", "02"),
        ("CAL ch=I gain=-0 off=0", "02"),
        ("CAL ch=I gain=+5 off=0", "02"),
        ("CAL ch=I gain=50001 off=0", "03"),
        ("CAL ch=V gain=0 off=-2001", "03"),
        ("TELE ms=-20", "02"),
        ("FLY", "01"),
        ("FLY X", "none"),
        ("BYE", "00"),
    ],
)
def test_values(bench: Bench, text: str, code: str) -> None:
    bench.hello()
    if code == "none":
        bench.silent(bench.sid, 1, text)
        assert bench.query("SYST:COUN?") == "1,0,0,1"
    else:
        assert bench.code(text) == code


def test_a_refusal_carries_no_fields_but_10_18_and_15(at: At) -> None:
    bench = at("HOLD")
    bench.ask("FLY")
    bench.ask("SET I=30000")
    bench.ask("ARM D=00000000")
    bench.ask("RESUME run=R1 X=0")
    assert [(r["code"], r["fields"]) for r in bench.replies[-4:]] == [("01", {}), ("03", {}), ("04", {}), ("13", {})]


# -- precedence: 05 07 08 | 10 18 | 01 12 02 03 | 15 | 17 25 | 13 04 | 14 06 | 20 | 09 ---------------------------------


def locked(bench: Bench) -> Bench:
    bench.world.firmware.rec.locked = 1
    return bench


@pytest.mark.parametrize(
    ("state", "text", "code"),
    [
        ("IDLE", "FLY ODD=1 x=", "01"),
        ("IDLE", "PRES I= Q=1 ODD=1", "12"),
        ("IDLE", "PRES I=99999 Q=01 POL=+", "02"),
        ("PAUSED", "PRES I=99990 Q=6000 POL=+", "03"),  # before 04
        ("DONE", "START run=R1 D=0 X=0", "02"),  # before 15
        ("DONE", "START run=R1 D=00000000", "12"),
        ("DONE", "START run=R1 D=00000000 X=0", "15"),  # before 13
        ("FAULT", "START run=R1 D=00000000 X=0", "15"),  # before 17
        ("FAULT", "START run=NEW D=00000000 X=0", "17"),  # before 13
        ("FAULT", "ARM D=00000000", "17"),  # before 04
        ("FAULT", "PRES I=1000 Q=6000 POL=+", "17"),
        ("FAULT", "SELFTEST", "17"),
        ("FAULT", "RESUME run=R1 X=0", "17"),
        ("FAULT", "SET I=20", "04"),  # 17 is not answered to SET
        ("FAULT", "PAUSE", "04"),
        ("IDLE", "START run=NEW D=00000000 X=0", "13"),  # before 14 and 09
        ("STAGED", "RESUME run=R1 X=0", "13"),
        ("PAUSED", "RESUME run=R2 X=0", "13"),  # before 06
        ("HOLD", "START run=NEW D=00000000 X=0", "13"),
        ("IDLE", "ARM D=00000000", "04"),  # before 14
        ("DONE", "ARM D=00000000", "04"),
        ("STAGED", "ARM D=00000000", "14"),
        ("ARMED", "START run=NEW D=00000000 X=0", "14"),  # before 09
        ("HOLD", "SET I=1010", "03"),
    ],
)
def test_the_first_that_applies_is_answered(at: At, state: str, text: str, code: str) -> None:
    bench = at(state)
    assert bench.code(text) == code
    assert bench.state == state


def test_25_comes_before_13_and_only_with_the_run_open(at: At) -> None:
    bench = locked(at("PAUSED"))
    assert bench.code("RESUME run=R2 X=0") == "25"
    assert bench.code("ARM D=00000000") == "25"
    bench.ask("STOP")
    assert bench.code("RESUME run=R1 X=0") == "13"
    bench.prescribe()
    assert bench.arm()["code"] == "00"
    assert bench.start("R2")["code"] == "00"  # a new run is not locked


def test_06_comes_before_09(at: At) -> None:
    bench = at("PAUSED")
    bench.arm()
    assert bench.code("RESUME run=R2 X=0") == "06"
    assert bench.code("RESUME run=R1 X=0") == "09"
    assert bench.code(f"START run=R9 D={bench.digest} X={bench.now_ms}") == "13"  # a run is open


def test_05_07_and_08_come_before_everything(at: At) -> None:
    bench = at("FAULT")
    assert bench.send(bench.sid ^ 1, 1, "FLY ODD=1")["code"] == "05"
    assert bench.send(bench.sid, bench.number + 2, "FLY ODD=1")["code"] == "07"
    assert bench.send(bench.sid, bench.number, "FLY ODD=1")["code"] == "08"


def test_10_comes_before_18_before_12(at: At) -> None:
    bench = at("HOLD")
    assert bench.send(0, 1, "HELLO vmin=2 vmax=2 ODD=1")["code"] == "10"
    assert bench.send(0, 1, "HELLO vmin=1 vmax=1 ODD=1")["code"] == "18"
    assert bench.send(0, 1, "HELLO vmin=1 vmax=1 run=R1 ODD=1")["code"] == "12"


# -- stops in strange clothes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tail", [" now please", " a", "  x=1", " ", " x=*", " I=1", " a=1 a=2", " ODD=1", " x=", "*12345678", "*"]
)
@pytest.mark.parametrize("verb", ["STOP", "ABORT"])
def test_a_stop_with_a_good_checksum_is_obeyed_whatever_follows(at: At, verb: str, tail: str) -> None:
    bench = at("HOLD")
    reply = bench.ask(verb + tail)
    assert reply["code"] in ("02", "12")
    assert reply["code"] == ("12" if tail in (" I=1", " ODD=1") else "02")
    assert bench.state == ("RAMP_DOWN" if verb == "STOP" else "DONE")


@pytest.mark.parametrize("text", [" STOP", "STOPP", "stop", "STO", "STOP_"])
def test_what_is_not_a_stop_stops_nothing(at: At, text: str) -> None:
    bench = at("HOLD")
    body = f">{bench.sid:04X} {bench.number + 1:04X} {text}"
    bench.put(f"{body}*{crc32(body.encode()):08X}\n".encode())
    bench.put(f">{bench.sid:04X} {bench.number + 1:04X} STOP*00000000\n".encode())
    assert bench.state == "HOLD"


# -- events ------------------------------------------------------------------------------------------------------


def test_events_resends_eight_from_the_one_wanted_with_their_own_number_and_time(at: At) -> None:
    bench = at("DONE")
    told = list(bench.events)
    reply = bench.ask("EVENTS n=0004")
    last = int(reply["fields"]["last"], 16)
    assert reply["fields"] == {"n": "0004", "last": f"{last:04X}"}
    again = bench.events[len(told) :]
    assert [event["number"] for event in again] == [f"{n:04X}" for n in range(4, last + 1)]
    first = [event for event in told if event["number"] == "0004"]
    assert [(e["uptime_ms"], e["name"], e["fields"]) for e in again[:1]] == [
        (e["uptime_ms"], e["name"], e["fields"]) for e in first
    ]


def test_a_repeat_of_events_gets_the_reply_only(at: At) -> None:
    bench = at("DONE")
    bench.ask("EVENTS n=0001")
    before = len(bench.events)
    bench.send(bench.sid, bench.number, "EVENTS n=0001")
    assert len(bench.events) == before


def test_of_more_than_64_events_the_oldest_kept_comes_first_eight_at_a_time(bench: Bench) -> None:
    bench.hello()
    for n in range(100):
        bench.world.firmware.event(f"LINK_WARN lk={n}")
    bench.hear()
    last = bench.world.firmware.event_no
    bench.events.clear()
    assert bench.ask("EVENTS n=0001")["fields"] == {"n": f"{last - 63:04X}", "last": f"{last:04X}"}
    assert [event["number"] for event in bench.events] == [f"{n:04X}" for n in range(last - 63, last - 55)]
    bench.events.clear()
    assert bench.ask(f"EVENTS n={last:04X}")["fields"]["n"] == f"{last:04X}"
    assert len(bench.events) == 1


@pytest.mark.parametrize("ahead", [1, 2, 0x7FFF, 0x8000])
def test_events_still_to_come_are_none(bench: Bench, ahead: int) -> None:
    bench.hello()
    last = bench.world.firmware.event_no
    bench.events.clear()
    assert bench.ask(f"EVENTS n={last + ahead:04X}")["fields"] == {"n": f"{last + ahead:04X}", "last": f"{last:04X}"}
    assert bench.events == []


def test_events_go_round_2_to_the_16(bench: Bench) -> None:
    bench.hello()
    firmware = bench.world.firmware
    firmware.event_no, firmware.events = 0xFFFD, ()
    for n in range(5):
        firmware.event(f"LINK_WARN lk={n}")
    bench.hear()
    bench.events.clear()
    assert bench.ask("EVENTS n=FFFF")["fields"] == {"n": "FFFF", "last": "0002"}
    assert [event["number"] for event in bench.events] == ["FFFF", "0000", "0001", "0002"]
    bench.events.clear()
    assert bench.ask("EVENTS n=FFF0")["fields"] == {"n": "FFFE", "last": "0002"}


def test_the_first_event_after_a_boot_is_0001_and_every_event_has_the_next_number(at: At) -> None:
    bench = at("DONE")
    bench.ask("EVENTS n=0001")
    assert bench.events[-8]["number"] == "0001"
    assert bench.events[-8]["fields"] == {"st": "SELFTEST", "was": "BOOT", "by": "UNIT"}
