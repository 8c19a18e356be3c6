"""Others on the line: another product in place of the unit, an echo, a second program, somebody who recorded it all.

What they do to bytes is a function as of any fault of the line; what they say by themselves comes from a course, which
the board calls when it asked to be called. ``tape`` is what one will say, with its times.

L19  The cable leads to another product: the unit hears nothing and is not heard; it does not notice, as one whose
     cable was swapped behind an adapter does not.
L21  What ModemManager does to a new serial device it takes for a modem: "AT" until it gets an answer, then questions
     for the maker, then a frame of Qualcomm's diagnostics, in about ten seconds; again at every opening.
L25  Replays what it has heard itself: first it listens, then it says the same in the same rhythm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hw_sim.faults.damage import Damage

if TYPE_CHECKING:
    from collections.abc import Callable

    from hw_sim.faults.cable import BentLine, Cable, Mishap
    from hw_sim.faults.fault import Arguments, Bench

MOST_RECORDED: Final = 4096  # writes of a session
_FLOOD_S: Final = 0.01
_GPS_S: Final = 1.0
_GPS: Final = b"$GPRMC,120000.00,A,4807.038,N,01131.000,E,000.0,360.0,130126,,,A*5D\r\n"
# (seconds after the device appeared, what is written to it)
_PROBES: Final = (
    (0.1, b"AT\r"),
    (3.1, b"AT\r"),
    (6.1, b"AT\r"),
    (6.6, b"AT+CGMI\r"),
    (7.1, b"AT+GMI\r"),
    (7.6, b"ATI\r"),
    (8.1, b"AT+GCAP\r"),
    (8.6, b"\x7e\x00\x78\xf0\x7e"),
    (9.6, b"\x7e\x00\x78\xf0\x7e"),
)


# -- another product -----------------------------------------------------------------------------------------


def _another(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    if line.towards == "unit":
        match m.word("what"):
            case "modem":
                _modem(c, line, m, data)
            case "echo":
                c.appear("host", line.conn, data)
            case "garbage":
                c.appear("host", line.conn, c.noise(len(data)))
    return b""


def _modem(c: Cable, line: BentLine, m: Mishap, data: bytes) -> None:
    """A modem with its echo on: everything that is not AT is an error."""
    text = line.held.pop(m.number, b"") + data
    answer = data
    *commands, text = text.replace(b"\n", b"\r").split(b"\r")
    for command in filter(None, commands):
        answer += b"\r\nOK\r\n" if command.strip().upper() in (b"AT", b"ATE0", b"ATE1") else b"\r\nERROR\r\n"
    line.held[m.number] = text[-256:]
    c.appear("host", line.conn, answer)


def another_goes_on(bench: Bench, args: Arguments, elapsed_s: float) -> float | None:
    """A satellite receiver says where it is, asked or not."""
    if args.word("what") != "gps":
        return None
    bench.faults().cable().appear("host", 0, _GPS)
    return _GPS_S


# -- echo and loopback ---------------------------------------------------------------------------------------


def _echo(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    """Everything comes back to who wrote it; in a loop, to nobody else."""
    sender = "host" if line.towards == "unit" else "unit"
    if m.word("to") in (sender, "both"):
        c.appear(sender, line.conn, data)
    return b"" if m.word("how") == "loop" else data


# -- one who recorded ----------------------------------------------------------------------------------------


def _records(c: Cable, line: BentLine, m: Mishap, data: bytes) -> bytes:
    if not m.left and m.word("to") in (line.towards, "both") and len(m.tape) < MOST_RECORDED:
        m.tape.append((c.bench.now_us, line.towards, data))
    return data


def replay(bench: Bench, args: Arguments, elapsed_s: float) -> float | None:
    """Listen for ``after`` seconds; then say it all again, from the first byte that was heard."""
    cable = bench.faults().cable()
    mishap = cable.on.get(int(args.number("number")))
    after_s = args.number("after")
    if mishap is None or elapsed_s == 0.0:
        return after_s
    if not mishap.left:
        mishap.left = -1  # it has heard enough
        begun_us = mishap.tape[0][0] if mishap.tape else 0
        mishap.tape = [(at - begun_us + bench.now_us, towards, data) for at, towards, data in mishap.tape]
    return play(bench, args, elapsed_s)


def play(bench: Bench, args: Arguments, elapsed_s: float) -> float | None:
    """Say what is due; when there is more."""
    cable = bench.faults().cable()
    mishap = cable.on.get(int(args.number("number")))
    if mishap is None:
        return None
    while mishap.tape and mishap.tape[0][0] <= bench.now_us:
        _, towards, data = mishap.tape.pop(0)
        cable.appear(towards, 0, data)
    return (mishap.tape[0][0] - bench.now_us) / 1e6 if mishap.tape else None


# -- one who asks for a modem --------------------------------------------------------------------------------


def probe(c: Cable, m: Mishap, conn: int) -> None:
    """A new device: all questions from the start."""
    is_on_its_way = bool(m.tape)
    m.tape = [(c.bench.now_us + round(at_s * 1e6), "unit", data) for at_s, data in _PROBES]
    if conn and not is_on_its_way:
        c.bench.act("go_on", str(m.number))


# -- one who floods ------------------------------------------------------------------------------------------


def flood(bench: Bench, args: Arguments, elapsed_s: float) -> float | None:
    cable = bench.faults().cable()
    length = max(1, round(args.number("rate") * _FLOOD_S))
    for towards in ("unit", "host"):
        if args.word("to") in (towards, "both"):
            cable.appear(towards, 0, _text(cable, length) if args.word("what") == "text" else cable.noise(length))
    return _FLOOD_S


def _text(c: Cable, length: int) -> bytes:
    """Printable, a line end in sixteen or so."""
    return bytes(10 if byte < 16 else 32 + byte % 95 for byte in c.noise(length))


# -- opening and closing -------------------------------------------------------------------------------------


def _garbage(c: Cable, m: Mishap, conn: int) -> None:
    for towards in ("unit", "host"):
        if m.word("to") in (towards, "both"):
            c.appear(towards, conn, c.noise(int(m.number_of("bytes"))))


def _reset_at_open(c: Cable, m: Mishap, conn: int) -> None:
    if m.word("on") in ("open", "both"):
        c.bench.act("power_cycle")


def _reset_at_close(c: Cable, m: Mishap) -> None:
    if m.word("on") in ("close", "both"):
        c.bench.act("power_cycle")


STRANGERS: Final[dict[str, Damage]] = {"L19": _another, "L24": _echo, "L25": _records}
AT_OPEN: Final[dict[str, Callable[[Cable, Mishap, int], None]]] = {
    "L05": _garbage,
    "L20": _reset_at_open,
    "L21": probe,
}
AT_CLOSE: Final[dict[str, Callable[[Cable, Mishap], None]]] = {"L20": _reset_at_close}
