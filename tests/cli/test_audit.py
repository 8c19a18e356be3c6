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


# -- captured by somebody else --------------------------------------------------------------------------------


def captured(log: Path, style: str) -> str:
    """The lines of a wire log as another program writes them."""
    lines = []
    for entry in read_wire_log(log).entries:
        if entry.mark == "=":
            continue
        s = entry.mono_us / 1e6
        match style:
            case "seconds":
                lines.append(f"{s:.6f} {entry.mark} {entry.text}\n")
            case "clock":  # over midnight
                of_day = (86_380 + s) % 86_400
                minutes, seconds = divmod(of_day, 60)
                way = "TX:" if entry.mark == ">" else "RX:"
                lines.append(f"{minutes // 60:02.0f}:{minutes % 60:02.0f}:{seconds:09.6f}\t{way}\t{entry.text}\r\n")
            case "iso":
                way = "OUT" if entry.mark == ">" else "IN"
                lines.append(f"2026-11-23 10:{int(s) // 60:02}:{s % 60:09.6f} {way} {entry.text}\n")
    return "# by somebody else\n\n" + "".join(lines)


@pytest.mark.parametrize("style", ["seconds", "clock", "iso"])
def test_a_capture_is_judged_as_the_log_is(capsys, tmp_path, style) -> None:
    log = deliver()
    _, ours = audit(capsys, str(log))
    capture = tmp_path / "captured.txt"
    capture.write_text(captured(log, style), newline="")
    code, said = audit(capsys, str(capture))
    assert (code, violated(said)) == (0, [])
    assert said["chain"] == "a capture, without a chain"
    held = {row["id"] for row in said["findings"] if row["verdict"] == "held"}
    with_notes = {row["id"] for row in ours["findings"] if row["verdict"] == "held"}
    assert with_notes - held == {"I27", "I28"}  # what a host concluded, and its record


def test_a_capture_of_a_bad_unit(capsys, tmp_path) -> None:
    """Twice the current in HOLD, and every line of it sealed anew."""
    lines = []
    for line in captured(deliver(), "seconds").splitlines():
        if "st=HOLD" in line and " < ~" in line:
            began, _, said = re.sub(r" i=\d+ i2=\d+ ", " i=3999 i2=3999 ", line).partition(" < ")
            lines.append(f"{began} < {said[:-8]}{crc32(said[:-9].encode()):08X}")
        else:
            lines.append(line)
    capture = tmp_path / "captured.txt"
    capture.write_text("\n".join(lines))
    code, said = audit(capsys, str(capture))
    assert code == 8
    assert "I03" in violated(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12.340 > *IDN?\nwhat is this\n", "line 2: what is this: expected a wire log of ours, or a capture"),
        ("12.340 ? *IDN?\n", "line 1"),
        ("noon > *IDN?\n", "line 1"),
        ("nan > *IDN?\n", "line 1"),
        ("2.5 > *IDN?\n1.5 < IONTO\n", "line 2: 1.5 is earlier than the line before; sort it by time"),
        ("# ionto wire log 1  run-set=x\n12.340 > *IDN?\n", "there is no line of a run in it to judge"),
    ],
)
def test_what_is_neither_is_told_with_its_line_and_is_no_violation(capsys, tmp_path, text, said) -> None:
    capture = tmp_path / "captured.txt"
    capture.write_text(text)
    assert run_command(["runs", "audit", str(capture)]) == 2
    assert said in capsys.readouterr().err
