"""Rules for a Hypothesis state machine: whatever an operator, a host, a line and a plant can do, in any order.

Hypothesis draws the stories, and shrinks one that breaks a promise to the fewest and plainest steps. The story that
fails is written down as a scenario each time it fails, so that the file at the end is the shortest one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hw_sim.scenario import Scenario
from hw_sim.scenario.writing import to_toml
from tests.evidence.stateful.stage import SHORT, Stage

LEADS: Final = st.sampled_from(["drug", "return", "both"])
LOADS: Final = st.sampled_from(["5k", "2k2", "dry-skin", "hydrated-skin", "33k", "short", "open"])
# Of the line alone: what they do to it is over by itself. Half a second and more of silence is the cable's rule.
LINE: Final = st.sampled_from(
    ["L01:rate=0.001@for=1", "L02:rate=0.01@for=2", "L03:rate=0.01@for=2", "L04@for=0.2", "L06@for=1", "L07@for=1",
     "L09:ms=300@for=3", "L11@for=2", "L12@for=0.3", "L13@for=0.3", "L14@for=0.5"]
)  # fmt: skip
SECONDS: Final = st.sampled_from([1.0, 0.1, 0.3, 3.0, 8.0])


class Machine(RuleBasedStateMachine):
    """``variant``: the firmware in the unit; ``file``: where a failing story is written; ``counts``: of all stories."""

    variant = ""
    file: Path | None = None
    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self._out = Path(tempfile.mkdtemp())
        self._stage: Stage | None = None
        self._failed = False

    @property
    def stage(self) -> Stage:
        assert self._stage is not None
        return self._stage

    def _hold(self, what: str, step: object) -> None:
        """Do a step of the story; one that fails is written down."""
        self.counts[what] += 1
        try:
            step()  # type: ignore[operator]
        except BaseException:
            self._failed = True
            self._write()
            raise

    def _write(self) -> None:
        if self.file is not None and self._stage is not None:
            story = replace(self.stage.told(), name="found", expect="a promise is broken")
            whole = (
                "" if self.stage.is_whole else "# a kill or a second program, which no scenario can say, is left out\n"
            )
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(whole + to_toml(story), "utf-8")

    # -- the beginning and the end -----------------------------------------------------------------------------

    @initialize(load=LOADS, seed=st.sampled_from([1, 2, 3]), under_way_s=st.sampled_from([0.0, 2.0, 6.0, 10.0]))
    def begin(self, load: str, seed: int, under_way_s: float) -> None:
        told = Scenario(name="found", expect="", load=load, seed=seed, variant=self.variant, treatment=SHORT)
        self._stage = Stage(told, self._out)
        self.counts["stories"] += 1
        self._hold("story", self.stage.begin)
        self._hold("begin", lambda: self.stage.go(under_way_s))

    def teardown(self) -> None:
        try:
            if self._stage is not None and not self._failed:
                self._hold("end", self.stage.end)
        finally:
            if self._stage is not None:
                self._stage.close()
            shutil.rmtree(self._out, ignore_errors=True)

    @invariant()
    def the_truth_holds(self) -> None:
        if self._stage is not None:
            self._hold("looks", self.stage.check)

    # -- time and the operator ---------------------------------------------------------------------------------

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self._hold("wait", lambda: self.stage.go(seconds))

    @rule(do=st.sampled_from(["stop", "pause", "resume", "abort"]))
    def order(self, do: str) -> None:
        self._hold(do, lambda: self.stage.order(do))

    @rule(lead=LEADS)
    def pull_an_electrode(self, lead: str) -> None:
        self._hold("lead off", lambda: self.stage.act(lambda: self.stage.door.lead_off(lead=lead)))

    @rule(lead=LEADS)
    def put_it_back(self, lead: str) -> None:
        self._hold("lead on", lambda: self.stage.act(lambda: self.stage.door.lead_on(lead=lead)))

    @rule()
    def press_the_button(self) -> None:
        self._hold("button", lambda: self.stage.act(self.stage.door.local_stop))

    @rule()
    def cycle_the_power(self) -> None:
        self._hold("power cycle", lambda: self.stage.act(self.stage.door.power_cycle))

    # -- the host ----------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.3, 3.0, 12.0]))
    def stall(self, seconds: float) -> None:
        self._hold("stall", lambda: self.stage.sleep(seconds))

    @rule()
    def second_host(self) -> None:
        self._hold("second host", self.stage.second_host)

    @rule()
    def kill_and_begin_again(self) -> None:
        def both() -> None:
            self.stage.kill()
            if not self.stage.world.plugged:
                self.stage.door.replug()
            self.stage.begin()

        self._hold("kill", both)

    # -- the line ----------------------------------------------------------------------------------------------

    @rule(fault=LINE)
    def disturb_the_line(self, fault: str) -> None:
        self._hold("line fault", lambda: self.stage.act(lambda: self.stage.door.inject(fault)))

    @precondition(lambda self: self.stage.world.plugged)
    @rule()
    def unplug(self) -> None:
        self._hold("unplug", lambda: self.stage.act(self.stage.door.unplug))

    @precondition(lambda self: not self.stage.world.plugged)
    @rule()
    def replug(self) -> None:
        self._hold("replug", lambda: self.stage.act(self.stage.door.replug))

    # -- the plant ---------------------------------------------------------------------------------------------

    @rule(spec=LOADS)
    def wire_another_load(self, spec: str) -> None:
        self._hold("load", lambda: self.stage.act(lambda: self.stage.door.load(spec)))

    @rule(lead=LEADS, share=st.sampled_from([0.9, 0.5, 0.2, 0.0]))
    def peel(self, lead: str, share: float) -> None:
        self._hold("peel", lambda: self.stage.act(lambda: self.stage.door.contact(lead=lead, share=share)))
