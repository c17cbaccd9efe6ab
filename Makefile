# Every target makes the environment first if need be; none needs root or anything but Python 3.11+ and make.

VENV := .venv
BIN := $(VENV)/bin
# The newest Python on the PATH that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
STAMP := $(VENV)/.installed
# What the benchmarks compare with has an environment of its own, so that the product's stays as it is locked.
BENCH_VENV := .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.installed

.PHONY: help setup demo bench bench-lock test check lint types contracts format lock clean

help:
	@echo "make demo    the tour: a session runs on real data, pauses, forks, copies, ends"
	@echo "make test    all tests, real servers included"
	@echo "make check   lint, format, types, import contracts and tests"
	@echo "make bench   what it costs, beside code by hand and other libraries; ARGS=--help tells more"
	@echo "make setup   the environment alone"

setup: $(STAMP)

$(STAMP): requirements.lock
	@test -n "$(PYTHON)" || { echo "Threadloom needs Python 3.11 or newer, and none is on the PATH." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) comes without venv: install its venv package." >&2; exit 1; }
	@echo "Making the environment in $(VENV) (once, about a minute) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

demo: setup
	@$(BIN)/python starter.py demo

bench: setup $(BENCH_STAMP)
	@$(BIN)/python -m benchmarks $(ARGS)

$(BENCH_STAMP): benchmarks/requirements.lock
	@echo "Making the environment of the libraries to compare with in $(BENCH_VENV) (once) ..." >&2
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

test: setup
	@$(BIN)/python -m pytest $(ARGS)

check: lint types contracts
	@$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-fail-under=95 --durations=20 $(ARGS)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

contracts: setup
	@$(BIN)/lint-imports --no-cache

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# For maintainers: the lock, with hashes and without index addresses.
lock: setup
	@$(BIN)/python -m venv $(VENV)/lock && $(VENV)/lock/bin/python -m pip install --quiet uv
	@$(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --extra embedded --group dev pyproject.toml -o requirements.lock

# The same for what the benchmarks compare with.
bench-lock: setup
	@$(BIN)/python -m venv $(VENV)/lock && $(VENV)/lock/bin/python -m pip install --quiet uv
	@$(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --group bench -o benchmarks/requirements.lock

clean:
	rm -rf $(VENV) $(BENCH_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
