"""The suite on a simulated unit in this process, with the bench door or without it."""

from __future__ import annotations

from collections.abc import Sequence

from controller.bench.instruments.door import of_port
from controller.conform import Check, Options, Outcome, Report, Suite, chosen
from controller.serial_link import open_link

FULL = Options(load_ohm=5000, allow_output=True, lines=200)


def conform(
    port: str, only: Sequence[str] = (), options: Options = FULL, *, door: bool = True, checks: Sequence[Check] = ()
) -> tuple[Report, dict[str, object]]:
    """The report, and what is true at the bench when it is over."""
    link = open_link(port, purpose="a test")
    own = link.bench_door
    try:
        report = Suite(link, options, door=of_port(own).call if door else None).run(checks or chosen(only))
        return report, dict(own.truth())  # type: ignore[attr-defined]
    finally:
        link.close()


def ids(report: Report, outcome: Outcome) -> set[str]:
    return {result.check.id for result in report.results if result.outcome is outcome}


def failures(report: Report) -> dict[str, str]:
    return {r.check.id: f"wanted {r.wanted}; came {r.came}" for r in report.results if r.outcome is Outcome.FAIL}
