"""What is fuzzed: one function a parser, ``target(data) -> None``, which raises when something does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from tests.evidence.fuzz import lines, live, texts


class Target(NamedTuple):
    """``quick``: mutations of its corpus in the short form; ``longest``: bytes of an input; ``words`` it may hold."""

    name: str
    run: Callable[[bytes], None]
    quick: int
    longest: int
    words: tuple[bytes, ...]


def _planted(data: bytes) -> None:
    """A parser of ours with a bug: it takes the third character of a line that may have two."""
    for line in data.split(b"\n"):
        if line[:1] == b"*" and line[-1:] == b"?" and line[2] == 0x3F:
            continue


PLANTED: Final = Target("planted", _planted, 4000, 64, (b"*", b"?", b"\n", b"IDN"))

_WIRE: Final = (
    b"\n", b"\r", b"*", b"=", b" ", b"\x18", b"\x03", b">0000 0001 HELLO", b"STOP", b"START run=R1", b"RESUME", b"PRES",
    b" I=1000", b" Q=6000", b" POL=+", b"KEEP t=", b"EVENTS n=", b" D=", b" X=", b"~", b"!", b"<", b"-1", b"4294967295",
)  # fmt: skip
_PLAIN: Final = (b"\n", b";", b"?", b":", b" ", b"MEAS:", b"SOUR:CURR ", b"OUTP ON", b"*RST", b"SYST:ERR?", b"*IDN?")
_TOML: Final = (
    b"\n", b" = ", b"[", b"]", b"[[", b"]]", b'"', b"''' ", b"#", b"\\u0000", b"true", b"nan", b"-inf", b"1e400",
    b"0x7f", b"9" * 400, b"1979-05-27", b"{a=1}", b"\xef\xbb\xbf", b"\xff",
)  # fmt: skip
_JSON: Final = (
    b"\n", b'{"do": "', b'"}', b", ", b'"lead": ', b'"drug"', b"null", b"true", b"NaN", b"1e999", b"[" * 50, b"\xff",
    b'{"do": "inject", "fault": "', b"E01@state=HOLD+5,for=2", b'"snapshot"', b'"restore"', b'"advance"', b"-1",
)  # fmt: skip
_LOG: Final = (b"\n", b" > ", b" < ", b" = ", b" + ", b" . ", b" END", b"\\x0A", b"\\\\", b"{}", b"# ionto wire log 1")

TARGETS: Final[dict[str, Target]] = {
    "host_lines": Target("host_lines", lines.host_lines, 300, 2048, _WIRE),
    "unit_lines": Target("unit_lines", lines.unit_lines, 300, 2048, _WIRE),
    "unit_session": Target("unit_session", live.unit_session, 25, 4096, _WIRE),
    "plain_door": Target("plain_door", live.plain_door, 600, 1024, _PLAIN),
    "bench_door": Target("bench_door", live.bench_door, 250, 2048, _JSON),
    "wire_log": Target("wire_log", texts.wire_log, 200, 16_384, _LOG),
    "treatment": Target("treatment", texts.treatment, 400, 4096, _TOML),
    "scenario": Target("scenario", texts.scenario, 800, 4096, _TOML),
    "config": Target("config", texts.config, 400, 2048, _TOML),
}
