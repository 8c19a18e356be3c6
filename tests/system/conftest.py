"""The fixture ``rig``: every test that asks for it runs on each rig that can do what it ``needs``.

``matrix(name, values, served=...)`` gives the virtual rig all values of a parameter, and the rigs that run in real time
the few (kind, value) that their time is worth. ``served(kind, ...)`` says the same of a test without parameters.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rigs import CAN, KINDS, SERVED, SPEED, HardwareRig, Rig, ServedRig, VirtualRig


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "matrix(name, values, served): a parameter, and what of it is worth real time")
    config.addinivalue_line("markers", "served(kind, ...): on which of the served rigs a test runs; else on all")
    config.addinivalue_line("markers", "speed(n): how much faster than real time a served rig may run")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "rig" not in metafunc.fixturenames:
        return
    needs = {need for mark in metafunc.definition.iter_markers("needs") for need in mark.args}
    assert needs <= frozenset().union(*CAN.values()), f"{metafunc.function.__name__} needs what no rig has"
    kinds = [kind for kind in KINDS if needs <= CAN[kind]]
    served, matrix = (metafunc.definition.get_closest_marker(name) for name in ("served", "matrix"))
    if matrix is None:
        kinds = [kind for kind in kinds if served is None or kind in served.args or kind not in SERVED]
        metafunc.parametrize("rig", kinds, indirect=True)
        return
    name, values = matrix.args
    cases: list[tuple[str, Any]] = [(kind, value) for kind in kinds if kind not in SERVED for value in values]
    cases += [case for case in matrix.kwargs["served"] if case[0] in kinds]
    metafunc.parametrize(("rig", name), cases, indirect=["rig"])


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    kind, port = request.param, request.config.getoption("--port")
    if kind == "hardware" and port is None:
        pytest.skip("no hardware: give --port PORT of a unit on a load box")
    if kind == "pty" and os.name != "posix":
        pytest.skip("pseudo-terminals are POSIX")
    speed = request.node.get_closest_marker("speed")
    before = set(threading.enumerate())
    made: Rig
    match kind:
        case "virtual":
            made = VirtualRig()
        case "hardware":
            made = HardwareRig(port)
        case _:
            made = ServedRig(kind, tmp_path_factory.mktemp("bench"), speed=SPEED if speed is None else speed.args[0])
    try:
        yield made
    finally:
        made.close()
    assert set(threading.enumerate()) <= before, "a thread was left behind"
    if os.name == "posix":
        with pytest.raises(ChildProcessError):  # "no child processes": none was left behind
            os.waitpid(-1, os.WNOHANG)
