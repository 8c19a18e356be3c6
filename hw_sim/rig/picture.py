"""Truth beside telemetry: what the unit reported, drawn over what really flowed, with the events as it made them."""

from __future__ import annotations

from array import array

from controller.plot import EventKind, EventMark, Panel, Series, run_plot
from hw_sim.rig.play import Play


def picture(play: Play) -> str:
    """One SVG: current, voltage and dose, each reported and true, on the world's own time axis."""
    truth, samples = play.witness, play.samples
    true_s = array("d", (t / 1e6 for t in truth.t_us))
    told_s = array("d", (t / 1e6 for t, _ in samples))

    def told(values: list[float]) -> Series:
        return Series("reported", told_s, array("f", values))

    name = play.scenario.name
    if play.treatment.name != name:
        name += f": {play.treatment.name}"
    return run_plot(
        name,
        play.scenario.expect,
        (
            Panel("Current", "mA", (
                Series("true", true_s, truth.i_ma, "target"), told([s.current_ma for _, s in samples]),
            )),
            Panel("Voltage", "V", (
                Series("true", true_s, truth.v_v, "target"), told([s.voltage_v for _, s in samples]),
            )),
            Panel("Dose", "mA.min", (
                Series("true", true_s, truth.dose_ma_min, "target"), told([s.dose_ma_min for _, s in samples]),
            ), ),
        ),
        [EventMark(at / 1e6, text, _kind(text)) for at, text in play.happened.events],
    )  # fmt: skip


def _kind(text: str) -> EventKind:
    return "fault" if text.startswith("FAULT ") else "warning" if text.startswith(("WARN", "LINK")) else "state"
