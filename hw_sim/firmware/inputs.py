"""The unit's slow inputs: supply, temperature, interlock and the stop button on its case.

They seldom move, so the board hands them over when one has, and what needs attention is one word that the tick tests:
a good tick pays for one comparison. Levels are own choice for a 9 V block: at 6.6 V under load it has about a sixth
of its charge left, and from 5.6 V on, just above the level at which the supervisor takes the power away (5.5 V), the
converter can no longer be relied on.

A low supply is a reason to refuse (17), not a fault, as long as no run has to come down for it; an open interlock, heat
and a supply about to fail are faults in every state. A missing thermometer is heat: it cannot say that it is not.
"""

from .machine import HOLD, PAUSING, RAMP_UP, SELFTEST
from .output import NOTE_LOCAL, NOTE_WARN, trip_now, trip_ramp
from .record import Record

INTERLOCK, HOT, LOW, BROWN, PRESSED = 1, 2, 4, 8, 16
WORDS = ((INTERLOCK, "interlock open"), (HOT, "too hot"), (LOW, "supply low"), (PRESSED, "stop button held"))
CAUSES = INTERLOCK | HOT | LOW | BROWN
LOW_MV, LOW_OVER_MV, BROWN_MV = 6600, 6900, 5600
HOT_DC = 600
NO_SENSOR = -32768
BIT_13, BIT_18, BIT_19 = 1 << 12, 1 << 17, 1 << 18


def heard(s: Record, supply_mv: int, temp_dc: int, interlock: int, button: int) -> None:
    """The board's slow inputs: mV, 0.1 degC, 1 closed, 1 pressed."""
    s.supply_mv = supply_mv
    s.temp_dc = temp_dc
    s.interlock = interlock
    s.button = button
    alarm = 0 if interlock else INTERLOCK
    if temp_dc > HOT_DC or temp_dc == NO_SENSOR:
        alarm |= HOT
    # A battery recovers when the load goes: without hysteresis it would be low and not low by turns.
    if supply_mv < (LOW_OVER_MV if s.alarm & LOW else LOW_MV):
        alarm |= LOW
        if supply_mv < BROWN_MV:
            alarm |= BROWN
    else:
        s.low_told = 0
    if button:
        alarm |= PRESSED
    else:
        s.pressed = 0
    s.alarm = alarm


def act(s: Record) -> None:
    """In a tick with an alarm: one fault at a time, so that each has its event; the button is main's to obey."""
    alarm = s.alarm
    st = s.st
    if alarm & PRESSED and not s.pressed:
        s.pressed = 1
        s.note |= NOTE_LOCAL
    if not alarm & CAUSES:
        return
    if st > SELFTEST:  # before that nothing can flow, and the test is to come to its end
        fl = s.fl
        if alarm & BROWN and (not fl & BIT_13 or RAMP_UP <= st <= PAUSING):
            trip_now(s, 13)
        elif alarm & INTERLOCK and not fl & BIT_18:
            trip_now(s, 18)
        elif alarm & HOT and not fl & BIT_19:
            trip_now(s, 19)
        elif alarm & LOW:
            _low(s, st)
    if alarm & (INTERLOCK | HOT | BROWN) or s.fl & BIT_13:
        s.cause = 0


def _low(s: Record, st: int) -> None:
    if not s.batt and RAMP_UP <= st <= HOLD:
        trip_ramp(s, 13)
    elif not s.low_told and not s.note & NOTE_WARN:
        s.low_told = 1
        s.warn = 13
        s.note |= NOTE_WARN
