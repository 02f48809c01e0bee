# make run and make test are all that is needed; each sets up what it lacks.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
PYTHON ?= python3
CONFIG ?= config/azdias.toml
ROWS ?= 891221
CUSTOMERS ?= 191652
SCHEDULER ?= $(DASK_SCHEDULER_ADDRESS)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEVELOP := $(VENV)/.develop
PEERS := $(VENV)/.peers
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# A lock names all there is, so that nothing is resolved; all processors compile, which pip does not.
INSTALL_LOCK := $(INSTALL) --require-hashes --no-deps --no-compile
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/tests/' $(VENV)/lib
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --generate-hashes --no-header --no-annotate --group build $(ARGS)
EXTRACTS := data/azdias
LAST := Udacity_CUSTOMERS_Subset.csv

.PHONY: help run submit test test-faults install develop lock check lint types imports house audit calibration demo-refresh bench answer coverage seeds words docs clean

help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install $(if $(filter config/azdias.toml,$(CONFIG)),$(EXTRACTS)/$(LAST))  ## the whole job; on your own data: make run CONFIG=my.toml
	$(BIN)/python -m jobs.run "$(CONFIG)" $(ARGS)

submit: install  ## the job on a Dask cluster: make submit SCHEDULER=tls://HOST:8786 CONFIG=my.toml
	@test -n "$(SCHEDULER)" || { echo "Name the cluster: SCHEDULER=tls://HOST:8786, or its scheduler file."; exit 2; }
	$(BIN)/python -m jobs.run "$(CONFIG)" $(if $(findstring :,$(SCHEDULER)),--scheduler,--scheduler-file) $(SCHEDULER) $(ARGS)

test: develop  ## the whole test suite, in two processes
	$(BIN)/python -m tests

test-faults: develop  ## 50 kills of job, workers and scheduler, and full disks; some ten minutes
	FAULTS=all $(BIN)/python -m pytest tests/faults tests/storage/test_s3.py tests/jobs/test_on_object_store.py tests/jobs/test_verify.py
	$(BIN)/python -m tests.faults --kills 50

install: $(READY)  ## .venv with what a run needs: requirements.lock

develop: $(DEVELOP)  ## and with what tests, checks and all extras need: requirements-dev.lock

lock: develop  ## both locks anew from pyproject.toml; newer releases: make lock ARGS=--upgrade
	$(LOCK) --extra excel --output-file requirements.lock
	$(LOCK) --constraints requirements.lock --extra excel --extra delta --extra sql --extra onnx \
		--extra dev --output-file requirements-dev.lock

check: lint types imports house test  ## lint, types, import contract, house, tests: what CI runs

lint: develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: develop
	$(BIN)/mypy

imports: develop
	$(BIN)/lint-imports

house: develop  ## how the code is built, counted: names, cycles, long modules, paths, each against its bound
	$(BIN)/python -m benchmarks.house

audit: develop  ## known vulnerabilities of the locked packages; needs the network
	$(BIN)/python .ci/audit requirements-dev.lock

calibration: install $(EXTRACTS)/$(LAST)  ## the generated extracts against the published figures
	$(BIN)/python -m jobs.make_extracts --calibration $(EXTRACTS)

demo-refresh: install  ## three years of generated extracts: a base, more people, and planted drift
	$(BIN)/python -m jobs.make_years --out data/years
	$(BIN)/python -m jobs.run data/years/1/job.toml --run-dir runs/years/1
	$(BIN)/python -m jobs.refresh data/years/2/job.toml --base runs/years/1 --run-dir runs/years/2
	$(BIN)/python -m jobs.refresh data/years/3/job.toml --base runs/years/2 --run-dir runs/years/3 \
		--fail-on drift || test $$? -eq 7
	$(BIN)/python -m jobs.history runs/years

bench: install $(PEERS)  ## ours against peers, one run, ratios printed; quick: make bench ROWS=100000
	$(BIN)/python -m benchmarks.bench --rows $(ROWS) $(ARGS)

answer: install $(PEERS)  ## settings of the model on twenty-two tables: found again, and customers reached; one: ARGS="--tables loans"
	$(BIN)/python -m benchmarks.answer $(ARGS)

coverage: install  ## limits of an index against what other samples say of the same people
	$(BIN)/python -m benchmarks.coverage $(ARGS)

seeds: install  ## the same rows with other seeds: segments, verdicts, planted segments
	$(BIN)/python -m benchmarks.seeds $(ARGS)

words: install  ## the catalogue of the page's words, brought up to date with the code
	$(BIN)/python -m docs.catalogue

docs: install  ## the tables of docs/config.md and docs/files.md, from what the code declares
	$(BIN)/python -m docs.tables

clean:  ## remove the environment; data/ and runs/ stay
	rm -rf $(VENV) *.egg-info build

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 …"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL_LOCK) -r requirements.lock
	@# The build back end warns of what an editable install is.
	PYTHONWARNINGS='ignore:Editable installation' $(INSTALL) --no-deps --no-build-isolation -e .
	$(COMPILE)
	@touch $@

$(DEVELOP): requirements-dev.lock $(READY)
	$(INSTALL_LOCK) -r requirements-dev.lock
	$(COMPILE)
	@touch $@

$(PEERS): requirements-bench.lock $(READY)
	$(INSTALL) -r requirements-bench.lock
	@touch $@

# The customers are written last: once they are there, all four files are.
$(EXTRACTS)/$(LAST): | $(READY)
	$(BIN)/python -m jobs.make_extracts --rows $(ROWS) --customers $(CUSTOMERS) --seed 0 --out $(EXTRACTS)
