# Every command a contributor needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
SPECTRAL := node_modules/@stoplight/spectral-cli/dist/index.js

# A start is mostly importing, a few times slower where Python may not keep what it compiled.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test check format lint types layers contract bench lock openapi clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/run.stamp: requirements-local.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the registry needs (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-local.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@echo "Installing what tests and checks need (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: $(VENV)/run.stamp ## Run everything on this machine, with the demo; PORT=8000
	@$(BIN)/registry dev --port $(PORT)

test: $(VENV)/dev.stamp ## Run every test on a real PostgreSQL
	@$(BIN)/pytest -n 2 --dist worksteal -q

check: format lint types layers contract ## Check format, lint, types, layers, contract, migrations

format: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check --quiet .

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check --quiet .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy

layers: $(VENV)/dev.stamp
	@$(BIN)/lint-imports

contract: $(VENV)/dev.stamp
	@$(BIN)/registry openapi --check openapi/openapi.json
	@if test -e $(SPECTRAL) && command -v node >/dev/null; then \
		node $(SPECTRAL) lint --quiet --ruleset openapi/spectral.yaml --fail-severity hint openapi/openapi.json; \
	else \
		echo "The contract was not linted: install node, then \`npm ci\`."; test "$$CI" != true; \
	fi
	@$(BIN)/pytest -q tests/migrations

bench: $(VENV)/dev.stamp ## Measure verification against a bare endpoint, chains, events, the log, Mina ombud
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.minaombud
	@$(BIN)/python -m benchmarks.chain
	@$(BIN)/python -m benchmarks.events
	@$(BIN)/python -m benchmarks.log
	@$(BIN)/python -m benchmarks.webhooks

openapi: $(VENV)/dev.stamp ## Write the contract to openapi/
	@$(BIN)/registry openapi --write openapi/openapi.json

lock: $(VENV)/dev.stamp ## Lock the dependencies anew, with hashes
	@for file in requirements: requirements-local:local requirements-dev:dev; do \
		extra=$${file#*:}; \
		$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
			--python-version 3.11 $${extra:+--extra $$extra} pyproject.toml -o $${file%%:*}.txt; \
	done

clean: ## Remove the environment; the demo's data stay in .registry
	rm -rf $(VENV)
