# The development loop. Presumes Python 3.11 to 3.13, git and make, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
POETRY_VERSION := 2.5.1
POETRY_EXPORT_VERSION := 1.10.1
LOCKED := $(VENV)/.locked
TEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup compile demo test check format bench fuzz redteam differential lock clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: compile ## Create .venv/ with the locked dependencies and the `interlock` command

# Poetry, pinned, in a folder of its own, reads the lock; pip installs what it says, hash by hash. That needs
# only the simple index of a package host, which is what most mirrors offer.
.poetry/bin/poetry: Makefile
	$(PYTHON) -m venv --clear .poetry
	.poetry/bin/python -m pip install --quiet poetry==$(POETRY_VERSION) poetry-plugin-export==$(POETRY_EXPORT_VERSION)
	@touch $@

$(LOCKED): poetry.lock pyproject.toml | .poetry/bin/poetry
	.poetry/bin/poetry check --lock --quiet
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	.poetry/bin/poetry export --quiet --all-extras --with dev --output $(VENV)/requirements.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement $(VENV)/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

# Where a C compiler is; without one, or with INTERLOCK_COMPILE=no, everything runs as Python.
compile: $(LOCKED) ## Compile the hottest modules, if they changed since
	$(BIN)/python deploy/compile_core.py

demo: setup ## Replay the incident on an embedded PostgreSQL, and see it stopped
	$(BIN)/interlock demo

test: setup ## Run every test (TEST_ARGS="-k name" to choose)
	$(BIN)/python -m pytest $(TEST_ARGS)

check: setup ## Lint, format, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup ## Mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Compare with direct, PgBouncer and Pgpool-II (see bench/README.md)
	$(BIN)/python -m bench

fuzz: setup ## Feed a million mutated messages to the protocol machine
	$(BIN)/python -m tests.fuzz

redteam: setup ## Try every generated attack, on the server itself and through the proxy
	$(BIN)/python -m tests.redteam

differential: setup ## Run PostgreSQL's regression statements through the proxy, every byte compared
	$(BIN)/python -m tests.differential

lock: .poetry/bin/poetry ## Refresh poetry.lock after a change of pyproject.toml
	.poetry/bin/poetry lock

clean: ## Remove what the other targets made
	$(PYTHON) deploy/compile_core.py --remove
	rm -rf $(VENV) .poetry build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
