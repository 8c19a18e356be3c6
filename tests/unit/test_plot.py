"""The plots: well-formed, complete, the same every time; no spike lost, no label over another."""

from __future__ import annotations

import math
import re
from array import array
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.plot import EventMark, Panel, PlannedPhase, Series, plan_plot, run_plot
from controller.plot.axes import Scale, clock_text, nice_step, time_ticks, value_scale, value_ticks
from controller.plot.curve import COLUMNS, curve_of, path_data
from controller.plot.flags import SIZE_PX, place
from controller.plot.paint import PALETTE, plain, shorten, width_px, wrap

SVG = "{http://www.w3.org/2000/svg}"
NAN = float("nan")


def panels(n: int = 300) -> tuple[Panel, ...]:
    t_s = array("d", (k / 10 for k in range(n)))
    return (
        Panel("Current", "mA", (
            Series("set-point", t_s, array("f", (2.0 for _ in range(n))), "target"),
            Series("measured", t_s, array("f", (2 + 0.01 * math.sin(k) for k in range(n)))),
        )),
        Panel("Voltage", "V", (Series("voltage", t_s, array("f", (6 + k / 1000 for k in range(n)))),)),
        Panel("Impedance", "kohm", (Series("impedance", t_s, [NAN if k < 20 else 5.0 for k in range(n)]),)),
        Panel("Dose", "mA.min", (Series("dose", t_s, array("f", (k / 300 for k in range(n)))),), target=40.0),
    )  # fmt: skip


EVENTS = (
    EventMark(0.1, "ARMED"), EventMark(1.0, "RAMP_UP"), EventMark(15.0, "HOLD"),
    EventMark(20.0, "pause", "operator"), EventMark(25.0, "FAULT 02 Z_HIGH", "fault"),
)  # fmt: skip


def texts(svg: str) -> list[str]:
    """What is written; halos, which have no fill of their own, are left out."""
    nodes = ElementTree.fromstring(svg).iter(SVG + "text")
    return ["".join(node.itertext()) for node in nodes if node.get("fill")]


# -- the document ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 300, 5000])
def test_every_plot_is_well_formed_accessible_and_finite(n: int) -> None:
    svg = run_plot("Run", "unit SN0042", panels(n), EVENTS)
    root = ElementTree.fromstring(svg)
    assert root.tag == SVG + "svg"
    assert root.get("role") == "img"
    title, desc = root.get("aria-labelledby", "").split()
    assert [(node.tag, node.get("id")) for node in list(root)[:2]] == [
        (SVG + "title", title),
        (SVG + "desc", desc),
    ]
    assert not re.search(r"\b(nan|inf)\b", svg, re.IGNORECASE)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")  # nothing is fetched


def test_the_description_says_what_the_picture_says() -> None:
    root = ElementTree.fromstring(run_plot("Run", "unit SN0042", panels(), EVENTS))
    said = root.findtext(SVG + "desc", "")
    assert said.startswith("unit SN0042 Current, set-point: 2 to 2 mA. Current, measured: 1.99 to 2.01 mA.")
    assert "Impedance, impedance: 5 to 5 kΩ." in said
    assert "Dose, dose: 0 to 0.9967 mA·min, target 40 mA·min." in said
    assert said.endswith("Events: 0:00 ARMED; 0:01 RAMP_UP; 0:15 HOLD; 0:20 pause; 0:25 FAULT 02 Z_HIGH.")


def test_the_same_run_gives_the_same_text() -> None:
    assert run_plot("Run", "x", panels(), EVENTS) == run_plot("Run", "x", panels(), EVENTS)
    assert run_plot("Run", "x", panels(), EVENTS) == run_plot("Run", "x", panels(), EVENTS[::-1])


def test_headings_axes_target_and_last_value_are_written() -> None:
    seen = texts(run_plot("Run", "unit SN0042", panels(), EVENTS))
    for expected in (
        "Run", "unit SN0042", "CurrentmA", "VoltageV", "ImpedancekΩ", "DosemA·min", "set-point", "measured",
        "target 40 mA·min", "0.997 mA·min", "time, s", "25",
    ):  # fmt: skip
        assert expected in seen


def test_every_event_has_its_label_and_its_line() -> None:
    svg = run_plot("Run", "x", panels(), EVENTS)
    for label in ("ARMED", "RAMP_UP", "HOLD", "pause", "FAULT 02 Z_HIGH"):
        assert label in texts(svg)
    lines = [node.findtext(SVG + "title") for node in ElementTree.fromstring(svg).iter(SVG + "path")]
    assert [line for line in lines if line and line[0].isdigit()] == [
        "0:00 ARMED", "0:01 RAMP_UP", "0:15 HOLD", "0:20 pause", "0:25 FAULT 02 Z_HIGH",
    ]  # fmt: skip


def test_a_fault_has_a_colour_and_a_shape() -> None:
    alarm, triangle = PALETTE["alarm"][0], "m0,-6.5l6.5,11.5h-13z"
    with_fault = run_plot("Run", "x", panels(), EVENTS)
    without = run_plot("Run", "x", panels(), EVENTS[:-1])
    assert f'stroke="{alarm}"' in with_fault
    assert triangle in with_fault
    assert f'"{alarm}"' not in without
    assert triangle not in without


def test_light_colours_are_attributes_and_dark_ones_a_style() -> None:
    svg = run_plot("Run", "x", panels(), EVENTS)
    style = ElementTree.fromstring(svg).findtext(SVG + "style", "")
    assert style.startswith("@media screen and (prefers-color-scheme:dark){")
    for name, (light, dark) in PALETTE.items():
        assert light not in style
        assert f".ionto-f-{name}{{fill:{dark}}}" in style
    assert f'<rect width="100%" height="100%" class="ionto-f-ground" fill="{PALETTE["ground"][0]}"/>' in svg


def test_empty_run_says_so() -> None:
    assert texts(run_plot("Run", "x", panels(0), [])).count("no samples") == 4


def test_no_panels_and_no_events_is_still_a_document() -> None:
    assert ElementTree.fromstring(run_plot("Run", "", (), ())).tag == SVG + "svg"


def test_text_of_others_cannot_break_out() -> None:
    nasty = '</text><script>alert("1")</script>&\x00\x1b\ud800'
    svg = run_plot(nasty, nasty, panels(), [EventMark(1.0, nasty, "operator")])
    root = ElementTree.fromstring(svg)
    assert not list(root.iter(SVG + "script"))
    assert '</text><script>alert("1")</script>&\ufffd\ufffd?' in texts(svg)
    assert plain("".join(map(chr, range(32)))).count("\ufffd") == 29  # all but tab, LF and CR
    assert plain("a<b>&\"c'") == "a&lt;b&gt;&amp;&quot;c'"


def test_two_plots_of_a_page_have_different_ids() -> None:
    ids = [re.search(r'aria-labelledby="(\S+)', run_plot("Run", name, panels(), []))[1] for name in ("a", "b")]
    assert ids[0] != ids[1]


# -- curves ------------------------------------------------------------------------------------------------


def test_a_spike_of_one_sample_is_drawn_at_its_time() -> None:
    n = 140_000
    y = [1.0] * n
    y[77_777], y[77_781] = 9.0, -3.0
    curve = curve_of([k / 10 for k in range(n)], y)
    (times, values) = curve.parts[0]
    assert (curve.low, curve.high) == (-3.0, 9.0)
    assert values[times.index(7777.7)] == 9.0
    assert values[times.index(7778.1)] == -3.0
    assert len(times) <= 2 * (COLUMNS + 2)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=400), st.integers(1, 40))
def test_reduction_keeps_extremes_ends_order_and_invents_nothing(y: list[float], columns: int) -> None:
    t_s = [k / 4 for k in range(len(y))]
    curve = curve_of(t_s, y, columns=columns)
    ((times, values),) = curve.parts
    assert (min(values), max(values)) == (min(y), max(y)) == (curve.low, curve.high)
    assert (times[0], values[0]) == (t_s[0], y[0])
    assert curve.end == (t_s[-1], y[-1])
    assert times == sorted(times)
    assert all(y[round(t * 4)] == value for t, value in zip(times, values, strict=True))
    assert len(values) <= 2 * (columns + 2)


def test_what_was_not_measured_is_not_drawn() -> None:
    #       absent      gap of 5 s
    t_s = [0.0, 0.5, 1.0, 1.5, 6.5, 7.0, 7.5]
    y = [1.0, NAN, 2.0, 3.0, 4.0, math.inf, 5.0]
    curve = curve_of(t_s, y)
    assert curve.parts == [([0.0], [1.0]), ([1.0, 1.5], [2.0, 3.0]), ([6.5], [4.0]), ([7.5], [5.0])]
    x, up = Scale(0, 10, 0, 100), Scale(0, 10, 100, 0)
    assert path_data(curve, x, up) == [
        "M0.0,90.0 0.0,90.0", "M10.0,80.0 15.0,70.0", "M65.0,60.0 65.0,60.0", "M75.0,50.0 75.0,50.0",
    ]  # fmt: skip


@pytest.mark.parametrize("y", [[], [NAN, NAN], [math.inf]])
def test_nothing_to_draw_is_none(y: list[float]) -> None:
    assert curve_of([0.0, 0.1][: len(y)], y) is None


def test_a_level_stretch_takes_two_points() -> None:
    curve = curve_of([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0, 3.0])
    assert path_data(curve, Scale(0, 4, 0, 40), Scale(0, 10, 100, 0)) == ["M0.0,90.0 30.0,90.0 40.0,70.0"]


def test_columns_of_unlike_length_and_equal_times_are_drawn() -> None:
    assert curve_of([0.0, 0.1, 0.2], [1.0, 2.0]).end == (0.1, 2.0)
    assert curve_of([0.0], [1.0, NAN]).end == (0.0, 1.0)
    assert curve_of([5.0] * 10, [float(k) for k in range(10)], columns=2).high == 9.0


def test_a_plan_is_drawn_across_its_long_hold() -> None:
    corners = ((0.0, 0.0), (20.0, 2000.0), (1205.0, 2000.0), (1215.0, 0.0))
    svg = run_plot("Run", "x", panels(), [], planned=corners)
    assert "planned" in texts(svg)
    (path,) = [
        node.get("d")
        for node in ElementTree.fromstring(svg).iter(SVG + "path")
        if node.findtext(SVG + "title") == "planned"
    ]
    assert path.count("M") == 1
    assert len(path.split()) == 4


# -- axes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "most", "step"),
    [(10, 5, 2), (10.1, 5, 5), (1.0, 10, 0.1), (0.003, 3, 0.001), (60, 4, 20), (4, 4, 1)],
)
def test_steps_are_1_2_or_5(span: float, most: int, step: float) -> None:
    assert nice_step(span, most) == pytest.approx(step)


@pytest.mark.parametrize(
    ("high", "labels", "meaning"),
    [
        (4.0, ["0.0", "0.5", "1.0"], "s"),
        (60.0, ["0", "5", "10"], "s"),
        (1215.0, ["0:00", "2:00", "4:00"], "min:s"),
        (300.0, ["0:00", "0:30", "1:00"], "min:s"),
        (14_400.0, ["0:00", "0:30", "1:00"], "h:min"),
        (200_000.0, ["0:00", "8:00", "16:00"], "h:min"),
    ],
)
def test_time_is_told_as_a_clock_tells_it(high: float, labels: list[str], meaning: str) -> None:
    ticks, told = time_ticks(0.0, high, 12)
    assert ([tick.label for tick in ticks[:3]], told) == (labels, meaning)
    assert 4 <= len(ticks) <= 13


def test_clock_text() -> None:
    assert [clock_text(t) for t in (0, 59.99, 60, 1215.5, 7200)] == [
        "0:00",
        "0:59",
        "1:00",
        "20:15",
        "120:00",
    ]


def test_values_begin_at_zero_with_room_above() -> None:
    scale = value_scale([(4.9, 5.1)], [5.0], 0.0, 100.0)
    assert (scale.low, scale.start_px) == (0.0, 100.0)
    assert scale.px(5.1) == pytest.approx(100 - 100 / 1.08)
    assert [tick.label for tick in value_ticks(scale)] == ["0", "2", "4"]


def test_noise_below_zero_opens_no_negative_half_but_real_values_do() -> None:
    assert value_scale([(-0.001, 2.0)], [0.0], 0.0, 100.0).low == 0.0
    below = value_scale([(-1.0, 2.0)], [0.0], 0.0, 112.0)
    assert below.low < -1.0
    assert [tick.label for tick in value_ticks(below)] == ["−1", "0", "1", "2"]


def test_an_open_lead_makes_the_impedance_logarithmic() -> None:
    scale = value_scale([(4.0, 2700.0)], [5.0] * 100 + [2700.0], 0.0, 118.0)
    assert scale.log
    assert [tick.label for tick in value_ticks(scale)] == ["10", "100", "1000"]
    assert scale.px(100.0) == pytest.approx((scale.px(10.0) + scale.px(1000.0)) / 2)
    assert not value_scale([(4.0, 60.0)], [5.0] * 100, 0.0, 118.0).log


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
@example(0.0, 5e-324, 1.0)
def test_any_scale_has_a_few_ticks_inside_it(a: float, b: float, usual: float) -> None:
    low, high = min(a, b), max(a, b)
    scale = value_scale([(low, high)], [min(max(usual, low), high)], 0.0, 118.0)
    ticks = value_ticks(scale)
    assert 1 <= len(ticks) <= 9
    span = scale.high - scale.low
    assert all(scale.low - span * 1e-6 <= tick.value <= scale.high + span * 1e-6 for tick in ticks)


# -- flags -------------------------------------------------------------------------------------------------

KINDS = ["state", "phase", "operator", "pause", "stop", "warning", "fault"]
MARKS = st.lists(
    st.builds(
        EventMark,
        st.floats(0, 1200),
        st.sampled_from(["HOLD", "PAUSING", "x", "W" * 80]),
        st.sampled_from(KINDS),
    ),
    max_size=60,
)


@given(MARKS)
def test_no_label_lies_over_another_or_outside(marks: list[EventMark]) -> None:
    flags, _ = place(marks, Scale(0, 1200, 70, 930), 70, 945)
    boxes = []
    for flag in flags:
        width = width_px(flag.label, SIZE_PX) + 8
        boxes.append((flag.lane, *((flag.x - width, flag.x) if flag.leftward else (flag.x, flag.x + width))))
    for lane, begin, end in boxes:
        assert begin >= 60
        assert end <= 960
        assert sum(1 for other, a, b in boxes if other == lane and a < end and begin < b) == 1


def test_where_room_is_short_a_fault_keeps_its_label() -> None:
    crowd = [EventMark(600 + k / 2, "N" * 40, "operator") for k in range(200)]
    flags, left_out = place([*crowd, EventMark(620.0, "FAULT 01 OPEN", "fault")], Scale(0, 1200, 70, 930), 70, 945)
    assert [flag.label for flag in flags if flag.kind == "fault"] == ["FAULT 01 OPEN"]
    assert left_out > 0
    svg = run_plot("Run", "x", panels(), [*crowd, EventMark(620.0, "FAULT 01 OPEN", "fault")])
    assert any("left out for want of room" in text for text in texts(svg))


def test_neighbours_of_one_kind_share_a_label() -> None:
    x = Scale(0, 1200, 70, 930)
    near = [
        EventMark(0.0, "CHECK"),
        EventMark(2.0, "ARMED"),
        EventMark(3.0, "RAMP_UP"),
        EventMark(600.0, "HOLD"),
    ]
    assert [flag.label for flag in place(near, x, 70, 945)[0]] == ["CHECK → ARMED → RAMP_UP", "HOLD"]
    same = [EventMark(t / 10, "resume", "operator") for t in range(3)]
    assert [flag.label for flag in place(same, x, 70, 945)[0]] == ["resume ×3"]
    many = [EventMark(t / 10, f"S{t}") for t in range(9)]
    assert [flag.label for flag in place(many, x, 70, 945)[0]] == ["S0 → … → S8 (9)"]


def test_an_operators_stop_and_pause_have_their_signs() -> None:
    marks = [EventMark(100.0, "stop", "operator"), EventMark(600.0, "pause", "operator")]
    assert [flag.kind for flag in place(marks, Scale(0, 1200, 70, 930), 70, 945)[0]] == ["stop", "pause"]


# -- text --------------------------------------------------------------------------------------------------


def test_long_text_is_wrapped_and_in_the_end_shortened() -> None:
    assert wrap("one two three", 60, 10, 2) == ["one two", "three"]
    lines = wrap("word " * 200, 300, 12, 3)
    assert len(lines) == 3
    assert lines[2].endswith("…")
    assert all(width_px(line, 12) <= 300 for line in lines)
    assert wrap("", 300, 12, 3) == []


@given(st.text(max_size=50), st.floats(20, 200))
def test_shortened_text_fits(text: str, width: float) -> None:
    assert width_px(shorten(text, width, 10), 10) <= width


# -- the plan ----------------------------------------------------------------------------------------------


def test_plan_shows_each_phase_with_its_charge_by_hand() -> None:
    # 2 mA: ramps 20 s and 10 s give 20 + 10 mC, 1185 s of hold 2370 mC: 2400 mC = 40 mA.min.
    # 3 mA: 30 s and 15 s give 45 + 22.5 mC, 570 s of hold 1710 mC: 1777.5 mC = 29.625 mA.min.
    first = PlannedPhase(((0, 0), (20, 2000), (1205, 2000), (1215, 0)), "dexamethasone")
    second = PlannedPhase(((0, 0), (30, 3000), (600, 3000), (615, 0)))
    seen = texts(plan_plot("Plan", [first, second], "two phases"))
    assert "dexamethasone: 2 mA, 40 mA·min, 20:15" in seen
    assert "phase 2: 3 mA, 29.62 mA·min, 10:15" in seen
    assert "end 30:30" in seen
    assert "69.62 mA·min" in seen
    assert "target 69.625 mA·min" in seen


def test_the_charge_of_a_ramp_is_a_parabola() -> None:
    svg = plan_plot("Plan", [PlannedPhase(((0, 0), (60, 6000)))])
    (line,) = [
        node.get("d")
        for node in ElementTree.fromstring(svg).iter(SVG + "path")
        if node.findtext(SVG + "title") == "cumulative dose"
    ]
    points = [tuple(map(float, pair.split(","))) for pair in line[1:].split()]
    (x0, y0), (xm, ym), (x1, y1) = points[0], points[12], points[-1]
    assert (xm - x0) / (x1 - x0) == pytest.approx(0.5, abs=0.001)
    assert (ym - y0) / (y1 - y0) == pytest.approx(0.25, abs=0.002)  # half the time, a quarter of the charge


@pytest.mark.parametrize("phases", [[], [PlannedPhase(())]])
def test_an_empty_plan_says_so(phases: list[PlannedPhase]) -> None:
    assert texts(plan_plot("Plan", phases)).count("nothing planned") == 2
