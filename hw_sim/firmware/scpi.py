"""The plain door: SCPI-style lines for people and for PyVISA. It reads and it stops; it cannot raise the current."""

from . import inputs, output
from .machine import BY_PLAIN, NAMES, PAUSING, RAMP_UP

ERRORS = {
    -113: "Undefined header",
    -220: "Parameter error",
    -221: "Settings conflict",
    -222: "Data out of range",
    90: "use PRES, ARM, START",
}
DEPTH = 8

# Nodes in their long form; the capitals are the short form. Handler name, and whether it takes a parameter.
QUERIES = (
    ("*IDN", "idn"), ("*OPC", "opc"), ("*TST", "tst"), ("*ESR", "esr"), ("*STB", "stb"),
    ("SYSTem:ERRor", "error"), ("SYSTem:VERSion", "version"), ("SYSTem:PROTocol", "protocol"),
    ("SYSTem:STATe", "state"), ("SYSTem:HELP", "help"), ("SYSTem:COUNters", "counters"),
    ("MEASure:CURRent", "current"), ("MEASure:VOLTage", "voltage"), ("MEASure:RESistance", "resistance"),
    ("MEASure:CHARge", "charge"), ("MEASure:ALL", "all"), ("SOURce:CURRent", "setpoint"),
)  # fmt: skip
COMMANDS = (
    ("STOP", "stop"), ("ABORt", "abort"), ("PAUSe", "pause"), ("OUTPut", "output"), ("*RST", "rst"),
    ("*CLS", "cls"), ("SOURce:CURRent", "raising"), ("STARt", "raising"), ("INITiate", "raising"),
    ("RESume", "raising"),
)  # fmt: skip
HELP = (
    "*IDN?,*OPC?,*TST?,*ESR?,*STB?,SYST:ERR?,SYST:VERS?,SYST:PROT?,SYST:STAT?,SYST:HELP?,SYST:COUN?,MEAS:CURR?,"
    "MEAS:VOLT?,MEAS:RES?,MEAS:CHAR?,MEAS:ALL?,SOUR:CURR?,STOP,ABOR,PAUS,OUTP OFF,*RST,*CLS"
)


def short_form(node: str) -> str:
    return "".join([c for c in node if not "a" <= c <= "z"])


def names(header: str, pattern: str) -> bool:
    """Whether an upper-case header is the long or short form of ``pattern``, node by node."""
    nodes, wanted = header.split(":"), pattern.split(":")
    if len(nodes) != len(wanted):
        return False
    for k in range(len(nodes)):
        if nodes[k] != wanted[k].upper() and nodes[k] != short_form(wanted[k]):
            return False
    return True


def micro(value: int) -> str:
    """uA as A, uC as C: six decimals."""
    return "%d.%06d" % (value // 1_000_000, value % 1_000_000)


def milli(value: int) -> str:
    return "%d.%03d" % (value // 1000, value % 1000)


class PlainDoor:
    STATE = ("queue", "esr")

    def __init__(self, unit) -> None:  # type: ignore[no-untyped-def]
        self.unit = unit
        self.queue: tuple[int, ...] = ()
        self.esr = 128  # power on

    def line(self, conn: int, line: str) -> None:
        text = line.strip().rstrip(";").strip().upper()
        if not text:
            return
        header, _, parameter = text.partition(" ")
        if header[:1] == ":":
            header = header[1:]
        if header.endswith("?"):
            self._query(conn, header[:-1], parameter)
            return
        for pattern, name in COMMANDS:
            if names(header, pattern):
                getattr(self, "_" + name)(parameter.strip())
                return
        self.error(-113)

    def _query(self, conn: int, header: str, parameter: str) -> None:
        for pattern, name in QUERIES:
            if names(header, pattern):
                if parameter:
                    self.error(-220)
                    return
                self.unit.hal.send(conn, (getattr(self, "_" + name)() + "\n").encode())
                return
        self.error(-113)

    def error(self, code: int) -> None:
        self.esr |= 32 if -200 < code < -99 else 16
        if len(self.queue) < DEPTH:
            self.queue += (code,)
        else:
            self.queue = self.queue[: DEPTH - 1] + (-350,)

    # -- queries -------------------------------------------------------------------------------------------

    def _idn(self) -> str:
        hal = self.unit.hal
        return "IONTO,%s,%s,1.0.0" % (hal.model, hal.serial)

    def _opc(self) -> str:
        return "1"

    def _tst(self) -> str:
        return "%d" % self.unit.tested

    def _esr(self) -> str:
        value, self.esr = self.esr, 0
        return "%d" % value

    def _stb(self) -> str:
        s = self.unit.rec
        value = (4 if self.queue else 0) + (8 if s.fl & ~output.LINK_BIT else 0) + (32 if self.esr else 0)
        return "%d" % (value + (128 if RAMP_UP <= s.st <= PAUSING else 0))

    def _error(self) -> str:
        if not self.queue:
            return '0,"No error"'
        code, self.queue = self.queue[0], self.queue[1:]
        return '%d,"%s"' % (code, "Queue overflow" if code == -350 else ERRORS[code])

    def _version(self) -> str:
        return "1999.0"

    def _protocol(self) -> str:
        return "IONTO/1"

    def _state(self) -> str:
        s = self.unit.rec
        i, _, v, z = self.unit.readings()
        line = "%s, %s mA, %s V, %d ohm, dose %s mA.min, faults %X, relay %s" % (
            NAMES[s.st], milli(i), milli(v), z, milli(s.q // 60), s.fl, "closed" if s.relay_fb else "open",
        )  # fmt: skip
        return line + "".join([", " + word for bit, word in inputs.WORDS if s.alarm & bit])

    def _help(self) -> str:
        return HELP

    def _counters(self) -> str:
        unit = self.unit
        receivers = unit.receivers.values()
        return "%d,%d,%d,%d" % (
            unit.session.refused,
            unit.lines_lost[0] + sum([r.poisoned for r in receivers]),
            unit.lines_lost[1] + sum([r.overlong for r in receivers]),
            unit.store.boot,
        )

    def _current(self) -> str:
        return micro(self.unit.readings()[0])

    def _voltage(self) -> str:
        return milli(self.unit.readings()[2])

    def _resistance(self) -> str:
        i, _, _, z = self.unit.readings()
        return "%d" % z if i >= 20 else "9.91E37"

    def _charge(self) -> str:
        return micro(self.unit.rec.q)

    def _all(self) -> str:
        return ",".join((NAMES[self.unit.rec.st], self._current(), self._voltage(), self._resistance(), self._charge()))

    def _setpoint(self) -> str:
        return micro(self.unit.rec.tgt // 1000)

    # -- commands: they lower, or they refuse ----------------------------------------------------------------

    def _stop(self, parameter: str) -> None:
        self.unit.stop(BY_PLAIN)

    def _abort(self, parameter: str) -> None:
        self.unit.abort(BY_PLAIN)

    def _pause(self, parameter: str) -> None:
        if not self.unit.pause(BY_PLAIN):
            self.error(-221)

    def _output(self, parameter: str) -> None:
        if parameter in ("OFF", "0"):
            self.unit.stop(BY_PLAIN)
        else:
            self.error(90)

    def _raising(self, parameter: str) -> None:
        self.error(90)

    def _rst(self, parameter: str) -> None:
        self.unit.stop(BY_PLAIN)
        self.unit.session.close()

    def _cls(self, parameter: str) -> None:
        self.queue = ()
        self.esr = 0
