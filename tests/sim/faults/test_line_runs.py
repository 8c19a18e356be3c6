"""A treatment by the real driver over every fault of the line, in virtual time: however it ends, it ends safely.

Safe: no current and an open relay at the end, never more than the dose, and a record that tells the truth: what flowed
lies in its interval, and every invariant holds (`Eyes`). The outcome is written down for each: a change of it is seen.
"""

from __future__ import annotations

import pytest

from controller import IontoError, Record, Unit
from hw_sim.endpoints import protocol_sim
from hw_sim.world import World
from tests.monitors import CHECKS_UC, Eyes, is_zero
from tests.rigs import small

pytestmark = pytest.mark.slow

LONGEST_US = 120_000_000  # a run of these takes 23 s
LEASE_AND_RAMP_US = 3_200_000


@pytest.fixture
def port():
    yield "sim://@line-runs"
    protocol_sim.unregister_world("line-runs")


def delivered(port: str, out, *faults: str, seed: int = 1) -> tuple[World, Record | None]:
    """The run, watched; no record where the driver did not come so far as to begin one."""
    world = World(seed=seed, faults=faults)
    protocol_sim.register_world("line-runs", world)
    treatment = small(dose_ma_min=0.6)
    eyes = Eyes(world.truth, apart_us=0)
    run = None
    try:
        with Unit.open(port) as unit:
            run = unit.deliver(treatment, out=out)
            with run:
                for _ in run:
                    eyes.look()
                    assert world.now_us < LONGEST_US
    except IontoError:
        pass
    world.advance_to(world.now_us + LEASE_AND_RAMP_US)
    assert is_zero(world.truth()), world.truth()
    if run is None:
        assert eyes.delivered_uc <= CHECKS_UC
        return world, None
    eyes.end(run.record)
    return world, run.record


# What no fault touches ends DONE. A fault that begins before the port is opened has no schedule.
OUTCOMES = [
    ("L01:rate=0.001@state=HOLD+1,for=1", {"STOPPED", "ABORTED", "DONE"}),
    ("L01:rate=1e-5", {"DONE"}),
    ("L02", {"DONE"}),
    ("L03", {"DONE"}),
    ("L04", {"DONE"}),
    ("L05", {"DONE"}),
    ("L06", {"DONE"}),
    ("L07", {"DONE"}),
    ("L08", {"DONE"}),
    ("L08:rate=0.4,rest=late", {"DONE"}),
    ("L09", {"DONE"}),
    ("L09:ms=0,batch=16", {"DONE"}),
    ("L09:ms=100,jitter=300", {"DONE"}),
    ("L09:ms=2000@state=HOLD+1,for=5", {"STOPPED"}),
    ("L10@state=HOLD+3,for=1", {"DONE"}),
    ("L10@state=HOLD+3,for=4", {"STOPPED"}),
    ("L10@state=HOLD+3", {"UNKNOWN"}),
    ("L11:rate=1", {"DONE"}),
    ("L11:rate=0.5,late=3", {"DONE"}),
    ("L12:verb=START", {"DONE"}),
    ("L12:verb=STOP,n=0", {"DONE"}),
    ("L12:verb=KEEP,n=0", {"STOPPED"}),
    ("L13:verb=START", {"DONE"}),
    ("L13:verb=START,n=9", {"STOPPED"}),
    ("L13:verb=ARM,n=9", {"REFUSED"}),
    ("L13:verb=RUN,n=0", {"UNKNOWN"}),
    ("L14:rate=0.5", {"DONE"}),
    ("L14:what=events,rate=1", {"DONE"}),
    ("L14:rate=1@state=HOLD+2,for=1.5", {"STOPPED"}),
    ("L15@state=HOLD+3,for=0.4", {"DONE"}),
    ("L15@state=HOLD+3,for=2", {"STOPPED"}),
    ("L15@state=HOLD+3", {"UNKNOWN"}),
    ("L16@state=HOLD+3", {"UNKNOWN"}),
    ("L17@state=RAMP_UP+1,for=3", {"STOPPED"}),
    ("L17@state=HOLD+3", {"UNKNOWN"}),
    ("L18", {None}),
    ("L18:strip", {"DONE"}),
    ("L18@state=HOLD+3,for=1", {"ABORTED", "STOPPED"}),
    ("L19", {None}),
    ("L19:silent@state=HOLD+3", {"UNKNOWN"}),
    ("L20", {"DONE"}),
    ("L21", {"DONE"}),
    ("L22:share=0.1", {"DONE"}),
    ("L22@state=HOLD+2,for=2", {"STOPPED"}),
    ("L23:lf-to-crlf", {"DONE"}),
    ("L23:lf-to-cr", {"DONE"}),
    ("L23:lf-lost", {None}),
    ("L23:signals", {"DONE"}),
    ("L24:to=both", {"DONE"}),
    ("L24:loop@state=HOLD+2,for=3", {"STOPPED"}),
    ("L25:after=5", {"DONE"}),
    ("L25:after=5,to=both", {"DONE"}),
    ("L26@state=HOLD+2,for=2", {"STOPPED"}),
    ("L26:what=binary@state=HOLD+2,for=1", {"ABORTED", "STOPPED"}),
    ("L26:to=unit", {"DONE"}),
    ("L27:ms=50,up=9", {"DONE"}),
    ("L27", {"STOPPED"}),
    ("L28@state=HOLD+3,for=0.4", {"DONE"}),
    ("L28@state=HOLD+3,for=2", {"STOPPED"}),
    ("L28:re-enumerate@state=HOLD+3,for=2", {"STOPPED"}),
]


@pytest.mark.parametrize(("fault", "outcomes"), OUTCOMES, ids=[fault for fault, _ in OUTCOMES])
def test_a_run_over_it_ends_safely(port, tmp_path, fault, outcomes):
    world, record = delivered(port, tmp_path, fault)
    assert (record.outcome if record is not None else None) in outcomes
    assert world.faults().struck[0][1] == fault[:3]


def test_every_fault_of_the_line_is_run_over():
    assert {fault[:3] for fault, _ in OUTCOMES} == {f"L{n:02d}" for n in range(1, 29)}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "fault", ["L01:rate=0.0005", "L02:rate=0.01", "L04:rate=0.002", "L06:rate=0.3", "L12:n=0,rate=0.5", "L22:share=0.3"]
)
def test_a_bad_line_never_does_harm(port, tmp_path, fault, seed):
    delivered(port, tmp_path, fault, seed=seed)


def test_a_reset_at_reopening_ends_the_run_as_reset(port, tmp_path):
    _, record = delivered(port, tmp_path, "L20", "L15@state=HOLD+2,for=0.5")
    assert record is not None
    assert record.outcome == "RESET"
