"""``ionto runs audit`` on logs of the bundled simulator: good ones, stopped ones, damaged ones, and no logs at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from zlib import crc32

import pytest

from controller.cli import run_command
from controller.journal.wire_log import WireLog, read_wire_log
from controller.monitors import Watch, replay

SHORT = ["--current", "2", "--dose", "1", "--pole", "-"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def audit(capsys, *arguments: str) -> tuple[int, dict]:
    capsys.readouterr()
    code = run_command(["runs", "audit", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def deliver(*arguments: str) -> Path:
    run_command(["run", *SHORT, *arguments])
    return next(Path("runs").glob("*/wire.log"))


def violated(said: dict) -> list[str]:
    return [row["id"] for row in said["findings"] if row["verdict"] == "violated"]


def test_a_good_run(capsys) -> None:
    log = deliver()
    code, said = audit(capsys, str(log.parent))
    assert (code, violated(said)) == (0, [])
    assert sum(row["verdict"] == "held" for row in said["findings"]) >= 22
    assert len(said["findings"]) == 40
    assert all(row["said"] for row in said["findings"])


@pytest.mark.parametrize("text", ["", "what is this\n"])
def test_a_log_of_nothing_is_not_judged(capsys, tmp_path, text) -> None:
    log = tmp_path / "wire.log"
    log.write_text(text)
    assert run_command(["runs", "audit", str(log)]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("scenario", ["lead-pulled", "power-cut", "host-stops", "line-break", "dac-bit"])
def test_what_goes_wrong_in_a_good_unit_violates_nothing(capsys, scenario) -> None:
    deliver("--dose", "4", "--port", f"sim://{scenario}")
    code, said = audit(capsys, "last")
    assert (code, violated(said)) == (0, []), said


def test_a_table_for_people(capsys) -> None:
    deliver()
    capsys.readouterr()
    assert run_command(["runs", "audit", "last"]) == 0
    out, err = capsys.readouterr()
    assert "I01  rest                  held" in out
    assert "I30  truthful display      not observable: what a screen showed is in no log" in out
    assert "0 violated" in err


def test_too_much_current(capsys) -> None:
    """The readings of HOLD doubled, every line sealed again and the log chained anew: a whole log of a bad unit."""
    entries = read_wire_log(deliver()).entries
    log = WireLog.create("bad.log", {}, wall=lambda: 0.0)
    for entry in entries:
        if entry.mark == ">":
            log.sent(entry.mono_us, entry.utc_us, entry.raw)
        elif entry.mark == "<":
            log.received(entry.mono_us, entry.utc_us, doubled(entry.text))
    log.close()
    code, said = audit(capsys, "bad.log")
    assert code == 8
    assert {"I03", "I08", "I18"} <= set(violated(said))
    assert "I39" not in violated(said)
    (excess,) = [row for row in said["findings"] if row["id"] == "I03"]
    assert excess["line"] > 1
    assert excess["t_us"] > 0


def doubled(line: str) -> str:
    found = re.fullmatch(r"(~.* st=HOLD .*) i=(\d+) i2=(\d+) (.*)\*.{8}", line)
    if found is None:
        return line
    head, i, i2, tail = found.groups()
    body = f"{head} i={2 * int(i)} i2={2 * int(i2)} {tail}"
    return f"{body}*{crc32(body.encode()):08X}"


def test_a_log_that_was_altered(capsys) -> None:
    text = deliver().read_text()
    at = text.index("st=HOLD")
    Path("altered.log").write_text(text[:at] + "st=IDLE" + text[at + 7 :])
    code, said = audit(capsys, "altered.log")
    assert code == 8
    assert violated(said) == ["I39"]
    assert "damaged or altered" in said["chain"]


def test_a_log_that_was_cut_off_violates_nothing(capsys) -> None:
    log = deliver()
    lines = log.read_text().splitlines(keepends=True)
    cut = Path("cut.log")
    for n in (1, 2, 30, len(lines) // 2, len(lines) - 1):
        cut.write_text("".join(lines[:n]))
        code, said = audit(capsys, str(cut))
        assert (code, violated(said)) == (0, []), n
        assert said["chain"].startswith("cut off")


def test_every_prefix_of_a_good_run_holds() -> None:
    entries = read_wire_log(deliver()).entries
    watch = Watch()
    for n, entry in enumerate(entries):
        replay(watch, [entry])
        if n % 20 == 0:
            assert [f for f in watch.finish() if f.verdict.word == "violated"] == []


@pytest.mark.parametrize("path", ["nowhere", "text.txt", "folder"])
def test_what_is_no_run(capsys, path) -> None:
    Path("text.txt").write_text("hello\n")
    Path("folder").mkdir()
    assert run_command(["runs", "audit", path]) == 2
    assert capsys.readouterr().err
