"""Chapter 8: the plain door. It reads and it stops; it cannot raise the current."""

from __future__ import annotations

import re
from typing import Final

from controller.conform.bench import Bench
from controller.conform.check import Check, Evidence, Failed
from controller.conform.sealing import answered_once
from controller.conform.talk import sealed
from controller.wire import Plain

STATES: Final = "BOOT|SELFTEST|IDLE|STAGED|CHECK|ARMED|RAMP_UP|HOLD|RAMP_DOWN|PAUSING|PAUSED|DONE|FAULT"
AMPERE: Final = "[0-9]+[.][0-9]{6}"
VOLT: Final = "[0-9]+[.][0-9]{3}"
OHM: Final = "(?:0|[1-9][0-9]*|9.91E37)"
# Long forms with their capitals, and the form of the answer.
QUERIES: Final = {
    "*IDN?": "IONTO,[^,]+,[^,]+,[^,]+", "*OPC?": "1", "*TST?": "[01]", "*ESR?": "[0-9]+", "*STB?": "[0-9]+",
    "SYSTem:ERRor?": '-?[0-9]+,".*"', "SYSTem:VERSion?": "1999.0", "SYSTem:PROTocol?": "IONTO/1",
    "SYSTem:STATe?": f"(?:{STATES})\\b.*", "SYSTem:HELP?": r"[*]IDN\?,.*", "SYSTem:COUNters?": "[0-9]+(?:,[0-9]+){3}",
    "MEASure:CURRent?": AMPERE, "MEASure:VOLTage?": VOLT, "MEASure:RESistance?": OHM, "MEASure:CHARge?": AMPERE,
    "MEASure:ALL?": f"(?:{STATES}),{AMPERE},{VOLT},{OHM},{AMPERE}", "SOURce:CURRent?": AMPERE,
}  # fmt: skip
COMMANDS: Final = ("STOP", "ABORt", "PAUSe", "*RST", "*CLS")
RAISING: Final = (
    "OUTP ON", "OUTP 1", "OUTPUT ON", "SOUR:CURR 0.001", "SOURCE:CURRENT 1", "INIT", "INITIATE", "OUTP", "OUTP 2",
)  # fmt: skip


def short(name: str) -> str:
    return re.sub("[a-z]", "", name)


def answers(b: Bench) -> Evidence:
    evidence = []
    for name, form in QUERIES.items():
        for text in dict.fromkeys((name, name.upper(), name.lower(), short(name))):
            came = b.query(text)
            if re.fullmatch(form, came) is None:
                raise Failed(f"{text}: {form}", came)
        evidence.append(f"{short(name)}: {came}")
    return evidence


def spelling(b: Bench) -> Evidence:
    for text in (":SYST:PROT?", "  SYST:PROT?", "SYST:PROT?  ", "SYST:PROT?;", " :syst:prot? ;"):
        if b.query(text) != "IONTO/1":
            raise Failed(f"{text!r}: IONTO/1", b.query(text))
    for text, code in (
        ("SYSTE:PROT?", -113), ("SYST:PROTO?", -113), ("SYST?", -113), ("NONSENSE", -113), ("NONSENSE?", -113),
        ("MEAS:CURR? 1", -220), ("PAUS", -221), ("FLY HIGH", -113),
    ):  # fmt: skip
        b.ignored(f"\n{text}\n".encode(), text)
        _next_error(b, code, text)
    return ["one : before, blanks around and one ; behind are ignored; others -113, a query with a parameter -220"]


def _next_error(b: Bench, code: int, what: str) -> None:
    came = b.query("SYST:ERR?")
    if not came.startswith(f"{code},"):
        raise Failed(f"SYST:ERR? {code},... after {what}", came)


def commands(b: Bench) -> Evidence:
    words = [form for name in COMMANDS if name != "*RST" for form in (name.upper(), name.lower(), short(name))]
    for text in words:
        b.ignored(f"\n{text}\n".encode(), text)
    return ["a command answers nothing: " + ", ".join(words)]


def no_plain_raise(b: Bench) -> Evidence:
    b.stage()
    at = len(b.heard)
    for text in RAISING:
        b.ignored(f"\n{text}\n".encode(), text)
        _next_error(b, 90, text)
    b.is_in("STAGED", "no plain line raises anything")
    if any(line.set_ua or line.relay for line in b.telemetry(at)):
        raise Failed("set=0 rl=0", str(b.latest))
    return ["error 90, and nothing happened: " + ", ".join(RAISING)]


def no_plain_resume(b: Bench) -> Evidence:
    """Where it would be most at home: a run is open and paused."""
    b.hold()
    at = len(b.heard)
    b.done("PAUSE")
    b.comes("PAUSED", b.ua * 0.00101 + 0.5, at)
    b.keeping = False
    for text in RAISING:
        b.ignored(f"\n{text}\n".encode(), text)
        _next_error(b, 90, text)
    b.is_in("PAUSED", "no plain line resumes anything")
    return ["PAUSED, and stays so: " + ", ".join(RAISING)]


def errors(b: Bench) -> Evidence:
    if b.query("SYST:ERR?") != '0,"No error"':
        raise Failed('SYST:ERR? 0,"No error" after *CLS', "another")
    for _ in range(12):
        b.write(b"\nNONSENSE\n", quiet=True)
    b.write(b"\nPAUS\n")
    came = [b.query("SYST:ERR?") for _ in range(9)]
    wanted = ['-113,"Undefined header"'] * 7 + ['-350,"Queue overflow"', '0,"No error"']
    if came != wanted:
        raise Failed(str(wanted), str(came))
    return ["thirteen errors: seven kept, then -350, then 0: one queue, 8 deep"]


def registers(b: Bench) -> Evidence:
    b.query("*ESR?")
    evidence = []
    for text, bit in (("NONSENSE", 32), ("PAUS", 16), ("MEAS:CURR? 1", 16), ("OUTP ON", 16)):
        b.write(f"\n{text}\n".encode())
        status, first, second = b.query("*STB?"), b.query("*ESR?"), b.query("*ESR?")
        if (int(status) & 4, int(status) & 32, int(first), second) != (4, 32, bit, "0"):
            raise Failed(f"{text}: *STB? with 4 and 32, *ESR? {bit}, then 0", f"{status}, {first}, {second}")
        evidence.append(f"{text}: *STB? {status}, *ESR? {first}, read again 0")
    b.write(b"\n*CLS\n")
    if (b.query("SYST:ERR?"), b.query("*ESR?"), b.query("*STB?")) != ('0,"No error"', "0", "0"):
        raise Failed("*CLS empties the queue and clears *ESR?", "something is left")
    b.write(b"\nOUTP OFF\n")
    return [*evidence, "*CLS empties both"]


def sealed_queue_nothing(b: Bench) -> Evidence:
    b.refused("FLY", 1)
    b.ignored(b"\n>nonsense\n", "a misshapen line")
    b.ignored(b"\nNON\x00SENSE\n", "a poisoned line")
    b.ignored(b"\n" + b"x" * 300 + b"\n", "an over-long line")
    if b.query("SYST:ERR?") != '0,"No error"':
        raise Failed("sealed, poisoned and over-long lines queue nothing", b.query("SYST:ERR?"))
    return ["a refused request, a misshapen, a poisoned and an over-long line: no error queued"]


def without_session(b: Bench) -> Evidence:
    b.done("BYE")
    b.fence()
    at = len(b.heard)
    came = b.query("*IDN?")
    b.write(b"\nMEAS:ALL?\nSTOP\n")
    b.listen(0.5)
    lines = [h for h in b.heard[at:] if not isinstance(h.message, Plain)]
    if lines:
        raise Failed("plain answers only, outside a session", lines[0].text)
    b.hello()
    answered_once(b, b"*OPC?\n" + sealed(b.body("STATUS")), "a request beside a plain query")
    return [f"outside a session: {came}, and nothing unasked"]


def agrees(b: Bench) -> Evidence:
    b.hold()
    b.listen(0.5)
    line = b.latest
    state, ampere, volt, ohm, coulomb = b.query("MEAS:ALL?").split(",")
    status = int(b.query("*STB?"))
    source = b.query("SOUR:CURR?")
    if line is None or state != "HOLD" or not status & 128:
        raise Failed("HOLD, and *STB? with 128", f"{state}, {status}")
    pairs = (
        ("current", float(ampere) * 1e6, line.i_ua, 5 + line.i_ua // 50),
        ("voltage", float(volt) * 1e3, line.v_mv, 30 + line.v_mv // 50),
        ("resistance", float(ohm), line.z_ohm, 100 + line.z_ohm // 10),
        ("charge", float(coulomb) * 1e6, line.q_uc, b.ua),
        ("set-point", float(source) * 1e6, line.set_ua, 0.01),
    )
    for what, plain, told, apart in pairs:
        if abs(plain - told) > apart:
            raise Failed(f"{what}: what telemetry says, {told}", f"{plain:g}")
    return [f"MEAS:ALL? {state},{ampere},{volt},{ohm},{coulomb}; SOUR:CURR? {source}; *STB? {status}"]


CHECKS: Final = (
    Check("PLAIN-01", "8",
          "every query answers one line in its form; case does not count, long and short forms", answers),
    Check("PLAIN-02", "8", "how a line may be written; what is refused answers nothing and queues its error", spelling),
    Check("PLAIN-03", "8", "a command answers nothing", commands),
    Check("PLAIN-04", "8", "there is no plain way to raise the current: error 90", no_plain_raise),
    Check("PLAIN-05", "8", "one error queue, 8 deep; the newest becomes -350", errors),
    Check("PLAIN-06", "8", "*ESR? and *STB? have their bits; reading clears *ESR?; *CLS clears", registers),
    Check("PLAIN-07", "8", "only plain lines queue errors", sealed_queue_nothing),
    Check("PLAIN-08", "8", "the plain door needs no session, and nothing arrives unasked outside one", without_session),
    Check("PLAIN-09", "8", "the plain readings are those of telemetry", agrees, ("load",)),
    Check("PLAIN-10", "8", "no plain line resumes a paused run: error 90", no_plain_resume, ("load",)),
)  # fmt: skip
