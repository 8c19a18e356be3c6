"""What is read from files: wire logs, treatments, scenarios, the configuration. Only typed errors, each a sentence;
what is accepted comes back as itself when it is written again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from controller import Treatment
from controller.config import KEYS, ConfigError, read_config
from controller.errors import RecordError, TreatmentError
from controller.journal.wire_log import Integrity, escape, read_wire_log, unescape
from hw_sim.scenario.reading import from_toml
from hw_sim.scenario.writing import to_toml

_FILE = Path(tempfile.gettempdir()) / f"ionto-fuzz-{os.getpid()}"


_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


def _on_disk(data: bytes) -> Path:
    _FILE.write_bytes(data)
    return _FILE


def forget() -> None:
    """Remove the one file that these targets write to."""
    _FILE.unlink(missing_ok=True)


def _sentence(text: str) -> None:
    assert text.strip(), "an error without a word"
    assert "Traceback" not in text, text


def _sentences(problems: Sequence[str]) -> None:
    assert problems, "refused without a reason"
    for problem in problems:
        _sentence(problem)


def _names_its_file(text: str) -> None:
    assert text.startswith("fuzz.toml: "), text


def wire_log(data: bytes) -> None:
    """A damaged log is judged, never an exception; what it calls proven is proven by a hash that is done again."""
    try:
        contents = read_wire_log(_on_disk(data))
    except RecordError as exc:
        _sentence(str(exc))
        return
    verdict = contents.verdict
    lines = data.split(b"\n")
    _sentence(str(verdict))
    assert 0 <= verdict.proven <= verdict.line <= len(lines), verdict
    if verdict.proven:
        before = b"".join(line + b"\n" for line in lines[: verdict.proven - 1])
        assert sha256(before).hexdigest().encode() in lines[verdict.proven - 1], "called proven, and is not"
    if verdict.integrity is Integrity.WHOLE:
        assert verdict.line == verdict.proven == len(lines) - 1, verdict
    numbers = [entry.line_number for entry in contents.entries]
    assert numbers == sorted(set(numbers)), "entries out of order"
    for entry in contents.entries:
        assert entry.mark in "><=", entry
        assert not entry.text.strip(_PRINTABLE), entry
        assert unescape(escape(entry.raw)) == entry.raw, entry


def treatment(data: bytes) -> None:
    """A treatment or sentences; one that is accepted is within the envelope of the unit and comes back as itself."""
    text = data.decode("utf-8", "replace")
    try:
        read = Treatment.from_toml(text, "fuzz.toml")
    except TreatmentError as exc:
        _sentences(exc.problems)
        return
    assert Treatment.from_dict(read.as_dict()) == read, "it does not come back as itself"
    for prescription in read.prescriptions():
        assert 20 <= prescription.i_ua <= 4000, prescription
        assert 6000 <= prescription.q_uc <= 4_800_000, prescription
        assert prescription.fields()["POL"] in "+-", prescription


def scenario(data: bytes) -> None:
    """A scenario or one sentence that names the file; one that is accepted comes back as itself."""
    text = data.decode("utf-8", "replace")
    try:
        read = from_toml(text, "fuzz.toml")
    except ValueError as exc:
        _sentence(str(exc).removeprefix("fuzz.toml: "))
        _names_its_file(str(exc))
        return
    assert from_toml(to_toml(read), "again.toml") == read, "it does not come back as itself"


def config(data: bytes) -> None:
    """Values or sentences; what can be used is there either way, each key with its own type."""
    try:
        found = read_config({"IONTO_CONFIG": str(_on_disk(data))}, platform="linux", home=Path("/nowhere"))
    except ConfigError as exc:
        _sentences(exc.problems)
        found = exc.rest
    for key in KEYS:
        value = found.settings[key.name].value
        assert isinstance(value, int if key.name == "telemetry_hz" else str | None), (key.name, value)
