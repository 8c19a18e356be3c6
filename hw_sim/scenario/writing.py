"""A scenario as the text of its file, so that reading it gives the same scenario again."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Final

from hw_sim.faults.spec import from_text
from hw_sim.scenario.model import Scenario

_HEAD: Final = ("name", "expect", "load", "seed", "person", "serial", "line")


def to_toml(s: Scenario) -> str:
    """The file of a scenario. Options of how it is watched (``speed``) are none of it."""
    lines = ["format = 1"]
    lines += [_pair(key, value) for key in _HEAD if (value := getattr(s, key)) is not None]
    if s.variant:
        lines.append(_pair("variant", s.variant))
    if s.dtr_resets:
        lines.append("dtr_resets = true")
    if s.parameters:
        lines += ["", "[parameters]", *(_pair(key, value) for key, value in s.parameters.items())]
    for fault in s.faults:
        lines += ["", "[[fault]]", *_fault(fault)]
    for at_s, verb, argument in s.agenda:
        lines += ["", "[[event]]", _pair("at", at_s), _pair("do", verb)]
        if argument:
            lines.append(_pair("what", argument))
    for action in s.host:
        lines += ["", "[[host]]", _pair("at", action.at_s), _pair("do", action.do)]
        if action.for_s:
            lines.append(_pair("for", action.for_s))
    for title, part in (("treatment", s.treatment), ("expected", s.expected)):
        if part is not None:
            lines += ["", f"[{title}]"]
            lines += [_pair(f.name, value) for f in fields(part) if (value := getattr(part, f.name)) != f.default]
    return "\n".join(lines) + "\n"


def _fault(text: str) -> list[str]:
    spec = from_text(text)
    given = {a.name: v for a in spec.fault.arguments if (v := spec.arguments[a.name]) != a.default}
    return [_pair(key, value) for key, value in {"id": spec.fault.id, **given, **spec.when.fields()}.items()]


def _pair(key: str, value: Any) -> str:  # noqa: ANN401 - any plain value
    return f"{key} = {_value(value)}"


def _value(value: Any) -> str:  # noqa: ANN401 - any plain value
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # a basic string of TOML is a string of JSON
    if isinstance(value, tuple):
        return f"[{', '.join(_value(v) for v in value)}]"
    return repr(value)
