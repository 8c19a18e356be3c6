"""What goes wrong between the source and the skin: leads, patches, skin, source, relay, bridge (E01 to E17, E20, E23).

The plant does the physics; what stands here moves its parameters. A contact is no parameter but a thing that is done
to the bench (`World.act`), and is undone by doing the opposite.
"""

from __future__ import annotations

from typing import Final

from hw_sim.faults.fault import Arguments, Bench, Fault, Strike, a_number, move, one_of
from hw_sim.plant import set_load

_PEEL_STEP_S: Final = 0.5

LEAD: Final = one_of("lead", "drug", "return", "both", what="which electrode")


def sets(**values: float) -> Strike:
    """A strike that always sets the same."""

    def strike(bench: Bench, args: Arguments) -> None:
        move(bench, **values)

    return strike


def _lead_off(bench: Bench, args: Arguments) -> None:
    bench.act("lift", args.word("lead"))


def _lead_on(bench: Bench, args: Arguments) -> None:
    bench.act("replace", args.word("lead"))


def _dry(bench: Bench, args: Arguments) -> None:
    move(bench, dry_over_s=args.number("over"))
    move(bench, dry_r_s=args.number("factor"))


def _chatter(bench: Bench, args: Arguments) -> None:
    move(bench, chatter_hz=args.number("hz"))


def _bounce(bench: Bench, args: Arguments) -> None:
    _lead_off(bench, args)
    bench.later(bench.now_us + round(args.number("gap") * 1e6), "replace", args.word("lead"))


def _short(bench: Bench, args: Arguments) -> None:
    set_load(bench.plant, "short")


def _too_high(bench: Bench, args: Arguments) -> None:
    set_load(bench.plant, f"{args.number('kohm') * 1e3:.0f}")


def _load_again(bench: Bench, args: Arguments) -> None:
    set_load(bench.plant, bench.load)


def _break_down(bench: Bench, args: Arguments) -> None:
    move(bench, breakdown=args.number("factor"))


def _swap(bench: Bench, args: Arguments) -> None:
    match args.word("what"):
        case "leads":
            move(bench, leads_swapped=1)
        case "plus":
            move(bench, bridge_stuck=1)
        case _:
            move(bench, bridge_stuck=-1)


def _leak(bench: Bench, args: Arguments) -> None:
    move(bench, leak_s=1e-3 / args.number("kohm"))


def _full_scale(bench: Bench, args: Arguments) -> None:
    move(bench, source_stuck_a=args.number("ma") * 1e-3)
    if args.word("limiter") == "broken":
        move(bench, limiter_a=args.number("ma") * 1e-3)


def _dac_bit(bench: Bench, args: Arguments) -> None:
    bit = 1 << int(args.number("bit"))
    if args.word("level") == "high":
        move(bench, dac_or=bit)
    else:
        move(bench, dac_and=4095 - bit)


def _dac_at_power_on(bench: Bench, args: Arguments) -> None:
    move(bench, dac_at_power_on=int(args.number("code")))


def _drift(bench: Bench, args: Arguments) -> None:
    move(bench, reference_drift=args.number("percent") / 100)


def _overshoot(bench: Bench, args: Arguments) -> None:
    move(bench, boost_overshoot_v=args.number("volts"))


def _peel(bench: Bench, args: Arguments, elapsed_s: float) -> float | None:
    share, over_s = args.number("share"), args.number("over")
    gone = min(elapsed_s / over_s, 1.0) if over_s else 1.0
    bench.act("contact", f"{args.word('lead')}:{1.0 - (1.0 - share) * gone:.6f}")
    return _PEEL_STEP_S if gone < 1.0 else None


def _nothing(bench: Bench, args: Arguments) -> None:
    """The course does it."""


FAULTS: Final = (
    Fault("E01", "lead-off", "a lead comes off: no contact, no current", _lead_off, (LEAD,), lift=_lead_on),
    Fault(
        "E02", "drying", "the gel dries: the series resistance rises to a multiple", _dry,
        (a_number("factor", 3, 1, 100, "times the resistance"), a_number("over", 180, 1, 7200, "s it takes")),
    ),
    Fault("E03", "chatter", "a lead bounces", _chatter, (a_number("hz", 20, 1, 50, "bounces a second"),)),
    Fault(
        "E04", "re-contact", "a lead comes off for a moment and touches again", _bounce,
        (LEAD, a_number("gap", 0.02, 0.001, 3600, "s without contact")), instant=True,
    ),
    Fault(
        "E05", "shorted", "the leads touch; lifted, new electrodes are on the load", _short, lift=_load_again,
    ),
    Fault(
        "E06", "breakdown", "the skin's barrier gives way within a second", _break_down,
        (a_number("factor", 10, 1, 1000, "times the conductance"),),
    ),
    Fault(
        "E07", "compliance", "the load asks for more voltage than there is: a resistor in its place", _too_high,
        (a_number("kohm", 22, 1, 1000, "kohm"),), lift=_load_again,
    ),
    Fault(
        "E08", "swapped", "the polarity is not what was asked for: leads swapped, or the bridge stuck", _swap,
        (one_of("what", "leads", "plus", "minus", what="leads, or the bridge stuck at a pole"),),
    ),
    Fault(
        "E09", "leakage", "a gel bridge: current past the return channel", _leak,
        (a_number("kohm", 20, 0.1, 10_000, "kohm of the bridge"),),
    ),
    Fault(
        "E10", "full-scale", "the source is stuck at full scale", _full_scale,
        (
            a_number("ma", 5, 0, 20, "mA it is stuck at"),
            one_of("limiter", "sound", "broken", what="whether the 4.2 mA limiter still acts"),
        ),
    ),
    Fault("E11", "dead-source", "the source gives nothing", sets(source_stuck_a=0.0)),
    Fault("E12", "welded-relay", "the output relay does not open", sets(relay_welded=1)),
    Fault("E13", "stuck-relay", "the output relay does not close", sets(relay_stuck=1)),
    Fault(
        "E14", "dac-bit", "a bit of the DAC is stuck", _dac_bit,
        (a_number("bit", 11, 0, 11, "0 is the lowest"), one_of("level", "high", "low", what="stuck at")),
    ),
    Fault(
        "E15", "dac-at-power-on", "the DAC powers up at a code that is not 0", _dac_at_power_on,
        (a_number("code", 4095, 0, 4095, "of 4095"),),
    ),
    Fault(
        "E16", "reference-drift", "the reference drifts, and DAC and converters with it", _drift,
        (a_number("percent", 10, -50, 100, "of its value"),),
    ),
    Fault(
        "E17", "boost-overshoot", "the boost converter overshoots when it starts", _overshoot,
        (a_number("volts", 10, 0, 40, "above what was asked"),),
    ),
    Fault("E20", "esd", "a discharge: one tick of garbage on every converter", sets(esd=1), instant=True),
    Fault(
        "E23", "peel", "an electrode peels off slowly", _nothing,
        (
            LEAD,
            a_number("share", 0.3, 0, 1, "of its area left at the end"),
            a_number("over", 60, 0, 7200, "s it takes"),
        ),
        lift=_lead_on, course=_peel,
    ),
)  # fmt: skip
