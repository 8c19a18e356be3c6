"""A plug for OpenHTF: the unit under test, opened for a phase and always left without current.

class Bench(IontoPlug):
    port = "/dev/ttyACM0"

@htf.plug(ionto=Bench)
@htf.measures(htf.Measurement("dose").doc("mA.min").in_range(0.99, 1.01))
def delivers(test, ionto):
    test.measurements.dose = ionto.deliver("bench.toml").dose_ma_min
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from openhtf.plugs import BasePlug

from controller.errors import IontoError
from controller.journal import Record
from controller.treatment import Treatment
from controller.unit import Unit


class IontoPlug(BasePlug):
    """``port`` is a class attribute, because OpenHTF makes its plugs itself: derive one for each bench."""

    port = "sim://"
    out: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.unit = Unit.open(self.port, purpose="an OpenHTF test")

    def deliver(self, treatment: Treatment | Path | str) -> Record:
        """Deliver to the end; the record says what came of it, whatever it was.

        Raises:
            TreatmentError: it cannot be delivered; nothing was sent.
        """
        whole = treatment if isinstance(treatment, Treatment) else Treatment.load(treatment)
        with self.unit.deliver(whole, out=self.out) as run:
            for sample in run:
                self.logger.debug("%s %.3f mA %.4f mA.min", sample.state.name, sample.current_ma, sample.dose_ma_min)
        return run.record

    def tearDown(self) -> None:
        """Called by OpenHTF whatever happened: no current, and the port given back."""
        with suppress(IontoError):  # a unit that does not answer has its lease
            self.unit.brake()
            self.unit.stop()
        self.unit.close()
