"""A device for ophyd-async, and so for Bluesky plans: set it to a treatment, read what flowed.

    device = IontoDevice(await AsyncUnit.open("/dev/ttyACM0"), name="ionto")
    yield from bps.abs_set(device, Treatment.load("bench.toml"), wait=True)
    yield from bps.trigger_and_read([device])

``set`` is done when the treatment is over; it fails where the treatment was not delivered. ``stop`` is a STOP, and what
Bluesky calls on an abort.
"""

from __future__ import annotations

from ophyd_async.core import AsyncStatus, StandardReadable, soft_signal_r_and_setter
from ophyd_async.core import StandardReadableFormat as Format

from controller.aio import AsyncSession, AsyncUnit
from controller.treatment import Treatment


class IontoDevice(StandardReadable):
    """Signals: ``current_ma voltage_v dose_ma_min state``, of the newest telemetry; ``outcome`` of the last run."""

    def __init__(self, unit: AsyncUnit, name: str = "") -> None:
        self._unit = unit
        self._run: AsyncSession | None = None
        with self.add_children_as_readables(Format.HINTED_SIGNAL):
            self.current_ma, self._set_current = soft_signal_r_and_setter(float, units="mA", precision=3)
            self.voltage_v, self._set_voltage = soft_signal_r_and_setter(float, units="V", precision=3)
            self.dose_ma_min, self._set_dose = soft_signal_r_and_setter(float, units="mA.min", precision=4)
        with self.add_children_as_readables():
            self.state, self._set_state = soft_signal_r_and_setter(str)
            self.outcome, self._set_outcome = soft_signal_r_and_setter(str)
        super().__init__(name=name)

    @AsyncStatus.wrap
    async def set(self, treatment: Treatment) -> None:
        """Deliver to the end.

        Raises:
            IontoError: why it was not delivered; the record says what was.
        """
        async with self._unit.deliver(treatment, out=None) as run:
            self._run = run
            try:
                async for sample in run:
                    self._set_current(sample.current_ma)
                    self._set_voltage(sample.voltage_v)
                    self._set_dose(sample.dose_ma_min)
                    self._set_state(sample.state.name)
            finally:
                self._run = None
        self._set_outcome(run.record.outcome)
        run.raise_for_outcome()

    async def stop(self, success: bool = False) -> None:
        """Ramp to zero within a second. ``success`` is Bluesky's word for whether the plan meant it."""
        if self._run is not None:
            self._run.stop("the plan" if success else "the plan's end")
        else:
            await self._unit.stop()
