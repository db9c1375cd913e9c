# newsdigest: every target sets up .venv by itself; only python3 and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
export PYTHONDONTWRITEBYTECODE :=  # else every process compiles everything again

.DEFAULT_GOAL := help
.PHONY: help install demo test test-long test-browser check check-mail soak bench check-mail pictures clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing newsdigest into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . --group dev
	@touch $@

install: $(STAMP) ## Set up .venv with newsdigest and everything its tests need

demo: $(STAMP) ## A digest in a browser inbox: http://localhost:8000/inbox (ARGS=--once for no browser)
	@$(BIN)/digest demo $(ARGS)

test: $(STAMP) ## Run the tests, about three minutes (ARGS are handed to pytest)
	@$(BIN)/python -m pytest -n 4 --dist worksteal -m 'not soak and not long and not browser' $(ARGS)
	@echo "Not run here, always by CI: the longer journeys (make test-long), the pages in a real browser (make test-browser)."

test-long: $(STAMP) ## The journeys on PostgreSQL too, and the services as processes
	@$(BIN)/python -m pytest -n 4 --dist worksteal -m 'long and not soak and not browser' $(ARGS)

test-browser: $(STAMP) ## Pages and mails in a real Chromium; says so where none is installed
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m browser $(ARGS)

check: $(STAMP) ## Format, lint, types, layers, dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

soak: $(STAMP) ## The long form of every proof: kills, faults, clocks (hours)
	@$(BIN)/python -m pytest -p tests.support.soak --soak-minutes 120 --soak-page docs/reliability.md -m '' tests/integration/delivery
	@$(BIN)/python -m pytest -m soak --ignore tests/integration/delivery $(ARGS)

bench: $(STAMP) ## Every benchmark beside its peer, as JSON
	@$(BIN)/python -m benchmarks $(ARGS)

check-mail: $(STAMP) ## Every mail before the filters, verifiers and validators of receivers (Debian, root; installs them)
	@$(BIN)/python -m tests.mailcheck $(ARGS)

pictures: $(STAMP) ## Draw the pictures of the README from the running demo
	@PYTHONPATH=. $(BIN)/python docs/pictures/make.py
	@PYTHONPATH=. $(BIN)/python docs/pictures/pages.py

clean: ## Remove what was built, not what was written
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis .coverage*
