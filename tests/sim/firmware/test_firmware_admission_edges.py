"""Session and admission, edge by edge: bounds that hang together, counts that wrap, what a wait leaves behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hw_sim import plant
from tests.sim.firmware.bench import Bench, seal
from tests.sim.firmware.test_firmware_memory import outcome

At = Callable[..., Bench]

# -- the prescription --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"TU": 2000}, "00"), ({"TU": 1999}, "03"), ({"TU": 50_000}, "00"), ({"TU": 50_001}, "03"),
        ({"TD": 1000}, "00"), ({"TD": 999}, "03"), ({"TD": 20_000}, "00"), ({"TD": 20_001}, "03"),
        ({"TMAX": 1000}, "00"), ({"TMAX": 999}, "03"),
    ],
)  # fmt: skip
def test_ramps_hang_on_the_current_and_the_longest_time_on_nothing(fields: dict[str, int], code: str) -> None:
    bench = Bench()
    bench.hello()
    assert bench.prescribe(**fields)["code"] == code


def test_what_a_tick_adds_is_the_slew_rounded_down_and_all_of_it_is_integers() -> None:
    bench = Bench()
    bench.hello()
    bench.prescribe(TU=2003, TD=1000, TMAX=20_019)
    rec = bench.world.firmware.rec
    # nA a tick: 10 ms of 1 mA in 2003 ms is 4992.5
    assert (rec.n_up, rec.n_dn, rec.tmax) == (4992, 10_000, 2001)
    assert all(type(getattr(rec, name)) is int for name in ("n_up", "n_dn", "tmax"))


# -- ARM and START -----------------------------------------------------------------------------------------------


def test_arm_is_refused_where_the_memory_cannot_count_what_the_check_lets_flow() -> None:
    bench = Bench().to("STAGED")
    bench.world.act("jumper", "0")
    bench.world.act("nvm_full")
    refused = bench.arm()
    assert (refused["code"], refused["fields"], bench.state) == ("17", {}, "FAULT")
    assert bench.status()["fl"] == "4000"


def test_a_run_that_was_recorded_and_did_not_begin_is_closed_with_nothing_and_no_fault_of_the_memory() -> None:
    bench = Bench().to("ARMED")
    bench.world.hal.nvm_slow_us = 200_000
    bench.number += 1
    bench.silent(bench.sid, bench.number, f"START run=R1 D={bench.digest} X={bench.now_ms + 500}")
    plant.set_parameter(bench.world.plant, "interlock_open", 1)
    bench.ticks(300)
    assert outcome(bench) == ("STOPPED", 0)
    assert bench.status()["fl"] == "20000"
    store = bench.world.firmware.store
    assert store.runs[-1][:4] == ("R1", 2, 0, 0)
    assert store.window[2] == store.count  # and the dose window is through with it


# -- sessions ----------------------------------------------------------------------------------------------------


def test_session_0001_is_one_like_any_other() -> None:
    bench = Bench()
    bench.world.firmware.session.next_sid = 0
    assert bench.hello()["fields"]["sid"] == "0001"
    assert bench.code("STATUS") == "00"


@pytest.mark.parametrize("left", ["vmin=1", "vmax=1", ""])
def test_a_hello_without_its_versions_is_refused_and_not_judged_by_them(left: str) -> None:
    reply = Bench().send(0, 1, f"HELLO {left} nonce=5F2A90C1 host=bench".replace("  ", " "))
    assert (reply["code"], reply["fields"]) == ("12", {})


def test_refused_lines_are_counted() -> None:
    bench = Bench()
    for n in range(3):
        bench.put(b">0000 0001 STATUS*00000000\n")
        bench.put(seal(">no request"))
        assert bench.world.firmware.session.refused == 2 * (n + 1)


def test_telemetry_comes_when_it_was_asked_for() -> None:
    bench = Bench()
    bench.hello()
    session = bench.world.firmware.session
    assert (session.tele_left, type(session.tele_left)) == (10, int)
    bench.ask("TELE ms=200")
    assert (session.tele_left, type(session.tele_left)) == (20, int)
    bench.ticks(20)
    assert len(bench.telemetry) == 1
    assert (session.tele_left, type(session.tele_left)) == (20, int)


@pytest.mark.parametrize("made", [0, 1])
def test_keep_with_a_line_of_the_session_before_counts_for_nothing(made: int) -> None:
    """Line 64 of the one before is number FFFF here, and was made a moment ago."""
    bench = Bench().to("HOLD", Q=600_000)
    session = bench.world.firmware.session
    bench.until(lambda: session.tele_no % 64 == 0)
    bench.hello(" run=R1", nonce="00000002")
    bench.ticks(10 * made)
    assert session.tele_made == made
    lease = session.lease_ms()
    assert bench.ask("KEEP t=FFFF")["fields"] == {"lk": str(lease)}


def test_set_takes_the_target_at_once_and_begins_the_contact_baseline_anew() -> None:
    bench = Bench().to("HOLD", Q=600_000)
    rec = bench.world.firmware.rec
    rec.k_min, rec.k_count, rec.k_warned, rec.unsteady = 5, 6, 1, 0
    bench.ask("SET I=800")
    assert (rec.tgt, rec.k_min, rec.k_count, rec.k_warned, rec.unsteady) == (800_000, 0, 0, 0, 1)


# -- events ------------------------------------------------------------------------------------------------------


def test_events_are_found_again_where_their_numbers_wrap() -> None:
    """The oldest that is kept is 0002: who asks from FFFE on gets that one and all behind it."""
    bench = Bench()
    bench.hello()
    firmware = bench.world.firmware
    firmware.events = [(n, 1000 + n, f"WARN id=0{n}") for n in (2, 3, 4)]
    firmware.event_no = 4
    assert bench.ask("EVENTS n=FFFE")["fields"] == {"n": "0002", "last": "0004"}
    assert [event["fields"]["id"] for event in bench.events] == ["02", "03", "04"]
    assert bench.ask("EVENTS n=0003")["fields"] == {"n": "0003", "last": "0004"}
    assert [event["fields"]["id"] for event in bench.events[3:]] == ["03", "04"]
