PYTHON ?= python3
CHECK := .venvs/check
DEMO := .venvs/demo
BIN := $(CHECK)/bin
PACKAGES := licensing_protocol device_agent licensing_server
CODE := $(PACKAGES) tests examples benchmarks

# A virtual environment is ready when the file named for what it was made from is there: it is written last, so an
# interrupted set-up is done again, and so is one whose lock has changed since.
ready = .venvs/$(1)/.ready-$(shell cat requirements/$(1).txt pyproject.toml | sha256sum | cut -c1-16)

# $(call stage,name,command): run one part of the checks and say how long it took.
define stage
	@echo "── $(1)"; begun=$$(date +%s); $(2) || { echo "── $(1) failed"; exit 1; }; \
	echo "── $(1): $$(( $$(date +%s) - begun )) s"
endef

help: ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/ \t/'

$(call ready,check): NAME := check
$(call ready,demo): NAME := demo
$(call ready,check) $(call ready,demo):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, for example: make PYTHON=python3.12 $(NAME)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing: install the package python3-venv."; exit 1; }
	@echo "Setting up .venvs/$(NAME) (a minute or two the first time)"
	@rm -rf .venvs/$(NAME)
	@$(PYTHON) -m venv .venvs/$(NAME)
	@.venvs/$(NAME)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/$(NAME).txt
	@.venvs/$(NAME)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(call ready,demo) ## the whole story, for real: server, camera, compliance, auditor (under two minutes)
	@$(DEMO)/bin/python -m examples.demo

check: $(call ready,check) ## set up, then run everything that must pass
	@.ci/system-packages
	$(call stage,format,$(BIN)/ruff format --check $(CODE) docs)
	$(call stage,lint,$(BIN)/ruff check $(CODE) docs)
	$(call stage,contracts,$(BIN)/lint-imports)
	$(call stage,types,$(BIN)/mypy $(CODE))
	$(call stage,protocol,$(BIN)/pytest -n 2 -q tests/protocol tests/conformance --cov --cov-fail-under=100)
	$(call stage,tests,$(BIN)/pytest -n 2 -q --ignore=tests/protocol --ignore=tests/conformance)
	$(call stage,docs,$(BIN)/sphinx-build -q -W --keep-going docs build/docs)

SECONDS ?= 600
soak: $(call ready,check) ## kill servers, cut the power and let disks fail for SECONDS (600): nothing acknowledged is lost
	INTERLOCK_SOAK_S=$(SECONDS) $(BIN)/pytest -q -s tests/server/test_log_faults.py tests/server/test_log_power_cuts.py

docs: $(call ready,check) ## build the documentation into build/docs
	$(BIN)/sphinx-build -q -W --keep-going docs build/docs
	@echo "Open build/docs/index.html"

dist: $(call ready,check) ## build the wheel into dist/
	$(BIN)/python -m build --no-isolation --wheel --outdir dist

lock: $(call ready,check) ## resolve requirements/*.in again, upgrading nothing that still fits
	for name in demo check; do $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header \
		--python-version 3.11 requirements/$$name.in --output-file requirements/$$name.txt || exit 1; done

clean: ## remove virtual environments and what was built
	rm -rf .venvs build dist *.egg-info

.PHONY: help demo check soak docs dist lock clean
