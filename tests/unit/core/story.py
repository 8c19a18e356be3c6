"""Stories: a unit played by hand, one line an input, with everything the engine answers written beside it.

A line is ``input | state | what came out``. Inputs:

    begin                  the run is begun
    <PRES 00 I=1600        the answer to the request that is out: its code, and fields other than the usual ones
    ?                      no answer to it: Uncertain
    ~HOLD i=1500 n=3       telemetry 0.1 s later (``dt=``), its number ``n`` after the last one, ``sid=`` a new session
    !STATE PAUSED n=2      an event
    +0.3                   seconds in which nothing comes
    lost, link             the port vanishes, comes back
    stop, abort, pause, resume, breach

Everything is done as ``Session`` does it: after each input ``on_time``, then one request if the line is free. A KEEP
is answered 00 before the next input, unless that input is its answer. What came out, in its order: BRAKE (ABORTING
for two stop bytes), the notes a reader must not miss, the request that left, and after ``=`` how the run ended.
"""

from collections.abc import Mapping
from types import MappingProxyType

from controller.effects import Ask, Brake, Note, RunResult
from controller.engine import Engine
from controller.exchange import Confirmed, Refused, Uncertain
from controller.limits import Breach, UnitFacts
from controller.treatment import Pole, Prescription
from controller.wire import Event, Reply, Telemetry, UnitState

RUN = "RUN1"
# 0.1 mA.min at 1.5 mA with the steepest ramps: 2250 uC up, 2625 uC in 1.75 s of HOLD, 1125 uC down.
PRESCRIPTION = Prescription(
    i_ua=1500, q_uc=6000, tu_ms=3000, td_ms=1500, tmax_ms=9375, pole=Pole.NEGATIVE, cont="PAUSE"
)
HELD = {
    "I": "1500", "Q": "6000", "TU": "3000", "TD": "1500", "TMAX": "9375", "ZMAX": "30000", "ZMIN": "200",
    "VMAX": "54000", "POL": "-", "LIM": "STOP", "CONT": "PAUSE", "LOSS": "STOP", "BATT": "STOP",
}  # fmt: skip
DIGEST = "8A7EE4B0"
GREETING = {
    "v": "1", "sid": "4A18", "nonce": "5F2A90C1", "boot": "163", "sn": "SN0042", "fw": "1.0.0", "model": "IONTO-4",
    "lease": "2000", "imax": "4000", "qmax": "4800000", "vcomp": "60000", "cap": "NVM", "rate": "1",
}  # fmt: skip
FACTS = UnitFacts.of(Reply(0, 1, 0, "HELLO", GREETING))
USUAL = {
    "PRES": {**HELD, "D": DIGEST},
    "ARM": {"ttl": "10000", "z": "41800"},
    "START": {"run": RUN, "st": "RAMP_UP"},
    "RESUME": {"run": RUN, "st": "RAMP_UP"},
    "STOP": {"st": "RAMP_DOWN"},
    "ABORT": {"st": "DONE"},
    "KEEP": {"lk": "2000"},
    "HELLO": GREETING,
    "STATUS": {"st": "HOLD"},
    "RUN": {"run": RUN, "st": "HOLD", "q": "0", "out": "RUNNING"},
}
CURRENT = {"HOLD": 1500, "RAMP_DOWN": 700, "PAUSING": 700, "CHECK": 50}
# How stories begin.
TO_START = """
begin            | STAGING    | PRES
<PRES 00         | CHECKING   | ARM D=8A7EE4B0
~CHECK           | CHECKING   |
<ARM 00 z=41800  | STARTING   | contact z_ohm=41800, START run=RUN1 D=8A7EE4B0 X=6100
"""
TO_RAMP = f"""{TO_START}
<START 00        | RAMPING_UP |
~RAMP_UP dt=0.2  | RAMPING_UP | KEEP t=0002
"""
TO_HOLD = f"""{TO_RAMP}
~HOLD dt=0.5 q=375 | HOLDING  | KEEP t=0003
"""
TO_PAUSED = f"""{TO_HOLD}
pause            | HOLDING    | PAUSE
<PAUSE 00        | PAUSING    |
~PAUSING q=400   | PAUSING    |
~PAUSED          | PAUSED     |
"""

# No answer, and what is asked then; to be formatted with the unit's state.
FOUND = """
?                       | UNCERTAIN  | HELLO run=RUN1
<HELLO 00               | UNCERTAIN  | STATUS
<STATUS 00 st={}        | UNCERTAIN  | RUN run=RUN1
"""

TOLD = ("gap", "limit", "reset", "taken_up", "contact")


class Player:
    def __init__(self, *, attended: bool = False, prescription: Prescription = PRESCRIPTION) -> None:
        self.engine = Engine(prescription, RUN, FACTS, attended=attended)
        self.now, self.heard_s = 100.0, 0.0
        self.notes: list[Note] = []
        self.asked = ""  # the verb that left in answer to the last input
        self._told_st = "HOLD"
        self._out: Ask | None = None
        self._ms, self._number, self._event, self._q = 5000, 0, 0, 0
        self._sid = 0x4A17
        self._ended = False

    @property
    def out(self) -> str | None:
        """The verb of the request that is out."""
        return None if self._out is None else self._out.verb

    def line(self, text: str) -> str:
        """Play one input; what came out."""
        word, *rest = text.split()
        if self._out is not None and self._out.verb == "KEEP" and word[0] not in "<?":
            self.answer("KEEP")
        fields = dict(pair.split("=") for pair in rest if "=" in pair)
        said = self._play(word, [arg for arg in rest if "=" not in arg], fields)
        self.engine.on_time(self.now)
        return ", ".join(said + self._effects() + self._next() + self._end())

    def _play(self, word: str, args: list[str], fields: dict[str, str]) -> list[str]:
        engine = self.engine
        match word:
            case "begin":
                engine.start()
            case "lost":
                self._out = None
                engine.on_lost(self.now)
            case "link":
                engine.on_link()
            case "breach":
                engine.trip(Breach("a limit", "was passed"), self.now)
            case "stop" | "abort" | "pause" | "resume":
                return [] if engine.order(word, self.now, "a person") else ["no"]
            case "?":
                assert self._out is not None, "no request is out"
                verb, self._out = self._out.verb, None
                engine.on_verdict(Uncertain(verb), self.now)
            case _ if word[0] == "<":
                self.answer(word[1:], int(args[0]), fields)
            case _ if word[0] == "~":
                self._telemetry(word[1:], **fields)
            case _ if word[0] == "!":
                self._hear(word[1:], args, fields)
            case _:
                self._pass(float(word))
        return []

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self._ms += round(seconds * 1000)

    def answer(self, verb: str, code: int = 0, fields: Mapping[str, str] = MappingProxyType({})) -> None:
        """Answer the request that is out, and do nothing else yet."""
        assert self._out is not None, f"{verb} is not out"
        assert self._out.verb == verb, f"{self._out.verb} is out"
        self._out = None
        if code:
            self.engine.on_verdict(Refused(verb, code, Reply(self._sid, 1, code, verb, fields)), self.now)
        else:
            full = {**USUAL.get(verb, {}), **fields}
            if verb == "STATUS":
                self._told_st = full["st"]
            elif verb == "RUN" and "st" not in fields:
                full["st"] = self._told_st  # a unit says the same in both, unless the story has it otherwise
            self.engine.on_verdict(Confirmed(verb, Reply(self._sid, 1, 0, verb, full)), self.now)

    def _telemetry(
        self, state: str, *, dt: str = "0.1", n: str = "1", i: str = "", q: str = "", sid: str = "", fl: str = "0"
    ) -> None:
        self._pass(float(dt))
        if sid:
            self._sid, self._number = int(sid, 16), -1
        self._number += int(n)
        i_ua = int(i) if i else CURRENT.get(state, 0)
        energised = state in ("RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING")
        self._q = int(q) if q else self._q + round(i_ua * float(dt)) * energised
        set_ua = 1500 if state in ("RAMP_UP", "HOLD") else 0
        seen = Telemetry(
            self._sid, self._number & 0xFFFF, self._ms, UnitState(state), set_ua, i_ua, i_ua, 6000, 4000, self._q,
            2000, False, energised, int(fl, 16),
        )  # fmt: skip
        before = self.engine.course.newest
        self.engine.on_telemetry(seen, self.now)
        if self.engine.course.newest is not before:
            self.heard_s = self.now

    def _hear(self, name: str, args: list[str], fields: dict[str, str]) -> None:
        self._event += int(fields.get("n", "1"))
        key = "st" if name == "STATE" else "id"
        said = {key: args[0]} if args else {}
        self.engine.on_event(Event(self._sid, self._event & 0xFFFF, self._ms, name, said), self.now)

    def _effects(self) -> list[str]:
        said = []
        while self.engine.effects:
            effect = self.engine.effects.popleft()
            if isinstance(effect, Brake):
                said.append("ABORTING" if effect.abort else "BRAKE")
            else:
                self.notes.append(effect)
                if effect.kind in TOLD:
                    said.append(" ".join((effect.kind, *(f"{k}={v}" for k, v in effect.facts.items()))))
        return said

    def _next(self) -> list[str]:
        self.asked = ""
        if self._out is not None:
            return []
        self._out = self.engine.take_ask()
        if self._out is None:
            return []
        self.asked = self._out.verb
        fields = {} if self._out.verb == "PRES" else self._out.fields
        return [" ".join((self._out.verb, *(f"{k}={v}" for k, v in fields.items())))]

    def _end(self) -> list[str]:
        result = self.engine.result
        if result is None or self._ended:
            return []
        self._ended = True
        return [ending(result)]


def ending(result: RunResult) -> str:
    codes = (("fault", result.fault), ("refused", result.refused), ("cause", result.cause or None))
    known = [f"{name}={value}" for name, value in codes if value is not None]
    return " ".join(("=", result.outcome, f"{result.low_uc}..{result.high_uc}", *known))


def play(story: str, *, attended: bool = False, prescription: Prescription = PRESCRIPTION) -> Player:
    """Play a story to its end, and hold each line of it to what it says."""
    player = Player(attended=attended, prescription=prescription)
    for number, line in enumerate(filter(str.strip, story.splitlines()), 1):
        told, state, *out = (part.strip() for part in line.split("|"))
        came = player.line(told)
        assert (player.engine.state.name, came) == (state, out[0] if out else ""), f"line {number}: {told}"
    return player
