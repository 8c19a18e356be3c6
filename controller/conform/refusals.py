"""Chapter 9: every error code that can be provoked, which of two is answered, and that a refusal changes nothing."""

from __future__ import annotations

from typing import Final

from controller.conform.bench import FULL_UA, Bench
from controller.conform.check import Check, Evidence, Failed, NotRun
from controller.wire import Reply

TIME_CAP: Final = 12
CHECK_MOST_OHM: Final = 400_000
WINDOW_UC: Final = 9_600_000


def at_rest(b: Bench) -> Evidence:
    """What each state without current does not allow, by the table of 5.1."""
    evidence = []
    later = "X=4294967295"
    for state, texts in {
        "IDLE": (("ARM D=00000000", 4), (f"START run=NONE D=00000000 {later}", 13), (f"RESUME run=NONE {later}", 13),
                 ("SET I=100", 4), ("PAUSE", 4), ("CLEAR id=01", 4)),
        "STAGED": ((f"START run=NONE D=00000000 {later}", 13), (f"RESUME run=NONE {later}", 13), ("SET I=100", 4),
                   ("PAUSE", 4), ("CLEAR id=01", 4), ("SELFTEST", 4), ("ARM D=00000000", 14)),
    }.items():  # fmt: skip
        if state == "STAGED":
            b.stage()
        evidence += [f"{state}: " + b.refused(text, code) for text, code in texts]
        b.is_in(state, "a refusal changes nothing")
    return evidence


def first_that_applies(b: Bench) -> Evidence:
    return [
        b.refused(text, code)
        for text, code in (
            ("FLY X=1", 1), ("SET I=x X=1", 12), ("SET X=1", 12), ("SET I=x", 2), ("SET I=5000 I=100", 2),
            ("PRES I=0800 Q=1 POL=+", 2), ("PRES I=5000 Q=6000 POL=x", 2), ("SET I=5000", 3), ("CLEAR id=00", 3),
            ("CLEAR id=21", 3), ("ARM D=0000000", 2), ("ARM D=0000000g", 2), ("START run=NONE D=00000000", 12),
            ("START run=none D=00000000 X=1", 2), ("START run=NONE D=00000000 X=4294967296", 3), ("ABORTX", 1),
        )
    ]  # fmt: skip


def calibration(b: Bench) -> Evidence:
    """Only what is refused: a unit's calibration is not ours to change."""
    if "CAL" not in b.facts.cap:
        return [b.refused("CAL ch=I gain=0 off=0", 1) + ", for cap does not say CAL"]
    evidence = [
        b.refused(text, code)
        for text, code in (
            ("CAL ch=I gain=50001 off=0", 3), ("CAL ch=V gain=-50001 off=0", 3), ("CAL ch=I gain=0 off=2001", 3),
            ("CAL ch=X gain=0 off=0", 2), ("CAL ch=I gain=-0 off=0", 2), ("CAL ch=I gain=0", 12),
        )
    ]  # fmt: skip
    b.stage()
    return [*evidence, b.refused("CAL ch=I gain=0 off=0", 4) + " in STAGED"]


def armed(b: Bench) -> Evidence:
    b.stage()
    b.arm()
    other = "00000000" if b.digest != "00000000" else "00000001"
    now_ms = b.mark().unit_ms
    evidence = []
    for text, code in (
        (f"START run={b.new_run()} D={other} X={now_ms + 9000}", 14), (f"START run={b.new_run()} D={b.digest} X=0", 9),
        (f"START run={b.new_run()} D={b.digest} X={(now_ms - 1) % (1 << 32)}", 9),
        (f"START run={b.new_run()} D={b.digest} X={(now_ms + 9000) % (1 << 32)}", 9),
        (f"RESUME run=NONE X={now_ms}", 13), (f"ARM D={b.digest}", 4), (b.pres(), 4), ("SELFTEST", 4), ("SET I=100", 4),
    ):  # fmt: skip
        evidence.append("ARMED: " + b.refused(text, code))
    b.is_in("ARMED", "a refusal changes nothing")
    b.start()
    other_run = b.start_text(run="OTHERRUN")
    evidence += ["RAMP_UP: " + b.refused(text, 13) for text in (other_run, f"RESUME run={b.run} X={b.x()}")]
    evidence += [
        "RAMP_UP: " + b.refused(text, 4) for text in (b.pres(), f"ARM D={b.digest}", "SELFTEST", "CLEAR id=01")
    ]
    return evidence


def used_run(b: Bench) -> Evidence:
    b.hold()
    run, evidence = b.run, []
    evidence.append(_is_used(b, run, "RUNNING", "HOLD"))
    at = len(b.heard)
    b.done("STOP")
    b.keeping = False
    b.comes("DONE", 1.5, at)
    evidence.append(_is_used(b, run, "STOPPED", "DONE"))
    b.done("STOP")
    evidence.append(_is_used(b, run, "STOPPED", "IDLE"))
    b.stage()
    b.arm()
    evidence.append(_is_used(b, run, "STOPPED", "ARMED"))
    b.is_in("ARMED", "a run is never started twice")
    return evidence


def _is_used(b: Bench, run: str, out: str, state: str) -> str:
    reply = b.say(b.start_text(run=run))
    fields = dict(reply.fields)
    wanted = {"run": run, "st": state, "out": out}
    if reply.code != 15 or {key: fields.get(key) for key in wanted} != wanted or list(fields)[:4] != _RUN_FIELDS:
        raise Failed(f"START with a used run: 15 {wanted} and q", f"{reply.code:02d} {fields}")
    return f"{state}: START run={run}: 15 st={state} q={fields['q']} out={out}"


_RUN_FIELDS: Final = ["run", "st", "q", "out"]


def other_run(b: Bench) -> Evidence:
    evidence = [b.refused("RUN run=NEVERSTARTED", 6)]
    paused(b)
    evidence.append("PAUSED: " + b.refused(f"RESUME run={b.run} X={b.x()}", 13))
    b.arm()
    evidence += [
        "ARMED, a run open: " + b.refused("RESUME run=NEVERSTARTED X=0", 6),
        "ARMED, a run open: " + b.refused(f"RESUME run={b.run} X={(b.x() - 1001) % (1 << 32)}", 9),
        "ARMED, a run open: " + b.refused(b.start_text(run="OTHERRUN"), 13),
    ]
    return evidence


def paused(b: Bench) -> None:
    b.hold()
    at = len(b.heard)
    b.done("PAUSE")
    b.comes("PAUSED", b.ua * 0.00101 + 0.5, at)
    b.keeping = False


def bad_contact(b: Bench) -> Evidence:
    """By the prescription's own lower limit where the load is known, by the load where the door can change it."""
    evidence = []
    ohm = b.load_ohm
    if ohm is not None and ohm < 4800:
        evidence.append(_no_contact(b, f"{ohm} ohm with ZMIN=5000", ZMIN=5000))
    if b.door is not None:
        for spec, what in ((None, "an open lead"), (430_000, "430 kohm"), (0, "a short")):
            b.wire(spec)
            evidence.append(_no_contact(b, what))
    if not evidence:
        raise NotRun("it needs a load below 4800 ohm, declared with --load, or the bench door")
    return evidence


def _no_contact(b: Bench, what: str, **fields: int) -> str:
    b.stage(**fields)
    at = len(b.heard)
    text = b.refused(f"ARM D={b.digest}", 16)
    b.is_in("STAGED", "a failed check goes back to where ARM came from")
    b.listen(0.2)
    if any(line.i_ua > 70 for line in b.telemetry(at)):
        raise Failed("at most 60 uA in CHECK", str(max(line.i_ua for line in b.telemetry(at))))
    return f"{what}: {text}"


def latched(b: Bench) -> Evidence:
    """The fault is TIME_CAP, which needs nothing but TMAX."""
    at = len(b.heard)
    b.begin(TMAX=1000)
    b.event("FAULT", 3.0, at, id="12")
    b.comes("FAULT", 3.0, at)
    b.keeping = False
    evidence = [
        "FAULT: " + b.refused(text, code)
        for text, code in (
            (f"CLEAR id={TIME_CAP}", 17), ("CLEAR id=01", 4), ("CLEAR id=00", 3), (f"ARM D={b.digest}", 17),
            (b.pres(), 17), ("SELFTEST", 17), (b.start_text(run="OTHERRUN", x=0), 17), ("SET I=100", 4), ("PAUSE", 4),
        )
    ]  # fmt: skip
    b.write(b"\x03")
    b.done("STOP")
    b.hello()
    b.is_in("FAULT", "neither STOP nor HELLO clears a fault")
    b.listen(2.2)
    at = len(b.heard)
    reply = b.done(f"CLEAR id={TIME_CAP}")
    if reply.word("fl") != "0":
        raise Failed("fl=0", f"fl={reply.word('fl')}")
    b.event("CLEAR", 0.5, at, id=str(TIME_CAP))
    b.is_in("IDLE", "CLEAR of the last bit")
    return [*evidence, f"after 2.2 s CLEAR id={TIME_CAP}: 00 fl=0, event CLEAR, IDLE"]


def locked(b: Bench) -> Evidence:
    """Three lost links."""
    b.hold()
    for n in range(3):
        b.keeping = False
        b.listen(b.facts.lease_ms / 1000 + 1.3)
        b.hello()
        b.is_in("PAUSED", "the lease is over")
        if n < 2:
            b.resume()
            b.comes("HOLD", 2 * b.ua * 0.00101 + 1.0)
    evidence = [b.refused(f"ARM D={b.digest}", 25), b.refused(f"RESUME run={b.run} X={b.x()}", 25)]
    b.done("STOP")
    out, _ = b.outcome()
    if out != "STOPPED":
        raise Failed("such a run can be stopped: STOPPED", out)
    return [*evidence, "STOP: DONE, STOPPED"]


def window(b: Bench) -> Evidence:
    """84 mA.min in a run without the bench jumper; then what does not fit any more."""
    b.needs_room(FULL_UA)
    if b.facts.qmax_uc < 4_800_000:
        raise NotRun("a charge of half the window is more than this unit gives in a run")
    b.do("jumper", fitted=False)
    try:
        given = 0
        for uc in (4_800_000, 60_000):
            at = len(b.heard)
            b.begin(FULL_UA, uc, TMAX=7_200_000)
            b.done("TELE ms=500")
            b.comes("DONE", 3 * uc / FULL_UA, at)
            b.keeping = False
            given += b.outcome()[1]
            b.done("STOP")
            b.heard.clear()
        b.stage(FULL_UA, 4_800_000)
        evidence = [f"Q=4800000: {b.refused(f'ARM D={b.digest}', 20)}"]
        b.stage(FULL_UA, (WINDOW_UC - given - 10_000) // 6000 * 6000)
        b.arm()
    finally:
        b.do("jumper", fitted=True)
    return [f"{given} uC given, {WINDOW_UC} are the most", *evidence, "what fits is armed"]


def no_fields(b: Bench) -> Evidence:
    for text in ("FLY", "SET I=x", "ARM D=00000000", "RUN run=NONE", "CLEAR id=01", "TELE ms=10"):
        reply: Reply = b.say(text)
        if reply.fields:
            raise Failed(f"{text} refused without fields", str(dict(reply.fields)))
    return ["six refusals, none with a field"]


CHECKS: Final = (
    Check("REF-01", "9", "of the codes that apply, the first in the page's order is answered", first_that_applies),
    Check("REF-02", "5.1", "a verb outside its states is refused (04, 13), and nothing changes", at_rest),
    Check("REF-03", "5.1", "a refusal carries no fields, except 10, 18 and 15", no_fields),
    Check("REF-04", "5.11", "CAL without cap CAL is 01; with it, what cannot be held is 02 and 03", calibration),
    Check("REF-05", "5.5",
          "ARMED: wrong D is 14, X in the past or more than 1000 ms ahead 09; energised 13 and 04", armed, ("load",)),
    Check("REF-06", "5.5", "a run is never started twice: 15 with run st q out", used_run, ("load",)),
    Check("REF-07", "5.5",
          "an unknown run is 06, START while a run is open 13, RESUME not armed 13, late 09", other_run, ("load",)),
    Check("REF-08", "5.3", "a failed contact check is 16, and STAGED again", bad_contact, ("load",)),
    Check("REF-09", "9",
          "17 while a fault is latched or its cause was there 2 s ago; CLEAR of the last is IDLE", latched, ("load",)),
    Check("REF-10", "9", "25 after the same cause paused a run three times in 10 min", locked, ("load",)),
    Check("REF-11", "5.12",
          "20 where the dose window does not fit the whole Q", window, ("load", "output", "door", "hours")),
)  # fmt: skip
