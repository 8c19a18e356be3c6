"""python examples/neighbours/pymeasure_dose.py [PORT]: read, deliver, stop half-way, by PyMeasure's names."""

import sys
from pathlib import Path

from controller import Treatment, Unit
from controller.neighbours.pymeasure import IontoUnit


def main(port: str = "sim://?load=5k") -> int:
    unit = IontoUnit(Unit.open(port), "bench unit")
    print(unit.id, unit.state)
    treatment = Treatment.load(Path(__file__).with_name("bench.toml"))
    for sample in unit.deliver(treatment, out=None):
        if sample.dose_ma_min > 0.1:
            print(f"{unit.current * 1000:.2f} mA at {unit.voltage:.2f} V: half the dose, enough")
            break
    unit.stop()
    print(f"{unit.current * 1000:.2f} mA")
    unit.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
