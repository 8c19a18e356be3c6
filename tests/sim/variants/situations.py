"""What happens to a unit every day, and now and then: each played tick by tick under the eyes of the monitors.

A situation only acts. Whether that was right, `controller.monitors` says, the same ones as of a run on a real unit.
The good firmware keeps every promise in each of them.
"""

from __future__ import annotations

from collections.abc import Callable

from hw_sim.firmware import window
from hw_sim.firmware.main import Firmware
from tests.sim.firmware.bench import ENERGISED
from tests.sim.variants.watched import Watched

LEASE_TICKS = 200


def good_run(b: Watched) -> None:
    b.begin()
    b.until("DONE")
    b.ticks(120)


def stop_in_ramp_up(b: Watched) -> None:
    b.begin()
    b.ticks(100)
    _stopped(b)


def stop_in_hold(b: Watched) -> None:
    """Right behind a telemetry line."""
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
    b.put(data)
    b.ticks(220)


def abort_in_hold(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.ask("ABORT")
    b.ticks(120)


def set_after_stop(b: Watched) -> None:
    """On the way down, and when it is at rest."""
    b.begin()
    b.until("HOLD")
    b.advance(1)
    b.put(b"\x18")
    b.ticks(50)
    for wait in (200, 100):
        b.ask("SET I=800")
        b.ticks(wait)


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
    b.ticks(20)


def session_lost(b: Watched) -> None:
    """The host is gone: no line, no byte."""
    b.begin()
    b.until("HOLD")
    b.keep()
    b.ticks(LEASE_TICKS + 105)
    b.ticks(1500)


def host_blind(b: Watched) -> None:
    """The host is gone, and something else still asks for the current, and repeats an old KEEP."""
    b.begin()
    b.until("HOLD")
    b.keep()
    number = b.number
    old = b.sealed(b.sid, number, f"KEEP t={b.newest}")
    for _ in range((LEASE_TICKS + 105) // 15 + 1):
        b.put(b"MEAS:CURR?\n")
        b.put(old)
        b.ticks(15)


def lead_pulled(b: Watched) -> None:
    """With CONT=PAUSE; the lead comes back by itself, the current must not."""
    b.begin(CONT="PAUSE")
    b.until("HOLD")
    b.act("lift", "drug")
    b.ticks(50)
    b.act("replace", "drug")
    b.ticks(1500)
    assert b.code("STOP") == "00"
    b.ticks(20)


def lead_pulled_and_faulted(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.act("lift", "drug")
    b.ticks(40)
    b.act("replace", "drug")
    b.ticks(1500)


def contact_lost_for_a_moment(b: Watched) -> None:
    """30 ms: too short for a fault."""
    b.begin()
    b.until("HOLD")
    b.advance(2)
    b.act("lift", "drug")
    b.ticks(3)
    b.act("replace", "drug")
    b.advance(5)


def no_contact(b: Watched) -> None:
    b.act("load", "430k")
    b.hello()
    assert b.prescribe()["code"] == "00"
    b.arm()
    b.ticks(20)


def over_the_maximum(b: Watched) -> None:
    b.hello()
    b.act("load", "1k")
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
    b.act("inject", "E10:ma=1.2", breaks="source")
    b.ticks(302)


def long_line(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.put(b"A" * 64 + b"\n")
    for _ in range(30):
        b.keep()
        b.ticks(10)
        if b.state not in ENERGISED:
            return


def compliance_limited(b: Watched) -> None:
    """More voltage than there is: the run goes on lower and longer."""
    b.act("load", "30k")
    b.begin(I=4000, Q=120_000, TU=8000, TD=8000, LIM="STRETCH", ZMAX=100_000)
    b.advance(20)
    _stopped(b)


def lines_twice(b: Watched) -> None:
    """The answer to START was lost, and the host sends it again."""
    line = _armed(b)
    b.put(line)
    b.ticks(50)
    b.put(line)
    b.ticks(5)
    b.until("DONE")
    b.ticks(20)


def _armed(b: Watched) -> bytes:
    """Up to the START, which is returned."""
    b.hello()
    assert b.prescribe()["code"] == "00"
    assert b.arm()["code"] == "00"
    b.number += 1
    return b.sealed(b.sid, b.number, f"START run=R1 D={b.digest} X={b.now_ms + 500}")


def number_used_again(b: Watched) -> None:
    """A host that counts wrong: its START has the number of the STATUS before."""
    _armed(b)
    b.number -= 1
    b.ask("STATUS")
    b.put(b.sealed(b.sid, b.number, f"START run=R1 D={b.digest} X={b.now_ms + 500}"))
    b.ticks(20)


def damaged_lines(b: Watched) -> None:
    """One digit of START's check is another when it arrives."""
    line = _armed(b)
    b.put_damaged(line, line[:-2] + (b"0" if line[-2:-1] != b"0" else b"1") + b"\n")
    b.ticks(20)


def late_start(b: Watched) -> None:
    """12 s after ARM; an arming lasts 10."""
    b.hello()
    assert b.prescribe()["code"] == "00"
    assert b.arm()["code"] == "00"
    b.ticks(1200)
    b.start()
    b.ticks(20)


def processor_hangs(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.act("hang", breaks="processor")
    b.ticks(50)


def power_cut(b: Watched) -> None:
    b.begin()
    b.until("HOLD")
    b.advance(5.37)
    b.act("power_cycle")
    b.ticks(100)
    b.hello(" run=R1")
    b.ask("RUN run=R1")


def bad_record(b: Watched) -> None:
    """The watchdog's fault is latched; then the record of it is spoiled while the unit is off."""
    b.hello()
    b.act("hang", breaks="processor")
    b.ticks(100)
    b.hello()
    assert b.status()["st"] == "FAULT"
    nvm = b.world.hal.nvm
    for slot in [slot for slot in nvm if slot.startswith("sys")]:
        nvm[slot] = nvm[slot][:3] + bytes((nvm[slot][3] ^ 1,)) + nvm[slot][4:]
    b.act("power_cycle", breaks="record")
    b.ticks(100)
    b.hello()
    b.status()
    b.ticks(150)


def reference_off(b: Watched) -> None:
    """10 % more than the converters know of, from power-on: afterwards no channel can see it, the self-test can."""
    b.act("inject", "E16", breaks="reference", blind=True)
    b.act("power_cycle")
    b.ticks(100)
    if b.state != "FAULT":
        b.begin()
        b.until("HOLD")
        b.advance(1)


def window_nearly_full(b: Watched) -> None:
    """150 mA.min were given today, and 160 are the most in 24 h; 20 more are asked for."""
    firmware = b.world.firmware
    b.act("jumper", "0")
    window.add(firmware, 9_000_000)
    assert firmware.store.save_window()
    b.watch.counted(b.world.now_us, 9_000_000)
    b.hello()
    assert b.prescribe(Q=1_200_000)["code"] == "00"
    if b.arm()["code"] != "20":
        b.start()
    b.ticks(20)


def welded_relay(b: Watched) -> None:
    b.act("inject", "E12", breaks="relay")
    b.act("power_cycle")
    b.ticks(50)
    if b.state != "FAULT":
        b.begin()


def channels_apart(b: Watched) -> None:
    """The return channel reads a tenth too much."""
    b.begin()
    b.until("HOLD")
    b.advance(1)
    b.act("inject", "S07", breaks="sensor")
    b.advance(1)


def longer_than_allowed(b: Watched) -> None:
    """Limited by the voltage, the dose would take half a minute; 20 s are allowed."""
    b.act("load", "30k")
    b.begin(I=4000, Q=120_000, TU=8000, TD=8000, LIM="STRETCH", ZMAX=100_000, TMAX=20_000)
    b.advance(25)


def lead_pulled_again_and_again(b: Watched) -> None:
    """Three times within 10 min, each time put back and asked to go on."""
    b.begin(CONT="PAUSE")
    for _ in range(3):
        b.until("HOLD")
        b.advance(1)
        b.act("lift", "drug")
        b.ticks(50)
        b.act("replace", "drug")
        b.ticks(150)
        if b.arm()["code"] != "00":
            break
        b.resume()
    b.ticks(20)


def second_host(b: Watched) -> None:
    """It knows nothing of the run."""
    b.begin()
    b.until("HOLD")
    b.advance(1)
    b.hello()
    b.ticks(50)


def newer_host(b: Watched) -> None:
    """It speaks versions that this unit does not."""
    b.send(0, 1, "HELLO vmin=2 vmax=3 nonce=0000C0DE host=newer")
    b.ticks(20)


def plain_output_on(b: Watched) -> None:
    """Somebody types it at a paused run."""
    b.begin()
    b.until("HOLD")
    assert b.code("PAUSE") == "00"
    b.until("PAUSED")
    b.put(b"OUTP ON\n")
    b.ticks(120)


def clock_wraps(b: Watched) -> None:
    """The unit has been on for 49.7 days; it is so between two lines of telemetry."""
    b.act("inject", "F11:uptime,left=10")
    b.ticks(5)
    b.begin()
    b.advance(25)


SITUATIONS: dict[str, Callable[[Watched], None]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        good_run, stop_in_ramp_up, stop_in_hold, backlog, abort_in_hold, set_after_stop, pause_and_resume, session_lost,
        host_blind, lead_pulled, lead_pulled_and_faulted, contact_lost_for_a_moment, no_contact, over_the_maximum,
        over_current, long_line, compliance_limited, lines_twice, number_used_again, damaged_lines, late_start,
        processor_hangs, power_cut, bad_record, reference_off, window_nearly_full, welded_relay, channels_apart,
        longer_than_allowed, lead_pulled_again_and_again, second_host, newer_host, plain_output_on,
        clock_wraps,
    )
}  # fmt: skip


def play(situation: str, firmware: type[Firmware] = Firmware, faults: tuple[str, ...] = ()) -> dict[str, str]:
    """What is broken, by its number, with the first moment."""
    bench = Watched(firmware=firmware, faults=faults)
    SITUATIONS[situation](bench)
    bench.watch.finish()
    return bench.broken
