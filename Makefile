# Two commands are all the set-up there is: `make up` and `make test`.
# Each makes what it needs first: the virtual environment, with the exact packages of requirements.lock.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up demo test lint bench schemas lock clean asyncapi-check chaos manifests deploy-check compose-secrets

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

test: $(STAMP) ## Every test, in two processes (ARGS=... for pytest)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP) ## Style, types, import rules and contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m contracts.checks --check

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

manifests: $(STAMP) ## Write the Strimzi topics and users from contracts/topics.py
	$(BIN)/python -m deploy.generate

deploy-check: $(STAMP) ## Check image, compose file and Kubernetes manifests (STRIMZI=no without Maven and Java 21)
	$(BIN)/python -m deploy.check $(if $(filter no,$(STRIMZI)),--without-strimzi)

compose-secrets: $(STAMP) ## Write the passwords that docker-compose.yml asks for into .env, once
	@$(BIN)/python -m deploy.compose

clean: ## Remove the virtual environment and the caches (the data in .rekku/ stay)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
