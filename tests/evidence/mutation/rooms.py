"""Which code is mutated, and which tests have to notice: all that are about the room, or a quick part of them."""

from __future__ import annotations

from typing import Final, NamedTuple


class Room(NamedTuple):
    files: tuple[str, ...]
    tests: tuple[str, ...]
    quick: tuple[str, ...]


_CORE: Final = ("tests/unit/core",)
_UNIT: Final = ("tests/sim/firmware", "tests/sim/test_steady.py")

ROOMS: Final[dict[str, Room]] = {
    "wire": Room(
        tuple(f"controller/wire/{name}.py" for name in ("framing", "fields", "messages")),
        ("tests/unit/wire",),
        ("tests/unit/wire",),
    ),
    "exchange": Room(("controller/exchange.py",), _CORE, ("tests/unit/core/test_exchange.py",)),
    "engine": Room(
        tuple(
            f"controller/engine/{name}.py"
            for name in ("brain", "course", "doubt", "ending", "pausing", "raising", "sequence", "stopping")
        ),
        _CORE,
        tuple(
            f"tests/unit/core/test_engine{name}.py" for name in ("", "_stop", "_pause", "_doubt", "_lost", "_results")
        ),
    ),
    "machine": Room(("controller/machine.py",), _CORE, ("tests/unit/core/test_machine.py",)),
    "limits": Room(("controller/limits.py",), _CORE, ("tests/unit/core/test_limits.py",)),
    "firmware": Room(
        tuple(f"hw_sim/firmware/{name}.py" for name in ("control", "detect", "output")),
        _UNIT,
        tuple(
            f"tests/sim/firmware/test_firmware_{name}.py" for name in ("control_edges", "detector_edges", "moves_edges")
        ),
    ),
}
