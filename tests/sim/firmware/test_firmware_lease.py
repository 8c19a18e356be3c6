"""The lease: what a silent host costs, in RAMP_UP and in HOLD, and how the run is taken up again."""

from __future__ import annotations

from collections.abc import Callable

from tests.sim.firmware.bench import Bench

At = Callable[..., Bench]
LONG = {"Q": 60_000, "TU": 10_000}


def test_half_gone_warns_once_and_freezes_the_ramp_until_a_keep_counts(at: At) -> None:
    bench = at("RAMP_UP", I=1000, **LONG)
    bench.keep()
    bench.ticks(100)
    assert bench.named("LINK_WARN") == []
    bench.ticks(1)
    assert bench.named("LINK_WARN") == [{"lk": "990"}]
    frozen = bench.trace(0.8, keep=False)
    assert max(frozen) - min(frozen) < 3
    assert bench.named("LINK_WARN") == [{"lk": "990"}]
    bench.keep()
    rising = bench.trace(1.0, keep=False)
    assert 90 < rising[-1] - frozen[-1] < 105  # 100 uA/s again
    bench.ticks(1)
    assert [warning["lk"] for warning in bench.named("LINK_WARN")] == ["990", "990"]


def test_half_gone_in_hold_changes_no_current(at: At) -> None:
    bench = at("HOLD", **LONG)
    bench.keep()
    currents = bench.trace(1.9, keep=False)
    assert len(bench.named("LINK_WARN")) == 1
    assert max(currents) - min(currents) < 3


def test_all_gone_in_hold_pauses_within_a_second_and_keeps_the_dose(at: At) -> None:
    bench = at("HOLD", **LONG)
    bench.keep()
    bench.ticks(199)
    assert bench.state == "HOLD"
    bench.ticks(1)
    assert bench.state == "PAUSING"
    assert bench.named("WARN") == [{"id": "11"}]
    assert bench.world.truth()["faults"] == 0x400
    silent = len(bench.telemetry)
    assert bench.until("PAUSED") <= 100
    assert bench.true_ua < 50
    assert len(bench.telemetry) == silent  # the session is closed
    assert bench.send(bench.sid, bench.number + 1, "STATUS")["code"] == "05"
    bench.hello()
    status = bench.status()
    assert (status["fl"], status["run"], status["lk"]) == ("400", "R1", "0")
    assert abs(int(status["q"]) - bench.true_uc) < 120
    assert int(status["q"]) > 6000


def test_link_goes_with_resume_and_is_told_as_a_clear(at: At) -> None:
    bench = at("HOLD", **LONG)
    bench.ticks(400)
    bench.hello()
    assert bench.arm()["code"] == "00"  # LINK does not latch: 17 is not answered
    assert bench.query("*STB?") == "32"  # nor is it a latched fault; 32 is the power-on bit
    assert bench.resume()["code"] == "00"
    assert bench.named("CLEAR") == [{"id": "11"}]
    assert bench.status()["fl"] == "0"
    bench.until("DONE", within_s=90)
    assert bench.ask("RUN run=R1")["fields"]["out"] == "DONE"
    assert abs(int(bench.status()["q"]) - 60_000) < 900


def test_link_goes_with_the_run(at: At) -> None:
    bench = at("HOLD", **LONG)
    bench.ticks(400)
    bench.hello()
    bench.ask("STOP")
    assert (bench.state, bench.status()["fl"]) == ("DONE", "0")
    assert bench.ask("RUN run=R1")["fields"]["out"] == "STOPPED"
    assert bench.named("CLEAR") == [{"id": "11"}]


def test_ten_minutes_after_a_lost_link_the_outcome_is_link(at: At) -> None:
    bench = at("HOLD", **LONG)
    bench.ticks(300)
    assert bench.state == "PAUSED"
    bench.ticks(60_000)
    bench.hello()
    assert bench.state == "DONE"
    assert bench.ask("RUN run=R1")["fields"]["out"] == "LINK"
    assert bench.status()["fl"] == "0"


def test_ramp_up_pauses_even_with_loss_finish(at: At) -> None:
    bench = at("RAMP_UP", LOSS="FINISH", **LONG)
    bench.keep()
    bench.ticks(200)
    assert bench.state == "PAUSING"
    bench.until("PAUSED", within_s=1)
    assert bench.world.truth()["faults"] == 0x400


def test_loss_finish_in_hold_goes_on_to_its_dose_alone(at: At) -> None:
    bench = at("HOLD", LOSS="FINISH", Q=12_000)
    for n in range(3000):
        bench.ticks()
        if bench.state == "DONE":
            break
        assert (bench.state in ("HOLD", "RAMP_DOWN"), bench.world.truth()["faults"]) == (True, 0), n
    assert bench.send(bench.sid, bench.number + 1, "STATUS")["code"] == "05"
    bench.hello()
    assert bench.ask("RUN run=R1")["fields"]["out"] == "DONE"
    assert abs(bench.true_uc - 12_000) < 660


def test_hello_with_run_and_a_keep_take_it_up_without_touching_the_current() -> None:
    alone, taken = (Bench().to("HOLD", LOSS="FINISH", Q=24_000) for _ in range(2))
    currents: list[list[float]] = [[], []]
    for n in range(1200):
        for bench, seen in ((alone, currents[0]), (taken, currents[1])):
            bench.ticks()
            seen.append(bench.true_ua)
        if n == 500:
            assert taken.hello(" run=R1")["code"] == "00"
            assert taken.status()["lk"] == "0"
        if n > 500 and n % 50 == 20:
            assert taken.ask(f"KEEP t={taken.newest}")["fields"]["lk"] == "2000"
    assert currents[0] == currents[1]
    assert taken.status()["run"] == "R1"
    assert taken.telemetry[-1].split("st=")[1].startswith("HOLD")


def test_a_run_taken_up_again_can_be_lost_again(at: At) -> None:
    bench = at("HOLD", LOSS="FINISH", Q=60_000)
    bench.ticks(300)
    bench.hello(" run=R1")
    bench.ticks(11)
    bench.keep()
    bench.ticks(100)
    assert [bench.code("STATUS"), len(bench.named("LINK_WARN"))] == ["00", 1]
    bench.ticks(101)
    assert (bench.send(bench.sid, bench.number + 1, "STATUS")["code"], bench.state) == ("05", "HOLD")


def test_a_hello_does_not_fill_the_lease(at: At) -> None:
    bench = at("HOLD", **LONG)
    bench.keep()
    bench.ticks(150)
    bench.hello(" run=R1")
    bench.ticks(51)
    assert bench.state == "PAUSING"


def test_the_lease_does_not_run_in_ramp_down_or_pausing(at: At) -> None:
    bench = at("RAMP_DOWN")
    bench.ticks(350)
    assert (bench.state, bench.world.truth()["faults"]) == ("RAMP_DOWN", 0)
    assert bench.code("STATUS") == "00"
    bench = at("PAUSING")
    bench.ticks(350)
    assert (bench.state, bench.world.truth()["faults"]) == ("PAUSING", 0)


def test_nothing_resumes_by_itself(at: At) -> None:
    bench = at("HOLD", **LONG)
    bench.ticks(300)
    bench.hello(" run=R1")
    assert max(bench.trace(5.0)) < 1
    assert bench.state == "PAUSED"


def test_the_third_lost_link_within_ten_minutes_locks_the_run(at: At) -> None:
    bench = at("HOLD", **LONG)
    for n in range(3):
        bench.ticks(400)
        assert bench.state == "PAUSED"
        bench.hello()
        if n < 2:
            assert (bench.arm()["code"], bench.resume()["code"]) == ("00", "00")
    assert bench.code(f"ARM D={bench.digest}") == "25"
    assert bench.code("RESUME run=R1 X=0") == "25"
    assert bench.status()["fl"] == "400"  # REPEAT sets no bit
    bench.ask("STOP")
    assert bench.ask("RUN run=R1")["fields"]["out"] == "STOPPED"


def test_three_lost_links_in_more_than_ten_minutes_do_not(at: At) -> None:
    bench = at("HOLD", I=100, Q=600_000, TU=2000, TD=1000, TMAX=43_200_000)
    for n in range(3):
        bench.ticks(400)
        assert bench.state == "PAUSED"
        if n == 1:
            bench.ticks(59_000)
            bench.hello()
            bench.arm()
            bench.resume()
            bench.advance(20)
        else:
            bench.hello()
            assert bench.arm()["code"] == "00"
            assert bench.resume()["code"] == "00"
    assert bench.state == "RAMP_UP"


def test_pauses_by_hand_do_not_lock(at: At) -> None:
    bench = at("HOLD", I=100, Q=60_000, TU=1000, TD=100)
    for _ in range(4):
        bench.ask("PAUSE")
        bench.until("PAUSED")
        assert (bench.arm()["code"], bench.resume()["code"]) == ("00", "00")
