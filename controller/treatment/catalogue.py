"""Treatment files that ship with the package, and reading any treatment file's text.

A preset is an ordinary treatment file: the first comment line is its summary, ``name`` its title, and the
comments say what it imitates and what it cannot. Presets for a person come with the screening unanswered,
so none can be delivered to anybody by its name alone; as a bench load (``--bench``) all of them run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from controller.errors import TreatmentError

PREFIX: Final = "preset:"
_HOME: Final = Path(__file__).parent
_LARGEST: Final = 1_000_000  # characters; a treatment has a few thousand, a wrong file may have any number


class Preset(NamedTuple):
    name: str
    title: str
    summary: str


def presets() -> tuple[Preset, ...]:
    """All presets by name."""
    import tomllib

    found = []
    for name in _names():
        text = preset_text(name)
        summary = text.partition("\n")[0].removeprefix("#").strip()
        found.append(Preset(name, tomllib.loads(text)["name"], summary))
    return tuple(found)


def preset_text(name: str) -> str:
    """The file of a preset, comments included.

    Raises:
        TreatmentError: there is none of that name; the sentence names the nearest.
    """
    names = _names()
    if name not in names:
        from difflib import get_close_matches

        near = get_close_matches(name, names, n=1)
        remedy = f"did you mean {PREFIX}{near[0]}?" if near else f"choose one of {', '.join(names)}"
        raise TreatmentError([f"{PREFIX}{name}: no such preset; {remedy}"])
    return _shipped(f"presets/{name}.toml")


def new_file_text() -> str:
    """A commented treatment file to start from; the screening is left to be answered."""
    return _shipped("new.toml")


def text_of(where: str) -> str:
    """The text of a treatment file or preset.

    Raises:
        TreatmentError: it cannot be read; the sentence says what to do.
    """
    if where.startswith(PREFIX):
        return preset_text(where.removeprefix(PREFIX))
    try:
        with open(where, encoding="utf-8-sig") as file:  # editors on Windows write a byte order mark
            text = file.read(_LARGEST + 1)
    except FileNotFoundError as exc:
        raise TreatmentError([f"{where}: no such file; {_instead(where)}"]) from exc
    except UnicodeDecodeError as exc:
        reason = f"byte {exc.start + 1} is not UTF-8 text"
        raise TreatmentError([f"{where}: {reason}; save the file as UTF-8, or name another"]) from exc
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        reason = getattr(exc, "strerror", None) or str(exc)
        raise TreatmentError([f"{where}: cannot be read ({reason.lower()}); name a TOML file"]) from exc
    if len(text) > _LARGEST:
        raise TreatmentError([f"{where}: too large for a treatment; name a TOML file"])
    return text


def _instead(where: str) -> str:
    """What may have been meant by a file that is not there."""
    stem = Path(where).stem
    if stem in _names():
        return f"did you mean {PREFIX}{stem}?"
    return "check the path; `ionto treatments list` shows presets, `ionto treatments new` writes a new file"


def _names() -> list[str]:
    return sorted(path.stem for path in (_HOME / "presets").glob("*.toml"))


def _shipped(name: str) -> str:
    return (_HOME / name).read_text("utf-8")
