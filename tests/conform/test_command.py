"""`ionto conform` end to end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from controller.cli import run_command
from controller.cli.conform import ohms
from controller.conform import CHECKS


def run(capsys, *arguments: str) -> tuple[int, str]:
    code = run_command(["conform", *arguments])
    return code, capsys.readouterr().out


def test_it_passes_on_the_bundled_simulator_and_writes_its_reports(capsys, tmp_path):
    code, out = run(
        capsys, "--port", "sim://", "--only", "SEAL-02", "--only", "STOP-12", "--html", "a.html", "--junit", "a.xml"
    )
    assert code == 0
    assert out.splitlines()[-1] == "NOTHING FAILED: 2 passed, 0 failed, 0 not run, 151 left out"
    assert "SEAL-02" in (tmp_path / "a.html").read_text("utf-8")
    assert ElementTree.parse(tmp_path / "a.xml").getroot().tag == "testsuites"


def test_a_bad_firmware_is_exit_code_8_with_what_to_mend(capsys):
    code, out = run(capsys, "--port", "sim://?variant=set-clears-stop", "--only", "STOP-14")
    assert code == 8
    assert "wanted  SET I=100: 04" in out
    assert "came    00" in out
    assert "SET I=100*" in out


def test_the_example_of_the_page_is_what_comes(capsys):
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text("utf-8")
    [example] = re.findall(r"^```\n(FAIL .*?)^```", page, re.M | re.S)
    _, out = run(capsys, "--port", "sim://bench-5k?variant=set-clears-stop", "--load", "5k", "--only", "STOP-14")
    assert set(example.splitlines()) <= set(out.splitlines())


def test_json_is_one_document(capsys):
    code, out = run(capsys, "--port", "sim://", "--only", "RAMP-06", "--json")
    whole = json.loads(out)
    assert code == 8  # nothing passed
    assert whole["results"][0]["reason"] == "it passes more than 0.1 mA: give --allow-output"


def test_strict_counts_what_was_not_run(capsys):
    chosen = ("--port", "sim://", "--only", "FAULT-01", "--only", "FAULT-02")
    assert run(capsys, *chosen)[0] == 0
    assert run(capsys, *chosen, "--strict")[0] == 8
    assert run(capsys, *chosen, "--strict", "--allow-output")[0] == 0


def test_list_opens_no_port(capsys):
    code, out = run(capsys, "--list", "--port", "/dev/nothing")
    assert code == 0
    assert len(out.splitlines()) == len(CHECKS)
    assert out.splitlines()[0].startswith("SEAL-01   3.2   a request under a right CRC")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "SEAL-99"), "there is no check SEAL-99; --list names them"),
        (("--load", "5x"), "5x is no resistor; write it as in 5k, 4k7 or 4700"),
        (("--load", "0"), "a bench load has 1 ohm to 1 Mohm"),
        (("--port", "sim://", "--only", "SEAL-01", "--html", "no/where.html"), "name another file"),
    ],
)
def test_wrong_input_is_one_sentence(capsys, arguments, said):
    assert run_command(["conform", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "ohm"),
    [("5k", 5000), ("4k7", 4700), ("4700", 4700), ("4.7k", 4700), ("1M", 1_000_000), ("470R", 470), ("22K", 22_000)],
)
def test_resistors_as_they_are_printed(text, ohm):
    assert ohms(text) == ohm


@pytest.mark.parametrize("text", ["", "k", "5k5k", "-5k", "4.7k7", "2M", "skin"])
def test_what_is_no_resistor(text):
    with pytest.raises(click.BadParameter):
        ohms(text)
