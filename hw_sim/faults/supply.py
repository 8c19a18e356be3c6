"""What goes wrong around the unit: battery, power, temperature, interlock (E18, E19, E21, E22)."""

from __future__ import annotations

from typing import Final

from hw_sim.faults.fault import Arguments, Bench, Fault, a_number, move, one_of


def _battery(bench: Bench, args: Arguments) -> None:
    move(bench, battery_charge=args.number("charge") / 100, battery_r_ohm=args.number("ohm"))


def _power_off(bench: Bench, args: Arguments) -> None:
    bench.act("power_off")


def _power_on(bench: Bench, args: Arguments) -> None:
    bench.act("power_on")


def _hot(bench: Bench, args: Arguments) -> None:
    move(bench, unit_temp_c=args.number("celsius"))


def _interlock(bench: Bench, args: Arguments) -> None:
    move(bench, **{"interlock_open" if args.word("what") == "open" else "interlock_defeated": 1})


FAULTS: Final = (
    Fault(
        "E18", "battery-sag", "the battery is nearly empty and gives way under load", _battery,
        (a_number("charge", 5, 0, 100, "% left"), a_number("ohm", 2, 0, 1000, "internal resistance")),
    ),
    Fault("E19", "power-off", "the power is removed; it comes back when this is lifted", _power_off, lift=_power_on),
    Fault("E21", "over-temperature", "the unit gets hot", _hot, (a_number("celsius", 65, -40, 150, "degC"),)),
    Fault(
        "E22", "interlock", "the interlock opens, or is bridged so that it cannot", _interlock,
        (one_of("what", "open", "defeated", what="open, or bridged"),),
    ),
)  # fmt: skip
