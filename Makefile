# The newcomer's two commands are `make demo` and `make test`; `make help` lists all.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo ui test test-most test-system test-ui screenshots test-fast lint format docs nox \
	bench-import bench-waits bench-misfortunes bench-bulk bench-journal bench-workers \
	troubleshooting wheel ci clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(READY): setup.cfg pyproject.toml scripts/set_up.py
	@$(PYTHON) scripts/set_up.py $(VENV)
	@touch $@

demo: $(READY) ## A real Airflow creates customers in a local Codat, and shows which
	@$(BIN)/python scripts/demo.py

ui: $(READY) ## The same local Codat with Airflow's web page, to look around
	@$(BIN)/python scripts/ui.py

# More at a time than there are cores: much of the time the tests wait.
PARALLEL := -n 4 --dist worksteal
SYSTEM_LOG := build/tests-system.log

test: $(READY) ## All tests but those in a browser
	@echo 'Beside these, tests/system run, each file with an Airflow of its own.'
	@$(MAKE) --no-print-directory --keep-going -j2 test-most test-system

test-most: $(READY)
	@$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/system -m 'not ui'

test-system: $(READY)
	@mkdir -p build
	@$(BIN)/python -m pytest -n 3 --dist loadfile tests/system >$(SYSTEM_LOG) 2>&1; \
	code=$$?; cat $(SYSTEM_LOG); exit $$code

test-ui: docs ## Airflow's web page, in a real browser (needs Chromium)
	@$(BIN)/python -m pip install --quiet --editable '.[ui]'
	@$(BIN)/python -m pytest tests/ui

screenshots: ## The same, and write the pictures of docs/ui.md
	@CODAT_UI_SCREENSHOTS=docs/images $(MAKE) test-ui

test-fast: $(READY) ## The tests that start no Airflow
	@$(BIN)/python -m pytest $(PARALLEL) -m 'not slow'

lint: $(READY) ## Lint, format, types, who may import whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config setup.cfg

format: $(READY) ## Put the code into shape
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: $(READY) ## Build the documentation into build/site; any warning fails
	@AIRFLOW_HOME=$(CURDIR)/build/airflow $(BIN)/python -m sphinx -q -n -W --keep-going -E \
		-d build/doctrees docs build/site
	@echo 'Open build/site/index.html'

nox: $(READY) ## The tests and one DAG run on Airflow 2.11, 3.1 and, on Python 3.13, 3.3
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox

bench-import: $(READY) ## What importing the operator costs, beside others
	@$(BIN)/python benchmarks/imports.py

bench-waits: $(READY) ## What a thousand waits cost a triggerer, beside others
	@AIRFLOW_HOME=$(CURDIR)/.bench/waits $(BIN)/python benchmarks/waits.py

bench-misfortunes: $(READY) ## What becomes of 500 customers when things go wrong
	@$(BIN)/python benchmarks/misfortunes.py

bench-bulk: $(READY) ## What creating thousands of customers costs, beside others
	@$(BIN)/python benchmarks/bulk.py

bench-workers: $(READY) ## How fast tasks on several workers ask Codat together
	@$(BIN)/python benchmarks/workers.py

bench-journal: $(READY) ## What one cell of the journal costs, wherever it is kept
	@$(BIN)/python benchmarks/journal.py

troubleshooting: $(READY) ## Run every failure for real, and write docs/troubleshooting.md
	@$(BIN)/python scripts/troubleshooting.py

wheel: $(READY) ## Build sdist and wheel, and test the wheel from elsewhere
	@$(BIN)/python scripts/check_wheel.py

ci: ## All that must pass before a change goes in
	@bash .ci/run

clean: ## Remove what the other commands have made
	@rm -rf $(VENV) .bench .demo .ui .nox build dist *.egg-info
