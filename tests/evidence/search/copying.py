"""Objects put aside in the middle of their work and brought back, whatever they are made of.

The host's brain is plain attributes: instances, deques, lists and dictionaries over frozen values. This walks them from
their roots and keeps what each holds. It asks the product for nothing, so no snapshot method can forget a new field;
and what cannot be put aside (a closure, a generator, an open file) is refused by name, which is the proof that the
host has none. ``copy.deepcopy`` does the same ten times slower, and hands out other objects.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

Saved: TypeAlias = tuple[tuple[Callable[[Any, Any], None], Any, Any], ...]

_VALUES: Final = (int, float, str, bytes, type(None), Enum, frozenset, tuple)
_ROOMS: Final = ("controller", "tests", "hw_sim")


class Uncopyable(TypeError):
    """State that nobody can put aside."""


def save(*roots: object) -> Saved:
    """What everything reachable from ``roots`` holds now.

    Raises:
        Uncopyable: something there is neither a value nor a plain object or container.
    """
    seen: set[int] = set()
    saved: list[tuple[Callable[[Any, Any], None], Any, Any]] = []
    todo = list(roots)
    while todo:
        thing = todo.pop()
        kind = type(thing)
        if kind in _known_values or id(thing) in seen:
            continue
        way = _ways.get(kind) or _learn(kind, thing)
        if way is None:
            continue
        seen.add(id(thing))
        content = way[0](thing)
        saved.append((way[1], thing, content))
        todo += content.values() if type(content) is dict else content
    return tuple(saved)


def bring_back(saved: Saved) -> None:
    """Every object holds again what it held."""
    for put, thing, content in saved:
        put(thing, content)


# -- how each kind is read and written --------------------------------------------------------------------------


def _put_attributes(thing: Any, content: dict[str, Any]) -> None:
    held = thing.__dict__
    held.clear()
    held.update(content)


def _put_slots(thing: Any, content: dict[str, Any]) -> None:
    for name, value in content.items():
        setattr(thing, name, value)


def _put_items(thing: Any, content: tuple[Any, ...]) -> None:
    thing.clear()
    thing.extend(content)


def _put_entries(thing: Any, content: dict[Any, Any]) -> None:
    thing.clear()
    thing.update(content)


_Way: TypeAlias = tuple[Callable[[Any], Any], Callable[[Any, Any], None]]

_known_values: set[type] = set()
_ways: dict[type, _Way] = {
    deque: (tuple, _put_items),
    list: (tuple, _put_items),
    dict: (dict, _put_entries),
    Counter: (dict, _put_entries),
}


def _learn(kind: type, thing: object) -> _Way | None:
    """How to put things of this kind aside; None for values, which never change."""
    frozen = is_dataclass(kind) and bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]
    if issubclass(kind, _VALUES) or frozen:
        _known_values.add(kind)
        return None
    if kind.__module__.partition(".")[0] not in _ROOMS or kind.__qualname__ == "function":
        raise Uncopyable(f"{kind.__module__}.{kind.__qualname__} cannot be put aside: {thing!r:.80}")
    slots = tuple(name for base in kind.__mro__ for name in vars(base).get("__slots__", ()) if name != "__dict__")
    if slots and not hasattr(thing, "__dict__"):
        _ways[kind] = (lambda t: {name: getattr(t, name) for name in slots}, _put_slots)
    elif not slots:
        _ways[kind] = (lambda t: dict(t.__dict__), _put_attributes)
    else:
        raise Uncopyable(f"{kind.__qualname__} has slots and a dictionary")
    return _ways[kind]
