"""When two states are the same: a tuple of what can still matter, with all that grows for ever taken out.

Times become ages and what is left of them, as long as somebody still asks; session numbers and nonces become names in
the order in which they are met, because they are only ever compared; request numbers become distances from the one
that comes next, everything behind it being equally old; readings with noise in them, counters and sentences go. Two
states that look the same here are explored once: the first stands for both.

What each attribute of the host becomes is a table, and an attribute that is not in it stops the search: a new
field of the product has to be given its place here first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from controller.effects import Ask
from controller.wire import Telemetry
from hw_sim.firmware.machine import ARMED, CHECK, FAULT, HOLD, PAUSING, RAMP_UP, SELFTEST

if TYPE_CHECKING:
    from tests.evidence.search.bench import Bench
    from tests.evidence.search.host import Host

GRID_MS: Final = 250
_OLD: Final = -1
_DROPPED: Final = frozenset(
    {"z", "i", "i2", "v", "q", "lk", "lim", "rl", "now", "ttl", "imax", "qmax", "vcomp", "cap", "utc"}
)


class Names:
    """What a state's identifiers are called, and what its numbers are counted from."""

    def __init__(self, bench: Bench) -> None:
        session, host = bench.world.firmware.session, bench.host
        exchange = host.unit.exchange
        self._names: dict[object, int] = {}
        self.now_s = bench.now_s
        self.uptime_ms = bench.world.hal.uptime_ms()
        self.tele_next = session.tele_no
        self.event_no: int = bench.world.firmware.event_no
        self.unit_sid, self.host_sid = session.sid, exchange.sid
        self.unit_last, self.host_last = session.last, exchange._next - 1

    def of(self, thing: object) -> int:
        """0 is nobody; else the order of being met."""
        if not thing:
            return 0
        return self._names.setdefault(thing, len(self._names) + 1)

    def number(self, sid: int, number: int) -> int:
        """How far ahead of the last one executed (or, where that session is gone, of the last one sent)."""
        if sid == self.unit_sid:
            return max(_OLD, number - self.unit_last)
        if sid == self.host_sid:
            return 10 + max(_OLD, number - self.host_last)
        return 20

    def telemetry(self, sid: int, number: int) -> int:
        return min(64, (self.tele_next - 1 - number) & 0xFFFF) if sid == self.unit_sid else 99

    def age(self, uptime_ms: int) -> int:
        return min(1250, (self.uptime_ms - uptime_ms) & 0xFFFFFFFF) // 50


# -- frames ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def _split(frame: bytes) -> tuple[str, int, int, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """(first character, session, number, words, fields) of a sealed line."""
    head, number, *words = frame.strip(b"\n")[:-9].decode("ascii").split(" ")
    plain = tuple(word for word in words if "=" not in word)
    pairs = (word.split("=", 1) for word in words if "=" in word)
    return head[0], int(head[1:], 16), int(number, 16), plain, tuple((k, v) for k, v in pairs if k not in _DROPPED)


def frame_key(frame: bytes, names: Names) -> Any:
    if frame[:1] == b"\x18":
        return frame
    kind, sid, number, words, fields = _split(frame)
    who = names.of(sid)
    if kind == "~":
        return kind, who, names.telemetry(sid, number), names.age(int(words[0])), fields
    if kind == "!":
        ahead = min(64, (names.event_no - number) & 0xFFFF)
        return kind, who, ahead, words[1:], fields
    told = tuple((key, _field(key, value, sid, names)) for key, value in fields)
    return kind, who, names.number(sid, number) if sid else 0, words, told


def _field(key: str, value: str, sid: int, names: Names) -> Any:
    match key:
        case "nonce":
            return names.of(value)
        case "sid":
            return names.of(int(value, 16))
        case "X":
            left = (int(value) - names.uptime_ms) & 0xFFFFFFFF
            return left // GRID_MS if left < 0x80000000 else -1
        case "t":
            return names.telemetry(sid, int(value, 16))
        case "n" | "last":
            return min(64, (names.event_no - int(value, 16)) & 0xFFFF)
        case _:
            return value


@lru_cache(maxsize=1 << 10)
def _nonce(hello: bytes) -> str:
    return hello.partition(b"nonce=")[2][:8].decode("ascii")


# -- the unit --------------------------------------------------------------------------------------------------


def unit_key(bench: Bench, names: Names) -> tuple[Any, ...]:
    """What of the unit decides what it will do."""
    fw = bench.world.firmware
    s, session, store = fw.rec, fw.session, fw.store
    st = s.st
    leased = RAMP_UP <= st <= HOLD
    flows = RAMP_UP <= st <= PAUSING
    asked_s = bench.world.hal.uptime_ms()
    x = fw.last_x
    return (
        st, s.is_open, s.why if flows else 0, s.tgt, s.prog, s.relay, s.fl, s.locked, s.alarm, s.button,
        fw.run, fw.digest != "", s.q // 250 if s.is_open else 0, s.lease // 5 if leased else 0, s.half, s.lost,
        s.t_st // 5 if st == ARMED or st <= SELFTEST else 0, s.chk_n if st == CHECK else 0,
        min(s.cause, 200) // 25 if st == FAULT else 0, s.n_off if flows and not leased else 0,
        bool(s.p_open1), bool(s.p_open2), bool(s.p_step1), bool(s.p_step2), bool(s.p_link1), bool(s.p_link2),
        tuple((run, out) for run, out, *_ in store.runs), store.boot,
        names.of(session.sid), session.conn == bench.conn, session.waiting, session.tele_ms,
        session.tele_left if session.tele_ms else 0, names.of(_nonce(session.hello_line) if not session.last else ""),
        x is not None and x[0] == bench.conn and asked_s - x[1] <= 500 and asked_s - x[1],
        bench.world.plant.alpha_drug > 0,
    )  # fmt: skip


# -- the host --------------------------------------------------------------------------------------------------

_Reader = Callable[[Any, "Host", Names], Any]


def _drop(value: object, host: Host, names: Names) -> None:
    """Constant, a part that has its own rows, or nothing that decides."""


def _same(value: Any, host: Host, names: Names) -> Any:
    return value


def _is_there(value: object, host: Host, names: Names) -> bool:
    return value is not None


def _since(most_s: float) -> _Reader:
    """An age, as long as somebody still asks for it."""

    def read(value: float | None, host: Host, names: Names) -> float | None:
        return None if value is None else round(min(most_s, names.now_s - value), 3)

    return read


def _until(value: float | None, host: Host, names: Names) -> float | None:
    return None if value is None else round(max(0.0, value - names.now_s), 3)


def _asks(value: Iterable[Ask], host: Host, names: Names) -> tuple[Any, ...]:
    sid = host.unit.exchange.sid
    return tuple(
        (ask.verb, *((key, _field(key, str(told), sid, names)) for key, told in ask.fields.items())) for ask in value
    )


def _newest(value: Telemetry | None, host: Host, names: Names) -> Any:
    if value is None:
        return None
    number = names.telemetry(value.sid, value.number)
    return names.of(value.sid), number, names.age(value.uptime_ms), value.state, value.faults


def _waiting(value: Any, host: Host, names: Names) -> Any:
    return value and (frame_key(value.data, names), value.sends_left)


_TABLE: Final[dict[str, dict[str, _Reader]]] = {
    "Course": {
        "prescription": _drop, "run": _drop, "machine": _drop, "doubtful": _drop, "effects": _drop, "monitor": _drop,
        "facts": lambda v, h, n: v.boot, "state": _same, "asks": _asks, "result": lambda v, h, n: v and v.outcome,
        "newest": _newest, "heard_s": _since(1.25), "heard": _same, "followed": _same, "events": _drop,
        "began_s": _is_there, "known": _same, "end_asked": _same,
    },
    "Engine": {
        **dict.fromkeys(("course", "effects", "asks", "gaps"), _drop), "_outstanding": _same, "_keep_due_s": _until,
        **dict.fromkeys(("_stopping", "_ending", "_raising", "_pausing", "_doubt"), _drop),
    },
    "Stopping": {
        "asked_s": _since(30.25), "cause": _drop, "reason": _drop, "breach": _is_there, "_course": _drop,
        "_abort": _same, "_braked_s": _since(1.25),
    },
    "Ending": {"fault": _same, "_course": _drop, "_stopping": _drop},
    "Raising": {
        "resuming": _same, "_course": _drop, "_stopping": _drop, "_ending": _drop, "_fields": _drop, "_digest": _drop,
        "_attempts": _same,
    },
    "Pausing": {
        "_course": _drop, "_stopping": _drop, "_raising": _drop, "_attended": _drop, "_asked": _same,
    },
    "Doubt": {
        "found": _same, "missed": _asks, "_since_s": _since(30.25), "_was_reset": _same,
        **dict.fromkeys(("_course", "_stopping", "_ending", "_raising", "_pausing"), _drop),
    },
    "EventNumbers": {
        "newest": lambda v, h, n: None if v is None else min(64, (n.event_no - v) & 0xFFFF),
    },
    "Exchange": {
        "retries": _drop, "strays": _drop, "sid": lambda v, h, n: n.of(v), "pending": _same, "due": _until,
        "_next": lambda v, h, n: n.number(h.unit.exchange.sid, v), "_pending": _waiting,
    },
}  # fmt: skip


class Unlisted(LookupError):
    """The product has an attribute of which nobody has said what it means for the search."""


_READS: Final = {
    table: (
        frozenset(rows),
        tuple(name for name, reader in rows.items() if reader is _same),
        tuple((name, reader) for name, reader in rows.items() if reader is not _same and reader is not _drop),
    )
    for table, rows in _TABLE.items()
}


_PENDING: Final = frozenset({"request", "data", "sends_left", "timeout_s"})  # _waiting reads it


def check(host: Host) -> None:
    """Every attribute of the host has its place in the table.

    Raises:
        Unlisted: one has not.
    """
    listed = [(table, vars(thing).keys(), _READS[table][0]) for thing, table in _parts(host)]
    pending = host.unit.exchange._pending
    if pending is not None:
        listed.append(("_Pending", set(type(pending).__slots__), _PENDING))
    for table, held, known in listed:
        for name in held ^ known:
            raise Unlisted(f"{table}.{name}: the product and the table of {__name__} do not agree on it")


def _parts(host: Host) -> tuple[tuple[Any, str], ...]:
    engine, exchange = host.engine, (host.unit.exchange, "Exchange")
    if engine is None:
        return (exchange,)
    return (
        exchange, (engine, "Engine"), (engine.course, "Course"), (engine._stopping, "Stopping"),
        (engine._ending, "Ending"), (engine._raising, "Raising"), (engine._pausing, "Pausing"),
        (engine._doubt, "Doubt"), (engine.course.events, "EventNumbers"),
    )  # fmt: skip


def host_key(host: Host, names: Names) -> tuple[Any, ...]:
    """What of the host decides what it will do."""
    engine = host.engine
    if host.over:
        return host.life, host.stage, engine and engine.result and engine.result.outcome
    told: list[Any] = [host.life, host.stage, host.port_lost, host.stopped]
    for thing, table in _parts(host):
        _, plain, others = _READS[table]
        held = thing.__dict__
        told += [held[name] for name in plain]
        told += [reader(held[name], host, names) for name, reader in others]
    return tuple(told)


# -- the whole -------------------------------------------------------------------------------------------------


def key(bench: Bench) -> int:
    """64 bits that stand for the state: among a million states two share them with p = 3e-8."""
    names = Names(bench)
    ghost = bench.ghost
    return hash(
        (
            unit_key(bench, names),
            None if bench.crashed else host_key(bench.host, names),
            bench.host.life,
            tuple([frame_key(frame, names) for frame in bench.up]),
            tuple([frame_key(frame, names) for frame in bench.down]),
            frozenset([(to_unit, frame_key(frame, names)) for to_unit, frame in bench.aside]),
            len(bench.aside),
            bench.cut, bench.pressed, ghost.may_begin, tuple(sorted(ghost.starts.items())),
        )
    )  # fmt: skip
