"""The live line of ``ionto run``: one line on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Final

import click

from controller.profile import Profile
from controller.sample import Sample
from controller.units import ma_min_from_uc
from controller.wire import UnitState

_EVERY_S: Final = 0.1  # at most ten refreshes a second of wall time
_BAR: Final = 20


class LiveLine:
    """State, mA, dose of its target, kohm, V, time left, bar. Not older than the newest telemetry."""

    def __init__(self, profiles: list[Profile], targets_uc: list[int], *, keys: bool) -> None:
        self._profiles = profiles
        self._targets_uc = targets_uc
        self._hint = "  p r s" if keys else ""
        self._terminal = sys.stderr.isatty()
        self._drawn_s = 0.0
        self._state: UnitState | None = None
        self._width = 0

    def show(self, sample: Sample) -> None:
        state = sample.unit.state
        if self._terminal:
            now = time.monotonic()
            if state is self._state and now - self._drawn_s < _EVERY_S:
                return
            self._drawn_s = now
            self._draw(self.text(sample))
        elif state is not self._state:
            click.echo(f"{sample.t_s:8.1f} s  {self.text(sample)}", err=True)
        self._state = state

    def text(self, sample: Sample) -> str:
        unit = sample.unit
        target_uc = self._targets_uc[sample.phase - 1]
        done = min(1.0, unit.q_uc / target_uc)
        z = "   --  " if sample.impedance_ohm is None else f"{unit.z_ohm / 1000:6.2f}k"
        bar = "#" * round(done * _BAR)
        return (
            f"{sample.state.value:9} {unit.i_ua / 1000:6.3f} mA  {ma_min_from_uc(unit.q_uc):7.3f} of "
            f"{ma_min_from_uc(target_uc):.1f} mA.min  {z}ohm {unit.v_mv / 1000:6.2f} V  "
            f"{self._left(sample)}  [{bar:{_BAR}}]{' LIMITED' if unit.limited else ''}{self._hint}"
        )

    def _left(self, sample: Sample) -> str:
        unit = sample.unit
        eta_s = self._profiles[sample.phase - 1].eta_s(sample.state.value, unit.q_uc, unit.i_ua)
        return "ETA  --:--" if eta_s is None else f"ETA {int(eta_s) // 60:3d}:{int(eta_s) % 60:02d}"

    def _draw(self, text: str) -> None:
        columns = shutil.get_terminal_size().columns - 1
        text = text[:columns]
        click.echo("\r" + text.ljust(min(self._width, columns)), nl=False, err=True)
        self._width = len(text)

    def say(self, text: str) -> None:
        """A line of its own, above the live one."""
        self.end()
        click.echo(text, err=True)

    def end(self) -> None:
        if self._terminal and self._width:
            click.echo(err=True)
            self._width = 0
