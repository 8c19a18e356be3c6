"""The stand: one unit, its load, a meter and hands, and the sheet on which a procedure writes.

Current flows only inside ``deliver``, which is the driver's own Session: KEEP, the safety monitor and STOP on leaving
are all there, and the load is always a bench load. Everything else here waits, reads and tidies up. ``check`` is called
in every turn of every wait: Ctrl-C and ``ionto stop`` are heard within one poll.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from math import isinf
from typing import Any, Final

from controller.bench.drive import Drive
from controller.bench.errors import Aborted, NotReady
from controller.bench.eye import POLL_S, WatchedUnit
from controller.bench.instruments import Hands, Load, Meter, Quantity
from controller.bench.log import VerificationLog
from controller.bench.measurement import Measurement, Series
from controller.errors import CommandRefused
from controller.treatment import Treatment
from controller.unit import QUIET_UA
from controller.wire import UnitState
from controller.wire.spec import FAULT_TEXT, Fault

CLEAR_AFTER_S: Final = 2.2  # a fault is cleared when its cause has been gone for 2 s
READY_S: Final = 20.0
MAX_DOSE_MA_MIN: Final = 80.0
ENOUGH_MIN: Final = 20.0
TELEMETRY_MS: Final = 20


class Stand:
    """What a procedure gets. ``shown`` is called with every measurement as it is written down."""

    def __init__(
        self,
        unit: WatchedUnit,
        log: VerificationLog,
        *,
        load: Load,
        meter: Meter | None,
        hands: Hands | None,
        calibrated: str | None = None,
        shown: Callable[[Measurement], None] | None = None,
        operator: str | None = None,
        station: str | None = None,
    ) -> None:
        self.unit, self.log = unit, log
        self.load, self.meter, self.hands = load, meter, hands
        self.stop_wanted: str | None = None
        self.drive: Drive | None = None
        self._calibrated = calibrated
        self._shown = shown
        self._operator, self._station = operator, station
        self.listen()

    # -- writing down ----------------------------------------------------------------------------------------------

    def measured(self, name: str, value: float | None, why_not: str = "no reading was taken") -> None:
        """Write a value down; None is not measured, and says why."""
        definition = self.log.sheet.measurement(name).definition
        by_meter = definition.instrument == "meter"
        if by_meter and self.meter is None:
            value, why_not = None, "no meter at this station: the unit's own reading proves nothing"
        found = definition.unmeasured(why_not) if value is None else definition.measured(round(value, 6))
        calibrated = self._calibrated if by_meter and found.value is not None else None
        facts = {"name": name, "value": found.value, "reason": found.reason, "calibrated": calibrated}
        self.log.note("measured", facts)
        if self._shown is not None:
            self._shown(self.log.sheet.measurement(name))

    def missing(self, names: Iterable[str], why: str) -> None:
        for name in names:
            self.measured(name, None, why)

    def series(self, series: Series) -> None:
        self.log.note("series", series.as_dict())

    # -- waiting ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raises Aborted: somebody wants it to end."""
        for call in self.unit.link.requests():
            if call.verb in ("stop", "abort"):
                self.stop_wanted = "ionto stop"
                self.unit.brake(abort=call.verb == "abort")
            call.answer(self._situation(done=call.verb in ("stop", "abort", "status")))
        if self.stop_wanted is not None:
            raise Aborted(f"ended by {self.stop_wanted}")

    def _situation(self, *, done: bool) -> dict[str, object]:
        """As ``controller.ear`` tells it of a run. Outside one only a contact check passes a current."""
        checking = self.unit.exchange.pending == "ARM"
        return {
            "done": done, "state": "CHECKING" if checking else "READY", "run": None, "current_ua": None,
            "zero": not checking, "dose_ma_min": None, "unit": self.unit.facts.serial,
        }  # fmt: skip

    def listen(self) -> None:
        """What is said outside a run goes to the verification's own log."""
        self.unit.log_sent, self.unit.log_received = self.log.sent, self.log.received

    def wait(self, seconds: float) -> None:
        """Let time pass outside a run."""
        end_s = self.unit.now + seconds
        while self.unit.now < end_s:
            self.check()
            self.unit.pump(min(end_s, self.unit.now + 0.1))
            self.log.flush()

    # -- the meter -------------------------------------------------------------------------------------------------

    def reads(self, quantity: Quantity) -> bool:
        return self.meter is not None and quantity in self.meter.quantities

    def read(self, quantity: Quantity) -> float | None:
        """None where nothing at this station measures it."""
        if self.meter is None or quantity not in self.meter.quantities:
            return None
        return self.meter.read(quantity).value

    def times(self, base: str) -> str | None:
        """Why the meter cannot time what was done on this clock; None: it can."""
        if not self.reads("current") or self.meter is None:
            return "no meter for current at this station: the unit's own reading proves nothing"
        if self.meter.base != base:
            return f"the moment is not known to the meter's clock: it was done by a {base}"
        return None

    # -- before and after ------------------------------------------------------------------------------------------

    def fit(self, kohm: float) -> None:
        self.check()
        self.load.fit(kohm if isinf(kohm) else kohm * 1000)

    def ready(self) -> None:
        """IDLE, no fault latched, no current: what every procedure begins with.

        Raises:
            NotReady: the unit does not get there.
        """
        unit = self.unit
        give_up_s = unit.now + READY_S
        if not unit.exchange.open:
            unit.greet()
            self.listen()
        while True:
            seen = unit.status()
            if seen.state is UnitState.IDLE and not seen.faults and seen.i_ua <= QUIET_UA:
                return
            if unit.now >= give_up_s:
                raise NotReady(f"the unit does not become ready: {self._hindrance(seen.state, seen.faults)}")
            if seen.state is not UnitState.IDLE:
                unit.stop()
            self._clear(seen.faults)
            self.wait(0.1)

    def _clear(self, faults: int) -> None:
        codes = _codes(faults)
        if codes:
            self.wait(CLEAR_AFTER_S)
        for code in codes:
            with suppress(CommandRefused):  # its cause is still there: the next turn asks again, and READY_S ends it
                self.unit.clear(code)

    def cleared(self) -> int:
        """How many faults stay latched when those were cleared whose cause is gone."""
        self._clear(self.unit.status().faults)
        return self.unit.status().faults.bit_count()

    def latched(self, faults: int) -> str:
        """In words; empty for none."""
        return "; ".join(f"{fault:02d} {fault.name}: {FAULT_TEXT[fault]}" for fault in _codes(faults))

    def _hindrance(self, state: UnitState, faults: int) -> str:
        return f"it is in {state.value}" + (f", with {self.latched(faults)}" if faults else "")

    # -- current ---------------------------------------------------------------------------------------------------

    @contextmanager
    def deliver(
        self,
        current_ma: float,
        *,
        name: str,
        dose_ma_min: float | None = None,
        up_ma_per_s: float = 0.5,
        down_ma_per_s: float = 1.0,
        pole: str = "-",
        limits: dict[str, float] | None = None,
        policy: dict[str, str] | None = None,
        telemetry_ms: int = TELEMETRY_MS,
    ) -> Iterator[Drive]:
        """A run of the unit into the bench load; leaving the block stops it, and waits until the output is quiet.

        Args:
            current_ma: the set-point.
            name: what the run is for.
            dose_ma_min: None: more than the procedure will wait for.
            up_ma_per_s: as the other arguments, of the prescription.
            down_ma_per_s: also of SET.
            pole: of the drug electrode.
            limits: as in a treatment.
            policy: as in a treatment.
            telemetry_ms: how often the unit reports.
        """
        dose = min(MAX_DOSE_MA_MIN, max(1.0, round(current_ma * ENOUGH_MIN, 1))) if dose_ma_min is None else dose_ma_min
        treatment = bench_treatment(
            name, current_ma, dose, up_ma_per_s, down_ma_per_s, pole, limits or {}, policy or {}
        )
        self.check()
        session = self.unit.deliver(
            treatment, out=self.log.folder, attended=True, telemetry_ms=telemetry_ms, operator=self._operator,
            station=self._station,
        )  # fmt: skip
        self.drive = drive = Drive(self, session, down_ma_per_s)
        try:
            if session.journal.folder is not None:
                self.log.note("run", {"folder": session.journal.folder.name})
            with session:
                yield drive
                drive.finish()
        finally:
            self.drive = self.unit.eye = None
            self.unit.every_s = POLL_S
            self.listen()
        if session.error is not None:
            raise session.error


def _codes(faults: int) -> list[Fault]:
    return [fault for fault in Fault if faults >> fault - 1 & 1]


def bench_treatment(
    name: str,
    current_ma: float,
    dose_ma_min: float,
    up_ma_per_s: float,
    down_ma_per_s: float,
    pole: str,
    limits: dict[str, float],
    policy: dict[str, str],
) -> Treatment:
    """Always ``load = "bench"``: nothing here can be delivered to a person."""
    phase: dict[str, Any] = {
        "pole": pole, "current_ma": current_ma, "dose_ma_min": dose_ma_min, "ramp_up_ma_per_s": up_ma_per_s,
        "ramp_down_ma_per_s": down_ma_per_s,
    }  # fmt: skip
    data = {
        "format": 1, "name": f"verification: {name}", "load": "bench", "phase": [phase], "limits": limits,
        "policy": policy,
    }  # fmt: skip
    return Treatment.from_dict(data, "the verification")
