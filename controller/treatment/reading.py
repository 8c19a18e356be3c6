"""From the text of a treatment file to its checked tables, with every mistake told at once.

Two steps. ``parsed`` turns TOML into plain values; a syntax error ends the reading there, so its sentence
says line and remedy, and all decimal commas are named together because whoever writes one writes them all.
``structured`` lets cattrs walk the values along ``grammar``: strict, unknown keys refused, each finding
with its path. What a finding touches is cut out, and the rest goes on to ``rules``: a wrong ramp does not
hide a wrong pole.

tomllib is loaded on first use, and cattrs when there is something to complain of: a program that only lists ports,
or delivers what is right, does not pay for them (about 50 ms together). msgspec would cost less, and stops at the
first mistake.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, cast, get_args, get_origin, get_type_hints

from controller.errors import TreatmentError
from controller.treatment.grammar import FORMAT, TABLES, Rule, TreatmentTable, Wrong, keys_of, shown

KeyPath = tuple[str | int, ...]


class Problem(NamedTuple):
    """A finding and where it is; an int in the path counts the entries of [[phase]] from 0."""

    path: KeyPath
    text: str

    def sentence(self, source: str) -> str:
        return f"{source}: {place(self.path)}: {self.text}"

    @property
    def rank(self) -> int:
        """Findings are told in the order of the file; what is no known table comes with the top."""
        return _ORDER.index(self.path[0]) if self.path[0] in _ORDER else 0


_ORDER: Final = ("format", "name", "load", "drug", "patch", "phase", "limits", "policy", "screening")


def place(path: KeyPath) -> str:
    """The path as a person says it: ``patch.rated_ma_min``, ``phase 2, pole``."""
    match path:
        case (table, int(index), *rest):
            return ", ".join([f"{table} {index + 1}", *map(str, rest)])
        case _:
            return ".".join(map(str, path)) or "the file"


# -- TOML
# ------------------------------------------------------------------------------------------------------

# Patterns are compiled on the first syntax error: nine of them would cost every start 3 ms.
_COMMA: Final = r"^\s*([\w.-]+)\s*=\s*([+-]?\d+),(\d+)\s*(?:#.*)?$"
_LINE: Final = r" *\(at (?:line (\d+), column \d+|end of document)\)"
# What people write instead of TOML, and what it should have been; tried in turn on the line that failed.
_HINTS: Final = (
    ("[\u201c\u201d\u201e\u2018\u2019]", 'use straight quotes, "'),
    (r"=\s*(?i:true|false|yes|no)\s*(#.*)?$", "write true or false, in small letters"),
    (r"=\s*[+-]?[\d.]+\s*[A-Za-z/]", "write the number alone, its unit is in the key's name"),
    (r"=\s*(#.*)?$", "write a value after the equals sign, or remove the line"),
    (r"=\s*[A-Za-z+-]", "write text in double quotes"),
    (r"^\s*[\w.-]+\s*:", "write key = value, with an equals sign"),
    (r"", "correct that line"),
)


def parsed(text: str, source: str) -> dict[str, Any]:
    """The plain values of a TOML text.

    Raises:
        TreatmentError: it is not TOML; each sentence names a line.
    """
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise TreatmentError(list(_syntax(text, str(exc), source))) from exc


def _syntax(text: str, complaint: str, source: str) -> Iterator[str]:
    lines = text.splitlines()
    commas = {number: found for number, line in enumerate(lines, 1) if (found := re.match(_COMMA, line))}
    for number, found in commas.items():
        key, whole, part = found.groups()
        yield (
            f"{source}: line {number}: {key}: found {whole},{part}, expected a number with a decimal point; "
            f"write {whole}.{part}"
        )
    at = re.search(_LINE, complaint)
    number = int(at[1]) if at is not None and at[1] else len(lines)
    if number in commas:
        return
    what = re.sub(_LINE, "", complaint)
    written = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    hint = next(hint for pattern, hint in _HINTS if re.search(pattern, written))
    yield f"{source}: line {number}: not TOML: {what[:1].lower()}{what[1:]} in `{written}`; {hint}"


# -- tables
# ----------------------------------------------------------------------------------------------------


def structured(raw: Mapping[str, Any]) -> tuple[TreatmentTable, list[Problem]]:
    """The tables without what is wrong in them, and what is wrong.

    A file of a newer format gets that one finding: nothing else that is said of it would be true.
    """
    version = raw.get("format")
    if isinstance(version, int) and version > FORMAT:
        text = f"found {version}, expected {FORMAT}; the file is for a newer version of this program: update it"
        return cast(TreatmentTable, {}), [Problem(("format",), text)]
    problems = []
    if not isinstance(raw.get("phase", []), list):
        # cattrs would walk the letters of a text or the keys of a table, and complain of each.
        remedy = "write [[phase]] in double brackets above each phase"
        problems.append(Problem(("phase",), f"found {shown(raw['phase'])}, expected a list; {remedy}"))
        raw = {**raw, "phase": []}
    if not problems:
        with suppress(Wrong):
            return _sound(raw, TreatmentTable), problems
    problems += walked(raw, TreatmentTable, TABLES)
    if problems:
        return cast(TreatmentTable, _without(raw, {found.path for found in problems}, ())), problems
    return cast(TreatmentTable, _converter().structure(raw, TreatmentTable)), []


def _sound(value: Any, kind: Any) -> Any:  # noqa: ANN401 - any plain value, any annotation of the grammar
    """What cattrs makes of a file without a fault, and Wrong for any other, whose findings are cattrs' business.

    Nearly every file has none, and then cattrs is not loaded: a tenth of the start of a run.
    """
    if _has_rule(kind):
        rule: Rule = kind.__metadata__[0]
        return rule.check(value)
    if get_origin(kind) is list:
        if not isinstance(value, list):
            raise Wrong(shown(value), "a list", "")
        return [_sound(item, get_args(kind)[0]) for item in value]
    hints = get_type_hints(kind, include_extras=True)
    if not isinstance(value, dict) or not kind.__required_keys__ <= value.keys() <= hints.keys():
        raise Wrong(shown(value), "a table", "")
    return {key: _sound(item, hints[key]) for key, item in value.items()}


def walked(raw: Mapping[str, Any], kind: type[Any], tables: Mapping[str, type[Any]]) -> list[Problem]:
    """What is wrong with ``raw`` as a ``kind``, whose values bear their rules; ``tables``: where a key may belong."""
    import cattrs

    try:
        _converter().structure(raw, kind)
    except cattrs.BaseValidationError as exc:
        return list(_findings(exc, (), tables))
    return []


def _has_rule(kind: Any) -> bool:  # noqa: ANN401 - any annotation
    return get_origin(kind) is Annotated


@cache
def _converter() -> Any:  # noqa: ANN401 - cattrs is imported when a file is read, not with this module
    import cattrs

    def judged(annotated: Any) -> Any:  # noqa: ANN401 - a type, as cattrs hands it over
        rule: Rule = annotated.__metadata__[0]
        return lambda value, _: rule.check(value)

    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook_factory(_has_rule, judged)
    return converter


_KINDS: Final = {
    "str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "list": "a list",
}  # fmt: skip


def _findings(
    group: Any,  # noqa: ANN401 - an exception group of cattrs
    path: KeyPath,
    tables: Mapping[str, type[Any]],
) -> Iterator[Problem]:
    import cattrs

    for exc in group.exceptions:
        note = _note(exc)
        step = getattr(note, "name", getattr(note, "index", None))
        here = path if step is None else (*path, step)
        match exc:
            case cattrs.BaseValidationError():
                yield from _findings(exc, here, tables)
            case cattrs.ForbiddenExtraKeysError():
                for key in sorted(exc.extra_fields, key=str):
                    yield Problem((*path, key), _unknown(str(key), exc.cl, tables))
            case KeyError():
                yield Problem(here, _missing(str(step), getattr(note, "type", None)))
            case TypeError() if note is None:
                kind = exc.args[0].rpartition(" ")[2]  # "expected a mapping, not int"
                yield Problem(here, f"found {_KINDS.get(kind, kind)}, expected a table; {_header(here)}")
            case _:
                yield Problem(here, str(exc))


def _note(exc: BaseException) -> object:
    """What cattrs wrote on the back: the key or the index that it was at."""
    import cattrs

    kinds = (cattrs.AttributeValidationNote, cattrs.IterableValidationNote)
    return next((note for note in getattr(exc, "__notes__", []) if isinstance(note, kinds)), None)


def _header(path: KeyPath) -> str:
    head = f"[[{path[0]}]]" if len(path) > 1 else f"[{path[0]}]"
    return f"write {head} on a line of its own and its keys below"


def _missing(key: str, kind: Any) -> str:  # noqa: ANN401 - the annotation, of whatever kind
    if not _has_rule(kind):
        return "missing, expected at least one; add a [[phase]] with pole, current_ma and dose_ma_min"
    rule: Rule = kind.__metadata__[0]
    return f"missing, expected {rule.expected}; add a line such as {key} = {rule.example}"


def _unknown(key: str, table: type[Any], tables: Mapping[str, type[Any]]) -> str:
    """Where the key belongs, if it exists elsewhere; else the nearest one, of this table or any."""
    from difflib import get_close_matches

    homes = {other_key: home for home, other in tables.items() for other_key in keys_of(other)}
    if key in homes:
        where = ("at " if homes[key].startswith("the") else "in ") + homes[key]
        return f"unknown key here, expected {where}; move it there"
    known = keys_of(table)
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        return f'unknown key, expected one of this table; did you mean "{near[0]}"?'
    near = get_close_matches(key, homes, n=1, cutoff=0.7)
    if near:
        return f'unknown key, expected one of this table; did you mean "{near[0]}" in {homes[near[0]]}?'
    return f"unknown key, expected one of {', '.join(known)}; remove it"


def _without(value: Any, cut: Collection[KeyPath], path: KeyPath) -> Any:  # noqa: ANN401 - any plain value
    """A copy without the paths in ``cut``; a list keeps its length, so that counting stays true."""
    match value:
        case dict():
            kept = {key: (*path, key) for key in value if (*path, key) not in cut}
            return {key: _without(value[key], cut, here) for key, here in kept.items()}
        case list():
            return [{} if (*path, n) in cut else _without(v, cut, (*path, n)) for n, v in enumerate(value)]
        case _:
            return value
