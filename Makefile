# Two commands for a fresh machine with Python 3.11: `make compare` and `make test`. Each sets up .venv by itself.
# With PYTHON=python3.12 everything but MXNet runs, on NumPy 2; the tests say what they left out.

PYTHON ?= python3.11
CONSTRAINTS := $(firstword $(wildcard constraints-$(notdir $(PYTHON)).txt) constraints.txt)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: compare test mishaps lint types site clean

compare: $(READY)
	$(BIN)/gan-rosetta compare

# Memory in huge pages, as processes that train have it: shared/harness/process.py.
test: $(READY) lint types
	GLIBC_TUNABLES=$${GLIBC_TUNABLES-glibc.malloc.hugetlb=1} $(BIN)/python -m pytest -n 2 --dist loadgroup

# Runs the lessons, holds them to the reference, and makes their pages in build/site; minutes at first, then seconds.
site: $(READY)
	$(BIN)/python -m tutorials build

# Tries every mishap and writes down what happened: docs/mishaps.md.
mishaps: $(READY)
	$(BIN)/python -m pytest tests/mishaps -n 0 --mishaps-page docs/mishaps.md

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

$(READY): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --constraint $(CONSTRAINTS) --editable '.[all,dev,tutorials]'
	# pip would compile the modules on one core, this does on all; some packages ship a file for another Python.
	$(BIN)/python -m compileall -q -j 0 -x /tests/ $(VENV)/lib > $(VENV)/compileall.log 2>&1 || true
	touch $(READY)

clean:
	rm -rf $(VENV) build *.egg-info
