# The two commands of the README, and what developers need. Everything lives in .venv; nothing needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash

.PHONY: help setup demo workflows docs test check format clean-demo clean

help:
	@echo "make demo        set up .venv and run the whole chain on bundled electrodes (minutes, into demo/)"
	@echo "make test        set up .venv and run the test suite"
	@echo "make docs        build the documentation into build/docs"
	@echo "make workflows   write kadistudio_workflows/ anew from the commands"
	@echo "make check       style, types and the direction of imports"
	@echo "make clean-demo  remove demo/"
	@echo "make clean       remove demo/, .venv and caches"

# The stamp is newer than the files that decide what is installed, or pip runs again.
$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "kadi-battgen needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@echo "Installing packages into $(VENV) (one to three minutes) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

setup: $(VENV)/.installed

demo: setup
	$(BIN)/battgen demo --output demo

workflows: setup
	$(BIN)/python -m battgen_nodes.workflows kadistudio_workflows

docs: setup
	$(BIN)/python -m sphinx -W --keep-going -q -j auto -b html docs build/docs
	@echo "build/docs/index.html"

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean-demo:
	rm -rf demo

clean: clean-demo
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
