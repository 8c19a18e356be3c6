"""The figures that the monitors hold a unit to, each with where it comes from.

"unit" is the unit's own page (its envelope and fault table, the rows of ``docs/protocol.md``, section 10), "wire" is
``docs/protocol.md`` with its section, "list" is the list of invariants (``docs/invariants.md``), "own" a decision made
here. A station that wants to be stricter replaces a figure in its own ``Promises``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Times in ms, currents in uA, charges in uC, voltages in mV, shares as such."""

    # What no current means.
    zero_ua: int = 10  # list: zero
    quiet_ua: int = 50  # wire 12: quiet
    check_ua: int = 60  # list I01: the contact check passes 50 uA
    rest_after_ms: int = 50  # list I01
    mean_ms: int = 20  # unit: readings are means of 20 ms, so a reading this much later is of the new state alone

    # What a reading may be off by: 1 % + 10 uA (unit, accuracy).
    reading_share: float = 0.01
    reading_ua: int = 10

    # Too much current.
    cap_ua: int = 4200  # unit: hardware limiter
    comparator_ua: int = 4400  # unit: opens the relay within 1 ms
    surge_uc: float = 1.0  # list I02: charge of one contact being made
    contacts_hz: int = 50  # list E03: as fast as a lead chatters
    excess_share: float = 0.05  # list I03, unit 07
    excess_ua: int = 20
    over_ms: int = 50  # unit 07: judged for 50 ms
    cap_ms: int = 10  # unit 07: above 4.2 mA for 10 ms
    late_ms: int = 100  # list I17: a row trips within its stated time + 100 ms

    # Ramps.
    slew_share: float = 1.1  # list I04
    step_ua: int = 50  # list I32: first step
    length_share: float = 0.02  # list I32
    length_ms: int = 50

    # Dose.
    dose_share: float = 0.02  # list I06
    dose_tail_s: float = 0.2
    told_share: float = 0.01  # list I08
    told_uc: int = 600
    window_uc: int = 9_600_000  # unit: 160 mA.min in 24 h
    window_ms: int = 86_400_000

    # Stopping.
    target_ms: int = 20  # wire 12: stop byte to target zero
    stop_ms: int = 1000  # wire 12: stop byte to quiet
    abort_ms: int = 50  # wire 12
    line_ms: int = 250  # wire 12: reply time-out; a line slower than this is no line to judge a unit's speed by
    direct_ms: int = 10  # own: a direct line, USB frames and baud time included

    # Lease.
    lease_fall_ms: int = 50  # list I20
    keep_age_ms: int = 1000  # wire 5.4

    # The gate.
    contact_ohm: int = 400_000  # unit: the check refuses above it
    contact_share: float = 0.1  # own: telemetry's last look and the check's own mean differ
    contact_slack_ohm: int = 1000  # own: 50 mV at 50 uA, on a contact that is nearly a short
    contact_true_share: float = 0.05  # own: what the check's own readings may be off by
    deadline_ms: int = 1000  # wire 5.5
    start_ms: int = 250  # wire 12: START may wait for its record

    # Detectors (unit, fault table).
    open_ticks_ms: int = 50
    z_after_ms: int = 30_000
    z_ms: int = 500
    z_high_ua: int = 1000
    z_low_set_ua: int = 100
    limited_ms: int = 10_000
    rise_share: float = 1.20  # own: the unit trips at 1.12 of means that telemetry sees only in part
    rise_window_ms: int = 10_000
    rise_set_ua: int = 50
    step_share: float = 0.30  # own: 25 % and a margin, for the same reason
    step_mv: int = 200
    step_from_ua: int = 200
    tracking_ms: int = 100
    tracking_share: float = 0.05
    tracking_ua: int = 30
    differ_share: float = 0.05
    differ_ua: int = 20
    differ_ms: int = 100
    frozen_ms: int = 1000  # 100 conversions of 10 ms

    # Faults and resets.
    clear_ms: int = 2000  # wire 5.7
    alarm_ms: int = 500  # list I40
    watchdog_ms: int = 250  # unit 16: late by 100 ms, then relay open within 150 ms
    repeat_n: int = 3  # unit 17
    repeat_ms: int = 600_000
    bridge_ms: int = 1000  # unit 2: the bridge moves after 1 s without current
    boot_ms: int = 2000  # wire 12: SELFTEST

    # Requests.
    answer_ms: int = 1250  # list I35
    answer_start_ms: int = 2250
    answer_arm_ms: int = 5250  # own: two sendings of 2.5 s, and the reading slice between
    told_late_ms: int = 250  # own: reading slices and file waits of a host


PROMISES = Promises()
