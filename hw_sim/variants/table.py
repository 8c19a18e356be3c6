"""The known-bad firmwares: one row each, with where the defect comes from, what sees it, and when.

``invariants`` are those of the list of what must always hold that are broken, as the truth inside the simulator shows
it, in ``situation``; the tests of the variants play every situation by its name and hold the row to that.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from hw_sim.firmware.main import Firmware
from hw_sim.variants import dose, guard, line, output
from hw_sim.variants.build import Defect, Housing, built, defects_of, refit


class Variant(NamedTuple):
    """``origin``: the kind of code that the defect was published in, or the hazard analysis it is from."""

    name: str
    what: str
    origin: str
    invariants: tuple[str, ...]
    situation: str
    defect: Defect

    def firmware(self) -> type[Firmware]:
        return built((self.defect,))


def _variant(
    what: str, origin: str, invariants: str, situation: str, defect: Defect
) -> Variant:  # positional: this is a table
    return Variant(defect.name, what, origin, tuple(invariants.split()), situation, defect)


RAMP_DOWN: Final = Defect("ramp-down-never-runs", unit=output.FlipsAtFullDrive)
NO_RAMP_DOWN: Final = Defect("no-ramp-down", unit=output.NoRampDown)
SET_POINT_DOSE: Final = Defect("dose-from-set-point", unit=dose.CountsSetPoint)
CLEARED_DOSE: Final = Defect("dose-cleared-on-resume", session=dose.ClearsOnResume)
SUBTRACTED_TWICE: Final = Defect("undelivered-subtracted-twice", unit=dose.SubtractsTwice)
RETRY_TWICE: Final = Defect("retry-runs-twice", session=line.RunsRetries)
CRC_SKIPPED: Final = Defect("crc-unchecked", session=line.SkipsCheck)
OLD_TELEMETRY: Final = Defect("telemetry-repeated", session=line.RepeatsTelemetry)
SELF_TEST: Final = Defect("self-test-always-passes", unit=guard.PassesAlways, wires=guard.SeesNothingWrong)
ARMED_FOREVER: Final = Defect("arming-never-expires", unit=guard.ArmedForever)
AUTO_RESUME: Final = Defect("automatic-resume", unit=guard.ResumesItself)
SLOW_STOP: Final = Defect("stop-behind-telemetry", unit=line.AfterTelemetry)
UNWATCHED: Final = Defect("watchdog-off", unit=guard.Unwatched)
OTHER_NUMBER: Final = Defect("replies-to-another", session=line.AnswersAnother)
CONTROL_DEAD: Final = Defect("control-dead", unit=guard.ControlDead)
NEW_VERSION: Final = Defect("new-version", wires=line.NewVersion)
NEW_SCHEMA: Final = Defect("new-schema", wires=line.NewSchema)

VARIANTS: Final[tuple[Variant, ...]] = (
    _variant(
        "the loop of the ramp-down never runs, and the bridge turns at full drive",
        "an Arduino iontophoresis unit with an H-bridge", "I04 I05 I13", "stop-in-hold", RAMP_DOWN,
    ),
    _variant(
        "the output stays on after the end of the treatment was told",
        "an Arduino iontophoresis unit with an H-bridge", "I01", "good-run",
        Defect("output-left-on", wires=output.LeftOn),
    ),
    _variant(
        "DAC code 0, which everything starts with, is full current",
        "a wireless tDCS stimulator", "I03 I04", "good-run", Defect("dac-zero-is-full", wires=output.ZeroIsFull),
    ),
    _variant(
        "switching off waits for a task that looks every half second",
        "a wireless tDCS stimulator", "I01 I13", "abort-in-hold",
        Defect("slow-disable", unit=output.Polled, wires=output.PolledOff),
    ),
    _variant(
        "the output goes on when the link drops",
        "a wireless tDCS stimulator", "I20", "session-lost", Defect("on-without-link", unit=line.OnWithoutLink),
    ),
    _variant(
        "the highest current is defined and never used",
        "a wireless tDCS stimulator", "I02", "over-the-maximum",
        Defect("maximum-never-used", session=line.MaximumUnused),
    ),
    _variant(
        "an impedance is cast to 16 bits: 430 kohm are 36 784",
        "a wireless tDCS stimulator", "I10", "no-contact", Defect("impedance-16-bit", unit=output.NarrowImpedance),
    ),
    _variant(
        "the regulator's integral winds up on an open circuit",
        "a handheld Arduino iontophoresis unit", "I03 I04", "contact-lost-for-a-moment",
        Defect("integral-wind-up", unit=output.WindsUp),
    ),
    _variant(
        "a set-point message clears a latched stop",
        "an Arduino stimulator with a digital potentiometer", "I14", "set-after-stop",
        Defect("set-clears-stop", session=line.SetClearsStop),
    ),
    _variant(
        "over-current is judged by the mean of a second",
        "an Arduino stimulator with a digital potentiometer", "I03 I18", "over-current",
        Defect("slow-over-current", unit=output.SlowOverCurrent),
    ),
    _variant(
        "the receive buffer has 32 bytes and no bound; the set-point lies behind it",
        "an Arduino stimulator with a digital potentiometer", "I02 I12", "long-line",
        Defect("buffer-overrun", unit=output.Overrun),
    ),
    _variant(
        "the dose is counted from the set-point, whatever flows",
        "units that show a set-point and measure nothing", "I08", "compliance-limited", SET_POINT_DOSE,
    ),
    _variant(
        "RESUME forgets the dose given before the pause",
        "plausible: begin and resume share their code", "I06 I07 I08", "pause-and-resume", CLEARED_DOSE,
    ),
    _variant(
        "what a run cut short did not deliver is subtracted twice",
        "a driver of an insulin pump", "I07 I08", "stop-in-hold", SUBTRACTED_TWICE,
    ),
    _variant(
        "the status at the exact end is read as nothing delivered",
        "a driver of an insulin pump", "I07 I08", "good-run",
        Defect("nothing-at-the-end", unit=dose.NothingAtTheEnd),
    ),
    _variant(
        "a request that is sent again is executed again",
        "drivers of insulin pumps that resend a bolus", "I04 I07 I11", "lines-twice", RETRY_TWICE,
    ),
    _variant(
        "a sequence number already used is taken for a new one",
        "this project's study of its line: 128 wrong set-points in 300 000 commands", "I12", "number-used-again",
        Defect("sequence-reused", session=line.ReusesNumbers),
    ),
    _variant(
        "the check of a line is skipped",
        "text protocols of machine tools and printers, whose check is optional", "I12", "damaged-lines",
        CRC_SKIPPED,
    ),
    _variant(
        "a bad record is replaced by defaults, and nobody is told",
        "firmware of machine tools, which then says so", "I16 I33", "bad-record",
        Defect("silent-defaults", store=guard.DefaultsInstead),
    ),
    _variant(
        "telemetry repeats old values under new numbers",
        "plausible: a buffer that is filled once", "I08", "good-run", OLD_TELEMETRY,
    ),
    _variant(
        "the self-test passes whatever it finds",
        "plausible: left from the first day on the desk", "I03 I10", "reference-off", SELF_TEST,
    ),
    _variant(
        "an arming never expires",
        "plausible: select before operate without its clock", "I10", "late-start", ARMED_FOREVER,
    ),
    _variant(
        "a paused run goes on by itself",
        "stimulators that take up their programme after a fault", "I15", "session-lost", AUTO_RESUME,
    ),
    _variant(
        "a stop waits until telemetry is out",
        "plausible: one loop for both directions", "I13", "stop-in-hold", SLOW_STOP,
    ),
    _variant(
        "any byte renews the lease",
        "a driver library of a stimulator whose keep-alive thread knows nothing of the control", "I20 I21",
        "host-blind", Defect("lease-by-any-byte", unit=line.RenewedByAnything),
    ),
    _variant(
        "the watchdog is off", "an Arduino stimulator: 8 s; most others: none", "I22", "processor-hangs", UNWATCHED,
    ),
    _variant(
        "the dose window adds up what was given and forgets what is committed",
        "an insulin controller's limit, which the dose being asked for was not part of", "I09", "window-nearly-full",
        Defect("window-forgets-committed", session=dose.ForgetsCommitted),
    ),
    _variant(
        "in a run nobody looks at the contact, nor whether the current follows",
        "published open iontophoresis and tDCS units: none of those read judges its contact in a run", "I17",
        "lead-pulled-and-faulted",
        Defect("contact-never-looked-at", unit=guard.NeverLooks),
    ),
    _variant(
        "the second current channel is compared with nothing",
        "plausible: its alarm came too often on the desk", "I19", "channels-apart",
        Defect("one-channel", unit=guard.OneChannel),
    ),
    _variant(
        "the self-test tries the source on whatever is connected",
        "plausible; the hazard is that of a fentanyl system recalled in 2008 for activating itself", "I23", "power-cut",
        Defect("source-tried-at-power-on", wires=guard.TriesTheSource),
    ),
    _variant(
        "a run ends with its dose, however long that takes",
        "hazard analyses of infusion pumps", "I24", "longer-than-allowed",
        Defect("no-longest-time", unit=guard.NoLongestTime),
    ),
    _variant(
        "who opens a session has it, in the middle of another's run",
        "instruments on a serial port: the last one to open it commands", "I25", "second-host",
        Defect("anyone-takes-over", session=line.TakesAnyone),
    ),
    _variant(
        "a host that speaks other versions is welcome",
        "plausible: when it was written there was one", "I26", "newer-host",
        Defect("any-version", session=line.AnyVersion),
    ),
    _variant(
        "the dose is counted by a clock that begins again after 49.7 days",
        "plausible: `millis()` put into a wider type before the difference is taken", "I07 I31", "clock-wraps",
        Defect("dose-by-the-clock", unit=dose.CountsByClock),
    ),
    _variant(
        "the ramp is timed by delays, and the work between them comes on top",
        "plausible: an Arduino sketch with `delay()` in its loop", "I32 I35", "good-run",
        Defect("ramp-by-delays", session=output.DelayedRamp),
    ),
    _variant(
        "pauses are not counted: a bad contact may be tried for ever",
        "stimulators that ramp up again whenever the contact is back", "I36", "lead-pulled-again-and-again",
        Defect("pauses-not-counted", unit=guard.NeverLocks),
    ),
    _variant(
        "events tell what was asked for, not what the unit does by itself",
        "plausible: they are sent where requests are answered", "I39", "good-run",
        Defect("changes-untold", unit=line.TellsAsked),
    ),
    _variant(
        "every line of telemetry goes out twice, under two numbers",
        "plausible: two tasks that send", "I29", "good-run", Defect("telemetry-doubled", session=line.TellsTwice),
    ),
    _variant(
        "a plain OUTPUT ON turns the output of a paused run on",
        "laboratory supplies, whose command does just that", "I37", "plain-output-on",
        Defect("output-by-plain-line", unit=line.OutputByPlainLine),
    ),
    _variant(
        "an alarm is told again every second until somebody comes",
        "alarm systems that are switched off for it", "I40", "lead-pulled-and-faulted",
        Defect("alarm-repeated", unit=line.TellsAgain),
    ),
)  # fmt: skip

# Defects that only a fault puts in; the others are a variant's.
_ALONE: Final = (NO_RAMP_DOWN, OTHER_NUMBER, CONTROL_DEAD, NEW_VERSION, NEW_SCHEMA)

_FOUND: Final = {variant.name: variant for variant in VARIANTS}


def find(name: str) -> Variant:
    """A variant by its name.

    Raises:
        ValueError: there is none; one sentence with what comes near.
    """
    if name not in _FOUND:
        from difflib import get_close_matches

        near = get_close_matches(name, list(_FOUND), 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"no variant {name:.40}{hint}; `ionto-sim variants` lists them")
    return _FOUND[name]


_DEFECTS: Final = {defect.name: defect for defect in (*(variant.defect for variant in VARIANTS), *_ALONE)}


def named(names: tuple[str, ...]) -> type[Firmware]:
    """The unit that has these defects, as ``defects_of`` names them."""
    return built(tuple(_DEFECTS[name] for name in names))


def put_in(housing: Housing, defect: Defect) -> None:
    """One more defect, from now on."""
    refit(housing, named((*defects_of(housing.make), defect.name)))


def take_out(housing: Housing, defect: Defect) -> None:
    """Without it again; a second one of the same kind stays."""
    names = list(defects_of(housing.make))
    if defect.name in names:
        names.reverse()
        names.remove(defect.name)
        names.reverse()
        refit(housing, named(tuple(names)))
