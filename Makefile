# What a person types: `make run`, `make test`. What a developer types besides: `make help`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON ?= python3
PORT ?= 8080
DATA ?= data
WORKERS ?= 2

BIN := .venv/bin
PIP := -m pip --disable-pip-version-check --no-input -qq
COMPILE = $(BIN)/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(UPGRADE)

.PHONY: help run install test test-deps test-main test-core lint format coverage docs bench lock upgrade clean

help:
	@echo 'make run [PORT=8080] [DATA=data]  install if needed, then serve on 127.0.0.1 with a demo project'
	@echo 'make test      what the tests need, style, types, all tests, the core alone'
	@echo 'make install   only build .venv'
	@echo 'make lint      style and types        make format    put the style right'
	@echo 'make test-main all tests              make test-core the core, with nothing but its own packages'
	@echo 'make coverage  tests, with branches   make bench     the measurements'
	@echo 'make docs      the pages that are made from the registry'
	@echo 'make lock      write requirements/ from pyproject.toml; make upgrade also takes newer releases'
	@echo 'make clean     remove what these made; never DATA'

run: install
	@exec $(BIN)/fiberq serve --dev --port $(PORT) --data $(DATA)

install: .venv/.installed

# A stamp, so that a second `make run` starts at once. `--clear`: a half-built .venv is never built upon.
.venv/.installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'FiberQ needs Python 3.11 or newer; make PYTHON=python3.12 … chooses another one.' >&2; exit 1; }
	@[[ -x $(BIN)/python && -e .venv/.sound ]] || $(PYTHON) -m venv --clear .venv \
		|| { rm -rf .venv; echo 'Python has no venv here: apt-get install python3-venv' >&2; exit 1; }
	@touch .venv/.sound
	@echo 'Installing packages into .venv (the first time, or because requirements changed) …'
	@$(BIN)/python $(PIP) install --no-compile --require-hashes -r requirements/dev.txt
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

test: install test-deps
	@$(MAKE) lint
	@$(MAKE) test-main
	@$(MAKE) test-core

test-deps:
	@scripts/test-deps

test-main: install
	$(BIN)/python -m pytest -n $(WORKERS)

# The core promises to need four packages; here it has no others (and pytest, hypothesis).
test-core: .venv-core/.installed
	PYTHONPATH=src .venv-core/bin/python -m pytest tests/core

.venv-core/.installed: requirements/core.txt
	@$(PYTHON) -m venv --clear .venv-core
	@.venv-core/bin/python $(PIP) install --no-compile --require-hashes -r requirements/core.txt
	@touch $@

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

coverage: install
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

docs: install
	$(BIN)/python scripts/make-docs

bench: install
	$(BIN)/python -m bench

# Resolved against the public index alone, whatever this machine has configured besides; no address gets into a file.
lock upgrade: export UV_SYSTEM_CERTS = 1
upgrade: UPGRADE = --upgrade
lock upgrade: install
	@$(BIN)/python $(PIP) install --no-compile --require-hashes -r requirements/lock.txt
	$(COMPILE) --group dev pyproject.toml -o requirements/dev.txt
	$(COMPILE) --group build -c requirements/dev.txt pyproject.toml -o requirements/run.txt
	$(COMPILE) --group pyproject.toml:core-test -c requirements/dev.txt -o requirements/core.txt
	$(COMPILE) --group pyproject.toml:lock -o requirements/lock.txt

clean:
	rm -rf .venv .venv-core .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* dist build
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
