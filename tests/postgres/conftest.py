"""``lab``: a database of a lab, one body of tests over SQLite and over a real PostgreSQL server."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from tests.postgres.server import Server, programs

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    found = programs()
    if found is None:
        if os.environ.get("CI") and os.environ.get("IONTO_NEEDS_POSTGRES") == "1":
            pytest.fail("no PostgreSQL server is installed, and IONTO_NEEDS_POSTGRES=1 says that there must be one")
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    running = Server(found)
    try:
        yield running
    finally:
        running.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def new_lab(request, tmp_path_factory) -> Callable[[], str]:
    """Makes an empty database and gives its URL."""
    pytest.importorskip("sqlalchemy")
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('lab') / 'lab.sqlite'}"
    pytest.importorskip("psycopg")
    running: Server = request.getfixturevalue("server")
    return lambda: running.new_base(f"lab{next(_NUMBERS)}")


@pytest.fixture
def lab(new_lab) -> str:
    return new_lab()
