"""An instrument for PyMeasure: readings and stops as properties and methods, treatments by ``deliver``.

    from controller.neighbours.pymeasure import IontoUnit

    unit = IontoUnit(Unit.open("/dev/ttyACM0"))
    print(unit.current, unit.voltage, unit.state)
    for sample in unit.deliver(Treatment.load("bench.toml")):
        emit("results", {"Time (s)": sample.t_s, "Current (mA)": sample.current_ma})

The readings go through the unit's plain door, which can read and stop and nothing else; there is no property that sets
a current, because a current needs a treatment with all that belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument, SCPIMixin

from controller.sample import Sample
from controller.treatment import Treatment
from controller.unit import Unit


class UnitAdapter(Adapter):
    """Lines of the plain door over a unit's own link."""

    def __init__(self, unit: Unit) -> None:
        super().__init__()
        self.unit = unit
        self._answer = ""

    def _write(self, command: str, **kwargs: object) -> None:
        if command.split(" ", 1)[0].endswith("?"):
            self._answer = self.unit.query(command)
        else:
            self.unit.tell(command)

    def _read(self, **kwargs: object) -> str:
        return self._answer

    def close(self) -> None:
        self.unit.close()


class IontoUnit(SCPIMixin, Instrument):
    def __init__(self, unit: Unit, name: str = "iontophoresis unit") -> None:
        super().__init__(UnitAdapter(unit), name)

    current = Instrument.measurement("MEAS:CURR?", "The measured current in A.")
    voltage = Instrument.measurement("MEAS:VOLT?", "The voltage over the electrodes in V.")
    impedance = Instrument.measurement("MEAS:RES?", "Voltage over current in ohm; 9.91E37 without current.")
    state = Instrument.measurement(
        "MEAS:ALL?", "The state, as HOLD.", get_process_list=lambda values: values[0], cast=str
    )

    def stop(self) -> None:
        """Ramp to zero within a second, from any state."""
        self.adapter.unit.stop()

    def deliver(self, treatment: Treatment, **options: object) -> Iterator[Sample]:
        """The samples of a treatment; a loop that ends early stops the unit."""
        with self.adapter.unit.deliver(treatment, **options) as run:
            yield from run

    def shutdown(self) -> None:
        """No current, and the port given back."""
        self.stop()
        self.adapter.close()
        super().shutdown()
