"""python examples/neighbours/openhtf_dose.py [PORT]: one dose on a bench load, judged by OpenHTF."""

import sys
from pathlib import Path

import openhtf as htf

from controller.neighbours.openhtf import IontoPlug


class Bench(IontoPlug):
    port = sys.argv[1] if len(sys.argv) > 1 and "://" in sys.argv[1] else "sim://?load=5k"


@htf.plug(ionto=Bench)
@htf.measures(
    htf.Measurement("outcome").equals("DONE"),
    htf.Measurement("dose").doc("mA.min").in_range(0.199, 0.201),
    htf.Measurement("peak").doc("mA").in_range(0.98, 1.02),
)
def delivers(test, ionto):
    record = ionto.deliver(Path(__file__).with_name("bench.toml"))
    test.measurements.outcome = record.outcome
    test.measurements.dose = record.dose_ma_min
    test.measurements.peak = record.data["runs"][0]["peak_ma"]


def main() -> int:
    test = htf.Test(delivers, test_name="A dose arrives")
    return 0 if test.execute(test_start=lambda: "SN0001") else 1


if __name__ == "__main__":
    sys.exit(main())
