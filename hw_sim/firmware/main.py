"""The unit: the tick, the board, the connections and the two doors, put together.

Bytes are handled when they arrive, not at the next tick. Stop bytes are found before anything else in what
arrived is looked at, so that no backlog delays them.
"""

from . import control, output, post, window
from .machine import (
    BY_BYTE,
    BY_LOCAL,
    BY_NAMES,
    CHECK,
    CLEARED,
    CUT_OPEN,
    FAULT,
    IDLE,
    NAMES,
    PAUSE,
    PAUSED,
    PAUSING,
    RAMP_DOWN,
    RAMP_UP,
    SELFTEST,
    STOP,
    STOP_IDLE,
    STOP_OPEN,
    ZERO_FAULT,
    can,
    move,
)
from .nvm import Store
from .record import Record
from .scpi import PlainDoor
from .session import Session
from .wire import Receiver

VERSION = "1.0.0"
FAULT_NAMES = (
    "OPEN", "Z_HIGH", "Z_LOW", "COMPLIANCE", "CONTACT", "STEP", "OVERCURRENT", "TRACKING", "SENSOR", "LEAKAGE",
    "LINK", "TIME_CAP", "SUPPLY", "SELFTEST", "NVM", "WATCHDOG", "REPEAT", "INTERLOCK", "TEMPERATURE",
    "ELECTRODE_SPENT",
)  # fmt: skip
OUTCOMES = ("RUNNING", "DONE", "STOPPED", "ABORTED", "LINK", "RESET", "TIMEOUT")
SELFTEST_TICKS = post.TICKS
EVENTS_KEPT = 64


def outcome_word(code: int) -> str:
    return "FAULT:%02d" % (code - output.FAULTED) if code >= output.FAULTED else OUTCOMES[code]


class Firmware:
    STATE = ("run", "digest", "canon", "events", "event_no", "lines_lost", "last_x", "tested", "linked", "trial",
             "refused")  # fmt: skip

    def __init__(self, hal) -> None:  # type: ignore[no-untyped-def]
        self.hal = hal
        self.rec = Record()
        self.store = Store(hal)
        self.session = Session(self)
        self.door = PlainDoor(self)
        self.receivers: dict[int, Receiver] = {}
        self.run = ""  # id of the open or the last run
        self.digest = ""  # of the staged prescription; empty when nothing is staged
        self.canon = ""
        self.events: tuple[tuple[int, int, str], ...] = ()
        self.event_no = 0
        self.lines_lost = (0, 0)  # poisoned and over-long lines of connections that are closed
        self.last_x: tuple[int, int] | None = None  # connection and uptime of the last 0x18
        self.linked = 0  # the LINK bit as last told
        self.tested = 0
        self.trial = post.AT_POWER_ON
        self.refused = False  # the memory, since it was last asked
        self.boot()

    # -- power-on and the tick -----------------------------------------------------------------------------

    def boot(self) -> None:
        post.boot(self)

    def _self_test(self) -> None:
        post.step(self)

    def tick(self) -> None:
        s = self.rec
        self.hal.sense(s)
        if control.tick(s):
            self.after()
        if s.st <= SELFTEST:
            self._self_test()
        if s.busy:
            self._pump()
        self.hal.drive(s)
        session = self.session
        if session.tele_left:
            session.tele_left -= 1
            if not session.tele_left:
                session.telemetry()

    def held(self, ticks: int) -> None:
        """A simulator has made ``ticks`` of the control step for itself, none further than the next telemetry."""
        session = self.session
        if session.tele_left:
            session.tele_left -= ticks
            if not session.tele_left:
                session.telemetry()

    def after(self) -> None:
        """Whatever a tick or a command left to do: notes, the state told, the ledger written."""
        s = self.rec
        note = s.note
        s.note = 0
        if note & output.NOTE_FAULT:
            self.tell_fault(self.run if s.f_open else "-", s.f_q)
        if note & output.NOTE_WARN:
            self.event("WARN id=%02d" % s.warn)
        if note & output.NOTE_LINK:
            self.event("LINK_WARN lk=%d" % (s.lease * 10))
        linked = s.fl & output.LINK_BIT
        if self.linked and not linked:
            self.event("CLEAR id=11")
        self.linked = linked
        if s.saving:
            s.saving = 0
            self._save()
        self.tell_state()
        if note & output.NOTE_CHECK or s.st != CHECK:
            self.session.checked()
        if note & output.NOTE_CLOSE:
            self.session.close()
        if note & output.NOTE_HOUR:
            self.remember_time()
        if note & output.NOTE_LOCAL:
            self.stop(BY_LOCAL)

    def tell_fault(self, run: str, q: int) -> None:
        s = self.rec
        self.event(
            "FAULT id=%02d name=%s z=%d i=%d v=%d q=%d run=%s"
            % (s.f_id, FAULT_NAMES[s.f_id - 1], s.f_z, s.f_i, s.f_v, q, run)
        )

    def tell_state(self) -> None:
        s = self.rec
        if s.st != s.told:
            self.event("STATE st=%s was=%s by=%s" % (NAMES[s.st], NAMES[s.told], BY_NAMES[s.by]))
            s.told = s.st

    def _save(self) -> None:
        """Dose and outcome of the newest run, faults when they changed. A memory that refuses is fault NVM."""
        s = self.rec
        store = self.store
        good = True
        if store.fl != s.fl & ~output.LINK_BIT or store.first != s.first:
            good = store.save_system(s.fl & ~output.LINK_BIT, s.first)
        pending = self.session.waiting == "START"  # neither open nor closed: it is being recorded
        if self.run and store.runs and store.runs[-1][0] == self.run and store.runs[-1][1] == 0 and not pending:
            out = 0 if s.is_open else s.why
            good = store.update(self.run, out, s.q, self._unsaved()) and good
            if out:
                good = window.settle(self) and good
        self.written(good)

    def written(self, good: bool) -> None:
        """Something was given to the memory, which took it or refused."""
        s = self.rec
        s.busy = 0 if self.store.recorded() else 1
        if not good and not s.fl & (1 << 14):
            output.trip_now(s, 15)
            self.after()

    def remember_time(self) -> None:
        """The clock of the dose window, once an hour at rest."""
        window.pass_time(self)
        self.written(self.store.save_window())

    def _pump(self) -> None:
        """The memory takes its time: what waits for it goes on."""
        good = self.store.pump()
        self.written(good)
        if not good or not self.rec.busy:
            self.session.recorded()

    def _unsaved(self) -> int:
        """uC that may flow before the next record: a second of it, a quarter more for the 150 ms in which a dead
        processor holds the current and for the accuracy of the current; and as much again for a slow memory.
        """
        s = self.rec
        if not s.is_open or not RAMP_UP <= s.st <= PAUSING:
            return 0
        na = s.prog
        if na < s.tgt:
            na = na + 100 * s.n_up
            na = na if na < s.tgt else s.tgt
        return na // (667 if self.store.slow else 800) + 5  # type: ignore[no-any-return]

    # -- bytes ---------------------------------------------------------------------------------------------

    def receive(self, conn: int, data: bytes) -> None:
        """Bytes of a connection, in any portions."""
        receiver = self.receivers.get(conn)
        if receiver is None:
            receiver = self.receivers[conn] = Receiver()
        last = max(data.rfind(b"\x18"), data.rfind(b"\x03")) + 1
        if last:
            self._stop_bytes(conn, data[:last])
            receiver.clear()
            data = data[last:]
        for line in receiver.feed(data):
            if line[0] == ">":
                self.session.line(conn, line)
            elif line[0] not in "<~!":  # what only a unit sends is an echo, or another unit
                self.door.line(conn, line)

    def _stop_bytes(self, conn: int, data: bytes) -> None:
        now = self.hal.uptime_ms()
        for b in data:
            if b == 0x18:
                last = self.last_x
                if last is not None and last[0] == conn and now - last[1] <= 500:
                    self.abort(BY_BYTE)
                else:
                    self.stop(BY_BYTE)
                self.last_x = (conn, now)
            elif b == 0x03:
                self.stop(BY_BYTE)

    def line_break(self) -> None:
        """A BREAK is a STOP; it comes on the unit's UART, whose line begun is discarded."""
        for receiver in self.receivers.values():
            receiver.clear()
        self.stop(BY_BYTE)

    def disconnect(self, conn: int) -> None:
        """The port closed (DTR, USB suspend, TCP): its session ends, at most half the lease is left."""
        receiver = self.receivers.pop(conn, None)
        if receiver is not None:
            poisoned, overlong = self.lines_lost
            self.lines_lost = (poisoned + receiver.poisoned, overlong + receiver.overlong)
        if self.session.conn == conn:
            s = self.rec
            if s.lease > s.lease_full >> 1:
                s.lease = s.lease_full >> 1
            self.session.close()

    # -- what both doors ask for ---------------------------------------------------------------------------

    def stop(self, by: int) -> None:
        """Ramp to zero within 1 s, close what is open, unstage what is staged; from anywhere."""
        s = self.rec
        self.session.cut_short()
        st = s.st
        if RAMP_UP <= st <= PAUSING:
            output.slope_to_zero(s, output.STOP_TICKS)
            if st != RAMP_DOWN:
                move(s, STOP, by)
                s.why = output.STOPPED
            elif s.why < output.FAULTED:
                s.why = output.STOPPED
        elif s.is_open or st == PAUSED:  # a pause without a run is nothing, and yet a way out of it
            output.off(s)
            output.close_run(s, output.STOPPED)
            move(s, STOP_OPEN, by)
        else:
            output.off(s)
            if move(s, STOP_IDLE, by):
                self._unstage()
        self.after()

    def _unstage(self) -> None:
        self.digest = ""
        self.rec.q = 0

    def abort(self, by: int) -> None:
        """The output relay opens at once; the rest as STOP."""
        s = self.rec
        self.session.cut_short()
        output.off(s)
        self.hal.drive(s)
        if s.is_open:
            faulted = s.st == RAMP_DOWN and s.why >= output.FAULTED
            output.close_run(s, s.why if faulted else output.ABORTED)
            move(s, ZERO_FAULT if faulted else CUT_OPEN, by)
        elif move(s, STOP_IDLE, by):
            self._unstage()
        self.after()

    def pause(self, by: int) -> bool:
        s = self.rec
        if not can(s, PAUSE):
            return False
        s.n_off = s.n_dn
        s.tgt = 0
        move(s, PAUSE, by)
        self.after()
        return True

    def clear_fault(self, code: int, by: int) -> int:
        """0, or the error: 04 nothing such is latched, 17 its cause is still there."""
        s = self.rec
        if (s.st != FAULT and s.st != IDLE) or not s.fl & (1 << (code - 1)):
            return 4
        if s.cause < 200 or (code == 15 and not self.store.mended()):
            return 17
        s.fl &= ~(1 << (code - 1))
        s.saving = 1
        self.event("CLEAR id=%02d" % code)
        if not s.fl:
            s.first = 0
            move(s, CLEARED, by)
            self.digest = ""
        self.after()
        return 0

    def event(self, body: str) -> None:
        """Number it, keep it, send it inside a session."""
        self.event_no = (self.event_no + 1) & 0xFFFF
        entry = (self.event_no, self.now(), body)
        self.events = self.events[-(EVENTS_KEPT - 1) :] + (entry,)
        self.session.send_event(entry)

    def now(self) -> int:
        return self.hal.uptime_ms() & 0xFFFFFFFF  # type: ignore[no-any-return]

    def readings(self) -> tuple[int, int, int, int]:
        """(i, i2 in uA, v in mV, z in ohm): 20 ms means, magnitudes."""
        s = self.rec
        i = (s.i + s.i_1) // 2000
        i2 = (s.i2 + s.i2_1) // 2000
        v = (s.v + s.v_1) >> 1
        i = i if i > 0 else 0
        v = v if v > 0 else 0
        return i, i2 if i2 > 0 else 0, v, (v * 1000 + i // 2) // i if i >= 20 else 0

    def run_facts(self, run: str) -> tuple[str, int, str] | None:
        """(state, dose in uC, outcome) of a run, None when it is not known."""
        s = self.rec
        if run == self.run and s.is_open:
            return NAMES[s.st], s.q, "RUNNING"
        entry = self.store.find(run)
        if entry is None:
            return None
        return NAMES[s.st], entry[2], outcome_word(entry[1])
