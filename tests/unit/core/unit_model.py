"""An honest unit at its shortest, from sections 4, 5 and 7 of the page: a step is 100 ms, its current is exact.

It knows nothing of lines or of bytes. Requests come as a verb and fields and are answered as (code, fields); what
may go wrong between the two is the business of ``host_model.py``.
"""

from collections.abc import Mapping

from controller.wire import Event, Reply, Telemetry, UnitState
from tests import naive_wire

STEP_S = 0.1
LEASE_S = 2.0
PAUSE_S = 40.0  # the page's 10 min, shortened: nothing else depends on it
ENERGISED = ("RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING")
LEASED = ("RAMP_UP", "HOLD")


class ModelUnit:
    def __init__(self, fields: Mapping[str, str]) -> None:
        self.meant = fields
        self.plateau = int(fields["I"])
        self.state, self.back = "IDLE", "IDLE"
        self.i = self.q = 0.0
        self.slope = 0.0  # uA a step
        self.run, self.why = "", ""
        self.known: dict[str, tuple[str, int]] = {}
        self.true_uc: dict[str, float] = {}
        self.starts: list[str] = []
        self.boot, self.sid, self.ms = 163, 0, 5000
        self.line_no = self.event_no = self.faults = 0
        self.lease_s = self.left_s = self.paused_s = 0.0
        self.digest = ""
        self.events: list[Event] = []

    # -- by itself ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        self.ms += 100
        before = self.i
        match self.state:
            case "RAMP_UP" | "HOLD":
                self._rise()
            case "RAMP_DOWN" | "PAUSING":
                self.i = max(0.0, self.i - self.slope)
            case "CHECK" | "ARMED" | "PAUSED":
                self._wait()
        if self.run and self.state in ENERGISED:
            self.q += (before + self.i) / 2 * STEP_S
            self.true_uc[self.run] = self.q
            if self.state in ("RAMP_DOWN", "PAUSING") and not self.i:
                self._at_zero()

    def _rise(self) -> None:
        self.i = min(self.plateau, self.i + self.plateau * 100 / int(self.meant["TU"]))
        down_ms = int(self.meant["TD"])
        self.lease_s -= STEP_S
        if self.q + self.i * STEP_S + self.i**2 / self.plateau * down_ms / 2000 >= int(self.meant["Q"]):
            self.slope, self.why = self.plateau * 100 / down_ms, "DONE"
            self._move("RAMP_DOWN", "UNIT")
        elif self.lease_s <= 0 and (self.state == "RAMP_UP" or self.meant["LOSS"] == "STOP"):
            self.sid, self.faults = 0, self.faults | 1 << 10
            self._pause()
        elif self.state == "RAMP_UP" and self.i == self.plateau:
            self._move("HOLD", "UNIT")

    def _wait(self) -> None:
        self.left_s -= STEP_S
        if self.state == "CHECK" and self.left_s <= 0:
            self.left_s = 10.0
            self._move("ARMED", "UNIT")
        elif self.state == "ARMED" and self.left_s <= 0:
            self._move(self.back, "UNIT")
        if self.run:
            self.paused_s -= STEP_S
            if self.paused_s <= 0:
                self._close("LINK" if self.faults else "TIMEOUT")

    def _pause(self) -> None:
        self.slope = self.plateau / 10
        self._move("PAUSING", "UNIT")

    def _at_zero(self) -> None:
        if self.state == "PAUSING":
            self.paused_s = PAUSE_S
            self._move("PAUSED", "UNIT")
        else:
            self._close(self.why)

    def _close(self, outcome: str) -> None:
        self.i = 0.0
        if self.run:
            self.known[self.run] = (outcome, round(self.q))
            self.run = ""
        self.faults &= ~(1 << 10)
        self._move("FAULT" if outcome.startswith("FAULT") else "DONE", "UNIT")

    def _move(self, state: str, by: str) -> None:
        was, self.state = self.state, state
        self._tell("STATE", {"st": state, "was": was, "by": by})

    def _tell(self, name: str, fields: dict[str, str]) -> None:
        self.event_no += 1
        self.events.append(Event(self.sid, self.event_no & 0xFFFF, self.ms, name, fields))

    def line(self) -> Telemetry:
        self.line_no += 1
        i_ua = 50 if self.state == "CHECK" else round(self.i)
        set_ua = self.plateau if self.state in LEASED else 0
        return Telemetry(
            self.sid, self.line_no - 1, self.ms, UnitState(self.state), set_ua, i_ua, i_ua, 6000, 4000, round(self.q),
            round(self.lease_s * 1000), False, bool(self.i), self.faults,
        )  # fmt: skip

    # -- what befalls it ---------------------------------------------------------------------------------------

    def stop(self) -> None:
        if self.state in ENERGISED:
            self.slope, self.why = max(self.slope if self.state == "RAMP_DOWN" else 0.0, self.plateau / 10), "STOPPED"
            if self.state != "RAMP_DOWN":
                self._move("RAMP_DOWN", "BYTE")
        elif self.run:
            self._close("STOPPED")
        elif self.state in ("STAGED", "CHECK", "ARMED", "DONE"):
            self.digest = ""
            self._move("IDLE", "BYTE")

    def abort(self) -> None:
        if self.state in ENERGISED:
            self._close("ABORTED")
        else:
            self.stop()

    def fault(self, code: int) -> None:
        self.faults |= 1 << (code - 1)
        self._tell("FAULT", {"id": f"{code:02d}"})
        self._close(f"FAULT:{code:02d}")

    def lose_contact(self) -> None:
        if self.state in LEASED:
            if self.meant["CONT"] == "STOP":
                self.fault(1)
            else:
                self.i, self.paused_s = 0.0, PAUSE_S
                self._move("PAUSED", "UNIT")

    def reset(self) -> None:
        if self.run:
            self.q += self.i / 2  # in doubt more, never by a second's worth
            self._close("RESET")
        self.state, self.sid, self.digest = ("FAULT" if self.faults else "IDLE"), 0, ""
        self.boot, self.ms, self.event_no = self.boot + 1, 40, 0
        self.events.clear()

    def close_session(self) -> None:
        self.sid = 0
        if self.state in ("CHECK", "ARMED"):
            self._move(self.back, "UNIT")

    # -- requests ----------------------------------------------------------------------------------------------

    def ask(self, sid: int, verb: str, fields: Mapping[str, str | int]) -> Reply:
        if verb != "HELLO" and sid != self.sid:
            if verb in ("STOP", "ABORT"):
                self._obey(verb)
            return Reply(sid, 1, 5, verb, {})
        code, said = self._obey(verb) if verb in ("STOP", "ABORT") else self._do(verb, fields)
        return Reply(sid, 1, code, verb, said)

    def _obey(self, verb: str) -> tuple[int, dict[str, str]]:
        (self.abort if verb == "ABORT" else self.stop)()
        return 0, {"st": self.state}

    def _do(self, verb: str, fields: Mapping[str, str | int]) -> tuple[int, dict[str, str]]:
        match verb:
            case "HELLO":
                return self._hello(fields)
            case "KEEP":
                if self.state in LEASED and 0 <= self.line_no - 1 - int(str(fields["t"]), 16) <= 10:
                    self.lease_s = LEASE_S
                return 0, {"lk": "0"}
            case "STATUS":
                return 0, {"st": self.state}
            case "EVENTS":
                return 0, {"n": str(fields["n"]), "last": f"{self.event_no:04X}"}
            case "RUN":
                outcome, q_uc = self.known.get(str(fields["run"]), ("", 0))
                if fields["run"] == self.run:
                    outcome, q_uc = "RUNNING", round(self.q)
                return (0, {"st": self.state, "out": outcome, "q": str(q_uc)}) if outcome else (6, {})
            case "PAUSE":
                if self.state not in LEASED:
                    return 4, {}
                self._pause()
                return 0, {}
        return self._raise(verb, fields)

    def _hello(self, fields: Mapping[str, str | int]) -> tuple[int, dict[str, str]]:
        if self.state in ENERGISED and fields.get("run") != self.run:
            return 18, {}
        self.close_session()
        self.sid, self.line_no = 0x4A17 + self.event_no + self.boot, 0
        return 0, {"sid": f"{self.sid:04X}", "boot": str(self.boot)}

    def _raise(self, verb: str, fields: Mapping[str, str | int]) -> tuple[int, dict[str, str]]:
        if self.faults & ~(1 << 10):
            return 17, {}
        if verb == "PRES":
            if self.state not in ("IDLE", "STAGED", "DONE"):
                return 4, {}
            self.q, self.digest = 0.0, naive_wire.digest(dict(self.meant))
            self._move("STAGED", "HOST")
            return 0, {**self.meant, "D": self.digest}
        if verb == "ARM":
            if self.state not in ("STAGED", "PAUSED") or self.digest != fields["D"]:
                return 4, {}
            self.back, self.left_s = self.state, 1.0
            self._move("CHECK", "HOST")
            return 0, {"ttl": "10000", "z": "41800"}
        return self._start(verb, str(fields["run"]), int(fields["X"]))

    def _start(self, verb: str, run: str, x: int) -> tuple[int, dict[str, str]]:
        if verb == "START" and (run in self.known or run == self.run):
            outcome, q_uc = self.known.get(run, ("RUNNING", round(self.q)))
            return 15, {"run": run, "st": self.state, "q": str(q_uc), "out": outcome}
        if self.state != "ARMED" or bool(self.run) != (verb == "RESUME"):
            return 13, {}
        if (x - self.ms) % (1 << 32) > 1000:
            return 9, {}
        if verb == "START":
            self.starts.append(run)
            self.run, self.true_uc[run] = run, 0.0
        self.faults, self.lease_s = 0, LEASE_S
        self._move("RAMP_UP", "HOST")
        return 0, {"run": run, "st": "RAMP_UP"}
