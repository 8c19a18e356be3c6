"""All checks in their order, each from rest, and a unit at rest when they are over, however they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from controller.bench.errors import InstrumentError
from controller.conform import (
    faults,
    lease,
    noise,
    plain,
    prescription,
    ramp,
    refusals,
    sealing,
    sequence,
    sessions,
    states,
    stops,
)
from controller.conform.bench import Bench, DoorCall, Facts, Options
from controller.conform.check import NEEDS, Breach, Check, Evidence, Failed, NotRun, Outcome, Result
from controller.conform.talk import LOG_LINES
from controller.errors import IontoError, LinkLost, ProtocolViolation
from controller.link import ByteLink

CHAPTERS: Final[dict[str, tuple[Check, ...]]] = {
    "Bytes and lines": sealing.CHECKS,
    "Sequence": sequence.CHECKS,
    "Sessions": sessions.CHECKS,
    "Stops": stops.CHECKS,
    "Lease": lease.CHECKS,
    "Prescription": prescription.CHECKS,
    "Refusals": refusals.CHECKS,
    "States": states.CHECKS,
    "Ramps and dose": ramp.CHECKS,
    "Faults": faults.CHECKS,
    "Plain door": plain.CHECKS,
    "Noise": noise.CHECKS,
}
CHECKS: Final = tuple(check for checks in CHAPTERS.values() for check in checks)
_STOP_S: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A suite's end: of which unit, under which conditions, and every check's result."""

    port: str
    facts: Facts | None
    options: Options
    with_door: bool
    round_trip_s: float
    results: tuple[Result, ...]
    ended_by: str = ""  # why the rest was not run; empty when all was

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)

    @property
    def unrun(self) -> bool:
        """Whether there is a check that was not run."""
        return self.count(Outcome.NOT_RUN) > 0

    @property
    def left_out(self) -> int:
        """How many checks were not asked for."""
        return len(CHECKS) - len(self.results)

    @property
    def unfailed(self) -> bool:
        """Nothing failed, and something passed."""
        return self.count(Outcome.FAIL) == 0 and self.count(Outcome.PASS) > 0

    @property
    def conforms(self) -> bool:
        """Nothing failed and everything was run, but for what only a port that several may open can show."""
        missed = [r for r in self.results if r.outcome is Outcome.NOT_RUN and r.reason != NEEDS["tcp"]]
        return self.unfailed and not missed and not self.left_out


def chosen(only: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these numbers, or of a whole chapter (``SEAL``); all when none is named.

    Raises:
        ValueError: there is none of that name; one sentence.
    """
    if not only:
        return CHECKS
    for name in only:
        if not any(_is_named(check, name) for check in CHECKS):
            raise ValueError(f"there is no check {name}; --list names them")
    return tuple(check for check in CHECKS if any(_is_named(check, name) for name in only))


def _is_named(check: Check, name: str) -> bool:
    return name.upper() in (check.id, check.id.partition("-")[0])


class Suite:
    """``told`` hears every result as it comes; ``begun`` what the unit said of itself."""

    def __init__(
        self,
        link: ByteLink,
        options: Options,
        *,
        door: DoorCall | None = None,
        told: Callable[[Result], None] = lambda _: None,
        begun: Callable[[Facts], None] = lambda _: None,
    ) -> None:
        self.bench = Bench(link, options, door)
        self._told, self._begun = told, begun
        self._results: list[Result] = []
        self._ended_by = ""

    def run(self, checks: Sequence[Check] = CHECKS) -> Report:
        bench = self.bench
        facts = None
        try:
            facts = self._opened()
            for check in checks:
                self._add(self._result(check))
        finally:
            self._stop()
        return Report(
            port=bench.link.port, facts=facts, options=bench.options, with_door=bench.door is not None,
            round_trip_s=bench.round_trip_s, results=tuple(self._results), ended_by=self._ended_by,
        )  # fmt: skip

    def _opened(self) -> Facts | None:
        """At rest, and measured; None where that cannot be had, and then nothing is run."""
        bench = self.bench
        try:
            bench.rest()
            bench.link.set_rate(float(bench.facts.rate))
            bench.measure()
        except (Breach, Failed, ProtocolViolation, InstrumentError) as exc:
            self._ended_by = str(exc)
            return None
        self._begun(bench.facts)
        return bench.facts

    def _add(self, result: Result) -> None:
        self._results.append(result)
        self._told(result)

    def _result(self, check: Check) -> Result:
        if self._ended_by:
            return Result(check=check, outcome=Outcome.NOT_RUN, reason=self._ended_by)
        missing = [need for need in check.needs if need not in self.bench.has]
        if missing:
            return Result(check=check, outcome=Outcome.NOT_RUN, reason="; ".join(NEEDS[need] for need in missing))
        bench, began_s = self.bench, self.bench.now_s
        try:
            self._to_rest()
            bench.forget()
            began_s = bench.now_s
            result = self._judged(check)
        except Breach as exc:
            self._ended_by = f"{check.id}: {exc}"
            result = self._failed(check, "a unit at rest, with no more current than is allowed", str(exc))
        except LinkLost as exc:
            self._ended_by = f"{check.id}: {exc}"
            result = self._failed(check, "an open line", str(exc))
        bench.keeping = False
        return _timed(result, bench.now_s - began_s)

    def _to_rest(self) -> None:
        """Bring it to rest; on a bench with a door even from where only power-on helps."""
        bench = self.bench
        try:
            bench.rest()
        except (Breach, Failed, ProtocolViolation) as exc:
            if bench.door is None:
                raise Breach(str(exc)) from exc
            bench.do("power_cycle")
            bench.listen(1.0)
            try:
                bench.rest()
            except (Failed, ProtocolViolation) as again:
                raise Breach(str(again)) from again

    def _judged(self, check: Check) -> Result:
        bench = self.bench
        evidence: Evidence = []
        try:
            evidence = check.run(bench)
            bench.keeping = False
            if bench.strays:
                raise Failed("no answer that nothing was asked for", bench.strays[0])
        except (NotRun, InstrumentError) as exc:
            return Result(check=check, outcome=Outcome.NOT_RUN, reason=str(exc))
        except Failed as exc:
            return self._failed(check, exc.wanted, exc.came)
        except ProtocolViolation as exc:
            return self._failed(check, "a line as the page writes it", str(exc))
        return Result(check=check, outcome=Outcome.PASS, evidence=tuple(evidence), log=self._log())

    def _failed(self, check: Check, wanted: str, came: str) -> Result:
        return Result(check=check, outcome=Outcome.FAIL, wanted=wanted, came=came, log=self._log())

    def _log(self) -> tuple[str, ...]:
        return tuple(self.bench.log[-LOG_LINES:])

    def _stop(self) -> None:
        """On every way out: STOP, until its ramp must be over, and once more for what was staged."""
        bench = self.bench
        bench.keeping = False
        with suppress(IontoError, Breach, Failed):
            bench.write(b"\x18\n")
            bench.listen(_STOP_S)
            bench.write(b"\x03\n")
            bench.listen(0.05)


def _timed(result: Result, seconds: float) -> Result:
    return replace(result, seconds=seconds)
