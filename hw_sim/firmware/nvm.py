"""What survives a reset: boot counter, latched faults, and the ledger of the last 64 runs.

Every slot is a line of text with its own CRC-32, written whole. A slot that does not check is never replaced by
a default: the unit says so (fault NVM) and gives no output. The ledger keeps the set-point beside the dose,
because up to a second of it may be missing after a reset: unsure is counted as delivered.
"""

from . import wire

RUNS = 64


class Store:
    """Slots of the HAL's non-volatile memory, checked."""

    def __init__(self, hal) -> None:  # type: ignore[no-untyped-def]
        self.hal = hal
        self.bad = False
        self.boot = 0
        self.fl = 0
        self.first = 0
        # (run, outcome code, q in uC, set-point in uA), oldest first; ``count`` runs were ever recorded
        self.runs: tuple[tuple[str, int, int, int], ...] = ()
        self.count = 0

    def load(self) -> None:
        """Read everything at power-on; ``bad`` is set when a written slot does not check."""
        text = self._read("sys")
        if text:
            boot, fl, first, count = text.split(" ")
            self.boot, self.fl, self.first, self.count = int(boot), int(fl), int(first), int(count)
        runs = []
        for n in range(max(0, self.count - RUNS), self.count):
            text = self._read("run%d" % (n % RUNS))  # noqa: UP031
            if text:
                run, out, q, ua = text.split(" ")
                runs.append((run, int(out), int(q), int(ua)))
        self.runs = tuple(runs)

    def _read(self, slot: str) -> str:
        raw = self.hal.nvm_read(slot)
        if raw is None:
            return ""
        body = wire.unseal(raw.decode()[:-1])
        if body is None:
            self.bad = True
            return ""
        return body

    def save_system(self, fl: int, first: int) -> bool:
        self.fl, self.first = fl, first
        text = "%d %d %d %d" % (self.boot, fl, first, self.count)  # noqa: UP031
        return self.hal.nvm_write("sys", wire.seal(text))  # type: ignore[no-any-return]

    def find(self, run: str) -> tuple[str, int, int, int] | None:
        for entry in self.runs:
            if entry[0] == run:
                return entry
        return None

    def add(self, run: str, ua: int) -> bool:
        """Record a run as RUNNING before its first current."""
        self.runs = self.runs[-(RUNS - 1) :] + ((run, 0, 0, ua),)
        self.count += 1
        return self.update(run, 0, 0, ua) and self.save_system(self.fl, self.first)

    def update(self, run: str, out: int, q: int, ua: int) -> bool:
        """Outcome, dose and set-point of the newest run."""
        self.runs = self.runs[:-1] + ((run, out, q, ua),)
        text = "%s %d %d %d" % (run, out, q, ua)  # noqa: UP031
        return self.hal.nvm_write("run%d" % ((self.count - 1) % RUNS), wire.seal(text))  # type: ignore[no-any-return] # noqa: UP031
