"""One small change at a time: the mutants of a source file, made with mutmut's own operators.

mutmut's runner is not used. It wants its settings in the project's own file, copies the tree, and puts a call through
a dictionary around every function of it, which the firmware's inner loop, a hundred times slower for it, does not
bear. Its operators are what took years to get right, so those are the ones here (numbers, comparisons, arithmetic,
``and``/``or``/``not``, arguments dropped or None, assignments to None, branches of a ternary or a ``match`` forced,
strings, ``break``/``continue``).

As in mutmut only code inside functions changes, and annotations, decorators and docstrings stay. Two things are left
out besides. The words of a sentence: strings below a ``raise`` and in f-strings, which no test should pin down.
And the second and third change of one string: the one that gives ``XX`` around it is enough to see whether it is used.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from textwrap import indent
from typing import Any

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators


@dataclass(frozen=True, slots=True)
class Mutant:
    """``name`` is the same until the function it is in changes. ``text`` is to stand in the file from ``start`` to
    ``end``, in bytes.
    """

    file: str
    line: int
    name: str
    start: int
    end: int
    text: str

    def source(self, original: bytes) -> bytes:
        return original[: self.start] + self.text.encode() + original[self.end :]


class _Finder(cst.CSTVisitor):
    """Every node to change with what it changes to, and the function around it."""

    METADATA_DEPENDENCIES = (PositionProvider, ByteSpanPositionProvider)

    def __init__(self, file: str) -> None:
        self.found: list[Mutant] = []
        self._file = file
        self._twins: Counter[str] = Counter()
        self._path: list[str] = []
        self._functions = 0
        self._raising = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.FormattedString | cst.ConcatenatedString):
            return False
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.BaseString):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._path.append(node.name.value)
            self._functions += isinstance(node, cst.FunctionDef)
        self._raising += isinstance(node, cst.Raise)
        if self._functions and not (self._raising and isinstance(node, cst.BaseString)):
            self._take(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._path.pop()
            self._functions -= isinstance(original_node, cst.FunctionDef)
        self._raising -= isinstance(original_node, cst.Raise)

    def _take(self, node: cst.CSTNode) -> None:
        for kind, operator in mutation_operators:
            if not isinstance(node, kind):
                continue
            made: list[Any] = list(operator(node))
            for changed in made[:1] if isinstance(node, cst.BaseString) else made:
                self._add(node, changed)

    def _add(self, node: cst.CSTNode, changed: cst.CSTNode) -> None:
        begin = self.get_metadata(PositionProvider, node).start
        span: Any = self.get_metadata(ByteSpanPositionProvider, node)
        text = _CODE.code_for_node(changed)
        if isinstance(node, cst.Match):  # the one statement of several lines: it stands where it stood
            text = indent(text, " " * begin.column).strip() + "\n"
        name = f"{'.'.join(self._path)}: {_difference(_CODE.code_for_node(node), text)}"
        self._twins[name] += 1
        if self._twins[name] > 1:
            name += f" ({self._twins[name]})"
        self.found.append(Mutant(self._file, begin.line, name, span.start, span.start + span.length, text))


_CODE = cst.Module([])
_LONG, _AROUND = 60, 12


def _difference(before: str, after: str) -> str:
    """``before -> after`` on one line; of long ones what differs, with a little around it."""
    old, new = (" ".join(text.split()) for text in (before, after))
    if len(old) > _LONG:
        start = max(0, _alike(old, new) - _AROUND)
        end = max(0, min(_alike(old[::-1], new[::-1]), len(old) - start, len(new) - start) - _AROUND)
        old, new = (f"...{text[start : len(text) - end]}..." for text in (old, new))
    return f"{old} -> {new}"


def _alike(one: str, other: str) -> int:
    """How many characters they begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def mutants(root: Path, file: str) -> list[Mutant]:
    """The mutants of ``file``; a few of them are no Python any more."""
    finder = _Finder(file)
    MetadataWrapper(cst.parse_module((root / file).read_bytes())).visit(finder)
    return finder.found
