"""The procedures, one small file a family; ``PROCEDURES`` by the names that recipes use."""

from __future__ import annotations

from typing import Final

from controller.bench.procedures.at_rest import LEAKAGE, SELF_TEST, TELEMETRY
from controller.bench.procedures.calibration import CALIBRATION
from controller.bench.procedures.contact import CONTACT_CHECK
from controller.bench.procedures.current import ACCURACY, POLARITY, RIPPLE
from controller.bench.procedures.dose import DOSE
from controller.bench.procedures.procedure import Procedure
from controller.bench.procedures.restart import RESTART
from controller.bench.procedures.shape import COMPLIANCE, HOLD, RAMP
from controller.bench.procedures.stopping import LEASE, STOPPING
from controller.bench.procedures.trips import TRIPS_PROCEDURE

PROCEDURES: Final[dict[str, Procedure]] = {
    procedure.name: procedure
    for procedure in (
        SELF_TEST, LEAKAGE, TELEMETRY, CONTACT_CHECK, POLARITY, RAMP, ACCURACY, RIPPLE, COMPLIANCE, DOSE, STOPPING,
        LEASE, TRIPS_PROCEDURE, RESTART, HOLD, CALIBRATION,
    )
}  # fmt: skip
