"""``ionto config``: every value with its origin, as text and as JSON."""

from __future__ import annotations

import json

from controller.cli import run_command


def told(capsys, *arguments: str) -> tuple[int, str, str]:
    code = run_command(["config", *arguments])
    streams = capsys.readouterr()
    return code, streams.out, streams.err


def test_show_names_value_and_origin(capsys, tmp_path, monkeypatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('port = "sn:SN0042"\nstore = "postgresql+psycopg://anna:secret@db/ionto"\n')
    monkeypatch.setenv("IONTO_CONFIG", str(file))
    monkeypatch.setenv("IONTO_OPERATOR", "Ben")
    code, out, _ = told(capsys, "show")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == f"file          {file}"
    assert lines[1] == f"port          sn:SN0042                file: {file}"
    assert lines[3] == "operator      Ben                      environment: IONTO_OPERATOR"
    assert lines[4] == "station       -                        default"
    assert "secret" not in out
    code, out, _ = told(capsys, "show", "--json")
    values = json.loads(out)["values"]
    assert values["operator"] == {
        "value": "Ben", "source": "environment", "where": "IONTO_OPERATOR", "variable": "IONTO_OPERATOR",
        "meaning": "who delivers; goes into the record",
    }  # fmt: skip
    assert values["telemetry_hz"]["value"] == 10
    assert values["store"]["value"] == "postgresql+psycopg://anna:***@db/ionto"


def test_show_tells_every_mistake_and_is_wrong_input(capsys, tmp_path, monkeypatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('prot = "COM5"\nout = 5\n')
    monkeypatch.setenv("IONTO_CONFIG", str(file))
    code, out, err = told(capsys, "show")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"{file}: prot: unknown key; did you mean port?",
        f"{file}: out: found 5, expected a text; write it in double quotes",
    ]
    code, out, _ = told(capsys, "show", "--json")
    assert code == 2
    assert len(json.loads(out)["problems"]) == 2


def test_path_needs_no_file(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("IONTO_CONFIG", str(tmp_path / "none.toml"))
    assert told(capsys, "path")[:2] == (0, f"{tmp_path / 'none.toml'}\n")
    assert json.loads(told(capsys, "path", "--json")[1]) == {"file": str(tmp_path / "none.toml"), "exists": False}


def test_a_run_takes_what_is_set_and_its_options_go_before(capsys, tmp_path, monkeypatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('out = "kept"\noperator = "Anna"\nstation = "bench 3"\ntelemetry_hz = 20\n')
    monkeypatch.setenv("IONTO_CONFIG", str(file))
    short = ["run", "--current", "2", "--dose", "1", "--pole", "-"]
    assert run_command([*short, "--port", "sim://dry-skin"]) == 0
    [folder] = (tmp_path / "kept").iterdir()
    record = json.loads((folder / "record.json").read_text())
    assert (record["operator"], record["station"]) == ("Anna", "bench 3")
    assert " TELE ms=50" in (folder / "wire.log").read_text()
    assert run_command([*short, "--operator", "Ben", "--out", "other", "--telemetry-hz", "5"]) == 0
    [folder] = (tmp_path / "other").iterdir()
    assert json.loads((folder / "record.json").read_text())["operator"] == "Ben"
    assert " TELE ms=200" in (folder / "wire.log").read_text()
    capsys.readouterr()


def test_a_mistake_in_the_file_sends_nothing(capsys, tmp_path, monkeypatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("operatr = 5\n")
    monkeypatch.setenv("IONTO_CONFIG", str(file))
    assert run_command(["run", "--current", "2", "--dose", "1", "--pole", "-"]) == 2
    assert f"{file}: operatr: unknown key; did you mean operator?" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_mistake_in_the_file_keeps_no_stop_from_its_port(capsys, tmp_path, monkeypatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('operatr = 5\nport = "socket://127.0.0.1:1"\n')
    monkeypatch.setenv("IONTO_CONFIG", str(file))
    assert run_command(["stop"]) == 3
    assert "socket://127.0.0.1:1" in capsys.readouterr().err
