"""What hosts and operators do wrong, and the tests that show what comes of it: file::function.

H and O are the host's and the operator's rows of the list of faults; the other rows are the simulator's catalogue
(``ionto-sim faults``). A row without a test that exists fails ``tests/system/test_host_faults.py``.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
_HERE: Final = "tests/system/test_host_faults.py::"


class Row(NamedTuple):
    id: str
    what: str
    tests: tuple[str, ...]


def _row(id_: str, what: str, *tests: str) -> Row:
    return Row(id_, what, tuple(test if "::" in test else _HERE + test for test in tests))


ROWS: Final = (
    _row(
        "H01", "kill -9 at every step",
        "tests/evidence/test_kills.py::test_the_short_form_holds",
        "tests/evidence/test_kills.py::test_real_kills_leave_one_record_too",
        "tests/cli/test_commands.py::test_a_killed_host_leaves_a_log_from_which_the_record_is_rebuilt",
    ),
    _row(
        "H02", "sleep for 10 min",
        "test_a_host_that_slept_for_10_min_finds_a_run_that_is_over",
        "tests/system/test_commands.py::test_a_suspended_host_finds_a_unit_that_ramped_down_by_itself",
    ),
    _row(
        "H03", "no processor for 3 s",
        "tests/evidence/test_nth.py::test_the_short_form_holds",
        "tests/system/test_mishaps.py::test_a_host_that_slept_for_5_s_finds_a_unit_at_rest",
    ),
    _row(
        "H04", "heartbeat alive, control dead",
        "test_a_heartbeat_without_a_control_behind_it_keeps_no_current_on",
        "tests/unit/core/test_engine_stop.py::test_after_a_stop_no_keep_helps_a_unit_that_does_not_obey",
    ),
    _row(
        "H05", "disk full",
        "tests/system/test_disk.py::test_a_disk_that_fills_stops_the_unit_and_keeps_what_is_whole",
        "tests/evidence/test_nth.py::test_the_short_form_holds",
    ),
    _row(
        "H06", "last line of the journal torn",
        "tests/cli/test_commands.py::test_recover_gives_the_same_record_twice_from_any_cut",
        "tests/unit/journal/test_wire_log.py::test_every_cut_reads_and_says_where",
    ),
    _row(
        "H07", "wall clock jumps by a day",
        "test_the_wall_clock_jumps_and_nothing_of_the_run_does",
        "tests/sim/firmware/test_firmware_window.py::test_the_clock_never_goes_back_and_a_clock_that_jumps_empties_nothing",
    ),
    _row(
        "H08", "two drivers",
        "test_a_second_driver_is_refused_and_the_first_goes_on",
        "tests/system/test_commands.py::test_a_port_that_is_held_stays_with_its_holder",
        "tests/unit/test_serial_link_locks.py::test_of_processes_that_open_at_once_never_two_hold",
    ),
    _row(
        "H09", "a callback of the user raises",
        "test_a_callback_that_raises_between_two_phases_leaves_a_record_of_the_first",
        "tests/system/test_treatment.py::test_every_way_out_stops_the_current",
    ),
    _row(
        "H10", "user code blocks the loop",
        "test_user_code_that_blocks_the_loop_ends_in_a_stop",
        "test_a_callback_that_blocks_for_minutes_between_two_phases_costs_nothing",
    ),
    _row(
        "H11", "display gone or stale",
        "tests/cli/test_terminal.py::test_a_hang_up_is_a_stop",
        "tests/unit/core/test_engine_stop.py::test_telemetry_older_than_a_second_while_current_flows_is_a_stop",
    ),
    _row(
        "H12", "mA for A, decimal comma",
        "tests/unit/treatment/test_treatment_reading.py::test_all_decimal_commas_at_once",
        "test_a_number_that_cannot_be_meant_is_refused_before_a_byte_leaves",
    ),
    _row(
        "H13", "NaN, negative or huge parameter",
        "test_a_number_that_cannot_be_meant_is_refused_before_a_byte_leaves",
        "tests/cli/test_bad_input.py::test_a_mistake_in_a_treatment_is_told_and_nothing_is_sent",
    ),
    _row(
        "H14", "old driver and new unit, and the other way round",
        "test_a_newer_driver_is_refused_by_an_older_unit_before_anything_raises",
        "test_a_unit_that_is_newer_from_the_middle_of_a_run_on",
    ),
    _row(
        "H15", "Ctrl-C, once or twice, anywhere",
        "test_ctrl_c_at_a_call_of_the_run_leaves_no_current_and_one_record",
        "tests/cli/test_commands.py::test_signals_stop",
    ),
    _row("H16", "database locked", "tests/unit/shelf/test_index.py::test_a_locked_index_is_done_without"),
    _row(
        "O01", "START twice",
        "tests/sim/firmware/test_firmware_keep.py::test_a_run_id_starts_once_whatever_comes_between",
        "tests/system/test_wrong_answers.py::test_a_lost_request_and_a_lost_answer_start_a_run_once_or_never",
    ),
    _row("O02", "ten times the prescription", "test_ten_times_the_prescription_is_refused_by_the_limits"),
    _row("O03", "STOP in ramp-up", "tests/system/test_treatment.py::test_stop_and_abort_from_every_state"),
    _row("O04", "twenty pauses", "test_twenty_pauses_cost_no_dose_and_add_none"),
    _row(
        "O05", "pulls the electrode before the stop",
        "tests/system/test_mishaps.py::test_an_opened_electrode_takes_the_current_to_zero_and_latches",
    ),
    _row(
        "O06", "swaps the unit mid-run",
        "tests/system/test_wrong_answers.py::test_another_unit_behind_the_same_port_is_told_nothing",
        "test_the_unit_is_swapped_under_a_link_that_was_not_lost",
    ),
    _row(
        "O07", "terminal left open on the port",
        "test_a_terminal_left_open_on_the_port_disturbs_nothing_and_can_still_stop",
    ),
    _row("O08", "ignores the alarm", "test_an_alarm_that_nobody_heeds_ends_the_run_after_10_min"),
    _row(
        "O09", "CLEAR and start, again and again",
        "test_clear_and_start_again_and_again_on_a_lifted_electrode_gives_nothing",
    ),
    _row(
        "O10", "a second run at once",
        "tests/sim/firmware/test_firmware_window.py::test_what_was_delivered_and_each_contact_check_counts",
        "tests/sim/firmware/test_firmware_window.py::test_the_run_being_admitted_counts_to_the_last_step",
    ),
    _row(
        "O11", "pastes a script",
        "test_a_pasted_script_raises_nothing",
        "tests/cli/test_console.py::test_what_raises_is_refused_before_a_byte_leaves",
    ),
    _row("O12", "local button under remote control", "test_the_button_on_the_unit_beats_the_host"),
    _row(
        "O13", "wrong serial number scanned",
        "test_a_wrong_serial_number_scanned_is_no_port",
        "tests/unit/test_serial_link_ports.py::test_a_serial_number_nobody_carries",
    ),
)  # fmt: skip


@cache
def _functions(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    return frozenset(n.name for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.FunctionDef))


def exists(test: str) -> bool:
    path, _, name = test.partition("::")
    return name in _functions(path)


def missing() -> list[str]:
    """Rows without a test, and tests that are not there."""
    return [
        f"{row.id} {row.what}: {', '.join(t for t in row.tests if not exists(t)) or 'no test'}"
        for row in ROWS
        if not row.tests or not all(exists(test) for test in row.tests)
    ]
