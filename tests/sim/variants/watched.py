"""A bench whose truth is looked at after every tick, against what must always hold.

The true current, charge, bridge and relay are the plant's; the dose that the unit says is its record's and its
telemetry's. What a promise allows is here in figures of the protocol and of the unit's envelope, not of its code.
A broken promise is noted by its number and nothing stops: which ones a defect breaks is the question.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from hw_sim.firmware.main import Firmware
from hw_sim.world import World
from tests.naive_wire import decode_line
from tests.sim.firmware.bench import ENERGISED, Bench

ZERO_UA = 10
QUIET_UA = 50
CHECK_UA = 60
ENTRY_TICKS = 5  # 50 ms after a state without current was entered there is none
WINDOW_TICKS = 5
CAP_UA, COMPARATOR_UA, UNIT_UA = 4200, 4400, 4000
RIPPLE_UA = 15  # what a step of the DAC and a turn of the trim may add to a slew
STOP_TICKS = 90


class Watched(Bench):
    def __init__(self, load: str = "5k", firmware: type[Firmware] = Firmware, **parameters: Any) -> None:
        self.broken: dict[str, str] = {}
        self.held: dict[str, int] = {}  # the prescription, as the host means it
        self.quick = False  # STOP, a lost link: down within a second
        self.falls = True  # whether the unit is why the current falls
        self.excess_ticks = 1  # how long more than was asked for may flow: until the fault for it is due
        self._excess = 0
        self._rest = {}
        self._entered = ("", 0)
        self._recent: deque[float] = deque([0.0], WINDOW_TICKS + 1)
        self._sign = 0
        self._run, self._begin_uc, self._told_uc = "", 0.0, 0
        super().__init__(world=World(load=load, firmware=firmware, **parameters))

    # -- the hands -------------------------------------------------------------------------------------------

    def prescribe(self, **fields: int | str) -> dict[str, Any]:
        held = {"I": 1000, "Q": 18_000, "TU": 2000, "TD": 2000} | fields
        self.held = {key: value for key, value in held.items() if isinstance(value, int)}
        return super().prescribe(**held)

    def send(self, sid: int, number: int, text: str, conn: int | None = None) -> dict[str, Any]:
        """As a host does: a unit that answers late is waited for."""
        before = len(self.replies)
        self.put(self.sealed(sid, number, text), conn)
        for _ in range(100):
            if len(self.replies) > before:
                break
            self.ticks()
        assert len(self.replies) == before + 1, (text, self.replies[before:])
        return self.replies[-1]

    @staticmethod
    def sealed(sid: int, number: int, text: str) -> bytes:
        from tests.sim.firmware.bench import seal

        return seal(f">{sid:04X} {number:04X} {text}")

    def ticks(self, n: int = 1) -> None:
        for _ in range(n):
            super().ticks()
            self.look()

    def advance(self, seconds: float) -> None:
        if self.state in ENERGISED or self.sid:
            super().advance(seconds)
        else:
            self.ticks(round(seconds * 100))

    # -- the eyes --------------------------------------------------------------------------------------------

    def breaks(self, invariant: str, is_broken: bool, why: object = "") -> None:
        if is_broken:
            self.broken.setdefault(invariant, f"{self.world.now_us / 1e6:.2f} s, {self.state}: {why}")

    def forget(self) -> None:
        """The currents of the last ticks say nothing of the next."""
        self._recent = deque([abs(self.true_ua)], WINDOW_TICKS + 1)

    def look(self) -> None:
        state, ua = self.state, abs(self.true_ua)
        if self._entered[0] != state:
            self._moved(self._entered[0], state)
            self._entered = (state, self.world.now_us // 10_000)
        self._recent.append(ua)
        if self.world.firmware.run != self._run:
            self._run, self._begin_uc, self._told_uc = self.world.firmware.run, self.true_uc, 0
            self._sign = 0
        self.breaks("I02", ua > CAP_UA or self.world.plant.peak_i_a * 1e6 > COMPARATOR_UA, ua)
        if state in ENERGISED:
            self._energised(state, ua)
        elif state == "CHECK":
            self.breaks("I01", ua > CHECK_UA, ua)
        elif self.world.now_us // 10_000 - self._entered[1] >= ENTRY_TICKS:
            self.breaks("I01", ua > ZERO_UA or bool(self.world.plant.closed), ua)
        self._polarity(ua)
        self._dose(state)

    def _moved(self, was: str, state: str) -> None:
        """A ramp begins at zero, and one that is over has come to it."""
        if was in ("RAMP_DOWN", "PAUSING") and state in ("DONE", "PAUSED"):
            left_ua = max(QUIET_UA, 3 * self.held["I"] / STOP_TICKS)
            self.breaks("I04", self._recent[-1] > left_ua, ("cut off", self._recent[-1]))
        if was not in ENERGISED:
            self._recent = deque([0.0], WINDOW_TICKS + 1)

    def _energised(self, state: str, ua: float) -> None:
        prescribed = self.held["I"]
        self.breaks("I02", self.world.truth()["set_ua"] > min(prescribed, UNIT_UA), self.world.truth()["set_ua"])
        self._excess = self._excess + 1 if ua > prescribed + max(prescribed * 0.05, 20) else 0
        self.breaks("I03", self._excess >= self.excess_ticks, ua)
        rise = ua - self._recent[0]
        per_tick = prescribed * 10 / self.held["TU"]
        self.breaks("I04", rise > 1.1 * WINDOW_TICKS * per_tick + RIPPLE_UA, rise)
        per_tick = prescribed * 10 / self.held["TD"]
        if self.quick:
            per_tick = max(per_tick, prescribed / STOP_TICKS)
        self.breaks("I04", self.falls and -rise > 1.1 * WINDOW_TICKS * per_tick + RIPPLE_UA, rise)
        self.breaks("I11", state == "RAMP_UP" and ua < ZERO_UA and max(self._recent) > 100, "begun again")

    def _polarity(self, ua: float) -> None:
        sign = 1 if self.true_ua > 0 else -1
        if ua > ZERO_UA and self.state in ENERGISED:
            self.breaks("I05", self._sign == -sign, self.true_ua)
            self._sign = sign

    def _dose(self, state: str) -> None:
        if state in (*ENERGISED, "PAUSED", "DONE") and self._run:
            told_uc = self.world.firmware.rec.q
            self.breaks("I07", told_uc < self._told_uc, (self._told_uc, told_uc))
            self._told_uc = told_uc

    @property
    def given_uc(self) -> float:
        """Truth: since the run began."""
        return self.true_uc - self._begin_uc

    def _sort(self, line: str) -> None:
        super()._sort(line)
        if line[0] == "~":
            fields = decode_line(line)["fields"]
            if fields["st"] in ENERGISED and self._run == self.world.firmware.run:
                self._compare(int(fields["q"]), "telemetry")

    def _compare(self, told_uc: int, where: str) -> None:
        given_uc = self.given_uc
        slack_uc = 600 + given_uc * 0.01
        self.breaks("I08", abs(told_uc - given_uc) > slack_uc, (where, told_uc, given_uc))

    # -- at the end ------------------------------------------------------------------------------------------

    def end(self, *, was_reset: bool = False) -> None:
        """The run is over, and the current off: what was given, and what the unit says of it."""
        self.ticks(20)
        facts = self.world.firmware.run_facts(self._run)
        told_uc = facts[1] if facts is not None else 0
        cap_uc = self.held["Q"] * 1.02 + self.held["I"] * 0.2
        self.breaks("I06", self.given_uc > cap_uc, self.given_uc)
        if was_reset:
            self.breaks("I08", told_uc < self.given_uc - 600 - self.given_uc * 0.01, (told_uc, self.given_uc))
        else:
            self._compare(told_uc, "RUN")
