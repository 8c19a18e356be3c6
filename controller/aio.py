"""A unit for programs that live in asyncio: the same session, engine and record, pumped by an event loop.

    async with await AsyncUnit.open("/dev/ttyACM0") as unit:
        async with unit.deliver(Treatment.load("treatment.toml")) as run:
            async for sample in run:
                ...

A ``Session`` only has to be told when to look; what is new here is who waits, and for what. One task drives a run, and
KEEP leaves only while that task comes round: a loop that is blocked for longer than the lease stops the current, as it
should. Leaving the block, cancelled or not, is a STOP whose end is waited for: a second cancellation does not hurry it.

Rejected: the blocking session in a thread, which delivers on while the loop that should watch it hangs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self, TypeVar, cast

from controller.engine import Engine
from controller.errors import IontoError, LinkLost, RecordError
from controller.limits import UnitFacts
from controller.sample import Sample
from controller.serial_link import async_line
from controller.serial_link.async_line import AsyncLink
from controller.session import REOPEN_SLICE_S, SETTLE_S, Session
from controller.treatment import Treatment
from controller.unit import Status, Steps, Unit
from controller.wire import Reply

T = TypeVar("T")


class AsyncSession(Session):
    """A Session that is entered, left and iterated with ``async``; its other calls are the same, and do not wait."""

    _settled_by: float | None = None

    def _begin(self) -> None:
        """Not yet: ``async with`` does."""

    async def __aenter__(self) -> Self:
        try:
            await carry_out(self.unit, self._introduction())
        except BaseException:
            self._finish()
            raise
        self._begin_phase()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        give_up, cancelled = self._leave(error), None
        while not self.over and self.engine is not None and self.unit.now < give_up:  # as in Session
            try:
                await self.turn()
            except asyncio.CancelledError as exc:
                cancelled = exc  # what stops the current is not cancelled
        if cancelled is not None:
            raise cancelled

    async def __aiter__(self) -> AsyncIterator[Sample]:
        while not self.over:
            for sample in await self.turn():
                yield sample
        if self.error is not None:
            raise self.error

    def __enter__(self) -> NoReturn:
        raise TypeError("a run in asyncio is entered with `async with`")

    def __iter__(self) -> NoReturn:
        raise TypeError("a run in asyncio is iterated with `async for`")

    async def turn(self) -> list[Sample]:
        """Wait until something is due or has come, and do one step; the samples that came."""
        await _line(self.unit).wait(self._due())
        return self.step(self.unit.now + (REOPEN_SLICE_S if self._lost else 0.0))

    def _due(self) -> float:
        engine, exchange, now = self.engine, self.unit.exchange, self.unit.now
        if engine is None or (engine.asks and (exchange.pending is None or engine.asks[0].verb in ("STOP", "ABORT"))):
            return now
        due = engine.wake_s(now) if self._settled_by is None else self._settled_by
        return due if exchange.due is None else min(due, exchange.due)

    def step(self, deadline: float) -> list[Sample]:
        engine = self.engine
        if engine is None or engine.course.result is None:
            return super().step(deadline)
        samples: list[Sample] = []
        with suppress(LinkLost, RecordError):  # as in Session: the result stands
            self._feed(engine, self.unit.pump(deadline), samples)
        self._conclude(engine)
        return samples

    def _settle(self, engine: Engine, samples: list[Sample]) -> None:
        self._settled_by = self.unit.now + SETTLE_S

    def _conclude(self, engine: Engine) -> None:
        """When the output was seen off, or has had its time to be."""
        unit, by = self.unit, self._settled_by
        if by is not None and unit.exchange.open and unit.now < by and not (self.is_quiet or self._lost):
            return
        self._settled_by = None
        super()._conclude(engine)


class AsyncUnit:
    """A unit that has answered HELLO. Use it in an ``async with`` block, or ``await close()`` it.

    ``unit`` is the blocking one inside: its facts and counters may be read, its calls would wait for ever.
    """

    def __init__(self, link: AsyncLink) -> None:
        self.unit = Unit(link)

    @classmethod
    async def open(cls, port: str = "sim://", *, purpose: str = "a program that uses ionto") -> Self:
        """As ``Unit.open``: a device, ``socket://``, ``rfc2217://``, ``sn:SERIAL``, or ``sim://`` in virtual time."""
        link = await async_line.open_async(port, purpose=purpose)
        made = cls(link)
        try:
            await carry_out(made.unit, made.unit.greeting())
        except BaseException:
            link.close()
            raise
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say BYE, which is a STOP, and give the port back. Safe to repeat."""
        unit = self.unit
        with suppress(IontoError):  # the port may be gone: the lease does the rest
            if unit.exchange.pending is not None:  # a call that was cancelled: a stop byte waits for nobody
                unit.brake()
            elif unit.exchange.open:
                await self.ask("BYE")
        unit.link.close()
        await asyncio.sleep(0)

    @property
    def facts(self) -> UnitFacts:
        return self.unit.facts

    async def ask(self, verb: str, fields: dict[str, str | int] | None = None) -> Reply:
        """As ``Unit.ask``, with the same errors."""
        return await carry_out(self.unit, self.unit.asking(verb, fields))

    async def status(self) -> Status:
        """State, readings, dose and faults, now."""
        return Status.of(await self.ask("STATUS"))

    async def stop(self) -> Status:
        """Stop byte, then a sealed STOP, then wait until the current is quiet; the status then."""
        return await carry_out(self.unit, self.unit.stopping())

    def deliver(
        self, treatment: Treatment, *, out: Path | str | None = "runs", attended: bool = False, **options: object
    ) -> AsyncSession:
        """As ``Unit.deliver``: enter it with ``async with``, which begins the run, and iterate with ``async for``."""
        return AsyncSession(self.unit, treatment, out=out, attended=attended, **options)  # type: ignore[arg-type]


async def carry_out(unit: Unit, steps: Steps[T]) -> T:
    """``Unit.run`` for an event loop."""
    try:
        until = next(steps)
        while True:
            due = unit.exchange.due
            await _line(unit).wait(until if due is None else min(until, due))
            until = steps.send(unit.pump(unit.now))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _line(unit: Unit) -> AsyncLink:
    return cast(AsyncLink, unit.link)
