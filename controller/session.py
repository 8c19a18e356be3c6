"""A treatment being delivered: pumps the link, feeds the engine, performs its effects, keeps the record.

One thread, one loop, and the loop is the caller's: iterate over the session, or call ``step`` from a GUI's timer,
a thread or asyncio. KEEP leaves only from here, so a program that hangs lets the unit's lease run out, as it
should. Leaving the ``with`` block always means STOP. ``request_stop`` is the one call that other threads and
signal handlers may make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from controller.ear import Call, Ear, situation
from controller.effects import Brake, Note, RunResult
from controller.engine import Engine, Order
from controller.errors import LinkLost, OutputRefused, ProtocolViolation, RecordError, TreatmentError
from controller.exchange import Confirmed, Refused, Uncertain
from controller.journal import Journal, Record
from controller.limits import Breach
from controller.machine import SessionState
from controller.outcome import raise_for
from controller.sample import Sample, TimeAxis
from controller.treatment import Phase, Treatment, check_against_unit
from controller.unit import QUIET_UA, Item, Steps, Unit
from controller.wire import Event, Telemetry, UnitState
from controller.wire.spec import ENERGISED

TELEMETRY_MS: Final = 100
REOPEN_SLICE_S: Final = 0.2
SETTLE_S: Final = 0.6  # telemetry comes at least every 500 ms
CARRYING: Final = ENERGISED | {UnitState.CHECK}
OPENS_MS: Final = 20  # a state is told in the tick that turns off, read before it; the relay opens in the next
UPTIME_MASK: Final = 0xFFFFFFFF
EXIT_PATIENCE_S: Final = 45.0  # more than the engine's own patience with a silent unit
_VERDICTS: Final = (Confirmed, Refused, Uncertain)


class Session:
    """Delivery of one treatment. Made by ``Unit.deliver``.

    ``record`` is there when ``over``; ``results`` has one RunResult a phase that was begun.
    """

    def __init__(
        self,
        unit: Unit,
        treatment: Treatment,
        *,
        out: Path | str | None = "runs",
        attended: bool = False,
        operator: str | None = None,
        station: str | None = None,
        telemetry_ms: int = TELEMETRY_MS,
        confirm: Callable[[Phase], bool] | None = None,
    ) -> None:
        self.unit = unit
        self.treatment = treatment
        self.results: list[RunResult] = []
        self.engine: Engine | None = None
        self.error: Exception | None = None
        self._attended = attended
        self._telemetry_ms = telemetry_ms
        self._confirm = confirm
        self._prescriptions = treatment.prescriptions()
        self._refuse_locked()
        self._refuse_impossible()
        self._ear = Ear(unit.link)
        self._axis = TimeAxis()
        self._clock = unit.link.clock
        self._lost = False
        self._latest: Sample | None = None
        self._moved_ms = 0  # the unit's time at its last STATE event
        self._record: Record | None = None
        self._ending = False
        facts = unit.facts
        run_set = unit.entropy.run_id(unit.link.clock.utc_s())
        self.journal = Journal.create(
            out, run_set, treatment=treatment, facts=facts, port=unit.link.port, clock=unit.link.clock,
            operator=operator, station=station,
        )  # fmt: skip
        unit.log_sent, unit.log_received = self.journal.sent, self.journal.received
        self._begin()

    def _begin(self) -> None:
        try:
            self.unit.run(self._introduction())
        except BaseException:
            self._finish()
            raise
        self._begin_phase()

    def _introduction(self) -> Steps[None]:
        """A new session, so that the log begins with its own HELLO."""
        yield from self.unit.greeting()
        yield from self.unit.asking("TELE", {"ms": self._telemetry_ms})

    def _refuse_locked(self) -> None:
        """Before a record is begun: the line itself would refuse ARM."""
        locked = getattr(self.unit.link, "locked", None)
        if locked:
            raise OutputRefused(locked)

    def _refuse_impossible(self) -> None:
        facts = self.unit.facts
        problems = [
            problem
            for prescription in self._prescriptions
            for problem in check_against_unit(
                prescription, imax_ua=facts.imax_ua, qmax_uc=facts.qmax_uc, vcomp_mv=facts.vcomp_mv
            )
        ]
        if problems:
            raise TreatmentError(problems)

    # -- for the caller ----------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        give_up = self._leave(error)
        # Without an engine nothing is left to be ended: who was interrupted while writing the record has its log.
        while not self.over and self.engine is not None and self.unit.now < give_up:
            self.step(self.unit.now + 1.0)

    def _leave(self, error: BaseException | None) -> float:
        """Stop; until when to wait for the end."""
        if error is not None and not self.over:
            self._note("callback_error", error=f"{type(error).__name__}: {error}")
        self.stop()
        return self.unit.now + EXIT_PATIENCE_S

    def __iter__(self) -> Iterator[Sample]:
        while self._record is None:
            yield from self.step(self._clock.now() + 1.0)
        if self.error is not None:
            raise self.error

    @property
    def over(self) -> bool:
        return self._record is not None

    @property
    def record(self) -> Record:
        """The record.

        Raises:
            RuntimeError: the treatment is not over yet.
        """
        if self._record is None:
            raise RuntimeError("the treatment is not over yet: there is no record")
        return self._record

    @property
    def state(self) -> SessionState:
        return SessionState.READY if self.engine is None else self.engine.state

    @property
    def phase(self) -> int:
        """Number of the phase under way, from 1."""
        return len(self.results) + (0 if self.engine is None else 1)

    @property
    def is_quiet(self) -> bool:
        """Whether the newest telemetry measured no current, in a state that has none, and not in its first tick."""
        seen = self._latest
        return (
            seen is not None
            and seen.unit.i_ua <= QUIET_UA
            and seen.state not in CARRYING
            and (seen.unit.uptime_ms - self._moved_ms) & UPTIME_MASK >= OPENS_MS
        )

    @property
    def latest(self) -> Sample | None:
        """The newest sample."""
        return self._latest

    def raise_for_outcome(self) -> None:
        """For scripts: nothing when the treatment was delivered, else the error that says why not.

        Raises:
            UnitFault: the unit latched a fault; its current is off.
            SafetyTrip: the host stopped the unit.
            LinkLost: the link was lost and nobody resumed.
            Unacknowledged: nobody knows; the record holds a dose interval.
            CommandRefused: the unit refused, and nothing was delivered.
        """
        raise_for(self.results, self.unit.link.port)

    def request_stop(self, by: str = "request") -> None:
        """Ask for a STOP from any thread or a signal handler; the loop obeys within 50 ms."""
        self._ear.call("stop", by)

    def request_abort(self, by: str = "request") -> None:
        """The same for an ABORT."""
        self._ear.call("abort", by)

    def stop(self, by: str = "the program") -> None:
        self._obey("stop", by)

    def abort(self, by: str = "the program") -> None:
        """Open the output relay at once; ``stop`` is gentler on the skin."""
        self._obey("abort", by)

    def pause(self, by: str = "the program") -> bool:
        """Ramp to zero and keep the dose. False where there is nothing to pause."""
        return self._obey("pause", by)

    def resume(self, by: str = "the program") -> bool:
        """Measure the contact again and ramp up. False where nothing is paused."""
        return self._obey("resume", by)

    def _obey(self, order: Order, by: str) -> bool:
        if self.engine is None or self.over:
            return False
        done = self.engine.order(order, self.unit.now, by)
        self._perform()
        return done

    # -- the loop ----------------------------------------------------------------------------------------------

    def step(self, deadline: float) -> list[Sample]:
        """Do what is due and read once, until ``deadline`` at most; the samples that came."""
        engine = self.engine
        if engine is None or self._record is not None:
            return []
        unit = self.unit
        samples: list[Sample] = []
        try:
            if engine.asks:
                self._ask_next(engine)
            if self._lost:
                self._reopen(engine, min(deadline, unit.now + REOPEN_SLICE_S))
            else:
                wake = engine.wake_s(self._clock.now())
                items = unit.pump(wake if wake < deadline else deadline)
                if items:
                    self._feed(engine, items, samples)
            self.journal.flush()
        except LinkLost as exc:
            unit.lost()
            self._lost = True
            self._note("link_lost", reason=exc.reason)
            engine.on_lost(unit.now)
        except RecordError as exc:
            self._record_failed(engine, exc)
        except ProtocolViolation as exc:
            engine.trip(Breach("the unit speaks IONTO/1", str(exc)), unit.now)
        heard = self._ear.listen()
        if heard or self._ear.stops:
            self._heed(engine, heard)
        engine.on_time(self._clock.now())
        if engine.effects:
            self._perform()
        if engine.course.result is not None:
            self._settle(engine, samples)
            self._conclude(engine)
        return samples

    def _conclude(self, engine: Engine) -> None:
        self._ear.answer_stops(self._situation(engine, done=True))
        self._phase_over(engine)

    def _settle(self, engine: Engine, samples: list[Sample]) -> None:
        """See the output off: only a measured quiet in a state without current is shown as off."""
        unit = self.unit
        give_up = unit.now + SETTLE_S
        with suppress(LinkLost, RecordError):  # the result stands; what was not seen is not claimed
            while unit.exchange.open and unit.now < give_up and not self.is_quiet:
                self._feed(engine, unit.pump(give_up), samples)

    def _feed(self, engine: Engine, items: list[Item], samples: list[Sample]) -> None:
        now = self._clock.now()
        for item in items:
            if isinstance(item, Telemetry):
                self._latest = sample = Sample(self._axis.at(item.uptime_ms, now), len(self.results) + 1, item)
                self.journal.sample(sample)
                samples.append(sample)
                engine.on_telemetry(item, now)
            elif isinstance(item, Event):
                if item.name == "STATE":
                    self._moved_ms = item.uptime_ms
                engine.on_event(item, now)
                self.journal.event(item)
            elif isinstance(item, _VERDICTS):
                engine.on_verdict(item, now)
            if engine.effects:
                self._perform()

    def _ask_next(self, engine: Engine) -> None:
        """One request, if the line is free; the intent of a raising one is on disk before its first byte."""
        unit = self.unit
        # A stop does not wait for an answer: what is out is given up, and is not sent again.
        if unit.exchange.pending is not None and engine.asks[0].verb not in ("STOP", "ABORT"):
            return
        if not unit.exchange.open and engine.asks[0].verb != "HELLO":
            engine.asks.popleft()
            engine.on_verdict(Uncertain("session"), unit.now)
            return
        ask = engine.take_ask()
        if ask is None:
            return
        if ask.raising:
            self.journal.intent(ask.verb, ask.fields)
        unit.send(ask.verb, ask.fields)

    def _perform(self) -> None:
        engine = self.engine
        while engine is not None and engine.effects:
            effect = engine.effects.popleft()
            match effect:
                case Brake(abort):
                    # A port that is gone cannot be asked: the next read says so, and the lease acts.
                    with suppress(LinkLost, RecordError):
                        self.unit.brake(abort=abort)
                case Note(kind, facts):
                    self._note(kind, **facts)

    def _note(self, kind: str, **facts: object) -> None:
        try:
            self.journal.note(kind, facts)
        except RecordError as exc:
            if self.engine is not None:
                self._record_failed(self.engine, exc)

    def _record_failed(self, engine: Engine, exc: RecordError) -> None:
        """Current without a record is not delivered: stop first, tell then."""
        if self.error is None:
            self.error = exc
            self.journal.give_up()
            engine.trip(Breach("everything delivered is on record", str(exc)), self.unit.now)
            self._perform()

    def _reopen(self, engine: Engine, deadline: float) -> None:
        if self.unit.link.reopen(deadline):
            self.unit.lost()
            self._lost = False
            self._note("link_back")
            engine.on_link()

    def _heed(self, engine: Engine, heard: Sequence[Call]) -> None:
        """Orders from other threads and other processes."""
        for call in heard:
            done = call.verb == "status" or self._obey(call.verb, call.by)
            self._ear.answer(call, self._situation(engine, done=done))
        if self.is_quiet:
            self._ear.answer_stops(self._situation(engine, done=True))

    def _situation(self, engine: Engine, *, done: bool) -> dict[str, object]:
        return situation(engine, self._latest, self.unit.facts.serial, quiet=self.is_quiet, done=done)

    # -- phases and the end ------------------------------------------------------------------------------------

    def _begin_phase(self) -> None:
        number = len(self.results)
        run = self.unit.entropy.run_id(self.unit.link.clock.utc_s())
        self.engine = Engine(self._prescriptions[number], run, self.unit.facts, attended=self._attended)
        try:
            self.journal.phase(number + 1, run, self._prescriptions[number])
        except RecordError:
            self._finish()
            raise
        self.engine.start()
        self._perform()

    def _phase_over(self, engine: Engine) -> None:
        result = engine.result
        if result is None:
            return
        self.results.append(result)
        self.engine = None
        self.journal.end(len(self.results), result, gaps=engine.gaps)
        more = len(self.results) < len(self._prescriptions)
        if result.outcome == "DONE" and more and self._goes_on():
            try:
                self._begin_phase()
            except RecordError as exc:
                self.error = exc
            return
        self._finish()

    def _goes_on(self) -> bool:
        phase = self.treatment.phases[len(self.results)]
        if phase.auto:
            return True
        if self._confirmed(phase):
            self._note("operator", what="continue", by="operator")
            return True
        self._note("operator", what="end", by="nobody confirmed the next phase")
        return False

    def _confirmed(self, phase: Phase) -> bool:
        try:
            return self._confirm is not None and self._confirm(phase)
        except BaseException as exc:  # the caller's own, or Ctrl-C: nothing flows, and no loop would end this session
            self._note("callback_error", error=f"{type(exc).__name__}: {exc}")
            self._finish()
            raise

    def _finish(self) -> None:
        unit = self.unit
        unit.log_sent = unit.log_received = None
        try:
            self._record = self.journal.finish(unit.counters)
        except RecordError as exc:
            self.error = self.error or exc
            self._record = self.journal.unwritten(unit.counters)
