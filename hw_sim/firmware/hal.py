"""What the firmware asks of its board. A board derives from this; nothing else touches hardware."""

from .record import Record


class Hal:
    serial = "SN0000"
    model = "IONTO-4"
    rate = 1  # unit seconds per second: 1 on every real board
    simulated = False
    reset_cause = 0  # 0 power, 1 watchdog
    jumper = False  # bench and calibration jumper: runs are recorded and not counted in the dose window, CAL is allowed
    calibrates = False  # whether there is such a jumper to fit: cap says CAL

    def uptime_ms(self) -> int:
        """Milliseconds since power-on; the firmware wraps it at 2^32."""
        raise NotImplementedError

    def sense(self, s: Record) -> None:
        """Write the raw codes, the relay's feedback and the comparators into the record; and, when one of supply,
        temperature, interlock and stop button has moved, hand all four to ``inputs.heard``. A board without one of
        them leaves it as the record begins.
        """
        raise NotImplementedError

    def reference_mv(self) -> int:
        """A second reference, 2500 mV, as the converters read it; a board without one cannot test the first."""
        return 2500

    def drive(self, s: Record) -> None:
        """Take DAC code, relay and bridge from the record, and feed the watchdog."""
        raise NotImplementedError

    def send(self, conn: int, data: bytes) -> bool:
        """Queue one whole line for a connection; False when it does not fit, and then nothing of it was queued."""
        raise NotImplementedError

    def nvm_read(self, slot: str) -> bytes | None:
        """What was written to a slot, None if it never was; what there is of it when a write was cut short."""
        raise NotImplementedError

    def nvm_write(self, slot: str, data: bytes) -> bool:
        """Begin to write a slot whole; False when the memory refuses. Not called while ``nvm_busy``."""
        raise NotImplementedError

    def nvm_busy(self) -> bool:
        """Whether the last write is still under way."""
        return False
