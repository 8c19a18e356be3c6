"""Stories for monitors: a unit and its host, line by line, in the unit's own milliseconds.

The lines are sealed here with ``zlib`` and read by the product's parser, so a story is what a wire log holds. Host time
is the unit's time and 2 ms, as on a good line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from controller.monitors import Finding, Monitor, Verdict, Watch

SID = "4A17"
RUN = "01J8ZK6Q3V9T5W0X2Y4A6B8C0D"
PRES = {
    "I": 1000, "Q": 60_000, "TU": 10_000, "TD": 5_000, "TMAX": 100_000, "ZMAX": 30_000, "ZMIN": 200, "VMAX": 54_000,
    "POL": "-", "LIM": "STOP", "CONT": "STOP", "LOSS": "STOP", "BATT": "STOP",
}  # fmt: skip
DIGEST = "83615AA8"


def sealed(body: str) -> str:
    return f"{body}*{crc32(body.encode()):08X}"


def words(fields: Mapping[str, Any]) -> str:
    return "".join(f" {key}={value}" for key, value in fields.items())


class Tape:
    """``watch`` holds the one monitor under test; every call is one fact at ``ms``."""

    def __init__(self, *monitors: type[Monitor], direct: bool = False) -> None:
        self.watch = Watch(monitors, direct=direct)
        self.ms = 0
        self.number = 0
        self.tele_number = 0
        self.event_number = 0
        self.last: str | None = None
        self.sid = SID
        self.q_uc = 0
        self.keeps = False  # with a KEEP every 200 ms, as a host sends them
        self.kept_ms: int | None = None  # the lease runs from here; None: somebody keeps it full

    # -- facts ---------------------------------------------------------------------------------------------------

    def at(self, ms: int) -> Tape:
        self.ms = ms
        return self

    def later(self, ms: int) -> Tape:
        self.ms += ms
        return self

    @property
    def t_us(self) -> int:
        return self.ms * 1000 + 2000

    def send(self, text: str | bytes) -> Tape:
        self.watch.sent(self.t_us, text)
        return self

    def hear(self, text: str | bytes) -> Tape:
        self.watch.received(self.t_us, text)
        return self

    def ask(self, verb: str, **fields: Any) -> Tape:
        self.number += 1
        return self.ask_again(verb, **fields)

    def ask_again(self, verb: str, **fields: Any) -> Tape:
        return self.send(sealed(f">{self.sid} {self.number:04X} {verb}{words(fields)}"))

    def answer(self, verb: str, code: int = 0, **fields: Any) -> Tape:
        return self.hear(sealed(f"<{self.sid} {self.number:04X} {code:02d} {verb}{words(fields)}"))

    def does(self, verb: str, code: int = 0, answer: Mapping[str, Any] | None = None, **fields: Any) -> Tape:
        return self.ask(verb, **fields).answer(verb, code, **(answer or {}))

    def event(self, name: str, /, **fields: Any) -> Tape:
        self.event_number += 1
        return self.hear(sealed(f"!{self.sid} {self.event_number:04X} {self.ms} {name}{words(fields)}"))

    def state(self, st: str, by: str = "UNIT") -> Tape:
        was, self.last = self.last, st
        return self.event("STATE", st=st, was=was or "IDLE", by=by)

    def tele(self, st: str, i: int = 0, **more: Any) -> Tape:
        """A telemetry line; i2 is i, v follows 10 kohm, and set is 1000 in RAMP_UP and HOLD, if not said otherwise."""
        flows = st in ("RAMP_UP", "HOLD")
        fields = {
            "st": st, "set": 1000 if flows else 0, "i": i, "i2": i, "v": i * 10, "z": 10_000 if i >= 20 else 0,
            "q": self.q_uc, "lk": self._lease() if flows else 0, "lim": 0, "rl": 1 if i else 0, "fl": "0",
        } | more  # fmt: skip
        self.q_uc = fields["q"]
        line = sealed(f"~{self.sid} {self.tele_number & 0xFFFF:04X} {self.ms % (1 << 32)}{words(fields)}")
        self.tele_number += 1
        return self.hear(line)

    def _lease(self) -> int:
        return 1900 if self.kept_ms is None else max(0, 2000 - self.ms + self.kept_ms)

    def _keep_on(self) -> None:
        if self.keeps and self.tele_number % 2:
            self.keep()

    def keep(self) -> Tape:
        self.kept_ms = self.ms
        return self.does("KEEP", t=f"{self.tele_number - 1:04X}", answer={"lk": 2000})

    def note(self, kind: str, **facts: Any) -> Tape:
        self.watch.note(self.t_us, kind, facts)
        return self

    def true(self, state: str, i_ua: float = 0.0, /, **more: Any) -> Tape:
        flows = state in ("RAMP_UP", "HOLD")
        truth = {
            "t_us": self.t_us, "state": state, "i_ua": i_ua, "v_mv": abs(i_ua) * 10, "q_uc": float(self.q_uc),
            "relay_closed": bool(i_ua), "bridge": 1, "peak_ua": abs(i_ua), "set_ua": 1000 if flows else 0, "faults": 0,
            "q_surge_uc": 0.0,
        } | more  # fmt: skip
        self.watch.truth(truth)
        return self

    # -- what stories begin with -----------------------------------------------------------------------------------

    def hello(self, boot: int = 163, sid: str = SID, sn: str = "SN0042", v: int = 1, **asked: Any) -> Tape:
        self.number = self.tele_number = 0
        self.send(sealed(f">0000 0001 HELLO vmin=1 vmax=1 nonce=5F2A90C1 host=test{words(asked)}"))
        self.sid = sid
        return self.hear(
            sealed(
                f"<0000 0001 00 HELLO v={v} sid={sid} nonce=5F2A90C1 boot={boot} sn={sn} fw=1.0.0 model=IONTO-4 "
                "lease=2000 imax=4000 qmax=4800000 vcomp=60000 cap=NVM rate=1"
            )
        )

    def staged(self, **changed: Any) -> Tape:
        fields = PRES | changed
        self.ask("PRES", **fields)
        self.state("STAGED", "HOST")
        return self.answer("PRES", **fields, D=DIGEST)

    def armed(self) -> Tape:
        self.ask("ARM", D=DIGEST)
        self.state("CHECK", "HOST")
        self.later(1000).state("ARMED")
        return self.answer("ARM", ttl=10_000, z=10_000)

    def started(self, run: str = RUN) -> Tape:
        self.ask("START", run=run, D=DIGEST, X=self.ms + 900)
        self.kept_ms = self.ms if self.keeps else None
        self.state("RAMP_UP", "HOST")
        return self.answer("START", run=run, st="RAMP_UP")

    def running(self, **changed: Any) -> Tape:
        """HELLO to RAMP_UP, which is entered at 2000 ms."""
        return self.at(1000).hello().staged(**changed).armed().started()

    def ramp(self, to_ua: int = 1000, step_ms: int = 100) -> Tape:
        """Up at the prescribed 0.1 mA/s; the plateau is reached at 12 000 ms."""
        i_ua = 0
        while i_ua < to_ua:
            self.later(step_ms)
            i_ua += step_ms // 10
            self.q_uc += i_ua * step_ms // 1000
            self.tele("RAMP_UP", i_ua)
            self._keep_on()
        return self

    def held(self, **changed: Any) -> Tape:
        return self.running(**changed).ramp().state("HOLD")

    def hold(self, ms: int, i: int = 1000, **more: Any) -> Tape:
        for _ in range(ms // 100):
            self.later(100)
            self.q_uc += i * 100 // 1000
            self.tele("HOLD", i, **more)
            self._keep_on()
        return self

    def verdict(self) -> Verdict:
        return self.finding().verdict

    def finding(self) -> Finding:
        (one,) = self.watch.monitors
        return next(finding for finding in self.watch.finish() if finding.id == one.id)


def held(tape: Tape) -> None:
    assert tape.verdict().word == "held", tape.verdict()


def violated(tape: Tape, seen: str) -> None:
    verdict = tape.verdict()
    assert verdict.word == "violated", verdict
    assert seen in str(verdict), verdict


def unseen(tape: Tape, reason: str) -> None:
    verdict = tape.verdict()
    assert verdict.word == "not observable", verdict
    assert reason in str(verdict), verdict
