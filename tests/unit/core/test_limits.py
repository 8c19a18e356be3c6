"""The host's own eye: every limit just broken and just kept, and doses summed by hand."""

import pytest

from controller.errors import ProtocolViolation
from controller.limits import Breach, SafetyMonitor, UnitFacts, known_interval_uc, unknown_interval_uc
from controller.wire import Reply, Telemetry, UnitState
from tests.unit.core.story import GREETING

I_UA = 1000
Q_UC = 60_000  # 1 mA.min
SPAN_MS = 1 << 32


class Eye:
    """A monitor, and a unit that sends a line every 100 ms and counts its dose as it should."""

    def __init__(self, i_ua: int = I_UA, q_uc: int = Q_UC, *, ms: int = 5000, number: int = 0) -> None:
        self.monitor = SafetyMonitor(i_ua, q_uc)
        self.ms, self.number, self.q, self._i = ms, number, 0.0, 0

    def see(
        self, state: str, i: int = 0, *, dt: int = 100, q: int | None = None, set_: int | None = None, v: int = 5000,
        step: int = 1, sid: int = 1, limited: bool = False,
    ) -> Breach | None:  # fmt: skip
        self.ms, self.number = (self.ms + dt) % SPAN_MS, (self.number + step) & 0xFFFF
        flows = state in ("RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING")
        self.q += (i + self._i) * dt / 2000 if flows else 0
        self._i = i
        if q is not None:
            self.q = q
        target = (I_UA if state in ("RAMP_UP", "HOLD") else 0) if set_ is None else set_
        line = Telemetry(
            sid, self.number, self.ms, UnitState(state), target, i, i, v, 0, round(self.q), 0, limited, flows, 0
        )
        return self.monitor.judge(line)

    def see_all(self, state: str, *currents: int, **rest: int) -> list[Breach]:
        breaches = [self.see(state, i, **rest) for i in currents]
        return [breach for breach in breaches if breach is not None]

    def settle(self) -> list[Breach]:
        """The first 30 s of HOLD, at a voltage that may set no minimum."""
        return self.see_all("HOLD", *[I_UA] * 300, v=1000)

    def mean(self, v: int, i: int = I_UA, **rest: int) -> list[Breach]:
        """The lines of one mean: 10 s from its first to its last."""
        return self.see_all("HOLD", *[i] * 101, v=v, **rest)


# -- current -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING"])
def test_the_third_line_in_a_row_above_the_set_point_is_a_breach(state: str) -> None:
    eye = Eye()  # 1000 uA + 5 % + 25 uA
    assert eye.see_all(state, 1076, 1076, 1075, 1076, 1076) == []
    assert eye.see(state, 1076) == Breach("current at most the set-point", "1.076 mA")


def test_the_peak_is_the_largest_current_in_any_state() -> None:
    eye = Eye()
    eye.see_all("HOLD", 990, 1010, 1000)
    assert eye.monitor.peak_ua == 1010
    eye.see("IDLE", 2000)
    assert eye.monitor.peak_ua == 2000


@pytest.mark.parametrize("state", ["IDLE", "STAGED", "ARMED", "PAUSED", "DONE", "FAULT", "BOOT", "SELFTEST"])
def test_at_rest_more_than_50_ua_is_a_breach_once_the_mean_belongs_to_the_state(state: str) -> None:
    eye = Eye()
    assert eye.see_all(state, 900, 900, 900) == []  # 0, 100 and 200 ms in the state
    assert eye.see(state, 900, dt=50) is None  # 250 ms
    assert eye.see(state, 50) is None
    assert eye.see(state, 51) == Breach("no current outside a run", f"51 uA in {state}")


def test_the_contact_check_may_pass_60_ua() -> None:
    eye = Eye()
    assert eye.see_all("CHECK", *[60] * 10) == []
    assert eye.see("CHECK", 61) == Breach("no current outside a run", "61 uA in CHECK")


def test_a_set_point_at_rest_is_a_breach_even_without_current() -> None:
    eye = Eye()
    assert eye.see_all("PAUSED", 0, 0, 0, set_=1000) == []
    assert eye.see("PAUSED", set_=1000) == Breach("no set-point outside a run", "1000 uA in PAUSED")


def test_each_state_has_its_own_quarter_of_a_second() -> None:
    eye = Eye()
    assert eye.see_all("HOLD", *[1000] * 10) == []
    assert eye.see_all("PAUSED", 1000, 1000, 1000, 0) == []


# -- dose --------------------------------------------------------------------------------------------------------


def test_the_dose_is_the_sum_of_trapezoids() -> None:
    eye = Eye()
    eye.see("ARMED")
    assert eye.monitor.own_uc == 0.0
    eye.see("RAMP_UP", 40)  # 20 uA in the middle, for 0.1 s
    assert eye.monitor.own_uc == 2.0
    eye.see("RAMP_UP", 160)  # 100 uA for 0.1 s
    assert eye.monitor.own_uc == 12.0
    eye.see("HOLD", 640, dt=500)  # 400 uA for 0.5 s
    assert eye.monitor.own_uc == 212.0
    eye.see("DONE", 0, dt=200)  # 320 uA for 0.2 s
    assert eye.monitor.own_uc == 276.0


def test_a_reading_at_rest_is_no_dose() -> None:
    eye = Eye()
    eye.see_all("HOLD", 1000, 1000)
    before = eye.monitor.own_uc
    eye.see_all("PAUSED", 0, *[2] * 6000)  # ten minutes of 2 uA would be 1200 uC
    assert eye.monitor.own_uc == before + 50.0


def test_uptime_and_number_wrap() -> None:
    eye = Eye(ms=SPAN_MS - 150, number=0xFFFE)
    assert eye.see_all("HOLD", 1000, 1000, 1000, 1000) == []
    assert (eye.ms, eye.number) == (250, 2)
    assert eye.monitor.own_uc == 300.0


OFF = "the unit's dose agrees with the host's own integral"


@pytest.mark.parametrize(
    ("unit_uc", "breach"),
    [
        (10_816, None),  # 10 000 by the host; 816 <= 2 % of 10 816 + 600 = 816.3
        (10_817, Breach(OFF, "unit 0.180, host 0.167 mA.min")),
        (9216, None),  # 784 <= 784.3
        (9215, Breach(OFF, "unit 0.154, host 0.167 mA.min")),
    ],
)
def test_the_units_dose_may_differ_by_2_percent_and_600_uc(unit_uc: int, breach: Breach | None) -> None:
    eye = Eye()
    eye.see("HOLD", 1000, q=0)
    assert [eye.see("HOLD", 1000, q=min(100 * n, unit_uc)) for n in range(1, 100)] == [None] * 99
    assert eye.see("HOLD", 1000, q=unit_uc) == breach
    assert eye.monitor.own_uc == 10_000


def test_a_dose_that_never_grows_is_a_breach_before_1_mc() -> None:
    eye = Eye()
    assert eye.see_all("HOLD", *[1000] * 7, q=0) == []  # 600 uC by the host's own count
    assert eye.see("HOLD", 10, q=0) is not None


@pytest.mark.parametrize(("step", "sid", "is_breach"), [(1, 1, True), (20, 1, False), (1, 2, False)])
def test_lines_that_were_lost_give_the_dose_the_room_of_their_time(step: int, sid: int, is_breach: bool) -> None:
    eye = Eye()
    eye.see("HOLD", 1000, q=0)
    # 2 s unseen: 1000 uC by the trapezoid, but it may have fallen at once. Numbers of a new session begin anew.
    assert (eye.see("HOLD", 0, dt=2000, q=0, step=step, sid=sid) is not None) is is_breach


def test_an_end_at_once_lies_anywhere_between_two_lines() -> None:
    eye = Eye(4000, 600_000)
    eye.see("HOLD", 4000, q=0)
    eye.see("PAUSED", 0, dt=500, q=0)  # the trapezoid says 1000 uC; the circuit may have opened right after the line
    assert eye.see("RAMP_UP", 0, dt=500, q=0) is None


def test_the_dose_never_falls_while_current_may_flow() -> None:
    eye = Eye()
    assert eye.see("HOLD", 0, q=300) is None
    assert eye.see("HOLD", 0, q=300) is None
    assert eye.see("PAUSED", 0, q=0) is None  # nothing flows: PRES clears it, for one
    assert eye.see("HOLD", 0, q=300) is None
    assert eye.see("HOLD", 0, q=299) == Breach("the reported dose never falls", "300 uC, then 299 uC")


def test_the_dose_may_pass_the_prescribed_one_by_2_percent_and_a_fifth_of_a_second() -> None:
    eye = Eye()
    eye.see("HOLD", 1000, q=0)
    assert eye.see("HOLD", 1000, dt=61_400, q=61_400, step=2) is None  # 60 000 + 1200 + 200
    assert eye.see("HOLD", 1000, q=61_401) == Breach("dose at most the prescribed one", "1.023 mA.min")


# -- voltage -----------------------------------------------------------------------------------------------------

RISE = "voltage at most 1.25 of its minimum"


def test_a_mean_more_than_a_quarter_above_the_minimum_is_a_breach() -> None:
    eye = Eye(q_uc=600_000)
    assert eye.settle() + eye.mean(8000) + eye.mean(10_000) == []
    assert eye.mean(10_060) == [Breach(RISE, "10.06 V after 8.00 V")]


def test_the_minimum_falls_with_the_voltage() -> None:
    eye = Eye(q_uc=600_000)
    assert eye.settle() + eye.mean(8000) + eye.mean(6000) + eye.mean(7500) == []
    assert eye.mean(7520) == [Breach(RISE, "7.52 V after 6.00 V")]


def test_a_lone_high_line_is_not_the_mean() -> None:
    eye = Eye(q_uc=600_000)
    assert eye.settle() + eye.mean(8000) == []
    assert eye.see_all("HOLD", 1000, v=54_000) + eye.see_all("HOLD", *[1000] * 100, v=8000) == []


def test_another_set_point_starts_a_new_minimum() -> None:
    eye = Eye(q_uc=600_000)
    assert eye.settle() + eye.mean(4000) + eye.see_all("HOLD", *[1000] * 50, v=4000) == []
    assert eye.mean(8000, 800, set_=800) == []
    assert eye.mean(10_500, 800, set_=800) == [Breach(RISE, "10.50 V after 8.00 V")]


def test_a_mean_begins_anew_after_each_line_at_the_voltage_limit() -> None:
    eye = Eye(q_uc=600_000)
    assert eye.settle() + eye.mean(4000) + eye.mean(48_000, limited=True) == []
    assert eye.see_all("HOLD", *[1000] * 99, v=4000) == []


def test_a_current_that_comes_back_with_the_slew_sets_no_minimum() -> None:
    eye = Eye(q_uc=600_000)
    assert eye.settle() + eye.mean(9000) == []
    assert eye.see_all("HOLD", *range(20, 950, 10), v=2000) == []  # a lead was off for a moment
    assert eye.mean(9000) == []
    assert eye.mean(11_300)[0].limit == RISE


def test_a_mean_does_not_span_a_pause() -> None:
    eye = Eye(q_uc=600_000)
    assert eye.settle() + eye.mean(8000) + eye.see_all("HOLD", *[1000] * 50, v=1000) == []
    assert eye.see_all("PAUSED", 0) + eye.see_all("RAMP_UP", 0, dt=0) + eye.settle() == []
    assert eye.mean(8000) + eye.mean(8000) == []


def paused_for(ms: int) -> list[Breach]:
    """A mean of 4 V, a pause, and one of 8 V."""
    eye = Eye(q_uc=600_000)
    before = eye.settle() + eye.mean(4000) + eye.see_all("PAUSING", 0) + eye.see_all("PAUSED", 0, 0, dt=ms // 2)
    check = eye.see_all("CHECK", 50, dt=0) + eye.see_all("ARMED", 0, dt=0) + eye.see_all("RAMP_UP", 0, dt=0)
    assert before + check == []
    return eye.settle() + eye.mean(8000)


def test_a_short_pause_keeps_the_minimum_and_two_minutes_forget_it() -> None:
    assert paused_for(119_998) == [Breach(RISE, "8.00 V after 4.00 V")]
    assert paused_for(120_000) == []


# -- how much was really delivered ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q_uc", "outcome", "interval"),
    [
        (0, "STOPPED", (0, 0)),
        (60_000, "DONE", (58_800, 61_200)),  # 1 % and 600 uC either way
        (500, "STOPPED", (0, 1105)),
        (60_000, "RESET", (55_050, 61_200)),  # and up to two seconds and a half of 1500 uA that did not flow
        (60_000, "FAULT:02", (58_800, 61_200)),
    ],
)
def test_a_known_dose_is_within_its_accuracy(q_uc: int, outcome: str, interval: tuple[int, int]) -> None:
    assert known_interval_uc(q_uc, outcome, 1500) == interval


@pytest.mark.parametrize(
    ("heard_uc", "loss", "lease_ms", "interval"),
    [
        (0, "STOP", 2000, (0, 6600)),  # 600 uC, and 1500 uA for lease 2 s + telemetry 1 s + ramp 1 s
        (100_000, "STOP", 2000, (98_400, 107_600)),
        (100_000, "STOP", 10_000, (98_400, 119_600)),
        (100_000, "FINISH", 2000, (98_400, 2_448_300)),  # 2 400 000 + 2 % + 0.2 s of 1500 uA
        (2_400_000, "STOP", 2000, (2_375_400, 2_430_600)),
        (2_440_000, "STOP", 2000, (2_415_000, 2_448_300)),
    ],
)
def test_after_silence_unsure_counts_as_delivered(
    heard_uc: int, loss: str, lease_ms: int, interval: tuple[int, int]
) -> None:
    assert unknown_interval_uc(heard_uc, 1500, 2_400_000, loss, lease_ms) == interval


# -- what a unit says of itself --------------------------------------------------------------------------------------


def test_the_facts_of_a_greeting() -> None:
    assert UnitFacts.of(Reply(0, 1, 0, "HELLO", {**GREETING, "cap": "SIM,NVM"})) == UnitFacts(
        serial="SN0042", model="IONTO-4", firmware="1.0.0", boot=163, lease_ms=2000, imax_ua=4000, qmax_uc=4_800_000,
        vcomp_mv=60_000, capabilities=frozenset({"SIM", "NVM"}), rate=1,
    )  # fmt: skip


@pytest.mark.parametrize(("cap", "simulated", "count"), [("SIM,NVM", True, 2), ("NVM", False, 1), ("-", False, 0)])
def test_what_it_can_do(cap: str, simulated: bool, count: int) -> None:
    facts = UnitFacts.of(Reply(0, 1, 0, "HELLO", {**GREETING, "cap": cap}))
    assert (facts.simulated, len(facts.capabilities)) == (simulated, count)


@pytest.mark.parametrize("key", ["sn", "model", "fw", "boot", "lease", "imax", "qmax", "vcomp", "cap", "rate"])
def test_a_greeting_without_a_fact_is_not_this_protocol(key: str) -> None:
    with pytest.raises(ProtocolViolation, match=f"reply to HELLO lacks {key}"):
        UnitFacts.of(Reply(0, 1, 0, "HELLO", {k: v for k, v in GREETING.items() if k != key}))
