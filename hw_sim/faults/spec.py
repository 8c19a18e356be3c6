"""One fault with its arguments and its schedule, as text and as a value: ``E03:hz=20,lead=return@at=60,for=2``.

A name or id, its arguments behind a colon (the first may go without its name: ``E03:20``), its schedule behind ``@``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hw_sim.faults.catalogue import find
from hw_sim.faults.fault import Arguments, Fault
from hw_sim.faults.when import KEYS, When, when

LONGEST = 200  # characters of a fault as text


class Spec(NamedTuple):
    fault: Fault
    arguments: Arguments
    when: When

    def text(self) -> str:
        """As it is read again; arguments that are their defaults are left out."""
        given = [f"{a.name}={_plain(self.arguments[a.name])}" for a in self.fault.arguments
                 if self.arguments[a.name] != a.default]  # fmt: skip
        told = [f"{key}={value}" for key, value in self.when.fields().items()]
        return self.fault.id + (":" + ",".join(given) if given else "") + ("@" + ",".join(told) if told else "")


def from_text(text: str) -> Spec:
    """A fault as in an address.

    Raises:
        ValueError: one sentence about what is wrong with it.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{text[:20]}... is too long for a fault: at most {LONGEST} characters")
    head, _, schedule = text.partition("@")
    name, _, given = head.partition(":")
    fault = find(name)
    fields: dict[str, str] = {}
    for n, part in enumerate(filter(None, given.split(","))):
        key, equals, value = part.partition("=")
        if not equals:
            if n or not fault.arguments:
                raise ValueError(f"{text}: {part} has no name; write it as key=value")
            key, value = fault.arguments[0].name, part
        _put(fields, key, value, text)
    told: dict[str, str] = {}
    for part in filter(None, schedule.split(",")):
        key, equals, value = part.partition("=")
        if key not in KEYS or not equals:
            raise ValueError(f"{text}: {part} is no schedule; known: {', '.join(f'{k}=' for k in KEYS)}")
        _put(told, key, value, text)
    return judged(fault, fields, told)


def from_table(table: Mapping[str, Any]) -> Spec:
    """A fault as a table of a file: ``id``, its arguments and its schedule beside each other.

    Raises:
        ValueError: one sentence that names the key.
    """
    name = table.get("id")
    if not isinstance(name, str):
        raise ValueError('id is missing: give the fault\'s id or name, as in id = "E01"')
    told = {key: value for key, value in table.items() if key in KEYS}
    return judged(find(name), {k: v for k, v in table.items() if k != "id" and k not in KEYS}, told)


def judged(fault: Fault, fields: Mapping[str, Any], told: Mapping[str, Any]) -> Spec:
    """A fault from its arguments and its schedule, each as key and value."""
    try:
        schedule = when(told)
        if schedule.for_us is not None and fault.instant:
            raise ValueError("it is over at once: leave out for=")
        arguments = fault.read(fields)
        if fault.per_byte:
            arguments |= {"byte": schedule.byte, "towards": schedule.towards, "p": schedule.chance}
        return Spec(fault, arguments, schedule)
    except ValueError as exc:
        raise ValueError(f"fault {fault.id}: {exc}") from exc


def _put(fields: dict[str, str], key: str, value: str, text: str) -> None:
    if key in fields:
        raise ValueError(f"{text}: {key} is given twice")
    fields[key] = value


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else repr(value).removesuffix(".0")
