"""A verification from its beginning to its record: one procedure after another, each from a unit at rest.

What goes wrong is told apart by whose fault it is. The unit's (it refuses, faults in a good run, never becomes ready)
is a failed measurement, ``<procedure>.went_through``. The bench's (line, instrument, disk) is an ERROR that says
nothing of the unit. What did not happen in time is a TIMEOUT, what a person ended is ABORTED; and what was not reached
stays NOT_MEASURED. After each of them the output was told to stop, by the session that was open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from controller.bench.errors import Aborted, InstrumentError, NotInTime, NotReady, Refusal, UnitFailed
from controller.bench.eye import WatchedUnit
from controller.bench.instruments.fitting import Fitted
from controller.bench.log import VerificationLog, begun
from controller.bench.measurement import Definition, Measurement
from controller.bench.procedures import PROCEDURES
from controller.bench.procedures.procedure import Procedure, yes
from controller.bench.recipe import Recipe
from controller.bench.record import FILE, Detail, PhaseRecord, Verdict, VerificationRecord
from controller.bench.sheet import NOT_REACHED
from controller.bench.stand import Stand
from controller.bench.station import Station
from controller.errors import CommandRefused, IontoError, LinkError, RecordError, Unacknowledged
from controller.journal.journal import utc_text
from controller.journal.record import host_facts
from controller.unit import Unit

LINK, UNCERTAIN, BENCH, TIME, PERSON, UNIT = "LINK", "UNCERTAIN", "BENCH", "TIMEOUT", "PERSON", "UNIT"
_FATAL: Final = (LinkError, RecordError, InstrumentError, Unacknowledged, NotReady)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a procedure ended early."""

    verdict: Verdict | None
    detail: Detail
    last: bool  # nothing more can be done

    def as_facts(self) -> dict[str, Any]:
        verdict = None if self.verdict is None else self.verdict.value
        return {"ended": verdict, "details": [self.detail._asdict()]}


NO_END: Final[dict[str, Any]] = {"ended": None, "details": []}


class Verification:
    """One verification of one unit. ``stand`` is there from the start, so that a signal can stop it."""

    def __init__(
        self,
        unit: WatchedUnit,
        recipe: Recipe,
        station: Station,
        fitted: Fitted,
        *,
        out: Path | None,
        operator: str | None = None,
        serial: str | None = None,
        warnings: tuple[str, ...] = (),
        shown: Callable[[Measurement], None] | None = None,
        begun: Callable[[Procedure], None] | None = None,
    ) -> None:
        """Begin the log; nothing flows yet.

        Raises:
            Refusal: it is another unit than the one named, or of a family that the recipe is not for.
            RecordError: the record cannot be written.
        """
        self._refuse_other(unit, recipe, serial)
        self.recipe = recipe
        self._begun = begun
        self._looked = False
        begin = _begin(unit, recipe, station, fitted, out, operator, warnings)
        begin["warnings"] += _blind(begin["phases"], fitted)
        self.log = VerificationLog.create(out, begin, unit.link.clock)
        calibrated = next((each.calibrated for each in fitted.records if each.role == "meter"), None)
        self.stand = Stand(
            unit, self.log, load=fitted.load, meter=fitted.meter, hands=fitted.hands, calibrated=calibrated,
            shown=shown, operator=operator, station=station.name,
        )  # fmt: skip

    @staticmethod
    def _refuse_other(unit: Unit, recipe: Recipe, serial: str | None) -> None:
        facts = unit.facts
        if serial is not None and serial != facts.serial:
            raise Refusal(f"the unit says it is {facts.serial}, not {serial}: is this its port? Nothing was measured")
        if recipe.models and facts.model not in recipe.models:
            raise Refusal(
                f"recipe {recipe.name} is for {', '.join(recipe.models)}, and this unit is {facts.model}: "
                "choose another recipe, or extend this one for its family"
            )

    def run(self) -> VerificationRecord:
        """Do every procedure; the record, which is on disk when this returns.

        Where the disk refuses, the output is off, the log is kept as far as it is whole, and the record says so.
        """
        end: dict[str, Any] = NO_END
        try:
            for step in self.recipe.steps:
                ended = self._procedure(PROCEDURES[step])
                if ended is not None and ended.last:
                    end = ended.as_facts() | {"details": []}  # they are the procedure's
                    break
            else:
                self._leave_ready()
            return self.log.finish(end)
        except RecordError as exc:
            self._quiet()
            return self.log.give_up(_error(exc))
        except BaseException as exc:
            self._quiet()
            with suppress(RecordError):
                self.log.finish(_error(exc))
            raise
        finally:
            self.stand.unit.log_sent = self.stand.unit.log_received = None

    def _procedure(self, procedure: Procedure) -> Ended | None:
        stand, log = self.stand, self.log
        log.note("procedure", {"name": procedure.name})
        if self._begun is not None:
            self._begun(procedure)
        ended: Ended | None = None
        try:
            stand.check()
            self._tell_latched()
            if procedure.name != "self_test":
                stand.ready()
            procedure.perform(self.recipe.tables[procedure.name], stand)
        except KeyboardInterrupt:
            ended = Ended(verdict=Verdict.ABORTED, detail=Detail(PERSON, "ended by Ctrl-C"), last=True)
        except RecordError:
            raise
        except IontoError as exc:
            ended = _ended(exc)
        if ended is not None:
            self._quiet()
        if ended is None or ended.verdict is None:
            stand.measured(f"{procedure.name}.went_through", 1.0 if ended is None else 0.0)
        log.note("procedure_end", NO_END if ended is None else ended.as_facts())
        return ended

    def _tell_latched(self) -> None:
        """What was latched when the unit came is told once: a killed host may have left it, and nobody knows."""
        if self._looked:
            return
        self._looked = True
        latched = self.stand.latched(self.stand.unit.status().faults)
        if latched:
            self.log.note(
                "warning", {"text": f"latched before anything was measured: {latched}; cleared if it could be"}
            )

    def _leave_ready(self) -> None:
        """The last trip is not left for the next one who takes the unit. The judgement is made already."""
        try:
            self.stand.ready()
        except RecordError:
            raise
        except IontoError as exc:
            self._quiet()
            self.log.note("warning", {"text": f"the unit was not left at rest: {exc}"})

    def _quiet(self) -> None:
        """Current off, whatever happened; a line that is gone leaves it to the lease."""
        unit = self.stand.unit
        unit.eye = None
        with suppress(IontoError):
            unit.brake()
            if unit.exchange.open and unit.exchange.pending in (None, "STOP"):
                unit.stop()


def _ended(exc: IontoError) -> Ended:
    """Whose fault it is; ``verdict`` None: the unit's, which is a failed measurement."""
    last = isinstance(exc, _FATAL)
    match exc:
        case Aborted():
            return Ended(verdict=Verdict.ABORTED, detail=Detail(PERSON, str(exc)), last=True)
        case NotInTime():
            return Ended(verdict=Verdict.TIMEOUT, detail=Detail(TIME, str(exc)), last=last)
        case UnitFailed() | CommandRefused():
            return Ended(verdict=None, detail=Detail(UNIT, str(exc)), last=last)
        case Unacknowledged():
            return Ended(verdict=Verdict.ERROR, detail=Detail(UNCERTAIN, str(exc)), last=last)
        case LinkError():
            return Ended(verdict=Verdict.ERROR, detail=Detail(LINK, str(exc)), last=last)
        case _:
            return Ended(verdict=Verdict.ERROR, detail=Detail(BENCH, str(exc)), last=last)


def _error(exc: BaseException) -> dict[str, Any]:
    detail = Detail(BENCH, str(exc) if isinstance(exc, IontoError) else f"{type(exc).__name__}: {exc}")
    return {"ended": Verdict.ERROR.value, "details": [detail._asdict()]}


def _begin(
    unit: Unit, recipe: Recipe, station: Station, fitted: Fitted, out: Path | None, operator: str | None,
    warnings: tuple[str, ...],
) -> dict[str, Any]:  # fmt: skip
    """The first note of the log: everything that is known before anything is measured."""
    facts, clock = unit.facts, unit.link.clock
    utc_s = clock.utc_s()
    phases = [_phase(PROCEDURES[step], recipe, unit) for step in recipe.steps]
    return {
        "id": unit.entropy.run_id(utc_s), "test_name": recipe.name, "dut_id": facts.serial, "station_id": station.name,
        "operator_id": operator, "start_time_millis": round(utc_s * 1000),
        "attempt": 1 + (0 if out is None else earlier(out, facts.serial, recipe.name)),
        "phases": [phase.as_dict() for phase in phases],
        "instruments": [each.as_dict() for each in fitted.records],
        "metadata": {
            "recipe": {
                "name": recipe.name, "description": recipe.description, "family": recipe.family,
                "sha256": recipe.sha256, "resolved": recipe.resolved(),
            },
            "unit": {
                "serial": facts.serial, "model": facts.model, "firmware": facts.firmware, "boot": facts.boot,
                "port": unit.link.port, "simulated": facts.simulated,
            },
            "station": station.as_dict(), "host": host_facts(), "seed": getattr(clock, "seed", None),
            "started_utc": utc_text(utc_s),
        },
        "warnings": list(warnings),
    }  # fmt: skip


def _blind(phases: list[dict[str, Any]], fitted: Fitted) -> list[str]:
    """The warning that a verification without a meter begins with."""
    definitions = [each for phase in phases for each in phase["measurements"].values()]
    lost = sum(each["instrument"] == "meter" for each in definitions)
    if fitted.meter is not None or not lost:
        return []
    return [
        f"no meter at this station: {lost} of {len(definitions)} measurements need one, and nothing proves the current"
    ]


def _phase(procedure: Procedure, recipe: Recipe, unit: Unit) -> PhaseRecord:
    definitions = [
        *procedure.declare(recipe.tables[procedure.name], unit.facts),
        Definition(
            name=f"{procedure.name}.went_through", title=f"{procedure.title}: gone through", unit="", limits=yes(),
            how="nothing refused, no fault and no stop where there should be none", error_code="UNIT-1",
        ),
    ]  # fmt: skip
    return PhaseRecord(
        name=procedure.name, title=procedure.title,
        measurements={each.name: each.unmeasured(NOT_REACHED) for each in definitions},
    )  # fmt: skip


def earlier(out: Path, serial: str, recipe: str) -> int:
    """How many verifications of this unit by this recipe are in this folder already, whatever became of them."""
    return sum((each.get("dut_id"), each.get("test_name")) == (serial, recipe) for each in map(_heads, out.glob("*/")))


def _heads(folder: Path) -> Mapping[str, Any]:
    """What the record says of itself, or the log of one that was cut off."""
    with suppress(OSError, ValueError):
        data = json.loads((folder / FILE).read_text("utf-8"))
        if isinstance(data, dict):
            return data
    return begun(folder)
