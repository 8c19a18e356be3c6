"""What happens to a unit every day, and now and then: each played tick by tick under the eyes of the bench.

A situation only acts and says what must be so at its own moments (a stop that was pressed, an arming that is over);
what must always be so, `Watched` looks at by itself. The good firmware keeps every promise in each of them.
"""

from __future__ import annotations

from collections.abc import Callable

from hw_sim.firmware import window
from hw_sim.firmware.main import Firmware
from tests.sim.firmware.bench import ENERGISED
from tests.sim.variants.watched import QUIET_UA, ZERO_UA, Watched

LEASE_TICKS = 200


def good_run(b: Watched) -> None:
    b.begin()
    b.until("DONE")
    b.end()
    b.ticks(100)


def stop_in_ramp_up(b: Watched) -> None:
    b.begin()
    b.ticks(100)
    _stopped(b)


def stop_in_hold(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.advance(5)
    told = len(b.telemetry)
    b.until(lambda: len(b.telemetry) > told)
    b.ticks(2)
    _stopped(b)


def backlog(b: Watched) -> None:
    """A stop byte behind a thousand lines that somebody pasted."""
    b.begin()
    b.until("HOLD")
    b.advance(1)
    _stopped(b, b"MEAS:ALL?\n" * 1000 + b"\x18")


def _stopped(b: Watched, data: bytes = b"\x18") -> None:
    b.quick = True
    b.put(data)
    b.ticks(2)
    b.breaks("I13", b.world.truth()["set_ua"] != 0, "no target of zero within 20 ms")
    b.ticks(98)
    b.breaks("I13", abs(b.true_ua) > QUIET_UA, "not quiet within a second")
    b.ticks(100)
    b.end()


def abort_in_hold(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.ask("ABORT")
    b.ticks(5)
    b.breaks("I13", abs(b.true_ua) > ZERO_UA or bool(b.world.plant.closed), b.true_ua)
    b.ticks(100)
    b.end()


def set_after_stop(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.advance(1)
    b.quick = True
    b.put(b"\x18")
    b.ticks(50)
    for wait in (200, 100):
        b.ask("SET I=800")
        for _ in range(wait):
            before = abs(b.true_ua)
            b.ticks()
            b.breaks("I14", abs(b.true_ua) > before + 2, (before, b.true_ua))


def pause_and_resume(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.advance(6)
    assert b.code("PAUSE") == "00"
    b.until("PAUSED")
    b.ticks(300)
    assert b.arm()["code"] == "00"
    assert b.resume()["code"] == "00"
    b.until("DONE")
    b.end()


def session_lost(b: Watched) -> None:
    """The host is gone: no line, no byte."""
    b.begin()
    b.until("HOLD")
    b.keep()
    b.quick = True
    b.ticks(LEASE_TICKS + 105)
    b.breaks("I20", abs(b.true_ua) > QUIET_UA, b.true_ua)
    _stays_off(b)


def host_blind(b: Watched) -> None:
    """The host is gone, and something else still asks for the current, and repeats an old KEEP."""
    b.begin()
    b.until("HOLD")
    b.keep()
    number = b.number
    b.quick = True
    for _ in range((LEASE_TICKS + 105) // 15 + 1):
        b.put(b"MEAS:CURR?\n")
        b.put(b.sealed(b.sid, number, f"KEEP t={b.newest}"))
        b.ticks(15)
    b.breaks("I20", abs(b.true_ua) > QUIET_UA, b.true_ua)
    b.breaks("I21", b.state == "HOLD", "no KEEP of this session came")


def _stays_off(b: Watched) -> None:
    for _ in range(1500):
        b.ticks()
        b.breaks("I15", b.state in ("RAMP_UP", "HOLD") and abs(b.true_ua) > QUIET_UA, b.true_ua)


def lead_pulled(b: Watched) -> None:
    """With CONT=PAUSE; the lead comes back by itself, the current must not."""
    b.begin(CONT="PAUSE")
    b.until("HOLD")
    b.falls = False
    b.world.act("lift", "drug")
    b.ticks(50)
    b.breaks("I17", b.state != "PAUSED", b.state)
    b.world.act("replace", "drug")
    _stays_off(b)
    assert b.code("STOP") == "00"
    b.end()


def lead_pulled_and_faulted(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.falls = False
    b.world.act("lift", "drug")
    b.ticks(20)
    b.breaks("I17", b.state != "FAULT", b.state)
    b.world.act("replace", "drug")
    _stays_off(b)
    b.end()


def contact_lost_for_a_moment(b: Watched) -> None:
    """30 ms: too short for a fault."""
    b.begin()
    b.until("HOLD")
    b.advance(2)
    b.falls = False
    b.world.act("lift", "drug")
    b.ticks(3)
    b.forget()
    b.world.act("replace", "drug")
    b.advance(5)


def no_contact(b: Watched) -> None:
    b.world.act("load", "430k")
    b.hello()
    assert b.prescribe()["code"] == "00"
    code = b.arm()["code"]
    b.breaks("I10", code != "16" or b.state == "ARMED", code)


def over_the_maximum(b: Watched) -> None:
    b.hello()
    b.world.act("load", "1k")
    code = b.prescribe(I=6000, Q=60_000, TU=12_000, TD=12_000)["code"]
    if code == "03":
        return
    b.arm()
    b.start()
    b.advance(10)


def over_current(b: Watched) -> None:
    """The source gives a fifth too much: a fault within 50 ms."""
    b.begin()
    b.until("HOLD")
    b.advance(1)
    b.excess_ticks = 8  # 50 ms, and the ticks in which it begins and ends
    b.world.act("inject", "E10:ma=1.2")
    b.ticks(2)
    b.broken.pop("I04", None)  # the source's jump is none of the unit's
    b.forget()
    b.ticks(300)


def long_line(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.put(b"A" * 64 + b"\n")
    for _ in range(30):
        b.keep()
        b.ticks(10)
        b.breaks("I12", b.world.truth()["set_ua"] > b.held["I"], b.world.truth()["set_ua"])
        if b.state not in ENERGISED:
            return


def compliance_limited(b: Watched) -> None:
    """More voltage than there is: the run goes on lower and longer."""
    b.world.act("load", "30k")
    b.begin(I=4000, Q=120_000, TU=8000, TD=8000, LIM="STRETCH", ZMAX=100_000)
    b.advance(20)
    _stopped(b)


def lines_twice(b: Watched) -> None:
    """The answer to START was lost, and the host sends it again."""
    b.hello()
    assert b.prescribe()["code"] == "00"
    assert b.arm()["code"] == "00"
    b.number += 1
    line = b.sealed(b.sid, b.number, f"START run=R1 D={b.digest} X={b.now_ms + 500}")
    b.put(line)
    b.ticks(50)
    b.put(line)
    b.ticks(5)
    b.until("DONE")
    b.end()


def number_used_again(b: Watched) -> None:
    b.hello()
    assert b.prescribe()["code"] == "00"
    assert b.arm()["code"] == "00"
    b.ask("STATUS")
    b.put(b.sealed(b.sid, b.number, f"START run=R1 D={b.digest} X={b.now_ms + 500}"))
    _not_begun(b)


def damaged_lines(b: Watched) -> None:
    """One digit of START's check is another."""
    b.hello()
    assert b.prescribe()["code"] == "00"
    assert b.arm()["code"] == "00"
    line = b.sealed(b.sid, b.number + 1, f"START run=R1 D={b.digest} X={b.now_ms + 500}")
    b.put(line[:-2] + (b"0" if line[-2:-1] != b"0" else b"1") + b"\n")
    _not_begun(b)


def _not_begun(b: Watched) -> None:
    b.ticks(20)
    b.breaks("I10", b.state in ENERGISED, "begun without a START of its own")
    b.breaks("I12", b.world.truth()["set_ua"] > 0, "raised by a line that this session never sent so")


def late_start(b: Watched) -> None:
    """12 s after ARM; an arming lasts 10."""
    b.hello()
    assert b.prescribe()["code"] == "00"
    assert b.arm()["code"] == "00"
    b.ticks(1200)
    b.start()
    b.ticks(20)
    b.breaks("I10", b.state in ENERGISED, "begun on an arming that is over")


def processor_hangs(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.world.act("hang")
    b.world.advance_to(b.world.now_us + 150_000)
    b.breaks("I22", abs(b.true_ua) > ZERO_UA or bool(b.world.plant.closed), b.true_ua)


def power_cut(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.advance(5.37)
    b.world.act("power_cycle")
    b.ticks(100)
    b.end(was_reset=True)


def bad_record(b: Watched) -> None:
    """The watchdog's fault is latched; then the record of it is spoiled while the unit is off."""
    b.world.act("hang")
    b.ticks(100)
    assert b.state == "FAULT"
    nvm = b.world.hal.nvm
    for slot in [slot for slot in nvm if slot.startswith("sys")]:
        nvm[slot] = nvm[slot][:3] + bytes((nvm[slot][3] ^ 1,)) + nvm[slot][4:]
    b.world.act("power_cycle")
    b.ticks(100)
    b.breaks("I16", b.state != "FAULT", b.state)
    b.breaks("I33", not b.world.truth()["faults"] & 1 << 14, b.state)


def reference_off(b: Watched) -> None:
    """10 % more than the converters know of, from power-on."""
    b.world.act("inject", "E16")
    b.world.act("power_cycle")
    b.ticks(100)
    b.breaks("I10", b.state != "FAULT", "ready with a reference that is 10 % off")
    if b.state != "FAULT":
        b.begin()
        b.until("HOLD")
        b.advance(1)


def window_nearly_full(b: Watched) -> None:
    """150 mA.min were given today, and 160 are the most in 24 h; 20 more are asked for."""
    firmware = b.world.firmware
    b.world.act("jumper", "0")
    window.add(firmware, 9_000_000)
    assert firmware.store.save_window()
    b.hello()
    assert b.prescribe(Q=1_200_000)["code"] == "00"
    if b.arm()["code"] != "20":
        b.start()
    b.ticks(20)
    b.breaks("I09", b.state in ENERGISED, "170 mA.min given and committed")


def welded_relay(b: Watched) -> None:
    b.world.act("inject", "E12")
    b.world.act("power_cycle")
    b.world.advance_to(b.world.now_us + 500_000)
    b.breaks("I10", b.state != "FAULT", "may be armed with a relay that does not open")


SITUATIONS: dict[str, Callable[[Watched], None]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        good_run, stop_in_ramp_up, stop_in_hold, backlog, abort_in_hold, set_after_stop, pause_and_resume, session_lost,
        host_blind, lead_pulled, lead_pulled_and_faulted, contact_lost_for_a_moment, no_contact, over_the_maximum,
        over_current, long_line, compliance_limited, lines_twice, number_used_again, damaged_lines, late_start,
        processor_hangs, power_cut, bad_record, reference_off,
        window_nearly_full, welded_relay,
    )
}  # fmt: skip


def play(situation: str, firmware: type[Firmware] = Firmware, faults: tuple[str, ...] = ()) -> dict[str, str]:
    """What is broken, by its number, with the first moment."""
    bench = Watched(firmware=firmware, faults=faults)
    SITUATIONS[situation](bench)
    return bench.broken
