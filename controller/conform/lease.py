"""Chapters 5.4 and 7.3: the current goes by itself when its host is silent, and a blind host is silent."""

from __future__ import annotations

from typing import Final

from controller.conform.bench import TICK_MS, Bench
from controller.conform.check import Check, Evidence, Failed, NotRun
from controller.conform.sequence import numbered, wants
from controller.conform.sessions import reopened
from controller.wire import Event, Reply

SPAN: Final = 1 << 32
LINK_BIT: Final = 1 << 10
NEAR_MS: Final = 2 * TICK_MS


def filled(b: Bench) -> Reply:
    """In HOLD, the lease just filled, and from here on nobody keeps it but the check."""
    b.hold(TU=2 * b.ua)
    b.keeping = False
    reply = b.keep()
    full_ms = b.facts.lease_ms
    if not full_ms - NEAR_MS <= reply.integer("lk") <= full_ms:
        raise Failed(f"KEEP by the newest telemetry: lk={full_ms}", f"lk={reply.word('lk')}")
    return reply


def has_room(b: Bench, seconds: float) -> None:
    if b.facts.lease_ms < 1000 * seconds + 300:
        raise NotRun(f"the unit's lease of {b.facts.lease_ms} ms is over before")


def not_filled(b: Bench, reply: Reply, waited_s: float, what: str) -> str:
    """``lk`` as if the KEEP had not come."""
    most = b.facts.lease_ms - round(1000 * waited_s) + NEAR_MS
    lk = reply.integer("lk")
    if reply.code or lk > most:
        raise Failed(f"{what}: 00 and lk at most {most}", f"{reply.code:02d} lk={lk}")
    return f"{what}: lk={lk}"


def lease_left(b: Bench, waited_s: float, what: str) -> str:
    return not_filled(b, b.status(), waited_s, what)


def fills(b: Bench) -> Evidence:
    filled(b)
    has_room(b, 0.6)
    b.listen(0.6)
    line = b.latest
    if line is None or not b.facts.lease_ms - 800 <= line.lease_ms <= b.facts.lease_ms - 400:
        raise Failed("telemetry's lk falls with time", "none" if line is None else f"lk={line.lease_ms} after 0.6 s")
    reply = b.keep()
    if reply.integer("lk") < b.facts.lease_ms - NEAR_MS:
        raise Failed(f"lk={b.facts.lease_ms} again", f"lk={reply.word('lk')}")
    return [f"lk fell to {line.lease_ms} in 0.6 s; KEEP by the newest telemetry: lk={reply.word('lk')}"]


def rest(b: Bench) -> Evidence:
    b.listen(0.3)
    reply = b.keep()
    if reply.code or reply.integer("lk"):
        raise Failed("KEEP in IDLE: 00 lk=0", f"{reply.code:02d} lk={reply.fields.get('lk')}")
    b.stage()
    b.arm()
    b.listen(0.2)
    if any(line.lease_ms for line in b.telemetry()):
        raise Failed("lk=0 in telemetry outside RAMP_UP and HOLD", str({line.lease_ms for line in b.telemetry()}))
    return ["lk=0 in IDLE, STAGED, CHECK and ARMED; KEEP there: 00 lk=0"]


def old(b: Bench) -> Evidence:
    filled(b)
    has_room(b, 1.3)
    number = b.latest.number if b.latest is not None else 0
    b.listen(1.3)
    evidence = not_filled(b, b.keep(number=number), 1.3, "KEEP by telemetry 1.3 s old")
    b.keep()
    return [evidence]


def never_sent(b: Bench) -> Evidence:
    filled(b)
    has_room(b, 0.7)
    b.listen(0.5)
    number = b.latest.number if b.latest is not None else 0
    evidence = [
        not_filled(b, b.keep(number=(number + ahead) & 0xFFFF), 0.5, f"KEEP by a line {ahead} ahead of the newest")
        for ahead in (3, 64, 0x8000)
    ]
    b.keep()
    return evidence


def other_session(b: Bench) -> Evidence:
    b.hold()
    b.listen(1.5)
    number = b.latest.number if b.latest is not None else 0
    b.keep()
    b.keeping = False
    b.hello(more=f" run={b.run}")
    b.listen(0.4)
    evidence = not_filled(b, b.keep(number=number), 0.4, "KEEP by a line of the session before")
    b.keep()
    return [evidence]


def again(b: Bench) -> Evidence:
    b.hold()
    b.keeping = False
    b.listen(0.12)
    line = b.request(f"KEEP t={b.latest.number if b.latest is not None else 0:04X}")
    b.answered(line, "KEEP")
    has_room(b, 0.8)
    for _ in range(4):
        b.listen(0.2)
        wants(b.replies_to(line, "KEEP"), [0], "a KEEP that comes again: its cached reply")
    return [lease_left(b, 0.8, "the same KEEP four times in 0.8 s")]


def nothing_else(b: Bench) -> Evidence:
    filled(b)
    has_room(b, 1.0)
    for _ in range(5):
        b.listen(0.2)
        b.done(f"RUN run={b.run}")
        b.done("TELE ms=100")
        b.query("MEAS:CURR?")
        b.write(b"\n<nothing*00000000\nnonsense\n")
    return [lease_left(b, 1.0, "STATUS, RUN, TELE, plain lines and nonsense for 1 s")]


def blind(b: Bench) -> Evidence:
    filled(b)
    has_room(b, 0.8)
    b.done("TELE ms=0")
    b.listen(0.5)
    return [not_filled(b, b.keep(), 0.5, "KEEP with telemetry off")]


def expires(b: Bench) -> Evidence:
    filled(b)
    status = b.status()
    over_ms, number = status.integer("now") + status.integer("lk"), b.number + 1
    at = len(b.heard)
    b.listen(b.facts.lease_ms / 1000 + 1.3)
    warned = b.events("LINK_WARN", at)
    if len(warned) != 1 or abs(warned[0].uptime_ms - over_ms + b.facts.lease_ms // 2) > NEAR_MS:
        raise Failed(
            f"LINK_WARN at {over_ms - b.facts.lease_ms // 2}, half the lease", str([e.uptime_ms for e in warned])
        )
    wants(numbered(b, "STATUS", number), [5], "a request after the lease")
    b.hello()
    told = {e.fields.get("st"): e for e in b.history() if e.name == "STATE"}
    return [f"LINK_WARN at {warned[0].uptime_ms} ms", *_paused(b, told, over_ms)]


def _paused(b: Bench, told: dict[str | None, Event], over_ms: int) -> Evidence:
    pausing, paused = told.get("PAUSING"), told.get("PAUSED")
    if pausing is None or paused is None:
        raise Failed("events of PAUSING and PAUSED", ", ".join(str(each) for each in told) or "none")
    if abs(pausing.uptime_ms - over_ms) > NEAR_MS:
        raise Failed(f"PAUSING at {over_ms} ms, when the lease was over", f"at {pausing.uptime_ms}")
    if paused.uptime_ms - pausing.uptime_ms > 1000 + TICK_MS:
        raise Failed("PAUSED within 1000 ms", f"after {paused.uptime_ms - pausing.uptime_ms} ms")
    status = b.status()
    if status.word("st") != "PAUSED" or not status.hexa("fl") & LINK_BIT or status.word("run") != b.run:
        raise Failed(f"PAUSED, bit LINK, run={b.run}", str(dict(status.fields)))
    return [
        f"PAUSING at {pausing.uptime_ms} ms (due {over_ms}), PAUSED {paused.uptime_ms - pausing.uptime_ms} ms later",
        f"the run stays open, fl={status.word('fl')}, q={status.word('q')}",
    ]


def by_hand(b: Bench) -> Evidence:
    filled(b)
    b.listen(b.facts.lease_ms / 1000 + 1.3)
    b.hello()
    q = b.status().integer("q")
    at = len(b.heard)
    b.listen(5.0)
    moved = {line.state.value for line in b.telemetry(at)} - {"PAUSED"}
    if moved or any(line.set_ua or line.i_ua > 50 for line in b.telemetry(at)):
        raise Failed("PAUSED without current for 5 s", ", ".join(sorted(moved)) or "a current")
    b.refused(f"RESUME run={b.run} X={b.x()}", 13)
    b.resume()
    status = b.status()
    if status.hexa("fl") & LINK_BIT or status.integer("q") < q:
        raise Failed(f"no bit LINK after RESUME, q at least {q}", f"fl={status.word('fl')} q={status.word('q')}")
    return ["5 s in PAUSED: nothing resumes; RESUME without ARM 13; ARM, RESUME: on, and the bit LINK is gone"]


def finish(b: Bench) -> Evidence:
    b.hold(LOSS="FINISH")
    b.keeping = False
    b.keep()
    number = b.number + 1
    b.listen(2 * b.facts.lease_ms / 1000)
    wants(numbered(b, "STATUS", number), [5], "a request after the lease: the session is closed with LOSS=FINISH too")
    reply = b.open_by(b.opening(more=f" run={b.run}"))
    if reply.code:
        raise Failed("HELLO with the run: 00", f"{reply.code:02d}")
    b.is_in("HOLD", "with LOSS=FINISH the run goes on")
    b.listen(0.3)
    kept = b.keep()
    if kept.integer("lk") < b.facts.lease_ms - NEAR_MS:
        raise Failed("KEEP takes it up again: a full lease", f"lk={kept.word('lk')}")
    return [
        f"two leases of silence in HOLD: the session closed, the run on; HELLO with run, KEEP: lk={kept.word('lk')}"
    ]


def freezes(b: Bench) -> Evidence:
    """The ramp stands between half the lease and its end."""
    tu_ms = max(50 * b.ua if b.ua < 1000 else 10 * b.ua, 3 * b.facts.lease_ms // 2)
    if tu_ms > 50 * b.ua:
        raise NotRun("no ramp of this current is as long as the unit's lease")
    b.begin(TU=tu_ms)
    b.keeping = False
    b.done("TELE ms=20")
    b.keep()
    at = len(b.heard)
    b.listen(b.facts.lease_ms * 0.9 / 1000)
    warned = b.event("LINK_WARN", 0.1, at)
    lines = [line for line in b.telemetry(at) if line.uptime_ms > warned.uptime_ms + 100]
    span_ms = lines[-1].uptime_ms - lines[0].uptime_ms if lines else 0
    rise_ua = lines[-1].i_ua - lines[0].i_ua if lines else 0
    allowed_ua = 3 + b.ua * span_ms // tu_ms // 3
    if span_ms < b.facts.lease_ms * 0.2 or rise_ua > allowed_ua:
        raise Failed(f"a ramp that stands after LINK_WARN: at most {allowed_ua} uA more", f"{rise_ua} in {span_ms} ms")
    b.keep()
    at = len(b.heard)
    b.listen(0.5)
    risen = b.telemetry(at)[-1].i_ua - lines[-1].i_ua
    if risen < b.ua * 300 // tu_ms:
        raise Failed("a KEEP that counts lets the ramp go on", f"{risen} uA more in 0.5 s")
    return [f"after LINK_WARN {rise_ua} uA more in {span_ms} ms; after a KEEP {risen} uA in 0.5 s"]


def port_leaves_half(b: Bench) -> Evidence:
    b.hold()
    b.keeping = False
    b.keep()
    if not reopened(b):
        raise Failed("a port that opens again", "it did not in 5 s")
    reply = b.open_by(b.opening(more=f" run={b.run}"))
    if reply.code:
        raise Failed("HELLO with the run: 00", f"{reply.code:02d}")
    status = b.status()
    if status.word("st") != "HOLD":
        return [f"the port closed and opened again: {status.word('st')}, the lease was over"]
    if status.integer("lk") > b.facts.lease_ms // 2:
        raise Failed(f"lk at most {b.facts.lease_ms // 2}", f"lk={status.word('lk')}")
    return [f"the port closed and opened again within the lease: lk={status.word('lk')}"]


CHECKS: Final = (
    Check("LEASE-01", "5.4", "KEEP by the newest telemetry fills the lease, which falls with time", fills, ("load",)),
    Check("LEASE-02", "5.4", "outside RAMP_UP and HOLD lk is 0, and KEEP is answered 00 all the same", rest, ("load",)),
    Check("LEASE-03", "5.4", "a KEEP by telemetry more than 1000 ms old does not count", old, ("load",)),
    Check("LEASE-04", "5.4", "a KEEP by a line that was never sent does not count", never_sent, ("load",)),
    Check("LEASE-05", "5.4", "a KEEP by a line of another session does not count", other_session, ("load",)),
    Check("LEASE-06", "7.3", "a KEEP that comes again does not count again", again, ("load",)),
    Check("LEASE-07", "7.3", "nothing but START, RESUME and KEEP fills the lease", nothing_else, ("load",)),
    Check("LEASE-08", "5.4", "with telemetry off no KEEP counts", blind, ("load",)),
    Check("LEASE-09", "7.3",
          "half gone: LINK_WARN; all gone: PAUSING in 1 s, PAUSED, bit LINK, dose kept", expires, ("load",)),
    Check("LEASE-10", "7.3",
          "nothing resumes by itself: HELLO, ARM, RESUME, and the bit LINK goes", by_hand, ("load",)),
    Check("LEASE-11", "7.3",
          "HOLD with LOSS=FINISH goes on; HELLO with run, then KEEP, takes it up again", finish, ("load",)),
    Check("LEASE-12", "7.3", "with half the lease gone the ramp-up freezes until a KEEP counts", freezes, ("load",)),
    Check("LEASE-13", "7.3", "a closing port leaves at most half the lease", port_leaves_half, ("load",)),
)  # fmt: skip
