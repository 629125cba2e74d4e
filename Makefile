# Every target uses .venv, which is made from requirements/dev.txt and renewed when that changes.
# Needed: make and a Python from 3.11 on, nothing else.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMP := $(VENV)/.requirements.txt
LOCK := requirements/dev.txt
SERVICES := testcases executions tenancy telemetry
# the lock was resolved on 3.11; newer ones work where all wheels exist
FIND_PYTHON = for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done
PYTHON ?= $(shell $(FIND_PYTHON))
SOURCES := contracts kit services devstack
CHECKED := $(SOURCES) tools tests $(wildcard bench)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The stamp is a copy of the lock, so a checkout that only touches the file changes nothing.
$(STAMP): $(LOCK)
	@if cmp -s $(LOCK) $@; then touch $@; else \
	  test -n "$(PYTHON)" || { echo "No Python from 3.11 on with venv found: make PYTHON=/path/to/python ..." >&2; exit 1; }; \
	  echo "making $(VENV) with $(PYTHON) (about a minute)"; \
	  rm -f $@; \
	  $(PYTHON) -m venv $(VENV) && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: --require-hashes -r $(LOCK) && \
	  cp $(LOCK) $@; \
	fi

.PHONY: run
run: $(STAMP) ## start everything, upload a sample and show it (Ctrl-C ends it; DETACH=1 returns)
	@$(PY) -m devstack up

.PHONY: stop
stop: ## end what make run started; data in .ostro is kept
	@if [ -x $(PY) ]; then $(PY) -m devstack down; fi

.PHONY: status
status: $(STAMP) ## list what runs
	@$(PY) -m devstack status

.PHONY: test
test: $(STAMP) ## the tests of every day
	@$(PY) -m pytest -n 2 --dist loadfile -m "not long and not slow and not docker" $(ARGS)

.PHONY: test-long
test-long: $(STAMP) ## whole journeys over several services, servers that are killed; CI runs them, too
	@$(PY) -m pytest -n 2 --dist loadfile -m "long and not slow and not docker" $(ARGS)

.PHONY: test-all
test-all: $(STAMP) ## every test
	@$(PY) -m pytest $(ARGS)

.PHONY: check
check: $(STAMP) ## lint, format, types, boundaries, own lints, sizes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/lint-imports --cache-dir .import_linter_cache
	@$(PY) -m tools.lints
	@$(PY) .ci/sizes.py

.PHONY: bench
bench: $(STAMP) ## measure; appends JSON lines to .ostro/bench.jsonl
	@$(PY) -m bench $(ARGS)

.PHONY: mutants
mutants: $(STAMP) ## break one rule at a time; a named test must fail each time
	@$(PY) -m tests.mutants $(ARGS)

.PHONY: docs
docs: $(STAMP) ## render what is generated from the code
	@$(PY) -m tools.docs $(ARGS)
	@$(PY) -m tests.conformance $(ARGS)

COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --resolver=backtracking
.PHONY: lock
lock: $(STAMP) ## resolve requirements/*.txt anew (UPGRADE=1 takes new versions)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --all-extras -o $(LOCK) pyproject.toml
	@for s in $(SERVICES); do \
	  case $$s in tenancy) more='--extra kms';; telemetry) more=;; *) more='--extra s3';; esac; \
	  $(COMPILE) -c $(LOCK) --extra $$s $$more -o requirements/$$s.txt pyproject.toml || exit 1; \
	done

.PHONY: clean
clean: stop ## remove data, caches and .venv
	@rm -rf .ostro $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
