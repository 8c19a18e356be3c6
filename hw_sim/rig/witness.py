"""What really happened in a world: the unit's own events as it made them, and the truth of the plant over time.

The witness sees what no wire tells, so a run whose line is bad is judged by what the unit did and not by what could
be heard of it. It only looks; nothing in the world changes by being seen.
"""

from __future__ import annotations

from array import array
from typing import Any

from hw_sim.world import World


class Witness:
    """Looks at a world as often as it is told to. Times in us since the world's power-on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._newest: tuple[int, int, str] | None = None
        self.events: list[tuple[int, str]] = []  # (time, body as on the wire)
        self.t_us = array("q")
        self.i_ma = array("d")
        self.v_v = array("d")
        self.dose_ma_min = array("d")
        self.j_ma_cm2 = array("d")  # the higher of the two densities under what touches of the electrodes
        self._begin_uc: float | None = None
        self._run = ""

    def look(self) -> dict[str, Any]:
        """Take in the unit's new events and the present truth, which is returned."""
        self._new_events()
        truth = self._world.truth()
        run = self._world.firmware.run
        if run and run != self._run:  # the dose of a run counts from its START
            self._run = run
            self._begin_uc = truth["q_uc"]
        begin_uc = truth["q_uc"] if self._begin_uc is None else self._begin_uc
        self.t_us.append(truth["t_us"])
        self.i_ma.append(abs(truth["i_ua"]) / 1000)
        self.v_v.append(truth["v_mv"] / 1000)
        self.dose_ma_min.append((truth["q_uc"] - begin_uc) / 60_000)
        self.j_ma_cm2.append(self._world.plant.j_local_a_cm2 * 1e3)
        return truth

    def _new_events(self) -> None:
        new = []
        for entry in reversed(self._world.firmware.events):
            if entry == self._newest:
                break
            new.append(entry)
        if new:
            self._newest = new[0]
            self.events += [(self._world.powered_us + ms * 1000, body) for _, ms, body in reversed(new)]

    def told(self, end_us: int, *, later: bool) -> list[tuple[int, str]]:
        """From the first RAMP_UP on: states by their names, faults, warnings and clears with their numbers.

        ``later``: what the unit does by itself after ``end_us`` too, but not what the host does then.
        """
        shown = [
            (at, shortened(body)) for at, body in self.events if at <= end_us or (later and " by=HOST" not in body)
        ]
        first = next((n for n, (_, text) in enumerate(shown) if text == "RAMP_UP"), len(shown))
        return shown[first:]


def shortened(body: str) -> str:
    """``STATE st=HOLD was=...`` is ``HOLD``, ``FAULT id=01 ...`` is ``FAULT 01``; the rest by its name."""
    name, _, fields = body.partition(" ")
    values = dict(pair.split("=", 1) for pair in fields.split(" ") if "=" in pair)
    if name == "STATE":
        return values["st"]
    return f"{name} {values['id']}" if "id" in values else name
