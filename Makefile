# Two doors: `make` makes everything from raw tables to the paper, `make test` runs the whole suite.
.DEFAULT_GOAL := all
.PHONY: all test states test-slurm trust bench bench-large bench-counties lint house docs archive verify wheel-test help clean-results
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# The first interpreter found that is new enough; name another with `make PYTHON=/usr/bin/python3.12`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# Threads of linear algebra in each worker of the suite: make test THREADS=2
THREADS ?= 1
PIP_FLAGS := --quiet --disable-pip-version-check --constraint constraints.txt
# What one process compiles is kept for the two hundred that follow, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
# Other versions for the wheel: make wheel-test WHEEL_WITH='pandas==2.2.*'
WHEEL_WITH ?= --constraint constraints.txt

all: $(VENV)/installed ## raw tables to paper, and where everything lies
	@start=$$(date +%s); $(BIN)/snakemake --quiet rules host || exit 1; \
	echo; \
	$(BIN)/python -m ronghe.places; \
	echo "  in $$(( $$(date +%s) - start )) s"

test: $(VENV)/tested ## the whole test suite
	@OPENBLAS_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder

states: all ## the same road for 48 American states, and a table of both countries
	@$(BIN)/snakemake --quiet rules host --config dataset=us_states
	@echo "  paper    paper/us_states/en/paper.pdf"

test-slurm: all $(VENV)/clustered ## a run on a real SLURM of one node, disturbed, as the local run; needs root, slurm-wlm and munge
	@$(BIN)/python -m tests.slurm

trust: $(VENV)/tested ## faults, determinism and kernels, into docs/trust.md; many random examples
	@$(BIN)/python -m tests.trust

bench: $(VENV)/tested ## speed beside a peer in the same run, into results/benchmarks/
	@$(BIN)/snakemake clean --quiet rules
	@for module in engine multiverse all_measures frontier weights distribution; do \
		$(BIN)/python -m benchmarks.$$module || exit 1; done

bench-large: $(VENV)/tested ## some minutes more: 100 million generated plant-years, co-location of 100,000 plants, 1,000,000 units
	@$(BIN)/python -m benchmarks.microdata
	@$(BIN)/python -m benchmarks.engine --sizes 300000x10 1000000x10

bench-counties: $(VENV)/tested ## 300 and 3,000 generated counties through the whole pipeline, into results/benchmarks/
	@$(BIN)/python -m benchmarks.counties

lint: $(VENV)/tested ## style of Python and of rules, and Snakemake's own advice
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check Snakefile workflow/rules
	@$(BIN)/snakemake --lint

house: $(VENV)/tested ## who imports whom: the floors of the library and the arrows between them
	@$(BIN)/python -m tests.test_house

archive: all ## code, raw data, results and a README for a data editor, into build/
	@$(BIN)/python -m ronghe.paper.archive pack

verify: $(VENV)/installed ## in an unpacked archive: every file has the hash it was packed with
	@$(BIN)/python -m ronghe.paper.archive verify

docs: $(VENV)/documented ## the documentation, into docs/_build/html/index.html; needs no network
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	@echo "  docs     docs/_build/html/index.html"

wheel-test: $(BIN)/python ## a wheel with the engine's dependencies alone, in a fresh environment, passes the engine's tests
	@rm -rf build/wheel build/env build/lib build/bdist.*
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	@$(BIN)/python -m venv build/env
	@build/env/bin/python -m pip install --quiet --disable-pip-version-check $(WHEEL_WITH) build/wheel/*.whl pytest hypothesis mpmath
	@build/env/bin/python -m pytest -q -o pythonpath=tests -p no:cacheprovider tests/spatial/test_*.py tests/linear --ignore tests/linear/test_panel_models.py

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clean-results: ## forget everything computed; raw data, configuration and code stay
	@$(BIN)/snakemake --quiet all --delete-all-output

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed and was not found; install it, or name it: make PYTHON=path"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "could not make $(VENV): on Debian and Ubuntu, apt install python3-venv"; exit 1; }

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV) (once)"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[pipeline]'
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[pipeline,test]'
	@touch $@

$(VENV)/clustered: $(VENV)/installed
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[pipeline,cluster]'
	@touch $@

$(VENV)/documented: $(VENV)/installed
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[pipeline,docs]'
	@touch $@
