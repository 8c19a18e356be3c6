"""Mutants against tests: one pytest session is collected once, then forked for every mutant.

The tests run once untouched, under coverage, so that it is known which of them pass a line and how long each takes.
A mutant then costs a fork: the child gives every function of the changed file its new code (``__code__``), runs the
tests that pass the changed line, and ends at the first that fails. The ones that noticed most so far come first, then
all that take no time, then one case of every test function, a second case of each, and so on. No file is written and
nothing is imported twice.

A child that uses up its processor time is a time-out and counts as noticed: it is an endless loop. Processor time and
not wall time, so that a busy machine changes no verdict. Hypothesis neither shrinks nor stops over its health checks,
and is derandomised as in every other run.

It would be no proof if the tests failed by themselves in a child: at the end one child without a mutant runs every
test that noticed one, and all have to pass.
"""

from __future__ import annotations

import functools
import gc
import json
import math
import os
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.evidence.breaks import copied, fails_in
from tests.evidence.mutation.judging import Tally
from tests.evidence.mutation.mutants import Mutant

ROOT = Path(__file__).parents[3]
_AT_ONCE = 2
_LEAST_CPU_S = 4
_MOST_S = 40  # of tests (under coverage) that notice nothing; a mutant that has passed so many counts as survived
_NOTHING_S = 0.01  # what is as quick as this comes before any order
_SURVIVED, _KILLED, _NO_CODE = 0, 1, 3


def _main() -> int:
    """In the copy: the room and its mutants come on standard input, the tally goes into the file named."""
    files, tests, seconds, told = json.loads(sys.stdin.read())
    chosen = [Mutant(*fields) for fields in told]
    session = _Session(files, tests, chosen, seconds)
    with tempfile.TemporaryDirectory() as scratch:
        arguments = ["-m", "not slow", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        arguments += ["--basetemp", f"{scratch}/t", "--no-header", "-q", *tests]
        pytest.main(arguments, plugins=[session])
    if session.refusal:
        print(session.refusal)
        return 1
    numbers = [chosen.index(mutant) for mutant in session.tally.survived]
    answer = json.dumps([session.tally.killed, session.tally.timeouts, numbers])
    Path(sys.argv[1]).write_text(answer, encoding="utf-8")
    return 0


def noticed_in_a_copy(mutant: Mutant, tests: Sequence[str]) -> bool:
    """The long way, for code that has run before any test begins: the tests in a changed copy of the tree."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = copied(Path(scratch))
        changed = tree / mutant.file
        changed.write_bytes(mutant.source(changed.read_bytes()))
        return bool(fails_in(tree, tests))


class _Session:
    """The pytest plugin: it takes the place of the loop over the tests."""

    def __init__(self, files: Sequence[str], tests: Sequence[str], chosen: Sequence[Mutant], seconds: float) -> None:
        self.tally = Tally()
        self.refusal = "pytest did not come as far as its tests"
        self._tests = tests
        self._files = {file: str(ROOT / file) for file in files}
        self._chosen = chosen
        self._seconds_left = seconds
        self._failed = False
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._passing: dict[tuple[str, int], set[str]] = {}
        self._at_import: set[tuple[str, int]] = set()
        self._noticed: Counter[str] = Counter()
        self._items: dict[str, pytest.Item] = {}

    def pytest_collection(self) -> None:
        import hypothesis

        hypothesis.settings.register_profile(
            "mutation",
            hypothesis.settings.get_profile("ci"),
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        hypothesis.settings.load_profile("mutation")
        import coverage

        self._cover = coverage.Coverage(data_file=None, include=list(self._files.values()), config_file=False)
        self._cover.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = {item.nodeid: item for item in session.items}
        self.refusal = self._untouched()
        if not self.refusal:
            self._all()
            self.refusal = self._sound()
        return True

    # -- without a mutant ----------------------------------------------------------------------------------

    def _untouched(self) -> str:
        self._caches = _caches()
        for nodeid, item in self._items.items():
            _clear(self._caches)  # or only the first test to ask would pass the lines behind
            self._cover.switch_context(nodeid)
            began_s = time.process_time()  # of wall time a busy machine would make another order
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            self._seconds[nodeid] = time.process_time() - began_s
            if self._failed:
                return f"{nodeid} fails without a mutant"
        self._cover.stop()
        data = self._cover.get_data()
        for file, path in self._files.items():
            for line, contexts in data.contexts_by_lineno(path).items():
                self._passing[file, line] = set(contexts) - {""}
                if contexts == [""]:
                    self._at_import.add((file, line))
        self._functions = _functions_of(set(self._files.values()))
        gc.collect()
        gc.freeze()
        return ""

    def _sound(self) -> str:
        reading, writing = os.pipe()
        child = self._fork(None, list(self._noticed), writing)
        os.close(writing)
        failed = os.read(reading, 4096).decode()
        os.close(reading)
        _, status = os.waitpid(child, 0)
        return "" if status == 0 else f"{failed or 'a child'} noticed a mutant, and fails in a child without one too"

    # -- with one --------------------------------------------------------------------------------------------

    def _all(self) -> None:
        running: dict[int, tuple[Mutant, int]] = {}
        until = time.monotonic() + self._seconds_left if self._seconds_left else math.inf
        for mutant in self._chosen:
            if time.monotonic() > until:
                break
            tests = self._tests_for(mutant)
            if not tests:
                noticed = self._runs_at_import(mutant) and noticed_in_a_copy(mutant, self._tests)
                if noticed:
                    self.tally.killed += 1
                else:
                    self.tally.survived.append(mutant)  # no test passes there
                continue
            if len(running) == _AT_ONCE:
                self._ended(running)
            reading, writing = os.pipe()
            child = self._fork(mutant, tests, writing)
            os.close(writing)
            running[child] = mutant, reading
        while running:
            self._ended(running)

    def _tests_for(self, mutant: Mutant) -> list[str]:
        passing = self._passing.get((mutant.file, self._begin(mutant)), set())
        case: dict[str, int] = {}
        cases: Counter[str] = Counter()
        for nodeid in sorted(passing, key=self._seconds.__getitem__):
            function = nodeid.partition("[")[0]
            cases[function] += 1
            case[nodeid] = cases[function]
        for nodeid in passing:
            if self._seconds[nodeid] < _NOTHING_S:
                case[nodeid] = 0
        chosen, seconds = [], 0.0
        for nodeid in sorted(passing, key=lambda nodeid: (-self._noticed[nodeid], case[nodeid], self._seconds[nodeid])):
            if seconds < _MOST_S:
                chosen.append(nodeid)
                seconds += self._seconds[nodeid]
        return chosen

    def _begin(self, mutant: Mutant) -> int:
        """Of a statement of several lines coverage knows only the one on which it begins."""
        line = mutant.line
        while line and (mutant.file, line) not in self._passing:
            line -= 1
        return line

    def _runs_at_import(self, mutant: Mutant) -> bool:
        return (mutant.file, self._begin(mutant)) in self._at_import

    def _fork(self, mutant: Mutant | None, tests: list[str], tell: int = -1) -> int:
        allowed = round(_LEAST_CPU_S + 3 * sum(self._seconds[nodeid] for nodeid in tests))
        child = os.fork()
        if child:
            return child
        status = 2
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed + 1))
            status = self._in_child(mutant, tests, tell)
        finally:
            os._exit(status)

    def _in_child(self, mutant: Mutant | None, tests: list[str], tell: int) -> int:
        if mutant is not None and not _change(self._functions, mutant):
            return _NO_CODE
        _clear(self._caches)
        self._failed = False
        for nodeid in tests:
            item = self._items[nodeid]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self._failed:
                if tell >= 0:
                    os.write(tell, nodeid.encode())
                return _KILLED
        return _SURVIVED

    def _ended(self, running: dict[int, tuple[Mutant, int]]) -> None:
        child, status = os.wait()
        mutant, reading = running.pop(child)
        noticed = os.read(reading, 4096).decode()
        os.close(reading)
        if noticed:
            self._noticed[noticed] += 1
        if os.WIFSIGNALED(status):
            self.tally.timeouts += 1
        elif os.WEXITSTATUS(status) == _SURVIVED:
            self.tally.survived.append(mutant)
        elif os.WEXITSTATUS(status) != _NO_CODE:
            self.tally.killed += 1


# -- code in place -----------------------------------------------------------------------------------------

_Functions = dict[CodeType, list[FunctionType]]


def _functions_of(paths: set[str]) -> _Functions:
    """Every function there is of these files, closures included."""
    found: _Functions = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename in paths:
            found.setdefault(thing.__code__, []).append(thing)
    return found


def _caches() -> list[Any]:
    """What remembers answers of the code that is about to change."""
    found = [thing for thing in gc.get_objects() if isinstance(thing, functools._lru_cache_wrapper)]
    return [cache for cache in found if cache.__module__.startswith(("controller", "hw_sim"))]


def _clear(caches: list[Any]) -> None:
    for cache in caches:
        cache.cache_clear()


def _change(functions: _Functions, mutant: Mutant) -> bool:
    """Give every function of the file the code that it has in the mutant; False: none is another than before."""
    path = str(ROOT / mutant.file)
    original = Path(path).read_bytes()
    before = compile(original, path, "exec", dont_inherit=True)
    try:
        after = compile(mutant.source(original), path, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    changed = False
    for old, new in _pairs(before, after):
        if old != new:
            for function in functions.get(old, ()):
                function.__code__ = new
                changed = True
    return changed


def _pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    yield old, new
    inner = [[const for const in code.co_consts if isinstance(const, CodeType)] for code in (old, new)]
    if len(inner[0]) == len(inner[1]):
        for one, other in zip(*inner, strict=True):
            yield from _pairs(one, other)


if __name__ == "__main__":
    sys.exit(_main())
