"""The command line tried as a new user would: one clear sentence, the right exit code, and nothing is sent."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.cli import run_command

GOOD = (Path(__file__).parents[2] / "examples" / "dexamethasone-40.toml").read_text()


def told(capsys, *arguments: str) -> tuple[int, str]:
    code = run_command(list(arguments))
    streams = capsys.readouterr()
    text = streams.out + streams.err
    assert "Traceback" not in text
    assert "Error(" not in text
    return code, text


def changed(tmp_path, old: str, new: str) -> str:
    assert old in GOOD
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new))
    return str(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('pole = "-"', 'pole = "+"', "negative"),
        ("dose_ma_min = 40.0", "dose_ma_min = 0", "dose_ma_min"),
        ("current_ma = 2.0", "current_ma = 5.0", "0.02 to 4 mA"),
        ("current_ma = 2.0", "current_ma = 2,0", "decimal point"),
        ("current_ma = 2.0", "curent_ma = 2.0", "current_ma"),
        ("current_ma = 2.0", "current_ma = nan", "current_ma"),
        ("current_ma = 2.0", "current_ma = true", "current_ma"),
        ("drug_area_cm2 = 10.0", "", "drug_area_cm2"),
        ("pregnancy = false", "", "pregnancy"),
        ("pregnancy = false", "pregnancy = true", "pregnancy"),
        ("format = 1", "format = 2", "format"),
        ("[drug]", "[drug", "line"),
    ],
)
def test_a_mistake_in_a_treatment_is_told_and_nothing_is_sent(capsys, tmp_path, old, new, said) -> None:
    code, text = told(capsys, "run", changed(tmp_path, old, new))
    assert code == 2
    assert said in text
    assert not (tmp_path / "runs").exists()


def test_every_mistake_is_told_at_once(capsys, tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("current_ma = 2.0", "current_ma = 9").replace("pregnancy = false", ""))
    code, text = told(capsys, "plan", str(path))
    assert code == 2
    assert "current_ma" in text
    assert "pregnancy" in text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "missing.toml"], 2, "missing.toml"),
        (["run", "."], 2, "."),
        (["run", "preset:dexametasone-40", "--bench"], 2, "dexamethasone-40"),
        (["run", "preset:lidosite"], 2, "screening"),
        (["run"], 2, "--current, --dose and --pole"),
        (["run", "--current", "2"], 2, "add --dose and --pole"),
        (["run", "--current", "2", "--dose", "4"], 2, "add --pole"),
        (["info", "--port", ""], 2, "it is empty; name a port, or leave --port out"),
        (["run", "--current", "2", "--dose", "4", "--pole", "-", "--port", " "], 2, "it is empty"),
        (["run", "--current", "2,5", "--dose", "4", "--pole", "-"], 2, "write 2.5"),
        (["run", "--current", "2.5", "--dose", "1,000.5", "--pole", "-"], 2, "write it as in 2.5"),
        (["run", "--current", "2_5", "--dose", "4", "--pole", "-"], 2, "write it as in 2.5"),
        (["run", "--current", "nan", "--dose", "4", "--pole", "-"], 2, "4 mA"),
        (["run", "--current", "5", "--dose", "4", "--pole", "-"], 2, "4 mA"),
        (["run", "--current", "2", "--dose", "0", "--pole", "-"], 2, "dose"),
        (["run", "--current", "2", "--dose", "4", "--pole", "-", "--port", "sim://dry-skn"], 3, "dry-skin"),
        (["run", "--current", "2", "--dose", "4", "--pole", "-", "--port", "sim://open"], 4, "contact check"),
        (["run", "--current", "2", "--dose", "4", "--pole", "-", "--port", "/dev/ttyNOT"], 3, "no such port"),
        (["info", "--port", "socket://127.0.0.1:1"], 3, "nobody listens"),
        (["runn"], 2, "ionto run"),
        (["runs", "show", "nothing"], 2, "no such run"),
        (["treatments", "show", "nothing"], 2, "nothing"),
    ],
)
def test_wrong_use_is_one_sentence_and_an_exit_code(capsys, arguments, code, said) -> None:
    got, text = told(capsys, *arguments)
    assert got == code, text
    assert said in text


@contextmanager
def stranger(answer: bytes | None) -> Iterator[str]:
    """A port on which something else answers; None: an echo."""
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    tty.setraw(master)
    stop = threading.Event()

    def talk() -> None:
        while not stop.is_set():
            data = os.read(master, 4096)
            if not stop.is_set():
                os.write(master, data if answer is None else answer)

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stop.set()
        os.write(slave, b"x")
        thread.join()
        os.close(master)
        os.close(slave)


posix = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
MODEM = b"\r\nERROR\r\n"
GARBAGE = b"\x80\xff\x00garbage\x07" * 20


@posix
@pytest.mark.parametrize("answer", [None, MODEM, GARBAGE], ids=["echo", "modem", "garbage"])
def test_a_port_that_speaks_something_else(capsys, monkeypatch, answer) -> None:
    monkeypatch.setattr("controller.unit.BOOT_PATIENCE_S", 0.5)
    with stranger(answer) as device:
        code, text = told(capsys, "info", "--port", device)
    assert code == 3
    assert "not an ionto unit" in text


@posix
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, 'not an ionto unit; it said "MEAS:ALL?"'),
        (MODEM, 'not an ionto unit; it said "ERROR"'),
        (b"HOLD,nought\n", 'it said "HOLD,nought"'),
        (b"HOLD,0.002,1\n", "HOLD, 2.000 mA: STILL FLOWING, take the electrodes off"),
        (b"DONE,0.002,1\n", "DONE, 2.000 mA: STILL FLOWING, take the electrodes off"),
        (b"HOLD,nan,1\n", "STILL FLOWING, take the electrodes off"),
        (b"DONE,-0.002,1\n", "STILL FLOWING, take the electrodes off"),
    ],
)
def test_a_stop_of_what_is_no_unit_claims_nothing(capsys, monkeypatch, answer, said) -> None:
    monkeypatch.setattr("controller.cli.orders.SETTLE_S", 0.3)
    with stranger(answer) as device:
        code, text = told(capsys, "stop", "--port", device)
        assert code == 7
        assert said in text
        code, text = told(capsys, "stop", "--port", device, "--json")
    assert code == 7
    [row] = json.loads(text)
    assert row["zero"] is False
    assert row["port"] == device


@posix
def test_a_silent_port_and_a_port_that_is_held(capsys, monkeypatch) -> None:
    monkeypatch.setattr("controller.unit.BOOT_PATIENCE_S", 0.5)
    monkeypatch.setattr("controller.cli.orders.SETTLE_S", 0.3)
    from controller.serial_link import open_link

    master, slave = os.openpty()
    device = os.ttyname(slave)
    link = open_link(device, purpose="a test")
    try:
        code, text = told(capsys, "info", "--port", device)
        assert code == 3
        assert "open already" in text
    finally:
        link.close()
    code, text = told(capsys, "info", "--port", device)
    assert code == 3
    assert "nothing answers" in text
    code, text = told(capsys, "stop", "--port", device)
    assert code == 7
    assert "STOP was sent, but no unit answers" in text
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": 99}', "\x00"])
def test_a_record_that_is_none_is_a_sentence(capsys, tmp_path, text) -> None:
    folder = tmp_path / "runs" / "r1"
    folder.mkdir(parents=True)
    (folder / "wire.log").write_text("")
    (folder / "record.json").write_text(text)
    code, said = told(capsys, "runs", "show", "r1")
    assert code == 2
    assert "record.json" in said
    assert "internal error" not in said


def test_every_command_has_help_with_an_example(capsys) -> None:
    from controller.cli import COMMANDS

    for name in COMMANDS:
        code, text = told(capsys, name, "--help")
        assert code == 0
        assert "Example" in text or name in ("runs", "treatments")
