"""Errors put in on purpose: a search that cannot find these has not looked.

Half are in the unit, half in the host, each a few lines over the real object, as somebody might have written them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from controller.exchange import Confirmed, Exchange, Refused, Uncertain, Verdict
from controller.unit import Item
from controller.wire import Reply
from hw_sim import variants
from hw_sim.firmware.machine import ARMED, PAUSED
from hw_sim.firmware.main import Firmware
from tests.evidence.search.bench import Bench
from tests.evidence.search.host import Host
from tests.evidence.search.walk import ENDLESS, Found, Walk


class TakesNumberBack(Exchange):
    """Who got no answer has not been heard, so the number is free again, and the session goes on."""

    def give_up(self) -> Uncertain | None:
        pending, sid = self._pending, self.sid
        verdict = super().give_up()
        if pending is not None and sid:
            self.sid, self._next = sid, pending.request.number
        return verdict


class ReusesNumbers(Host):
    """The rule of section 4 switched off: after giving up it opens no new session, and uses the number again."""

    def __init__(self, life: int) -> None:
        super().__init__(life, TakesNumberBack)
        self.hello: Reply | None = None

    def _take(self, item: Item, now_s: float) -> None:
        if isinstance(item, Confirmed) and item.verb == "HELLO":
            self.hello = item.reply
        super()._take(item, now_s)

    def _send(self, verb: str, fields: Mapping[str, str | int]) -> None:
        if verb == "HELLO" and self.hello is not None and self.engine is not None and self.unit.exchange.open:
            self.engine.on_verdict(Confirmed("HELLO", self.hello), self.link.clock.at_s)
        else:
            super()._send(verb, fields)


class TakesAnyReply(Exchange):
    """A reply with the right verb is the reply."""

    def on_reply(self, reply: Reply) -> Verdict | None:
        if self._pending is not None and reply.sid == self.sid:
            reply = replace(reply, number=self._pending.request.number)
        return super().on_reply(reply)


class Trusting(Host):
    def __init__(self, life: int) -> None:
        super().__init__(life, TakesAnyReply)


class Presuming(Host):
    """No answer after four times: it was not done."""

    def _take(self, item: Item, now_s: float) -> None:
        if isinstance(item, Uncertain) and item.verb == "START":
            said = Reply(0, 0, 13, "START", {})
            item = Refused("START", 13, said)
        super()._take(item, now_s)


class StopKeepsArming(Firmware):
    """A stop stops what flows; where nothing flows there is nothing to do."""

    def stop(self, by: int) -> None:
        if self.rec.st != ARMED:
            super().stop(by)


class PausesForEver(Firmware):
    """Nobody counts how long a pause is, and what is not flowing need not be stopped."""

    def stop(self, by: int) -> None:
        if self.rec.st != PAUSED:
            super().stop(by)

    def tick(self) -> None:
        if self.rec.st == PAUSED:
            self.rec.p_at = self.rec.run_s
        super().tick()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """``says`` is in what the search must find; ``only`` keeps it to the mishaps that the error is about, ``within`` to
    paths of so many moves.
    """

    name: str
    says: str
    only: tuple[str, ...]
    shares: tuple[int, ...] = (1,)
    within: int = 60
    firmware: type[Firmware] = Firmware
    host: type[Host] = Host

    def bench(self) -> Bench:
        return Bench(firmware=self.firmware, host=self.host)

    def search(self, bench: Bench | None = None) -> Found:
        """Over this pair, or over another with the same mishaps."""
        walk = Walk(
            bench or self.bench(), self.shares, held=1, only=self.only, looking_for=self.says, within=self.within
        )
        return walk.run()


PLANTED: Final = (
    Planted(
        name="the host uses a number again", says="stale", only=("late to unit", "line cut"), shares=(1, 1), within=9,
        host=ReusesNumbers,
    ),
    Planted(
        name="the host uses a number again, and the unit takes it", says="executed", only=("line to host cut",),
        host=ReusesNumbers, firmware=variants.find("sequence-reused").firmware(),
    ),
    Planted(
        name="a request that comes twice is executed twice", says="I11", only=("twice to unit",),
        firmware=variants.find("retry-runs-twice").firmware(),
    ),
    Planted(name="a stop does not stick", says="I14", only=("late to unit",), firmware=StopKeepsArming),
    Planted(name="the host takes an old reply for the new one", says="I27", only=("twice to host",), host=Trusting),
    Planted(
        name="the host takes silence for a refusal", says="while the host believes", only=("line to host cut",),
        host=Presuming,
    ),
    Planted(
        name="a pause ends by itself", says="I14", only=("line cut",),
        firmware=variants.find("automatic-resume").firmware(),
    ),
    Planted(
        name="a pause never ends", says="no end", only=("crash",), shares=(100,), within=ENDLESS,
        firmware=PausesForEver,
    ),
)  # fmt: skip
