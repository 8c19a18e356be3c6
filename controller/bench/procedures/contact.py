"""The contact check: what it accepts, what it refuses, and what it passes to find out."""

from __future__ import annotations

from math import inf

from controller.bench.instruments import Reading
from controller.bench.measurement import Definition, Limits
from controller.bench.procedures.procedure import Procedure, Table, at_most, mean, yes
from controller.bench.stand import Stand, bench_treatment
from controller.exchange import Confirmed, Refused, Uncertain
from controller.limits import UnitFacts
from controller.wire import Reply
from controller.wire.fields import digest

REFUSED = 16
CURRENT_MA = 1.0
_ENDS = (("short", 0.0), ("open", inf))


def _declare(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    for kohm in t["good_kohm"]:
        most = t["z_percent"] / 100 * kohm * 1000 + t["z_ohm"]
        found.append(
            Definition(
                name=f"contact_check.z.{kohm:g}k", title=f"impedance of {kohm:g} kohm", unit="ohm", error_code="CHK-1",
                limits=Limits(kohm * 1000 - most, kohm * 1000 + most), how="as ARM answers it, against what is fitted",
            )
        )  # fmt: skip
    for name, _ohm in _refused(t):
        found.append(
            Definition(
                name=f"contact_check.refuses.{name}", title=f"ARM into {name} refused", unit="", limits=yes(),
                how="ARM answers 16, contact check failed", error_code="CHK-2",
            )
        )  # fmt: skip
    low, high = t["sense_ua"] - t["sense_within_ua"], t["sense_ua"] + t["sense_within_ua"]
    return [
        *found,
        Definition(
            name="contact_check.current", title="current of the check", unit="uA", limits=Limits(low, high),
            how="mean magnitude over the middle half of the check", error_code="CHK-3", instrument="meter",
        ),
        Definition(
            name="contact_check.time", title="longest check", unit="s", limits=at_most(t["longest_s"]),
            how="from ARM to its answer, by the host's clock", error_code="CHK-4",
        ),
    ]  # fmt: skip


def _refused(t: Table) -> list[tuple[str, float]]:
    return [*((f"{kohm:g}k", kohm * 1000) for kohm in t["refused_kohm"]), *_ENDS]


def _check(stand: Stand) -> tuple[Reply | Refused | None, float, list[Reading]]:
    """PRES and ARM, and back again: its answer, how long it took, what the meter saw. START is never sent."""
    treatment = bench_treatment("contact check", CURRENT_MA, 0.1, 0.5, 1.0, "-", {}, {})
    fields = treatment.prescriptions()[0].fields()
    unit, seen = stand.unit, list[Reading]()
    try:
        stand.log.note("intent", {"verb": "PRES", **fields})
        unit.ask("PRES", fields)
        stand.log.note("intent", {"verb": "ARM"})
        began_s = unit.now
        unit.send("ARM", {"D": f"{digest(fields):08X}"})
        while True:
            stand.check()
            items = unit.pump(unit.now + 0.01)
            if stand.meter is not None and stand.reads("current"):
                seen.append(stand.meter.read("current"))
            for item in items:
                match item:
                    case Confirmed(_, reply):
                        return reply, unit.now - began_s, seen
                    case Refused():
                        return item, unit.now - began_s, seen
                    case Uncertain():
                        return None, unit.now - began_s, seen
                    case _:
                        pass
    finally:
        unit.brake()
        if unit.exchange.open:
            unit.stop()


def _perform(t: Table, stand: Stand) -> None:
    longest_s = 0.0
    sense: float | None = None
    for kohm in t["good_kohm"]:
        stand.fit(kohm)
        answer, took_s, seen = _check(stand)
        longest_s = max(longest_s, took_s)
        z_ohm = float(answer.integer("z")) if isinstance(answer, Reply) else None
        stand.measured(f"contact_check.z.{kohm:g}k", z_ohm, f"ARM was not confirmed: {answer}")
        quarter = len(seen) // 4
        sense = mean([abs(each.value) for each in seen[quarter : 3 * quarter]]) if sense is None else sense
    for name, ohm in _refused(t):
        stand.fit(ohm / 1000)
        answer, took_s, _ = _check(stand)
        longest_s = max(longest_s, took_s)
        refused = isinstance(answer, Refused) and answer.code == REFUSED
        stand.measured(f"contact_check.refuses.{name}", 1.0 if refused else 0.0)
        stand.ready()  # before the next load: a relay may still be closing
    stand.measured("contact_check.current", sense)
    stand.measured("contact_check.time", longest_s)


CONTACT_CHECK = Procedure("contact_check", "Contact check", _declare, _perform)
