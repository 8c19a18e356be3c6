"""Every golden line through the product and through the naive decoder; the literals are in the JSON file."""

from typing import Any

import pytest

from controller.wire import LineDecoder, Noise, Reply, digest, parse
from tests import naive_wire
from tests.unit.wire.golden import ENTRIES, LIMIT, as_golden, expected, note

every_line = pytest.mark.parametrize("entry", ENTRIES, ids=note)


def wire(entry: dict[str, Any]) -> bytes:
    return entry["line"].encode("latin-1") + b"\n"


@every_line
def test_product_reads_it_as_written(entry: dict[str, Any]) -> None:
    [item] = LineDecoder(LIMIT[entry["to"]]).feed(wire(entry))
    message = item if isinstance(item, Noise) else parse(item)
    assert as_golden(message) == expected(entry)


@every_line
def test_naive_decoder_reads_it_as_written(entry: dict[str, Any]) -> None:
    [item] = naive_wire.decode_stream(wire(entry), LIMIT[entry["to"]])
    decoded = naive_wire.decode_line(item) if isinstance(item, str) else naive_wire.noise(*item)
    assert decoded == expected(entry)


def test_every_kind_of_damage_is_there_for_both_ends() -> None:
    damage = {(entry["to"], entry["damage"]) for entry in ENTRIES if entry["kind"] == "noise"}
    kinds = ("BAD_CRC", "MISSHAPEN", "POISONED", "OVERLONG")
    assert damage == {(end, kind) for end in ("host", "unit") for kind in kinds}


def test_every_verb_is_asked_and_answered() -> None:
    verbs = {
        "HELLO", "TAKE", "BYE", "KEEP", "PRES", "ARM", "START", "SET", "PAUSE", "RESUME", "STOP", "ABORT",
        "CLEAR", "TELE", "STATUS", "RUN", "EVENTS", "SELFTEST", "CAL",
    }  # fmt: skip
    asked = {entry["verb"] for entry in ENTRIES if entry["kind"] == "request"}
    done = {entry["verb"] for entry in ENTRIES if entry["kind"] == "reply" and entry["code"] == "00"}
    assert (verbs - asked, verbs - done) == (set(), set())


def test_every_event_is_there() -> None:
    names = {entry["name"] for entry in ENTRIES if entry["kind"] == "event"}
    assert names >= {"STATE", "FAULT", "WARN", "CLEAR", "LINK_WARN"}


PRESCRIPTIONS = [e for e in ENTRIES if e["kind"] == "reply" and e["verb"] == "PRES" and e["code"] == "00"]


@pytest.mark.parametrize("entry", PRESCRIPTIONS, ids=note)
def test_digest_is_that_of_the_reply(entry: dict[str, Any]) -> None:
    reply = parse(entry["line"])
    assert isinstance(reply, Reply)
    assert digest(reply.fields) == reply.hexa("D")
    assert naive_wire.digest(entry["fields"]) == entry["fields"]["D"]


def test_digest_of_the_design_page() -> None:
    assert f"{digest(parse(PRESCRIPTIONS[0]['line']).fields):08X}" == "83615AA8"  # type: ignore[union-attr]
