# Every target makes the environment first if need be; none needs root or anything but Python 3.11+ and make.

VENV := .venv
BIN := $(VENV)/bin
# The newest Python on the PATH that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
STAMP := $(VENV)/.installed

.PHONY: help setup demo test check lint types contracts format lock clean

help:
	@echo "make demo    the tour: a session runs on real data, pauses, forks, copies, ends"
	@echo "make test    all tests, real servers included"
	@echo "make check   lint, format, types, import contracts and tests"
	@echo "make setup   the environment alone"

setup: $(STAMP)

$(STAMP): requirements.lock
	@test -n "$(PYTHON)" || { echo "Threadloom needs Python 3.11 or newer, and none is on the PATH." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) comes without venv: install its venv package." >&2; exit 1; }
	@echo "Making the environment in $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

demo: setup
	@$(BIN)/python starter.py demo

test: setup
	@$(BIN)/python -m pytest $(ARGS)

check: lint types contracts
	@$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-fail-under=95 $(ARGS)

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

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
