"""The chips of the reference board, each as far as the firmware needs it: one SPI bus, a chip select for each.

Buffers are made once: what the tick calls must not allocate. Words and registers are those of the makers' data sheets,
named beside each class.
"""

_RANGE_0_TO_5V12 = 0x06  # 0 to 1.25 x 4.096 V, straight binary


class Chip:
    """One chip on the bus; only ``exchange`` moves bytes, both ways at once, into the buffer it was given."""

    def __init__(self, spi, select) -> None:
        self.spi = spi
        self.select = select
        select.value(1)

    def exchange(self, buffer) -> None:
        self.select.value(0)
        self.spi.write_readinto(buffer, buffer)
        self.select.value(1)


class Dac(Chip):
    """MCP4921, 12 bits, reference 2.5 V, gain 1. After power-on its output is high-impedance and pulled to ground:
    no current until the first word.
    """

    def __init__(self, spi, select) -> None:
        super().__init__(spi, select)
        self.word = bytearray(2)
        self.code = -1
        self.write(0)

    def write(self, code: int) -> None:
        if code != self.code:
            word = self.word
            word[0] = 0x30 | code >> 8  # unbuffered, gain 1, awake
            word[1] = code & 0xFF
            self.exchange(word)
            self.code = code


class Adc(Chip):
    """ADS8684, 16 bits, its own reference; channels 0 and 1 by turns. A frame asks for the next conversion and brings
    the one asked for before.
    """

    def __init__(self, spi, select) -> None:
        super().__init__(spi, select)
        self.first = 0
        self.second = 0
        self.frame = bytearray(4)
        for channel in range(2):
            self.exchange(bytearray(((0x05 + channel) << 1 | 1, _RANGE_0_TO_5V12, 0, 0)))
        self._convert(0)

    def read(self) -> None:
        """Both channels, into ``first`` and ``second``."""
        self.first = self._convert(1)
        self.second = self._convert(0)

    def _convert(self, channel: int) -> int:
        """Ask for ``channel``; the code of the one asked for before."""
        frame = self.frame
        frame[0] = 0xC0 | channel << 2
        frame[1] = frame[2] = frame[3] = 0
        self.exchange(frame)
        return frame[2] << 8 | frame[3]


class Fram(Chip):
    """FM25V02, 32 KiB, written as fast as the bus brings it and for 10^14 times. Flash was rejected: a page of it takes
    50 ms to erase, in which the processor of this board reads no code, and a run writes every second for hours.

    A slot is 128 bytes: a mark, a length, the text. A write that is cut short leaves a text that does not check.
    """

    SLOT = 128
    MARK = 0xA5

    def __init__(self, spi, select) -> None:
        super().__init__(spi, select)
        self.enable = bytearray(1)

    def read(self, slot: int) -> bytes | None:
        frame = bytearray(3 + self.SLOT)
        frame[0], frame[1], frame[2] = 0x03, slot * self.SLOT >> 8, slot * self.SLOT & 0xFF
        self.exchange(frame)
        if frame[3] != self.MARK:
            return None
        return bytes(frame[5 : 5 + min(frame[4], self.SLOT - 2)])

    def write(self, slot: int, data: bytes) -> bool:
        """Whether it is there now: read back, because a write says nothing."""
        if len(data) > self.SLOT - 2:
            return False
        self.enable[0] = 0x06
        self.exchange(self.enable)
        at = slot * self.SLOT
        self.exchange(bytearray(bytes((0x02, at >> 8, at & 0xFF, self.MARK, len(data))) + data))
        return self.read(slot) == data
