# Two commands are all the set-up there is: `make up` and `make test`.
# Each makes what it needs first: the virtual environment, with the exact packages of requirements.lock.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up demo check test test-service test-long affected times lint style types pure bench schemas lock clean \
	asyncapi-check chaos manifests settings deploy-check compose-secrets

# Two at a time, each target's lines together.
BOTH := $(MAKE) --no-print-directory --jobs=2 --output-sync=target
SEED ?= $(REKKU_SEED)
# The name of a service, however its folder was completed.
override S := $(patsubst %/,%,$(S))
SERVICES := $(filter $(notdir $(wildcard tests/*)),$(notdir $(wildcard services/*)))
PYTEST := $(if $(SEED),REKKU_SEED=$(SEED) )$(BIN)/python -m pytest
WORKERS := -n 2 --dist loadgroup --no-loadscope-reorder

# Which tests a service needs beside those of its own folder.
ALSO_courses := tests/ledgers
ALSO_decisions := tests/ledgers tests/caps
ALSO_registration := tests/years
ALSO_gateway := tests/fuzz/test_pages.py
FUZZ = 'tests/fuzz/test_services.py::test_nothing_is_answered_outside_the_document[$(S)]'

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

up: $(STAMP) ## The whole system on this machine, at http://127.0.0.1:8080 (BUS=kafka on Apache Kafka)
	@exec $(BIN)/rekku up $(if $(BUS),--bus $(BUS))

demo: $(STAMP) ## The heart courses' real years, played through every service and checked
	@exec $(BIN)/rekku demo

check: $(STAMP) ## Style, types, import rules, contracts, documents and every test without a server
	@$(BOTH) types style pure

test: $(STAMP) ## Every test, in two processes (SEED=; ARGS=... for pytest)
	$(PYTEST) $(WORKERS) $(ARGS)

test-service: $(STAMP) ## What one service needs, its contracts and rules (S=courses)
	@test -n '$(filter $(SERVICES),$(S))' || { echo "Name a service, S= one of: $(SERVICES)" >&2; exit 2; }
	$(PYTEST) $(WORKERS) tests/$(S) $(ALSO_$(S)) $(FUZZ) tests/contracts tests/docs $(ARGS)

test-long: $(STAMP) ## Campaigns at full size, and the long run (CAMPAIGN= for one, SIZE=, SEED=)
	@test -z '$(SIZE)' -o '$(CAMPAIGN)' != chaos || { echo "The long run is given minutes: make chaos MINUTES=..." >&2; exit 2; }
	$(if $(filter chaos,$(CAMPAIGN)),,$(PYTEST) $(WORKERS) --campaign $(or $(CAMPAIGN),all) $(if $(SIZE),--size $(SIZE)) $(ARGS))
	$(if $(filter-out chaos all,$(CAMPAIGN)),,@$(MAKE) --no-print-directory chaos)

affected: $(STAMP) ## Only the tests that run a changed line; type it once before the change: that is a whole run
	$(PYTEST) -p pytest-testmon --testmon $(ARGS)

times: $(STAMP) ## What each folder of tests proves, and how long it took in the last run of all
	@$(BIN)/python -m tests.times

lint: $(STAMP) ## Style, types, import rules and contracts
	@$(BOTH) types style

style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m contracts.checks --check

types: $(STAMP)
	$(BIN)/mypy

pure: $(STAMP)
	$(PYTEST) $(WORKERS) -q --pure $(ARGS)

chaos: $(STAMP) ## The long run on three brokers: load, and faults at seeded moments (SEED=, MINUTES=)
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES))

bench: $(STAMP) ## What one machine does: grants per second, freshness of the search
	$(BIN)/python -m bench

schemas: $(STAMP) ## Write the events' JSON Schemas and AsyncAPI document; keep new revisions and examples
	$(BIN)/python -m contracts.checks --write

asyncapi-check: ## Ask the AsyncAPI project's own parser about contracts/asyncapi.json
	@command -v node >/dev/null && command -v npm >/dev/null \
		|| { echo "Node.js and npm are needed (Debian: apt-get install nodejs npm)." >&2; exit 1; }
	@node contracts/asyncapi_check.mjs

lock: $(STAMP) ## Resolve requirements.in into requirements.lock (LOCK=--upgrade for newer ones)
	$(BIN)/uv pip compile requirements.in $(LOCK) --quiet --universal --python-version 3.11 \
		--generate-hashes --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links \
		--output-file requirements.lock

settings: $(STAMP) ## Write the tables of docs/settings.md from the settings' declarations
	$(BIN)/python -m deploy.settings_page --write

manifests: $(STAMP) ## Write the Strimzi topics and users from contracts/topics.py
	$(BIN)/python -m deploy.generate

deploy-check: $(STAMP) ## Check image, compose file and Kubernetes manifests (STRIMZI=no without Maven and Java 21)
	$(BIN)/python -m deploy.check $(if $(filter no,$(STRIMZI)),--without-strimzi)

compose-secrets: $(STAMP) ## Write the passwords that docker-compose.yml asks for into .env, once
	@$(BIN)/python -m deploy.compose

clean: ## Remove the virtual environment and the caches (the data in .rekku/ stay)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
