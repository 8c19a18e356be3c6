"""What survives a reset: boot counter, latched faults, and the ledger of the last 64 runs.

Every slot is a line of text with its own CRC-32, written whole. A slot that does not check, or that is gone while
others are there, is never replaced by a default: the unit says so (fault NVM), leaves it as it is for whoever mends
it, and gives no output. A bad system slot takes the boot counter with it; it starts again at each boot then.

Every run carries its number, so that recording one is a single write and a hole in the ledger shows. Beside the
dose stands what may flow until the next write: after a reset, unsure is counted as delivered.
"""

from . import wire

RUNS = 64


class Store:
    """Slots of the HAL's non-volatile memory, checked."""

    STATE = ("bad", "bad_system", "boot", "fl", "first", "runs", "count")

    def __init__(self, hal) -> None:  # type: ignore[no-untyped-def]
        self.hal = hal
        self.bad = False  # something did not check at power-on or in a self-test
        self.bad_system = False  # of it, the system slot
        self.boot = 0
        self.fl = 0
        self.first = 0
        # (run, outcome code, q in uC, uC that may flow before the next write), oldest first
        self.runs: tuple[tuple[str, int, int, int], ...] = ()
        self.count = 0  # runs ever recorded

    def load(self) -> None:
        """Read everything at power-on."""
        system = self._read("sys", 3)
        self.bad_system = self.bad
        if system:
            self.boot, self.fl, self.first = int(system[0]), int(system[1]), int(system[2])
        found = []
        for k in range(RUNS):
            got = self._read("run%d" % k, 5)
            if got:
                found.append((int(got[0]), got[1], int(got[2]), int(got[3]), int(got[4])))
        found.sort()
        self.runs = tuple([entry[1:] for entry in found])
        self.count = found[-1][0] + 1 if found else 0
        if found and not system:
            self.bad_system = True
        if len(found) != min(self.count, RUNS) or self.bad_system:
            self.bad = True

    def _read(self, slot: str, parts: int) -> list[str]:
        raw = self.hal.nvm_read(slot)
        if raw is None:
            return []
        body = None
        if all(32 <= b < 127 for b in raw[:-1]):
            body = wire.unseal(raw[:-1].decode())
        got = body.split(" ") if body else []
        if len(got) != parts:
            self.bad = True
            return []
        return got

    def sound(self) -> bool:
        """Whether every slot still checks, and the memory takes a write."""
        now = Store(self.hal)
        now.load()
        self.bad = self.bad or now.bad
        self.bad_system = self.bad_system or now.bad_system
        return self.save_system(self.fl, self.first) and not self.bad

    def mended(self) -> bool:
        """Whether fault NVM may go: nothing was found bad, and what the memory may have refused is in it now."""
        good = self.save_system(self.fl, self.first) and not self.bad
        if good and self.runs:
            good = self.update(*self.runs[-1])
        return good

    def save_system(self, fl: int, first: int) -> bool:
        self.fl, self.first = fl, first
        return not self.bad_system and self._write("sys", "%d %d %d" % (self.boot, fl, first))

    def find(self, run: str) -> tuple[str, int, int, int] | None:
        for entry in self.runs:
            if entry[0] == run:
                return entry
        return None

    def add(self, run: str, more: int) -> bool:
        """Record a run as RUNNING before its first current; False, and not recorded, when the memory refuses."""
        before = self.runs
        self.runs = before[-(RUNS - 1) :] + ((run, 0, 0, more),)
        self.count += 1
        if self.update(run, 0, 0, more):
            return True
        self.runs = before
        self.count -= 1
        return False

    def update(self, run: str, out: int, q: int, more: int) -> bool:
        """Outcome and dose of the newest run, and what may flow before the next update."""
        self.runs = self.runs[:-1] + ((run, out, q, more),)
        n = self.count - 1
        return self._write("run%d" % (n % RUNS), "%d %s %d %d %d" % (n, run, out, q, more))

    def _write(self, slot: str, text: str) -> bool:
        return self.hal.nvm_write(slot, wire.seal(text))  # type: ignore[no-any-return]
