"""What goes wrong in what the unit sees by: converters, relay feedback, temperature sensor (S01 to S11)."""

from __future__ import annotations

from typing import Final

from hw_sim.faults.fault import Arguments, Bench, Fault, a_number, move, one_of

_CODES_PER_UA: Final = 65535 / 5000.0  # full scale of a current channel is 5 mA

CHANNEL: Final = one_of(
    "channel", "i", "i2", "v", "currents", "all", what="delivery current, return current, voltage, both currents, all"
)


def _channels(args: Arguments) -> tuple[str, ...]:
    chosen = args.word("channel")
    return {"currents": ("i", "i2"), "all": ("i", "i2", "v")}.get(chosen, (chosen,))


def _frozen(bench: Bench, args: Arguments) -> None:
    move(bench, **{f"frozen_{c}": 1 for c in _channels(args)})


def _zero(bench: Bench, args: Arguments) -> None:
    for c in _channels(args):
        move(bench, **{f"gain_{c}": 0.0, f"offset_{c}": 0.0})


def _scaled(bench: Bench, names: list[str], factor: float) -> None:
    move(bench, **{name: getattr(bench.plant, name) * factor for name in names})


def _gain(bench: Bench, args: Arguments) -> None:
    _scaled(bench, [f"gain_{c}" for c in _channels(args)], 1 + args.number("percent") / 100)


def _offset(bench: Bench, args: Arguments) -> None:
    channel = args.word("channel")
    codes = args.number("ua") * _CODES_PER_UA
    move(bench, **{f"offset_{channel}": getattr(bench.plant, f"offset_{channel}") + codes})


def _spikes(bench: Bench, args: Arguments) -> None:
    move(bench, spikes=args.number("chance"))
    _scaled(bench, ["noise_i", "noise_i2", "noise_v"], args.number("noise"))


def _sense_open(bench: Bench, args: Arguments) -> None:
    move(bench, sense_open=1)


def _disagree(bench: Bench, args: Arguments) -> None:
    _scaled(bench, ["gain_i2"], 1 + args.number("percent") / 100)


def _mains(bench: Bench, args: Arguments) -> None:
    move(bench, mains_hz=args.number("hz"), mains_a=args.number("ua") * 1e-6, mains_v=args.number("mv") * 1e-3)


def _code(bench: Bench, args: Arguments) -> None:
    move(bench, **{f"code_stuck_{c}": int(args.number("code")) for c in _channels(args)})


def _feedback(bench: Bench, args: Arguments) -> None:
    move(bench, relay_fb_lies=1 if args.word("says") == "closed" else 0)


def _no_temperature(bench: Bench, args: Arguments) -> None:
    move(bench, unit_temp_missing=1)


FAULTS: Final = (
    Fault("S01", "frozen", "a converter repeats its last code", _frozen, (CHANNEL,)),
    Fault("S02", "reads-zero", "a converter reads 0", _zero, (CHANNEL,)),
    Fault(
        "S03", "gain-error", "the gain of a channel is wrong", _gain,
        (a_number("percent", -50, -99, 400, "off"), CHANNEL),
    ),
    Fault(
        "S04", "offset", "a current channel is off by a constant", _offset,
        (a_number("ua", 100, -500, 500, "uA"), one_of("channel", "i", "i2", what="delivery or return current")),
    ),
    Fault(
        "S05", "spikes", "a noisy front end: samples at full scale, and more noise", _spikes,
        (
            a_number("chance", 0, 0, 1, "of a sample at full scale, a tick"),
            a_number("noise", 10, 1, 1000, "times the noise"),
        ),
    ),
    Fault("S06", "sense-open", "the voltage sense line is broken", _sense_open),
    Fault(
        "S07", "disagree", "the return channel disagrees with the delivery channel", _disagree,
        (a_number("percent", 10, -90, 400, "off"),),
    ),
    Fault(
        "S08", "mains", "mains hum on the converters", _mains,
        (
            a_number("ua", 20, 0, 1000, "uA peak"),
            a_number("mv", 200, 0, 20_000, "mV peak"),
            a_number("hz", 50, 1, 1000, "Hz, sampled every 10 ms"),
        ),
    ),
    Fault(
        "S09", "overflow", "a converter gives one code only, as after an overflow", _code,
        (a_number("code", 65535, 0, 65535, "of 65535"), CHANNEL),
    ),
    Fault(
        "S10", "feedback-lies", "the relay's feedback contact does not tell the truth", _feedback,
        (one_of("says", "closed", "open", what="what it always says"),),
    ),
    Fault("S11", "no-temperature", "the temperature sensor is missing", _no_temperature),
)  # fmt: skip
