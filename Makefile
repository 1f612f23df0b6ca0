# Two commands are all the set-up there is: `make up` and `make test`.
# Each makes what it needs first: the virtual environment, with the exact packages of requirements.lock.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up demo test lint bench schemas lock clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed as '$(PYTHON)' (or: make PYTHON=...)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the packages of requirements.lock into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

up: $(STAMP) ## The whole system on this machine, at http://127.0.0.1:8080
	@exec $(BIN)/rekku up

demo: $(STAMP) ## The heart courses' real years, played through every service and checked
	@exec $(BIN)/rekku demo

test: $(STAMP) ## Every test
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP) ## Style, types, import rules and contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m contracts.checks --check

bench: $(STAMP) ## What one machine does: grants per second, freshness of the search
	$(BIN)/python -m bench

schemas: $(STAMP) ## Write the JSON Schemas of the events, and the manifest of new examples
	$(BIN)/python -m contracts.checks --write

lock: $(STAMP) ## Resolve requirements.in into requirements.lock (LOCK=--upgrade for newer ones)
	$(BIN)/uv pip compile requirements.in $(LOCK) --quiet --universal --python-version 3.11 \
		--generate-hashes --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links \
		--output-file requirements.lock

clean: ## Remove the virtual environment and the caches (the data in .rekku/ stay)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
