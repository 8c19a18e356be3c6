"""The sealed door: sessions, sequence numbers, and what each verb does (sections 4 and 5 of the protocol).

What adds energy passes every check here; STOP and ABORT are obeyed before any check but the CRC.
"""

from binascii import crc32

from . import admission, calibration, contact_check, control, machine, post, prescription, verbs, window, wire
from .machine import ARMED, BY_HOST, CHECK, FAULT, HOLD, IDLE, NAMES, PAUSING, RAMP_UP, move

TTL_MS = 10_000
TELEMETRY_MS = 100
KEEP_AGE_MS = 1000


class Session:
    STATE = (
        "sid", "next_sid", "conn", "last", "last_line", "last_reply", "hello_line", "hello_reply", "waiting",
        "waiting_no", "tele_ms", "tele_left", "tele_no", "tele_made", "refused",
    )  # fmt: skip

    def __init__(self, unit) -> None:  # type: ignore[no-untyped-def]
        self.unit = unit
        self.sid = 0  # 0: none open
        self.next_sid = 0
        self.conn = -1
        self.last = 0
        self.last_line = self.last_reply = b""
        self.hello_line = self.hello_reply = b""
        self.waiting = ""  # verb whose answer is still to come: ARM, SELFTEST, START
        self.waiting_no = 0
        self.tele_ms = self.tele_left = self.tele_no = 0
        self.tele_made = 0  # telemetry lines of this session, no longer counted from 64 on
        self.tele_times = [0] * 64  # uptime at which the last 64 telemetry lines were made
        self.refused = 0  # damaged or misshapen lines

    def power_on(self, boot: int) -> None:
        """Session numbers start elsewhere at each boot: a line of the last one cannot be taken for one of this."""
        self.next_sid = crc32(b"%s %d" % (self.unit.hal.serial.encode(), boot)) & 0xFFFF

    # -- lines out -----------------------------------------------------------------------------------------

    def telemetry(self) -> None:
        self.tele_left = self.tele_ms // 10
        unit = self.unit
        s = unit.rec
        now = unit.now()
        n = self.tele_no
        self.tele_times[n & 63] = now
        self.tele_no = (n + 1) & 0xFFFF
        if self.tele_made < 64:
            self.tele_made += 1
        i, i2, v, z = unit.readings()
        unit.hal.send(
            self.conn,
            wire.seal(
                "~%04X %04X %d st=%s set=%d i=%d i2=%d v=%d z=%d q=%d lk=%d lim=%d rl=%d fl=%X"
                % (
                    self.sid, n, now, NAMES[s.st], s.tgt // 1000, i, i2, v, z, s.q, self.lease_ms(),
                    s.limited, s.relay_fb, s.fl,
                )
            ),
        )  # fmt: skip

    def send_event(self, entry: tuple[int, int, str]) -> None:
        if self.sid:
            number, at, body = entry
            self.unit.hal.send(self.conn, wire.seal("!%04X %04X %d %s" % (self.sid, number, at, body)))

    def _reply(self, sid: int, number: int, code: int, verb: str, fields: str = "") -> bytes:
        body = "<%04X %04X %02d %s" % (sid, number, code, verb)
        return wire.seal(body + " " + fields if fields else body)

    # -- lines in ------------------------------------------------------------------------------------------

    def line(self, conn: int, line: str) -> None:
        body = wire.unseal(line)
        if body is None:
            self.refused += 1
            return
        request = wire.request(body)
        if request is None:
            self.refused += 1
            return
        sid, number, verb, fields = request
        raw = body.encode()
        if verb in ("HELLO", "TAKE") and sid == 0:
            self._hello(conn, number, verb, fields or [], raw)
            return
        if verb == "STOP":  # obeyed whatever session and number; only the answer follows the rules
            self.unit.stop(BY_HOST)
        elif verb == "ABORT":
            self.unit.abort(BY_HOST)
        ours = sid != 0 and sid == self.sid and conn == self.conn
        if ours and number == self.last and raw == self.last_line:
            if not self.waiting:
                self.unit.hal.send(conn, self.last_reply)
            return
        if not ours or number != self.last + 1:
            self._out_of_order(conn, sid, number, verb, ours)
            return
        if self.waiting and verb not in ("STOP", "ABORT", "BYE"):
            return
        self.last, self.last_line, self.last_reply = number, raw, b""
        self._execute(conn, sid, number, verb, fields)

    def _out_of_order(self, conn: int, sid: int, number: int, verb: str, ours: bool) -> None:
        if not ours:
            code = 5
        elif number == self.last:
            code = 8
            self.close()
        else:
            code = 7
        self.unit.hal.send(conn, self._reply(sid, number, code, verb))

    def _execute(self, conn: int, sid: int, number: int, verb: str, fields: list[tuple[str, str]] | None) -> None:
        code, args = (2, {}) if fields is None else verbs.check(verb, fields)
        if verb in ("HELLO", "TAKE") or (verb == "CAL" and not self.unit.hal.calibrates):
            code = 1
        text = ""
        if not code:
            code, text = getattr(self, "_do_" + verb.lower())(args)
        if code < 0:  # answered later
            self.waiting, self.waiting_no = verb, number
            return
        reply = self._reply(sid, number, code, verb, text)
        if sid == self.sid and number == self.last:
            self.last_reply = reply
        self.unit.hal.send(conn, reply)
        if verb == "EVENTS" and not code:
            self._resend(args["n"])

    # -- sessions ------------------------------------------------------------------------------------------

    def _hello(self, conn: int, number: int, verb: str, fields: list[tuple[str, str]], raw: bytes) -> None:
        unit = self.unit
        s = unit.rec
        if verb == "TAKE":
            unit.stop(BY_HOST)
        if self.sid and raw == self.hello_line and self.last == 0 and conn == self.conn:
            unit.hal.send(conn, self.hello_reply)
            return
        code, args = verbs.check(verb, fields)
        said = dict(fields)
        text = ""
        early = 0
        lowest, highest = said.get("vmin", ""), said.get("vmax", "")
        if wire.is_integer(lowest) and wire.is_integer(highest) and not int(lowest) <= 1 <= int(highest):
            early = 10
        elif verb == "HELLO" and RAMP_UP <= s.st <= PAUSING and said.get("run") != unit.run:
            early = 18
        if early:  # judged before anything else
            code = early
            nonce = said.get("nonce", "")
            text = "v=1 nonce=" + nonce if wire.is_hex(nonce, 8) else "v=1"
        if code:
            unit.hal.send(conn, self._reply(0, number, code, verb, text))
            return
        self.close()
        self.sid = self.next_sid or 1
        self.next_sid = (self.sid + 1) & 0xFFFF
        self.conn = conn
        self.last = 0
        self.last_line = b""
        self.tele_no = self.tele_made = 0
        self.tele_ms = TELEMETRY_MS
        self.tele_left = TELEMETRY_MS // 10
        hal = unit.hal
        self.hello_line = raw
        self.hello_reply = self._reply(
            0, number, 0, verb,
            "v=1 sid=%04X nonce=%s boot=%d sn=%s fw=%s model=%s lease=%d imax=%d qmax=%d vcomp=%d cap=%s rate=%d"
            % (
                self.sid, args["nonce"], unit.store.boot, hal.serial, "1.0.0", hal.model, s.lease_full * 10,
                verbs.I_MAX_UA, verbs.Q_MAX_UC, verbs.V_COMP_MV,
                "NVM" + (",SIM" if hal.simulated else "") + (",CAL" if hal.calibrates else ""), hal.rate,
            ),
        )  # fmt: skip
        unit.hal.send(conn, self.hello_reply)
        if "utc" in args:
            unit.written(window.told(unit, args["utc"]))

    def close(self) -> None:
        """End the session: silence, and an arming goes back to where it came from. The lease runs on."""
        was_open = self.sid
        self.sid = 0
        self.conn = -1
        self.waiting = ""
        self.tele_left = self.tele_ms = 0
        s = self.unit.rec
        if was_open and (s.st == CHECK or s.st == ARMED):
            contact_check.disarm(s)
            self.unit.after()

    def _do_bye(self, args):  # type: ignore[no-untyped-def]
        self.unit.stop(BY_HOST)
        self.close()
        return 0, ""

    def _do_keep(self, args):  # type: ignore[no-untyped-def]
        s = self.unit.rec
        t = args["t"]
        behind = (self.tele_no - 1 - t) & 0xFFFF
        if self.tele_ms and behind < self.tele_made:
            age = (self.unit.now() - self.tele_times[t & 63]) & 0xFFFFFFFF
            if age <= KEEP_AGE_MS and RAMP_UP <= s.st <= HOLD:
                control.keep(s)
        return 0, "lk=%d" % self.lease_ms()

    def lease_ms(self) -> int:
        """What is left of the lease; it means nothing, and is 0, where it does not run."""
        s = self.unit.rec
        return s.lease * 10 if RAMP_UP <= s.st <= HOLD else 0  # type: ignore[no-any-return]

    # -- the prescription and its run ----------------------------------------------------------------------

    def _do_pres(self, args):  # type: ignore[no-untyped-def]
        return prescription.stage(self.unit, args)

    def _do_arm(self, args):  # type: ignore[no-untyped-def]
        return admission.arm(self.unit, args)

    def _do_start(self, args):  # type: ignore[no-untyped-def]
        return admission.start(self.unit, args)

    def _do_resume(self, args):  # type: ignore[no-untyped-def]
        return admission.resume(self.unit, args)

    def checked(self) -> None:
        """The contact check ended, one way or another: answer the ARM that asked for it."""
        if self.waiting != "ARM":
            return
        s = self.unit.rec
        if s.st == ARMED:
            code, text = 0, "ttl=%d z=%d" % (TTL_MS, s.chk_z)
        elif s.chk_res:
            code, text = s.chk_res, ""
        else:
            code, text = (17 if s.st == FAULT else 13), ""
        self._answer(code, text)

    def cut_short(self) -> None:
        """A stop: who waits for the self-test has his answer now, the test goes on for itself; a START that waits for
        its record will not start.
        """
        if self.waiting == "SELFTEST" or self.waiting == "START":
            self._answer(13, "")

    def recorded(self) -> None:
        """The memory has everything: a START that waited for it."""
        if self.waiting != "START":
            return
        self.waiting = ""
        code, text = admission.recorded(self.unit)
        if self.sid:
            self.waiting = "START"
            self._answer(code, text)

    def self_tested(self, res: int) -> None:
        if self.waiting == "SELFTEST":
            self._answer(0, "res=%d" % res)

    def _answer(self, code: int, text: str) -> None:
        verb, number = self.waiting, self.waiting_no
        self.waiting = ""
        reply = self._reply(self.sid, number, code, verb, text)
        if number == self.last:
            self.last_reply = reply
        self.unit.hal.send(self.conn, reply)

    def _do_set(self, args):  # type: ignore[no-untyped-def]
        s = self.unit.rec
        ua = args["I"]
        if ua % 10:
            return 3, ""
        if not RAMP_UP <= s.st <= HOLD:
            return 4, ""
        if ua > s.ua:
            return 3, ""
        if ua != s.ua:
            s.ua = ua
            s.tgt = ua * 1000
            s.k_min = s.k_count = s.k_warned = 0
            s.unsteady = 1
        return 0, "I=%d" % ua

    def _do_pause(self, args):  # type: ignore[no-untyped-def]
        return (0, "") if self.unit.pause(BY_HOST) else (4, "")

    def _do_stop(self, args):  # type: ignore[no-untyped-def]
        return 0, "st=" + NAMES[self.unit.rec.st]  # obeyed already, before any rule

    _do_abort = _do_stop

    def _do_clear(self, args):  # type: ignore[no-untyped-def]
        code = self.unit.clear_fault(args["id"], BY_HOST)
        return code, "" if code else "fl=%X" % self.unit.rec.fl

    # -- questions -----------------------------------------------------------------------------------------

    def _do_tele(self, args):  # type: ignore[no-untyped-def]
        ms = args["ms"]
        if (ms and ms < 20) or ms % 10:
            return 3, ""
        self.tele_ms = ms
        self.tele_left = ms // 10
        return 0, "ms=%d" % ms

    def _do_status(self, args):  # type: ignore[no-untyped-def]
        unit = self.unit
        s = unit.rec
        i, i2, v, z = unit.readings()
        return 0, (
            "st=%s set=%d i=%d i2=%d v=%d z=%d q=%d lk=%d lim=%d rl=%d fl=%X run=%s boot=%d now=%d"
            % (
                NAMES[s.st], s.tgt // 1000, i, i2, v, z, s.q, self.lease_ms(), s.limited, s.relay_fb, s.fl,
                unit.run if s.is_open else "-", unit.store.boot, unit.now(),
            )
        )  # fmt: skip

    def _do_run(self, args):  # type: ignore[no-untyped-def]
        facts = self.unit.run_facts(args["run"])
        if facts is None:
            return 6, ""
        return 0, "run=%s st=%s q=%d out=%s" % (args["run"], facts[0], facts[1], facts[2])

    def _to_come(self, n: int) -> bool:
        return (self.unit.event_no - n) & 0xFFFF >= 0x8000  # type: ignore[no-any-return]

    def _first_kept(self, n: int) -> int:
        """The oldest event to resend for a wish to start at ``n``; numbers wrap at 2^16."""
        events = self.unit.events
        if not self._to_come(n) and events and (events[0][0] - n) & 0xFFFF < 0x8000:
            return events[0][0]  # type: ignore[no-any-return]
        return n

    def _do_events(self, args):  # type: ignore[no-untyped-def]
        return 0, "n=%04X last=%04X" % (self._first_kept(args["n"]), self.unit.event_no)

    def _resend(self, n: int) -> None:
        left = 0 if self._to_come(n) else 8
        for entry in self.unit.events:
            if left and (entry[0] - n) & 0xFFFF < 0x8000:
                left -= 1
                self.send_event(entry)

    def _do_selftest(self, args):  # type: ignore[no-untyped-def]
        s = self.unit.rec
        if admission.refuses(s):
            return 17, ""
        if s.st != IDLE:
            return 4, ""
        move(s, machine.TEST, BY_HOST)
        self.unit.trial = post.ASKED
        self.unit.tell_state()
        return -1, ""

    def _do_cal(self, args):  # type: ignore[no-untyped-def]
        return calibration.change(self.unit, args)
