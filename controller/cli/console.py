"""``ionto console``: talk to a unit by hand, in its own words.

A word of the plain door (``MEAS:ALL?``, ``STOP``) goes out as it is typed. A sealed request (``STATUS``, ``RUN
run=R1``) gets its session, number and checksum here, is sent again when no answer comes, and its answer is told in
words.
What raises the current is refused before a byte leaves: a person at a prompt sends no KEEP and watches no limits, so
that belongs to ``ionto run``. Typed to the unit itself, without this program, such words are refused by the unit.

Between two lines nothing is read and no KEEP leaves: a run of somebody else's is not touched, and whatever this
console started would end with its lease.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import click

from controller.cli import exits
from controller.cli.choice import chosen, json_option, port_option
from controller.errors import CommandRefused, IontoError, LinkLost, Unacknowledged
from controller.unit import Unit
from controller.wire import Event, Plain, Reply, Telemetry
from controller.wire.spec import ERROR_TEXT

RAISING: Final = frozenset({"PRES", "ARM", "START", "RESUME", "SET", "KEEP", "CAL"})
SEALED: Final = (
    "HELLO", "TAKE", "BYE", "STATUS", "RUN", "EVENTS", "TELE", "SELFTEST", "CLEAR", "PAUSE", "STOP", "ABORT",
)  # fmt: skip
PLAIN: Final = (
    "*IDN?", "*OPC?", "*TST?", "*ESR?", "*STB?", "*RST", "*CLS", "SYST:ERR?", "SYST:VERS?", "SYST:PROT?", "SYST:STAT?",
    "SYST:HELP?", "SYST:COUN?", "MEAS:CURR?", "MEAS:VOLT?", "MEAS:RES?", "MEAS:CHAR?", "MEAS:ALL?", "SOUR:CURR?",
    "OUTP OFF",
)  # fmt: skip
_BOTH: Final = ("STOP", "ABORT", "PAUSE")  # words of both doors; the plain one needs no session
LISTEN_S: Final = 0.15  # a plain command has no answer; what it sets off comes within a telemetry period
PLAIN_S: Final = 0.5
HELP: Final = f"""Plain words go out as typed: {", ".join(PLAIN[:4])}, MEAS:ALL?, SYST:HELP? lists them.
Sealed requests: {", ".join(SEALED)}; with fields as in RUN run=R1. HELLO opens the session they need.
listen N    show what comes for N seconds (telemetry too, once HELLO was said)
Ctrl-C      STOP, from anywhere        Ctrl-D or quit    leave; an open session is closed with BYE, which is a STOP
Current is raised by `ionto run` only."""

Kind = Literal["reply", "plain", "telemetry", "event", "note", "error"]


class Said(NamedTuple):
    """One thing to show: what it is, the sentence for a person, the facts for a program."""

    kind: Kind
    text: str
    facts: Mapping[str, object] = {}


class Talk:
    """The conversation, without the terminal: a typed line in, what is to be shown out."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def typed(self, line: str) -> Iterator[Said]:
        """Do what one line asks for. LinkLost passes through; everything else becomes a sentence."""
        sealed = line.startswith(">")
        word, *rest = line.lstrip("> ").split() or [""]
        verb = word.upper()
        if verb in ("HELP", "?"):
            yield Said("note", HELP)
        elif verb == "LISTEN":
            yield from self._listen(rest)
        elif verb in RAISING:
            yield Said("error", f"{verb}: the console raises no current and keeps no lease; use `ionto run`")
        elif verb in SEALED and (sealed or rest or verb not in _BOTH):
            yield from self._sealed(verb, rest)
        elif sealed:  # a line that somebody sealed elsewhere might raise
            yield Said("error", f"{line}: give one of {', '.join(SEALED)}; it is sealed here")
        else:
            yield from self._plain(line)

    def brake(self) -> Said:
        self._unit.brake()
        return Said("note", "STOP sent")

    def _sealed(self, verb: str, rest: list[str]) -> Iterator[Said]:
        wrong = next((word for word in rest if not word.partition("=")[2]), None)
        if wrong is not None:
            yield Said("error", f"{wrong}: expected key=value, as in RUN run=R1")
            return
        unit = self._unit
        if verb not in ("HELLO", "TAKE") and not unit.exchange.open:
            yield Said("error", f"{verb} needs a session: type HELLO first")
            return
        try:
            if verb == "HELLO":
                unit.greet()
                reply = unit.ask("TELE", {"ms": 0})  # or telemetry would bury the conversation
                facts = unit.facts
                yield Said("reply", f"session open with {facts.serial} ({facts.model}, firmware {facts.firmware})")
            else:
                reply = unit.ask(verb, dict(word.split("=", 1) for word in rest))
                yield _replied(reply)
        except CommandRefused as exc:
            yield Said("reply", f"{verb}: {exc.code:02d} {ERROR_TEXT.get(exc.code, '')}", {"code": exc.code})
        except Unacknowledged as exc:
            yield Said("error", str(exc))
        except (ValueError, IontoError) as exc:
            if isinstance(exc, LinkLost):
                raise
            yield Said("error", str(exc))

    def _plain(self, line: str) -> Iterator[Said]:
        if not (line.isascii() and line.isprintable()):
            yield Said("error", "only printable ASCII goes to a unit")
            return
        self._unit.tell(line)
        asked = "?" in line
        heard = False
        for said in self._hear(PLAIN_S if asked else LISTEN_S, until_plain=asked):
            heard = heard or said.kind == "plain"
            yield said
        if asked and not heard:
            yield Said("error", "no answer; SYST:ERR? says whether the unit minds")

    def _listen(self, rest: list[str]) -> Iterator[Said]:
        try:
            seconds = float(rest[0]) if rest else 5.0
        except ValueError:
            yield Said("error", "listen N: give a number of seconds, as in listen 2.5")
            return
        unit = self._unit
        if unit.exchange.open:
            unit.ask("TELE", {"ms": 100})
        yield from self._hear(seconds, telemetry=True)
        if unit.exchange.open:
            unit.ask("TELE", {"ms": 0})

    def _hear(self, seconds: float, *, until_plain: bool = False, telemetry: bool = False) -> Iterator[Said]:
        unit = self._unit
        give_up = unit.now + seconds
        while unit.now < give_up:
            for item in unit.pump(give_up):
                match item:
                    case Plain(text):
                        yield Said("plain", text, {"answer": text})
                        if until_plain:
                            return
                    case Event():
                        told = " ".join(f"{key}={value}" for key, value in item.fields.items())
                        yield Said("event", f"! {item.name} {told}", {"event": item.name, **item.fields})
                    case Telemetry() if telemetry:
                        yield _measured(item)
                    case _:
                        pass


def _replied(reply: Reply) -> Said:
    told = "  ".join(f"{key}={value}" for key, value in reply.fields.items())
    return Said("reply", f"{reply.verb}: done  {told}".rstrip(), {"verb": reply.verb, "code": 0, **reply.fields})


def _measured(seen: Telemetry) -> Said:
    return Said(
        "telemetry",
        f"~ {seen.state.value:9} {seen.current_ma:6.3f} mA  {seen.voltage_v:6.2f} V  {seen.dose_ma_min:7.3f} mA.min",
        seen._asdict() | {"state": seen.state.value},
    )


@click.command()
@port_option
@json_option
def console(port: str | None, as_json: bool) -> int:
    """Type plain or sealed commands to a unit; it reads and stops, and never raises the current.

    Lines come from the terminal, with history and completion, or from a pipe.

    \b
    Example:  ionto console --port /dev/ttyACM0
              echo 'MEAS:ALL?' | ionto console --port sim://
    """
    from controller.serial_link import open_link

    name = chosen(port)
    unit = Unit(open_link(name, purpose="ionto console"))
    talk = Talk(unit)
    attended = sys.stdin.isatty()
    click.echo(f"{name}: help lists what may be typed; Ctrl-C is STOP, Ctrl-D leaves", err=True)
    troubled = False
    try:
        with _history(attended):
            for line in _lines(talk, attended=attended, as_json=as_json):
                for said in talk.typed(line):
                    _show(said, as_json=as_json)
                    troubled = troubled or said.kind == "error"
    finally:
        unit.close()
    return exits.USAGE if troubled and not attended else exits.DONE


def _lines(talk: Talk, *, attended: bool, as_json: bool) -> Iterator[str]:
    while True:
        try:
            line = (input("ionto> ") if attended else sys.stdin.readline() or "quit").strip()
        except EOFError:
            click.echo(err=True)
            return
        except KeyboardInterrupt:
            click.echo(err=True)
            _show(talk.brake(), as_json=as_json)
            continue
        if line in ("quit", "exit"):
            return
        if line:
            yield line


def _show(said: Said, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"kind": said.kind, "text": said.text, **said.facts}))
    else:
        click.echo(said.text, err=said.kind == "error")


@contextlib.contextmanager
def _history(attended: bool) -> Iterator[None]:
    """History over sessions and completion by Tab, where the platform has readline."""
    try:
        import readline
    except ImportError:  # Windows: its console keeps a history of its own
        attended = False
    if not attended:
        yield
        return
    words = sorted({*PLAIN, *SEALED, "help", "listen", "quit"})

    def complete(text: str, number: int) -> str | None:
        found: list[Any] = [word for word in words if word.lower().startswith(text.lower())]
        return found[number] if number < len(found) else None

    readline.set_completer_delims(" ")
    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")
    place = Path(click.get_app_dir("ionto")) / "console_history"
    with contextlib.suppress(OSError):
        readline.read_history_file(place)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # a history that cannot be kept is no reason to fail
            place.parent.mkdir(parents=True, exist_ok=True)
            readline.set_history_length(500)
            readline.write_history_file(place)
