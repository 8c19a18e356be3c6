"""What survives a reset: boot counter, latched faults, calibration, dose window, and the ledger of the last 64 runs.

Every record is a line of text with its own CRC-32, its layout and the number of its write, and has two slots that are
written in turn: a write cut short leaves the other. A slot that does not check, is of another layout, or is gone where
one must be, is never replaced by a default: the unit says so (fault NVM) and gives no output. With the other slot
sound the record lives on from there, and CLEAR, an act of a person, writes the missing one anew; with both gone it is
left for whoever mends it. The dose such a run then reports is that of the older slot with what may have flowed since.

A run's record is one write, and a hole in the ledger shows by its number. Beside the dose stands what may flow until
the next write: after a reset, unsure is counted as delivered. A memory that takes its time is waited for, in order,
outside the tick; of a slot still waiting only the newest text is written.
"""

from . import window, wire

RUNS = 64
LAYOUT = "v2"
NO_CAL = (0, 0, 0, 0)
SLOW_TICKS = 100  # a memory that has not taken a write within a second is a fault
RUN_PARTS = 6  # number, id, outcome, uC, uC to come, counted in the dose window


def integers(words) -> tuple[int, ...]:  # type: ignore[no-untyped-def]
    return tuple([int(word) for word in words])


class Store:
    """Records in the slots of the HAL's non-volatile memory."""

    STATE = ("bad", "lost", "boot", "fl", "first", "cal", "window", "window_at", "window_told", "runs", "count",
             "turns", "run_turn", "writes", "queue", "waited", "slow")  # fmt: skip

    def __init__(self, hal) -> None:  # type: ignore[no-untyped-def]
        self.hal = hal
        self.bad = False  # a slot did not check at power-on or in a self-test
        self.lost: tuple[str, ...] = ()  # records without a sound slot
        self.boot = 0
        self.fl = 0
        self.first = 0
        self.cal = NO_CAL  # gain and offset of I, of V
        self.window = window.NEW
        self.window_at = 0  # uptime up to which its clock has come
        self.window_told = 0
        # (run, outcome code, uC, uC that may flow before the next write, counted in the window), oldest first
        self.runs: tuple[tuple[str, int, int, int, int], ...] = ()
        self.count = 0  # runs ever recorded
        self.turns = (0, 0, 0)  # writes so far of sys, cal, win
        self.run_turn = 0  # of the newest run
        self.writes = 0  # of all
        self.queue: tuple[tuple[str, bytes], ...] = ()
        self.waited = 0
        self.slow = 0  # the memory has been busy: what may flow before a record is in it is more

    # -- reading -------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read everything at power-on."""
        found, holes = self._runs()
        system = self._record("sys", 3)
        cal = self._record("cal", 4)
        win = self._record("win", len(window.NEW))
        if system or cal or win or found or self.bad:  # else it is a new unit
            for name, got in (("sys", system), ("cal", cal), ("win", win)):
                if not got:
                    self.lost += (name,)
        self.turns = tuple([got[0] if got else 0 for got in (system, cal, win)])  # type: ignore[assignment]
        if system:
            self.boot, self.fl, self.first = integers(system[1])
        if cal:
            self.cal = integers(cal[1])  # type: ignore[assignment]
        if win:
            self.window = integers(win[1])
        self.count = found[-1][0] + 1 if found else 0
        self.run_turn = found[-1][1] if found else 0
        self.runs = tuple([entry[2:] for entry in found])
        for k, torn in holes:
            # The first write of a run that was never started is all that a slot may hold and not check.
            if not torn or k != self.count % RUNS:
                self.lost += ("run%d" % k,)
        if len(found) != min(self.count, RUNS):
            self.lost += ("ledger",)
        self.bad = self.bad or bool(self.lost)

    def _runs(self):  # type: ignore[no-untyped-def]
        """Runs found, by number; and places whose slots do not check, and whether only the first of them is there."""
        found = []
        holes = []
        for k in range(RUNS):
            name = "run%d" % k
            a, b = self._slot(name, RUN_PARTS), self._slot(name + ".b", RUN_PARTS)
            if a is None and b is None:
                continue
            best = None
            for got in (a, b):
                if got:
                    n, _, out, q, more, counted = got[1]
                    entry = (int(n), got[0], got[1][1], int(out), int(q), int(more), int(counted))
                    if best is None or entry > best:
                        best = entry
            if best is None:
                holes.append((k, b is None))
            elif best[1] and not (a and b):
                self.bad = True
            if best is not None and best[2] != "-":
                found.append(best)
        found.sort()
        return found, holes

    def _record(self, name: str, parts: int):  # type: ignore[no-untyped-def]
        """(writes so far, words) of the newer slot that checks; one that does not, or is gone, is told."""
        a, b = self._slot(name, parts), self._slot(name + ".b", parts)
        if (a is None) != (b is None):
            self.bad = True
        if a and b:
            return a if a[0] > b[0] else b
        return a or b

    def _slot(self, slot: str, parts: int):  # type: ignore[no-untyped-def]
        """(writes so far of its record, words); None when there never was one, False when it does not check."""
        raw = self.hal.nvm_read(slot)
        if raw is None:
            return None
        body = None
        if raw[-1:] == b"\n" and all(32 <= b < 127 for b in raw[:-1]):
            body = wire.unseal(raw[:-1].decode())
        words = body.split(" ") if body else []
        if len(words) != parts + 3 or words[1] != LAYOUT:
            self.bad = True
            return False
        self.writes = max(self.writes, int(words[0]))
        return int(words[2]), words[3:]

    def sound(self) -> bool:
        """Whether every slot still checks, and the memory takes a write."""
        if self.recorded():  # what is being written does not check yet
            now = Store(self.hal)
            now.load()
            self.bad = self.bad or now.bad
            self.lost = self.lost or now.lost
        return self.save_system(self.fl, self.first) and not self.bad

    def mended(self) -> bool:
        """Write anew what has lost one of its slots, and what the memory may have refused; whether all is well now."""
        if self.bad and self.lost:
            return False
        good = self.save_system(self.fl, self.first) and self.save_cal(self.cal)
        good = good and self.save_window() and self.save_window()
        good = good and (not self.bad or self._mend_runs())
        if good and self.runs:
            good = self.update(*self.runs[-1][:4]) and self.update(*self.runs[-1][:4])
        if good and self.recorded():
            now = Store(self.hal)
            now.load()
            good = not now.bad
        if good:
            self.bad = False
        return good

    def _mend_runs(self) -> bool:
        """Both slots of every run, and a first write cut short made void."""
        first = self.count - len(self.runs)
        good = True
        for k in range(len(self.runs)):
            run, out, q, more, counted = self.runs[k]
            n = first + k
            for turn in (0, 1):
                good = self._write_run(n, turn, run, out, q, more, counted) and good
        self.run_turn = 1
        k = self.count % RUNS
        if self.count < RUNS and self.hal.nvm_read("run%d" % k) is not None:
            good = self._write_run(k, 0, "-", 0, 0, 0, 0) and good
        return good

    # -- writing -------------------------------------------------------------------------------------------

    def save_system(self, fl: int, first: int) -> bool:
        """Both slots: it changes seldom, and neither a fault nor a boot may be forgotten with one of them."""
        self.fl, self.first = fl, first
        text = "%d %d %d" % (self.boot, fl, first)
        return self._save(0, "sys", text) and self._save(0, "sys", text)

    def save_cal(self, cal: tuple[int, int, int, int]) -> bool:
        self.cal = cal
        return self._save(1, "cal", "%d %d %d %d" % cal) and self._save(1, "cal", "%d %d %d %d" % cal)

    def save_window(self) -> bool:
        return self._save(2, "win", " ".join(["%d" % part for part in self.window]))

    def _save(self, which: int, name: str, text: str) -> bool:
        if self.bad and name in self.lost:
            return False
        turn = self.turns[which] + 1
        if not self._write(name, turn, text):
            return False
        self.turns = self.turns[:which] + (turn,) + self.turns[which + 1 :]  # type: ignore[assignment]
        return True

    def find(self, run: str) -> tuple[str, int, int, int, int] | None:
        for entry in self.runs:
            if entry[0] == run:
                return entry
        return None

    def add(self, run: str, more: int, counted: int) -> bool:
        """Record a run as RUNNING before its first current; False, and not recorded, when the memory refuses."""
        if not self._write_run(self.count, 0, run, 0, 0, more, counted):
            return False
        self.runs = self.runs[-(RUNS - 1) :] + ((run, 0, 0, more, counted),)
        self.count += 1
        self.run_turn = 0
        return True

    def update(self, run: str, out: int, q: int, more: int) -> bool:
        """Outcome and dose of the newest run, and what may flow before the next update."""
        counted = self.runs[-1][4]
        self.runs = self.runs[:-1] + ((run, out, q, more, counted),)
        if not self._write_run(self.count - 1, self.run_turn + 1, run, out, q, more, counted):
            return False
        self.run_turn += 1
        return True

    def _write_run(self, n: int, turn: int, run: str, out: int, q: int, more: int, counted: int) -> bool:
        return self._write("run%d" % (n % RUNS), turn, "%d %s %d %d %d %d" % (n, run, out, q, more, counted))

    def _write(self, name: str, turn: int, text: str) -> bool:
        slot = name + ".b" if turn & 1 else name
        self.writes += 1
        data = wire.seal("%d %s %d %s" % (self.writes, LAYOUT, turn, text))
        if self.queue or self.hal.nvm_busy():
            self.slow = 1
            self.queue = tuple([entry for entry in self.queue if entry[0] != slot]) + ((slot, data),)
            return True
        return self.hal.nvm_write(slot, data)  # type: ignore[no-any-return]

    def recorded(self) -> bool:
        """Whether everything is in the memory."""
        return not self.queue and not self.hal.nvm_busy()

    def pump(self) -> bool:
        """Every tick until all is recorded; False when the memory refuses or has taken too long."""
        if self.hal.nvm_busy():
            self.slow = 1
            self.waited += 1
            return self.waited <= SLOW_TICKS
        self.waited = 0
        if not self.queue:
            return True
        slot, data = self.queue[0]
        self.queue = self.queue[1:]
        return self.hal.nvm_write(slot, data)  # type: ignore[no-any-return]
