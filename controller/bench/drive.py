"""A run of the unit under a procedure: the Session's loop, with the meter read in every turn.

``until`` waits for something, never for ever. What ends a run from outside (the operator, ``ionto stop``) ends the
verification; what the unit or the host's own monitor ends is a result that the procedure judges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from controller.bench.errors import Aborted, NotInTime, UnitFailed
from controller.bench.eye import POLL_S
from controller.bench.instruments import Quantity, Reading
from controller.effects import Ask, RunResult
from controller.errors import LinkLost
from controller.machine import SessionState
from controller.sample import Sample
from controller.session import EXIT_PATIENCE_S, Session
from controller.wire import UnitState

if TYPE_CHECKING:
    from controller.bench.stand import Stand

START_S: Final = 15.0
AFTER_S: Final = 0.3
SLOW_S: Final = 0.1
BABBLE_S: Final = 0.25  # as often as KEEP would come
_HOST: Final = "the verification"


class Drive:
    """``samples`` is all telemetry so far, ``readings`` what the meter says of what is to be ``watch``ed."""

    def __init__(self, stand: Stand, session: Session, down_ma_per_s: float) -> None:
        self.down_ma_per_s = down_ma_per_s
        self.stand = stand
        self.session = session
        self.samples: list[Sample] = []
        self.readings: list[Reading] = []
        self._watch: Quantity | None = None
        self._stopping = False

    @property
    def watch(self) -> Quantity | None:
        """What the meter is asked for in every turn of the line; None: nothing."""
        return self._watch

    @watch.setter
    def watch(self, quantity: Quantity | None) -> None:
        meter = self.stand.meter
        self._watch = quantity
        seen = quantity is not None and meter is not None and quantity in meter.quantities
        self.stand.unit.eye = self._look if seen else None

    def _look(self) -> None:
        meter, quantity = self.stand.meter, self._watch
        if meter is not None and quantity is not None:
            self.readings.append(meter.read(quantity))

    # -- time ------------------------------------------------------------------------------------------------------

    def turn(self, longest_s: float = SLOW_S) -> None:
        """One turn of the loop: until the next bytes, or the eye's next look. Raises Aborted."""
        stand, session = self.stand, self.session
        if stand.stop_wanted is not None and not self._stopping:
            self._stopping = True  # once: an order in every turn would leave no turn for how the run ended
            session.stop(stand.stop_wanted)
        self.samples += session.step(session.unit.now + longest_s)
        stand.log.flush()
        if session.over:
            self._refuse_outside()

    def _refuse_outside(self) -> None:
        if self.stand.stop_wanted is not None:
            raise Aborted(f"ended by {self.stand.stop_wanted}")
        result = self.result
        if result is not None and result.cause == "operator" and _HOST not in result.reason:
            raise Aborted(f"{result.reason}, from outside the verification")

    def _refuse_lost(self) -> None:
        """Raises LinkLost: the port vanished; the unit's lease takes over."""
        if self.session.state is SessionState.LOST:
            raise LinkLost(self.session.unit.link.port, "it vanished in the middle of a run; is its cable in?")

    def until(self, seen: Callable[[], bool], longest_s: float, what: str) -> None:
        """Turn until ``seen``.

        Raises:
            NotInTime: it was not.
            UnitFailed: the run is over, and it cannot be.
        """
        give_up_s = self.session.unit.now + longest_s
        while not seen():
            if self.session.over:
                self._refuse_outside()
                raise UnitFailed(f"{what} did not come: the run ended {self.ending}")
            self._refuse_lost()
            if self.session.unit.now >= give_up_s:
                raise NotInTime(f"{what} did not come within {longest_s:g} s")
            self.turn()

    def run_to_end(self, longest_s: float) -> RunResult | None:
        """Turn until the run is over, or for ``longest_s``; its result, None while it goes on."""
        give_up_s = self.session.unit.now + longest_s
        while not self.session.over and self.session.unit.now < give_up_s:
            self.turn()
        return self.result

    def hold(self, seconds: float) -> None:
        """Let it flow. Raises UnitFailed where the run ends instead."""
        end_s = self.session.unit.now + seconds
        while self.session.unit.now < end_s:
            if self.session.over:
                raise UnitFailed(f"the run ended {self.ending} where it should have gone on")
            self._refuse_lost()
            self.turn(min(SLOW_S, end_s - self.session.unit.now))

    def hold_quiet(self) -> None:
        """Read on for a moment after the run is over or paused, so that what comes after its end is seen too."""
        unit, end_s = self.session.unit, self.session.unit.now + AFTER_S
        while unit.now < end_s:
            if self.session.over:
                unit.pump(min(end_s, unit.now + POLL_S))
            else:
                self.turn()

    def watch_silently(self, seconds: float, babble: bytes = b"") -> None:
        """Only read, the line and the meter: no KEEP leaves, whatever ``babble`` does, and the lease runs out."""
        unit, end_s = self.session.unit, self.session.unit.now + seconds
        babble_s = unit.now
        was, self.watch = self.watch, "current"
        while unit.now < end_s:
            if babble and unit.now >= babble_s:
                unit.link.write(babble)
                babble_s += BABBLE_S
            unit.pump(min(end_s, unit.now + POLL_S))
            if self.stand.stop_wanted is not None:
                break
        self.watch = was

    def to_hold(self, ramp_s: float) -> None:
        """Until the plateau is reached."""
        self.until(lambda: self.state is UnitState.HOLD, START_S + 2 * ramp_s, "the plateau")

    # -- what is seen ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> UnitState | None:
        return self.samples[-1].state if self.samples else None

    @property
    def result(self) -> RunResult | None:
        results = self.session.results
        return results[-1] if results else None

    @property
    def ending(self) -> str:
        """How the run ended, for a sentence."""
        result = self.result
        return "as nobody knows" if result is None else f"{result.outcome} {result.reason}".strip()

    def quiet_after(self, since_s: float, quiet: float) -> float | None:
        """By the meter: how long after ``since_s`` its readings stay at or below ``quiet``; None: they do not."""
        loud_s = self.loud_until(since_s, quiet)
        after = [at - since_s for at, _ in self.readings if at >= since_s and at - since_s > loud_s]
        return after[0] if after else None

    def loud_until(self, since_s: float, quiet: float) -> float:
        """By the meter: how long after ``since_s`` the last reading above ``quiet`` was; negative: before it."""
        return max((at - since_s for at, value in self.readings if abs(value) > quiet), default=-1.0)

    def looked_s(self, since_s: float) -> float:
        """How long after ``since_s`` the meter was looked at."""
        return self.readings[-1].t_s - since_s if self.readings else 0.0

    # -- orders ----------------------------------------------------------------------------------------------------

    def set_current(self, ua: int) -> None:
        """SET, downwards only; the current is there when it returns, by the slew that it falls with."""
        from_ua = self.samples[-1].unit.set_ua if self.samples else ua
        engine = self.session.engine
        if engine is not None:
            engine.asks.append(Ask("SET", {"I": ua}))
        self.until(lambda: self._at(ua), 20.0, f"the set-point {ua} uA")
        self.hold(max(0, from_ua - ua) / 1000 / self.down_ma_per_s)

    def _at(self, ua: int) -> bool:
        return bool(self.samples) and self.samples[-1].unit.set_ua == ua

    def pause(self) -> None:
        self.session.pause(_HOST)
        self.until(lambda: self.session.state is SessionState.PAUSED, 30.0, "the pause")

    def resume(self) -> None:
        self.session.resume(_HOST)

    def stop(self, *, abort: bool = False) -> None:
        if abort:
            self.session.abort(_HOST)
        else:
            self.session.stop(_HOST)

    def finish(self) -> None:
        """Stop what still runs, and see it end.

        Raises:
            NotInTime: the run did not end though it was told to.
        """
        self.stop()
        self.run_to_end(EXIT_PATIENCE_S)
        if not self.session.over:
            raise NotInTime("the run did not end though it was told to: look at the unit")
