"""The plain door: every query and command of section 8, in long and short form, the error queue, ESR and STB."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sim.firmware.bench import ENERGISED, Bench

At = Callable[..., Bench]
PLAIN = [
    entry
    for entry in json.loads((Path(__file__).parents[2] / "vectors" / "golden_lines.json").read_text(encoding="utf-8"))
    if entry["kind"] == "plain" and entry["to"] == "unit"
]


@pytest.mark.parametrize("entry", PLAIN, ids=lambda entry: entry["line"].strip())
def test_every_golden_plain_line_is_answered_or_queued_as_written(bench: Bench, entry: dict[str, str]) -> None:
    answer = bench.query(entry["line"])
    assert (answer is None) == (entry["answer"] is None)
    if entry.get("answer_is") == "exact" or "HELP" in entry["line"]:
        assert answer == entry["answer"]
    queued = bench.query("SYST:ERR?")
    if "queues" in entry:
        assert queued == entry["queues"]
    else:
        assert queued == ('-221,"Settings conflict"' if entry["line"] == "PAUS" else '0,"No error"')


QUERIES = (
    ("SYST:VERS?", "SYSTEM:VERSION?"), ("SYST:PROT?", "SYSTEM:PROTOCOL?"), ("SYST:STAT?", "SYSTEM:STATE?"),
    ("SYST:HELP?", "SYSTEM:HELP?"), ("SYST:COUN?", "SYSTEM:COUNTERS?"), ("SYST:ERR?", "SYSTEM:ERROR?"),
    ("MEAS:CURR?", "MEASURE:CURRENT?"), ("MEAS:VOLT?", "MEASURE:VOLTAGE?"), ("MEAS:RES?", "MEASURE:RESISTANCE?"),
    ("MEAS:CHAR?", "MEASURE:CHARGE?"), ("MEAS:ALL?", "MEASURE:ALL?"), ("SOUR:CURR?", "SOURCE:CURRENT?"),
)  # fmt: skip


@pytest.mark.parametrize(("short", "long"), QUERIES)
def test_long_and_short_forms_any_case_and_what_is_ignored_around_them(at: At, short: str, long: str) -> None:
    bench = at("HOLD")
    answer = bench.query(short)
    assert answer is not None
    mixed = long.split(":")[0] + ":" + short.split(":")[1]
    for form in (long, mixed, short.lower(), long.title(), f"  {short}  ", f"{short};", f" {short} ; ", f":{short}"):
        assert bench.query(form) == answer, form
    assert bench.query("SYST:ERR?") == '0,"No error"'


@pytest.mark.parametrize(
    "line",
    ["MEAS:CUR?", "MEASU:CURR?", "MEASUR:CURR?", "MEAS:CURREN?", "MEAS?", "CURR?", "MEAS:CURR:DC?", "::MEAS:CURR?",
     "MEAS :CURR?", "MEAS:CURR ?", "*IDN", "IDN?", "*FOO?", "STOPP", "OUTPOFF", "OUTP0", "PAU", "ABO", "HELLO", "?",
     ":"],
)  # fmt: skip
def test_anything_else_is_an_undefined_header_and_says_nothing(at: At, line: str) -> None:
    bench = at("HOLD")
    assert bench.query(line) is None
    assert [bench.query("SYST:ERR?"), bench.query("SYST:ERR?")] == ['-113,"Undefined header"', '0,"No error"']
    assert bench.state == "HOLD"


def test_a_query_with_a_parameter_is_220_and_answers_nothing(bench: Bench) -> None:
    assert [bench.query("MEAS:CURR? 1"), bench.query("*IDN? X"), bench.query("*FOO? X")] == [None] * 3
    assert [bench.query("SYST:ERR?") for _ in range(3)] == [
        '-220,"Parameter error"', '-220,"Parameter error"', '-113,"Undefined header"',
    ]  # fmt: skip


def test_empty_lines_and_what_only_units_say_are_ignored(bench: Bench) -> None:
    said = bench.put(b"\n\r\n\r  \n;\n<4A17 0004 00 KEEP lk=2000*DAFEC5A8\n~x\n!x\n*OPC?\r\n")
    assert said == ["1"]
    assert bench.query("SYST:ERR?") == '0,"No error"'
    assert bench.query("SYST:COUN?") == "0,0,0,1"


# -- values ------------------------------------------------------------------------------------------------------


def test_values_in_hold_are_si_with_the_decimals_of_the_page(at: At) -> None:
    bench = at("HOLD", I=1500, Q=60_000, TU=3000, TD=3000)
    bench.advance(2)
    state, amps, volts, ohms, coulombs = str(bench.query("MEAS:ALL?")).split(",")
    assert state == "HOLD"
    assert [bench.query(f"MEAS:{what}?") for what in ("CURR", "VOLT", "RES", "CHAR")] == [amps, volts, ohms, coulombs]
    assert [len(text.partition(".")[2]) for text in (amps, volts, ohms, coulombs)] == [6, 3, 0, 6]
    assert abs(float(amps) - 0.0015) < 0.000_025
    assert abs(float(volts) - 7.5) < 0.1
    assert abs(int(ohms) - 5000) < 60
    assert abs(float(coulombs) - 0.005_25) < 0.0001
    assert bench.query("SOUR:CURR?") == "0.001500"
    assert str(bench.query("SYST:STAT?")).startswith("HOLD,")
    status = bench.status()
    assert (int(status["i"]), int(status["v"]), status["z"]) == (
        round(float(amps) * 1e6), round(float(volts) * 1e3), ohms,
    )  # fmt: skip


def test_resistance_without_current_is_infinite_and_of_a_short_0(bench: Bench) -> None:
    assert bench.query("MEAS:RES?") == "9.91E37"
    assert str(bench.query("MEAS:ALL?")).split(",")[3] == "9.91E37"
    short = Bench("short").to("HOLD", ZMIN=0)
    assert short.query("MEAS:RES?") in ("0", "1", "2", "3")


@pytest.mark.parametrize("ua", [20, 4000])
def test_source_current_is_the_target(ua: int) -> None:
    bench = Bench().to("RAMP_UP", I=ua, TU=50 * ua, TD=ua, Q=60_000, TMAX=3_600_000)
    assert bench.query("SOUR:CURR?") == f"{ua / 1e6:.6f}"
    bench.ask("STOP")
    assert bench.query("SOUR:CURR?") == "0.000000"


# -- commands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["PAUS", "PAUSE", "pause;"])
def test_pause_pauses_and_is_221_where_there_is_nothing_to_pause(at: At, line: str) -> None:
    bench = at("HOLD")
    assert bench.query(line) is None
    assert bench.state == "PAUSING"
    assert bench.named("STATE")[-1]["by"] == "PLAIN"
    assert bench.query(line) is None
    assert bench.query("SYST:ERR?") == '-221,"Settings conflict"'
    assert bench.query("SYST:ERR?") == '0,"No error"'


@pytest.mark.parametrize(
    "line",
    ["OUTP ON", "OUTPUT ON", "OUTP 1", "OUTP", "OUTP OFFF", "OUTP 00", "SOUR:CURR 0.001", "SOURCE:CURRENT 0",
     "SOUR:CURR", "INIT", "INITIATE", "START", "RESUME"],
)  # fmt: skip
@pytest.mark.parametrize("state", ["IDLE", "ARMED", "HOLD", "PAUSED"])
def test_nothing_plain_raises_the_current(at: At, line: str, state: str) -> None:
    bench = at(state)
    assert bench.query(line) is None
    assert bench.query("SYST:ERR?") == '90,"use PRES, ARM, START"'
    assert bench.state == state
    assert bench.world.truth()["set_ua"] == (1000 if state == "HOLD" else 0)


def test_rst_stops_closes_the_session_and_keeps_faults_and_records(at: At) -> None:
    bench = at("FAULT")
    bench.query("*RST")
    bench.telemetry.clear()
    bench.ticks(50)
    assert bench.telemetry == []
    bench.hello()
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "1")
    assert bench.ask("RUN run=R1")["fields"]["out"] == "FAULT:01"


def test_help_names_every_command_and_every_command_in_it_is_known(bench: Bench) -> None:
    names = str(bench.query("SYST:HELP?")).split(",")
    assert len(names) == len(set(names)) == 23
    assert sorted(names) == sorted(
        ["*IDN?", "*OPC?", "*TST?", "*ESR?", "*STB?", *(short for short, _ in QUERIES), "STOP", "ABOR", "PAUS",
         "OUTP OFF", "*RST", "*CLS"]
    )  # fmt: skip
    bench.query("*CLS")
    for name in names:
        assert (bench.query(name) is None) == (not name.endswith("?"))
    bench.query("PAUS")
    assert bench.query("SYST:ERR?") == '-221,"Settings conflict"'


# -- errors ------------------------------------------------------------------------------------------------------


def test_the_queue_is_8_deep_and_the_newest_turns_into_an_overflow(bench: Bench) -> None:
    for line in ["OUTP ON", *["*FOO?"] * 6, "PAUS"]:
        bench.query(line)
    eighth = [bench.query("SYST:ERR?") for _ in range(9)]
    assert eighth == [
        '90,"use PRES, ARM, START"', *['-113,"Undefined header"'] * 6, '-221,"Settings conflict"', '0,"No error"',
    ]  # fmt: skip
    for line in ["OUTP ON", *["*FOO?"] * 6, "PAUS", "OUTP ON", "PAUS"]:
        bench.query(line)
    assert [bench.query("SYST:ERR?") for _ in range(9)][6:] == [
        '-113,"Undefined header"', '-350,"Queue overflow"', '0,"No error"',
    ]  # fmt: skip


def test_esr_tells_power_on_command_and_execution_errors_and_reading_clears_it(bench: Bench) -> None:
    assert [bench.query("*ESR?"), bench.query("*ESR?")] == ["128", "0"]
    for line, bit in (("*FOO", "32"), ("MEAS:CURR? 1", "16"), ("PAUS", "16"), ("OUTP ON", "16")):
        bench.query(line)
        assert [bench.query("*ESR?"), bench.query("*ESR?")] == [bit, "0"]
    for _ in range(9):
        bench.query("OUTP ON")
    bench.query("*ESR?")
    bench.query("*FOO?")
    assert bench.query("*ESR?") == "32"  # with the queue full too


def test_stb_sums_what_there_is(at: At) -> None:
    bench = at("HOLD")
    assert bench.query("*STB?") == "160"  # 128 energised, 32 power-on
    bench.query("*ESR?")
    assert bench.query("*STB?") == "128"
    bench.query("*FOO?")
    assert bench.query("*STB?") == "164"
    bench.query("*CLS")
    assert bench.query("*STB?") == "128"
    bench.world.act("lift", "drug")
    bench.until("FAULT")
    assert bench.query("*STB?") == "8"
    for state in ENERGISED:
        assert int(str(at(state).query("*STB?"))) & 128
    for state in ("IDLE", "ARMED", "PAUSED", "DONE"):
        assert not int(str(at(state).query("*STB?"))) & 128


def test_sealed_refusals_and_line_noise_queue_nothing(at: At) -> None:
    bench = at("IDLE")
    bench.ask("FLY")
    bench.ask("SET I=20")
    bench.put(b">4A17 0001 STATUS*00000000\n" + b"\xff\n" + b"x" * 300 + b"\n")
    assert bench.query("SYST:ERR?") == '0,"No error"'
    assert bench.query("SYST:COUN?") == "1,1,1,1"


def test_counters_count_since_boot_over_connections_that_are_closed(bench: Bench) -> None:
    other = bench.world.connect("direct")
    bench.put(b"\x00\n" + b"y" * 240 + b"\n", other)
    bench.world.disconnect(other)
    assert bench.query("SYST:COUN?") == "0,1,1,1"
    bench.world.act("power_cycle")
    bench.ticks(30)
    assert bench.query("SYST:COUN?") == "0,0,0,2"


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        (b"x" * 238 + b"\xff", "0,1,0,1"),
        (b"x" * 239 + b"\xff", "0,0,1,1"),  # character 240 is over-long, whatever it is
        (b"x" * 239, "0,0,0,1"),
        (b"x" * 240, "0,0,1,1"),
        (b"x" * 5000 + b"\xff", "0,0,1,1"),
        (b"\xff" + b"x" * 5000, "0,1,0,1"),
        (b"\xff\xff\xff", "0,1,0,1"),
    ],
)
def test_a_line_is_counted_once_by_its_first_offence(bench: Bench, line: bytes, counted: str) -> None:
    bench.put(line + b"\n")
    assert bench.query("SYST:COUN?") == counted


def test_replies_go_to_the_asker_only_and_nothing_comes_unasked_outside_a_session(bench: Bench) -> None:
    other = bench.world.connect("direct")
    assert bench.put(b"*OPC?\n", other) == ["1"]
    assert bench.hear() == []
    bench.ticks(300)
    assert (bench.hear(), bench.hear(other)) == ([], [])
    bench.hello()
    bench.prescribe()
    bench.ticks(100)
    assert len(bench.telemetry) == 10
    assert bench.hear(other) == []


def test_every_line_of_the_unit_ends_with_lf_and_fits(at: At) -> None:
    bench = Bench(serial="S" * 12).to("STAGED")
    run = "Z" * 26
    bench.arm()
    bench.start(run)
    longest = [bench.ask("STATUS")["line"], *(event["line"] for event in bench.events), *bench.telemetry]
    assert max(map(len, longest)) < 240
    assert len(str(bench.query("SYST:HELP?"))) < 500
    bench.world.put(bench.conn, b"*OPC?\n")
    assert bench.world.take(bench.conn) == b"1\n"
