"""The n-th failures in their short form, and that the loops would find what they look for."""

from __future__ import annotations

import pytest

from controller import Unit
from controller.journal import recover as recovering
from controller.journal.line_file import LineFile
from controller.session import Session
from hw_sim import variants
from hw_sim.world import World
from tests.evidence.nth import run, story
from tests.evidence.nth.loops import LOOPS, NAMED, strike
from tests.evidence.nth.story import scratch
from tests.evidence.part import Effort


def problems_of(loop: str, n: int) -> str:
    with scratch() as folder:
        struck = strike(NAMED[loop], n, folder / "out")
    assert struck.touched
    return " / ".join(struck.problems)


def test_the_short_form_holds() -> None:
    part = run(Effort.SHORT)
    assert part.failures == ()
    assert all(part.counts[loop.name] for loop in LOOPS)


def test_a_loop_ends_by_itself_and_is_the_same_every_time() -> None:
    with scratch() as folder:
        told = [strike(NAMED["fsync"], n, folder / f"{n}-{again}") for again in range(2) for n in (3, 1000)]
    assert [struck.touched for struck in told] == [True, False, True, False]
    assert told[1].outcome == "DONE"
    assert told[:2] == told[2:]


# -- that it would be found --------------------------------------------------------------------------------------------


def test_a_disk_error_that_is_swallowed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that goes on without a log has nothing to make a record of."""
    monkeypatch.setattr(LineFile, "_refuse", lambda file, exc: KeyError(str(exc)))
    assert "KeyError" in problems_of("file-full-once", 40)


def test_a_recovery_that_counts_too_little_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovering_module(), "unknown_interval_uc", lambda heard, *rest: (heard, heard))
    assert "interval" in problems_of("file-full-for-good", 60)


def recovering_module():
    import sys

    return sys.modules[recovering.__module__]


def test_an_output_that_goes_on_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that needs no host, under a host that fails and stops nothing when it leaves."""
    bad = variants.find("on-without-link").firmware()
    monkeypatch.setattr(story, "World", lambda seed: World(seed=seed, firmware=bad))
    plain = Session.step

    def step(session: Session, deadline: float) -> object:
        if session.state.name == "HOLDING":
            raise ZeroDivisionError
        return plain(session, deadline)

    monkeypatch.setattr(Session, "step", step)
    monkeypatch.setattr(Session, "stop", lambda *rest: None)
    monkeypatch.setattr(Session, "__exit__", lambda *rest: None)
    monkeypatch.setattr(Unit, "close", lambda unit: unit.link.close())
    problems = problems_of("read-lost", 20)
    assert "ZeroDivisionError" in problems
    assert "current after the end" in problems
