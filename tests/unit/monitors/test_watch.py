"""The watch: all monitors over one stream, whatever the stream holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.monitors import MONITORS, UNJUDGED, Held, Monitor, NotObservable, Violated, Watch, replay
from controller.monitors.current import Rest
from controller.wire import UnitState
from tests.unit.monitors.tape import RUN, Tape, sealed


def test_every_invariant_has_its_place_and_only_one() -> None:
    ids = [one.id for one in (*MONITORS, *UNJUDGED)]
    assert sorted(ids) == [f"I{n:02d}" for n in range(1, 41)]


def test_every_monitor_says_what_it_needs() -> None:
    for one in MONITORS:
        assert one.needs <= {"wire", "notes", "truth"}
        assert one.needs
        assert one.property
        assert one.source
        assert one.unseen


def test_a_watch_that_saw_nothing_holds_nothing() -> None:
    findings = Watch().finish()
    assert len(findings) == 40
    assert {finding.verdict.word for finding in findings} == {"not observable"}


def test_verdicts_in_words() -> None:
    assert str(Held()) == "held"
    assert str(Violated(12, 1_500_000, "51 uA in DONE", 3)) == (
        "violated at line 12, 1.500 s: 51 uA in DONE (and 2 times more)"
    )
    assert str(NotObservable("no telemetry")) == "not observable: no telemetry"


def _good(tape: Tape) -> Tape:
    """52.5 s at the plateau; 60 000 uC with both ramps, as prescribed."""
    tape.keeps = True
    tape.held().hold(52_500).state("RAMP_DOWN")
    for i in range(980, 0, -20):
        tape.q_uc += i // 10
        tape.later(100).tele("RAMP_DOWN", i)
    return tape.later(100).state("DONE").later(100).tele("DONE")


class Recorder(Tape):
    """A tape that keeps what it fed, as a wire log would."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Line] = []

    def send(self, text: str | bytes) -> Tape:
        self.entries.append(Line(len(self.entries) + 2, self.t_us, ">", str(text)))
        return super().send(text)

    def hear(self, text: str | bytes) -> Tape:
        self.entries.append(Line(len(self.entries) + 2, self.t_us, "<", str(text)))
        return super().hear(text)


class Line(NamedTuple):
    line_number: int
    mono_us: int
    mark: str
    text: str

    @property
    def utc_us(self) -> int:
        return self.mono_us

    @property
    def raw(self) -> bytes:
        return self.text.encode("latin-1")


def test_replayed_is_the_same_as_live() -> None:
    tape = Recorder()
    tape.watch = Watch()
    _good(tape)
    live = tape.watch.finish()
    watch = Watch()
    replay(watch, tape.entries)
    assert watch.finish() == live
    assert [f for f in live if f.verdict.word == "violated"] == []
    assert sum(f.verdict.word == "held" for f in live) >= 15


def test_every_prefix_of_a_good_story_holds() -> None:
    tape = Recorder()
    _good(tape)
    watch = Watch()
    for entry in tape.entries:
        replay(watch, [entry])
        if entry.line_number % 5 == 0:
            assert [f for f in watch.finish() if f.verdict.word == "violated"] == []


def test_a_log_that_begins_anywhere_holds() -> None:
    tape = Recorder()
    _good(tape)
    for start in range(0, len(tape.entries), 29):
        watch = Watch()
        replay(watch, tape.entries[start:])
        assert [f for f in watch.finish() if f.verdict.word == "violated"] == [], start


def test_an_old_line_again_is_no_news() -> None:
    tape = Recorder()
    _good(tape)
    watch = Watch()
    replay(watch, [entry for entry in tape.entries for _ in range(2)])
    assert [f for f in watch.finish() if f.verdict.word == "violated"] == []


def test_stray_telemetry_of_another_session_is_passed_over() -> None:
    tape = Tape(Rest).at(0).hello()
    tape.sid = "0001"
    assert tape.tele("DONE", 900).verdict().word == "not observable"


def test_a_monitor_pays_only_for_what_it_overrides() -> None:
    class Silent(Monitor):
        id, title, property, source, unseen = "I99", "silent", "nothing", "own", "nothing"

    watch = Watch((Silent,))
    watch.received(0, "~4A17 0000 1 nonsense")
    watch.truth({"t_us": 0})
    watch.note(0, "anything", {})
    assert [f.verdict.word for f in watch.findings() if f.id == "I99"] == ["not observable"]


_TOKENS = st.sampled_from(
    ["~4A17 0000 5 ", "<4A17 0001 00 START ", ">4A17 0001 ARM D=00000000", "!4A17 0001 9 STATE st=", "*00000000",
     "\x18", "STOP", "\xff", "st=HOLD", "q=99999999999", "\n"]
)  # fmt: skip
_KEYS = ("verb", "answer", "code", "run", "q_uc", "telemetry", "gaps", "outcome")
_VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.text(max_size=5)


@given(
    st.lists(
        st.tuples(st.sampled_from("<>"), st.lists(_TOKENS, max_size=4).map("".join) | st.binary(max_size=12))
        | st.tuples(
            st.sampled_from(["intent", "verdict", "end", "gap", "phase"]),
            st.fixed_dictionaries({}, optional=dict.fromkeys(_KEYS, _VALUES)),
        )
    )
)  # fmt: skip
def test_garbage_is_judged_and_never_raises(facts: list[tuple[str, Any]]) -> None:
    watch = Watch()
    for t_us, (kind, what) in enumerate(facts):
        match kind:
            case "<":
                watch.received(t_us, what)
            case ">":
                watch.sent(t_us, what)
            case _:
                watch.note(t_us, kind, what)
    assert len(watch.finish()) == 40


@pytest.mark.parametrize("verb", ["STOP", "ABORT", "BYE", "TAKE"])
def test_a_sealed_stop_is_a_stop(verb: str) -> None:
    tape = Tape(Rest).held()
    tape.ask(verb)
    assert tape.watch.story.stop_us == tape.t_us
    assert tape.watch.story.run is not None
    assert tape.watch.story.run.id == RUN
    assert tape.watch.story.run.stopped


def test_the_page_lists_them_all() -> None:
    page = (Path(__file__).parents[3] / "docs" / "invariants.md").read_text("utf-8")
    rows = {
        row.split(" | ")[0].removeprefix("| "): row.split(" | ") for row in page.splitlines() if row.startswith("| I")
    }
    for one in MONITORS:
        needs = ", ".join(need for need in ("wire", "notes", "truth") if need in one.needs)
        assert rows[one.id][1:4] == [one.title, one.property, needs]
    for other in UNJUDGED:
        assert rows[other.id][1:3] == [other.title, other.property]
    assert len(rows) == 40


def test_an_answer_that_comes_again_is_no_news() -> None:
    tape = Tape(Rest).held()
    tape.answer("START", run=RUN, st="RAMP_UP").does("STATUS", answer={"st": "HOLD"})
    assert tape.watch.story.state is UnitState.HOLD
    tape.answer("STATUS", st="IDLE")  # the same request, another answer: a line that was said before
    assert tape.watch.story.state is UnitState.HOLD


def test_an_answer_of_another_session_is_not_believed() -> None:
    tape = Tape(Rest).held()
    tape.hear(
        sealed("<4A16 0001 00 STATUS st=IDLE set=0 i=0 i2=0 v=0 z=0 q=0 lk=0 lim=0 rl=0 fl=0 run=- boot=163 now=1")
    )
    assert tape.watch.story.state is UnitState.HOLD


def test_a_greeting_for_another_nonce_opens_nothing() -> None:
    tape = Tape(Rest).held()
    tape.hear(sealed("<0000 0001 00 HELLO v=1 sid=0BAD nonce=00000001 boot=163 sn=SN0042 lease=2000 imax=4000"))
    assert tape.watch.story.sid == 0x4A17


def test_a_question_that_was_asked_again_tells_of_then() -> None:
    tape = Tape(Rest).held().ask("STATUS").later(300).state("RAMP_DOWN")
    tape.ask_again("STATUS").answer("STATUS", st="HOLD")
    assert tape.watch.story.state is UnitState.RAMP_DOWN


def test_a_keep_that_was_answered_renews_nothing_when_it_is_sent_again() -> None:
    tape = Tape(Rest).held().tele("HOLD", 1000).keep()
    kept_us = tape.watch.story.keep_us
    tape.later(500).ask_again("KEEP", t=f"{tape.tele_number - 1:04X}")
    assert tape.watch.story.keep_us == kept_us
