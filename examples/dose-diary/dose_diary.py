"""Give a treatment and write its dose into a diary, site by site; refuse what would be too much for a day.

    dose-diary left-palm treatment.toml --port /dev/ttyACM0

A dose that nobody is sure of counts with the most that it can have been: the driver says between what and what it lies.
"""

from __future__ import annotations

import argparse
import csv
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from controller import IontoError, Treatment, Unit

DAY = timedelta(hours=24)


class Entry(NamedTuple):
    at: datetime
    site: str
    outcome: str
    dose_ma_min: float  # the most that it can have been


class TooMuch(Exception):
    """The site has had its dose; nothing was sent to the unit."""


class Diary:
    """A CSV file with a line for each treatment."""

    def __init__(self, path: Path, day_limit_ma_min: float = 80.0) -> None:
        self.path = path
        self.day_limit_ma_min = day_limit_ma_min

    def entries(self) -> list[Entry]:
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            rows = list(csv.reader(file))
        return [Entry(datetime.fromisoformat(at), site, outcome, float(dose)) for at, site, outcome, dose in rows]

    def given_ma_min(self, site: str, now: datetime) -> float:
        """What the site has had in the 24 hours before ``now``."""
        return sum(entry.dose_ma_min for entry in self.entries() if entry.site == site and now - entry.at < DAY)

    def write(self, entry: Entry) -> None:
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow([entry.at.isoformat(), entry.site, entry.outcome, f"{entry.dose_ma_min:.4f}"])


def give(port: str, treatment: Treatment, site: str, diary: Diary, *, now: datetime, out: Path | str = "runs") -> Entry:
    """Deliver ``treatment`` at ``site`` with the unit on ``port``, and write it down, whatever came of it."""
    planned = sum(prescription.q_uc for prescription in treatment.prescriptions()) / 60_000
    had = diary.given_ma_min(site, now)
    if had + planned > diary.day_limit_ma_min:
        raise TooMuch(f"{site} has had {had:.1f} mA.min in 24 h: {planned:.1f} more than that is too much")
    with Unit.open(port, purpose="dose-diary") as unit:
        run = unit.deliver(treatment, out=out)
        try:
            with run:
                for _ in run:
                    pass
        finally:  # whatever went wrong: what flowed is written down
            entry = Entry(now, site, run.record.outcome, run.record.dose_interval_ma_min[1])
            diary.write(entry)
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(description="Give a treatment and write its dose into a diary.")
    parser.add_argument("site")
    parser.add_argument("treatment")
    parser.add_argument("--port", default="sim://")
    parser.add_argument("--diary", type=Path, default=Path("diary.csv"))
    asked = parser.parse_args()
    try:
        entry = give(
            asked.port, Treatment.load(asked.treatment), asked.site, Diary(asked.diary), now=datetime.now(tz=UTC)
        )
    except (IontoError, TooMuch) as exc:
        sys.exit(str(exc))
    print(f"{entry.site}: {entry.outcome}, {entry.dose_ma_min:.2f} mA.min")


if __name__ == "__main__":
    main()
