"""Does a unit do what ``docs/protocol.md`` says? Asked from outside, sentence by sentence, of any port.

    check.py      a check as data, and how one ends
    talk.py       bytes and lines, right and wrong ones, with the guard on the current
    bench.py      sessions, rest, runs, the load
    suite.py      all of them in order; a unit at rest afterwards
    sealing.py sequence.py sessions.py lease.py stops.py refusals.py prescription.py states.py ramp.py faults.py
    plain.py noise.py     the checks, a file a chapter, each file a table
    report.py, page.py    table, JSON, JUnit and HTML of a report

For who writes firmware. The suite knows the page and nothing of any simulator: it holds a unit to what the wire shows,
and where something has to be done to the bench it asks the bench door, if there is one. What it cannot see it does not
judge; a unit that passes obeys the page as far as this was tried, which is no proof that it is safe.
"""

from controller.conform.bench import Options
from controller.conform.check import Check, Outcome, Result
from controller.conform.suite import CHAPTERS, CHECKS, Report, Suite, chosen

__all__ = ["CHAPTERS", "CHECKS", "Check", "Options", "Outcome", "Report", "Result", "Suite", "chosen"]
