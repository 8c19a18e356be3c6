"""The current itself: polarity, accuracy and linearity over set-points and loads, and its ripple."""

from __future__ import annotations

from controller.bench.drive import Drive
from controller.bench.measurement import Chart, Definition, Limits, Point, Series
from controller.bench.procedures.procedure import Procedure, Table, at_most, mean, ua_of, within
from controller.bench.recipe import MOST_MV
from controller.bench.stand import Stand
from controller.limits import UnitFacts

RAMP_MA_PER_S = 0.5
TOO_SLOW_S = 0.05

# -- polarity ------------------------------------------------------------------------------------------------------


def _declare_polarity(t: Table, _: UnitFacts) -> list[Definition]:
    set_ua = ua_of(t["current_ma"])
    off = within(t["error_percent"], t["error_ua"], set_ua)
    return [
        Definition(
            name=f"polarity.{word}", title=f"current for pole {pole}", unit="uA", error_code="POL-1",
            limits=Limits(sign * set_ua + float(off.low or 0), sign * set_ua + float(off.high or 0)),
            how="mean of the meter; positive flows out of the drug electrode", instrument="meter",
        )
        for word, pole, sign in (("positive", "+", 1), ("negative", "-", -1))
    ]  # fmt: skip


def _polarity(t: Table, stand: Stand) -> None:
    stand.fit(t["load_kohm"])
    for word, pole in (("positive", "+"), ("negative", "-")):
        with stand.deliver(t["current_ma"], name=f"polarity {pole}", pole=pole) as drive:
            drive.to_hold(t["current_ma"] / RAMP_MA_PER_S)
            drive.hold(0.5)
            stand.measured(f"polarity.{word}", mean(_watched(drive, 0.5)))


def _watched(drive: Drive, seconds: float) -> list[float]:
    """What the meter reads over this time, with its sign."""
    since = len(drive.readings)
    drive.watch = "current"
    drive.hold(seconds)
    drive.watch = None
    return [reading.value for reading in drive.readings[since:]]


POLARITY = Procedure("polarity", "Polarity", _declare_polarity, _polarity)

# -- accuracy ------------------------------------------------------------------------------------------------------


def _grid(t: Table) -> list[tuple[float, list[float]]]:
    """Loads with the set-points that the voltage allows, highest first, because a set-point never goes up in a run."""
    return [
        (kohm, sorted((ma for ma in t["set_points_ma"] if ma * 1000 * kohm <= MOST_MV), reverse=True))
        for kohm in t["loads_kohm"]
    ]


def _name(kind: str, kohm: float, ma: float) -> str:
    return f"accuracy.{kind}.{kohm:g}k.{ma:g}mA"


def _error_limits(t: Table, ma: float) -> Limits:
    ua = t["small_error_ua"] if ma < t["small_below_ma"] else t["error_ua"]
    return within(t["error_percent"], ua, ua_of(ma))


def _declare_accuracy(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    for kohm, set_points in _grid(t):
        for ma in set_points:
            at, limits = f"{ma:g} mA into {kohm:g} kohm", _error_limits(t, ma)
            found += [
                Definition(
                    name=_name("error", kohm, ma), title=f"error of {at}", unit="uA", limits=limits, error_code="ACC-1",
                    how=f"meter less set-point, mean over {t['mean_s']:g} s", instrument="meter",
                ),
                Definition(
                    name=_name("reading", kohm, ma), title=f"unit's reading of {at}", unit="uA", limits=limits,
                    how="what the unit reports less what the meter reads, over the same time", error_code="ACC-2",
                    instrument="meter",
                ),
            ]  # fmt: skip
        if len(set_points) > 2:
            found.append(
                Definition(
                    name=f"accuracy.linearity.{kohm:g}k", title=f"linearity into {kohm:g} kohm", unit="uA",
                    limits=at_most(t["linearity_ua"]), error_code="ACC-3", instrument="meter",
                    how="largest distance from the straight line through all errors",
                )
            )  # fmt: skip
    return found


def _accuracy(t: Table, stand: Stand) -> None:
    for kohm, set_points in _grid(t):
        stand.fit(kohm)
        errors: list[tuple[float, float]] = []
        with stand.deliver(set_points[0], name=f"accuracy, {kohm:g} kohm", limits=_window(kohm)) as drive:
            drive.to_hold(set_points[0] / RAMP_MA_PER_S)
            for ma in set_points:
                drive.set_current(ua_of(ma))
                drive.hold(t["settle_s"])
                error = _point(t, stand, drive, kohm, ma)
                if error is not None:
                    errors.append((ma, error))
        _after_load(t, stand, kohm, errors, len(set_points))


def _window(kohm: float) -> dict[str, float]:
    """No impedance is out of the ordinary on this bench."""
    return {"impedance_max_kohm": 100.0, "impedance_min_kohm": min(0.1, kohm / 2)}


def _point(t: Table, stand: Stand, drive: Drive, kohm: float, ma: float) -> float | None:
    since = len(drive.samples)
    true_ua = mean([abs(value) for value in _watched(drive, t["mean_s"])])
    said_ua = mean([float(sample.unit.i_ua) for sample in drive.samples[since:]])
    error = None if true_ua is None else true_ua - ua_of(ma)
    stand.measured(_name("error", kohm, ma), error)
    off = None if true_ua is None or said_ua is None else said_ua - true_ua
    stand.measured(_name("reading", kohm, ma), off)
    return error


def _after_load(t: Table, stand: Stand, kohm: float, errors: list[tuple[float, float]], wanted: int) -> None:
    if wanted > 2:
        stand.measured(f"accuracy.linearity.{kohm:g}k", _bend_ua(errors))
    if errors:
        points = [Point(ma, error, *_error_limits(t, ma)) for ma, error in sorted(errors)]
        stand.series(
            Series(
                name=f"accuracy.{kohm:g}k", chart=Chart.ERROR, title="Error of the current", group=f"{kohm:g} kohm",
                x_title="set-point", x_unit="mA", y_title="error", y_unit="uA", points=tuple(points),
            )
        )  # fmt: skip


def _bend_ua(errors: list[tuple[float, float]]) -> float | None:
    """Largest distance from the least-squares line; None below three points."""
    if len(errors) < 3:
        return None
    n = len(errors)
    x0, y0 = sum(x for x, _ in errors) / n, sum(y for _, y in errors) / n
    slope = sum((x - x0) * (y - y0) for x, y in errors) / sum((x - x0) ** 2 for x, _ in errors)
    return max(abs(y - y0 - slope * (x - x0)) for x, y in errors)


ACCURACY = Procedure("accuracy", "Accuracy and linearity", _declare_accuracy, _accuracy)

# -- ripple --------------------------------------------------------------------------------------------------------


def _declare_ripple(t: Table, _: UnitFacts) -> list[Definition]:
    return [
        Definition(
            name=f"ripple.{ma:g}mA", title=f"ripple at {ma:g} mA", unit="uA", error_code="RIP-1", instrument="meter",
            limits=at_most(t["ripple_percent"] / 100 * ua_of(ma) + t["ripple_ua"]),
            how=f"highest less lowest reading over {t['span_s']:g} s",
        )
        for ma in t["set_points_ma"]
    ]  # fmt: skip


def _ripple(t: Table, stand: Stand) -> None:
    if stand.meter is not None and stand.meter.resolution_s > TOO_SLOW_S:
        why = f"a reading takes {stand.meter.resolution_s:.2f} s: ripple needs a meter with {TOO_SLOW_S:g} s or less"
        stand.missing([f"ripple.{ma:g}mA" for ma in t["set_points_ma"]], why)
        return
    stand.fit(t["load_kohm"])
    down = sorted(t["set_points_ma"], reverse=True)
    with stand.deliver(down[0], name="ripple") as drive:
        drive.to_hold(down[0] / RAMP_MA_PER_S)
        for ma in down:
            drive.set_current(ua_of(ma))
            drive.hold(1.0)
            seen = _watched(drive, t["span_s"])
            stand.measured(f"ripple.{ma:g}mA", max(seen) - min(seen) if seen else None)


RIPPLE = Procedure("ripple", "Ripple", _declare_ripple, _ripple)
