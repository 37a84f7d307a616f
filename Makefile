# Everything is done in .venv, made from the locked, hashed lists in requirements/. Needs Python 3.11+, git and make.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
# One more than two cores: many tests wait for processes that they started
PROCESSES ?= 3
VENV := .venv
BIN := $(VENV)/bin
UV := 0.13.9
# What the tests drive beside Python: Debian's package and the program that shows it is there
TOOLS := chromium:chromium libreoffice-calc-nogui:soffice sqlite3:sqlite3
CODE := portal worker demo bench tests wsgi.py

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test check mutants bench chaos screenshots lock tools

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/production.stamp ## everything on this machine, on a made register: PORT=8000; DATA=folder EXAMPLE=new-orleans adds real data
	@exec $(BIN)/python -m demo --port "$(PORT)" $(if $(DATA),--data "$(DATA)") $(if $(EXAMPLE),--example "$(EXAMPLE)")

demo-reset: $(VENV)/production.stamp ## throw away what the demo kept
	@exec $(BIN)/python -m demo --reset

test: tools check ## all tests, on SQLite and PostgreSQL, with a real Redis, SMTP server and browser; ARGS=… for pytest
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadgroup $(ARGS)

check: $(VENV)/development.stamp ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports

mutants: $(VENV)/development.stamp ## take out the mechanism behind each promise: its test must notice; ARGS=… for tests.sabotage
	$(BIN)/python -m tests.sabotage $(ARGS)

bench: $(VENV)/development.stamp ## measure, beside the peers' ways: bench/results.json and a table
	$(BIN)/python -m bench

chaos: $(VENV)/development.stamp ## random load under random faults, then whether anything was lost: MINUTES=10 DATABASE=sqlite SEED=…
	$(BIN)/python -m tests.faults.chaos --minutes $(or $(MINUTES),10) --database $(or $(DATABASE),sqlite) \
		$(if $(SEED),--seed $(SEED)) $(if $(RESULTS),--json $(RESULTS))

screenshots: $(VENV)/development.stamp tools ## a picture of each page
	$(BIN)/python -m tests.screenshots

lock: $(VENV)/development.stamp ## resolve requirements/ anew from pyproject.toml
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		pyproject.toml --group dev -o requirements/development.txt
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		pyproject.toml -c requirements/development.txt -o requirements/production.txt

tools:
	@tests/support/install_tools $(TOOLS)

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Duepost needs Python 3.11 or newer; name one: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)

# The development set holds the production set whole: once it is there, it is kept up to date in its place.
$(VENV)/production.stamp: requirements/production.txt | $(BIN)/uv
	@if [ -e $(VENV)/development.stamp ]; then $(MAKE) --no-print-directory $(VENV)/development.stamp; \
	else $(BIN)/uv pip sync --quiet --python $(BIN)/python requirements/production.txt; fi
	@touch $@

$(VENV)/development.stamp: requirements/development.txt | $(BIN)/uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements/development.txt
	@touch $@
