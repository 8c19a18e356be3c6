"""docs/protocol.md says what the golden lines and ``controller.wire.spec`` say."""

import re
from pathlib import Path

from controller.wire.spec import MAX_LINE, MAX_PLAIN, PRESCRIPTION_KEYS, ErrorCode, Fault, UnitState
from tests.unit.wire.golden import ENTRIES

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\d+)\. [^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


def rows(section: str) -> list[list[str]]:
    lines = re.findall(r"^\| (.*) \|$", SECTIONS[section], re.M)
    return [[cell.strip(" `") for cell in line.split(" | ")] for line in lines]


def test_every_line_of_the_page_is_golden_and_every_sealed_golden_line_is_on_the_page() -> None:
    shown = re.findall(r"^[><~!].*$", SECTIONS["11"], re.M)
    golden = [e["line"] for e in ENTRIES if e["kind"] in ("request", "reply", "telemetry", "event")]
    too_long_to_show = [line for line in golden if len(line) > 230]
    assert sorted(shown) == sorted(set(golden) - set(too_long_to_show))
    assert len(too_long_to_show) == 1


def test_plain_queries_of_the_page_answer_as_in_the_golden_lines() -> None:
    golden = {e["line"]: e["answer"] for e in ENTRIES if e["to"] == "unit" and e["kind"] == "plain"}
    asked = [(row[0], row[1]) for row in rows("8") if row[0].endswith("?")]
    assert len(asked) == 17
    for query, answer in asked:
        short = re.sub("[a-z]", "", query)
        assert golden[short].startswith(answer.removesuffix("..."))


def test_error_codes_are_those_of_the_spec() -> None:
    assert [int(row[0]) for row in rows("9")[1:]] == [int(code) for code in ErrorCode]


def test_faults_are_those_of_the_spec() -> None:
    assert [(int(row[0]), row[1]) for row in rows("10")[1:]] == [(int(f), f.name) for f in Fault]


def test_states_prescription_and_limits_are_those_of_the_spec() -> None:
    assert f"`{' '.join(state.value for state in UnitState)}`" in SECTIONS["7"]
    assert tuple(row[0] for row in rows("6")[1:]) == PRESCRIPTION_KEYS
    assert f"at most {MAX_LINE} characters" in " ".join(SECTIONS["2"].split())
    assert f"a plain reply at most {MAX_PLAIN}" in " ".join(SECTIONS["2"].split())
