"""``ionto-sim`` itself: help with examples, JSON, good sentences and exit codes."""

from __future__ import annotations

import json
import re
import signal

import pytest

from hw_sim.cli import run_command
from hw_sim.faults.catalogue import CATALOGUE
from hw_sim.plant import LOADS
from hw_sim.scenario import SCENARIOS, parse
from tests.sim.endpoints.serving import run_out


@pytest.fixture(autouse=True)
def signals_as_they_were():
    """``serve`` takes the signals of its process, which here is that of the tests."""
    kept = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield
    for number, handler in kept.items():
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)


def test_python_m_hw_sim_is_the_command():
    done = run_out("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"ionto-sim, version \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize("command", [[], ["serve"], ["scenarios"], ["loads"], ["faults"]])
def test_help_has_an_example_that_is_right(command, capsys):
    assert run_command([*command, "--help"]) == 0
    text = capsys.readouterr().out
    examples = text.split("Example:\n")[1].splitlines()
    assert examples
    for example in examples:
        assert example.strip().startswith(("ionto-sim ", "ionto run "))
        for name in re.findall(r"--scenario '(.*?)'|sim://([^' ]+)", example):
            parse("".join(name))


def test_scenarios_as_lines_and_as_json(capsys):
    assert run_command(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SCENARIOS)
    assert run_command(["scenarios", "--json"]) == 0
    captured = capsys.readouterr()
    rows = json.loads(captured.out)
    assert [row["name"] for row in rows] == list(SCENARIOS)
    assert rows[-1] == {"name": rows[-1]["name"], "expect": SCENARIOS[rows[-1]["name"]].expect, "load": "skin"}
    assert captured.err == ""


def test_faults_as_lines_and_as_json(capsys):
    assert run_command(["faults"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "E01 lead-off           a lead comes off: no contact, no current  [lead=drug]"
    assert [line.split()[0] for line in lines] == [fault.id for fault in CATALOGUE]
    assert run_command(["faults", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [fault.name for fault in CATALOGUE]
    assert rows[0]["arguments"][0]["words"] == ["drug", "return", "both"]


def test_loads_as_lines_and_as_json(capsys):
    assert run_command(["loads"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [*LOADS, "trace:FILE.csv"]
    assert run_command(["loads", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    *ours, recorded = rows
    assert {row["name"]: row["what"] for row in ours} == LOADS
    assert all(parse(f"skin?load={row['name']}") for row in ours)
    assert recorded["name"] == "trace:FILE.csv"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serv"], "No such command 'serv'"),
        (["serve", "--scenario", "drysk"], "no scenario 'drysk' (did you mean dry-skin?)"),
        (["serve", "--scenario", "skin?sed=3"], "unknown option 'sed' (did you mean seed?)"),
        (["serve", "--scenario", "skin?speed=max"], "speed=max is for sim:// only"),
        (["serve", "--speed", "0"], "0 is not in the range 1<=x<=1000"),
        (["serve", "--speed", "1001"], "1001 is not in the range 1<=x<=1000"),
        (["serve", "--tcp", "localhost"], "localhost: expected HOST:PORT, for example 127.0.0.1:5025"),
        (["serve", "--tcp", "127.0.0.1:65536"], "127.0.0.1:65536: expected HOST:PORT"),
        (["serve", "--tcp", "127.0.0.1:\u00b2"], "expected HOST:PORT"),
        (["serve", "--tcp", "0", "--bench-door", "0.0.0.0:0"], "the bench door opens on the loopback only"),
        (["serve", "--tcp", "0", "--bench-door", "5026x"], "5026x: expected HOST:PORT"),
        (["serve", "--rfc2217", "bench:x"], "bench:x: expected HOST:PORT"),
        (["serve", "--units", "0"], "0 is not in the range 1<=x<=256"),
        (["serve", "--units", "2", "--scenario", "skin?sn=BENCH"], "sn=BENCH: 2 serial numbers are counted up from it"),
        (["serve", "--units", "2", "--tcp", "127.0.0.1:65535"], "there are no 2 ports from there on"),
        (["serve", "--units", "9", "--tcp", "5030", "--bench-door", "5032"], "begin at 5039 or above"),
        (["scenarios", "more"], "unexpected extra argument"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(arguments, sentence, capsys):
    assert run_command(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    [error] = [line for line in captured.err.splitlines() if line.startswith("Error: ")]
    assert sentence in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serve", "--pty", "/no/such/folder/unit"], "cannot make /no/such/folder/unit: No such file or directory"),
        (["serve", "--tcp", "192.0.2.1:0"], "cannot listen there: "),
    ],
)
def test_what_cannot_be_had_is_one_sentence_and_exit_code_3(arguments, sentence, capsys):
    assert run_command(arguments) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.count("\n") == 1


def test_a_refused_door_leaves_no_device_behind(tmp_path, capsys):
    link = tmp_path / "unit"
    assert run_command(["serve", "--pty", str(link), "--bench-door", "0.0.0.0:0"]) == 2
    assert not link.is_symlink()
    assert capsys.readouterr().out == ""


def test_a_bug_says_where_its_log_is(monkeypatch, tmp_path, capsys):
    def explode() -> dict[str, str]:
        raise RuntimeError("a bug")

    monkeypatch.setattr("hw_sim.door.loads", explode)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_command(["loads"]) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    [log] = tmp_path.iterdir()
    assert captured.err == f"internal error (RuntimeError: a bug); please report it with {log}\n"
    assert "RuntimeError: a bug" in log.read_text()
