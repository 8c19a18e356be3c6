"""Where scenarios are kept: ours as files of this package, read one at a time by name.

``SCENARIOS`` is a mapping that reads a file when it is asked for it; listing them all reads them all, and nothing
else does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from hw_sim.scenario.model import Expected, Scenario, Treatment

# What presets/skin.toml says, without a file to read.
DEFAULT: Final = Scenario(
    name="skin",
    expect="prepared skin: 28 V after a 30 s ramp to 4 mA, then falling; runs to its dose",
    treatment=Treatment(current_ma=4, dose_ma_min=20),
    expected=Expected(
        outcome="DONE",
        events=("RAMP_UP", "HOLD", "RAMP_DOWN", "DONE"),
        dose_ma_min=(19.9, 20.1),
        peak_ma=4.1,
    ),
)

_HOME: Final = Path(__file__).parent / "presets"


def load_file(path: Path) -> Scenario:
    """The scenario of a file.

    Raises:
        ValueError: one sentence with the file and the key.
    """
    from hw_sim.scenario.reading import from_toml

    try:
        text = path.read_bytes().decode()
    except OSError as exc:
        raise ValueError(f"{path}: cannot be read: {exc.strerror or exc}; check the path") from exc
    except UnicodeDecodeError as exc:
        raise ValueError(f"{path}: is no text in UTF-8") from exc
    return from_toml(text, str(path), path.parent)


class Shelf(Mapping[str, Scenario]):
    """Our scenarios by name, in order of their names."""

    def __getitem__(self, name: str) -> Scenario:
        if name not in self:
            raise KeyError(name)
        return load_file(_HOME / f"{name}.toml")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.replace("-", "").isalnum() and (_HOME / f"{name}.toml").is_file()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in _HOME.glob("*.toml")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


SCENARIOS: Final = Shelf()
