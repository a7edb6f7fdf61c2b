PYTHON ?= python3
VENV := .venvs/check
LOCK := requirements/check.txt
STAMP := $(VENV)/.ready-$(shell cat $(LOCK) pyproject.toml | sha256sum | cut -c1-16)
BIN := $(VENV)/bin

help: ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/ \t/'

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 check"; exit 1; }
	@$(PYTHON) -m venv --help >/dev/null 2>&1 || { echo "Python's venv module is missing: install the package python3-venv."; exit 1; }
	@echo "Setting up $(VENV) (a minute or two the first time)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(LOCK)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

check: $(STAMP) ## set up, then run everything that must pass
	$(BIN)/ruff check licensing_protocol device_agent tests
	$(BIN)/mypy licensing_protocol device_agent
	$(BIN)/pytest -n 2 -q

clean: ## remove the virtual environment
	rm -rf .venvs

.PHONY: help check clean
