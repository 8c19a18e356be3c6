"""``ionto console``: what may be typed, what is answered, and that nothing typed raises the current."""

from __future__ import annotations

import io
import json
import re

import pytest

from controller import Unit
from controller.cli import run_command
from controller.cli.console import RAISING, Talk
from controller.serial_link import open_link


@pytest.fixture
def unit():
    unit = Unit(open_link("sim://", purpose="a test"))
    yield unit
    unit.close()


def said(unit: Unit, line: str) -> list[tuple[str, str]]:
    return [(said.kind, said.text) for said in Talk(unit).typed(line)]


def test_a_plain_question_gets_its_answer_and_nothing_else(unit: Unit) -> None:
    assert said(unit, "SYST:PROT?") == [("plain", "IONTO/1")]
    [(kind, text)] = said(unit, "MEAS:ALL?")
    assert (kind, text.split(",")[0]) == ("plain", "IDLE")


def test_sealed_requests_need_hello_and_are_sealed_here(unit: Unit) -> None:
    assert said(unit, "STATUS") == [("error", "STATUS needs a session: type HELLO first")]
    assert said(unit, "hello") == [("reply", "session open with SN0001 (IONTO-4, firmware 1.0.0)")]
    [(kind, text)] = said(unit, "status")
    assert kind == "reply"
    assert text.startswith("STATUS: done  st=IDLE  set=0")
    assert said(unit, "RUN run=R1") == [("reply", "RUN: 06 it does not know this run")]
    assert said(unit, ">STOP") == [("reply", "STOP: done  st=IDLE")]


def test_mistakes_are_sentences(unit: Unit) -> None:
    said(unit, "HELLO")
    assert said(unit, "RUN R1") == [("error", "R1: expected key=value, as in RUN run=R1")]
    assert said(unit, "listen long") == [("error", "listen N: give a number of seconds, as in listen 2.5")]
    assert said(unit, "MEAS:ÄLL?") == [("error", "only printable ASCII goes to a unit")]
    assert said(unit, "NONSENSE?") == [("error", "no answer; SYST:ERR? says whether the unit minds")]
    assert said(unit, "SYST:ERR?")[0][1].startswith("-113,")


@pytest.mark.parametrize("word", sorted(RAISING))
@pytest.mark.parametrize("prefix", ["", ">", "> "])
def test_what_raises_is_refused_before_a_byte_leaves(unit: Unit, word: str, prefix: str, mocker) -> None:
    written = mocker.spy(unit.link, "write")
    [(kind, text)] = said(unit, f"{prefix}{word} I=1000")
    assert kind == "error"
    assert "ionto run" in text
    assert written.call_count == 0


def test_a_line_that_was_sealed_elsewhere_does_not_pass(unit: Unit, mocker) -> None:
    written = mocker.spy(unit.link, "write")
    assert said(unit, ">4A17 0004 START run=R1 X=100*0BADF00D")[0][0] == "error"
    assert written.call_count == 0


def test_telemetry_is_shown_while_listening_only(unit: Unit) -> None:
    said(unit, "HELLO")
    heard = said(unit, "listen 1.05")
    assert [kind for kind, _ in heard] == ["telemetry"] * 10
    assert re.fullmatch(r"~ IDLE      +0\.00\d mA +0\.\d\d V +0\.000 mA\.min", heard[0][1])
    assert {kind for kind, _ in said(unit, "MEAS:CURR?")} == {"plain"}


def test_a_pipe_is_a_script_and_tells_of_trouble_by_its_exit_code(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("*IDN?\n\nHELLO\nSTOP\nquit\nSTATUS\n"))
    assert run_command(["console", "--port", "sim://", "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["kind"] for answer in answers] == ["plain", "reply"]
    assert answers[0]["answer"].split(",")[:2] == ["IONTO", "IONTO-4"]
    monkeypatch.setattr("sys.stdin", io.StringIO("START run=R1\n"))
    assert run_command(["console", "--port", "sim://"]) == 2
    assert "ionto run" in capsys.readouterr().err


def test_ctrl_c_is_a_stop_and_the_conversation_goes_on(unit: Unit, mocker) -> None:
    written = mocker.spy(unit.link, "write")
    assert Talk(unit).brake().text == "STOP sent"
    assert written.call_args.args == (b"\x18",)
    assert said(unit, "SYST:STAT?")[0][0] == "plain"
