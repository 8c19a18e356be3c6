"""Faults of the unit's processor, memory and code: each does what its row says, and lifted it is gone."""

from __future__ import annotations

import pytest

from hw_sim.faults import code
from hw_sim.faults.catalogue import CATALOGUE
from hw_sim.firmware.main import Firmware
from hw_sim.variants import find
from hw_sim.world import World
from tests.naive_wire import decode_line
from tests.sim.variants.situations import play
from tests.sim.variants.watched import Watched

OF_THE_CODE = [fault.id for fault in code.FAULTS]


def holding(**parameters) -> Watched:
    bench = Watched(**parameters)
    bench.begin()
    bench.until("HOLD")
    return bench


def test_every_firmware_fault_of_the_list_is_there():
    assert [fault.id for fault in CATALOGUE if fault.id[0] == "F"] == [f"F{n:02d}" for n in range(1, 28)]


# -- defects of the code -------------------------------------------------------------------------------------

# The fault is there from the first moment: it breaks what the variant with the same defect breaks.
BROKEN = [
    ("F03", "processor-hangs", {"I22"}),
    ("F12", "lines-twice", {"I04", "I07", "I11"}),
    ("F14", "good-run", {"I08"}),
    ("F15", "stop-in-hold", {"I04", "I13"}),
    ("F16", "compliance-limited", {"I08"}),
    ("F17", "pause-and-resume", {"I06", "I07", "I08"}),
    ("F19", "reference-off", {"I03", "I10"}),
    ("F21", "stop-in-hold", {"I13"}),
    ("F22", "stop-in-hold", {"I07", "I08"}),
    ("F24", "session-lost", {"I15"}),
    ("F25", "late-start", {"I10"}),
    ("F26", "damaged-lines", {"I12"}),
]


@pytest.mark.parametrize(("fault", "situation", "invariants"), BROKEN, ids=[fault for fault, *_ in BROKEN])
def test_a_defect_breaks_what_its_variant_breaks(fault, situation, invariants):
    assert set(play(situation, faults=(fault,))) >= invariants


@pytest.mark.parametrize("fault", OF_THE_CODE)
def test_it_is_put_in_and_taken_out_of_a_unit_that_runs(fault):
    bench = holding()
    bench.world.act("inject", fault)
    assert len(bench.world.truth()["defects"]) == 1
    assert not bench.world.has_lane
    bench.ticks(5)
    bench.world.act("lift_fault", fault)
    assert "defects" not in bench.world.truth()
    assert type(bench.world.firmware) is Firmware
    assert bench.world.has_lane
    assert bench.world.firmware.hal is bench.world.hal


@pytest.mark.parametrize("fault", [fault for fault in OF_THE_CODE if fault not in ("F02", "F20")])
def test_put_in_and_taken_out_at_once_it_leaves_no_trace(fault):
    plain, touched = holding(), holding()
    touched.world.act("inject", fault)
    touched.world.act("lift_fault", fault)
    for bench in (plain, touched):
        bench.until("DONE")
    assert touched.world.snapshot()[:-1] == plain.world.snapshot()[:-1]


def test_a_unit_with_a_fault_is_brought_back_with_it():
    bench = holding()
    for fault in ("F14", "F16", "F19"):
        bench.world.act("inject", fault)
    bench.ticks(30)
    kept = bench.world.snapshot()
    other = World(load="5k")
    other.restore(kept)
    assert other.snapshot() == kept
    assert other.truth()["defects"] == (
        "telemetry-repeated", "dose-from-set-point", "self-test-always-passes",
    )  # fmt: skip
    other.act("lift_fault", "F16")
    assert other.truth()["defects"] == ("telemetry-repeated", "self-test-always-passes")


def test_a_fault_and_a_variant_of_the_same_defect_are_two():
    bench = holding(firmware=find("dose-from-set-point").firmware())
    bench.world.act("inject", "F16@at=5,for=1")
    bench.advance(2)
    assert bench.world.truth()["defects"] == ("dose-from-set-point", "dose-from-set-point")
    bench.advance(2)
    assert bench.world.truth()["defects"] == ("dose-from-set-point",)


def test_two_defects_of_one_part_are_both_there():
    """Of the session: a damaged START under a number already used."""
    bench = Watched(faults=("F26", "F27"))
    bench.hello()
    bench.world.put(bench.conn, bench.sealed(bench.sid, 1, "STATUS")[:-2] + b"?\n")
    [line] = [line for line in bench.hear() if " STATUS " in line]
    assert decode_line(line)["number"] == "0000"


ENDS = [
    f"{fault.id}:{argument.name}={value}"
    for fault in CATALOGUE
    if fault.id[0] == "F"
    for argument in fault.arguments
    for value in argument.words or (argument.low, argument.high)
]


@pytest.mark.parametrize("fault", ENDS)
def test_a_unit_in_a_run_and_one_at_rest_take_every_argument_at_its_ends(fault):
    for bench in (holding(), Watched()):
        bench.world.act("inject", fault)
        bench.world.advance_to(bench.world.now_us + 500_000)
        assert bench.world.faults().struck[0][1] == fault[:3]


# -- control step, watchdog, resets --------------------------------------------------------------------------


def test_a_dead_control_step_talks_on_until_the_watchdog_opens_the_relay():
    bench = holding()
    told = len(bench.telemetry)
    bench.world.act("inject", "F02")
    bench.ticks(11)
    assert len(bench.telemetry) == told + 1
    assert bench.true_ua > 990
    bench.ticks(4)
    assert bench.true_ua == 0
    assert not bench.world.plant.closed
    bench.ticks(30)
    assert bench.state == "FAULT"
    assert bench.world.truth()["faults"] == 1 << 15
    assert "defects" not in bench.world.truth()


def test_with_the_watchdog_off_it_talks_on_and_the_current_stays():
    bench = holding(faults=("F03",))
    told = len(bench.telemetry)
    bench.world.act("inject", "F02")
    bench.put(b"\x18")
    bench.ticks(500)
    assert bench.true_ua > 990
    assert len(bench.telemetry) == told + 50


def test_a_reset_at_an_event():
    bench = Watched(faults=("F04@event=FAULT",))
    bench.begin()
    bench.until("HOLD")
    boot = bench.world.firmware.store.boot
    bench.world.act("lift", "drug")
    bench.ticks(60)
    assert bench.world.firmware.store.boot == boot + 1
    assert bench.state == "FAULT"  # a latched fault survives


def test_a_boot_loop_ends_when_it_is_lifted():
    bench = Watched(faults=("F05:0.1@at=1,for=1.05",))
    boot = bench.world.firmware.store.boot
    bench.ticks(100)
    assert bench.state == "SELFTEST"
    bench.ticks(100)
    assert bench.world.firmware.store.boot == boot + 10
    assert bench.state == "IDLE"


# -- the record ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "field", "change"),
    [("F06", "tgt", -(1 << 19)), ("F06:what=dose,bit=10", "q", None), ("F06:limit", "vmax", 1 << 19)],
)
def test_a_bit_flips(fault, field, change):
    bench = holding()
    before = getattr(bench.world.firmware.rec, field)
    bench.world.act("inject", fault)
    after = getattr(bench.world.firmware.rec, field)
    if change is None:
        assert before ^ after == 1 << 10
    else:
        assert after - before == change  # 1 000 000 has bit 19, 54 000 has not


def test_a_state_that_is_none_is_a_processor_lost():
    bench = holding()
    bench.world.act("inject", "F06:what=state,bit=0")
    assert bench.state == "RAMP_UP"
    bench.world.act("inject", "F06:what=state,bit=3")
    assert bench.world.hung


def test_idle_with_the_output_as_it_was_is_a_fault_at_once():
    """Nobody else may be there to see it: the host may be gone, and no lease runs in IDLE."""
    bench = holding()
    bench.world.act("inject", "F18")
    bench.ticks(2)
    assert bench.state == "FAULT"
    assert bench.world.truth()["faults"] == 1 << 13
    assert abs(bench.true_ua) <= 10
    assert not bench.world.plant.closed


def test_a_run_that_is_not_open():
    bench = holding()
    bench.world.act("inject", "F18:run-not-open")
    assert bench.status()["run"] == "-"
    assert bench.state == "HOLD"


def test_the_bridge_turns_under_current():
    bench = holding()
    bench.world.act("inject", "F23")
    bench.ticks(3)
    assert bench.true_ua < -990
    assert "I05" in bench.broken


# -- memory --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["bit", "layout"])
def test_a_record_that_is_not_what_it_was_is_a_fault_at_power_on(how):
    bench = holding()
    bench.world.act("inject", f"F07:slot=system,how={how}")
    bench.ticks(60)
    assert bench.state == "FAULT"
    assert bench.world.truth()["faults"] & 1 << 14


def test_a_slow_memory_delays_start_by_a_write_and_no_more():
    bench = Watched(faults=("F09:what=slow,ms=200",))
    bench.ticks(300)
    bench.hello()
    assert bench.prescribe()["code"] == "00"
    assert bench.arm()["code"] == "00"
    at_ms = bench.now_ms
    assert bench.start()["code"] == "00"
    assert 190 <= bench.now_ms - at_ms <= 260
    bench.world.act("lift_fault", "F09")
    assert bench.world.hal.nvm_slow_us == 0


# -- clock and counters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("percent", "ms"), [(5, 1050), (-5, 950), (0, 1000)])
def test_a_clock_that_is_off_is_off_for_ticks_and_uptime(percent, ms):
    bench = holding()
    before_ms, before_uc, q_uc = bench.now_ms, bench.true_uc, bench.world.firmware.rec.q
    bench.world.act("inject", f"F10:{percent}")
    bench.ticks(100)
    assert bench.now_ms - before_ms == pytest.approx(ms, abs=1)
    told_uc, given_uc = bench.world.firmware.rec.q - q_uc, bench.true_uc - before_uc
    assert given_uc == pytest.approx(1000, abs=12)
    assert told_uc == pytest.approx(ms, abs=12)
    bench.world.act("lift_fault", "F10")
    before_ms = bench.now_ms
    bench.ticks(100)
    assert bench.now_ms - before_ms == pytest.approx(1000, abs=1)


def test_the_uptime_wraps_in_the_middle_of_a_run():
    bench = Watched(faults=("F11:uptime,left=10",))
    assert bench.now_ms == 2**32 - 9500
    bench.begin()
    bench.until("DONE")
    bench.ticks(20)
    assert bench.now_ms < 60_000
    assert bench.broken == {}


def test_numbers_wrap():
    bench = Watched(faults=("F11:event,left=3@at=1", "F11:session,left=1@at=1"))
    bench.ticks(100)
    assert bench.hello()["code"] == "00"
    assert bench.sid == 0xFFFF
    bench.hello(nonce="00000001")
    assert bench.sid == 1  # 0000 is never a session
    bench.world.act("inject", "F11:telemetry,left=5")
    bench.begin()
    bench.until("DONE")
    assert bench.broken == {}
    assert {event["number"] for event in bench.events} >= {"FFFE", "FFFF", "0000"}


def test_a_flood_of_events_pushes_out_the_old_ones():
    bench = holding()
    bench.world.act("inject", "F13")
    kept = bench.world.firmware.events
    assert len(kept) == 64
    assert {body.split(" ")[0] for _, _, body in kept} == {"NOISE"}


# -- what is said --------------------------------------------------------------------------------------------


def test_a_new_version_comes_with_a_reset():
    bench = holding()
    boot = bench.world.firmware.store.boot
    bench.world.act("inject", "F20")
    bench.ticks(60)
    fields = bench.hello()["fields"]
    assert (fields["fw"], int(fields["boot"])) == ("2.0.0", boot + 1)


def test_a_new_schema_does_not():
    bench = holding()
    bench.world.act("inject", "F20:schema")
    bench.world.advance_to(bench.world.now_us + 200_000)
    lines = bench.world.take(bench.conn).splitlines()
    assert bench.state == "HOLD"
    assert [line[-18:-8] for line in lines] == [b" SCALE=10*"] * 2
