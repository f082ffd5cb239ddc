# Two commands for a fresh machine with Python 3.11: `make compare` and `make test`. Each sets up .venv by itself.
# With PYTHON=python3.12 everything but MXNet runs, on NumPy 2; the tests say what they left out.

PYTHON ?= python3.11
CONSTRAINTS := $(firstword $(wildcard constraints-$(notdir $(PYTHON)).txt) constraints.txt)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPILED := $(VENV)/.compiled
# Memory in huge pages, as processes that train have it: shared/workers/process.py.
PYTEST := GLIBC_TUNABLES=$${GLIBC_TUNABLES-glibc.malloc.hugetlb=1} $(BIN)/python -m pytest -n 2 --dist loadgroup
INSTALL := $(BIN)/pip install -qq --no-compile --constraint $(CONSTRAINTS)

.PHONY: compare test quick mishaps lint types site clean

compare: $(COMPILED)
	$(BIN)/gan-rosetta compare

test: $(READY)
	$(MAKE) --jobs=2 --output-sync=target lint types $(COMPILED)
	$(PYTEST)

# What tells most in three minutes of two cores: what computes nothing in a framework, and torch, which imports and steps
# faster than all others but NumPy, held to the reference in every quantity of every GAN. What is left out measures (the
# first line) or draws, imports all frameworks (the second), compiles, or opens a browser.
LEFT_OUT := accuracy benchmarks calibrate defaults matters quality report seeds sweeps \
	backends cases library state/native traces translate
quick: $(COMPILED)
	$(PYTEST) tests/unit $(LEFT_OUT:%=--ignore=tests/unit/%) -m 'not compiled and not browser' \
		$(patsubst %,gan_rosetta/shared/conformance/test_%_laws.py,state step agreement) \
		--gan-rosetta-backend numpy --gan-rosetta-backend torch

# Runs the lessons, holds them to the reference, and makes their pages in build/site; minutes at first, then seconds.
site: $(COMPILED)
	$(BIN)/python -m tutorials build

# Tries every mishap and writes down what happened: docs/mishaps.md.
mishaps: $(COMPILED)
	$(BIN)/python -m pytest tests/mishaps -n 2 --dist loadgroup --mishaps-page docs/mishaps.md

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

$(READY): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	# Python 3.11 brings a pip that needs twice as long to find out what to install.
	$(INSTALL) --upgrade pip
	# pip works on one core: what is pinned in three heaps beside each other, the largest packages apart. The last line
	# finds out whether that is all that is needed, and tells what went wrong here.
	$(INSTALL) --no-deps tensorflow_cpu & $(INSTALL) --no-deps torch jaxlib scipy & \
	grep -vE '^(tensorflow_cpu|torch|jaxlib|scipy)==' $(CONSTRAINTS) | $(INSTALL) --no-deps --requirement /dev/stdin & wait
	$(INSTALL) --editable '.[all,dev,tutorials]'
	touch $(READY)

# pip would compile the modules on one core, this does on all; some packages ship a file for another Python.
$(COMPILED): $(READY)
	$(BIN)/python -m compileall -q -j 0 -x /tests/ $(VENV)/lib > $(VENV)/compileall.log 2>&1 || true
	touch $(COMPILED)

clean:
	rm -rf $(VENV) build *.egg-info
