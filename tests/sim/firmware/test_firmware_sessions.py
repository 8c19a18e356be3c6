"""Sessions: how one is opened, taken and closed, and what a boot does to it (sections 4.1 and 4.4 of the page)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from hw_sim.firmware.main import Firmware
from tests.sim.firmware.bench import Bench, seal

At = Callable[..., Bench]
HELLO = ">0000 0007 HELLO vmin=1 vmax=1 nonce=00C0FFEE host=bench"


def said(bench: Bench, data: bytes, conn: int | None = None) -> list[str]:
    """Only the replies among what the unit says to these bytes."""
    return [line for line in bench.put(data, conn) if line[0] == "<"]


# -- opening -----------------------------------------------------------------------------------------------------


def test_hello_gives_back_its_number_and_nonce_and_opens_the_next_session(bench: Bench) -> None:
    first = bench.hello()
    second = bench.send(0, 0xABCD, "HELLO vmin=1 vmax=7 nonce=0000000A host=b")
    assert (second["sid"], second["number"], second["fields"]["nonce"]) == ("0000", "ABCD", "0000000A")
    assert int(second["fields"]["sid"], 16) == int(first["fields"]["sid"], 16) + 1
    assert bench.send(int(first["fields"]["sid"], 16), 1, "STATUS")["code"] == "05"


def test_the_facts_of_hello_are_those_of_the_bundled_unit(bench: Bench) -> None:
    fields = bench.hello()["fields"]
    assert list(fields) == [
        "v",
        "sid",
        "nonce",
        "boot",
        "sn",
        "fw",
        "model",
        "lease",
        "imax",
        "qmax",
        "vcomp",
        "cap",
        "rate",
    ]
    assert fields == {
        "v": "1", "sid": fields["sid"], "nonce": "5F2A90C1", "boot": "1", "sn": "SN0001", "fw": "1.0.0",
        "model": "IONTO-4", "lease": "2000", "imax": "4000", "qmax": "4800000", "vcomp": "60000", "cap": "NVM,SIM,CAL",
        "rate": "1",
    }  # fmt: skip


def test_the_session_number_skips_0000(bench: Bench) -> None:
    bench.world.firmware.session.next_sid = 0xFFFF
    assert bench.hello()["fields"]["sid"] == "FFFF"
    assert bench.hello(nonce="00000002")["fields"]["sid"] == "0001"
    bench.world.firmware.session.next_sid = 0
    assert bench.hello(nonce="00000003")["fields"]["sid"] == "0001"


def test_the_same_hello_before_0001_gets_the_cached_reply_and_opens_nothing(bench: Bench) -> None:
    first = said(bench, seal(HELLO))
    bench.ticks(5)
    assert said(bench, seal(HELLO)) == first


def test_the_same_hello_after_0001_opens_a_session(bench: Bench) -> None:
    [first] = said(bench, seal(HELLO))
    sid = int(first.split("sid=")[1][:4], 16)
    bench.send(sid, 1, "STATUS")
    [second] = said(bench, seal(HELLO))
    assert int(second.split("sid=")[1][:4], 16) == sid + 1


def test_the_same_hello_on_another_connection_opens_a_session_there(bench: Bench) -> None:
    [first] = said(bench, seal(HELLO))
    other = bench.world.connect("direct")
    [second] = said(bench, seal(HELLO), other)
    assert first.split("sid=")[1][:4] != second.split("sid=")[1][:4]
    assert bench.send(int(first.split("sid=")[1][:4], 16), 1, "STATUS")["code"] == "05"


def test_a_hello_resets_telemetry_to_100_ms_and_0000(bench: Bench) -> None:
    bench.hello()
    bench.ask("TELE ms=20")
    bench.ticks(30)
    bench.hello()
    bench.telemetry.clear()
    bench.ticks(30)
    assert [line[6:10] for line in bench.telemetry] == ["0000", "0001", "0002"]
    times = [int(line.split(" ")[2]) for line in bench.telemetry]
    assert [b - a for a, b in pairwise(times)] == [100, 100]


@pytest.mark.parametrize(
    ("fields", "reply"),
    [
        ("vmin=2 vmax=3 nonce=3B9AC9FF host=b", "10 HELLO v=1 nonce=3B9AC9FF"),
        ("vmin=0 vmax=0 nonce=3B9AC9FF host=b", "10 HELLO v=1 nonce=3B9AC9FF"),
        ("vmin=2 vmax=1 nonce=3B9AC9FF host=b", "10 HELLO v=1 nonce=3B9AC9FF"),
        ("vmin=2 vmax=3", "10 HELLO v=1"),
        ("vmin=2 vmax=3 nonce=xyz host=b", "10 HELLO v=1"),
        ("vmin=2 vmax=3 nonce=3B9AC9FF host=b ODD=1", "10 HELLO v=1 nonce=3B9AC9FF"),
        ("vmin=-1 vmax=0 nonce=3B9AC9FF host=b", "02 HELLO"),
        ("vmin=1 nonce=3B9AC9FF host=b", "12 HELLO"),
        ("vmin=1 vmax=1 nonce=3B9AC9FF host=b RUN=A", "12 HELLO"),
        ("vmin=1 vmax=1 nonce=3b9ac9ff host=b", "02 HELLO"),
        ("vmin=1 vmax=1 nonce=3B9AC9FF host=abcdefghijklm", "02 HELLO"),
        ("vmin=1 vmax=1 nonce=3B9AC9FF host=b run=low", "02 HELLO"),
        ("vmin=1 vmax=1 nonce=3B9AC9FF host=b utc=01", "02 HELLO"),
    ],
)
def test_a_refused_hello_opens_closes_and_cancels_nothing(at: At, fields: str, reply: str) -> None:
    bench = at("ARMED")
    [line] = said(bench, seal(f">0000 0009 HELLO {fields}"))
    assert line[:-9] == f"<0000 0009 {reply}"
    assert bench.state == "ARMED"
    assert bench.code("STATUS") == "00"


@pytest.mark.parametrize("versions", ["vmin=0 vmax=1", "vmin=1 vmax=4000000000", "vmin=1 vmax=1"])
def test_a_hello_with_a_common_version_gets_it(bench: Bench, versions: str) -> None:
    assert bench.send(0, 1, f"HELLO {versions} nonce=00000000 host=b")["fields"]["v"] == "1"


@pytest.mark.parametrize("state", ["CHECK", "ARMED"])
def test_hello_takes_an_arming_back_to_staged_and_the_pending_arm_is_never_answered(at: At, state: str) -> None:
    bench = at(state)
    bench.hello()
    bench.ticks(200)
    assert bench.state == "STAGED"
    assert [reply["code"] for reply in bench.replies if reply["verb"] == "ARM"] == (["00"] if state == "ARMED" else [])
    assert abs(bench.true_ua) < 1


@pytest.mark.parametrize("state", ["RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING"])
def test_an_energised_unit_refuses_hello_but_for_its_own_run(at: At, state: str) -> None:
    bench = at(state)
    dose, sid = bench.true_uc, bench.sid
    for more in ("", " run=R2", " run=low"):
        reply = bench.hello(more)
        assert (reply["code"], reply["fields"]) == ("18", {"v": "1", "nonce": "5F2A90C1"})
    assert bench.code("STATUS") == "00"  # the session is still the first one
    reply = bench.hello(" run=R1")
    assert (reply["code"], bench.state) == ("00", state)
    assert bench.sid == sid + 1
    bench.ticks(1)
    assert bench.true_uc > dose  # untouched


@pytest.mark.parametrize("state", ["IDLE", "STAGED", "PAUSED", "DONE", "FAULT"])
def test_without_current_the_run_of_hello_has_no_effect(at: At, state: str) -> None:
    bench = at(state)
    assert bench.hello(" run=NEVER")["code"] == "00"
    assert bench.state == state


# -- TAKE --------------------------------------------------------------------------------------------------------


def test_take_is_a_stop_and_a_hello_answered_with_the_current_still_on(at: At) -> None:
    bench = at("HOLD")
    sid = bench.sid
    reply = bench.hello(verb="TAKE")
    assert (reply["verb"], reply["code"], bench.state) == ("TAKE", "00", "RAMP_DOWN")
    assert bench.sid == sid + 1
    assert bench.true_ua > 900
    assert bench.until("DONE") <= 100
    assert bench.ask("RUN run=R1")["fields"]["out"] == "STOPPED"


@pytest.mark.parametrize(
    "fields", ["vmin=9 vmax=9 nonce=00000000 host=b", "vmin=1", "vmin=1 vmax=1 nonce=0 host=b X=1"]
)
def test_the_stop_of_a_refused_take_is_executed(at: At, fields: str) -> None:
    bench = at("HOLD")
    reply = bench.send(0, 1, f"TAKE {fields}")
    assert reply["code"] in ("10", "12")
    assert bench.state == "RAMP_DOWN"
    assert bench.code("STATUS") == "00"  # the old session lives


def test_a_repeated_take_is_the_cached_reply_and_a_stop_again(at: At) -> None:
    bench = at("HOLD")
    line = seal(">0000 0003 TAKE vmin=1 vmax=1 nonce=00000001 host=b")
    first = said(bench, line)
    bench.until("DONE")
    assert said(bench, line) == first
    assert bench.state == "IDLE"


def test_take_does_not_know_run(at: At) -> None:
    bench = at("HOLD")
    assert bench.hello(" run=R1", verb="TAKE")["code"] == "00"  # a lower-case key: ignored
    assert bench.state == "RAMP_DOWN"


# -- session 0000 and sessions that are none -------------------------------------------------------------------------


def test_in_session_0000_everything_but_hello_and_take_is_05(bench: Bench) -> None:
    bench.hello()
    assert [bench.send(0, 1, verb)["code"] for verb in ("STATUS", "BYE", "FLY", "KEEP t=0000")] == ["05"] * 4


def test_hello_and_take_inside_a_session_are_unknown_verbs_and_use_a_number(bench: Bench) -> None:
    bench.hello()
    text = " vmin=1 vmax=1 nonce=00000000 host=b"
    assert [bench.code("HELLO" + text), bench.code("TAKE" + text), bench.code("STATUS")] == ["01", "01", "00"]


def test_the_session_is_judged_before_the_verb(bench: Bench) -> None:
    bench.hello()
    assert bench.send(bench.sid ^ 1, 1, "HELLO vmin=1 vmax=1 nonce=00000000 host=b")["code"] == "05"
    assert bench.send(bench.sid ^ 1, 1, "FLY")["code"] == "05"


def test_a_session_on_another_connection_is_none_but_its_stop_counts(at: At) -> None:
    bench = at("HOLD")
    other = bench.world.connect("direct")
    assert bench.send(bench.sid, bench.number + 1, "STATUS", other)["code"] == "05"
    assert bench.state == "HOLD"
    assert bench.send(bench.sid, bench.number + 1, "STOP", other)["code"] == "05"
    assert bench.state == "RAMP_DOWN"
    assert bench.code("STATUS") == "00"  # none of it used a number


# -- closing -----------------------------------------------------------------------------------------------------


def close_by_bye(bench: Bench) -> None:
    assert bench.code("BYE") == "00"


def close_by_rst(bench: Bench) -> None:
    bench.query("*RST")


def close_by_port(bench: Bench) -> None:
    bench.world.disconnect(bench.conn)
    bench.conn = bench.world.connect("direct")


@pytest.mark.parametrize("close", [close_by_bye, close_by_rst, close_by_port])
def test_a_closed_session_is_silent_and_dead(bench: Bench, close: Callable[[Bench], None]) -> None:
    bench.to("STAGED")
    close(bench)
    events, lines = len(bench.events), len(bench.telemetry)
    bench.ticks(100)
    assert (len(bench.events), len(bench.telemetry)) == (events, lines)
    assert bench.send(bench.sid, bench.number + 1, "STATUS")["code"] == "05"


def test_bye_is_a_stop_and_05_to_its_repeat(at: At) -> None:
    bench = at("HOLD")
    line = seal(f">{bench.sid:04X} {bench.number + 1:04X} BYE")
    assert said(bench, line)[0][11:17] == "00 BYE"
    assert bench.state == "RAMP_DOWN"
    assert said(bench, line)[0][11:17] == "05 BYE"


@pytest.mark.parametrize("state", ["CHECK", "ARMED"])
def test_a_closing_port_cancels_the_arming_and_tells_nobody(at: At, state: str) -> None:
    bench = at(state)
    close_by_port(bench)
    assert bench.state == "STAGED"
    assert bench.events[-1]["fields"]["st"] == state  # the way back was not told
    bench.hello()
    bench.ask("EVENTS n=0001")
    assert bench.named("STATE")[-1] == {"st": "STAGED", "was": state, "by": "UNIT"}


def test_a_hello_that_cancels_an_arming_says_nothing_in_the_session_it_closes(at: At) -> None:
    bench = at("ARMED")
    lines = bench.put(seal(HELLO))
    assert [line[:5] for line in lines] == ["<0000"]


def test_a_closing_port_leaves_at_most_half_the_lease(at: At) -> None:
    bench = at("HOLD")
    bench.keep()
    close_by_port(bench)
    assert bench.state == "HOLD"
    bench.ticks(99)
    assert bench.state == "HOLD"
    bench.ticks(2)
    assert bench.state == "PAUSING"


def test_a_closing_port_does_not_lengthen_a_lease(at: At) -> None:
    bench = at("HOLD")
    bench.keep()
    bench.ticks(150)
    close_by_port(bench)
    bench.ticks(51)
    assert bench.state == "PAUSING"


def test_the_port_of_another_connection_closes_nothing(at: At) -> None:
    bench = at("ARMED")
    bench.world.disconnect(bench.world.connect("direct"))
    assert (bench.code("STATUS"), bench.state) == ("00", "ARMED")


# -- boots -------------------------------------------------------------------------------------------------------


def test_each_boot_counts_and_starts_its_session_numbers_elsewhere(bench: Bench) -> None:
    sids, boots = [], []
    for _ in range(20):
        fields = bench.hello()["fields"]
        sids.append(int(fields["sid"], 16))
        boots.append(int(fields["boot"]))
        bench.world.act("power_cycle")
        bench.ticks(30)
    assert boots == list(range(1, 21))
    assert len(set(sids)) == 20
    assert all(abs(a - b) > 16 for a, b in pairwise(sids))


def test_a_session_does_not_outlive_a_reset(at: At) -> None:
    bench = at("ARMED")
    bench.world.act("power_cycle")
    bench.ticks(30)
    assert bench.send(bench.sid, bench.number + 1, "STATUS")["code"] == "05"
    assert bench.state == "IDLE"


def test_two_units_start_their_sessions_at_different_numbers() -> None:
    sids = {Bench(serial=f"SN{n:04d}").hello()["fields"]["sid"] for n in range(20)}
    assert len(sids) == 20


def test_the_firmware_has_no_state_that_a_boot_does_not_reset(bench: Bench) -> None:
    bench.to("HOLD")
    before = bench.world.firmware
    bench.world.act("power_cycle")
    assert isinstance(bench.world.firmware, Firmware)
    assert bench.world.firmware is not before
    assert (bench.world.firmware.session.sid, bench.world.firmware.receivers) == (0, {})
