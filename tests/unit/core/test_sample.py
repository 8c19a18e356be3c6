"""Samples in the units people read, and the treatment's time axis over wraps and resets."""

import pytest

from controller.sample import Sample, TimeAxis
from controller.wire import Telemetry, UnitState

LINE = Telemetry(0x4A17, 0x02F3, 82_100, UnitState.HOLD, 1500, 1498, 1499, 6270, 4186, 82_470, 1830, False, True, 0)


def test_a_sample_in_the_units_people_read() -> None:
    sample = Sample(12.5, 1, LINE)
    assert (sample.t_s, sample.phase, sample.unit) == (12.5, 1, LINE)
    assert (sample.current_ma, sample.voltage_v, sample.impedance_ohm) == (1.498, 6.27, 4186)
    assert sample.dose_ma_min == pytest.approx(1.3745)
    assert sample.state is UnitState.HOLD


def test_impedance_means_nothing_below_20_ua_and_0_is_a_short_circuit() -> None:
    assert Sample(0.0, 1, LINE._replace(i_ua=19)).impedance_ohm is None
    assert Sample(0.0, 1, LINE._replace(i_ua=20, z_ohm=0)).impedance_ohm == 0


@pytest.mark.parametrize("start_ms", [0, 5000, (1 << 32) - 150])
def test_time_is_the_units_own_from_its_first_line_also_past_2_to_32_ms(start_ms: int) -> None:
    axis = TimeAxis()
    times = [axis.at((start_ms + after_ms) % (1 << 32), 1000.0 + after_ms) for after_ms in (0, 100, 200, 200, 60_200)]
    assert times == [0.0, 0.1, 0.2, 0.2, 60.2]


def test_across_a_reset_of_the_unit_time_is_the_hosts() -> None:
    axis = TimeAxis()
    assert [axis.at(500_000, 70.0), axis.at(500_100, 70.1)] == [0.0, 0.1]
    assert axis.at(12, 72.6) == 2.6  # uptime began anew; 2.5 s by the host's clock
    assert axis.at(112, 72.7) == 2.7


def test_time_never_runs_backwards() -> None:
    axis = TimeAxis()
    axis.at(500_000, 70.0)
    assert axis.at(499_900, 69.0) == 0.0
    assert axis.at(500_000, 69.1) == 0.1
