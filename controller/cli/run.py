"""``ionto run``: the main job."""

from __future__ import annotations

import gc
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from controller.cli import exits
from controller.cli.choice import decimal, json_option, port_option, say_which, settings
from controller.cli.keys import Keys, whole_lines
from controller.cli.live import LiveLine
from controller.journal import Record
from controller.profile import Profile
from controller.sample import Sample
from controller.session import Session
from controller.treatment import Phase, Treatment
from controller.unit import Unit
from controller.units import ma_min_from_uc
from controller.wire.spec import ERROR_TEXT

JSON_EVERY_S = 1.0
_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@click.command()
@click.argument("treatment", required=False, metavar="TREATMENT.toml|preset:NAME")
@port_option
@click.option("--current", type=decimal, metavar="MA", help="short form, a bench load: current in mA")
@click.option("--dose", type=decimal, metavar="MA_MIN", help="short form: dose in mA.min")
@click.option("--pole", type=click.Choice(["+", "-"]), help="short form: pole of the drug electrode")
@click.option("--bench", is_flag=True, help="deliver a person's treatment into a bench load: no screening asked")
@click.option("--operator", metavar="NAME", help="goes into the record; else IONTO_OPERATOR")
@click.option("--station", metavar="NAME", help="which bench; goes into the record; else IONTO_STATION")
@click.option("--out", metavar="DIR", help="where the record goes; else IONTO_OUT, or runs")
@click.option("--telemetry-hz", type=click.IntRange(2, 50), help="lines a second; else IONTO_TELEMETRY_HZ, or 10")
@click.option("--yes", is_flag=True, help="do not ask before current flows, nor between phases")
@json_option
def run(
    treatment: str | None,
    port: str | None,
    current: float | None,
    dose: float | None,
    pole: str | None,
    bench: bool,
    operator: str | None,
    station: str | None,
    out: str | None,
    telemetry_hz: int | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Deliver a treatment: contact check, ramp up, hold to the dose, ramp down, record.

    \b
    Examples:  ionto run examples/dexamethasone-40.toml
               ionto run preset:lidosite --bench --port /dev/ttyACM0
               ionto run --current 2 --dose 4 --pole -
    While it runs: p pauses, r resumes, s stops; Ctrl-C stops, twice aborts.
    """
    what = _treatment(treatment, current, dose, pole, bench)
    attended = sys.stdin.isatty() and not as_json
    if not attended and not yes and not all(phase.auto for phase in what.phases[1:]):
        raise click.UsageError("this treatment asks between its phases: run it at a terminal, or add --yes")
    usual = settings()
    name = port or usual.port
    rate_hz = usual.telemetry_hz if telemetry_hz is None else telemetry_hz
    with Unit.open(name, purpose=f"ionto run: {what.name}") as unit:
        say_which(name, unit.facts)
        click.echo(what.name, err=True)
        for warning in what.warnings():
            click.echo(f"warning: {warning}", err=True)
        if not unit.facts.simulated and not yes:
            ask_before_current(attended)
        session = unit.deliver(
            what,
            out=usual.out if out is None else Path(out),
            attended=attended,
            operator=operator or usual.operator,
            station=station or usual.station,
            telemetry_ms=round(100 / rate_hz) * 10,
            confirm=(lambda _: True) if yes else (_confirm if attended else None),
        )
        _watch(session, what, attended=attended, as_json=as_json)
    return _conclude(session, what, as_json=as_json)


def _treatment(name: str | None, current: float | None, dose: float | None, pole: str | None, bench: bool) -> Treatment:
    short = (current, dose, pole)
    if name is not None:
        if any(value is not None for value in short):
            raise click.UsageError("give a treatment file, or --current, --dose and --pole, not both")
        return Treatment.load(name, bench=bench)
    if current is None or dose is None or pole is None:
        missing = [key for key, value in zip(("--current", "--dose", "--pole"), short, strict=True) if value is None]
        if len(missing) < len(short):
            raise click.UsageError(f"the short form needs --current, --dose and --pole: add {' and '.join(missing)}")
        raise click.UsageError(
            "what is to be delivered? Give a treatment file (`ionto treatments list` shows presets), "
            "or --current, --dose and --pole"
        )
    return Treatment.short(current, dose, pole)


def ask_before_current(attended: bool) -> None:
    if not attended:
        raise click.UsageError("this is no simulated unit: add --yes to let current flow without asking")
    click.echo("This is a real unit: press Enter to let current flow, Ctrl-C to leave. ", nl=False, err=True)
    try:
        if sys.stdin.readline():
            return
    except KeyboardInterrupt:
        pass
    click.echo("\nno current has flowed", err=True)
    raise click.Abort  # Ctrl-C, or Ctrl-D: the end of the input is no Enter


def _confirm(phase: Phase) -> bool:
    """Ask; between phases nothing flows, so that Ctrl-C, Ctrl-D and a signal to end are a plain no."""
    kept = {number: signal.signal(number, signal.default_int_handler) for number in _ENDING}
    click.echo(err=True)
    try:
        with whole_lines():
            return click.confirm(
                f"next phase: {phase.current_ma:g} mA, pole {phase.pole.value}. Electrodes as they should be, go on?",
                err=True,
            )
    except click.Abort:
        click.echo(err=True)
        return False
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


# -- watching ----------------------------------------------------------------------------------------------------


def _watch(session: Session, what: Treatment, *, attended: bool, as_json: bool) -> None:
    # What is imported by now stays to the end. Looking at it again every 700 objects is a seventh of a simulated run.
    gc.freeze()
    gc.set_threshold(20_000)
    prescriptions = what.prescriptions()
    live = LiveLine([Profile.of(p) for p in prescriptions], [p.q_uc for p in prescriptions], keys=attended)
    show: Callable[[Sample], None] = _json_lines() if as_json else live.show
    with _Signals(session), Keys(active=attended) as keys, session:
        paused = False
        now = session.unit.link.clock.now
        while not session.over:
            for sample in session.step(now() + 0.5):
                show(sample)
            if not attended:
                continue
            for key in keys.pressed():
                _press(session, key, live)
            if (session.state.name == "PAUSED") != paused:
                paused = not paused
                if paused:
                    live.say("paused: r measures the contact again and resumes, s ends the run")
    live.end()


def _press(session: Session, key: str, live: LiveLine) -> None:
    match key.lower():
        case "p":
            done = session.pause("key p")
        case "r":
            done = session.resume("key r")
        case "s":
            session.stop("key s")
            done = True
        case _:
            return
    if not done:
        live.say(f"{'pausing' if key == 'p' else 'resuming'} is not possible in {session.state.name}")


def _json_lines() -> Callable[[Sample], None]:
    """A sample a second of treatment, and one at each change of state."""
    last: list[Any] = [None, None]

    def show(sample: Sample) -> None:
        if sample.state is last[0] and last[1] is not None and sample.t_s - last[1] < JSON_EVERY_S:
            return
        last[:] = [sample.state, sample.t_s]
        unit = sample.unit
        line = {
            "t_s": sample.t_s, "phase": sample.phase, "state": sample.state.value, "current_ma": unit.i_ua / 1000,
            "voltage_v": unit.v_mv / 1000, "impedance_ohm": sample.impedance_ohm,
            "dose_ma_min": round(sample.dose_ma_min, 6),
        }  # fmt: skip
        click.echo(json.dumps(line))

    return show


class _Signals:
    """Ctrl-C once is STOP, twice is ABORT; SIGTERM and SIGHUP are STOP."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._saved: dict[int, Any] = {}
        self._interrupts = 0

    def __enter__(self) -> None:
        for number in _ENDING:
            self._saved[number] = signal.signal(number, self._heard)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._saved.items():
            signal.signal(number, handler)

    def _heard(self, number: int, _: object) -> None:
        if number == signal.SIGINT:
            self._interrupts += 1
            if self._interrupts > 1:
                self._session.request_abort("Ctrl-C twice")
                return
        self._session.request_stop("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)


# -- the end -------------------------------------------------------------------------------------------------------


def _conclude(session: Session, what: Treatment, *, as_json: bool) -> int:
    record = session.record
    if as_json:
        click.echo(json.dumps(summary(record)))
    else:
        for line in _lines(session, record, what):
            click.echo(line)
    if session.error is not None:
        click.echo(str(session.error), err=True)
        return exits.FAULT
    codes = [exits.of_result(result) for result in session.results]
    return next((code for code in codes if code), exits.DONE if record.outcome == "DONE" else exits.STOPPED)


def summary(record: Record) -> dict[str, Any]:
    """The last JSON document of a run."""
    data = record.data
    keys = ("outcome", "runs", "unit", "dose_ma_min", "dose_interval_ma_min", "duration_s", "peak_ma", "fault")
    return {key: data[key] for key in keys} | {"record": None if record.folder is None else str(record.folder)}


def _lines(session: Session, record: Record, what: Treatment) -> list[str]:
    lines = []
    for number, result in enumerate(session.results, 1):
        phase = f"phase {number}: " if len(what.phases) > 1 else ""
        code = f" ({ERROR_TEXT.get(result.refused, '')})" if result.refused and not result.reason else ""
        lines.append(f"{phase}{result.outcome}{code}" + (f": {result.reason}" if result.reason else ""))
    lines += [f"phase {number}: not begun" for number in range(len(session.results) + 1, len(what.phases) + 1)]
    low, high = record.dose_interval_ma_min
    target = sum(ma_min_from_uc(p.q_uc) for p in what.prescriptions())
    lines.append(f"dose     {record.dose_ma_min:.3f} of {target:.1f} mA.min (between {low:.2f} and {high:.2f})")
    data = record.data
    lines.append(f"peak     {data['peak_ma']:.3f} mA   duration {_clock(data['duration_s'])}")
    estimate = what.drug_estimate()
    if estimate is not None and record.outcome == "DONE":
        lines.append(f"drug     {estimate}")
    lines += [f"warning  {text}" for text in data["warnings"]]
    lines.append("output   off, measured" if session.is_quiet else "output   NOT KNOWN TO BE OFF: look at the unit")
    if record.folder is not None:
        lines.append(f"record   {record.folder}")
        lines.append(f"plot     {record.folder / 'plot.svg'}")
    return lines


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
