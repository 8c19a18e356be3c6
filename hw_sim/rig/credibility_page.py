"""``docs/simulator.md``: why the simulated bench may be believed, and where not. Every number on it is computed here.

Pure: text and pictures out, no file is touched. What is a fit and what is a prediction is said beside each number,
because a model agrees with what it was fitted to by construction.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

from controller import Treatment
from controller.plot import Panel, Series, run_plot
from hw_sim.credibility.bench import TICKS_S, ramp, wired
from hw_sim.credibility.observations import OBSERVATIONS, Observation, Result
from hw_sim.credibility.runs import PEELED_TO, PEELING, REFERENCE_S, REFERENCE_V, peeling_table, reference_run
from hw_sim.plant import new_plant, set_contact, step
from hw_sim.rig.play import play
from hw_sim.scenario import SCENARIOS, Scenario, parse

_BUDGET_DOSE: Final = {0.05: 0.1, 0.1: 0.1, 0.5: 0.3, 1.0: 0.5, 2.0: 1.5, 4.0: 5.0}  # mA: mA.min, a minute or so
UNSEEN: Final = ("slow-peel", "sudden-peel", "peeling")
CONTACT_TRIP: Final = 1.12

_STANDING: Final = {
    "fitted": "fit: it shaped the parameters",
    "predicted": "prediction: no parameter was chosen by it",
    "imposed": "built in: the number, or the fault, is put in and seen to act",
}


def page() -> dict[str, str]:
    """The page and its pictures, by file name relative to ``docs``."""
    rows = [(row, row.compute()) for row in OBSERVATIONS]
    parts = [_HEAD, _observed(rows), _reference(), _peeling(), _budget(), _unseen(), _NOT]
    return {
        "simulator.md": "\n".join(parts),
        "simulator/observations.svg": bands(rows),
        "simulator/reference-run.svg": _reference_plot(),
        "simulator/peeling.svg": _peeling_plot(),
    }


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


# -- what others observed -----------------------------------------------------------------------------------------


def _span(result: Result) -> str:
    if result.low == float("-inf"):
        return f"below {result.high:g}"
    return f"{result.low:g} to {result.high:g}"


def _observed(rows: list[tuple[Observation, Result]]) -> str:
    def cells(row: Observation, got: Result) -> tuple[str, ...]:
        unit = "" if row.unit == "times" else f" {row.unit}"
        return (
            str(row.number), row.what, row.source, row.conditions, f"**{got.value:.3g}**{unit}", _span(got) + unit,
            _STANDING[row.standing] + ("" if got.agrees else ": DISAGREES"),
        )  # fmt: skip

    head = ("#", "published", "source", "conditions of the model", "model", "accepted", "what it is worth")
    return _OBSERVED + _table(head, [cells(row, got) for row, got in rows])


def bands(rows: list[tuple[Observation, Result]]) -> str:
    """Each observation as a band of what is accepted, with the model as a mark in it."""
    shown = [(row, got) for row, got in rows if got.low > float("-inf")]
    height = 26 * len(shown) + 30
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 {height}" width="900" height="{height}" '
        'font-family="sans-serif" font-size="13" role="img">',
        "<title>Published observations: the accepted band and where the model lies in it</title>",
        "<style>.t{fill:#1a212b}.b{fill:#c9d6e4}.m{fill:#0a5ea8}"
        "@media (prefers-color-scheme:dark){.t{fill:#e6eaf0}.b{fill:#33465c}.m{fill:#63b3f7}}</style>",
    ]
    for n, (row, got) in enumerate(shown):
        y = 24 + 26 * n
        share = (got.value - got.low) / (got.high - got.low)
        at = 560 + 240 * min(max(share, -0.1), 1.1)
        sign = "" if row.unit == "times" else f" {row.unit}"
        body.append(
            f'<text class="t" x="10" y="{y + 5}">{row.number}  {_short(row.what)}</text>'
            f'<text class="t" x="552" y="{y + 5}" text-anchor="end">{got.low:g}</text>'
            f'<rect class="b" x="560" y="{y - 6}" width="240" height="12"/>'
            f'<text class="t" x="808" y="{y + 5}">{got.high:g}{sign}</text>'
            f'<rect class="m" x="{at - 2.5:.1f}" y="{y - 10}" width="5" height="20"/>'
        )
    return "\n".join([*body, "</svg>", ""])


def _short(text: str, most: int = 66) -> str:
    text = text.replace("&", "and")
    return text if len(text) <= most else text[: text.rindex(" ", 0, most)] + " …"


# -- its own runs -------------------------------------------------------------------------------------------------


def _reference() -> str:
    rows: list[tuple[str, ...]] = []
    for load, wanted in REFERENCE_V.items():
        got = reference_run(load)
        rows.append((load, *(f"{volts:.1f}" for volts in got)))
        rows.append(("*design*", *(f"*{volts:.1f}*" for volts in wanted)))
    return _REFERENCE + _table(("V at", *(f"{second} s" for second in REFERENCE_S)), rows)


def _peeling() -> str:
    rows: list[tuple[str, ...]] = []
    for over_s, wanted in PEELING.items():
        name = "sudden" if over_s < 1 else f"over {over_s:g} s"
        rows.append((name, *(f"{rise:.2f}" for rise in peeling_table(over_s))))
        rows.append(("*design*", *(f"*{rise:.2f}*" for rise in wanted)))
    return _PEELING + _table(("contact left", *(f"{share:.0%}" for share in PEELED_TO)), rows)


def _reference_plot() -> str:
    def volts(load: str, name: str, style: str) -> Series:
        t_s, v = array("d"), array("d")
        p = new_plant(load=load)
        p.relay = 1
        for tick in ramp(p, 4.0, over_s=30, until_s=600):
            if tick % TICKS_S == 0:
                t_s.append(tick / TICKS_S)
                v.append(p.v_v)
        return Series(name, t_s, v, style)  # type: ignore[arg-type]

    lines = (volts("dry-skin", "dry skin", "target"), volts("skin", "prepared skin", "measured"))
    return run_plot("4 mA on 10 cm2 and 25 cm2, 30 s ramp", "A good start: the voltage only falls after the ramp, "
                    "and dry skin ends where prepared skin does.", (Panel("Voltage", "V", lines),), ())  # fmt: skip


def _peeling_plot(left: float = 0.2) -> str:
    def rise(over_s: float) -> Series:
        p = wired()
        for _ in ramp(p, 4.0, over_s=30, until_s=300):
            pass
        t_s, y, lowest = array("d"), array("d"), p.v_v / p.i_a
        for tick in range(1, 420 * TICKS_S + 1):
            share = min(tick / (over_s * TICKS_S), 1.0)
            if share < 1.0 or tick <= over_s * TICKS_S + 1:
                set_contact(p, "drug", 1.0 - (1.0 - left) * share)
            step(p)
            lowest = min(lowest, p.v_v / p.i_a)
            if tick % TICKS_S == 0:
                t_s.append(300 + tick / TICKS_S)
                y.append(p.v_v / p.i_a / lowest)
        return Series("v/i over its minimum", t_s, y)

    trip = Series(f"the unit trips at {CONTACT_TRIP:g}", (300, 720), (CONTACT_TRIP, CONTACT_TRIP), "target")
    panels = [
        Panel("sudden" if over_s < 1 else f"over {over_s:g} s", "times", (trip, rise(over_s))) for over_s in PEELING
    ]
    return run_plot(f"Peeling to {left:.0%} from 300 s, at 4 mA", "The same patch and the "
                    "same burn underneath, and three different signals.", panels, ())  # fmt: skip


# -- the front end ------------------------------------------------------------------------------------------------


def _budget() -> str:
    rows = []
    for ma in _BUDGET_DOSE:
        played = play(parse("bench-5k"), Treatment.short(ma, _BUDGET_DOSE[ma], "+"))
        hold = [n for n, (_, sample) in enumerate(played.samples) if sample.state.value == "HOLD"]
        middle = hold[len(hold) // 2 :]
        told = sum(played.samples[n][1].unit.i_ua for n in middle) / len(middle)
        begin, end = played.samples[middle[0]][0], played.samples[middle[-1]][0]
        true = [i for t, i in zip(played.witness.t_us, played.witness.i_ma, strict=True) if begin <= t <= end]
        flowed = sum(true) / len(true) * 1000
        error = flowed - ma * 1000
        rows.append((f"{ma:g}", f"{flowed:.2f}", f"{error:+.2f}", f"{error / ma / 10:+.2f}", f"{told - flowed:+.2f}"))
    p = new_plant()
    lsb_ua = p.a_per_code * 1e6
    parts = [
        ("DAC, one code", f"{lsb_ua:.2f} uA", "quantises the set-point; half a code at most"),
        (
            "DAC, slope",
            f"{(p.a_per_code / (4.2e-3 / 4095) - 1) * 100:+.2f} %",
            "taken out by the regulator from 0.1 mA up",
        ),
        ("delivery channel, slope", f"{(p.gain_i - 1) * 100:+.2f} %", "stays: the regulator believes it"),
        ("return channel, slope", f"{(p.gain_i2 - 1) * 100:+.2f} %", "only compared"),
        ("current channel, one code", f"{5e3 / 65535:.3f} uA", "and as much noise, rms"),
        ("offsets", f"{p.offset_i:g} and {p.offset_i2:g} codes", "taken out by the zero before every ARM"),
        ("output resistance", f"{p.r_out_ohm / 1e6:g} Mohm", "1 uA at 10 V; taken out by the regulator"),
        ("voltage channel, slope", f"{(p.gain_v - 1) * 100:+.2f} %", "in every impedance"),
    ]
    return (
        _BUDGET
        + _table(("part", "size", "what becomes of it"), parts)
        + _MEASURED
        + _table(("set, mA", "flowed, uA", "error, uA", "error, %", "reported minus flowed, uA"), rows)
    )


# -- what stays unseen --------------------------------------------------------------------------------------------


def _unseen() -> str:
    rows = []
    for name in UNSEEN:
        scenario: Scenario = SCENARIOS[name]
        played = play(scenario)
        peak = max(played.witness.j_ma_cm2)
        before = sorted(played.witness.j_ma_cm2)[len(played.witness.j_ma_cm2) // 2]
        rows.append((f"`{name}`", scenario.expect, played.happened.outcome, f"{before:.2f}", f"{peak:.2f}"))
    head = ("scenario", "what happens", "outcome", "usual density", "highest density, mA/cm2")
    return _UNSEEN + _table(head, rows)


_HEAD = """# The simulated bench, and how far to believe it

`ionto-sim credibility --out docs` made this page: every number on it was computed then, none was typed. A test makes
it again and compares.

The simulator is a plant in floating point (skin, electrodes, leads, converters, supply, all of it once every 10 ms,
with exact exponentials in between), a firmware in integers that would run on a microcontroller, and a line. The plant
is where belief is needed; the firmware is what it is, and the line is bytes.
"""

_OBSERVED = """
## What others have measured

![Ten observations](simulator/observations.svg)

Ten published observations, each under the conditions of its source as far as they are known. What was built in or
fitted had to agree; a prediction might not have.

"""

_REFERENCE = """
## The reference run

4 mA through a 10 cm2 drug electrode and a 25 cm2 return electrode after a linear ramp of 30 s, the middle person.

![The reference run](simulator/reference-run.svg)

"""

_PEELING = """
## A peeling electrode

In that run the drug electrode begins to peel at 300 s. The table gives v/i over its running minimum when so much of
the electrode is left. The unit warns at 1.06 and trips at 1.12, on means of 10 s.

![Peeling](simulator/peeling.svg)

"""

_BUDGET = """
## The front end: where the error comes from

Every unit that the simulator makes has these errors, so that nothing is more exact than a real one; a bench can move
each of them (`ionto-sim faults`).

"""

_MEASURED = """
What they come to, into 5 kohm, second half of the hold, true current from the plant:

"""

_UNSEEN = """
## What no detector of voltage and current can see

On real skin v/i falls threefold in a good start. A peel in the first two minutes, or one slower than about three
minutes in the first ten, hides behind that fall: the current is right, the dose is right, and the density under what
is left of the electrode is not. Extrapolating the fall would find more of them and stop 5 % of healthy treatments.

"""

_NOT = """
## What the model does not do

* The skin is two contacts with one state each. Pores, hair, sweat and the way current crowds at an edge are in the
  spread between people, not in the model; a burn is not predicted, only the density that makes one.
* pH, ion depletion and the drug's own transport are not modelled: the dose is charge.
* Temperature moves the conductance at the start; the current does not warm the skin.
* Contacts change between ticks only where a fault says so (chatter, re-contact); else with the next tick of 10 ms.
* Electromagnetic disturbance is what it does to converters and bytes, not a field.
* The electronics are a source, converters and comparators as their data sheets would have them: no component fails
  but as a fault of the list.
* One person in the middle of a population is not a population: `person=N` draws others, `ionto-sim play` takes any.
"""
