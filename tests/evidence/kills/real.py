"""`kill -9` of `ionto run`, at any moment of its life, with the unit in a process of its own and its truth at hand.

The simulator is served over TCP some times faster than real time. A kill waits until the run has its folder (killing a
Python that is still importing proves nothing), then for a moment drawn from the run's life. Afterwards the unit must
come to zero by itself, `ionto runs recover` must make exactly one record, a second time the same one, and the true
charge must lie in its interval.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Final

from controller.monitors import Held
from hw_sim.rig.eyes import Eyes, violated
from hw_sim.rig.soak_plan import Dice
from tests.evidence.kills.points import Killed
from tests.evidence.nth.story import OUTCOME, clear
from tests.monitors import CHECKS_UC, is_zero
from tests.rigs import PATIENCE_S, ServedRig, spawn, write_small

SPEED: Final = 16
LIFE_S: Final = 0.6  # of real time, from the folder to the record: 9 s of the unit's at that speed, and the plot
_spawning = threading.Lock()


class Killer:
    """One served unit, and hosts on it that are killed one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._rig = ServedRig("tcp", folder, speed=SPEED)
        self._treatment = write_small(folder / "small.toml", 0.1, 1.0)
        self.killed = Killed()

    def close(self) -> None:
        try:
            self._rig.abandoned = True
            self._rig.close()
        finally:
            clear(self._folder)

    def kill(self, number: int) -> None:
        """The ``number``-th kill: its moment is drawn from that."""
        out = self._folder / f"{number}"
        rig = self._rig
        rig.door.power_cycle()  # what the last one left paused is no business of this one
        rig.until(lambda truth: truth["state"] == "IDLE")
        before_uc = rig.truth()["q_uc"]
        after_s = Dice(number, 0x9).below(round(LIFE_S * 1000)) / 1000
        ended = self._kill_after(out, after_s)
        self.killed.points += 1
        self.killed.deaths += not ended
        rig.until(lambda truth: is_zero(truth) and truth["state"] not in ("CHECK", "RAMP_UP", "HOLD", "ARMED"))
        true_uc = rig.truth()["q_uc"] - before_uc
        self._judge(number, out, true_uc)
        clear(out)

    def _kill_after(self, out: Path, after_s: float) -> bool:
        """Whether the run had ended before it could be killed."""
        with _spawning:  # Popen is not to be called from two threads at once
            host = spawn(
                "-m", "controller", "run", self._treatment, "--port", self._rig.port, "--out", str(out), "--bench"
            )
        try:
            give_up = time.monotonic() + PATIENCE_S
            while host.poll() is None and not (out.is_dir() and any(out.iterdir())) and time.monotonic() < give_up:
                time.sleep(0.002)
            try:
                host.wait(after_s)
            except subprocess.TimeoutExpired:
                host.kill()
                host.wait()
                return False
            return True
        finally:
            said = "" if host.returncode in (0, -9) else f"{host.stdout.read()} {host.stderr.read()}"
            host.stdout.close()
            host.stderr.close()
            if "Traceback" in said:
                self.killed.problems.append((0, said))

    def _judge(self, number: int, out: Path, true_uc: float) -> None:
        def problem(what: str) -> None:
            self.killed.problems.append((number, what))

        folders = list(out.iterdir()) if out.is_dir() else []
        if len(folders) != 1:
            problem(f"{len(folders)} folders for one run")
            return
        said = self._recover(folders[0])
        if said is None:
            self.killed.before_begin += 1
            if true_uc > CHECKS_UC:
                problem(f"{true_uc:.0f} uC flowed, and no record can be had")
            return
        if self._recover(folders[0]) != said:
            problem("recovering a second time gives another record")
        record = json.loads(said)
        self.killed.records += 1
        self.killed.outcomes[record["outcome"]] += 1
        self.killed.cut += any("cut off after line" in text for text in record["warnings"])
        findings = Eyes(None, speed=SPEED).findings(folders[0], record["runs"])
        self.killed.held += sum(isinstance(found.verdict, Held) for found in findings)
        for broken, what in violated(findings).items():
            problem(f"{broken} {what}")
        if len(record["runs"]) > 1 or OUTCOME.fullmatch(record["outcome"]) is None:
            problem(f"{record['outcome']}, {len(record['runs'])} runs")
        low_uc, high_uc = (end * 60_000 for end in record["dose_interval_ma_min"])
        if not low_uc <= true_uc + 1 or true_uc - CHECKS_UC > high_uc:
            problem(f"{true_uc:.0f} uC flowed, the record says {low_uc:.0f} to {high_uc:.0f} ({record['outcome']})")

    @staticmethod
    def _recover(folder: Path) -> str | None:
        """What `ionto runs recover` leaves as the record; None where the log says nothing of a run."""
        with _spawning:
            child = spawn("-m", "controller", "runs", "recover", str(folder))
        child.communicate(timeout=PATIENCE_S)
        record = folder / "record.json"
        return record.read_text() if child.returncode == 0 and record.exists() else None


def real(count: int, folder: Path, *, rigs: int = 2, first: int = 0) -> list[Killed]:
    """``count`` kills, shared by so many units at a time; a run that was over sooner is judged and does not count."""
    killers = [Killer(folder / f"unit-{n}") for n in range(rigs)]

    def work(mine: int) -> None:
        number, killer = first + mine, killers[mine]
        while killer.killed.deaths < (count + rigs - 1 - mine) // rigs and killer.killed.points < 4 * count:
            killer.kill(number)
            number += rigs

    threads = [threading.Thread(target=work, args=(n,)) for n in range(rigs)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for killer in killers:
            killer.close()
    return [killer.killed for killer in killers]
