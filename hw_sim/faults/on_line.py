"""What goes wrong on the wire (L01 to L28): the table. What each does to bytes stands in `damage` and `strangers`.

``to=unit``: on the way from the host to the unit; ``to=host``: back. A rate is a chance at every opportunity while the
fault is on. Struck by ``byte=N`` or ``p=`` and without ``for=``, a fault of single bytes, writes or lines acts once, at
that byte or the first opportunity after it (a line: the first that begins there or later), and is over; any other
lasts from that byte on.

What is not modelled: a port that comes back under another name (L15, L28). The world knows a plug that is in or
out; what the port is called is the endpoint's business. A `sim://` port keeps its name, and so does the link of a
pseudo-terminal, behind which the device is another one each time.
"""

from __future__ import annotations

from typing import Final

from hw_sim.faults.fault import Argument, Arguments, Bench, Course, Fault, Strike, a_number, one_of
from hw_sim.faults.strangers import another_goes_on, flood, play, probe, replay

_BOTH: Final = one_of("to", "both", "unit", "host", what="which way")
_VERBS: Final = ("any", "HELLO", "TAKE", "BYE", "KEEP", "PRES", "ARM", "START", "SET", "PAUSE", "RESUME", "STOP",
                 "ABORT", "CLEAR", "TELE", "STATUS", "RUN", "EVENTS", "SELFTEST", "CAL")  # fmt: skip
_MOST_MS: Final = 5000


def _rate(default: float, what: str) -> Argument:
    return a_number("rate", default, 0, 1, f"chance {what}")


def _number(args: Arguments) -> int:
    return int(args.number("number"))


def _on(kind: str) -> Strike:
    def strike(bench: Bench, args: Arguments) -> None:
        bench.faults().cable().begin(_number(args), kind, args)

    return strike


def _line_fault(
    id_: str, name: str, what: str, *arguments: Argument, strike: Strike | None = None, course: Course | None = None
) -> Fault:
    return Fault(id_, name, what, strike or _on(id_), arguments, course=course, per_byte=True)


def _unplug(bench: Bench, args: Arguments) -> None:
    bench.act("unplug")


def _replug(bench: Bench, args: Arguments) -> None:
    bench.act("replug")


def _probe(bench: Bench, args: Arguments) -> None:
    cable = bench.faults().cable()
    mishap = cable.begin(_number(args), "L21", args)
    if cable.lines():
        probe(cable, mishap, 0)


def _suspend(bench: Bench, args: Arguments) -> None:
    """The unit takes a suspended bus for a closed port."""
    if args.word("how") == "re-enumerate":
        bench.act("unplug")
        return
    bench.faults().cable().begin(_number(args), "L28", args)
    if not bench.hung:
        for conn in bench.to_unit:
            bench.firmware.disconnect(conn)


def _resume(bench: Bench, args: Arguments) -> None:
    if args.word("how") == "re-enumerate":
        bench.act("replug")


def _hang_up(bench: Bench, args: Arguments, elapsed_s: float) -> float | None:
    """The bridge loses all connections, every so often."""
    if elapsed_s and args.number("up"):
        bench.act("unplug")
        bench.act("replug")
    return args.number("up") or None


FAULTS: Final = (
    _line_fault("L01", "bit-errors", "single bits are inverted", _rate(1e-4, "of a bit"), _BOTH),
    _line_fault("L02", "drops", "bytes are lost", _rate(1e-3, "of a byte"), _BOTH),
    _line_fault("L03", "doubled-bytes", "bytes come twice", _rate(1e-3, "of a byte"), _BOTH),
    _line_fault(
        "L04", "bursts", "noise in the place of some bytes in a row",
        _rate(1e-4, "of a byte that one begins"), a_number("length", 20, 1, 1000, "bytes"), _BOTH,
    ),
    _line_fault(
        "L05", "garbage-at-open", "noise before the first byte of a connection",
        a_number("bytes", 64, 1, 4096, "at every opening"), _BOTH,
    ),
    _line_fault("L06", "merged-lines", "line ends are lost", _rate(0.1, "of a line end"), _BOTH),
    _line_fault("L07", "split-lines", "line ends come between bytes", _rate(1e-3, "of a byte"), _BOTH),
    _line_fault(
        "L08", "short-writes", "only the beginning of a write goes out", _rate(0.1, "of a write"),
        one_of("rest", "lost", "late", what="the rest never comes, or 20 ms later"), _BOTH,
    ),
    _line_fault(
        "L09", "latency", "everything comes later",
        a_number("ms", 200, 0, _MOST_MS, "ms"), a_number("jitter", 0, 0, _MOST_MS, "ms more at most, by chance"),
        a_number("batch", 0, 0, 1000, "ms between portions; an adapter's timer: 16"), _BOTH,
    ),
    _line_fault("L10", "stall", "nothing moves; when this is lifted all of it comes at once", _BOTH),
    _line_fault(
        "L11", "doubled-lines", "sealed lines come twice", _rate(0.1, "of a line"),
        a_number("late", 0, 0, 60, "s after the first"), _BOTH,
    ),
    _line_fault(
        "L12", "lost-requests", "sealed requests do not reach the unit",
        one_of("verb", *_VERBS, what="which"), a_number("n", 1, 0, 65_535, "of them at most; 0: no end"),
        _rate(1, "of a request"),
    ),
    _line_fault(
        "L13", "lost-replies", "replies do not reach the host",
        one_of("verb", *_VERBS, what="to which requests"), a_number("n", 1, 0, 65_535, "of them at most; 0: no end"),
        _rate(1, "of a reply"),
    ),
    _line_fault(
        "L14", "lost-news", "telemetry and events do not reach the host",
        one_of("what", "both", "telemetry", "events", what="of which"), _rate(0.1, "of a line"),
    ),
    Fault("L15", "unplugged", "the plug is out; it is in again when this is lifted", _unplug, lift=_replug),
    _line_fault("L16", "deaf", "the unit's receiver is dead: it hears nothing"),
    _line_fault("L17", "mute", "the unit's transmitter is dead: it is not heard"),
    _line_fault(
        "L18", "wrong-settings", "the host's port is not set to 115200 8N1",
        one_of("how", "baud", "parity", "strip", what="another rate; 7E1; bit 7 removed"),
        a_number("baud", 57_600, 9600, 921_600, "with how=baud"), _BOTH,
    ),
    _line_fault(
        "L19", "another-product", "another product is at the end of the cable",
        one_of("what", "modem", "echo", "garbage", "gps", "silent", what="which"), course=another_goes_on,
    ),
    _line_fault(
        "L20", "reset-at-open", "opening or closing the port resets the unit",
        one_of("on", "open", "close", "both", what="which"),
    ),
    _line_fault(
        "L21", "modem-manager", "a service takes the unit for a modem and asks it, for ten seconds after each opening",
        strike=_probe, course=play,
    ),
    _line_fault(
        "L22", "thief", "a second program reads the same port: portions are lost to the host",
        a_number("share", 0.5, 0, 1, "of the portions"), one_of("to", "host", "unit", "both", what="which way"),
    ),
    _line_fault(
        "L23", "translation", "a terminal driver changes characters",
        one_of("how", "lf-to-crlf", "lf-to-cr", "lf-lost", "cr-to-lf", "xonxoff", "signals",
               what="the last two: XON and XOFF, Ctrl-C, -Z and -\\ are swallowed"),
        _BOTH,
    ),
    _line_fault(
        "L24", "echo", "what is written comes back to who wrote it",
        one_of("how", "echo", "loop", what="as well as going through, or instead"),
        one_of("to", "host", "unit", "both", what="to whom"),
    ),
    _line_fault(
        "L25", "replay", "somebody records and says it all again later",
        a_number("after", 10, 0.1, 86_400, "s of listening"),
        one_of("to", "unit", "host", "both", what="what went to whom"), course=replay,
    ),
    _line_fault(
        "L26", "flood", "somebody else writes without end", a_number("rate", 10_000, 100, 1e6, "bytes a second"),
        one_of("what", "text", "binary", what="lines, or all bytes (some of them stop bytes)"), _BOTH, course=flood,
    ),
    _line_fault(
        "L27", "bridge", "a slow bridge, which loses the connections now and then",
        a_number("ms", 300, 0, _MOST_MS, "ms each way"), a_number("up", 20, 0, 86_400, "s between losses; 0: never"),
        course=_hang_up,
    ),
    Fault(
        "L28", "suspend", "the bus sleeps; lifted, everything held comes at once, or the port is a new one", _suspend,
        (one_of("how", "suspend", "re-enumerate", what="held, or the plug goes out and in"),), lift=_resume,
    ),
)  # fmt: skip
