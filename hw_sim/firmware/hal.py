"""What the firmware asks of its board. A board derives from this; nothing else touches hardware."""

from .record import Record


class Hal:
    serial = "SN0000"
    model = "IONTO-4"
    rate = 1  # unit seconds per second: 1 on every real board
    simulated = False
    reset_cause = 0  # 0 power, 1 watchdog
    jumper = False  # bench jumper: runs are recorded and not counted in the dose window

    def uptime_ms(self) -> int:
        """Milliseconds since power-on; the firmware wraps it at 2^32."""
        raise NotImplementedError

    def sense(self, s: Record) -> None:
        """Write the raw codes, the relay's feedback and the comparators into the record."""
        raise NotImplementedError

    def drive(self, s: Record) -> None:
        """Take DAC code, relay and bridge from the record, and feed the watchdog."""
        raise NotImplementedError

    def send(self, conn: int, data: bytes) -> bool:
        """Queue one whole line for a connection; False when it does not fit, and then nothing of it was queued."""
        raise NotImplementedError

    def nvm_read(self, slot: str) -> bytes | None:
        """What was written to a slot, None if it never was."""
        raise NotImplementedError

    def nvm_write(self, slot: str, data: bytes) -> bool:
        """Write a slot whole; False when the memory refuses."""
        raise NotImplementedError
