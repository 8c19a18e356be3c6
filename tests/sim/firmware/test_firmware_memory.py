"""Non-volatile memory: the ledger, a power cut at any moment, and a memory that is corrupt, gone or full."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.sim.firmware.bench import Bench, seal

At = Callable[..., Bench]


def power_cycle(bench: Bench) -> None:
    bench.world.act("power_cycle")
    bench.ticks(30)
    bench.hello()


def outcome(bench: Bench, run: str = "R1") -> tuple[str, int]:
    facts = bench.ask(f"RUN run={run}")["fields"]
    return facts["out"], int(facts["q"])


# -- the ledger --------------------------------------------------------------------------------------------------


def test_the_last_64_runs_are_known_and_older_ones_forgotten(bench: Bench) -> None:
    bench.hello()
    for n in range(66):
        bench.prescribe()
        assert bench.arm()["code"] == "00"
        assert bench.start(f"R{n}")["code"] == "00"
        bench.ticks(n)
        bench.ask("ABORT")
    for _ in range(2):
        codes = {n: bench.code(f"RUN run=R{n}") for n in range(66)}
        assert [n for n, code in codes.items() if code == "06"] == [0, 1]
        doses = [outcome(bench, f"R{n}") for n in range(2, 66)]
        assert {out for out, _ in doses} == {"ABORTED"}
        assert all(a <= b for (_, a), (_, b) in pairwise(doses))
        power_cycle(bench)
    bench.prescribe()
    bench.arm()
    assert [bench.start("R2")["code"], bench.start("R65")["code"], bench.start("R0")["code"]] == ["15", "15", "00"]


def test_start_is_answered_with_the_run_recorded_and_no_current_yet(at: At) -> None:
    bench = at("ARMED")
    bench.ticks(5)
    assert not any(slot.startswith("run") for slot in bench.world.hal.nvm)
    assert bench.start()["code"] == "00"
    assert bench.world.hal.nvm["run0"].split(b" ")[1:7] == [b"v2", b"0", b"0", b"R1", b"0", b"0"]
    assert bench.true_ua == 0


def test_the_record_is_written_at_every_change_and_every_second_down_to_the_end(at: At) -> None:
    bench = at("ARMED", Q=12_000, TU=2500, TD=6500)
    written: list[int] = []
    hal = bench.world.hal
    keep = hal.nvm_write

    def write(slot: str, data: bytes) -> bool:
        if slot in ("run0", "run0.b"):
            written.append(bench.world.now_us)
        return keep(slot, data)

    hal.nvm_write = write  # type: ignore[method-assign]
    bench.start()
    bench.until("DONE")
    gaps = [b - a for a, b in pairwise(written)]
    assert max(gaps) <= 1_010_000
    assert len(written) >= 14
    changes = {int(event["uptime_ms"]) * 1000 for event in bench.events if event["name"] == "STATE"}
    assert {at_us for at_us in changes if at_us > written[0]} <= set(written)


def test_a_dose_is_reported_after_a_reset_as_before(at: At) -> None:
    bench = at("DONE")
    told = outcome(bench)
    power_cycle(bench)
    assert outcome(bench) == told
    assert bench.status()["q"] == str(told[1])
    assert bench.prescribe()["code"] == "00"
    assert bench.status()["q"] == "0"


# -- power cuts --------------------------------------------------------------------------------------------------

CUTS = [
    {"I": 1000, "Q": 6000, "TU": 2000, "TD": 4000},
    {"I": 4000, "Q": 60_000, "TU": 8000, "TD": 16_000},
    {"I": 100, "Q": 6000, "TU": 5000, "TD": 2000},
    {"I": 4000, "Q": 6000, "TU": 8000, "TD": 4000},
]


@pytest.mark.parametrize("fields", CUTS)
@pytest.mark.parametrize("cut", ["power_cycle", "hang"])
def test_after_a_cut_at_any_moment_the_run_is_reset_and_its_dose_never_less_than_what_flowed(
    fields: dict[str, int], cut: str
) -> None:
    bench = Bench("5k").to("ARMED", TMAX=3_600_000, **fields)
    before = bench.true_uc
    bench.start()
    excess = []
    for n in range(2000):
        if bench.state == "DONE":
            break
        saved, number, sid = bench.world.snapshot(), bench.number, bench.sid
        bench.world.act(cut)
        bench.ticks(45)
        bench.hello()
        assert bench.world.truth()["relay_closed"] is False
        out, dose = outcome(bench)
        assert (out, bench.status()["q"]) == ("RESET", str(dose))
        excess.append(dose - (bench.true_uc - before))
        bench.world.restore(saved)
        bench.number, bench.sid = number, sid
        if n % 3 == 0:
            bench.keep()
        bench.ticks(17)  # 170 ms is no divisor of a second
    assert len(excess) > 30
    assert min(excess) >= 0
    assert max(excess) <= 1.3 * fields["I"] + 10
    out, dose = outcome(bench)
    assert (out, abs(dose - (bench.true_uc - before)) <= 0.01 * dose + 60) == ("DONE", True)


def test_a_cut_in_a_pause_adds_nothing(at: At) -> None:
    bench = at("PAUSED")
    dose = int(bench.status()["q"])
    power_cycle(bench)
    assert outcome(bench) == ("RESET", dose)
    assert bench.code("RESUME run=R1 X=0") == "13"
    assert bench.state == "IDLE"


def test_a_reset_run_is_never_started_again(at: At) -> None:
    bench = at("HOLD")
    power_cycle(bench)
    bench.prescribe()
    bench.arm()
    reply = bench.start("R1")
    assert (reply["code"], reply["fields"]["out"]) == ("15", "RESET")
    power_cycle(bench)
    assert outcome(bench)[0] == "RESET"


def test_a_cut_in_a_faulted_ramp_down_keeps_the_fault() -> None:
    bench = Bench().to("HOLD", TMAX=2500)
    bench.until("RAMP_DOWN")
    assert bench.named("FAULT")[0]["id"] == "12"
    power_cycle(bench)
    assert (bench.state, bench.status()["fl"], outcome(bench)[0]) == ("FAULT", "800", "RESET")


# -- a memory that is corrupt ------------------------------------------------------------------------------------


def ledger() -> Bench:
    """A unit that has delivered A, B and C."""
    bench = Bench()
    bench.hello()
    for run in "ABC":
        bench.prescribe(I=100, TU=200, TD=100)
        bench.arm()
        bench.start(run)
        bench.advance(1)
        bench.ask("ABORT")
    return bench


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": lambda raw: bytes([raw[0] ^ 1]) + raw[1:],
    "not text": lambda raw: raw[:2] + b"\xff\xfe" + raw[4:],
    "cut off": lambda raw: raw[:-3],
    "nothing": lambda raw: b"",
    "blank": lambda raw: b"\xff" * len(raw),
    "another layout": lambda raw: seal("1 2 3 4"),
}


RECORDS = ["sys", "cal", "win", "run0", "run1", "run2"]


def known(bench: Bench) -> list[str]:
    return [run for run in "ABC" if bench.code(f"RUN run={run}") == "00"]


def restarted_without_its_runs(bench: Bench) -> None:
    bench.prescribe()
    bench.arm()
    assert [bench.start(run)["code"] for run in "ABC"] == ["15", "15", "15"]
    assert bench.start("D")["code"] == "00"


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_record_with_both_slots_corrupt_is_left_alone_and_gives_no_output_until_mended(
    record: str, damage: str
) -> None:
    bench = ledger()
    nvm = bench.world.hal.nvm
    sound = dict(nvm)
    bad = {slot: DAMAGES[damage](nvm[slot]) for slot in (record, f"{record}.b")}
    nvm.update(bad)
    for _ in range(2):
        power_cycle(bench)
        assert (bench.state, bench.status()["fl"], bench.query("*TST?")) == ("FAULT", "4000", "1")
        assert {slot: nvm[slot] for slot in bad} == bad
        bench.ticks(400)
        assert [bench.code("CLEAR id=15"), bench.code("PRES I=100 Q=6000 POL=+")] == ["17", "17"]
        assert known(bench) == [run for n, run in enumerate("ABC") if record != f"run{n}"]
    nvm.update({slot: sound[slot] for slot in bad})
    power_cycle(bench)
    if bench.state == "FAULT":  # a sound system record has kept the fault
        bench.ticks(200)
        assert bench.ask("CLEAR id=15")["fields"] == {"fl": "0"}
    assert bench.state == "IDLE"
    restarted_without_its_runs(bench)


@pytest.mark.parametrize("slot", [f"{record}{copy}" for record in RECORDS for copy in ("", ".b")])
@pytest.mark.parametrize("damage", [*DAMAGES, "gone"])
def test_a_record_with_one_slot_left_lives_on_and_is_fault_15_until_a_person_clears_it(slot: str, damage: str) -> None:
    bench = ledger()
    doses = [outcome(bench, run)[1] for run in "ABC"]
    nvm = bench.world.hal.nvm
    if damage == "gone":
        del nvm[slot]
    else:
        nvm[slot] = DAMAGES[damage](nvm[slot])
    power_cycle(bench)
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")
    assert known(bench) == list("ABC")
    assert all(now >= was for now, was in zip((outcome(bench, r)[1] for r in "ABC"), doses, strict=True))
    assert bench.code("CLEAR id=15") == "17"
    bench.ticks(200)
    assert bench.ask("CLEAR id=15")["fields"] == {"fl": "0"}
    for _ in range(2):
        power_cycle(bench)
        assert (bench.state, bench.query("*TST?")) == ("IDLE", "0")
    restarted_without_its_runs(bench)


@pytest.mark.parametrize("record", RECORDS[:5])
def test_a_record_that_is_gone_while_others_are_there_is_no_new_unit(record: str) -> None:
    bench = ledger()
    nvm = bench.world.hal.nvm
    del nvm[record], nvm[f"{record}.b"]
    power_cycle(bench)
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")
    assert record not in nvm
    bench.ticks(200)
    assert bench.code("CLEAR id=15") == "17"


def test_a_memory_of_the_layout_before_is_fault_15_and_not_a_new_unit() -> None:
    bench = Bench()
    bench.world.hal.nvm = {"sys": seal("7 0 0"), "run0": seal("0 A 1 6000 0")}
    power_cycle(bench)
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")
    bench.ticks(200)
    assert bench.code("CLEAR id=15") == "17"


def test_a_corrupt_memory_is_told_once_with_its_event_first_after_the_boot() -> None:
    bench = ledger()
    bench.world.hal.nvm["run1"] = b"?\n"
    power_cycle(bench)
    bench.events.clear()
    bench.ask("EVENTS n=0001")
    assert (bench.events[0]["number"], bench.events[0]["name"]) == ("0001", "FAULT")
    assert [e["name"] for e in bench.named("FAULT")] == ["NVM"]


def test_the_self_test_finds_what_went_bad_since_power_on() -> None:
    bench = ledger()
    bench.ask("STOP")
    bench.world.hal.nvm["run1"] = b"?\n"
    bench.number += 1
    bench.silent(bench.sid, bench.number, "SELFTEST")
    bench.ticks(30)
    assert bench.replies[-1]["fields"] == {"res": "1"}
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")


# -- a memory that is full ---------------------------------------------------------------------------------------


def test_start_with_a_memory_that_refuses_is_fault_15_without_current_and_without_a_run(at: At) -> None:
    bench = at("ARMED")
    bench.ticks(5)
    bench.world.act("nvm_full")
    assert bench.start()["code"] == "17"
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")
    assert max(bench.trace(1.0)) == 0
    assert bench.code("RUN run=R1") == "06"
    assert [(e["name"], e["run"]) for e in bench.named("FAULT")] == [("NVM", "-")]
    bench.ticks(300)
    assert bench.code("CLEAR id=15") == "17"  # it still refuses
    bench.world.hal.nvm_full = False
    assert bench.code("CLEAR id=15") == "00"
    bench.prescribe()
    bench.arm()
    assert bench.start()["code"] == "00"


def test_a_memory_that_refuses_in_a_run_ends_it_within_a_second(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.world.act("nvm_full")
    assert bench.until("FAULT", within_s=1.1) <= 101
    bench.ticks(1)
    assert (bench.true_ua, bench.status()["fl"]) == (0, "4000")
    assert [e["name"] for e in bench.named("FAULT")] == ["NVM"]
    told = outcome(bench)
    assert told[0] == "FAULT:15"
    bench.world.hal.nvm_full = False
    bench.ticks(200)
    assert bench.code("CLEAR id=15") == "00"
    power_cycle(bench)
    assert outcome(bench) == told  # written when the memory was mended


def test_a_memory_that_refuses_at_power_on_is_fault_15(bench: Bench) -> None:
    bench.world.act("nvm_full")
    power_cycle(bench)
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")


def test_a_new_unit_is_no_fault_and_counts_its_first_boot() -> None:
    bench = Bench()
    assert bench.hello()["fields"]["boot"] == "1"
    assert bench.state == "IDLE"
