# Everything here works on a machine with Python 3.11+ and make; the environment is made on first use.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test test-slow test-micropython test-micropython-long test-pyodide test-postgres test-neighbours soak evidence evidence-long
.PHONY: check docs bench wheel-check clean

run: $(VENV)/.run
	@$(BIN)/ionto run examples/dexamethasone-40.toml

# Two processes or more: the files are independent of one another. With `--port`, one unit is for one process.
test: $(VENV)/.test
	$(BIN)/pytest -n auto --dist worksteal -m "not slow and not postgres"

# Every scenario from both ends, the pages that commands make, long runs, WebAssembly: minutes more.
test-slow: $(VENV)/.test
	$(BIN)/pytest -n auto --dist worksteal -m "slow and not postgres"

# The firmware under real MicroPython: needs Node; `make test` skips it where the npm package is missing.
test-micropython: $(VENV)/.test
	cd tests/micropython && npm install --silent
	$(BIN)/pytest tests/micropython -rP

# A million ticks of the firmware under MicroPython and CPython side by side: some 12 minutes.
test-micropython-long: $(VENV)/.test
	cd tests/micropython && npm install --silent
	LOCKSTEP_TICKS=1000000 $(BIN)/pytest tests/micropython/test_lockstep.py -k long_time -rP

# The whole simulator on CPython as WebAssembly, byte for byte: the same way.
test-pyodide: $(VENV)/.test
	cd tests/pyodide && npm install --silent
	$(BIN)/pytest tests/pyodide -rP

# The lab's store on a real PostgreSQL server, which the tests start themselves; needs Debian's package `postgresql`.
test-postgres: $(VENV)/.test
	$(BIN)/pytest tests/postgres -rs

# The adapters inside their frameworks, which are large: an environment of their own.
test-neighbours: $(VENV)-neighbours/.made
	$(VENV)-neighbours/bin/pytest tests/neighbours

# What was thrown at it and what came of it, on one page: half an hour on two cores; the long form takes a night.
evidence: $(VENV)/.evidence
	$(BIN)/python -m tests.evidence --write

evidence-long: $(VENV)/.evidence
	$(BIN)/python -m tests.evidence --effort long --write

# Treatment after treatment with whatever can go wrong: `make soak SOAK_HOURS=12`, or so many of them, `make soak N=500`.
SOAK_HOURS ?= 1
SOAK_SEED  ?= 1
soak: $(VENV)/.run
	$(BIN)/ionto-sim soak $(if $(N),--episodes $(N),--hours $(SOAK_HOURS)) --seed $(SOAK_SEED)

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file .mkdocs.yml

bench: $(VENV)/.run
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.many_units
	$(BIN)/python -m benchmarks.records

# The wheel, in an empty environment and from another folder: package data and entry points are all there.
wheel-check: $(VENV)/.test
	rm -rf build/wheel-check && mkdir -p build/wheel-check
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w build/wheel-check .
	$(PYTHON) -m venv build/wheel-check/venv
	build/wheel-check/venv/bin/python -m pip install --quiet --disable-pip-version-check build/wheel-check/*.whl
	cd build/wheel-check && venv/bin/ionto --version && venv/bin/ionto-sim scenarios >/dev/null \
	  && venv/bin/ionto treatments list >/dev/null && venv/bin/ionto run --current 2 --dose 1 --pole - --out out

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(VENV)/.run: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.test: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.run

$(VENV)/.check: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,check]'
	@touch $@ $(VENV)/.run $(VENV)/.test

$(VENV)/.evidence: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,fuzz]'
	@touch $@ $(VENV)/.run $(VENV)/.test

$(VENV)/.docs: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs,asyncio]'
	@touch $@ $(VENV)/.run

$(VENV)-neighbours/.made: pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)-neighbours
	$(VENV)-neighbours/bin/python -m pip install --quiet --disable-pip-version-check -e '.[neighbours,asyncio]' pytest pytest-timeout hypothesis
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-neighbours dist build .pytest_cache .mypy_cache .ruff_cache
