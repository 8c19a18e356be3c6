"""Sessions and sequence: every rule of section 4 of the page, one test a rule."""

from __future__ import annotations

from collections.abc import Callable

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
    assert list(fields) == "v sid nonce boot sn fw model lease imax qmax vcomp cap rate".split()
    assert fields == {
        "v": "1", "sid": fields["sid"], "nonce": "5F2A90C1", "boot": "1", "sn": "SN0001", "fw": "1.0.0",
        "model": "IONTO-4", "lease": "2000", "imax": "4000", "qmax": "4800000", "vcomp": "60000", "cap": "NVM,SIM",
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
    assert [b - a for a, b in zip(times, times[1:], strict=False)] == [100, 100]


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


@pytest.mark.parametrize("fields", ["vmin=9 vmax=9 nonce=00000000 host=b", "vmin=1", "vmin=1 vmax=1 nonce=0 host=b X=1"])
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


# -- numbers -----------------------------------------------------------------------------------------------------


def test_a_repeat_gets_the_cached_reply_byte_for_byte_and_is_not_executed(bench: Bench) -> None:
    bench.hello()
    bench.prescribe()
    line = seal(f">{bench.sid:04X} 0002 TELE ms=50")
    first = said(bench, line)
    bench.number = 2
    bench.world.firmware.session.tele_ms = 70  # whatever executes it again would set 50
    assert said(bench, line) == first
    assert bench.world.firmware.session.tele_ms == 70
    assert bench.code("STATUS") == "00"


def test_a_status_repeated_later_tells_the_old_time(bench: Bench) -> None:
    bench.hello()
    line = seal(f">{bench.sid:04X} 0001 STATUS")
    first = said(bench, line)
    bench.ticks(50)
    assert said(bench, line) == first


def test_a_refusal_uses_its_number_and_is_cached(bench: Bench) -> None:
    bench.hello()
    line = seal(f">{bench.sid:04X} 0001 ARM D=00000000")
    first = said(bench, line)
    assert "04 ARM" in first[0]
    bench.send(bench.sid, 2, "PRES I=1000 Q=6000 POL=+")
    assert bench.send(bench.sid, 1, "ARM D=00000000")["code"] == "07"
    assert bench.send(bench.sid, 3, "FLY")["code"] == "01"
    assert bench.send(bench.sid, 3, "FLY")["code"] == "01"
    assert bench.send(bench.sid, 4, "STATUS")["code"] == "00"


def test_bytes_after_the_line_end_are_not_part_of_the_same_bytes(bench: Bench) -> None:
    bench.hello()
    body = seal(f">{bench.sid:04X} 0001 TELE ms=20")[:-1]
    first = said(bench, b"\n" + body + b"\r\n")
    assert said(bench, b"\n\n" + body + b"\n") == first


def test_the_number_used_for_other_bytes_is_08_and_closes_the_session(at: At) -> None:
    bench = at("ARMED")
    assert bench.send(bench.sid, bench.number, "STATUS")["code"] == "08"
    assert bench.state == "STAGED"
    assert bench.send(bench.sid, bench.number, "STATUS")["code"] == "05"
    bench.telemetry.clear()
    bench.ticks(50)
    assert bench.telemetry == []


def test_in_a_new_session_0000_is_hellos_number_and_its_use_for_other_bytes_is_08(bench: Bench) -> None:
    bench.hello()
    assert bench.send(bench.sid, 0, "STATUS")["code"] == "08"
    assert bench.send(bench.sid, 1, "STATUS")["code"] == "05"


@pytest.mark.parametrize("ahead", [2, 3, 0x8000, -1])
def test_any_other_number_is_07_and_uses_none(bench: Bench, ahead: int) -> None:
    bench.hello()
    bench.code("STATUS")
    assert bench.send(bench.sid, (bench.number + ahead) & 0xFFFF, "TELE ms=20")["code"] == "07"
    assert bench.world.firmware.session.tele_ms == 100
    assert bench.code("STATUS") == "00"


def test_08_leaves_a_run_on_what_is_left_of_its_lease(at: At) -> None:
    bench = at("HOLD")
    bench.keep()
    assert bench.send(bench.sid, bench.number, "TELE ms=20")["code"] == "08"
    assert bench.state == "HOLD"
    bench.ticks(199)
    assert bench.state == "HOLD"
    bench.ticks(2)
    assert bench.state == "PAUSING"


def test_after_ffff_there_is_no_next_number(bench: Bench) -> None:
    bench.hello()
    bench.number = bench.world.firmware.session.last = 0xFFFE
    line = seal(f">{bench.sid:04X} FFFF STATUS")
    first = said(bench, line)
    assert said(bench, line) == first
    assert bench.send(bench.sid, 0, "STATUS")["code"] == "07"
    assert bench.send(bench.sid, 1, "STATUS")["code"] == "07"


def test_stop_is_obeyed_whatever_its_session_and_number_each_time_it_arrives(at: At) -> None:
    for sid, number, code in ((0, 9, "05"), (0xDEAD, 9, "05"), (None, 0x7FFF, "07")):
        bench = at("HOLD")
        assert bench.send(bench.sid if sid is None else sid, number, "STOP")["code"] == code
        assert bench.state == "RAMP_DOWN"
    bench = at("HOLD")
    line = seal(f">{bench.sid:04X} {bench.number + 1:04X} STOP")
    first = said(bench, line)
    bench.until("DONE")
    assert said(bench, line) == first  # st=RAMP_DOWN, as it was
    assert bench.state == "IDLE"  # and yet obeyed again


@pytest.mark.parametrize("code", ["08", "07", "05"])
def test_abort_out_of_order_is_obeyed_before_it_is_refused(at: At, code: str) -> None:
    bench = at("HOLD")
    number = {"08": bench.number, "07": bench.number + 5, "05": 1}[code]
    reply = bench.send(0 if code == "05" else bench.sid, number, "ABORT")
    assert (reply["code"], bench.state) == (code, "DONE")


# -- while a request is being executed ------------------------------------------------------------------------------


def test_while_arm_is_executed_its_repeat_and_other_next_numbers_are_ignored(at: At) -> None:
    bench = at("CHECK")
    bench.silent(bench.sid, bench.number, f"ARM D={bench.digest}")
    bench.silent(bench.sid, bench.number + 1, "STATUS")
    bench.silent(bench.sid, bench.number + 1, "TELE ms=20")
    assert bench.send(bench.sid, bench.number + 2, "STATUS")["code"] == "07"
    bench.until("ARMED")
    assert [(r["number"], r["code"]) for r in bench.replies if r["verb"] == "ARM"] == [("0002", "00")]
    arm = bench.replies[-1]["line"]
    assert said(bench, seal(f">{bench.sid:04X} 0002 ARM D={bench.digest}")) == [arm]
    assert bench.code("STATUS") == "00"


@pytest.mark.parametrize("verb", ["STOP", "ABORT", "BYE"])
def test_stop_abort_and_bye_cut_an_arm_short_which_is_answered_13_first(at: At, verb: str) -> None:
    bench = at("CHECK")
    lines = said(bench, seal(f">{bench.sid:04X} {bench.number + 1:04X} {verb}"))
    assert [line[6:-9].split(" ")[:3] for line in lines] == [["0002", "13", "ARM"], ["0003", "00", verb]]
    bench.ticks(150)
    assert bench.state == "IDLE"
    assert [reply["code"] for reply in bench.replies if reply["verb"] == "ARM"] == ["13"]


@pytest.mark.parametrize("verb", ["STOP", "ABORT", "BYE"])
def test_they_cut_a_selftest_short_too(bench: Bench, verb: str) -> None:
    bench.hello()
    bench.silent(bench.sid, 1, "SELFTEST")
    bench.silent(bench.sid, 2, "STATUS")
    lines = said(bench, seal(f">{bench.sid:04X} 0002 {verb}"))
    assert [line[6:-9].split(" ")[:3] for line in lines] == [["0001", "13", "SELFTEST"], ["0002", "00", verb]]
    bench.ticks(50)
    assert [reply["verb"] for reply in bench.replies].count("SELFTEST") == 1
    assert bench.state == "IDLE"


@pytest.mark.parametrize("stop", [b"\x18", b"\x03", b"STOP\n", b"OUTP OFF\n"])
def test_a_stop_from_outside_the_session_cuts_the_arm_short(at: At, stop: bytes) -> None:
    bench = at("CHECK")
    bench.put(stop, bench.world.connect("direct"))
    bench.hear()
    assert [(reply["verb"], reply["code"]) for reply in bench.replies[-1:]] == [("ARM", "13")]
    assert bench.state == "IDLE"


def test_other_bytes_under_the_number_of_a_pending_arm_close_the_session(at: At) -> None:
    bench = at("CHECK")
    assert bench.send(bench.sid, bench.number, "STATUS")["code"] == "08"
    bench.ticks(200)
    assert bench.state == "STAGED"
    assert [reply["verb"] for reply in bench.replies].count("ARM") == 0


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
    assert all(abs(a - b) > 16 for a, b in zip(sids, sids[1:], strict=False))


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
