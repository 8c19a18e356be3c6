"""Two points, a straight line, CAL, and the same two points again: kept where it is better, undone where it is not.

CAL needs the calibration jumper and a meter. The unit tells what it held before in its event CAL, and that is what an
undo sets again; the record has both. Only the delivery current is calibrated: the return channel is the second eye.
"""

from __future__ import annotations

from controller.bench.errors import BenchError
from controller.bench.measurement import Definition, Limits
from controller.bench.procedures.procedure import Procedure, Table, at_most, mean, ua_of, within
from controller.bench.stand import Stand
from controller.errors import CommandRefused
from controller.limits import UnitFacts
from controller.wire import Event

RAMP_MA_PER_S = 0.5
PPM = 1_000_000
Held = tuple[int, int]  # gain in ppm, offset in uA


def _declare(t: Table, _: UnitFacts) -> list[Definition]:
    def after(end: str) -> Limits:
        return within(t["error_percent"], t["error_ua"], ua_of(t[f"{end}_ma"]))

    found = [
        Definition(
            name=f"calibration.{when}.{end}", title=f"error {when} CAL, {t[f'{end}_ma']:g} mA", unit="uA",
            limits=limits(end), error_code=f"CAL-{code}",
            how=f"unit's reading less the meter's, mean over {t['mean_s']:g} s", instrument="meter",
        )
        for when, code, limits in (("before", 3, lambda _: Limits()), ("after", 1, after))
        for end in ("low", "high")
    ]  # fmt: skip
    return [
        *found,
        Definition(
            name="calibration.change", title="largest change that CAL made", unit="uA", error_code="CAL-2",
            limits=at_most(0.05 * ua_of(t["high_ma"])), how="errors before against errors after", instrument="meter",
        ),
    ]  # fmt: skip


def _errors(t: Table, stand: Stand) -> dict[str, tuple[float, float]]:
    """(what the unit says, what the meter reads) in uA, for both ends."""
    found = {}
    with stand.deliver(t["high_ma"], name="calibration") as drive:
        drive.to_hold(t["high_ma"] / RAMP_MA_PER_S)
        for end in ("high", "low"):
            drive.set_current(ua_of(t[f"{end}_ma"]))
            drive.hold(t["settle_s"])
            since = len(drive.samples)
            drive.readings.clear()
            drive.watch = "current"
            drive.hold(t["mean_s"])
            drive.watch = None
            said = mean([float(sample.unit.i_ua) for sample in drive.samples[since:]])
            true = mean([abs(each.value) for each in drive.readings])
            if said is None or true is None:
                raise BenchError("the unit or the meter fell silent in the middle of a calibration")
            found[end] = (said, true)
    return found


def _change(stand: Stand, gain: int, off: int) -> Held:
    """CAL; what it held before, from its event."""
    unit = stand.unit
    stand.log.note("intent", {"verb": "CAL", "ch": "I", "gain": gain, "off": off})
    unit.send("CAL", {"ch": "I", "gain": gain, "off": off})
    before: Held | None = None
    give_up_s = unit.now + 3.0
    while before is None and unit.now < give_up_s:
        for item in unit.pump(unit.now + 0.1):
            if isinstance(item, Event) and item.name == "CAL":
                before = item.integer("wasgain"), item.integer("wasoff")
    if before is None:
        raise BenchError("CAL was not obeyed: is the calibration jumper fitted?")
    return before


def _perform(t: Table, stand: Stand) -> None:
    if not stand.reads("current"):
        return
    if "CAL" not in stand.unit.facts.capabilities:
        raise BenchError("this unit has no CAL, or its calibration jumper is not fitted")
    stand.fit(t["load_kohm"])
    first = _errors(t, stand)
    stand.ready()
    held = _change(stand, 0, 0)  # what it holds now, told by what replaces it
    # On the disk before anything else: whoever pulls the plug now can set it again by hand.
    stand.log.note("warning", {"text": f"CAL held gain {held[0]} ppm and offset {held[1]} uA before this"})
    _restore(stand, held)
    gain, off = _corrected(first, held)
    _change(stand, gain, off)
    second = _errors(t, stand)
    if _worst(second) >= _worst(first):
        stand.ready()
        _restore(stand, held)
        second = first
    text = f"CAL: gain {held[0]} to {gain} ppm, offset {held[1]} to {off} uA; worst error {_worst(first):.1f} uA before"
    kept = "kept" if second is not first else "undone, because it was no better"
    stand.log.note("warning", {"text": f"{text}, {_worst(second):.1f} uA after: {kept}"})
    for end in ("low", "high"):
        stand.measured(f"calibration.before.{end}", first[end][0] - first[end][1])
        stand.measured(f"calibration.after.{end}", second[end][0] - second[end][1])
    change = max(abs((first[end][0] - first[end][1]) - (second[end][0] - second[end][1])) for end in first)
    stand.measured("calibration.change", change)


def _restore(stand: Stand, held: Held) -> None:
    try:
        _change(stand, *held)
    except (BenchError, CommandRefused) as exc:
        raise BenchError(f"CAL could not be undone: set gain {held[0]} ppm and offset {held[1]} uA by hand") from exc


def _corrected(seen: dict[str, tuple[float, float]], held: Held) -> Held:
    """shown = raw (1 + gain) + offset: the line through both points, put on top of what is held."""
    (low_said, low_true), (high_said, high_true) = seen["low"], seen["high"]
    slope = (high_true - low_true) / (high_said - low_said)
    rest = low_true - slope * low_said
    gain = slope * (1 + held[0] / PPM) - 1
    return round(gain * PPM), round(slope * held[1] + rest)


def _worst(seen: dict[str, tuple[float, float]]) -> float:
    return max(abs(said - true) for said, true in seen.values())


CALIBRATION = Procedure("calibration", "Calibration of the delivery current", _declare, _perform)
